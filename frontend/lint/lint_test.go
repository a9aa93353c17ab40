package lint_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/lint"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// testCase is a spec and what one rule says about it: line:column and message.
type testCase struct {
	name string
	spec string
	src  fstest.MapFS
	want []string
}

// run lets one rule look at specs.
func run(t *testing.T, rule string, cases []testCase) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, said(t, rule, tc.spec, tc.src))
		})
	}
}

func said(t *testing.T, rule, text string, src fstest.MapFS) []string {
	t.Helper()
	s, err := spec.Parse("fromscratch.yaml", []byte(text))
	require.NoError(t, err)
	skip := map[string]bool{}
	for _, r := range lint.Rules() {
		skip[r.Name] = r.Name != rule
	}
	var fsys fs.FS
	if src != nil {
		fsys = src
	}
	var out []string
	for _, f := range lint.Check(s, nil, fsys, lint.Options{Skip: skip}) {
		require.Equal(t, rule, f.Rule.Name)
		out = append(out, f.Range.String()+" "+f.Message)
	}
	return out
}

func files(nameAndText ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(nameAndText); i += 2 {
		out[nameAndText[i]] = &fstest.MapFile{Data: []byte(nameAndText[i+1])}
	}
	return out
}

// goTarget is a spec of one Go target; its lines are indented by four spaces and
// start on line 4.
func goTarget(lines ...string) string {
	return "toolchain: go-cgo0\ntargets:\n  app:\n    " + strings.Join(append([]string{"build: ./cmd/app"}, lines...), "\n    ") + "\n"
}

const both = `toolchain: rust-musl
args: {UNUSED: x}
targets:
  b:
    user: root
  a:
    user: &user root
    volumes: [/data, /data]
  c:
    user: *user
`

func TestCheck(t *testing.T) {
	at := func(found []lint.Finding) []string {
		var out []string
		for _, f := range found {
			out = append(out, fmt.Sprintf("%s %s", f.Range, f.Rule.Name))
		}
		return out
	}
	require.Equal(t, []string{
		"1:12 FloatingToolchain", "2:8 UnusedArg", "5:11 RunsAsRoot", "7:17 RunsAsRoot", "8:22 DuplicateDestination", "10:11 RunsAsRoot",
	}, at(check(t, both, nil)), "in the order of the spec, and what is shared once")
	require.Equal(t, []string{"1:12 FloatingToolchain", "2:8 UnusedArg", "5:11 RunsAsRoot"}, at(check(t, both, nil, "b")))
	require.Equal(t, check(t, both, nil), check(t, both, nil))

	s, err := spec.Parse("fromscratch.yaml", []byte(both))
	require.NoError(t, err)
	require.Empty(t, lint.Check(s, nil, nil, lint.Options{SkipAll: true}))
	require.Equal(t, []string{"2:8 UnusedArg", "8:22 DuplicateDestination"},
		at(lint.Check(s, nil, nil, lint.Options{Skip: map[string]bool{"RunsAsRoot": true, "FloatingToolchain": true}})))
}

// TestMergedTargets: what a merge key brings to many targets is one finding.
func TestMergedTargets(t *testing.T) {
	require.Len(t, check(t, `toolchain: go-cgo0
x-common: &common
  user: root
  entrypoint: [app]
targets:
  a: {<<: *common}
  b: {<<: *common}
`, nil), 2)
}

func TestRulesAreACopy(t *testing.T) {
	lint.Rules()[0] = nil
	require.NotNil(t, lint.Rules()[0])
}

