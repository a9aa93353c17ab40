package frontend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// manyPackages is a program of n packages.
func manyPackages(t *testing.T, n int, opts map[string]string) *gatewaytest.Client {
	c := newClient(t, "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n", opts)
	files := c.Files.(fstest.MapFS)
	var main strings.Builder
	main.WriteString("package main\n")
	for i := range n {
		fmt.Fprintf(&main, "import _ \"example.com/app/p%d\"\n", i)
		files[fmt.Sprintf("p%d/p.go", i)] = &fstest.MapFile{Data: []byte("package p\n")}
	}
	files["main.go"] = &fstest.MapFile{Data: []byte(main.String())}
	return c
}

// TestPackAhead: the sources of a large program come in one piece, which is made
// without a network, and that of a small one in many.
func TestPackAhead(t *testing.T) {
	const name = "[sources] list packages"
	small, call := manyPackages(t, 20, nil), manyPackages(t, 200, map[string]string{"requestid": "frontend.dockerfile"})
	for _, c := range []*gatewaytest.Client{small, call} {
		_, err := build(c)
		require.NoError(t, err)
	}
	large := manyPackages(t, 200, nil)
	_, err := build(large)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(vertices(large, name)) == 1 }, 10*time.Second, time.Millisecond)
	var execs []*pb.ExecOp
	for _, op := range large.Ops(t) {
		if x := op.GetExec(); x != nil && slices.Contains(x.Meta.Args, "pack") {
			execs = append(execs, x)
		}
	}
	require.Len(t, execs, 1)
	x := execs[0]
	require.Equal(t, []string{"/fromscratch", "pack", "/src", "/out"}, x.Meta.Args)
	require.Equal(t, pb.NetMode_NONE, x.Network)
	for _, m := range x.Mounts {
		require.Equal(t, m.Dest == "/src", m.Readonly, m.Dest)
	}
	require.Empty(t, vertices(small, name))
	require.Empty(t, vertices(call, name), "a call runs nothing")
}

func TestPackCommand(t *testing.T) {
	src, out := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(src, "main.go"), []byte("package main\n"), 0o644))
	require.NoError(t, frontend.Pack([]string{"pack", src, out}))
	entries, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.ErrorContains(t, frontend.Pack([]string{"pack", src, filepath.Join(out, "none")}), "no such file")
	require.ErrorContains(t, frontend.Pack([]string{"--help"}), "docker buildx build")
}
