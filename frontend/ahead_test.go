package frontend_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// asker notes which images are asked for, and has the build context wait for one.
type asker struct {
	*gatewaytest.Client
	mu     sync.Mutex
	asked  []string
	images chan struct{}
	err    error
}

func (a *asker) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked = append(a.asked, ref); len(a.asked) == 1 {
		close(a.images)
	}
	if a.err != nil {
		return "", "", nil, a.err
	}
	return a.Client.ResolveImageConfig(ctx, ref, opt)
}

func newAsker(t *testing.T, spec string, opts map[string]string) *asker {
	return &asker{Client: newClient(t, spec, opts), images: make(chan struct{})}
}

// local is the name of the local source that a solve is for, if it is for one alone.
func local(t *testing.T, req client.SolveRequest) string {
	for _, dt := range req.Definition.Def {
		op := &pb.Op{}
		require.NoError(t, op.UnmarshalVT(dt))
		if src := op.GetSource(); src != nil && len(req.Definition.Def) == 2 {
			return src.Attrs[pb.AttrSharedKeyHint]
		}
	}
	return ""
}

// TestImageAhead: an image that the spec names is looked up while the build context is
// transferred, and once for all platforms.
func TestImageAhead(t *testing.T) {
	a := newAsker(t, "toolchain: {name: go-cgo0, image: golang:1.26}\ntargets:\n  app:\n    build: .\n", map[string]string{"platform": "linux/amd64,linux/amd64/v3"})
	waited := false
	a.SolveHook = func(req client.SolveRequest) error {
		if local(t, req) != "context" {
			return nil
		}
		waited = true
		select {
		case <-a.images:
			return nil
		case <-time.After(10 * time.Second):
			return errors.New("the context came before anybody asked for the image")
		}
	}
	_, err := build(a)
	require.NoError(t, err)
	require.True(t, waited)
	require.Equal(t, []string{"docker.io/library/golang:1.26"}, a.asked)
}

// TestImageAheadFails: that it was looked up before it was needed changes nothing in what
// the user is told.
func TestImageAheadFails(t *testing.T) {
	a := newAsker(t, "toolchain: {name: go-cgo0, image: golang:0.1}\ntargets:\n  app:\n    build: .\n", nil)
	a.err = errors.New("failed to resolve source metadata: not found")
	_, err := build(a)
	require.ErrorContains(t, err, "fromscratch.yaml:1:12: the toolchain image golang:0.1 cannot be had (failed to resolve source metadata: not found)")
	require.Len(t, a.asked, 1)
}

// TestSourcesBeforeImage: a mistake in the sources is told, whatever is wrong with the
// image.
func TestSourcesBeforeImage(t *testing.T) {
	a := newAsker(t, goSpec, nil)
	a.Files.(fstest.MapFS)["main.go"].Data = []byte("package lib\n")
	a.err = errors.New("failed to resolve source metadata: not found")
	_, err := build(a)
	require.ErrorContains(t, err, "is package lib, a library")
}

// TestSolvedOnce: what two parts of a build want to know at the same time is one solve.
func TestSolvedOnce(t *testing.T) {
	c := newClient(t, goSpec, nil)
	files := c.Files.(fstest.MapFS)
	files["go.mod"].Data = []byte("module example.com/app\n\ngo 1.26\n\nrequire example.org/lib v1.0.0\n")
	files["go.sum"] = &fstest.MapFile{Data: []byte("example.org/lib v1.0.0 h1:x=\n")}
	files["main.go"].Data = []byte("package main\n\nimport _ \"example.org/lib\"\n")
	files["required"] = &fstest.MapFile{}
	_, err := build(c)
	require.NoError(t, err)
	var heads []string
	for _, req := range c.Solves() {
		if local(t, req) == "" {
			heads = append(heads, string(req.Definition.Def[len(req.Definition.Def)-1]))
		}
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(heads))), len(heads))
}
