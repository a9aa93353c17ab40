//go:build integration

package integration

import (
	"fmt"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// tooOld is what a BuildKit that is too old answers, in one sentence.
const tooOld = "this BuildKit does not tell a frontend which image it runs from; fromscratch needs BuildKit 0.11, Docker Engine 24.0 or later"

// TestOldDocker: the BuildKit of Docker Engine 20.10 is too old, and says so to every
// client, before it is sent anything to build.
func TestOldDocker(t *testing.T) {
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	dir := builds.Write(t, with(goProgram(hello), "big", string(make([]byte, 1<<20))))
	client := func(env []string, name string, args ...string) string {
		t.Helper()
		cmd := bed.Command(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, append(append(cmd.Env, "DOCKER_HOST="+host, "BUILDX_BUILDER="), env...)
		out, err := cmd.CombinedOutput()
		require.Error(t, err, string(out))
		return string(out)
	}
	for name, out := range map[string]string{
		"docker build":        client([]string{"DOCKER_BUILDKIT=1"}, "docker", "build", "--builder", "default", "--progress", "plain", "-f", "fromscratch.yaml", "."),
		"docker buildx build": client(nil, "docker", "buildx", "build", "--builder", "default", "--progress", "plain", "-f", "fromscratch.yaml", "."),
		"the registry's name": client(nil, "docker", "buildx", "build", "--builder", "default", "--progress", "plain", "--build-arg", "BUILDKIT_SYNTAX="+bed.Registry+"/"+builds.FrontendImage, "-f", "fromscratch.yaml", "."),
	} {
		require.Contains(t, out, tooOld, name)
		require.NotContains(t, out, "load build context", name)
	}
}

// TestBuildctl: the client of stand-alone BuildKit builds what docker buildx builds.
func TestBuildctl(t *testing.T) {
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": syntax + "toolchain: prebuilt\ntargets:\n  app: {build: app}\n"})
	compileHere(t, hello, filepath.Join(dir, "app"), "amd64")
	want := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.OK(t, builds.Image).Layout.Root.Digest
	for name, frontend := range map[string][]string{
		"the image named":        {"--frontend", "gateway.v0", "--opt", "source=" + builds.FrontendImage},
		"by way of a Dockerfile": {"--frontend", "dockerfile.v0"},
	} {
		t.Run(name, func(t *testing.T) {
			dest := t.TempDir()
			cmd := bed.Command(t.Context(), "buildctl", append([]string{"build", "--progress=plain", "--local", "context=.", "--local", "dockerfile=.", "--opt", "filename=fromscratch.yaml",
				"--output", "type=oci,tar=false,dest=" + dest}, frontend...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			l, err := ocilayout.Open(t.Context(), dest)
			require.NoError(t, err)
			require.Equal(t, want, l.Root.Digest)
		})
	}
}

// timeless is what files are, but for their times.
func timeless(files map[string]ocilayout.File) map[string]string {
	out := map[string]string{}
	for name, f := range files {
		h := f.Header
		out[name] = fmt.Sprintf("%c %o %d:%d %s %q %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, h.PAXRecords, digest.FromBytes(f.Data))
	}
	return out
}

// TestOldestBuildKit: the examples, and what newer BuildKits have an operation of their
// own for, are the same on the oldest that the README names.
func TestOldestBuildKit(t *testing.T) {
	long(t)
	old, err := bed.StartBuildkitd(t.Context(), "oldest", testbed.BuildkitdOpt{Oldest: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, old.Close()) })
	root, err := testbed.FindRoot(".")
	require.NoError(t, err)
	both := []string{"linux/amd64", "linux/arm64"}
	for name, b := range map[string]builds.Build{
		"go-service":   {Context: filepath.Join(root, "examples/go-service"), Platforms: both},
		"rust-service": {Context: filepath.Join(root, "examples/rust-service"), Platforms: both},
		"copy and extras": {Context: builds.Write(t, with(goProgram(hello), "conf/a", "a", "fromscratch.yaml",
			goSpec+"    copy: [{src: conf/a, dest: /etc/app/, chmod: 0640, chown: nonroot}, {src: conf, dest: /conf, exclude: '*.tmp'}]\n    volumes: [/data]\n"+
				"    capabilities: [net_bind_service]\nextras: {tzdata: true, nsswitch: true, hosts: true, sbom: true, dirs: [{path: /srv, chmod: 01777}]}\n")), Platforms: both},
		"debug": {Context: builds.Write(t, goProgram(hello)), Target: "app-debug", Platforms: []string{"linux/amd64"}, Contexts: map[string]string{"busybox": packageImage(t, "busybox")}},
		"base":  {Context: builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"    base: debian:bookworm\n")), Platforms: []string{"linux/amd64"}},
		"SBOM":  {Context: builds.Write(t, goProgram(hello)), Platforms: []string{"linux/amd64"}, Attest: []string{"type=sbom"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.Bed = bed
			want := b.OK(t, builds.Image).Layout
			b.Buildkitd = old
			got := b.OK(t, builds.Image).Layout
			for pf, img := range want.Images {
				require.Equal(t, img.Config.Config, got.Images[pf].Config.Config, pf)
				require.Equal(t, timeless(img.Files), timeless(got.Images[pf].Files), pf)
			}
		})
	}
	t.Run("buildctl", func(t *testing.T) {
		cmd := bed.Command(t.Context(), "buildctl", "--addr", old.Addr, "build", "--progress=plain", "--frontend", "gateway.v0", "--opt", "source="+builds.FrontendImage,
			"--local", "context=.", "--local", "dockerfile=.", "--opt", "filename=fromscratch.yaml", "--output", "type=oci,dest="+filepath.Join(t.TempDir(), "out.tar"))
		cmd.Dir = builds.Write(t, goProgram(hello))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	})
	t.Run("modes of directories", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "conf/a", "a", "fromscratch.yaml", goSpec+"    copy: [{src: conf, dest: /conf, chmod: 0640}]\n"))
		out := builds.Build{Bed: bed, Buildkitd: old, Context: dir}.Fails(t, builds.Image)
		require.Contains(t, out, "   6 | >>>     copy: [{src: conf, dest: /conf, chmod: 0640}]")
		require.Contains(t, out, "it takes BuildKit 0.19 or later")
		plainWords(t, out)
	})
}
