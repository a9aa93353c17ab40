package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestResultsAreTakenUpAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	r, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	run := timing("edit", fromscratch, 2, 1.5)
	run.PeakMemory, run.Traffic = 64<<20, &Traffic{Pushed: 7}
	if err := r.add(run); err != nil {
		t.Fatal(err)
	}
	again, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.find(run.Cell, 2); !ok || !reflect.DeepEqual(got, run) {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := again.find(run.Cell, 1); ok {
		t.Error("found a round that was not run")
	}
	// Older files lack what is counted now: that is no zero.
	old := `{"runs": [{"program": "p", "scenario": "s", "builder": "b", "round": 1, "seconds": 2, "compiled": 1}]}`
	if err := os.WriteFile(file, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err = openResults(file); err != nil {
		t.Fatal(err)
	}
	if got, ok := again.find(Cell{"p", "s", "b"}, 1); !ok || got.Traffic != nil || got.Compiled != 1 {
		t.Errorf("got %+v, %v", got, ok)
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openResults(file); err == nil {
		t.Error("a broken file is overwritten")
	}
}
