package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/fromscratch-build/fromscratch/integration/bench/dockerfile"
	"github.com/fromscratch-build/fromscratch/integration/bench/probed"
	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
	"github.com/fromscratch-build/fromscratch/integration/bench/trace"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Build is what was found of the builds of a program. All times are in milliseconds.
type Build struct {
	Program  string `json:"program"`
	Scenario string `json:"scenario"`
	Rounds   int    `json:"rounds"`
	// Total is the time of docker buildx build, and Phases what it is made of, one
	// after the other. Nothing runs under the probe there.
	Total  sample.Sample `json:"total"`
	Phases []Phase       `json:"phases"`
	// FirstVertex is the time from the request to BuildKit to its first work on a vertex
	// that the frontend asks for, beside the loading of files from the client.
	FirstVertex sample.Sample `json:"firstVertex"`
	// What follows was measured under the probe.
	Frontend Frontend      `json:"frontend"`
	Requests []RequestStat `json:"requests"`
}

// Phase is a part of a build.
type Phase struct {
	Name string        `json:"name"`
	Took sample.Sample `json:"took"`
}

// Frontend is what the process of the frontend took and used.
type Frontend struct {
	// Total is the time from its start to its end: Answers those of BuildKit, in which at
	// least one request was under way, and Own the rest. StartUp is the part of Own until
	// the first request.
	Total   sample.Sample `json:"total"`
	Answers sample.Sample `json:"answers"`
	Own     sample.Sample `json:"own"`
	StartUp sample.Sample `json:"startUp"`
	// Definition is the own time from its start until it asks for the last solve.
	Definition sample.Sample `json:"definition"`
	// CPU is its processor time.
	CPU sample.Sample `json:"cpu"`
	// PeakMemory is the largest resident set, in bytes.
	PeakMemory sample.Sample `json:"peakMemory"`
	Requests   sample.Sample `json:"requests"`
	// Sent and Received are the bytes of all messages.
	Sent     sample.Sample `json:"sent"`
	Received sample.Sample `json:"received"`
}

// RequestStat is a request that is made in each round, or in some.
type RequestStat struct {
	Method string `json:"method"`
	Detail string `json:"detail"`
	// Rounds is in how many it was seen.
	Rounds int `json:"rounds"`
	// At is its time after the start of the frontend, Own that in which nothing was
	// under way before it, and Took that of the answer.
	At       sample.Sample `json:"at"`
	Own      sample.Sample `json:"own"`
	Took     sample.Sample `json:"took"`
	Sent     sample.Sample `json:"sent"`
	Received sample.Sample `json:"received"`
}

// scenarios are what comes before each build.
var scenarios = []string{"no-change", "edit"}

// measure builds a program in all scenarios, with the frontend as it is and under the
// probe in turns.
func (l *lab) measure(ctx context.Context, p program, rounds int, wanted func(string) bool) ([]Build, error) {
	plain, under := builds.FrontendImage, probed.Frontend
	if p.peer {
		if err := l.PublishPeer(ctx); err != nil {
			return nil, err
		}
		plain, under = dockerfile.Image, probed.Dockerfile
	}
	dir := filepath.Join(l.Dir, p.slug())
	args, err := p.checkout(l.Bed.Root, dir)
	if err != nil {
		return nil, err
	}
	args = append([]string{"--output", "type=image,push=true,name=" + l.Bed.Registry + "/bench/cost-" + p.slug()}, args...)
	for _, syntax := range []string{plain, under} {
		if _, err := l.Build(ctx, syntax, args...); err != nil {
			return nil, err
		}
	}
	var out []Build
	for _, scenario := range scenarios {
		if !wanted(scenario) {
			continue
		}
		var found findings
		for i := range rounds {
			for _, syntax := range []string{plain, under} {
				if scenario == "edit" {
					if err := p.edit(l.Bed.Root, dir); err != nil {
						return nil, err
					}
				}
				r, err := l.Build(ctx, syntax, args...)
				if err != nil {
					return nil, err
				}
				if err := found.add(r); err != nil {
					return nil, err
				}
			}
			l.Say("%s, %s, round %d of %d: %s", p.name, scenario, i+1, rounds, milliseconds(found.totals[i]))
		}
		out = append(out, found.sum(p.name, scenario))
	}
	return out, nil
}

// findings are those of all rounds.
type findings struct {
	totals, first []time.Duration
	phases        []phases
	processes     []process
	requests      []requests
}

func (f *findings) add(r *probed.Ran) error {
	if r.Report != nil {
		f.processes = append(f.processes, processOf(r.Report))
		all, err := requestsOf(r.Report)
		f.requests = append(f.requests, all)
		return err
	}
	ph, first, err := phasesOf(r)
	if err != nil {
		return err
	}
	f.totals = append(f.totals, r.Took())
	f.first, f.phases = append(f.first, first), append(f.phases, ph)
	return nil
}

func (f *findings) sum(program, scenario string) Build {
	b := Build{Program: program, Scenario: scenario, Rounds: len(f.totals), Total: sample.Durations(f.totals...), FirstVertex: sample.Durations(f.first...)}
	for i, name := range phaseNames {
		var all []time.Duration
		for _, ph := range f.phases {
			all = append(all, ph[i])
		}
		b.Phases = append(b.Phases, Phase{name, sample.Durations(all...)})
	}
	b.Frontend, b.Requests = sumProcesses(f.processes), sumRequests(f.requests)
	return b
}

