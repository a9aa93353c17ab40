package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
)

// column is a quantity of the table.
type column struct {
	name string
	get  func(*Point) float64
	form string
}

var columns = []column{
	{"build, ms", func(p *Point) float64 { return p.Fromscratch.Median }, "%.0f"},
	{"Dockerfile, ms", func(p *Point) float64 { return p.Dockerfile.Median }, "%.0f"},
	{"own time, ms", func(p *Point) float64 { return p.Process.Own.Median }, "%.1f"},
	{"Dockerfile's, ms", func(p *Point) float64 { return p.ProcessDockerfile.Own.Median }, "%.1f"},
	{"requests", func(p *Point) float64 { return float64(p.Process.all()) }, "%.0f"},
	{"definitions, kB", func(p *Point) float64 { return float64(p.Process.Definitions) / 1e3 }, "%.1f"},
	{"vertices", func(p *Point) float64 { return float64(p.Process.Vertices) }, "%.0f"},
	{"memory, MB", func(p *Point) float64 { return p.Process.PeakMemory.Median / 1e6 }, "%.1f"},
	{"Dockerfile's, MB", func(p *Point) float64 { return p.ProcessDockerfile.PeakMemory.Median / 1e6 }, "%.1f"},
	{"first sent, kB", func(p *Point) float64 { return float64(p.First) / 1e3 }, "%.1f"},
	{"sent again, kB", func(p *Point) float64 { return float64(p.Again) / 1e3 }, "%.1f"},
	{"Dockerfile's, kB", func(p *Point) float64 { return float64(p.AgainDockerfile) / 1e3 }, "%.1f"},
}

// markdown is all results as tables.
func (r *Results) markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "Frontend %s, %d rounds.\n", r.Frontend, r.Rounds)
	for _, g := range r.Growths {
		g.markdown(&s)
	}
	return s.String()
}

func (g *Growth) markdown(s *strings.Builder) {
	fmt.Fprintf(s, "\n### %s\n\n%s\n\n| %s | ratio |", g.Of, g.What, g.Of)
	for _, c := range columns {
		fmt.Fprintf(s, " %s |", c.name)
	}
	fmt.Fprintf(s, "\n|%s\n", strings.Repeat("---:|", 2+len(columns)))
	for i := range g.Points {
		p := &g.Points[i]
		fmt.Fprintf(s, "| %d | %.2f (%.2f to %.2f) |", p.Size, p.Ratio.Median, p.Ratio.Min, p.Ratio.Max)
		for _, c := range columns {
			fmt.Fprintf(s, " "+c.form+" |", c.get(p))
		}
		s.WriteString("\n")
	}
	if len(g.Points) < 2 {
		return
	}
	first, before, last := &g.Points[0], &g.Points[len(g.Points)-2], &g.Points[len(g.Points)-1]
	s.WriteString("| each one more | |")
	for _, c := range columns {
		fmt.Fprintf(s, " %.3g |", (c.get(last)-c.get(first))/float64(last.Size-first.Size))
	}
	s.WriteString("\n| exponent at the end | |")
	for _, c := range columns {
		k := sample.Exponent([]float64{float64(before.Size), float64(last.Size)}, []float64{c.get(before), c.get(last)})
		if math.IsNaN(k) {
			s.WriteString(" |")
			continue
		}
		fmt.Fprintf(s, " %.2f |", k)
	}
	s.WriteString("\n")
}
