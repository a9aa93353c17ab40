//go:build integration

package integration

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// TestExamples builds each example for both platforms, looks into the images,
// and runs them: on the Docker Engine, and for the other platform under qemu,
// which only this test uses.
func TestExamples(t *testing.T) {
	server, err := examples.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	for _, name := range examples.Names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, examples.Copy(bed.Root, name, dir, server.CA))
			digests := map[builds.Via]string{}
			builds.Each(t, func(t *testing.T, via builds.Via) {
				push := bed.Registry + "/test/" + name
				r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Push: push}.OK(t, via)
				require.True(t, r.Layout.IsIndex())
				require.Equal(t, []string{"linux/amd64", "linux/arm64"}, r.Layout.Platforms())
				for pf, img := range r.Layout.Images {
					checkImage(t, name, pf, img, server.CA)
				}
				require.Equal(t, 1, strings.Count(r.Output, "[internal] load build context\n"), "the context is sent once:\n%s", r.Output)
				digests[via] = r.Layout.Root.Digest.String()

				t.Run("amd64", func(t *testing.T) { runEngine(t, push, server.URL) })
				t.Run("arm64", func(t *testing.T) {
					out, err := examples.Emulated(t.Context(), bed, r.Layout.Images["linux/arm64"], "check", "--url", server.URL)
					checksPass(t, out, err)
				})
			})
			require.Equal(t, digests[builds.Image], digests[builds.InProcess], "both ways give the same bytes")
		})
	}
}

func checkImage(t *testing.T, name, pf string, img *ocilayout.Image, ca []byte) {
	t.Helper()
	cfg := img.Config.Config
	require.Equal(t, "65532:65532", cfg.User)
	require.Equal(t, "/", cfg.WorkingDir)
	require.Equal(t, []string{"/" + name}, cfg.Entrypoint)
	require.Equal(t, []string{"serve"}, cfg.Cmd)
	require.Contains(t, cfg.ExposedPorts, "8080/tcp")
	require.Contains(t, cfg.Env, "TZ=Europe/Paris")
	require.Equal(t, name, cfg.Labels["org.opencontainers.image.title"])
	require.Equal(t, time.Unix(0, 0).UTC(), img.Config.Created.UTC())

	for path, want := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
	}{
		"/" + name:                           {0o755, 0, 0},
		"/etc":                               {fs.ModeDir | 0o755, 0, 0},
		"/etc/passwd":                        {0o644, 0, 0},
		"/etc/group":                         {0o644, 0, 0},
		"/etc/ssl":                           {fs.ModeDir | 0o755, 0, 0},
		"/etc/ssl/certs":                     {fs.ModeDir | 0o755, 0, 0},
		"/etc/ssl/cert.pem":                  {fs.ModeSymlink | 0o777, 0, 0},
		"/etc/ssl/certs/ca-certificates.crt": {0o644, 0, 0},
		"/home/nonroot":                      {fs.ModeDir | 0o700, 65532, 65532},
		"/tmp":                               {fs.ModeDir | fs.ModeSticky | 0o777, 0, 0},
		"/usr/share/zoneinfo/Europe/Paris":   {0o644, 0, 0},
	} {
		f, ok := img.Files[path]
		require.True(t, ok, "%s has %s", pf, path)
		require.Equal(t, want.mode, f.Header.FileInfo().Mode(), path)
		require.Equal(t, want.uid, f.Header.Uid, path)
		require.Equal(t, want.gid, f.Header.Gid, path)
	}
	for path, f := range img.Files {
		require.Equal(t, int64(0), f.Header.ModTime.Unix(), path)
	}
	require.True(t, bytes.HasSuffix(bytes.TrimSpace(img.Files["/etc/ssl/certs/ca-certificates.crt"].Data), bytes.TrimSpace(ca)))
	require.Contains(t, string(img.Files["/etc/passwd"].Data), "\nnonroot:x:65532:65532:")

	bin := img.Files["/"+name]
	p, err := platform.Lookup(platforms.MustParse(pf))
	require.NoError(t, err)
	require.NoError(t, inspect.Static(bytes.NewReader(bin.Data), int64(len(bin.Data)), p))
	require.Equal(t, img.Manifest.Layers[len(img.Manifest.Layers)-1].Digest, bin.Layer, "the binary is the last layer")
}

// checksPass asserts what the check command of an example printed.
func checksPass(t *testing.T, out string, err error) {
	t.Helper()
	require.NoError(t, err, out)
	for _, line := range []string{"ok time-zone ", "ok temp-file ", "ok user nonroot uid=65532 ", "ok tls "} {
		require.Contains(t, out, line)
	}
	require.NotContains(t, out, "FAIL")
}

// runEngine runs an image on the Docker Engine.
func runEngine(t *testing.T, image, server string) {
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	out, err := examples.Engine(t.Context(), bed, host, image, nil, "check", "--url", server)
	checksPass(t, out, err)

	out, err = examples.Engine(t.Context(), bed, host, image, []string{"--read-only", "--user", "0"}, "check")
	require.Error(t, err, "checks that cannot fail show nothing: %s", out)
	require.Contains(t, out, "FAIL user ")
	require.Contains(t, out, "FAIL temp-file ")
}
