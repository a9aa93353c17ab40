package sources_test

import (
	"context"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"go.mod":          {Data: []byte("module m\n")},
		"cmd/api/main.go": {Data: []byte("package main\n")},
		"cmd/web/main.go": {Data: []byte("package main\n")},
		"empty":           {},
		"link":            {Data: []byte("cmd/api"), Mode: fs.ModeSymlink},
	}
}

func TestFS(t *testing.T) {
	f := sources.New(context.Background(), &gatewaytest.Reference{Files: files()})
	require.NoError(t, fstest.TestFS(f, "go.mod", "cmd/api/main.go", "cmd/web/main.go", "empty"))
	found, err := fs.Glob(f, "cmd/*/main.go")
	require.NoError(t, err)
	require.Equal(t, []string{"cmd/api/main.go", "cmd/web/main.go"}, found)
}

// TestLinks: files are found behind links, and links are found themselves.
func TestLinks(t *testing.T) {
	f := sources.New(context.Background(), &gatewaytest.Reference{Files: files()})
	info, err := f.Stat("link")
	require.NoError(t, err)
	require.True(t, info.IsDir())
	info, err = f.Lstat("link")
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	to, err := f.ReadLink("link")
	require.NoError(t, err)
	require.Equal(t, "cmd/api", to)
	_, err = f.ReadLink("empty")
	require.ErrorIs(t, err, fs.ErrInvalid)
	for _, name := range []string{"none", "none/below", "go.mod/below"} {
		_, err = f.Lstat(name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	info, err = f.Lstat(".")
	require.NoError(t, err)
	require.True(t, info.IsDir())
}

func TestMissing(t *testing.T) {
	f := sources.New(context.Background(), &gatewaytest.Reference{Files: files()})
	for _, name := range []string{"none", "cmd/none/main.go", "go.mod/below"} {
		_, err := f.Stat(name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		_, err = f.ReadFile(name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	_, err := f.Open("../go.mod")
	require.ErrorIs(t, err, fs.ErrInvalid, "no path leaves the context")
}

// TestNoReference: a solve of nothing has no result, and so no files.
func TestNoReference(t *testing.T) {
	_, err := sources.New(context.Background(), nil).Stat("x")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestReaderAt(t *testing.T) {
	r := sources.New(context.Background(), &gatewaytest.Reference{Files: files()}).ReaderAt("go.mod")
	buf := make([]byte, 6)
	n, err := r.ReadAt(buf, 0)
	require.NoError(t, err)
	require.Equal(t, "module", string(buf[:n]))
	n, err = r.ReadAt(buf, 7)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "m\n", string(buf[:n]))
	_, err = r.ReadAt(buf, 100)
	require.ErrorIs(t, err, io.EOF)
}