func TestRunsAsRoot(t *testing.T) {
	const message = "the program runs as root, so a flaw in it reaches what root can reach, and Kubernetes refuses the image where runAsNonRoot is set; " +
		"remove user to run as nonroot (65532:65532), or write a number such as 10001. " +
		"Ports below 1024 need no root in containers of Docker and containerd 2, and directories for the user come with volumes or extras.dirs"
	run(t, "RunsAsRoot", []testCase{
		{name: "by name", spec: goTarget("user: root"), want: []string{"5:11 " + message}},
		{name: "by number", spec: goTarget("user: 0"), want: []string{"5:11 " + message}},
		{name: "with a group", spec: goTarget("user: 0:1000"), want: []string{"5:11 " + message}},
		{name: "as a mapping", spec: goTarget("user: {name: root, uid: 0}"), want: []string{"5:11 " + message}},
		{name: "default", spec: goTarget()},
		{name: "the group of root", spec: goTarget("user: 1000:0")},
		{name: "nonroot", spec: goTarget("user: nonroot")},
	})
}

func TestFloatingToolchain(t *testing.T) {
	noGoLine := files("go.mod", "module m\n")
	const (
		rust  = "nothing says which Rust compiles this, so a new release of the frontend brings another one; add a rust-toolchain.toml with a version as its channel, or write toolchain: {name: rust-musl, version: 1.96}"
		goMod = "go.mod has no go line, so nothing says which Go compiles this, and a new release of the frontend brings another one; run go mod edit -go=1.26, or write toolchain: {name: go-cgo0, version: 1.26}"
	)
	run(t, "FloatingToolchain", []testCase{
		{name: "Rust", spec: "toolchain: rust-musl\ntargets:\n  a: {}\n  b: {}\n", want: []string{"1:12 " + rust}},
		{name: "Rust, long form", spec: "toolchain: {name: rust-musl, jobs: 2}\ntargets:\n  a: {}\n", want: []string{"1:19 " + rust}},
		{name: "Rust of a target", spec: "toolchain: go-cgo0\ntargets:\n  a: {toolchain: rust-musl}\n", want: []string{"3:18 " + rust}},
		{name: "Rust of a target with jobs", spec: "toolchain: rust-musl\ntargets:\n  a: {toolchain: {jobs: 2}}\n", want: []string{"1:12 " + rust}},
		{name: "Rust with a version", spec: "toolchain: {name: rust-musl, version: 1.96}\ntargets:\n  a: {}\n"},
		{name: "Rust with a toolchain file", spec: "toolchain: rust-musl\ntargets:\n  a: {}\n", src: files("rust-toolchain.toml", "[toolchain]\nchannel = '1.90'\n")},
		{name: "Rust with a toolchain file for stable", spec: "toolchain: rust-musl\ntargets:\n  a: {}\n", src: files("rust-toolchain", "stable\n"), want: []string{"1:12 " + rust}},
		{name: "version of the target", spec: "toolchain: rust-musl\ntargets:\n  a: {toolchain: {version: 1.96}}\n"},
		{name: "Go without a line", spec: goTarget(), src: noGoLine, want: []string{"1:12 " + goMod}},
		{name: "Go without sources", spec: goTarget()},
		{name: "Go without go.mod", spec: goTarget(), src: files("x", "")},
		{name: "go.mod that cannot be read", spec: goTarget(), src: files("go.mod", "<<<<<<< HEAD\n")},
		{name: "Go with a line", spec: goTarget(), src: files("go.mod", "module m\ngo 1.26\n")},
		{name: "Go with a toolchain line", spec: goTarget(), src: files("go.mod", "module m\ntoolchain go1.26.1\n")},
		{name: "Go with an unknown line", spec: goTarget(), src: files("go.mod", "module m\ngo 1.99\nfuture x\n")},
		{name: "Go in a folder", spec: "toolchain: go-cgo0\ntargets:\n  a: {build: {dir: svc}}\n", src: files("svc/go.mod", "module m\n", "go.mod", "module n\ngo 1.26\n"), want: []string{"1:12 " + goMod}},
		{name: "Go with a version", spec: "toolchain: {name: go-cgo0, version: 1.26}\ntargets:\n  a: {}\n", src: noGoLine},
		{name: "version latest", spec: "toolchain: {name: go-cgo0, version: latest}\ntargets:\n  a: {}\n",
			want: []string{"1:37 version latest names no release, so the compiler changes when its image is updated; write one such as 1.26"}},
		{name: "major version", spec: "toolchain: {name: rust-musl, version: 1}\ntargets:\n  a: {}\n",
			want: []string{"1:39 version 1 names no release, so the compiler changes when its image is updated; write one such as 1.96"}},
		{name: "version with a variant", spec: "toolchain: {name: go-cgo0, version: 1.26-alpine3.22}\ntargets:\n  a: {}\n"},
		{name: "image without a tag", spec: "toolchain: {name: go-cgo0, image: my/golang}\ntargets:\n  a: {}\n",
			want: []string{"1:35 the image my/golang has no tag, so the compiler changes whenever the image does; add the tag of a release, or a digest: @sha256:…"}},
		{name: "official image without a tag", spec: "toolchain: {name: go-cgo0, image: golang}\ntargets:\n  a: {}\n",
			want: []string{"1:35 the image golang has no tag, so the compiler changes whenever the image does; write version: 1.26 instead of image, or add a digest: @sha256:…"}},
		{name: "image latest", spec: "toolchain: rust-musl\ntargets:\n  a:\n    toolchain:\n      image: reg.example:5000/rust:latest\n",
			want: []string{"5:14 the tag latest names no release, so the compiler changes whenever the image does; add the tag of a release, or a digest: @sha256:…"}},
		{name: "official moving tag", spec: "toolchain: {name: go-cgo0, image: \"docker.io/library/golang:alpine\"}\ntargets:\n  a: {}\n",
			want: []string{"1:35 the tag alpine names no release, so the compiler changes whenever the image does; write version: 1.26 instead of image, or add a digest: @sha256:…"}},
		{name: "moving tag of another image", spec: "toolchain: {name: go-cgo0, image: \"my/golang:stable\"}\ntargets:\n  a: {}\n"},
		{name: "image with a tag", spec: "toolchain: {name: go-cgo0, image: \"golang:1.26\"}\ntargets:\n  a: {}\n"},
		{name: "image with a digest", spec: "toolchain: {name: go-cgo0, image: \"golang:latest@sha256:" + strings.Repeat("a", 64) + "\"}\ntargets:\n  a: {}\n"},
	})
}

