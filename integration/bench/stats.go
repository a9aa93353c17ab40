package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
)

// fromscratch is the builder that the others are compared with, and floor the
// one that is there for orientation: it makes no image, so it is nobody's peer.
const (
	fromscratch = "fromscratch"
	floor       = "host"
)

// Summary is what the runs of one program in one scenario say.
type Summary struct {
	Program  string
	Scenario string
	Builders []BuilderSummary
}

// BuilderSummary is what the runs of one cell say.
type BuilderSummary struct {
	Builder string
	Runs    int
	// Median, Min and Max are in seconds.
	Median, Min, Max float64
	// Ratio is the median of the ratios to the fastest other builder of the same
	// round; NaN if there was none.
	Ratio float64
	// Last is the latest run, for what does not vary.
	Last Run
}

// median is the middle of values, NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return sample.Of(values...).Median
}

// summarize sums runs up, in the order of the matrix.
func summarize(runs []Run) []Summary {
	byPlace := map[[2]string][]Run{}
	for _, r := range runs {
		place := [2]string{r.Program, r.Scenario}
		byPlace[place] = append(byPlace[place], r)
	}
	var out []Summary
	for _, p := range programs {
		for _, s := range scenarios {
			if place := byPlace[[2]string{p.Name, s.Name}]; len(place) > 0 {
				out = append(out, Summary{p.Name, s.Name, summarizeBuilders(place)})
			}
		}
	}
	return out
}

func summarizeBuilders(runs []Run) []BuilderSummary {
	var order []string
	byBuilder := map[string][]Run{}
	for _, p := range peers {
		if !slices.Contains(order, p.Name) {
			order = append(order, p.Name)
		}
	}
	for _, r := range runs {
		byBuilder[r.Builder] = append(byBuilder[r.Builder], r)
	}
	var out []BuilderSummary
	for _, name := range order {
		own := byBuilder[name]
		if len(own) == 0 {
			continue
		}
		var seconds []float64
		for _, r := range own {
			seconds = append(seconds, r.Seconds)
		}
		out = append(out, BuilderSummary{
			Builder: name, Runs: len(own), Ratio: median(ratios(name, runs)),
			Median: median(seconds), Min: slices.Min(seconds), Max: slices.Max(seconds),
			Last: slices.MaxFunc(own, func(a, b Run) int { return cmp.Compare(a.Round, b.Round) }),
		})
	}
	return out
}

// ratios compares the runs of a builder with the fastest of its peers in the
// same round: the machine is then in the same mood for both. Its variants are no
// peers.
func ratios(builder string, runs []Run) []float64 {
	best := map[int]float64{}
	for _, r := range runs {
		if familyOf(r.Builder) == familyOf(builder) || r.Builder == floor {
			continue
		}
		if b, ok := best[r.Round]; !ok || r.Seconds < b {
			best[r.Round] = r.Seconds
		}
	}
	var out []float64
	for _, r := range runs {
		if b, ok := best[r.Round]; ok && r.Builder == builder && b > 0 {
			out = append(out, r.Seconds/b)
		}
	}
	return out
}
