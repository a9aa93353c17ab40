package frontend_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil/types"

	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// TestCapabilitiesKept: an attribute that BuildKit could not set is an error, since
// it only logs it.
func TestCapabilitiesKept(t *testing.T) {
	const value = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	for name, tc := range map[string]struct {
		xattrs map[string][]byte
		want   string
	}{
		"kept":    {map[string][]byte{"security.capability": []byte(value)}, ""},
		"lost":    {nil, "fromscratch.yaml:5:19: the builder did not keep the capabilities of /app. It must be allowed to set them"},
		"changed": {map[string][]byte{"security.capability": []byte("\x02")}, "the builder changed the capabilities of /app: its attribute security.capability is 02 and should be 0100000200040000000000000000000000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, goSpec+"    capabilities: [net_bind_service]\n", nil)
			c.Files.(fstest.MapFS)["app"].Sys = &types.Stat{Xattrs: tc.xattrs}
			_, err := build(c)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			require.NotEmpty(t, errdefs.Sources(err))
		})
	}
}

// baseClient is a build on an image with the given files.
func baseClient(t *testing.T, spec, config string, files fstest.MapFS) *gatewaytest.Client {
	c := newClient(t, strings.Replace(goSpec, "targets", "base: debian:12-slim\ntargets", 1)+spec, nil)
	c.ImageConfig = config
	maps.Copy(c.Files.(fstest.MapFS), files)
	// Unlike the base, the context and the binaries are at the root of the same files.
	return c
}

const amd64Config = `{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin","LANG=C"],"Labels":{"base":"1"},"WorkingDir":"/srv","Entrypoint":["/sh"],"Cmd":["-i"],"OnBuild":["RUN x"],
"Healthcheck":{"Test":["CMD","/check"]},"User":"1","ArgsEscaped":true},"history":[{"created_by":"below"}]}`

// actions are the file actions of the last solve, as "mkdir /etc" and the like.
func actions(t *testing.T, c *gatewaytest.Client) []string {
	var out []string
	for _, op := range c.Ops(t) {
		for _, a := range op.GetFile().GetActions() {
			switch {
			case a.GetMkdir() != nil:
				out = append(out, "mkdir "+a.GetMkdir().Path)
			case a.GetMkfile() != nil:
				out = append(out, "mkfile "+a.GetMkfile().Path)
			case a.GetCopy() != nil:
				out = append(out, "copy "+a.GetCopy().Dest)
			}
		}
	}
	return out
}

func TestBase(t *testing.T) {
	c := baseClient(t, "    path: /bin/app\n    env: {LANG: own}\n    volumes: [/data]\n", amd64Config, fstest.MapFS{
		"bin":        {Mode: fs.ModeSymlink | 0o777, Data: []byte("usr/sbin"), Sys: &types.Stat{Linkname: "usr/sbin"}},
		"usr/sbin/x": {}, "etc/passwd": {Data: []byte("root:x:0:0::/root:/bin/sh\n")}, "etc/ssl/cert.pem": {},
		"tmp": {Mode: fs.ModeDir | fs.ModeSticky | 0o777}, "data": {Mode: fs.ModeDir | 0o700, Sys: &types.Stat{Uid: 7}},
	})
	res, err := build(c)
	require.NoError(t, err)
	cfg := config(t, res).Config
	require.Equal(t, []string{"PATH=/bin", "LANG=own", "HOME=/home/nonroot"}, cfg.Env)
	require.Equal(t, map[string]string{"base": "1"}, cfg.Labels)
	require.Equal(t, "/srv", cfg.WorkingDir)
	require.Equal(t, []string{"/usr/sbin/app"}, cfg.Entrypoint)
	require.Empty(t, cfg.Cmd)
	require.Empty(t, cfg.OnBuild)
	require.Equal(t, "65532:65532", cfg.User)
	require.Equal(t, []string{"CMD", "/check"}, cfg.Healthcheck.Test)
	history := config(t, res).History
	require.Equal(t, "below", history[0].CreatedBy)
	require.Equal(t, "extras: passwd", history[1].CreatedBy)
	require.Equal(t, "workdir /srv", history[2].CreatedBy)

	did := actions(t, c)
	require.Contains(t, did, "mkfile /etc/passwd")
	require.Contains(t, did, "copy /usr/sbin/app")
	for _, not := range []string{"copy /etc/ssl/certs/ca-certificates.crt", "copy /tmp", "mkdir /data"} {
		require.NotContains(t, did, not)
	}
	found := false
	for _, op := range c.Ops(t) {
		if s := op.GetSource(); s != nil && strings.HasPrefix(s.Identifier, "docker-image://docker.io/library/debian:12-slim@sha256:") {
			found = true
			require.Equal(t, "amd64", op.Platform.Architecture)
		}
	}
	require.True(t, found, "the base is pinned")
}

