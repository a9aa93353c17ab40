package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTransferred: each transfer is reported many times while it goes on, and ends with
// the number of its bytes.
func TestTransferred(t *testing.T) {
	const context, spec = "sha256:1111111111111111111111111111111111111111111111111111111111111111", "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	status := func(vertex, id, current string) string {
		return `{"statuses":[{"id":"` + id + `","vertex":"` + vertex + `","current":` + current + `,"timestamp":"2026-01-01T00:00:00Z"}]}` + "\n"
	}
	n, err := transferred([]byte("some words\n" + status(context, "transferring context:", "10") + status(spec, "transferring dockerfile:", "5") +
		status(context, "transferring context:", "4000") + status(context, "pushing layers", "70000")))
	require.NoError(t, err)
	require.Equal(t, 4005, n)
}

func TestMarkdown(t *testing.T) {
	point := func(size, requests int) Point {
		return Point{Size: size, Process: Process{Requests: map[string]int{"Solve": 5, "ReadFile": requests - 5}}}
	}
	r := Results{Growths: []Growth{{Of: "targets", Points: []Point{point(1, 30), point(10, 120), point(100, 1200)}}}}
	lines := strings.Split(strings.TrimSpace(r.markdown()), "\n")
	cells := func(line string) string { return strings.TrimSpace(strings.Split(line, "|")[7]) }
	require.Equal(t, "requests", cells(lines[6]))
	require.Equal(t, "11.8", cells(lines[len(lines)-2]), "each one more")
	require.Equal(t, "1.00", cells(lines[len(lines)-1]), "from ten to a hundred times as many")
}
