//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// TestPlatforms: no --platform at all, one, and two.
func TestPlatforms(t *testing.T) {
	dir := builds.Write(t, goProgram(hello))
	builds.Each(t, func(t *testing.T, via builds.Via) {
		none := builds.Build{Bed: bed, Context: dir}.OK(t, via)
		require.False(t, none.Layout.IsIndex())
		require.Equal(t, []string{"linux/amd64"}, none.Layout.Platforms(), "the builder's own")

		one := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/arm64"}}.OK(t, via)
		require.False(t, one.Layout.IsIndex(), "one platform is an image, not an index")
		require.Equal(t, []string{"linux/arm64"}, one.Layout.Platforms())

		three := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/arm"}}.OK(t, via)
		require.True(t, three.Layout.IsIndex())
		require.Equal(t, []string{"linux/amd64", "linux/arm/v7", "linux/arm64"}, three.Layout.Platforms())
		require.Equal(t, none.Layout.Images["linux/amd64"].Descriptor.Digest, three.Layout.Images["linux/amd64"].Descriptor.Digest,
			"an image is the same alone and in an index")
	})
}

// TestNothingIsEmulated builds for a platform that the machine cannot run, on a
// builder that knows its own alone.
func TestNothingIsEmulated(t *testing.T) {
	long(t)
	handlers, err := filepath.Glob("/proc/sys/fs/binfmt_misc/qemu-*")
	require.NoError(t, err)
	require.Empty(t, handlers, "the test shows nothing on a machine with emulation")
	d, err := bed.StartBuildkitd(t.Context(), "native-only", testbed.BuildkitdOpt{Platforms: []string{"linux/amd64"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	for name, files := range map[string]map[string]string{"go": goProgram(hello), "rust": rustProgram("fn main() {}")} {
		t.Run(name, func(t *testing.T) {
			r := builds.Build{Bed: bed, Buildkitd: d, Context: builds.Write(t, files), Platforms: []string{"linux/arm64"}}.OK(t, builds.Image)
			require.Equal(t, []string{"linux/arm64"}, r.Layout.Platforms())
		})
	}
	t.Run("the builder does refuse to run arm64", func(t *testing.T) {
		dir := builds.Write(t, map[string]string{"Dockerfile": "FROM --platform=linux/arm64 scratch\nCOPY app /app\nRUN [\"/app\"]\n"})
		r := builds.Build{Bed: bed, Buildkitd: d, Context: builds.Write(t, goProgram(hello)), Platforms: []string{"linux/arm64"}}.OK(t, builds.Image)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app"), r.Layout.Images["linux/arm64"].Files["/app"].Data, 0o755))
		out := builds.Build{Bed: bed, Buildkitd: d, Context: dir, File: "Dockerfile", Platforms: []string{"linux/arm64"}}.Fails(t, builds.Image)
		require.Contains(t, out, "exec format error")
	})
}

// TestSlimRust: an image as the official slim one has neither a musl target nor a
// cross compiler. Both are added once, and an edit adds nothing.
func TestSlimRust(t *testing.T) {
	files := with(rustProgram("fn main() { println!(\"hello\"); }\n"), "fromscratch.yaml",
		syntax+"toolchain: {name: rust-musl, image: 'rust:1.96-slim-bookworm'}\ntargets:\n  app:\n    build: {package: app}\n")
	dir := builds.Write(t, files)
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}}
	r := build.OK(t, builds.Image)
	for _, vertex := range []string{"rustup target add x86_64-unknown-linux-musl", "rustup target add aarch64-unknown-linux-musl", "linker for aarch64-unknown-linux-musl"} {
		require.Contains(t, r.Output, "[toolchain] "+vertex)
	}
	require.NotContains(t, r.Output, "C compiler for", "nothing here is compiled by one")
	require.Equal(t, "hello", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

	edit(t, dir, "src/main.rs", "fn main() { println!(\"edited\"); }\n", time.Now())
	r = build.OK(t, builds.Image)
	require.Equal(t, "edited", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
	for _, m := range regexp.MustCompile(`(?m)^#(\d+) \[toolchain\] (?:rustup|linker for).*\n#(\d+) (\w+)`).FindAllStringSubmatch(r.Output, -1) {
		require.Equal(t, "CACHED", m[3], "an edit reruns no toolchain vertex: %s", m[0])
	}
	t.Run("without a way to add it", func(t *testing.T) {
		image := toolchainImage(t, "rust-bare", "FROM rust:1.96-slim-bookworm\nRUN rm /usr/local/cargo/bin/rustup && ln -s /bin/false /usr/local/cargo/bin/rustup\n")
		bare := build
		bare.Contexts = map[string]string{"rust:1.96-slim-bookworm": "docker-image://" + image}
		out := bare.Fails(t, builds.Image)
		require.Contains(t, out, "   2 | >>> toolchain: {name: rust-musl")
		require.Contains(t, out, "the toolchain image rust:1.96-slim-bookworm lacks what linux/")
		plainWords(t, out)
	})
}

var transferred = regexp.MustCompile(`transferring context: ([0-9.]+)([kMG]?B)`)

// TestContext: the context is sent once, without what .dockerignore and the
// frontend's own list leave out.
func TestContext(t *testing.T) {
	big := strings.Repeat("x", 2<<20)
	files := with(goProgram(hello),
		".dockerignore", "*.log\nsecret\n",
		"build.log", big, "secret/key", big, ".git/objects/pack", big, "web/node_modules/left-pad/index.js", big,
		"target/debug/app", big, "target/x86_64-unknown-linux-musl/release/app", big,
		// A package may be called target.
		"target/target.go", "package target\n\nconst Text = \"hello\"\n",
		"main.go", "package main\n\nimport \"example.com/app/target\"\n\nfunc main() { println(target.Text) }\n")
	builds.Each(t, func(t *testing.T, via builds.Via) {
		dir := builds.Write(t, files)
		r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}}.OK(t, via)
		require.Equal(t, 1, strings.Count(r.Output, "[internal] load build context\n"), r.Output)
		for _, m := range transferred.FindAllStringSubmatch(r.Output, -1) {
			require.Contains(t, []string{"B", "kB"}, m[2], "%s", m[0])
		}
	})
	t.Run("a label compiles nothing", func(t *testing.T) {
		dir := builds.Write(t, goProgram(hello))
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
		build.OK(t, builds.Image)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "fromscratch.yaml"), []byte(goSpec+"    labels: {a: b}\n"), 0o644))
		r := build.OK(t, builds.Image)
		require.Regexp(t, `(?m)^#(\d+) \[linux/amd64\] go build \.\n#\d+ CACHED`, r.Output)
		require.Equal(t, "b", r.Layout.Images["linux/amd64"].Config.Config.Labels["a"])
	})
	t.Run("taken back in", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram("package main\n\nimport _ \"embed\"\n\n//go:embed node_modules/x\nvar text string\n\nfunc main() { println(text) }\n"),
			"node_modules/x", "embedded", ".dockerignore", "!node_modules\n"))
		builds.Build{Bed: bed, Context: dir}.OK(t, builds.Image)
	})
	t.Run("ignored sources are missing", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), ".dockerignore", "go.mod\n"))
		out := builds.Build{Bed: bed, Context: dir}.Fails(t, builds.Image)
		require.Contains(t, out, "see whether .dockerignore leaves it out")
	})
}

