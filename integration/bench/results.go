package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Cell is one place in the matrix.
type Cell struct {
	Program  string `json:"program"`
	Scenario string `json:"scenario"`
	Builder  string `json:"builder"`
}

func (c Cell) String() string { return c.Program + " " + c.Scenario + " " + c.Builder }

// Run is one timed build.
type Run struct {
	Cell
	// Round tells runs of a cell apart; runs of one round took turns.
	Round   int     `json:"round"`
	Seconds float64 `json:"seconds"`
	Counts
	// PeakMemory is the most memory that the builder and its processes had at once,
	// in bytes; 0 if it was not looked at.
	PeakMemory int64 `json:"peakMemoryBytes,omitempty"`
	// Traffic is nil if it was not looked at, as that of the host, which has none.
	*Traffic
	// CacheBytes is the size of the cache in the registry that was imported.
	CacheBytes int64 `json:"cacheBytes,omitempty"`
	// ImageBytes is the compressed size of the image, or that of the binary on
	// the host; of several, their sum.
	ImageBytes int64 `json:"imageBytes"`
	// Image is the digest of the image, or those of several: builds of one revision by one builder give
	// one digest if they are reproducible, and an edit another one.
	Image string `json:"image,omitempty"`
	// Inputs is a digest of all that the builder was given: images, its file
	// and the program.
	Inputs string    `json:"inputs"`
	At     time.Time `json:"at"`
}

// Results is the content of a result file.
type Results struct {
	Environment Environment `json:"environment"`
	Runs        []Run       `json:"runs"`

	file string
}

// openResults reads a result file, or begins one.
func openResults(file string) (*Results, error) {
	r := &Results{file: file}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return r, nil
}

// find returns a run that is there already.
func (r *Results) find(c Cell, round int) (Run, bool) {
	i := slices.IndexFunc(r.Runs, func(run Run) bool { return run.Cell == c && run.Round == round })
	if i < 0 {
		return Run{}, false
	}
	return r.Runs[i], true
}

// add appends a run and writes the file, so that nothing is lost by an
// interruption.
func (r *Results) add(run Run) error {
	r.Runs = append(r.Runs, run)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(r.file), filepath.Base(r.file)+".*")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(text, '\n'))
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), r.file)
	}
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}
