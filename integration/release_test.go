//go:build integration

package integration

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/pipelines"
	"github.com/fromscratch-build/fromscratch/integration/release"
)

// baked builds a target of the bake file in dir.
func baked(t *testing.T, dir, target string, set ...string) *ocilayout.Layout {
	t.Helper()
	dest := t.TempDir()
	cmd := bed.Command(t.Context(), "docker", release.Bake(bed.Builder, target, dest, set...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "VERSION=1.2.3-test", "REVISION=0123abc", "SOURCE_DATE_EPOCH="+committed)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	l, err := ocilayout.Open(t.Context(), dest)
	require.NoError(t, err)
	return l
}

// TestRelease: the frontend builds itself, to the same programs that the Dockerfile
// makes; the image says what it is, is small, and builds what the other one builds.
func TestRelease(t *testing.T) {
	long(t)
	source := t.TempDir()
	require.NoError(t, release.Sources(bed.Root, source))
	platforms := []string{"linux/amd64", "linux/arm64"}
	byItself := baked(t, source, release.Target)
	byDockerfile := baked(t, source, "frontend", "platform="+strings.Join(platforms, ","))
	require.Equal(t, platforms, byItself.Platforms())
	require.Equal(t, platforms, byDockerfile.Platforms())
	for _, pf := range platforms {
		self, plain := byItself.Images[pf], byDockerfile.Images[pf]
		programs := 0
		for name, f := range plain.Files {
			if f.Header.FileInfo().IsDir() {
				continue
			}
			require.Contains(t, self.Files, name, pf)
			require.Equal(t, f.Header.Mode, self.Files[name].Header.Mode, name)
			require.True(t, slices.Equal(f.Data, self.Files[name].Data), "%s %s", pf, name)
			if path.Dir(name) == "/" {
				programs++
			}
		}
		require.Equal(t, 3, programs)
		for name, f := range self.Files {
			require.Contains(t, plain.Files, name, pf)
			require.Zero(t, f.Header.ModTime.Unix(), name)
		}
		require.Equal(t, plain.Config.Config.Entrypoint, self.Config.Config.Entrypoint)
		for k, v := range plain.Config.Config.Labels {
			require.Equal(t, v, self.Config.Config.Labels[k], k)
		}
		require.Equal(t, time.Unix(1700000000, 0).UTC(), self.Config.Created.UTC())

		require.Contains(t, string(self.Files["/fromscratch"].Data), "1.2.3-test")
		for _, helper := range []string{"/sourcesync", "/gocache"} {
			require.NotContains(t, string(self.Files[helper].Data), "1.2.3-test", "the key of every compile has no version in it")
		}

		var size int64
		for _, layer := range self.Manifest.Layers {
			size += layer.Size
		}
		require.Less(t, size, int64(12_000_000), pf)
		for _, has := range []map[string]string{self.Config.Config.Labels, self.Manifest.Annotations, byItself.Index.Annotations} {
			require.Equal(t, "1.2.3-test", has[ocispecs.AnnotationVersion])
			require.Equal(t, "0123abc", has[ocispecs.AnnotationRevision])
			require.Equal(t, "Apache-2.0", has[ocispecs.AnnotationLicenses])
			for _, k := range []string{ocispecs.AnnotationTitle, ocispecs.AnnotationDescription, ocispecs.AnnotationSource} {
				require.NotEmpty(t, has[k], k)
			}
		}
	}

	t.Run("published", func(t *testing.T) {
		sources := t.TempDir()
		require.NoError(t, release.Sources(bed.Root, sources))
		commit(t, sources, "v1.2.3-test")
		m := machine(t, sources)
		m.Ref = "v1.2.3-test"
		w, err := pipelines.ParseWorkflow([]byte(read(t, filepath.Join(bed.Root, ".github", "workflows", "release.yml"))))
		require.NoError(t, err)
		require.NoError(t, m.RunWorkflow(t.Context(), w))
		const tag = "1.2.3-test"
		p := pull(t, "fromscratch/frontend", tag)
		releasable(t, p)
		signatures, err := m.Signatures()
		require.NoError(t, err)
		require.Equal(t, []string{"sign --yes --recursive docker.io/fromscratch/frontend@" + p.digest.String()}, signatures)

		// What it builds is what the frontend builds that the test bed has.
		dir := builds.Write(t, goProgram(hello))
		layouts := map[string]*ocilayout.Layout{}
		for _, syntax := range []string{"fromscratch/frontend:1", "fromscratch/frontend:" + tag} {
			dest := t.TempDir()
			out, err := bed.Command(t.Context(), "docker", "buildx", "build", "--builder", bed.Builder, "--progress", "plain", "--provenance=false",
				"--build-arg", "BUILDKIT_SYNTAX="+syntax, "--platform", strings.Join(platforms, ","), "--output", "type=oci,tar=false,dest="+dest,
				"-f", filepath.Join(dir, "fromscratch.yaml"), dir).CombinedOutput()
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), "docker.io/"+syntax)
			layouts[syntax], err = ocilayout.Open(t.Context(), dest)
			require.NoError(t, err)
		}
		same(t, layouts["fromscratch/frontend:1"], layouts["fromscratch/frontend:"+tag], "by the frontend that built itself")
	})
}
