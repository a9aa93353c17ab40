//go:build integration

package integration

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
)

// packages has Debian's busybox-static and UPX, which is in the backports of some
// releases, made into images: the one with hard links for its applets, as that of Docker
// Hub, the other with no more than it needs.
const packages = `FROM golang:1.26 AS debian
RUN . /etc/os-release && \
    if ! apt-cache show upx-ucl >/dev/null 2>&1; then sed -i "s/$VERSION_CODENAME-updates/$VERSION_CODENAME-updates $VERSION_CODENAME-backports/" /etc/apt/sources.list.d/* /etc/apt/sources.list; fi; \
    apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static upx-ucl && \
    mkdir /upx && cp -L --parents /usr/bin/upx-ucl $(ldd /usr/bin/upx-ucl | grep -o '/[^ ]*') /upx

FROM scratch AS busybox
COPY --from=debian /bin/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]

FROM scratch AS upx
COPY --from=debian /upx /
`

// packageImage pushes an image of packages and returns the context that it is.
func packageImage(t *testing.T, target string) string {
	t.Helper()
	ref := bed.Registry + "/test/" + target
	dir := builds.Write(t, map[string]string{"Dockerfile": packages})
	builds.Build{Bed: bed, Context: dir, File: "Dockerfile", Target: target, Push: ref}.OK(t, builds.Image)
	return "docker-image://" + ref
}

// onEngine runs an image on the Docker Engine.
func onEngine(t *testing.T, image string, flags []string, args ...string) string {
	t.Helper()
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	out, err := examples.Engine(t.Context(), bed, host, image, flags, args...)
	require.NoError(t, err, out)
	return out
}

const twoPrograms = syntax + "toolchain: go-cgo0\ntargets:\n  api: {build: ./api, default: true}\n  worker: {build: ./worker, path: /srv/jobs}\n"

func programs() map[string]string {
	return map[string]string{"fromscratch.yaml": twoPrograms, "go.mod": "module example.com/app\n\ngo 1.26\n", "api/main.go": hello, "worker/main.go": hello}
}

// TestBinaries: nothing but the binaries of all targets, for each platform, and they
// are those of the images.
func TestBinaries(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		dir, dist := builds.Write(t, programs()), filepath.Join(t.TempDir(), "dist")
		r := builds.Build{Bed: bed, Context: dir, Target: "binaries", Platforms: []string{"linux/amd64", "linux/arm64"}, Local: dist}.OK(t, via)
		found := map[string][]byte{}
		require.NoError(t, filepath.WalkDir(dist, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name, err := filepath.Rel(dist, p)
			require.NoError(t, err)
			found[name], err = os.ReadFile(p)
			return err
		}))
		require.Len(t, found, 4)
		for name, binary := range map[string]string{"linux_amd64/api": "/api", "linux_amd64/jobs": "/jobs", "linux_arm64/api": "/api", "linux_arm64/jobs": "/jobs"} {
			img := r.Layout.Images[strings.Replace(filepath.Dir(name), "_", "/", 1)]
			require.True(t, bytes.Equal(found[name], img.Files[binary].Data), name)
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(dist, "linux_amd64", "jobs")).CombinedOutput()
		require.NoError(t, err)
		require.Equal(t, "hello\n", string(out))

		image := builds.Build{Bed: bed, Context: dir, Target: "api", Platforms: []string{"linux/amd64"}}.OK(t, via)
		require.Equal(t, r.Layout.Images["linux/amd64"].Files["/api"].Layer, image.Layout.Images["linux/amd64"].Files["/api"].Layer)
		require.Contains(t, image.Output, "go build ./api\n")
		require.Regexp(t, `#(\d+) \[linux/amd64\] go build ./api\n#\d+ CACHED`, image.Output, "the image is made of what was compiled")
	})
}

