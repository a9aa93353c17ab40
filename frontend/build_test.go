package frontend_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
	"github.com/fromscratch-build/fromscratch/llb/cause"
)

const goSpec = "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n"

// program is a static program for linux/amd64.
var program = sync1(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	src, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "out")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-o", out, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(text))
	}
	return os.ReadFile(out)
})

func sync1(f func() ([]byte, error)) func(testing.TB) []byte {
	var data []byte
	return func(t testing.TB) []byte {
		t.Helper()
		if data == nil {
			var err error
			data, err = f()
			require.NoError(t, err)
		}
		return data
	}
}

func newClient(t testing.TB, spec string, opts map[string]string) *gatewaytest.Client {
	t.Helper()
	if opts == nil {
		opts = map[string]string{}
	}
	opts["filename"] = "fromscratch.yaml"
	return &gatewaytest.Client{Opts: opts, Files: fstest.MapFS{
		"fromscratch.yaml": {Data: []byte(spec)},
		"go.mod":           {Data: []byte("module example.com/app\n\ngo 1.26\n")},
		"main.go":          {Data: []byte("package main\n")},
		"app":              {Data: program(t)},
	}}
}

func build(c client.Client) (*client.Result, error) {
	tools := llb.Image("fromscratch/frontend:1")
	return frontend.Frontend{Tools: &tools}.Build(context.Background(), c)
}

func config(t *testing.T, res *client.Result) dockerspec.DockerOCIImage {
	t.Helper()
	var img dockerspec.DockerOCIImage
	require.NoError(t, json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &img))
	return img
}

func TestBuild(t *testing.T) {
	c := newClient(t, goSpec, map[string]string{"label:a": "request", "label:b": "request"})
	c.Files.(fstest.MapFS)["fromscratch.yaml"].Data = []byte(goSpec + "    labels: {a: spec, c: spec}\n")
	res, err := build(c)
	require.NoError(t, err)
	img := config(t, res)
	require.Equal(t, "amd64", img.Architecture)
	require.Equal(t, []string{"/app"}, img.Config.Entrypoint)
	require.Equal(t, map[string]string{"a": "request", "b": "request", "c": "spec"}, img.Config.Labels)
}

// TestEverythingRunsOnTheBuilder: whatever the target platform is, execs are for
// the build platform.
func TestEverythingRunsOnTheBuilder(t *testing.T) {
	c := newClient(t, goSpec, map[string]string{"platform": "linux/amd64,linux/amd64/v3"})
	_, err := build(c)
	require.NoError(t, err)
	execs := 0
	for _, op := range c.Ops(t) {
		if op.GetExec() != nil {
			execs++
			require.Equal(t, "linux/amd64", op.Platform.OS+"/"+op.Platform.Architecture+op.Platform.Variant)
		}
	}
	require.NotZero(t, execs)
}

