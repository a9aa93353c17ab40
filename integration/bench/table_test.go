package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	runs := []Run{timing("cold", fromscratch, 1, 60), timing("edit", fromscratch, 1, 1), timing("edit", fromscratch, 2, 3), timing("edit", "mounts", 1, 4)}
	runs[2].Counts, runs[2].ImageBytes, runs[2].CacheBytes = Counts{Compiled: 1, Executed: 2}, 2_050_000, 900
	got := table(Environment{CPUs: 2}, summarize(runs))
	if strings.Contains(got, "Peak memory") {
		t.Errorf("a table of what older files do not have:\n%s", got)
	}
	runs[2].PeakMemory, runs[2].Traffic = 64_000_000, &Traffic{Pulled: 12_000}
	runs[3].PeakMemory = 1_000_000
	got = table(Environment{CPUs: 2}, summarize(runs))
	for _, want := range []string{
		"- processors: 2\n", "\n## rust-service\n", "| scenario | fromscratch | mounts | ratio |\n| --- | --- | --- | --- |\n",
		"| cold | 60.0 | – | – |\n", "| edit | 2.00 (1.00–3.00) | 4.00 | 0.25× |\n", "| edit | 1 / 2 / 1 kB / 2.0 MB | 0 / 0 / – / – |\n",
		"| cold | – / – / – | – |\n", "| edit | 64.0 MB / 12 kB / 0 | 1.0 MB / – / – |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

func TestChart(t *testing.T) {
	for name, runs := range map[string][]Run{
		"nothing":  nil,
		"no times": {timing("cold", fromscratch, 1, 0)},
		"several":  {timing("cold", fromscratch, 1, 60), timing("edit", fromscratch, 1, 1), timing("edit", fromscratch, 2, 3), timing("edit", "mounts", 1, 4)},
	} {
		got := chart(summarize(runs))
		if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
			t.Errorf("%s: a bar without a length:\n%s", name, got)
		}
		d := xml.NewDecoder(strings.NewReader(got))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		// One for each bar, and the background.
		if bars, want := strings.Count(got, "<rect"), map[string]int{"nothing": 1, "no times": 2, "several": 4}[name]; bars != want {
			t.Errorf("%s: %d rectangles, want %d", name, bars, want)
		}
	}
}
