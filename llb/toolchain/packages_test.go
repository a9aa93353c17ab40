package toolchain_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/golang"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

func env() toolchain.Env {
	return toolchain.Env{
		Image:             toolchain.Image{State: llb.Image("rust:1.96")},
		ToolchainLocation: llb.WithDescription(nil),
		Run:               []llb.RunOption{llb.AddExtraHost("mirror", []byte{10, 0, 0, 1})},
	}
}

func install(t *testing.T, names ...string) *llbtest.Graph {
	t.Helper()
	return llbtest.Marshal(t, env().WithPackages(names), llb.LinuxAmd64)
}

func TestWithPackages(t *testing.T) {
	x := install(t, "protobuf-compiler", "zlib1g-dev:arm64", "cmake=3.25.1-1").OneExec(t)
	require.Equal(t, "[toolchain] apt-get install protobuf-compiler zlib1g-dev:arm64 cmake=3.25.1-1", x.Name)
	require.Equal(t, []string{"/bin/sh", "-c"}, x.Args[:2])
	require.Equal(t, []string{toolchain.PackagesCommand, "protobuf-compiler", "zlib1g-dev:arm64", "cmake=3.25.1-1"}, x.Args[3:], "names are arguments, which no shell reads")
	require.Len(t, x.GetExec().Meta.ExtraHosts, 1, "what the request asks of every exec")
}

func TestWithoutPackages(t *testing.T) {
	require.Empty(t, install(t).Execs())
}

// TestPackagesOfGo: both toolchains install what the spec asks for.
func TestPackagesOfGo(t *testing.T) {
	s, err := spec.Parse("s", []byte("toolchain: {name: go-cgo0, packages: git}\ntargets: {app: {}}"))
	require.NoError(t, err)
	p, err := golang.New(s, s.Targets["app"], llbtest.Files("go.mod=module example.org/app\n", "main.go=package main\n"))
	require.NoError(t, err)
	e := env()
	e.BuildLocation, e.Source = llb.WithDescription(nil), llb.Scratch()
	require.NoError(t, p.Resolve(llbtest.Platform(t, "linux/arm64")))
	execs := llbtest.Marshal(t, p.Compile(e, llbtest.Platform(t, "linux/arm64")), llb.LinuxAmd64).Execs()
	require.Len(t, execs, 2)
	require.Equal(t, "[toolchain] apt-get install git", execs[0].Name)
}

// TestPackagesKey: the names are the key, in the order in which they were written.
func TestPackagesKey(t *testing.T) {
	require.Equal(t, install(t, "a", "b").Digest(t), install(t, "a", "b").Digest(t))
	for _, other := range [][]string{{"b", "a"}, {"a"}, {"a", "b=1"}} {
		require.NotEqual(t, install(t, "a", "b").Digest(t), install(t, other...).Digest(t))
	}
}

// TestPackagesScript runs the script with stand-ins for the commands of Debian.
func TestPackagesScript(t *testing.T) {
	args := install(t, "a", "b:arm64=1:2", "c:amd64", "d=1:2").OneExec(t).Args
	run := func(dir string) (string, int) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = []string{"PATH=" + dir}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	out, code := run(t.TempDir())
	require.Equal(t, 1, code)
	require.Equal(t, "the toolchain image has no apt-get to install packages with; use an image based on Debian, or one that has a b:arm64=1:2 c:amd64 d=1:2\n", out)

	dir := t.TempDir()
	for name, body := range map[string]string{
		"apt-get": `echo "apt-get $*"`,
		"dpkg":    `case $1 in --print-architecture) echo amd64 ;; *) echo "dpkg $*" ;; esac`,
		"rm":      "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	}
	out, code = run(dir)
	require.Zero(t, code, out)
	require.Equal(t, "dpkg --add-architecture arm64\napt-get update -qq\n"+
		"apt-get install -y -qq --no-install-recommends -o APT::Cmd::Pattern-Only=true -- a b:arm64=1:2 c:amd64 d=1:2\n", out)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "apt-get"), []byte("#!/bin/sh\nexit 100\n"), 0o755))
	_, code = run(dir)
	require.Equal(t, 100, code, "an index that cannot be had is not an older package")
}
