package frontend_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
)

func link(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }

func tree() fstest.MapFS {
	return fstest.MapFS{
		"a/b/file":     {},
		"a/up":         link("../top"),
		"a/b/far":      link("../../a/b/file"),
		"top":          {},
		"dir":          link("a/b"),
		"chain":        link("dir/far"),
		"out":          link("../other"),
		"a/out":        link("../../other"),
		"around":       link("../ctx/top"),
		"absolute":     link("/top"),
		"nowhere":      link("a/none"),
		"circle":       link("circle/x"),
		"one":          link("two"),
		"two":          link("one"),
		"x/y/file.txt": {},
		"x/z/file.txt": {},
		"x/l":          link("y"),
		"x/file.txt":   link("y/file.txt"),
	}
}

func TestFollow(t *testing.T) {
	for _, tc := range []struct{ name, want, root string }{
		{name: ".", want: "."},
		{name: "top", want: "top"},
		{name: "a/up", want: "top"},
		{name: "dir", want: "a/b"},
		{name: "dir/file", want: "a/b/file"},
		{name: "chain", want: "a/b/file"},
		{name: "out", want: "the link out leads to ../other, which is outside of the context", root: "the link out leads to ../other, which is not there"},
		{name: "a/out", want: "the link a/out leads to ../../other, which is outside of the context", root: "the link a/out leads to ../../other, which is not there"},
		{name: "around", want: "the link around leads to ../ctx/top, which is outside of the context", root: "the link around leads to ../ctx/top, which is not there"},
		{name: "absolute", want: "the link absolute leads to /top, which is outside of the context", root: "top"},
		{name: "nowhere", want: "the link nowhere leads to a/none, which is not there"},
		{name: "circle", want: "the link circle leads in circles"},
		{name: "one", want: "the link one leads in circles"},
	} {
		for _, isRoot := range []bool{false, true} {
			want := tc.want
			if isRoot && tc.root != "" {
				want = tc.root
			}
			got, err := frontend.Follow(tree(), tc.name, isRoot)
			if err != nil {
				got = err.Error()
			}
			if tc.name == "one" {
				require.Contains(t, got, "leads in circles")
				continue
			}
			require.Equal(t, want, got, "%s, %t", tc.name, isRoot)
		}
	}
	for _, name := range []string{"none", "top/below", "a/none/x"} {
		_, err := frontend.Follow(tree(), name, false)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
}

func TestGlob(t *testing.T) {
	for pattern, want := range map[string][]string{
		"x/*/file.txt":   {"x/y/file.txt", "x/z/file.txt"},
		"x/*":            {"x/file.txt", "x/l", "x/y", "x/z"},
		"dir/f*":         {"a/b/far", "a/b/file"},
		"dir/[e-f]???":   {"a/b/file"},
		"*/*/none":       nil,
		"top":            {"top"},
		"x/**":           {"x/file.txt", "x/l", "x/y", "x/z"},
		"x/?/file.t[x]t": {"x/y/file.txt", "x/z/file.txt"},
	} {
		got, err := frontend.Glob(tree(), pattern, false)
		require.NoError(t, err, pattern)
		require.Equal(t, want, got, pattern)
	}
	_, err := frontend.Glob(tree(), "out/*", false)
	require.ErrorContains(t, err, "outside of the context")
	_, err = frontend.Glob(tree(), "none/*", false)
	require.ErrorIs(t, err, fs.ErrNotExist)
}
