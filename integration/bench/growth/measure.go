package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client"
	pb "github.com/moby/buildkit/frontend/gateway/pb"

	"github.com/fromscratch-build/fromscratch/integration/bench/dockerfile"
	"github.com/fromscratch-build/fromscratch/integration/bench/generate"
	"github.com/fromscratch-build/fromscratch/integration/bench/probed"
	"github.com/fromscratch-build/fromscratch/integration/bench/sample"
	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// dimension is something that grows.
type dimension struct {
	name, what string
	sizes      []int
	program    func(n int) *generate.Sized
	// platforms are those that are built for; one without it.
	platforms func(n int) []string
	// all has all targets built by one docker buildx bake.
	all bool
}

// platforms are those that Go without cgo is compiled for, the usual first.
var platforms = []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/riscv64", "linux/s390x", "linux/arm/v6"}

var dimensions = []dimension{
	{name: "files", what: "files in the context that are no part of the program, a Go command", sizes: []int{10, 100, 1000, 10000, 50000}, program: generate.OtherFiles},
	{name: "targets", what: "targets in one spec, or stages in one Dockerfile, of which one is built", sizes: []int{1, 10, 100}, program: generate.Targets},
	{name: "bake", what: "targets in one spec, or stages in one Dockerfile, all built by `docker buildx bake`", sizes: []int{1, 5, 20}, program: generate.Targets, all: true},
	{name: "platforms", what: "platforms of a Go command", sizes: []int{1, 2, 4, 8}, program: func(int) *generate.Sized { return generate.Targets(1) }, platforms: func(n int) []string { return platforms[:n] }},
	{name: "packages", what: "Go packages of the module that a command imports", sizes: []int{10, 100, 600}, program: generate.GoPackages},
	{name: "modules", what: "Go modules that go.mod requires, each replaced by a folder of the context", sizes: []int{10, 100, 600}, program: generate.GoModules},
	{name: "crates", what: "crates of a Cargo workspace that a program depends on", sizes: []int{10, 100, 600}, program: generate.Crates},
}

// Results is what a call of the command found.
type Results struct {
	Frontend string   `json:"frontend"`
	Rounds   int      `json:"rounds"`
	Growths  []Growth `json:"growths"`
}

// Growth is how the cost grows with one quantity.
type Growth struct {
	Of     string  `json:"of"`
	What   string  `json:"what"`
	Points []Point `json:"points"`
}

// Point is the cost of a build at one size, when nothing has changed since the last one.
// Times are in milliseconds.
type Point struct {
	Size int `json:"size"`
	// Fromscratch and Dockerfile are the times of buildx, and Ratio that of both in each
	// round.
	Fromscratch sample.Sample `json:"fromscratch"`
	Dockerfile  sample.Sample `json:"dockerfile"`
	Ratio       sample.Sample `json:"ratio"`
	// First is the number of bytes that the client sends for the first build, Again for
	// one without a change, and the others those for the Dockerfile.
	First           int `json:"first"`
	Again           int `json:"again"`
	FirstDockerfile int `json:"firstDockerfile"`
	AgainDockerfile int `json:"againDockerfile"`
	// The frontends as processes, summed over all that one call starts.
	Process           Process `json:"process"`
	ProcessDockerfile Process `json:"processDockerfile"`
}

// Process is what the processes of the frontend took and used in one call.
type Process struct {
	// Own is the time in which no request was under way, and Total from start to end.
	Own   sample.Sample `json:"own"`
	Total sample.Sample `json:"total"`
	// Requests and the rest are of the last call.
	Requests map[string]int `json:"requests"`
	// Definitions are the bytes of all definitions, and Largest those of the largest,
	// which has so many Vertices.
	Definitions int `json:"definitions"`
	Largest     int `json:"largest"`
	Vertices    int `json:"vertices"`
	// PeakMemory is the largest resident set of a process, in bytes.
	PeakMemory sample.Sample `json:"peakMemory"`
}

func (p *Process) all() int {
	sum := 0
	for _, n := range p.Requests {
		sum += n
	}
	return sum
}

type lab struct {
	*probed.Lab
	rounds int
}

// side is one of the two that are compared.
type side struct {
	lab  *lab
	dim  dimension
	prog *generate.Sized
	dir  string
	file string
	size int
	// plain and under are the images of the frontend, as it is and under the probe.
	plain, under string
}

// measure builds one size by both, in turns.
func (l *lab) measure(ctx context.Context, d dimension, n int) (_ *Point, err error) {
	root := filepath.Join(l.Dir, d.name)
	// Tens of thousands of files are in nobody's way.
	defer func() {
		if rerr := os.RemoveAll(root); err == nil {
			err = rerr
		}
	}()
	prog := d.program(n)
	ours := &side{l, d, prog, filepath.Join(root, "fromscratch"), "fromscratch.yaml", n, builds.FrontendImage, probed.Frontend}
	theirs := &side{l, d, prog, filepath.Join(root, "dockerfile"), "Dockerfile", n, dockerfile.Image, probed.Dockerfile}
	p := &Point{Size: n}
	if p.First, err = ours.prepare(ctx, prog.Spec()); err != nil {
		return nil, err
	}
	if p.FirstDockerfile, err = theirs.prepare(ctx, prog.Dockerfile()); err != nil {
		return nil, err
	}
	var a, b, ratios []float64
	for range l.rounds {
		ran, err := ours.build(ctx, ours.plain)
		if err != nil {
			return nil, err
		}
		if p.Again, err = transferred(ran.Progress); err != nil {
			return nil, err
		}
		other, err := theirs.build(ctx, theirs.plain)
		if err != nil {
			return nil, err
		}
		if p.AgainDockerfile, err = transferred(other.Progress); err != nil {
			return nil, err
		}
		x, y := sample.Milliseconds(ran.Took()), sample.Milliseconds(other.Took())
		a, b, ratios = append(a, x), append(b, y), append(ratios, x/y)
	}
	p.Fromscratch, p.Dockerfile, p.Ratio = sample.Of(a...), sample.Of(b...), sample.Of(ratios...)
	if p.Process, err = ours.process(ctx); err != nil {
		return nil, err
	}
	p.ProcessDockerfile, err = theirs.process(ctx)
	return p, err
}