// TestBaseWritten: what is written is done, whatever the base has.
func TestBaseWritten(t *testing.T) {
	c := baseClient(t, "    extras: [tmp, ca-certificates]\n    healthcheck: {test: [NONE]}\n    workdir: /w\n", amd64Config, fstest.MapFS{
		"etc/ssl/certs/ca-certificates.crt": {}, "tmp": {Mode: fs.ModeDir | 0o777}, "etc/passwd": {Data: []byte("nonroot:x:65532:65532::/:/\n")}, "etc/group": {Data: []byte("nonroot:x:65532:\n")},
	})
	res, err := build(c)
	require.NoError(t, err)
	did := actions(t, c)
	require.Contains(t, did, "copy /etc/ssl/certs/ca-certificates.crt")
	require.Contains(t, did, "copy /tmp")
	require.NotContains(t, did, "mkfile /etc/passwd", "the user is there")
	require.Equal(t, []string{"NONE"}, config(t, res).Config.Healthcheck.Test)
	require.Equal(t, "/w", config(t, res).Config.WorkingDir)
}

func TestBaseRefused(t *testing.T) {
	dirs := fstest.MapFS{"etc/passwd": {Data: []byte("web:x:5:5::/:/\n")}, "srv": {Mode: fs.ModeDir | 0o755}}
	for want, tc := range map[string]struct {
		spec, config string
	}{
		"fromscratch.yaml:2:7: the base debian:12-slim is for linux/arm64 alone, and the image is for linux/amd64; name a base that has it":              {"", `{"os":"linux","architecture":"arm64"}`},
		"fromscratch.yaml:6:11: the base debian:12-slim has a directory /srv, which a binary of this name would replace; write path: /usr/local/bin/srv": {"    path: /srv\n", amd64Config},
		"fromscratch.yaml:6:18: the base debian:12-slim has a user web already, with the number 5; choose another name, or write user: 5":                {"    user: {name: web, uid: 10001}\n", amd64Config},
	} {
		_, err := build(baseClient(t, tc.spec, tc.config, dirs))
		require.ErrorContains(t, err, want)
		require.NotEmpty(t, errdefs.Sources(err))
	}
	sibling := prebuiltClient(t, "toolchain: prebuilt\ntargets: {app: {build: app, base: other}, other: {build: app}}\n", nil)
	sibling.Opts["target"], sibling.ImageConfig = "app", "{"
	_, err := build(sibling)
	require.ErrorContains(t, err, `fromscratch.yaml:2:35: other is a target, and base takes images and contexts; with docker buildx bake, give this target contexts = {other = "target:…"}`)
	c := prebuiltClient(t, "toolchain: prebuilt\nbase: debian:12-slim\ntargets: {app: {build: app}}\n", nil)
	c.ImageConfig = "{"
	_, err = build(c)
	require.ErrorContains(t, err, "fromscratch.yaml:2:7: the base debian:12-slim cannot be had (unexpected end of JSON input); see whether its name and tag are right, or pass one with --b")
}

