package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// table writes a summary in Markdown: times, then what was done in them.
func table(env Environment, all []Summary) string {
	var s strings.Builder
	s.WriteString("# Benchmark\n\n")
	for _, kv := range env.list() {
		fmt.Fprintf(&s, "- %s: %s\n", kv[0], kv[1])
	}
	for _, group := range byProgram(all) {
		names := buildersOf(group)
		fmt.Fprintf(&s, "\n## %s\n\n", group[0].Program)
		fmt.Fprintf(&s, "Median of the times in seconds, and their range; the last column compares %s with the fastest other image builder of each round.\n\n", fromscratch)
		row(&s, append(append([]string{"scenario"}, names...), "ratio"))
		row(&s, slices.Repeat([]string{"---"}, len(names)+2))
		for _, sum := range group {
			cells := []string{sum.Scenario}
			for _, n := range names {
				cells = append(cells, sum.cell(n, func(b BuilderSummary) string { return times(b) }))
			}
			row(&s, append(cells, sum.cell(fromscratch, func(b BuilderSummary) string { return ratio(b.Ratio) })))
		}
		s.WriteString("\nUnits compiled / steps executed / size of the imported cache / size of the image.\n\n")
		row(&s, append([]string{"scenario"}, names...))
		row(&s, slices.Repeat([]string{"---"}, len(names)+1))
		for _, sum := range group {
			cells := []string{sum.Scenario}
			for _, n := range names {
				cells = append(cells, sum.cell(n, func(b BuilderSummary) string {
					return fmt.Sprintf("%d / %d / %s / %s", b.Last.Compiled, b.Last.Executed, bytesText(b.Last.CacheBytes), bytesText(b.Last.ImageBytes))
				}))
			}
			row(&s, cells)
		}
		if measured(group) {
			s.WriteString("\nPeak memory / pulled from the registry / pushed to it.\n\n")
			row(&s, append([]string{"scenario"}, names...))
			row(&s, slices.Repeat([]string{"---"}, len(names)+1))
			for _, sum := range group {
				cells := []string{sum.Scenario}
				for _, n := range names {
					cells = append(cells, sum.cell(n, func(b BuilderSummary) string { return memoryAndTraffic(b.Last) }))
				}
				row(&s, cells)
			}
		}
	}
	return s.String()
}

// measured tells whether there is anything about memory and traffic: older result
// files have nothing.
func measured(group []Summary) bool {
	for _, sum := range group {
		for _, b := range sum.Builders {
			if b.Last.PeakMemory > 0 || b.Last.Traffic != nil {
				return true
			}
		}
	}
	return false
}

// memoryAndTraffic tells no traffic, which is a zero, from traffic that was not
// looked at.
func memoryAndTraffic(r Run) string {
	pulled, pushed := "–", "–"
	if r.Traffic != nil {
		pulled, pushed = sizeText(r.Pulled), sizeText(r.Pushed)
	}
	return bytesText(r.PeakMemory) + " / " + pulled + " / " + pushed
}

func row(s *strings.Builder, cells []string) {
	fmt.Fprintf(s, "| %s |\n", strings.Join(cells, " | "))
}

func times(b BuilderSummary) string {
	if b.Runs == 1 {
		return seconds(b.Median)
	}
	return seconds(b.Median) + " (" + seconds(b.Min) + "–" + seconds(b.Max) + ")"
}

// seconds has two decimals below ten, and one from there on.
func seconds(s float64) string {
	if s < 9.995 {
		return fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%.1f", s)
}

func ratio(r float64) string {
	if math.IsNaN(r) {
		return "–"
	}
	return fmt.Sprintf("%.2f×", r)
}

// bytesText is for sizes of which 0 says that there is nothing to tell.
func bytesText(n int64) string {
	if n == 0 {
		return "–"
	}
	return sizeText(n)
}

func sizeText(n int64) string {
	switch {
	case n == 0:
		return "0"
	case n < 1e6:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// cell is the text for one builder, or a dash if it has no runs.
func (s Summary) cell(builder string, text func(BuilderSummary) string) string {
	for _, b := range s.Builders {
		if b.Builder == builder {
			return text(b)
		}
	}
	return "–"
}

// byProgram splits summaries, which are in the order of programs.
func byProgram(all []Summary) [][]Summary {
	var out [][]Summary
	for _, s := range all {
		if n := len(out); n > 0 && out[n-1][0].Program == s.Program {
			out[n-1] = append(out[n-1], s)
		} else {
			out = append(out, []Summary{s})
		}
	}
	return out
}

// buildersOf lists the builders that have runs, in the order of the matrix.
func buildersOf(group []Summary) []string {
	var out []string
	for _, s := range group {
		for _, b := range s.Builders {
			if !slices.Contains(out, b.Builder) {
				out = append(out, b.Builder)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(peerOrder(a), peerOrder(b)) })
	return out
}