// TestCacheImports: a solve that does not pass them on has no remote cache.
func TestCacheImports(t *testing.T) {
	c := newClient(t, goSpec, map[string]string{"cache-imports": `[{"Type":"registry","Attrs":{"ref":"cache/app"}}]`})
	_, err := build(c)
	require.NoError(t, err)
	with := 0
	for _, s := range c.Solves() {
		for _, op := range s.Definition.Def {
			var o pb.Op
			require.NoError(t, o.UnmarshalVT(op))
			if o.GetExec() != nil || o.GetMerge() != nil {
				require.Equal(t, []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": "cache/app"}}}, s.CacheImports)
				with++
			}
		}
	}
	require.NotZero(t, with)
}

func TestNoCache(t *testing.T) {
	for opt, want := range map[string]bool{"": true, "app": true, "other": false} {
		c := newClient(t, goSpec, map[string]string{"no-cache": opt})
		_, err := build(c)
		require.NoError(t, err)
		for _, s := range c.Solves() {
			for dgst, md := range s.Definition.Metadata {
				if strings.HasPrefix(md.Description["llb.customname"], "[linux/amd64]") {
					require.Equal(t, want, md.IgnoreCache, "%q: %s", opt, dgst)
				}
			}
		}
	}
}

// TestExecOptions: what docker buildx build says of every RUN.
func TestExecOptions(t *testing.T) {
	c := newClient(t, goSpec, map[string]string{
		"force-network-mode": "none", "add-hosts": "mirror=10.0.0.1", "build-arg:http_proxy": "http://proxy:1", "ulimit": "nofile=64:64",
	})
	_, err := build(c)
	require.NoError(t, err)
	found := false
	for _, op := range c.Ops(t) {
		if e := op.GetExec(); e != nil {
			found = true
			require.Equal(t, pb.NetMode_NONE, e.Network)
			require.Equal(t, "mirror", e.Meta.ExtraHosts[0].Host)
			require.Equal(t, "http://proxy:1", e.Meta.ProxyEnv.HttpProxy)
			require.Equal(t, "nofile", e.Meta.Ulimit[0].Name)
		}
	}
	require.True(t, found)
}

func TestPanicBecomesError(t *testing.T) {
	for name, hook := range map[string]func(client.SolveRequest) error{
		"in the request": func(client.SolveRequest) error { panic("boom") },
		"in a platform": func(req client.SolveRequest) error {
			for _, md := range req.Definition.Metadata {
				if strings.Contains(md.Description["llb.customname"], "go build") {
					panic("boom")
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, goSpec, nil)
			c.SolveHook = hook
			_, err := build(c)
			require.EqualError(t, err, "fromscratch dev has a bug, please report it: boom")
		})
	}
}

// TestProblemsHaveSources: clients underline what the error is about.
func TestProblemsHaveSources(t *testing.T) {
	c := newClient(t, "toolchain: go\ntargets:\n  app: {build: ., expsoe: [1]}\n", nil)
	_, err := build(c)
	var lines []int32
	for _, s := range errdefs.Sources(err) {
		require.Equal(t, "fromscratch.yaml", s.Info.Filename)
		require.Equal(t, "YAML", s.Info.Language)
		for _, r := range s.Ranges {
			lines = append(lines, r.Start.Line)
		}
	}
	require.ElementsMatch(t, []int32{1, 3}, lines)

	_, err = build(newClient(t, "toolchain: go-cgo0\ntargets:\n  app: {build: ., a: 1, b: 2}\n", nil))
	require.Len(t, errdefs.Sources(err), 1, "a line is printed once")
	require.Len(t, errdefs.Sources(err)[0].Ranges, 2)
}

// TestEveryVertexHasALine: whatever fails, the client can show what asked for it.
func TestEveryVertexHasALine(t *testing.T) {
	spec := "toolchain: go-cgo0\nextras: {tzdata: true, dirs: [{path: /d, chmod: 1777}], hosts: true}\ntargets:\n  app:\n    build: .\n    workdir: /w\n    volumes: [/v]\n    copy:\n      - {src: main.go, dest: /m/}\n"
	c := newClient(t, spec, nil)
	_, err := build(c)
	require.NoError(t, err)
	lines := map[string]int32{}
	for _, s := range c.Solves() {
		for _, dt := range s.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			if op.GetExec() == nil && op.GetFile() == nil && op.GetMerge() == nil {
				continue
			}
			dgst := digest.FromBytes(dt)
			name := s.Definition.Metadata[dgst.String()].Description["llb.customname"]
			require.NotEmpty(t, name)
			locs := s.Definition.Source.Locations[dgst.String()]
			require.NotNil(t, locs, name)
			lines[name] = locs.Locations[0].Ranges[0].Start.Line
		}
	}
	for name, line := range map[string]int32{
		"[linux/amd64] go build .": 5, "[linux/amd64] binary app": 5, "extras: tzdata": 2, "extras: dirs": 2, "extras: hosts": 2,
		"extras: tmp": 4, "workdir /w": 6, "volumes /v": 7, "copy main.go to /m/": 9, "assemble image": 4,
	} {
		require.Equal(t, line, lines[name], name)
	}
}

