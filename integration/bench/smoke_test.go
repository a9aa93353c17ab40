//go:build integration

package main

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"testing"
)

// TestSmoke runs two cells of the matrix, and looks at what was done in them: how long
// it took is for a quiet machine.
func TestSmoke(t *testing.T) {
	// The daemon ends with the thread that started it.
	runtime.LockOSThread()
	file := filepath.Join(t.TempDir(), "results.json")
	var progress bytes.Buffer
	args := []string{"-program", "go-service", "-scenario", "no-change,edit", "-builder", fromscratch, "-rounds", "1", "-o", file}
	if err := run(context.Background(), args, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	results, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		scenario string
		compiled int
		// executed is the most that may run: the compile, and file operations on what
		// was edited.
		executed int
		pushed   bool
	}{
		{"no-change", 0, 2, false},
		{"edit", 1, 4, true},
	} {
		got, ok := results.find(Cell{"go-service", want.scenario, fromscratch}, 1)
		switch {
		case !ok:
			t.Errorf("%s was not run", want.scenario)
		case got.Compiled != want.compiled || got.Executed > want.executed:
			t.Errorf("%s: %d packages compiled and %d steps executed, want %d and at most %d", want.scenario, got.Compiled, got.Executed, want.compiled, want.executed)
		case got.Traffic == nil || got.Pulled != 0 || got.Pushed > 0 != want.pushed:
			t.Errorf("%s: the traffic with the registry was %+v", want.scenario, got.Traffic)
		case got.PeakMemory == 0 || got.ImageBytes == 0 || got.Seconds == 0:
			t.Errorf("%s: something was not measured: %+v", want.scenario, got)
		}
	}
}
