package gocache_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

// TestMain lets the test binary be the helper that the go command starts.
func TestMain(m *testing.M) {
	if c, err := gocache.ParseArgs(os.Args); err == nil {
		if s, ok := c.(gocache.Serve); ok {
			if err := s.Run(os.Stdin, os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// project is a module whose packages import nothing, so that nothing else is compiled.
func project(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":     "module example.com/m\n\ngo 1.24\n",
		"lib/lib.go": "package lib\n\nfunc Text() string { return \"lib\" }\n",
		"own/own.go": "package own\n\nimport \"example.com/m/lib\"\n\nfunc Text() string { return \"" + text + "\" + lib.Text() }\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	return dir
}

// compile runs a real go build, and returns the packages that it compiled.
func compile(t *testing.T, dir string, s gocache.Serve, packages ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	s.Helper = exe
	cmd := exec.Command("go", append([]string{"build", "-v", "-trimpath"}, packages...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOCACHE="+t.TempDir(), "GOCACHEPROG="+strings.Join(s.Args(), " "), "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0", "GOTOOLCHAIN=local")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.Fields(string(out))
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[rel] = string(data)
		return err
	}))
	return files
}

// TestServe: a real go command finds what it compiled in the store, and what others
// compiled in the seed.
func TestServe(t *testing.T) {
	const lib, own = "example.com/m/lib", "example.com/m/own"
	store, seed := t.TempDir(), t.TempDir()
	require.Equal(t, []string{lib}, compile(t, project(t, "a"), gocache.Serve{Store: store, Harvest: seed}, lib))
	require.NoError(t, gocache.Settle(seed))
	first := snapshot(t, seed)
	require.NotEmpty(t, first)

	require.Equal(t, []string{own}, compile(t, project(t, "a"), gocache.Serve{Store: store}, own), "lib is in the store")
	require.Empty(t, compile(t, project(t, "a"), gocache.Serve{Store: store}, own), "and now everything")
	require.Equal(t, []string{own}, compile(t, project(t, "b"), gocache.Serve{Store: store}, own), "but for what changed")

	other := t.TempDir()
	require.Equal(t, []string{own}, compile(t, project(t, "a"), gocache.Serve{Seed: seed, Store: other}, own), "lib is in the seed")
	require.Equal(t, []string{lib}, compile(t, project(t, "a"), gocache.Serve{Store: other}, own), "and was not copied")
	require.Len(t, snapshot(t, seed), len(first), "nor was anything written to the seed")

	again := t.TempDir()
	require.Empty(t, compile(t, project(t, "c"), gocache.Serve{Store: store, Harvest: again}, lib), "nothing is compiled for a new seed")
	require.NoError(t, gocache.Settle(again))
	for name, text := range snapshot(t, again) {
		require.True(t, first[name] == text, "%s: what is compiled does not depend on who compiled it", name)
	}
	require.Empty(t, compile(t, project(t, "a"), gocache.Serve{Seed: again, Store: t.TempDir()}, lib), "and it is all that a compile needs")
}

// TestProtocol: what a go command may ask, also when it goes wrong.
func TestProtocol(t *testing.T) {
	store := t.TempDir()
	ask := func(in string) string {
		var out bytes.Buffer
		require.NoError(t, gocache.Serve{Store: store}.Run(strings.NewReader(in), &out))
		lines := strings.SplitN(out.String(), "\n", 2)
		require.JSONEq(t, `{"ID":0,"KnownCommands":["get","put","close"]}`, lines[0])
		return lines[1]
	}
	require.JSONEq(t, `{"ID":1,"Miss":true}`, ask(`{"ID":1,"Command":"get","ActionID":"YQ=="}`+"\n\n"))
	put := `{"ID":2,"Command":"put","ActionID":"YQ==","OutputID":"MQ==","BodySize":3}` + "\n\n\"b25l\"\n"
	require.Contains(t, ask(put), `"DiskPath":"`+store)
	require.Contains(t, ask(put+`{"ID":3,"Command":"get","ActionID":"YQ=="}`+"\n\n"), `{"ID":3,"OutputID":"MQ==","Size":3,"DiskPath":"`, "putting it again does no harm")
	require.Contains(t, ask(`{"ID":4,"Command":"put","ActionID":"Yg==","OutputID":"MA=="}`+"\n\n"), `"DiskPath"`, "an empty file has no body")
	require.Contains(t, ask(`{"ID":5,"Command":"new","ActionID":"YQ=="}`+"\n\n"), `"Err":"unknown command \"new\""`)
	require.JSONEq(t, `{"ID":6}`, ask(`{"ID":6,"Command":"close"}`+"\n\n"))
	require.Error(t, gocache.Serve{Store: store}.Run(strings.NewReader("nonsense\n"), io.Discard))
}

// TestFullDisk: a put that fails leaves the next request readable.
func TestFullDisk(t *testing.T) {
	store := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(store, nil, 0o644))
	var out bytes.Buffer
	in := `{"ID":1,"Command":"put","ActionID":"YQ==","OutputID":"MQ==","BodySize":3}` + "\n\n\"b25l\"\n" + `{"ID":2,"Command":"close"}` + "\n\n"
	require.NoError(t, gocache.Serve{Store: store}.Run(strings.NewReader(in), &out))
	require.Contains(t, out.String(), `{"ID":1,"Err":"`)
	require.Contains(t, out.String(), `{"ID":2}`)
}

func TestArgs(t *testing.T) {
	for _, c := range []interface{ Args() []string }{
		gocache.Download{Helper: "/h", Source: "/s", Dir: "d", Home: "/m", Work: ".", Store: "/c", Facts: "/f", Local: []string{"example.com/a", "example.com/b"}, Run: []string{"go", "mod", "download"}},
		gocache.Build{Helper: "/h", Seed: "/s", Store: "/c", Run: [][]string{{"go", "build", "-x"}, {"go", "build", "--", "y"}}},
		gocache.Build{Helper: "/h", Store: "/c", Harvest: "/o", Run: [][]string{{"go"}}},
		gocache.Serve{Helper: "/h", Seed: "/s", Store: "/c", Harvest: "/o"},
	} {
		got, err := gocache.ParseArgs(c.Args())
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	for _, args := range [][]string{nil, {"/h"}, {"/h", "other"}, {"/h", "build", "-store", "/c", "--"}, {"/h", "build", "-store", "/c"}, {"/h", "serve"}, {"/h", "download", "-store", "/c", "--", "go"}} {
		_, err := gocache.ParseArgs(args)
		require.Error(t, err, args)
	}
}
