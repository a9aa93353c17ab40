package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{8, 2, 4, 6}, 5}, {nil, math.NaN()},
	} {
		if got := median(c.values); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.want)
		}
	}
}

func timing(scenario, builder string, round int, seconds float64) Run {
	return Run{Cell: Cell{"rust-service", scenario, builder}, Round: round, Seconds: seconds}
}

func TestRatiosAreThoseOfOneRound(t *testing.T) {
	runs := []Run{
		timing("edit", fromscratch, 1, 2), timing("edit", "mounts", 1, 4), timing("edit", "chef", 1, 8), timing("edit", floor, 1, 1),
		// The machine is busy: all take ten times as long.
		timing("edit", fromscratch, 2, 30), timing("edit", "mounts", 2, 80), timing("edit", "chef", 2, 20), timing("edit", floor, 2, 10),
		// Nobody to compare with.
		timing("edit", fromscratch, 3, 5), timing("edit", floor, 3, 5),
	}
	if got, want := ratios(fromscratch, runs), []float64{0.5, 1.5}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := ratios("chef", runs), []float64{4, 2.0 / 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVariantsAreNoPeers(t *testing.T) {
	runs := []Run{
		timing("six-commands", fromscratch, 1, 4), timing("six-commands", fromscratch+"-group", 1, 1),
		timing("six-commands", "expert", 1, 8), timing("six-commands", "expert-group", 1, 2),
	}
	for builder, want := range map[string]float64{fromscratch: 2, fromscratch + "-group": 0.5, "expert-group": 2} {
		if got := ratios(builder, runs); !slices.Equal(got, []float64{want}) {
			t.Errorf("%s: got %v, want %v", builder, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	s := summarize([]Run{
		timing("edit", "mounts", 1, 4), timing("cold", fromscratch, 1, 60),
		timing("edit", fromscratch, 2, 3), timing("edit", fromscratch, 1, 1), timing("edit", fromscratch, 3, 8),
	})
	if len(s) != 2 || s[0].Scenario != "cold" || s[1].Scenario != "edit" {
		t.Fatalf("got %+v", s)
	}
	b := s[1].Builders[0]
	if b.Builder != fromscratch || b.Runs != 3 || b.Median != 3 || b.Min != 1 || b.Max != 8 || b.Ratio != 0.25 || b.Last.Round != 3 {
		t.Errorf("got %+v", b)
	}
	if !math.IsNaN(s[0].Builders[0].Ratio) {
		t.Errorf("a ratio without a peer: %+v", s[0].Builders[0])
	}
}