const prebuiltSpec = "toolchain: prebuilt\ntargets:\n  app:\n    build: target/release/app\n"

func prebuiltClient(t *testing.T, spec string, files fstest.MapFS) *gatewaytest.Client {
	c := newClient(t, spec, nil)
	maps.Copy(c.Files.(fstest.MapFS), files)
	return c
}

// TestPrebuilt: nothing runs, no toolchain is looked for, and the binary is sent
// although it lies where compilers leave what nobody wants to have sent.
func TestPrebuilt(t *testing.T) {
	c := prebuiltClient(t, prebuiltSpec, fstest.MapFS{"target/release/app": {}})
	sent := false
	c.SolveHook = func(req client.SolveRequest) error {
		for _, dt := range req.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			require.Nil(t, op.GetExec())
			if s := op.GetSource(); s != nil && strings.HasPrefix(s.Identifier, "local://context") && s.Attrs[pb.AttrExcludePatterns] != "" {
				sent = true
				var excludes []string
				require.NoError(t, json.Unmarshal([]byte(s.Attrs[pb.AttrExcludePatterns]), &excludes))
				require.Equal(t, "!target/release/app", excludes[len(excludes)-1])
			}
		}
		return nil
	}
	res, err := build(c)
	require.NoError(t, err)
	require.True(t, sent)
	require.Equal(t, []string{"/app"}, config(t, res).Config.Entrypoint)
}

// TestPrebuiltRefused: each class of failure has words for who compiled elsewhere.
func TestPrebuiltRefused(t *testing.T) {
	data := func(name string) *fstest.MapFile {
		b, err := os.ReadFile(filepath.Join("/", name))
		require.NoError(t, err)
		return &fstest.MapFile{Data: b}
	}
	for want, files := range map[string]fstest.MapFS{
		"fromscratch.yaml:4:12: there is no target/release/app in the build context, where target/release has other; compile it for linux/amd64":              {"target/release/other": {}},
		"there is no target/release/app in the build context; did you mean \"ap\"?":                                                                           {"target/release/ap": {}},
		"fromscratch.yaml:4:12: there is no target in the build context; compile it for linux/amd64 before the image is built, and see whether .dockerignore": {},
		"target/release/app is a directory, and src names the binary itself: in it there is target/release/app/bin":                                           {"target/release/app/bin": {}},
		"app for linux/amd64 is an empty file; whatever wrote it had not finished":                                                                            {"target/release/app": {}, "app": {}},
		"app for linux/amd64 is a script for /bin/sh, and an image from scratch has no interpreter":                                                           {"target/release/app": {}, "app": {Data: []byte("#!/bin/sh\n")}},
		"so it would not start. Link it statically: CGO_ENABLED=0 for Go":                                                                                     {"target/release/app": {}, "app": data("bin/sh")},
	} {
		_, err := build(prebuiltClient(t, prebuiltSpec, files))
		require.ErrorContains(t, err, want)
		require.NotEmpty(t, errdefs.Sources(err))
	}
	_, err := build(prebuiltClient(t, "toolchain: prebuilt\ntargets:\n  app:\n    build: {src: app, from: dist}\n", nil))
	require.ErrorContains(t, err, `fromscratch.yaml:4:29: there is no context named "dist"; pass one with --build-context dist=…`)
	_, err = build(prebuiltClient(t, "toolchain: prebuilt\ntargets:\n  app:\n    build: ap\n", nil))
	require.ErrorContains(t, err, `there is no ap in the build context; did you mean "app"?`)
	_, err = build(prebuiltClient(t, "toolchain: prebuilt\ntargets:\n  app:\n    build: {src: [app, main.go]}\n", nil))
	require.ErrorContains(t, err, "the image gets several binaries, app and main.go, so say which one runs: write entrypoint: [/app]")
}
