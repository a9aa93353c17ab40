package sources_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil/types"

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

// counted is a reference that notes what it is asked for.
type counted struct {
	gatewaytest.Reference
	asked []string
}

func (c *counted) ReadFile(ctx context.Context, req client.ReadRequest) ([]byte, error) {
	c.asked = append(c.asked, fmt.Sprintf("read %s at %d", req.Filename, req.Range.Offset))
	return c.Reference.ReadFile(ctx, req)
}

func (c *counted) StatFile(ctx context.Context, req client.StatRequest) (*types.Stat, error) {
	c.asked = append(c.asked, "stat "+req.Path)
	return c.Reference.StatFile(ctx, req)
}

func (c *counted) ReadDir(ctx context.Context, req client.ReadDirRequest) ([]*types.Stat, error) {
	c.asked = append(c.asked, "list "+req.Path)
	return c.Reference.ReadDir(ctx, req)
}

// TestRequests: what a listing has told is not asked for again.
func TestRequests(t *testing.T) {
	large := files()
	large["huge"] = &fstest.MapFile{Data: make([]byte, 16<<20+1)}
	large["app"] = &fstest.MapFile{Data: slices.Repeat([]byte("x"), 40<<10)}
	read := func(f *sources.FS, off, n int64) {
		_, err := f.ReaderAt("app").ReadAt(make([]byte, n), off)
		require.NoError(t, err)
	}
	for _, tc := range []struct {
		name string
		ask  func(f *sources.FS)
		want []string
	}{
		{"files that are not there", func(f *sources.FS) {
			for _, name := range []string{"go.work", "vendor/modules.txt", ".git", "a/b/c", "go.mod/x"} {
				_, err := f.Stat(name)
				require.ErrorIs(t, err, fs.ErrNotExist)
				_, err = f.ReadFile(name)
				require.ErrorIs(t, err, fs.ErrNotExist)
			}
		}, []string{"list ."}},
		{"files of a folder", func(f *sources.FS) {
			_, err := f.ReadDir("cmd/api")
			require.NoError(t, err)
			info, err := f.Stat("cmd/api/main.go")
			require.NoError(t, err)
			require.EqualValues(t, 13, info.Size())
			for range 2 {
				data, err := fs.ReadFile(f, "cmd/api/main.go")
				require.NoError(t, err)
				require.Equal(t, "package main\n", string(data))
			}
		}, []string{"list .", "list cmd/api", "read cmd/api/main.go at 0"}},
		{"a folder that was not listed", func(f *sources.FS) {
			_, err := f.Stat("cmd/web/main.go")
			require.NoError(t, err)
		}, []string{"list .", "stat cmd/web/main.go"}},
		{"behind a link", func(f *sources.FS) {
			info, err := f.Stat("link")
			require.NoError(t, err)
			require.True(t, info.IsDir())
			_, err = f.Stat("link/none")
			require.ErrorIs(t, err, fs.ErrNotExist)
		}, []string{"list .", "stat link", "stat link/none"}},
		{"small reads", func(f *sources.FS) {
			read(f, 0, 64)
			read(f, 100, 500)
			read(f, 16<<10-10, 20)
		}, []string{"list .", "read app at 0", "read app at 16384"}},
		{"a file that is too large", func(f *sources.FS) {
			_, err := f.ReadFile("huge")
			require.EqualError(t, err, "open huge: the file is larger than 16 MiB")
		}, []string{"list ."}},
		{"a large read", func(f *sources.FS) { read(f, 10, 30<<10) }, []string{"list .", "read app at 10"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ref := &counted{Reference: gatewaytest.Reference{Files: large}}
			tc.ask(sources.New(context.Background(), ref))
			require.Equal(t, tc.want, ref.asked)
		})
	}
}
