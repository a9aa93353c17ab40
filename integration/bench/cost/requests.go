package main

import (
	"fmt"
	"time"

	pb "github.com/moby/buildkit/frontend/gateway/pb"
	solver "github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
)

// process is what one process of the frontend took and used.
type process struct {
	total, own, startUp, definition, cpu time.Duration
	memory, requests, sent, received     int64
}

func processOf(r *wire.Report) process {
	p := process{total: r.Ended.Sub(r.Started), own: r.Own(r.Started, r.Ended), cpu: r.CPU, memory: r.PeakMemory, requests: int64(len(r.Requests))}
	for i, q := range r.Requests {
		if i == 0 {
			p.startUp = q.Start.Sub(r.Started)
		}
		if q.Method == "Solve" {
			p.definition = r.Own(r.Started, q.Start)
		}
		p.sent += int64(q.Sent)
		p.received += int64(q.Received)
	}
	return p
}

func sumProcesses(all []process) Frontend {
	times := func(get func(process) time.Duration) sample.Sample {
		var v []time.Duration
		for _, p := range all {
			v = append(v, get(p))
		}
		return sample.Durations(v...)
	}
	counts := func(get func(process) int64) sample.Sample {
		var v []float64
		for _, p := range all {
			v = append(v, float64(get(p)))
		}
		return sample.Of(v...)
	}
	return Frontend{
		Total:      times(func(p process) time.Duration { return p.total }),
		Answers:    times(func(p process) time.Duration { return p.total - p.own }),
		Own:        times(func(p process) time.Duration { return p.own }),
		StartUp:    times(func(p process) time.Duration { return p.startUp }),
		Definition: times(func(p process) time.Duration { return p.definition }),
		CPU:        times(func(p process) time.Duration { return p.cpu }),
		PeakMemory: counts(func(p process) int64 { return p.memory }),
		Requests:   counts(func(p process) int64 { return p.requests }),
		Sent:       counts(func(p process) int64 { return p.sent }),
		Received:   counts(func(p process) int64 { return p.received }),
	}
}

// place tells a request from others of the same process: what it asks for, and how many
// asked for the same before it.
type place struct {
	method, detail string
	nth            int
}

type timing struct {
	at, own, took  time.Duration
	sent, received int
}

// requests are those of one process.
type requests map[place]timing

func requestsOf(r *wire.Report) (requests, error) {
	out := requests{}
	busy := r.Started
	for _, q := range r.Requests {
		detail, err := describe(q)
		if err != nil {
			return nil, err
		}
		at := place{q.Method, detail, 0}
		for _, taken := out[at]; taken; _, taken = out[at] {
			at.nth++
		}
		out[at] = timing{q.Start.Sub(r.Started), max(0, q.Start.Sub(busy)), q.End.Sub(q.Start), q.Sent, q.Received}
		if q.End.After(busy) {
			busy = q.End
		}
	}
	return out, nil
}

func sumRequests(rounds []requests) []RequestStat {
	seen := map[place][]timing{}
	for _, r := range rounds {
		for at, t := range r {
			seen[at] = append(seen[at], t)
		}
	}
	var out []RequestStat
	for at, all := range seen {
		var begin, own, took []time.Duration
		var sent, received []float64
		for _, t := range all {
			begin, own, took = append(begin, t.at), append(own, t.own), append(took, t.took)
			sent, received = append(sent, float64(t.sent)), append(received, float64(t.received))
		}
		out = append(out, RequestStat{at.method, at.detail, len(all), sample.Durations(begin...), sample.Durations(own...), sample.Durations(took...), sample.Of(sent...), sample.Of(received...)})
	}
	return sortedBy(out, func(s RequestStat) float64 { return s.At.Median })
}

// message is what all messages of the gateway are.
type message interface{ UnmarshalVT([]byte) error }

// describe says what a request asks for.
func describe(q wire.Request) (string, error) {
	parse := func(m message) error {
		if err := m.UnmarshalVT(q.Message); err != nil {
			return fmt.Errorf("a request of %s: %w", q.Method, err)
		}
		return nil
	}
	switch q.Method {
	case "Solve":
		var m pb.SolveRequest
		if err := parse(&m); err != nil {
			return "", err
		}
		return describeSolve(&m), nil
	case "ReadFile":
		var m pb.ReadFileRequest
		err := parse(&m)
		if m.Range != nil {
			return fmt.Sprintf("%s [%d:%d]", m.FilePath, m.Range.Offset, m.Range.Offset+m.Range.Length), err
		}
		return m.FilePath, err
	case "ReadDir":
		var m pb.ReadDirRequest
		err := parse(&m)
		if m.IncludePattern != "" {
			return m.DirPath + " " + m.IncludePattern, err
		}
		return m.DirPath, err
	case "StatFile":
		var m pb.StatFileRequest
		err := parse(&m)
		return m.Path, err
	case "ResolveImageConfig":
		var m pb.ResolveImageConfigRequest
		err := parse(&m)
		return m.Ref, err
	case "ResolveSourceMeta":
		var m pb.ResolveSourceMetaRequest
		err := parse(&m)
		return m.Source.GetIdentifier(), err
	}
	return "", nil
}

func describeSolve(m *pb.SolveRequest) string {
	d := m.Definition
	if d == nil || len(d.Def) == 0 {
		if m.Frontend != "" {
			return "frontend " + m.Frontend
		}
		return "nothing"
	}
	n := len(d.Def) - 1
	more := ""
	if m.Evaluate {
		more = ", at once"
	}
	return fmt.Sprintf("%s (%s%s)", lastVertex(d), plural(n, "vertex", "vertices"), more)
}

// lastVertex is the name of the vertex that a definition is for. Its last entry is no
// vertex, and says only which one it is.
func lastVertex(d *solver.Definition) string {
	var head, op solver.Op
	if err := head.UnmarshalVT(d.Def[len(d.Def)-1]); err != nil || len(head.Inputs) == 0 {
		return "?"
	}
	dgst := head.Inputs[0].Digest
	if name := d.Metadata[dgst].GetDescription()["llb.customname"]; name != "" {
		return name
	}
	for _, text := range d.Def {
		if string(digest.FromBytes(text)) != dgst || op.UnmarshalVT(text) != nil {
			continue
		}
		if s := op.GetSource(); s != nil {
			return s.Identifier
		}
		if e := op.GetExec(); e != nil {
			return fmt.Sprint(e.GetMeta().GetArgs())
		}
		return fmt.Sprintf("%T", op.Op)
	}
	return "?"
}
