//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

const syntax = "# syntax=" + builds.FrontendImage + "\n"

// goSpec is a spec for a Go program in the root of its context.
const goSpec = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n"

func goProgram(main string) map[string]string {
	return map[string]string{"fromscratch.yaml": goSpec, "go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": main}
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func rustProgram(main string) map[string]string {
	return map[string]string{
		"fromscratch.yaml": syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app}\n",
		"Cargo.toml":       "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"Cargo.lock":       "version = 3\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n",
		"src/main.rs":      main,
	}
}

func with(files map[string]string, more ...string) map[string]string {
	out := map[string]string{}
	for k, v := range files {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// TestErrors shows what users see when something is wrong: the line, what is
// wrong with it, and what to write instead.
func TestErrors(t *testing.T) {
	spec := func(text string) map[string]string {
		return with(goProgram(hello), "fromscratch.yaml", syntax+text)
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		build builds.Build
		// want are parts of the output: the underlined line, and the message.
		want []string
	}{
		{"unknown key", spec("toolchain: go-cgo0\ntargets:\n  app: {build: ., expsoe: [80]}\n"), builds.Build{}, []string{
			"   4 | >>>   app: {build: ., expsoe: [80]}",
			`fromscratch.yaml:4:19: unknown key "expsoe" in target "app"; did you mean "expose"?`}},
		{"wrong type", spec("toolchain: go-cgo0\ntargets:\n  app: {build: ., expose: 80}\n"), builds.Build{}, []string{
			"   4 | >>>   app: {build: ., expose: 80}", "fromscratch.yaml:4:27: expose must be a list"}},
		{"tab", spec("toolchain: go-cgo0\ntargets:\n\tapp: {build: .}\n"), builds.Build{}, []string{
			"   4 | >>> \tapp: {build: .}", "fromscratch.yaml:4:1: the line is indented with a tab; YAML takes spaces only, so write two spaces a level"}},
		{"empty", spec(""), builds.Build{}, []string{"fromscratch.yaml:1:1: the spec is empty; write a toolchain and a target"}},
		{"no targets", spec("toolchain: go-cgo0\n"), builds.Build{}, []string{"the spec has no targets; add at least one, such as"}},
		{"unknown toolchain", spec("toolchain: golang\ntargets: {app: {build: .}}\n"), builds.Build{}, []string{
			"   2 | >>> toolchain: golang", `fromscratch.yaml:2:12: there is no toolchain "golang"`, "go-cgo0"}},
		{"unknown target", spec("toolchain: go-cgo0\ntargets:\n  api: {build: .}\n  worker: {build: .}\n"), builds.Build{Target: "wroker"}, []string{
			"   3 | >>> targets:", `there is no target "wroker", only api and worker; did you mean "worker"?`}},
		{"no target named", spec("toolchain: go-cgo0\ntargets:\n  api: {build: .}\n  worker: {build: .}\n"), builds.Build{}, []string{
			"   3 | >>> targets:", "the spec has several targets: api and worker; name one with --target, or mark one with default: true"}},
		{"missing package", spec("toolchain: go-cgo0\ntargets:\n  app: {build: ./cmd/app}\n"), builds.Build{}, []string{
			"   4 | >>>   app: {build: ./cmd/app}", "fromscratch.yaml:4:16: there is no folder cmd/app in the build context"}},
		{"missing module", map[string]string{"fromscratch.yaml": goSpec}, builds.Build{}, []string{
			"   5 | >>>     build: .", "there is no go.mod in the root of the build context"}},
		{"a pattern that is none", with(goProgram(hello), ".dockerignore", "*.log\n[\n"), builds.Build{}, []string{
			"   2 | >>> [", `.dockerignore:2: "[" is not a pattern: a bracket that is not closed`}},
		{"unsupported platform", goProgram(hello), builds.Build{Platforms: []string{"windows/amd64"}}, []string{
			"fromscratch cannot build for platform windows/amd64; it builds for linux/amd64, "}},
		{"unsupported platform of a toolchain", rustProgram("fn main() {}"), builds.Build{Platforms: []string{"linux/s390x"}}, []string{
			"toolchain rust-musl cannot build for platform linux/s390x; it builds for linux/amd64, "}},
		{"Go does not compile", goProgram("package main\n\nfunc main() { undefined() }\n"), builds.Build{}, []string{
			"main.go:3:15: undefined: undefined", "   5 | >>>     build: .",
			`fromscratch.yaml:5:12: compiling target "app" for linux/amd64 failed: go build .; what the compiler said is above`}},
		{"Rust does not compile", rustProgram("fn main() { undefined() }\n"), builds.Build{}, []string{
			"error[E0425]: cannot find function `undefined`", "   5 | >>>     build: {package: app}",
			`compiling target "app" for linux/amd64 failed: cargo build --release (app); what the compiler said is above`}},
		{"image that does not exist", spec("toolchain: {name: go-cgo0, version: 9.99}\ntargets: {app: {build: .}}\n"), builds.Build{}, []string{
			"   2 | >>> toolchain: {name: go-cgo0, version: 9.99}", "the toolchain image golang:9.99-alpine cannot be had", "set toolchain.version or toolchain.image"}},
		{"certificate that is none", with(spec("toolchain: go-cgo0\ntargets: {app: {build: .}}\nextras:\n  ca-certificates: {append: ca.pem}\n"), "ca.pem", "hello"), builds.Build{}, []string{
			"   5 | >>>   ca-certificates: {append: ca.pem}", "fromscratch.yaml:5:29: ca.pem holds no PEM certificate"}},
		{"certificate that is missing", spec("toolchain: go-cgo0\ntargets: {app: {build: .}}\nextras:\n  ca-certificates: {append: ca.pem}\n"), builds.Build{}, []string{
			`fromscratch.yaml:5:29: there is no file "ca.pem" in the build context`}},
		{"dynamic Rust", with(rustProgram("fn main() { println!(\"hello\"); }\n"), ".cargo/config.toml",
			"[target.x86_64-unknown-linux-musl]\nrustflags = [\"-Ctarget-feature=-crt-static\", \"-Clink-self-contained=no\"]\n"), builds.Build{Platforms: []string{"linux/amd64"}}, []string{
			"   5 | >>>     build: {package: app}", "the rustflags in .cargo/config.toml have -C target-feature=-crt-static, which links musl dynamically"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := builds.Write(t, tc.files)
			builds.Each(t, func(t *testing.T, via builds.Via) {
				b := tc.build
				b.Bed, b.Context = bed, dir
				out := b.Fails(t, via)
				for _, want := range tc.want {
					require.Contains(t, out, want)
				}
				plainWords(t, out)
			})
		})
	}
}

// jargon is what no user should have to read: names of Go types, traces, and the
// exit status of a process that the user never started.
var jargon = regexp.MustCompile(`\*?\b(spec|yaml|errors|fs|reflect)\.[A-Z]\w+|goroutine \d|panic|runtime error|\bexit code: 2\b|0x[0-9a-f]{6}`)

func plainWords(t *testing.T, out string) {
	t.Helper()
	require.NotRegexp(t, jargon, out)
}

// TestDynamicGo: a Go toolchain image that asks for position-independent
// programs makes dynamic ones, and nothing in the spec shows it.
func TestDynamicGo(t *testing.T) {
	image := toolchainImage(t, "golang-pie", "FROM golang:1.26\nENV GOFLAGS=-buildmode=pie\n")
	dir := builds.Write(t, goProgram(hello))
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"},
			Contexts: map[string]string{"golang:1.26": "docker-image://" + image}}.Fails(t, via)
		require.Contains(t, out, "app for linux/amd64 is not static: it asks for the dynamic linker /lib64/ld-linux-x86-64.so.2")
		require.Contains(t, out, "Look for -buildmode=pie")
		require.Contains(t, out, "   5 | >>>     build: .")
		plainWords(t, out)
	})
}

