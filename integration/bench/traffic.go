package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
)

// Traffic is what went between a build and the registry. Crates and modules come
// from elsewhere, and are not in it.
type Traffic struct {
	// Pulled is the number of bytes of blobs and manifests that were answered.
	Pulled int64 `json:"pulledBytes"`
	// Pushed is the size of the blobs and manifests that were uploaded: not of those
	// that the registry had, and not of those that it took from another repository.
	Pushed int64 `json:"pushedBytes"`
}

// repositories are those of the registry that a build may touch, and those below them.
type repositories struct {
	// own are what it pushes to, and may pull from.
	own []string
	// images are what it pulls from alone.
	images []string
}

// accessLog is the log of the test bed's registry, which has a line for each request
// that it has answered.
type accessLog struct {
	file     string
	registry registry.Registry
}

func (l *lab) accessLog() accessLog {
	return accessLog{filepath.Join(l.bed.Root, ".testbed", "log", "registry.log"), l.registry}
}

// mark makes a request of its own and returns where its line ends. The lines of
// requests that were answered earlier lie before it: the registry writes the line
// of a small answer before it sends it, and a build ends with small ones.
func (a accessLog) mark(ctx context.Context) (int64, error) {
	var from int64
	if info, err := os.Stat(a.file); err == nil {
		from = info.Size()
	}
	sign := rand.Text()
	resp, err := a.registry.Ask(ctx, http.MethodGet, "?mark="+sign)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		text, err := readBetween(a.file, from, -1)
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(text, []byte(sign)); i >= 0 {
			if end := bytes.IndexByte(text[i:], '\n'); end >= 0 {
				return from + int64(i+end+1), nil
			}
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return 0, errors.Join(fmt.Errorf("%s does not tell of a request to %s", a.file, a.registry.Addr), ctx.Err())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// readBetween returns a part of a file, to its end if that is negative.
func readBetween(file string, from, to int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if to < 0 {
		to = 1<<63 - 1
	}
	return io.ReadAll(io.NewSectionReader(f, from, to-from))
}

// traffic sums up what the log tells between two marks.
//
// The registry has other clients, and a builder cannot be told from another by what
// is in a line. So only those repositories count that the build may touch: its own,
// and for what it pulls those of its images. Whoever pulls the same images at the same
// time counts too, as their work is in the times.
func (a accessLog) traffic(ctx context.Context, from, to int64, in repositories) (*Traffic, error) {
	text, err := readBetween(a.file, from, to)
	if err != nil {
		return nil, err
	}
	sum := &Traffic{}
	for line := range bytes.Lines(text) {
		r, ok := parseRequest(line)
		if !ok {
			continue
		}
		switch {
		case r.pulled() && (r.of(in.own) || r.of(in.images)):
			sum.Pulled += r.bytes
		case r.pushed() && r.of(in.own):
			size, err := a.registry.Length(ctx, r.repository+"/"+r.kind+"/"+r.reference)
			if err != nil {
				return nil, err
			}
			sum.Pushed += size
		}
	}
	return sum, nil
}

// request is a line of the log that is about a blob or a manifest.
type request struct {
	method     string
	repository string
	// kind is blobs or manifests, and reference the digest or the tag.
	kind, reference string
	status          int
	// bytes is the length of the answer.
	bytes int64
}

// commonLine is the beginning of a line of the combined log format.
var commonLine = regexp.MustCompile(`^\S+ \S+ \S+ \[[^]]*\] "([A-Z]+) (\S+) HTTP/[0-9.]+" ([0-9]{3}) ([0-9]+|-)`)

var requestPath = regexp.MustCompile(`^/v2/(.+)/(?:(manifests|blobs)/([^/]+)|blobs/uploads/[^/]*)$`)

func parseRequest(line []byte) (request, bool) {
	l := commonLine.FindSubmatch(line)
	if l == nil {
		return request{}, false
	}
	u, err := url.ParseRequestURI(string(l[2]))
	if err != nil {
		return request{}, false
	}
	p := requestPath.FindStringSubmatch(u.Path)
	if p == nil {
		return request{}, false
	}
	r := request{method: string(l[1]), repository: p[1], kind: p[2], reference: p[3]}
	if r.kind == "" {
		// The last request of an upload says what has been uploaded.
		r.kind, r.reference = "blobs", u.Query().Get("digest")
	}
	r.status, _ = strconv.Atoi(string(l[3]))            // Three digits.
	r.bytes, _ = strconv.ParseInt(string(l[4]), 10, 64) // A dash is no byte.
	return r, true
}

func (r request) pulled() bool {
	return r.method == http.MethodGet && (r.status == http.StatusOK || r.status == http.StatusPartialContent)
}

// pushed leaves out what was mounted from another repository: that is a POST.
func (r request) pushed() bool {
	return r.method == http.MethodPut && r.status == http.StatusCreated && r.reference != ""
}

func (r request) of(names []string) bool {
	for _, name := range names {
		if r.repository == name || strings.HasPrefix(r.repository, name+"/") {
			return true
		}
	}
	return false
}