// TestImage: what a target says ends up in the image.
func TestImage(t *testing.T) {
	spec := syntax + `toolchain: go-cgo0
targets:
  app:
    build: {dir: svc, package: [./cmd/one, ./cmd/two]}
    entrypoint: [/one, -v]
    cmd: [serve]
    env: {TZ: UTC, EMPTY: "", QUOTE: 'a "b" $$c'}
    expose: [8080, 53/udp, 9000-9001]
    user: {name: app, uid: 1001, gid: 1002, home: /var/lib/app}
    workdir: /srv/data
    labels: {org.example: "yes"}
    extras: {tmp: false, tzdata: true}
extras: {ca-certificates: false}
`
	dir := builds.Write(t, map[string]string{
		"fromscratch.yaml": spec, "svc/go.mod": "module example.com/svc\n\ngo 1.26\n",
		"svc/cmd/one/main.go": hello, "svc/cmd/two/main.go": hello,
	})
	builds.Each(t, func(t *testing.T, via builds.Via) {
		img := builds.Build{Bed: bed, Context: dir}.OK(t, via).Layout.Images["linux/amd64"]
		cfg := img.Config.Config
		require.Equal(t, []string{"/one", "-v"}, cfg.Entrypoint)
		require.Equal(t, []string{"serve"}, cfg.Cmd)
		require.Equal(t, []string{"EMPTY=", "HOME=/var/lib/app", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", `QUOTE=a "b" $c`, "TZ=UTC"}, cfg.Env)
		require.Equal(t, "1001:1002", cfg.User)
		require.Equal(t, "/srv/data", cfg.WorkingDir)
		require.Equal(t, map[string]string{"org.example": "yes"}, cfg.Labels)
		var ports []string
		for p := range cfg.ExposedPorts {
			ports = append(ports, p)
		}
		require.ElementsMatch(t, []string{"8080/tcp", "53/udp", "9000/tcp", "9001/tcp"}, ports)

		require.Contains(t, img.Files, "/one")
		require.Contains(t, img.Files, "/two")
		require.Contains(t, img.Files, "/usr/share/zoneinfo/UTC")
		require.NotContains(t, img.Files, "/tmp")
		require.NotContains(t, img.Files, "/etc/ssl")
		for path, mode := range map[string]string{"/srv/data": "drwxr-xr-x", "/var/lib/app": "drwx------"} {
			f := img.Files[path]
			require.Equal(t, "1001:1002 "+mode, fmt.Sprintf("%d:%d %s", f.Header.Uid, f.Header.Gid, f.Header.FileInfo().Mode()), path)
		}
		require.Contains(t, string(img.Files["/etc/passwd"].Data), "app:x:1001:1002:app:/var/lib/app:/sbin/nologin\n")
	})
	t.Run("nothing but the binary", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"extras: none\n"))
		img := builds.Build{Bed: bed, Context: dir}.OK(t, builds.Image).Layout.Images["linux/amd64"]
		require.Len(t, img.Files, 1)
		require.Contains(t, img.Files, "/app")
	})
}

// TestSharedLayers: what is the same in two images is one layer.
func TestSharedLayers(t *testing.T) {
	layers := func(files map[string]string, pf string) map[string]bool {
		out := map[string]bool{}
		img := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{pf}}.OK(t, builds.Image).Layout.Images[pf]
		for _, l := range img.Manifest.Layers[:len(img.Manifest.Layers)-1] {
			out[l.Digest.String()] = true
		}
		return out
	}
	want := layers(goProgram(hello), "linux/amd64")
	require.Len(t, want, 3, "certificates, accounts, /tmp")
	require.Equal(t, want, layers(goProgram(hello), "linux/arm64"), "on every platform")
	require.Equal(t, want, layers(rustProgram("fn main() {}"), "linux/amd64"), "in every language")
}

func modeAndOwner(f ocilayout.File) string {
	return fmt.Sprintf("%s %d", f.Header.FileInfo().Mode(), f.Header.Uid)
}
