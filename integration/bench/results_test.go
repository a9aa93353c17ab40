package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResultsAreTakenUpAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	r, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	run := timing("edit", fromscratch, 2, 1.5)
	if err := r.add(run); err != nil {
		t.Fatal(err)
	}
	again, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.find(run.Cell, 2); !ok || got != run {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := again.find(run.Cell, 1); ok {
		t.Error("found a round that was not run")
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openResults(file); err == nil {
		t.Error("a broken file is overwritten")
	}
}
