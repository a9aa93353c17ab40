package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
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

// TestTablesOfDocs: the tables and charts of the documentation are those of the runs
// beside them.
func TestTablesOfDocs(t *testing.T) {
	files, err := filepath.Glob("../../docs/performance-*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d result files, %v", len(files), err)
	}
	for _, file := range files {
		r, err := openResults(file)
		if err != nil {
			t.Fatal(err)
		}
		summary := summarize(r.Runs)
		base := strings.TrimSuffix(file, ".json")
		for name, want := range map[string]string{base + ".md": table(r.Environment, summary), base + ".svg": chart(summary)} {
			got, err := os.ReadFile(name)
			if err != nil || string(got) != want {
				t.Errorf("%s is not what the bench makes of its runs with -report (%v)", name, err)
			}
		}
	}
}

func TestReportOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	if err := reportFile(""); err == nil {
		t.Error("a report of no file")
	}
	if err := reportFile(file); err == nil {
		t.Error("a report of a file that is not there")
	}
	r, err := openResults(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.add(timing("edit", fromscratch, 1, 1.5)); err != nil {
		t.Fatal(err)
	}
	if err := reportFile(file); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{".md", ".svg"} {
		if text, err := os.ReadFile(strings.TrimSuffix(file, ".json") + end); err != nil || !strings.Contains(string(text), "1.50") {
			t.Errorf("%s: %v\n%s", end, err, text)
		}
	}
}