// TestOutOfMemory: a compiler that was killed says nothing itself.
func TestOutOfMemory(t *testing.T) {
	c := newClient(t, goSpec, nil)
	c.SolveHook = func(req client.SolveRequest) error {
		for _, md := range req.Definition.Metadata {
			if strings.Contains(md.Description["llb.customname"], "go build") {
				return errors.New(`process "go build" did not complete successfully: exit code: 137`)
			}
		}
		return nil
	}
	_, err := build(c)
	require.ErrorContains(t, err, `fromscratch.yaml:4:12: compiling target "app" for linux/amd64 failed: it was killed, most likely because the builder is out of memory`)
}

// TestFailedRust: the status that the helper leaves tells why, and what to do.
func TestFailedRust(t *testing.T) {
	lock := "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"git+ssh://git@example.com/x.git?rev=1#01\"\n"
	for status, want := range map[int]string{
		cause.Killed:      "toolchain: {name: rust-musl, jobs: 1}",
		cause.Credentials: "most likely ssh://git@example.com/x.git; pass --ssh default for git over SSH, --secret id=netrc,src=$HOME/.netrc",
		cause.Network:     "a server was not reached",
		cause.LockFile:    "run cargo update --workspace and commit it",
		cause.NoTarget:    "the toolchain image rust:1.90-bookworm has no standard library for x86_64-unknown-linux-musl",
		cause.Certificate: "--secret id=build-ca,src=ca.pem",
		cause.Library:     "enable the feature of the crate that compiles its own copy",
		cause.NoFile:      "cargo build --release (app); what the compiler said is above",
		101:               "cargo build --release (app); what the compiler said is above",
	} {
		c := newClient(t, "toolchain: {name: rust-musl, version: 1.90}\ntargets:\n  app: {build: app}\n", nil)
		files := c.Files.(fstest.MapFS)
		files["Cargo.toml"] = &fstest.MapFile{Data: []byte("[package]\nname = 'app'\nedition = '2024'\n")}
		files["Cargo.lock"] = &fstest.MapFile{Data: []byte(lock)}
		files["src/main.rs"] = &fstest.MapFile{}
		c.SolveHook = func(req client.SolveRequest) error {
			for _, md := range req.Definition.Metadata {
				if strings.Contains(md.Description["llb.customname"], "cargo build") {
					return fmt.Errorf("process \"/fromscratch/sourcesync build\" did not complete successfully: exit code: %d", status)
				}
			}
			return nil
		}
		_, err := build(c)
		require.ErrorContains(t, err, `fromscratch.yaml:3:16: compiling target "app" for linux/amd64 failed: `)
		require.ErrorContains(t, err, want)
	}
}

func TestNotAProgram(t *testing.T) {
	for name, tc := range map[string]struct{ data, want string }{
		"script": {"#!/bin/sh\n", "app for linux/amd64 is a script for /bin/sh"},
		"empty":  {"", "app for linux/amd64 is an empty file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, goSpec, nil)
			c.Files.(fstest.MapFS)["app"].Data = []byte(tc.data)
			_, err := build(c)
			require.ErrorContains(t, err, tc.want)
			require.NotEmpty(t, errdefs.Sources(err))
		})
	}
}

// TestDeterministic: the same request gives the same definitions, byte for byte.
func TestDeterministic(t *testing.T) {
	spec := "toolchain: go-cgo0\nextras: [tzdata]\ntargets:\n  app:\n    build: .\n    workdir: /srv\n    labels: {a: '1', b: '2', c: '3'}\n    env: {A: '1', B: '2', C: '3'}\n"
	run := func() map[string]bool {
		c := newClient(t, spec, map[string]string{"build-arg:http_proxy": "p", "build-arg:HTTPS_PROXY": "q"})
		_, err := build(c)
		require.NoError(t, err)
		out := map[string]bool{}
		for _, s := range c.Solves() {
			dt, err := json.Marshal(s.Definition.Def)
			require.NoError(t, err)
			out[string(dt)] = true
		}
		return out
	}
	first := run()
	for range 25 {
		require.Equal(t, first, run())
	}
}
