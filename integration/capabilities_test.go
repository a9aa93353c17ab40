//go:build integration

package integration

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// listener says whether it can listen on a port below 1024.
const listener = "package main\n\nimport \"syscall\"\n\nfunc main() {\n\tfd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)\n" +
	"\tif err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: 80}); err != nil {\n\t\tprintln(err.Error())\n\t\treturn\n\t}\n\tprintln(\"listening\")\n}\n"

// engine runs an image on the Docker Engine, in a network of its own where ports
// below 1024 are for root.
func engine(ctx context.Context, t *testing.T, image string, flags ...string) (string, error) {
	t.Helper()
	out, err := docker(ctx, t, "pull", "-q", image)
	require.NoError(t, err, out)
	args := append([]string{"run", "--rm", "--network", "none", "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"}, flags...)
	return docker(ctx, t, append(args, image)...)
}

// docker runs a command on the Docker Engine.
func docker(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	host, err := bed.Docker(ctx)
	require.NoError(t, err)
	out, err := bed.Command(ctx, "docker", append([]string{"-H", host}, args...)...).CombinedOutput()
	return string(out), err
}

// TestCapabilities: a program that is not root listens on port 80, out of an image
// that went through a registry, a second builder and the Docker Engine.
func TestCapabilities(t *testing.T) {
	const spec = syntax + "toolchain: prebuilt\ntargets:\n" +
		"  app: {build: '${TARGETARCH}', path: /usr/bin/app, capabilities: [CAP_NET_BIND_SERVICE]}\n" +
		"  plain: {build: '${TARGETARCH}'}\n" +
		"  permitted: {build: '${TARGETARCH}', capabilities: [net_bind_service=p]}\n"
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": spec})
	for _, arch := range []string{"amd64", "arm64"} {
		compileHere(t, listener, filepath.Join(dir, arch), arch)
	}
	const record = "SCHILY.xattr.security.capability"
	const value = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	each(t, func(t *testing.T, via builds.Via) {
		name := bed.Registry + "/test/capabilities-" + strings.ReplaceAll(string(via), " ", "-")
		build := func(target string) *ocilayout.Layout {
			return builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64", "linux/arm64"}, Push: name + ":" + target}.OK(t, via).Layout
		}
		l := build("app")
		for pf, img := range l.Images {
			f := img.Files["/usr/bin/app"]
			require.Equal(t, value, f.Header.PAXRecords[record], pf)
			require.Equal(t, int64(0o755), f.Header.Mode)
			require.Zero(t, f.Header.ModTime.Unix())
			require.NotContains(t, img.Files, "/links/0")
			require.Zero(t, img.Files["/usr/bin"].Header.ModTime.Unix())
		}
		require.Equal(t, l.Root.Digest, build("app").Root.Digest)
		out, err := engine(t.Context(), t, name+":app")
		require.NoError(t, err, out)
		require.Equal(t, "listening\n", out)

		build("plain")
		out, err = engine(t.Context(), t, name+":plain")
		require.NoError(t, err, out)
		require.Contains(t, out, "permission denied", "the test shows nothing where everybody may")
		build("permitted")
		out, err = engine(t.Context(), t, name+":permitted")
		require.NoError(t, err, out)
		require.Contains(t, out, "permission denied", "the program does not put it into effect")

		out, err = engine(t.Context(), t, name+":app", "--cap-drop", "ALL")
		require.Error(t, err)
		require.Contains(t, out, "operation not permitted")
		out, err = engine(t.Context(), t, name+":app", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE")
		require.NoError(t, err, out)
		require.Equal(t, "listening\n", out)
		out, err = engine(t.Context(), t, name+":app", "--security-opt", "no-new-privileges")
		require.NoError(t, err, out)
		require.Contains(t, out, "permission denied")
		out, err = engine(t.Context(), t, name+":permitted", "--cap-drop", "ALL")
		require.NoError(t, err, out)

		if !full() {
			return
		}
		fresh, err := bed.StartBuildkitd(t.Context(), "capabilities", testbed.BuildkitdOpt{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, fresh.Close()) })
		again := builds.Build{Bed: bed, Buildkitd: fresh, Context: builds.Write(t, map[string]string{"Dockerfile": "FROM " + name + ":app\nCOPY --from=" + name + ":app /usr/bin/app /copy\n"}),
			File: "Dockerfile"}.OK(t, builds.Image).Layout.Images["linux/amd64"]
		require.Equal(t, value, again.Files["/copy"].Header.PAXRecords[record], "imported and copied")
	})
}