// TestDebug: the layers of the image, and one with a shell that works in it.
func TestDebug(t *testing.T) {
	busybox := packageImage(t, "busybox")
	each(t, func(t *testing.T, via builds.Via) {
		dir := builds.Write(t, with(programs(), "fromscratch.yaml", strings.Replace(twoPrograms, "/srv/jobs}", "/srv/jobs, copy: [{src: ls, dest: /bin/}]}", 1), "ls", "not busybox"))
		push := bed.Registry + "/test/worker-debug"
		b := builds.Build{Bed: bed, Context: dir, Target: "worker-debug", Contexts: map[string]string{"busybox": busybox}, Push: push, Platforms: []string{"linux/amd64"}}
		debug := b.OK(t, via).Layout.Images["linux/amd64"]
		b.Target, b.Push = "worker", ""
		plain := b.OK(t, via).Layout.Images["linux/amd64"]

		n := len(plain.Manifest.Layers)
		require.Equal(t, plain.Manifest.Layers, debug.Manifest.Layers[:n])
		require.Len(t, debug.Manifest.Layers, n+1)
		require.Equal(t, plain.Files["/srv/jobs"].Data, debug.Files["/srv/jobs"].Data)
		require.Equal(t, plain.Config.Config.Entrypoint, debug.Config.Config.Entrypoint)
		require.Equal(t, "not busybox", string(debug.Files["/bin/ls"].Data), "a file of the target stays")

		require.Contains(t, onEngine(t, push, nil), "hello\n")
		out := onEngine(t, push, []string{"--entrypoint", "sh"}, "-c", "id -u; wc -c </bin/ls; /srv/jobs 2>&1; cat /proc/1/comm; true")
		require.Contains(t, out, "65532\n11\nhello\nsh\n")

		b.Target, b.Contexts = "api-debug", map[string]string{"busybox": "docker-image://" + builds.FrontendImage}
		require.Contains(t, b.Fails(t, via), "fromscratch.yaml:4:3: the busybox for api-debug has no program busybox, neither in its root nor in /")
	})
}

// TestCompress: a packed program still runs, on the platform that it is for, and a
// build without upx says what to pass.
func TestCompress(t *testing.T) {
	upx := packageImage(t, "upx")
	each(t, func(t *testing.T, via builds.Via) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"    compress: upx\n"))
		push := bed.Registry + "/test/packed"
		b := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Contexts: map[string]string{"upx": upx}, Push: push}
		packed := b.OK(t, via)
		b.Contexts, b.Push, b.File = nil, "", "plain.yaml"
		require.NoError(t, os.WriteFile(filepath.Join(dir, b.File), []byte(goSpec), 0o644))
		plain := b.OK(t, via)
		for pf, img := range packed.Layout.Images {
			before, after := plain.Layout.Images[pf].Files["/app"].Data, img.Files["/app"].Data
			require.Contains(t, string(after), "UPX!", pf)
			require.Less(t, len(after), len(before)*2/3, pf)
			t.Logf("%s: %d bytes, packed %d", pf, len(before), len(after))
		}
		require.Contains(t, onEngine(t, push, nil), "hello\n")
		out, err := examples.Emulated(t.Context(), bed, packed.Layout.Images["linux/arm64"])
		require.NoError(t, err, out)
		require.Equal(t, "hello\n", out)

		b.File = ""
		require.Contains(t, b.Fails(t, via), "fromscratch.yaml:6:15: compress: upx needs an image with upx in it, and there is no context named upx; pass one with --build-context upx=docker-image://")
	})
}

// TestGoSize: a program without inlining is smaller, and runs.
func TestGoSize(t *testing.T) {
	long(t)
	each(t, func(t *testing.T, via builds.Via) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", syntax+"toolchain: go-cgo0\ntargets:\n  app: {build: .}\n  small: {build: {optimize: size}}\n"))
		dist := t.TempDir()
		builds.Build{Bed: bed, Context: dir, Target: "binaries", Platforms: []string{"linux/amd64"}, Local: dist}.OK(t, via)
		app, err := os.Stat(filepath.Join(dist, "app"))
		require.NoError(t, err)
		small, err := os.Stat(filepath.Join(dist, "small"))
		require.NoError(t, err)
		require.Less(t, small.Size(), app.Size()*97/100)
		out, err := exec.CommandContext(t.Context(), filepath.Join(dist, "small")).CombinedOutput()
		require.NoError(t, err)
		require.Equal(t, "hello\n", string(out))
	})
}
