package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/bench/probed"
	"github.com/fromscratch-build/fromscratch/integration/bench/trace"
	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
)

func at(ms int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(ms)).UTC() }

func span(name string, kind, from, to int) trace.Span {
	return trace.Span{Name: name, SpanKind: kind, StartTime: at(from), EndTime: at(to)}
}

// TestPhases: the parts of a build leave nothing out and count nothing twice.
func TestPhases(t *testing.T) {
	call := span("moby.buildkit.v1.frontend.LLBBridge/Solve", 2, 100, 300)
	call.SpanContext.SpanID = "call"
	call.Events = []trace.Event{{Name: "Container created", Time: at(140)}, {Name: "Container started", Time: at(141)}, {Name: "Container exited", Time: at(270)}}
	resolve := span("resolving docker.io/fromscratch/frontend:1", 1, 105, 115)
	resolve.Parent.SpanID = "call"
	ph, first, err := phasesOf(&probed.Ran{Begun: at(0), Ended: at(500), Trace: []trace.Span{
		span("moby.buildkit.v1.Control/Solve", 2, 20, 21), // It asks what BuildKit can do.
		span("moby.buildkit.v1.Control/Solve", 2, 99, 450), span("moby.buildkit.v1.frontend.LLBBridge/Solve", 3, 99, 301), call, resolve, span("exporting to image", 1, 310, 400),
		vertex("[internal] load build context", 160), vertex("load cache: [linux/amd64] go build .", 200), vertex("docker-image://docker.io/fromscratch/frontend:1", 150), vertex("before the frontend", 130),
	}})
	require.NoError(t, err)
	require.Equal(t, 100*time.Millisecond, first)
	var got []int
	sum := time.Duration(0)
	for _, d := range ph {
		got = append(got, int(d/time.Millisecond))
		sum += d
	}
	require.Equal(t, []int{100, 5, 10, 25, 1, 129, 30, 10, 90, 50, 50}, got)
	require.Equal(t, 500*time.Millisecond, sum)
	require.Len(t, ph, len(phaseNames))
	_, _, err = phasesOf(&probed.Ran{})
	require.Error(t, err)
}

func vertex(name string, from int) trace.Span {
	s := span(name, 1, from, from+1)
	s.Attributes = append(s.Attributes, struct {
		Key   string
		Value struct{ Value any }
	}{"vertex", struct{ Value any }{"sha256:1"}})
	return s
}

// TestProcess: what the frontend does by itself ends with the last definition, not with
// the requests after it.
func TestProcess(t *testing.T) {
	p := processOf(&wire.Report{Started: at(0), Ended: at(100), Requests: []wire.Request{
		{Method: "Ping", Start: at(8), End: at(10), Sent: 1}, {Method: "Solve", Start: at(15), End: at(40), Sent: 2}, {Method: "Solve", Start: at(50), End: at(60)}, {Method: "Return", Start: at(70), End: at(80)},
	}})
	require.Equal(t, []int{100, 53, 8, 23}, []int{int(p.total / 1e6), int(p.own / 1e6), int(p.startUp / 1e6), int(p.definition / 1e6)})
	require.Equal(t, []int64{4, 3}, []int64{p.requests, p.sent})
}
