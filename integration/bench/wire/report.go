package wire

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Report is what there is to say of a frontend that has ended.
type Report struct {
	// Session tells builds apart.
	Session string `json:"session"`
	// Begun is when the probe began, Started when it started the frontend, and Ended
	// when the frontend was gone.
	Begun   time.Time `json:"begun"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// CPU is the processor time of the frontend, of the user and of the kernel.
	CPU time.Duration `json:"cpu"`
	// PeakMemory is its largest resident set, in bytes.
	PeakMemory int64     `json:"peakMemory"`
	Requests   []Request `json:"requests"`
}

// mark begins each line of a report. A report has many, since the log of a daemon is
// all that a container can write to.
const (
	mark      = "fromscratch-probe"
	lineBytes = 3 << 10 // Less than a pipe takes at once.
)

// Write writes a report.
func (r *Report) Write(to io.Writer) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(zip).Encode(r), zip.Close()); err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(packed.Bytes())
	for len(text) > 0 {
		n := min(lineBytes, len(text))
		more := "+"
		if n == len(text) {
			more = "."
		}
		if _, err := fmt.Fprintf(to, "%s %s %s %s\n", mark, r.Session, more, text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// ReadReports finds the reports in a log.
func ReadReports(log io.Reader) ([]Report, error) {
	var all []Report
	parts := map[string]*strings.Builder{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		_, line, ok := strings.Cut(lines.Text(), mark+" ")
		f := strings.Fields(line)
		if !ok || len(f) != 3 {
			continue
		}
		if parts[f[0]] == nil {
			parts[f[0]] = &strings.Builder{}
		}
		parts[f[0]].WriteString(f[2])
		if f[1] == "+" {
			continue
		}
		r, err := unpack(parts[f[0]].String())
		if err != nil {
			return nil, fmt.Errorf("report of the probe: %w", err)
		}
		all = append(all, r)
		delete(parts, f[0])
	}
	return all, lines.Err()
}

func unpack(text string) (r Report, err error) {
	zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return r, err
	}
	return r, json.NewDecoder(zip).Decode(&r)
}

// Own is the time between two moments in which no request was under way: what the
// frontend did by itself.
func (r *Report) Own(from, to time.Time) time.Duration {
	own := time.Duration(0)
	for _, q := range r.Requests {
		if q.Start.After(to) {
			break
		}
		if q.Start.After(from) {
			own += q.Start.Sub(from)
		}
		if q.End.After(from) {
			from = q.End
		}
	}
	if to.After(from) {
		own += to.Sub(from)
	}
	return own
}
