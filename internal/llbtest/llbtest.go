// Package llbtest finds things in an LLB definition, so that tests say which op
// has which mount, and not which digest.
package llbtest

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Graph is a marshalled definition.
type Graph struct {
	Ops []Op
	def *llb.Definition
}

// Op is one vertex.
type Op struct {
	*pb.Op
	// Name is the custom name that users see.
	Name string
	// Lines are the lines of the spec that the op points at.
	Lines  []int32
	digest digest.Digest
}

// Marshal turns a state into its graph.
func Marshal(t testing.TB, st llb.State, opts ...llb.ConstraintsOpt) *Graph {
	t.Helper()
	def, err := st.Marshal(context.Background(), opts...)
	require.NoError(t, err)
	g := &Graph{def: def}
	for _, dt := range def.Def {
		op := Op{Op: &pb.Op{}, digest: digest.FromBytes(dt)}
		require.NoError(t, op.UnmarshalVT(dt))
		op.Name = def.Metadata[op.digest].Description["llb.customname"]
		if locs := def.Source.Locations[op.digest.String()]; locs != nil {
			for _, l := range locs.Locations {
				for _, r := range l.Ranges {
					op.Lines = append(op.Lines, r.Start.Line)
				}
			}
		}
		g.Ops = append(g.Ops, op)
	}
	return g
}

// Bytes is the definition as it goes over the wire, for comparing two graphs.
func (g *Graph) Bytes() []byte {
	var out []byte
	for _, dt := range g.def.Def {
		out = append(out, dt...)
	}
	return out
}

// Exec is an exec with its environment and mounts by name.
type Exec struct {
	Op
	Args   []string
	Dir    string
	Env    map[string]string
	Mounts map[string]*pb.Mount
}

// Execs lists all execs.
func (g *Graph) Execs() []Exec {
	var out []Exec
	for _, op := range g.Ops {
		e := op.GetExec()
		if e == nil {
			continue
		}
		x := Exec{Op: op, Args: e.Meta.Args, Dir: e.Meta.Cwd, Env: map[string]string{}, Mounts: map[string]*pb.Mount{}}
		for _, kv := range e.Meta.Env {
			k, v, _ := strings.Cut(kv, "=")
			x.Env[k] = v
		}
		for _, m := range e.Mounts {
			x.Mounts[m.Dest] = m
		}
		out = append(out, x)
	}
	return out
}

// OneExec is the only exec of the graph.
func (g *Graph) OneExec(t testing.TB) Exec {
	t.Helper()
	execs := g.Execs()
	require.Len(t, execs, 1)
	return execs[0]
}

// LastExec is the exec that the others prepare.
func (g *Graph) LastExec(t testing.TB) Exec {
	t.Helper()
	execs := g.Execs()
	require.NotEmpty(t, execs)
	return execs[len(execs)-1]
}

// FileActions lists the actions of all file ops.
func (g *Graph) FileActions() []*pb.FileAction {
	var out []*pb.FileAction
	for _, op := range g.Ops {
		if f := op.GetFile(); f != nil {
			out = append(out, f.Actions...)
		}
	}
	return out
}

// Digest is the digest of the op that the graph ends in.
func (g *Graph) Digest(t testing.TB) digest.Digest {
	t.Helper()
	d, err := g.def.Head()
	require.NoError(t, err)
	return d
}

// Files is a source tree made of "name=content" words.
func Files(words ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, w := range words {
		name, text, _ := strings.Cut(w, "=")
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// Platform looks a platform up in the table.
func Platform(t testing.TB, name string) platform.Platform {
	t.Helper()
	p, err := platform.Lookup(platforms.MustParse(name))
	require.NoError(t, err)
	return p
}