func TestUnusedArg(t *testing.T) {
	run(t, "UnusedArg", []testCase{
		{name: "mapping", spec: "toolchain: go-cgo0\nargs:\n  VERSION: dev\n  USED: x\ntargets:\n  a: {env: {V: \"${USED}\"}}\n",
			want: []string{"3:3 nothing refers to the argument VERSION, so that --build-arg VERSION=… has no effect; write ${VERSION} where its value belongs, or remove it"}},
		{name: "list", spec: "toolchain: go-cgo0\nargs: [VERSION]\ntargets:\n  a: {env: {V: $$VERSION}}\n",
			want: []string{"2:8 nothing refers to the argument VERSION, so that --build-arg VERSION=… has no effect; write ${VERSION} where its value belongs, or remove it"}},
		{name: "referred to in a branch that is not taken", spec: "toolchain: go-cgo0\nargs: {A: \"\", B: b, C: c}\ntargets:\n  a: {env: {V: \"${A:+$B}${C:-x}\"}}\n"},
		{name: "referred to by another default", spec: "toolchain: go-cgo0\nargs: {A: a, B: $A}\ntargets:\n  a: {env: {V: $B}}\n",
			want: []string{"2:8 nothing refers to the argument A, so that --build-arg A=… has no effect; write ${A} where its value belongs, or remove it"}},
		{name: "none", spec: goTarget()},
	})
}