// phaseNames are the parts of a build in their order.
var phaseNames = []string{
	"buildx, until it asks BuildKit",
	"BuildKit reads the first line of the spec",
	"image of the frontend looked up in the registry",
	"its root file system made",
	"container started",
	"frontend, from its start to its end",
	"container removed",
	"BuildKit, until the export",
	"export and push",
	"record of the build",
	"buildx, until it ends",
}

type phases [11]time.Duration

// phasesOf takes the trace of a build apart. What BuildKit does on behalf of the
// frontend is one call there, with events for its container.
func phasesOf(r *probed.Ran) (ph phases, first time.Duration, err error) {
	call, solve, export := find(r.Trace, isFrontend), find(r.Trace, isSolve), find(r.Trace, isExport)
	if call == nil || solve == nil || export == nil {
		return ph, 0, errors.New("the trace of the build lacks the frontend, the solve or the export")
	}
	created, started, exited := call.Event("Container created"), call.Event("Container started"), call.Event("Container exited")
	resolve := find(r.Trace, func(s *trace.Span) bool {
		return strings.HasPrefix(s.Name, "resolving ") && s.Parent.SpanID == call.SpanContext.SpanID && s.EndTime.Before(created)
	})
	looked, found := call.StartTime, call.StartTime
	if resolve != nil {
		looked, found = resolve.StartTime, resolve.EndTime
	}
	marks := []time.Time{r.Begun, call.StartTime, looked, found, created, started, exited, call.EndTime, export.StartTime, export.EndTime, solve.EndTime, r.Ended}
	for i := range ph {
		ph[i] = marks[i+1].Sub(marks[i])
	}
	vertex := find(r.Trace, func(s *trace.Span) bool {
		return s.Vertex() != "" && s.StartTime.After(started) && !strings.Contains(s.Name, "[internal] ") && !strings.Contains(s.Name, "docker-image://")
	})
	if vertex != nil {
		first = vertex.StartTime.Sub(call.StartTime)
	}
	return ph, first, nil
}

func isFrontend(s *trace.Span) bool {
	return s.SpanKind == 2 && strings.HasSuffix(s.Name, "LLBBridge/Solve") && !s.Event("Container started").IsZero()
}

// isSolve tells the call that is the build. Before it, buildx makes an empty one to
// learn what the daemon can do.
func isSolve(s *trace.Span) bool {
	return s.SpanKind == 2 && strings.HasSuffix(s.Name, "Control/Solve") && s.EndTime.Sub(s.StartTime) > 20*time.Millisecond
}

func isExport(s *trace.Span) bool { return strings.HasPrefix(s.Name, "exporting ") }

// find returns the earliest span of a kind, nil if there is none.
func find(spans []trace.Span, is func(*trace.Span) bool) *trace.Span {
	var first *trace.Span
	for i := range spans {
		if s := &spans[i]; is(s) && (first == nil || s.StartTime.Before(first.StartTime)) {
			first = s
		}
	}
	return first
}

// Cold is a start of the frontend on a builder that does not have its image, in
// milliseconds.
type Cold struct {
	// Pull is the time from the request to BuildKit until the root file system of the
	// frontend is there, and Start from then until its process runs.
	Pull  float64 `json:"pull"`
	Start float64 `json:"start"`
	// Total is that of docker buildx build.
	Total time.Duration `json:"total"`
}

// coldSpec is a build without a toolchain, so that nothing is pulled but the frontend.
const coldSpec = "toolchain: prebuilt\nextras: none\ntargets:\n  app: {build: probe}\n"

// cold builds an image on a builder without any state.
func (l *lab) cold(ctx context.Context) (c Cold, err error) {
	d, err := l.Bed.StartBuildkitd(ctx, "bench-cost", testbed.BuildkitdOpt{})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	daemon, err := client.New(ctx, d.Addr)
	if err != nil {
		return c, err
	}
	defer daemon.Close()
	dir := filepath.Join(l.Dir, "probe")
	file := filepath.Join(dir, "fromscratch.yaml")
	if err := os.WriteFile(file, []byte(coldSpec), 0o644); err != nil {
		return c, err
	}
	r, err := l.BuildOn(ctx, daemon, d.Builder, builds.FrontendImage, "--output", "type=image,push=true,name="+l.Bed.Registry+"/bench/cost-cold", "--file", file, dir)
	if err != nil {
		return c, err
	}
	call := find(r.Trace, isFrontend)
	if call == nil {
		return c, errors.New("the trace of the build lacks the frontend")
	}
	c.Pull = sample.Milliseconds(call.Event("Container created").Sub(call.StartTime))
	c.Start = sample.Milliseconds(call.Event("Container started").Sub(call.Event("Container created")))
	c.Total = r.Took()
	return c, nil
}

// sortedBy sorts by a key and leaves the order of equals.
func sortedBy[T any, K cmp.Ordered](all []T, key func(T) K) []T {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return all
}

// plural is for counts in tables.
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
