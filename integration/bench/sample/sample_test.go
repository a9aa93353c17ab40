package sample_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
)

func TestOf(t *testing.T) {
	require.Equal(t, sample.Sample{}, sample.Of())
	require.Equal(t, sample.Sample{Median: 2, Min: 1, Max: 9}, sample.Of(9, 1, 2))
	require.Equal(t, sample.Sample{Median: 2.5, Min: 1, Max: 9}, sample.Of(9, 1, 2, 3))
	require.Equal(t, "1.5", sample.Durations(1500*time.Microsecond).String())
	require.Equal(t, "2.0 (1.0 to 3.0)", sample.Of(3, 1).String())
}

func TestExponent(t *testing.T) {
	sizes := []float64{1, 10, 100}
	for want, y := range map[float64][]float64{0: {7, 7, 7}, 1: {3, 30, 300}, 2: {1, 100, 10000}, 0.5: {1, math.Sqrt(10), 10}} {
		require.InDelta(t, want, sample.Exponent(sizes, y), 1e-9)
	}
	require.True(t, math.IsNaN(sample.Exponent([]float64{5, 5}, []float64{1, 2})), "nothing grew")
	require.True(t, math.IsNaN(sample.Exponent(sizes, []float64{0, 0, 0})))
}
