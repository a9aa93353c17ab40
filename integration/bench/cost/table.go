package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
)

// markdown is all results as tables.
func (r *Results) markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "Frontend %s.\n\n| image | compressed |\n|---|---:|\n", r.Frontend)
	for _, pf := range slices.Sorted(maps.Keys(r.ImageBytes)) {
		fmt.Fprintf(&s, "| %s | %.2f MB |\n", pf, float64(r.ImageBytes[pf])/1e6)
	}
	if len(r.Cold) > 0 {
		var pull, start, total []float64
		for _, c := range r.Cold {
			pull, start, total = append(pull, c.Pull), append(start, c.Start), append(total, sample.Milliseconds(c.Total))
		}
		fmt.Fprintf(&s, "\n| on a builder without the image | ms |\n|---|---:|\n| pulled and unpacked | %s |\n| container started | %s |\n| `docker buildx build` of a binary that is there | %s |\n",
			sample.Of(pull...), sample.Of(start...), sample.Of(total...))
	}
	for _, b := range r.Builds {
		b.markdown(&s)
	}
	return s.String()
}

func (b *Build) markdown(s *strings.Builder) {
	fmt.Fprintf(s, "\n### %s, %s\n\n%s of each, medians with their range.\n\n| docker buildx build | ms |\n|---|---:|\n", b.Program, b.Scenario, plural(b.Rounds, "build", "builds"))
	for _, p := range b.Phases {
		fmt.Fprintf(s, "| %s | %s |\n", p.Name, p.Took)
	}
	fmt.Fprintf(s, "| **all** | **%s** |\n| from the request to the first vertex of the build | %s |\n", b.Total, b.FirstVertex)
	f := b.Frontend
	fmt.Fprintf(s, "\n| process of the frontend | |\n|---|---:|\n")
	for _, row := range []struct {
		name, unit string
		value      sample.Sample
	}{
		{"from its start to its end", "ms", f.Total}, {"BuildKit answers", "ms", f.Answers}, {"its own time", "ms", f.Own}, {"of that, until the first request", "ms", f.StartUp},
		{"own time from its start to the last definition", "ms", f.Definition}, {"processor time", "ms", f.CPU}, {"peak memory", "MB", scaled(f.PeakMemory, 1e-6)},
		{"requests", "", f.Requests}, {"sent", "kB", scaled(f.Sent, 1e-3)}, {"received", "kB", scaled(f.Received, 1e-3)},
	} {
		fmt.Fprintf(s, "| %s | %s %s |\n", row.name, row.value, row.unit)
	}
	fmt.Fprintf(s, "\n| at, ms | own, ms | answer, ms | sent, B | received, B | request |\n|---:|---:|---:|---:|---:|---|\n")
	for _, q := range b.Requests {
		note := ""
		if q.Rounds < b.Rounds {
			note = fmt.Sprintf(" *(in %d of %d)*", q.Rounds, b.Rounds)
		}
		fmt.Fprintf(s, "| %.1f | %.1f | %.1f | %.0f | %.0f | %s %s%s |\n", q.At.Median, q.Own.Median, q.Took.Median, q.Sent.Median, q.Received.Median, q.Method, strings.ReplaceAll(q.Detail, "|", `\|`), note)
	}
}

func scaled(s sample.Sample, by float64) sample.Sample {
	return sample.Sample{Median: s.Median * by, Min: s.Min * by, Max: s.Max * by}
}