func TestRelativePath(t *testing.T) {
	run(t, "RelativePath", []testCase{
		{name: "entrypoint", spec: goTarget("entrypoint: [app, serve]"), want: []string{`5:18 "app" has no folder, and is in none of those that PATH has; write /app`}},
		{name: "entrypoint of a binary elsewhere", spec: goTarget("path: /opt/app", "entrypoint: [app]"), want: []string{`6:18 "app" has no folder, and is in none of those that PATH has; write /opt/app`}},
		{name: "healthcheck", spec: goTarget("healthcheck: {test: [probe]}"), want: []string{`5:26 "probe" has no folder, and is in none of those that PATH has; write /probe`}},
		{name: "no healthcheck", spec: goTarget("healthcheck: {test: [NONE]}")},
		{name: "base", spec: goTarget("base: debian:12-slim", "entrypoint: [sh, -c, /app]")},
		{name: "healthcheck with CMD", spec: goTarget("healthcheck:", "  test:", "    - CMD", "    - app", "    - health"), want: []string{`8:11 "app" has no folder, and is in none of those that PATH has; write /app`}},
		{name: "full paths", spec: goTarget("entrypoint: [/app]", "healthcheck: {test: [CMD, /app, health]}")},
		{name: "relative to the working directory", spec: goTarget("entrypoint: [./app]")},
		{name: "arguments", spec: goTarget("cmd: [serve]")},
		{name: "PATH", spec: goTarget("entrypoint: [app]", "env: {PATH: /}")},
		{name: "where runtimes look", spec: goTarget("path: /usr/local/bin/app", "entrypoint: [app]")},
		{name: "copied to where runtimes look", spec: goTarget("entrypoint: [tini, /app]", "copy: [{from: tini, src: tini, dest: /usr/bin/}]")},
		{name: "copied elsewhere", spec: goTarget("entrypoint: [tini, /app]", "copy: [{from: tini, src: tini, dest: /opt/}]"), want: []string{`5:18 "tini" has no folder, and is in none of those that PATH has; write /tini`}},
		{name: "one of several binaries", spec: "toolchain: go-cgo0\ntargets:\n  a: {build: {package: [./cmd/x, ./cmd/y]}, entrypoint: [y]}\n", want: []string{`3:58 "y" has no folder, and is in none of those that PATH has; write /y`}},
	})
}

func TestNumericUserWithoutPasswd(t *testing.T) {
	const (
		golang = "the user 1000:1000 is not in /etc/passwd, because the extra passwd is off, so that Go's user.Current() fails and HOME is /, which the user cannot write to; turn it on with extras: {passwd: true}, or write env: {USER: app, HOME: /data}"
		rust   = "the user 1000:1000 is not in /etc/passwd, because the extra passwd is off, so that HOME is /, which the user cannot write to; turn it on with extras: {passwd: true}, or write env: {HOME: /data}"
	)
	run(t, "NumericUserWithoutPasswd", []testCase{
		{name: "passwd off", spec: goTarget("user: 1000", "extras: {passwd: false}"), want: []string{"5:11 " + golang}},
		{name: "no extras", spec: goTarget("user: {name: app, uid: 1000}", "extras: none"), want: []string{"5:11 " + golang}},
		{name: "Rust", spec: "toolchain: rust-musl\nextras: none\ntargets:\n  a: {user: 1000}\n", want: []string{"4:13 " + rust}},
		{name: "passwd on", spec: goTarget("user: 1000")},
		{name: "default user", spec: goTarget("extras: none")},
		{name: "nonroot", spec: goTarget("user: 65532", "extras: none")},
		{name: "root", spec: goTarget("user: root", "extras: none")},
		{name: "environment", spec: goTarget("user: 1000", "extras: none", "env: {USER: app, HOME: /data}")},
		{name: "HOME is not enough for Go", spec: goTarget("user: 1000", "extras: none", "env: {HOME: /data}"), want: []string{"5:11 " + golang}},
		{name: "HOME is enough for Rust", spec: "toolchain: rust-musl\nextras: none\ntargets:\n  a: {user: 1000, env: {HOME: /data}}\n"},
		{name: "own passwd", spec: goTarget("user: 1000", "extras: none", "copy: [{src: passwd, dest: /etc/passwd}]")},
		{name: "own folder", spec: goTarget("user: 1000", "extras: none", "copy: [{src: etc/, dest: /etc/}]")},
	})
}
