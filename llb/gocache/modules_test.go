package gocache_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
}

// TestModules: what was downloaded before is lent, and what is new is kept.
func TestModules(t *testing.T) {
	source, store, home := t.TempDir(), t.TempDir(), t.TempDir()
	// The sum of a go.mod with the text mod.
	const mod = "h1:lpxEsqrsczeeI+VZOkS6cMzVSahn5f35gTnrhSuz4a4="
	write(t, source, map[string]string{
		"go.sum":       "github.com/Some/Thing v1.0.0 h1:hash=\ngithub.com/Some/Thing v1.0.0/go.mod " + mod + "\nexample.com/new v1.0.0 h1:hash=\n../../etc v1 h1:x\n",
		"sub/go.sum":   "example.com/sub v1.0.0 h1:hash=\nexample.com/sub v1.0.0/go.mod " + mod + "\n",
		"go.work.sum":  "example.com/both v2.0.0 h1:hash=\nexample.com/both v2.0.0/go.mod " + mod + "\n",
		"other/go.txt": "example.com/other v2.0.0 h1:x=\n",
	})
	const old, sub, work, fresh = "cache/download/github.com/!some/!thing/@v/v1.0.0", "cache/download/example.com/sub/@v/v1.0.0", "cache/download/example.com/both/@v/v2.0.0", "cache/download/example.com/new/@v/v1.0.0"
	for _, v := range []string{old, sub, work, "cache/download/example.com/other/@v/v2.0.0"} {
		write(t, store, map[string]string{v + ".zip": "zip", v + ".mod": "mod", v + ".info": "info", v + ".ziphash": "h1:hash="})
	}
	require.NoError(t, gocache.Lend(source, home, store))
	for _, v := range []string{old, sub, work} {
		require.FileExists(t, filepath.Join(home, v+".mod"))
		link, err := os.Readlink(filepath.Join(home, v+".zip"))
		require.NoError(t, err, "an archive is not copied")
		require.Equal(t, filepath.Join(store, v+".zip"), link)
	}
	require.NoDirExists(t, filepath.Join(home, "cache/download/example.com/other"), "what is not asked for stays behind")
	write(t, home, map[string]string{
		fresh + ".zip": "new", fresh + ".mod": "new", fresh + ".ziphash": "new", fresh + ".lock": "", "cache/download/example.com/new/@v/list": "",
		"cache/vcs/repo/HEAD": "ref", "cache/lock": "", "cache/download/sumdb/x/latest": "", "example.com/new@v1.0.0/new.go": "package new",
	})
	require.NoError(t, gocache.Return(home, store))
	require.Equal(t, "new", snapshot(t, store)[fresh+".zip"])
	require.NotContains(t, snapshot(t, store), "cache/vcs/repo/HEAD", "a clone may be older than its tags")
	var names []string
	for name := range snapshot(t, home) {
		names = append(names, name)
	}
	want := []string{"example.com/new@v1.0.0/new.go", fresh + ".mod", fresh + ".ziphash"}
	for _, v := range []string{old, sub, work} {
		want = append(want, v+".mod", v+".info", v+".ziphash")
	}
	require.ElementsMatch(t, want, names, "archives do not travel")
}

// TestOtherContent: a version that is something else elsewhere, or whose tag was
// moved, is not what the store has.
func TestOtherContent(t *testing.T) {
	source, store, home := t.TempDir(), t.TempDir(), t.TempDir()
	const v = "cache/download/example.com/m/@v/v1.0.0"
	write(t, source, map[string]string{"go.sum": "example.com/m v1.0.0 h1:other=\nexample.com/m v1.0.0/go.mod h1:other=\n"})
	write(t, store, map[string]string{v + ".zip": "zip", v + ".mod": "mod", v + ".ziphash": "h1:hash="})
	require.NoError(t, gocache.Lend(source, home, store))
	for _, suffix := range []string{".zip", ".mod", ".ziphash"} {
		require.NoFileExists(t, filepath.Join(home, v+suffix))
	}
	write(t, home, map[string]string{v + ".zip": "new", v + ".mod": "new", v + ".ziphash": "h1:other="})
	require.NoError(t, gocache.Return(home, store))
	for suffix, want := range map[string]string{".zip": "new", ".mod": "new", ".ziphash": "h1:other="} {
		require.Equal(t, want, snapshot(t, store)[v+suffix])
	}
}

// TestDirectory: a go command without the protocol copies what it lacks.
func TestDirectory(t *testing.T) {
	harvest, store := t.TempDir(), t.TempDir()
	dir, err := gocache.Directory(gocache.Build{Store: store, Harvest: harvest})
	require.NoError(t, err)
	write(t, dir, map[string]string{"ab/ab01-a": "seed", "ab/ab01-d": "seed", "README": "x", "trim.txt": "1"})
	require.NoError(t, gocache.Settle(harvest))
	build := gocache.Build{Store: store, Seed: harvest}
	dir, err = gocache.Directory(build)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ab/ab01-a": "seed", "ab/ab01-d": "seed"}, snapshot(t, dir))
	write(t, dir, map[string]string{"ab/ab01-a": "own"})
	dir, err = gocache.Directory(build)
	require.NoError(t, err)
	require.Equal(t, "own", snapshot(t, dir)["ab/ab01-a"])
	info, err := os.Stat(filepath.Join(dir, "ab/ab01-d"))
	require.NoError(t, err)
	require.True(t, info.ModTime().After(gocache.SettledTime), "or the go command would take it for unused")
}

// TestRequired: modules of the sources that a downloaded one requires, in any of its
// versions, are told, and nothing else is.
func TestRequired(t *testing.T) {
	home := t.TempDir()
	write(t, home, map[string]string{
		"cache/download/example.com/a/@v/v1.0.0.mod": "module example.com/a\n\nrequire (\n\texample.com/fork v1.0.0\n\texample.com/b v1.0.0\n)\n",
		"cache/download/example.com/b/@v/v1.0.0.mod": "module example.com/b\n\nrequire example.com/main v1.0.0 // indirect\n",
		"cache/download/example.com/c/@v/v1.0.0.mod": "not a manifest",
		"example.com/a@v1.0.0/go.mod":                "module example.com/a\n\nrequire example.com/unused v1.0.0\n",
	})
	got, err := gocache.Required(home, []string{"example.com/main", "example.com/fork", "example.com/unused"})
	require.NoError(t, err)
	require.Equal(t, []string{"example.com/fork", "example.com/main"}, got)
	got, err = gocache.Required(t.TempDir(), []string{"example.com/main"})
	require.NoError(t, err)
	require.Empty(t, got)
}
