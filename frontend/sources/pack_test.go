package sources_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// tree writes files, and links where the text begins with an arrow.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			require.NoError(t, os.Symlink(to, name))
			continue
		}
		require.NoError(t, os.WriteFile(name, []byte(text), 0o640))
	}
	return dir
}

// unpacked is an FS of dir that has loaded a pack of it, and what it asks beyond.
func unpacked(t *testing.T, dir string) (*sources.FS, *counted) {
	t.Helper()
	var pack bytes.Buffer
	require.NoError(t, sources.Pack(dir, &pack))
	ref := &counted{Reference: gatewaytest.Reference{Files: os.DirFS(dir)}}
	f := sources.New(context.Background(), ref)
	require.NoError(t, f.Load(pack.Bytes()))
	return f, ref
}

// TestPack: what is in a pack is not asked for, and what is not in it is.
func TestPack(t *testing.T) {
	long := strings.Repeat("// A long comment.\n", 2000)
	dir := tree(t, map[string]string{
		"go.mod": "module m\n", "main.go": "package main\n", "main_test.go": "package main\n", "empty.go": "",
		"lib/lib.go": long, "lib/doc.md": "text", "lib/link.go": "-> lib.go", "other": "-> lib",
		"crate/Cargo.toml": "[package]\n", "crate/src/main.rs": "fn main() {}\n", "assets/logo.svg": "<svg/>",
	})
	f, ref := unpacked(t, dir)
	for _, name := range []string{".", "lib", "crate", "crate/src"} {
		want, err := os.ReadDir(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := f.ReadDir(name)
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range want {
			a, err := want[i].Info()
			require.NoError(t, err)
			b, err := got[i].Info()
			require.NoError(t, err)
			require.Equal(t, a.Name(), b.Name())
			require.Equal(t, a.Mode(), b.Mode(), a.Name())
			require.True(t, a.ModTime().Equal(b.ModTime()), a.Name())
			if a.Mode().IsRegular() {
				require.Equal(t, a.Size(), b.Size(), a.Name())
			}
		}
	}
	for name, want := range map[string]string{"go.mod": "module m\n", "main.go": "package main\n", "empty.go": "", "crate/Cargo.toml": "[package]\n"} {
		file, err := f.Open(name)
		require.NoError(t, err)
		got := make([]byte, 100)
		n, _ := file.Read(got)
		require.Equal(t, want, string(got[:n]), name)
	}
	data, err := f.ReadFile("go.mod")
	require.NoError(t, err)
	require.Equal(t, "module m\n", string(data))
	to, err := f.ReadLink("lib/link.go")
	require.NoError(t, err)
	require.Equal(t, "lib.go", to)
	_, err = f.Stat("lib/none.go")
	require.ErrorIs(t, err, fs.ErrNotExist)
	file, err := f.Open("lib/lib.go")
	require.NoError(t, err)
	n, err := file.Read(make([]byte, 4096))
	require.NoError(t, err)
	require.Equal(t, 4096, n)
	require.Empty(t, ref.asked)

	// Of a long file, the pack has the beginning alone.
	_, err = file.Read(make([]byte, 1))
	require.NoError(t, err)
	require.Equal(t, []string{"read lib/lib.go at 4096"}, ref.asked)
	_, err = f.ReadDir("assets")
	require.NoError(t, err)
	require.Equal(t, "list assets", ref.asked[1])

	f, _ = unpacked(t, dir)
	require.NoError(t, fstest.TestFS(f, "go.mod", "lib/lib.go", "lib/doc.md", "assets/logo.svg", "crate/src/main.rs"))
}

// TestPackIsBounded: it has to fit into one answer of the gateway.
func TestPackIsBounded(t *testing.T) {
	files := map[string]string{}
	text := strings.Repeat("x", 4096)
	for i := range 3200 {
		files[fmt.Sprintf("%02d/%02d.go", i/100, i%100)] = text
	}
	dir := tree(t, files)
	var pack bytes.Buffer
	require.NoError(t, sources.Pack(dir, &pack))
	require.Less(t, pack.Len(), 16<<20)
	f, ref := unpacked(t, dir)
	for _, name := range []string{"00", "31"} {
		_, err := f.ReadDir(name)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"list .", "list 31"}, ref.asked)
}

func TestPackErrors(t *testing.T) {
	require.ErrorContains(t, sources.Pack(filepath.Join(t.TempDir(), "none"), &bytes.Buffer{}), "list the sources: ")
	f, _ := unpacked(t, t.TempDir())
	require.ErrorContains(t, f.Load([]byte("no pack")), "read the list of the sources: ")
}

// TestAhead: a pack is asked for once, by whoever asks much.
func TestAhead(t *testing.T) {
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("%03d/lib.go", i)] = "package lib\n"
	}
	dir := tree(t, files)
	f := sources.New(context.Background(), &gatewaytest.Reference{Files: os.DirFS(dir)})
	calls := make(chan struct{}, 10)
	f.Ahead(func() { calls <- struct{}{} })
	read := func(from, to int) {
		for i := from; i < to; i++ {
			_, err := f.ReadDir(fmt.Sprintf("%03d", i))
			require.NoError(t, err)
		}
	}
	read(0, 100)
	read(0, 100)
	require.Never(t, func() bool { return len(calls) > 0 }, 20*time.Millisecond, time.Millisecond)
	read(100, 200)
	require.Eventually(t, func() bool { return len(calls) == 1 }, 10*time.Second, time.Millisecond)
	read(0, 200)
	require.Len(t, calls, 1)
}