// prepare writes the context and builds until there is nothing left to do. It returns
// what the client sent for the first build.
func (s *side) prepare(ctx context.Context, recipe string) (int, error) {
	files := maps.Clone(s.prog.Files)
	files[s.file] = recipe
	if err := os.RemoveAll(s.dir); err != nil {
		return 0, err
	}
	for name, text := range files {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		file := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	first, err := s.build(ctx, s.plain)
	if err != nil {
		return 0, err
	}
	if _, err := s.build(ctx, s.under); err != nil {
		return 0, err
	}
	return transferred(first.Progress)
}

// image is the name that an image is pushed under.
func (s *side) image(target string) string {
	return "type=image,push=true,name=" + s.lab.Bed.Registry + "/bench/growth-" + filepath.Base(s.dir) + "-" + target
}

func (s *side) platforms() []string {
	if s.dim.platforms == nil {
		return platforms[:1]
	}
	return s.dim.platforms(s.size)
}

func (s *side) build(ctx context.Context, syntax string) (*probed.Ran, error) {
	file := filepath.Join(s.dir, s.file)
	target := s.prog.Targets[0].Name
	if !s.dim.all {
		return s.lab.Build(ctx, syntax, "--file", file, "--target", target, "--platform", strings.Join(s.platforms(), ","), "--output", s.image(target), s.dir)
	}
	var names []string
	targets := map[string]any{}
	for _, t := range s.prog.Targets {
		names = append(names, t.Name)
		targets[t.Name] = map[string]any{"context": s.dir, "dockerfile": file, "target": t.Name, "platforms": s.platforms(), "output": []string{s.image(t.Name)}}
	}
	text, err := json.Marshal(map[string]any{"group": map[string]any{"default": map[string]any{"targets": names}}, "target": targets})
	if err != nil {
		return nil, err
	}
	bake := s.dir + ".bake.json"
	if err := os.WriteFile(bake, text, 0o644); err != nil {
		return nil, err
	}
	return s.lab.Bake(ctx, syntax, "--allow", "fs.read=*", "--file", bake)
}

// process builds under the probe.
func (s *side) process(ctx context.Context) (p Process, err error) {
	var own, total, memory []float64
	for range s.lab.rounds {
		ran, err := s.build(ctx, s.under)
		if err != nil {
			return p, err
		}
		var o, t, m float64
		p.Requests, p.Definitions, p.Largest, p.Vertices = map[string]int{}, 0, 0, 0
		for i := range ran.Reports {
			r := &ran.Reports[i]
			o += sample.Milliseconds(r.Own(r.Started, r.Ended))
			t += sample.Milliseconds(r.Ended.Sub(r.Started))
			m = max(m, float64(r.PeakMemory))
			for _, q := range r.Requests {
				if err := p.count(q); err != nil {
					return p, err
				}
			}
		}
		if len(ran.Reports) != s.starts() {
			return p, fmt.Errorf("%d frontends ran under the probe, want %d", len(ran.Reports), s.starts())
		}
		own, total, memory = append(own, o), append(total, t), append(memory, m)
	}
	p.Own, p.Total, p.PeakMemory = sample.Of(own...), sample.Of(total...), sample.Of(memory...)
	return p, nil
}

// starts is how many frontends one call starts.
func (s *side) starts() int {
	if s.dim.all {
		return s.size
	}
	return 1
}

func (p *Process) count(q wire.Request) error {
	p.Requests[q.Method]++
	if q.Method != "Solve" {
		return nil
	}
	var m pb.SolveRequest
	if err := m.UnmarshalVT(q.Message); err != nil {
		return fmt.Errorf("a solve of the frontend: %w", err)
	}
	if m.Definition == nil {
		return nil
	}
	size := m.Definition.SizeVT()
	p.Definitions += size
	if size > p.Largest {
		// The last entry only names the vertex that is wanted.
		p.Largest, p.Vertices = size, len(m.Definition.Def)-1
	}
	return nil
}

// transferred sums up what the client sent, in bytes, as the progress of a build tells
// it: the context, and the files that were asked for by name.
func transferred(progress []byte) (int, error) {
	type transfer struct{ vertex, id string }
	sent := map[transfer]int{}
	lines := bufio.NewScanner(bytes.NewReader(progress))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var status client.SolveStatus
		if json.Unmarshal(lines.Bytes(), &status) != nil {
			continue // Not all that buildx says is progress.
		}
		for _, s := range status.Statuses {
			if strings.HasPrefix(s.ID, "transferring ") {
				at := transfer{s.Vertex.String(), s.ID}
				sent[at] = max(sent[at], int(s.Current))
			}
		}
	}
	sum := 0
	for _, n := range sent {
		sum += n
	}
	return sum, lines.Err()
}
