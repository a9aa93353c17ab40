// Package sample sums up what was measured several times.
package sample

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Sample is a quantity that was measured several times, in the unit of the values.
type Sample struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Of sums values up. Of none it is zero.
func Of(values ...float64) Sample {
	if len(values) == 0 {
		return Sample{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	median := v[mid]
	if len(v)%2 == 0 {
		median = (v[mid-1] + v[mid]) / 2
	}
	return Sample{median, v[0], v[len(v)-1]}
}

// Durations sums durations up, in milliseconds.
func Durations(values ...time.Duration) Sample {
	ms := make([]float64, len(values))
	for i, d := range values {
		ms[i] = Milliseconds(d)
	}
	return Of(ms...)
}

// Milliseconds is a duration in milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String is the median with one decimal, and the range if there is one.
func (s Sample) String() string {
	if s.Min == s.Max {
		return fmt.Sprintf("%.1f", s.Median)
	}
	return fmt.Sprintf("%.1f (%.1f to %.1f)", s.Median, s.Min, s.Max)
}

// Exponent is k of y = c·x^k, the curve that fits best when both axes are logarithmic: 1
// where y grows as x does, 0 where it does not grow. It is not a number if x does not
// differ, or y is not above zero.
func Exponent(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		lx, ly := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+lx, sy+ly, sxx+lx*lx, sxy+lx*ly
	}
	k := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	if math.IsInf(k, 0) {
		return math.NaN()
	}
	return k
}
