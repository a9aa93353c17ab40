//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// compileHere compiles a program on this machine.
func compileHere(t *testing.T, source, out, arch string) {
	t.Helper()
	main := filepath.Join(builds.Write(t, map[string]string{"main.go": source}), "main.go")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", out, main)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
}

// TestPrebuilt: binaries that were compiled elsewhere, also in a folder that is not
// sent otherwise, get into the image of their platform.
func TestPrebuilt(t *testing.T) {
	spec := syntax + "toolchain: prebuilt\ntargets:\n  app: {build: 'target/release/${TARGETOS}_${TARGETARCH}/app', workdir: /data}\n  other: {build: {from: dist, src: 'linux_${TARGETARCH}/app'}}\n" +
		"  script: {build: run.sh}\n  wrong: {build: target/release/linux_arm64/app}\n  gone: {build: target/release/ap}\n"
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": spec, "run.sh": "#!/bin/sh\n", "target/release/junk": "", "target/release/link": ""})
	for _, arch := range []string{"amd64", "arm64"} {
		compileHere(t, hello, filepath.Join(dir, "target/release/linux_"+arch, "app"), arch)
	}
	each(t, func(t *testing.T, via builds.Via) {
		name := bed.Registry + "/test/prebuilt-" + strings.ReplaceAll(string(via), " ", "-")
		build := builds.Build{Bed: bed, Context: dir, Target: "app", Platforms: []string{"linux/amd64", "linux/arm64"}, Push: name}
		r := build.OK(t, via)
		for pf, img := range r.Layout.Images {
			f := img.Files["/app"]
			require.Equal(t, read(t, filepath.Join(dir, "target/release", strings.ReplaceAll(pf, "/", "_"), "app")), string(f.Data))
			require.Equal(t, int64(0o755), f.Header.Mode)
			require.Zero(t, f.Header.ModTime.Unix())
			require.Contains(t, img.Files, "/etc/passwd")
		}
		out, err := engine(t.Context(), t, name)
		require.NoError(t, err, out)
		require.Equal(t, "hello\n", out)

		build.Target, build.Push, build.Contexts = "other", "", map[string]string{"dist": filepath.Join(dir, "target/release")}
		if via == builds.Image {
			other := build.OK(t, via)
			require.Equal(t, r.Layout.Images["linux/arm64"].Files["/app"].Data, other.Layout.Images["linux/arm64"].Files["/other"].Data)
		}

		build.Contexts, build.Platforms = nil, []string{"linux/amd64"}
		for target, want := range map[string]string{
			"other":  `there is no context named "dist"; pass one with --build-context dist=`,
			"script": "script for linux/amd64 is a script for /bin/sh",
			"wrong":  "wrong for linux/amd64 is a program for linux/arm64, not for linux/amd64; each platform needs a binary of its own, which ${TARGETARCH} in its path tells apart",
			"gone":   "there is no target/release/ap in the build context, where target/release has linux_amd64 and linux_arm64; compile it for linux/amd64 before the image is built, and see whether .dockerignore leaves it out (a line !target/release/ap takes it back in)",
		} {
			build.Target = target
			out := build.Fails(t, via)
			require.Contains(t, out, want)
			require.Contains(t, out, ">>>   "+target+": {build: ")
		}
	})
}