// TestDynamicRust is likewise for a Rust toolchain image.
func TestDynamicRust(t *testing.T) {
	image := toolchainImage(t, "rust-dynamic", "FROM rust:1.96-bookworm\nENV RUSTFLAGS=\"-Ctarget-feature=-crt-static -Clink-self-contained=no\"\n")
	out := builds.Build{Bed: bed, Context: builds.Write(t, rustProgram("fn main() { println!(\"hello\"); }\n")), Platforms: []string{"linux/amd64"},
		Contexts: map[string]string{"rust:1.96-bookworm": "docker-image://" + image}}.Fails(t, builds.Image)
	require.Contains(t, out, "app for linux/amd64 is not static: it asks for the dynamic linker /lib")
	require.Contains(t, out, "Look for -C target-feature=-crt-static")
	require.Contains(t, out, "   5 | >>>     build: {package: app}")
}

// toolchainImage builds an image out of a Dockerfile and pushes it to the registry.
func toolchainImage(t *testing.T, name, dockerfile string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	require.NoError(t, os.WriteFile(file, []byte(dockerfile), 0o644))
	image := bed.Registry + "/test/" + name
	out, err := bed.Command(t.Context(), "docker", "buildx", "build", "--provenance=false", "--push", "-t", image, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	return image
}
