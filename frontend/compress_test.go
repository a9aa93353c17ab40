package frontend_test

import (
	"debug/elf"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/elftest"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

const packed = goSpec + "    compress: upx\n"

// packingClient has a context upx with some files, and what UPX leaves.
func packingClient(t *testing.T, image fstest.MapFS, result []byte) *gatewaytest.Client {
	t.Helper()
	c := newClient(t, packed, map[string]string{"context:upx": "docker-image://example.com/upx:5"})
	c.FilesOf = func(req client.SolveRequest) fs.FS {
		switch {
		case named(req, "upx -7 app"):
			return fstest.MapFS{"app": {Data: result}}
		case named(req, "example.com/upx:5"):
			return image
		}
		return nil
	}
	return c
}

var upxImage = fstest.MapFS{"usr/bin/upx": {}}

func TestCompress(t *testing.T) {
	c := packingClient(t, upxImage, elftest.File{}.Bytes())
	_, err := build(c)
	require.NoError(t, err)
	execs := 0
	for _, op := range c.Ops(t) {
		if e := op.GetExec(); e != nil && e.Meta.Args[0] == "/usr/bin/upx" {
			execs++
		}
	}
	require.NotZero(t, execs)

	c = packingClient(t, fstest.MapFS{"upx": {}}, elftest.File{}.Bytes())
	_, err = build(c)
	require.NoError(t, err, "upx in the root of a folder")
}

func TestCompressProblems(t *testing.T) {
	at := "fromscratch.yaml:5:15: "
	_, err := build(newClient(t, packed, nil))
	require.EqualError(t, err, at+"compress: upx needs an image with upx in it, and there is no context named upx; "+
		"pass one with --build-context upx=docker-image://… (or a folder: --build-context upx=./tools), or remove compress")

	_, err = build(packingClient(t, fstest.MapFS{"usr/bin/gzip": {}}, nil))
	require.ErrorContains(t, err, at+"there is no program upx in the context upx, neither in its root nor in /usr/local/sbin, ")

	for want, result := range map[string][]byte{
		"app for linux/amd64 is not static: it asks for the dynamic linker /lib/ld.so, since upx packed it; pass another version of upx": elftest.File{Interpreter: "/lib/ld.so"}.Bytes(),
		"app for linux/amd64 is a program for linux/arm64, not for linux/amd64, since upx packed it":                                     elftest.File{Machine: elf.EM_AARCH64}.Bytes(),
		"app for linux/amd64 is an empty file, since upx packed it":                                                                      nil,
	} {
		_, err = build(packingClient(t, upxImage, result))
		require.ErrorContains(t, err, at+want)
	}

	c := packingClient(t, upxImage, nil)
	c.SolveHook = func(req client.SolveRequest) error {
		if named(req, "upx -7") {
			return errors.New(`process "/usr/bin/upx" did not complete successfully: exit code: 2`)
		}
		return nil
	}
	_, err = build(c)
	require.ErrorContains(t, err, at+`upx could not pack the binary of target "app" for linux/amd64; what it said is above`)
}

// TestInspectedBeforePacking: a program that would not start is not packed.
func TestInspectedBeforePacking(t *testing.T) {
	c := packingClient(t, upxImage, elftest.File{}.Bytes())
	c.Files.(fstest.MapFS)["app"].Data = elftest.File{Libraries: []string{"libc.so.6"}}.Bytes()
	_, err := build(c)
	require.ErrorContains(t, err, "needs the library libc.so.6")
	for _, s := range c.Solves() {
		require.False(t, named(s, "upx -7"))
	}
}

// TestOutlineOfPacked: a question about a target needs no upx.
func TestOutlineOfPacked(t *testing.T) {
	res, err := build(newClient(t, packed, map[string]string{"requestid": "frontend.outline"}))
	require.NoError(t, err)
	require.True(t, strings.Contains(string(res.Metadata["result.txt"]), "app"))
}
