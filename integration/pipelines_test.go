//go:build integration

package integration

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/pipelines"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// committedExample is a repository of git with the example that pipelines are for, at the
// tag v1.2.3.
func committedExample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(bed.Root, "examples", "pipelines"))))
	commit(t, dir, "v1.2.3")
	return dir
}

// commit makes a repository of git of a folder, with one commit, of the time of
// committed, and a tag.
func commit(t *testing.T, dir, tag string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "all"}, {"tag", tag}} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+committed+" +0000", "GIT_COMMITTER_DATE="+committed+" +0000")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

const committed = "1700000000"

// machine runs pipelines for the tag of source.
func machine(t *testing.T, source string) *pipelines.Machine {
	t.Helper()
	return &pipelines.Machine{Bed: bed, Source: source, Work: t.TempDir(), Ref: "v1.2.3", Tag: true, Log: t.Output()}
}

// github runs a workflow of the examples, with image as the name of the image, as its
// user would write it.
func github(t *testing.T, m *pipelines.Machine, file, image string) published {
	t.Helper()
	const was = "IMAGE: ghcr.io/example/app"
	text := read(t, filepath.Join(bed.Root, "examples", "pipelines", file))
	require.Contains(t, text, was)
	w, err := pipelines.ParseWorkflow([]byte(strings.Replace(text, was, "IMAGE: "+bed.Registry+"/"+image, 1)))
	require.NoError(t, err)
	require.NoError(t, m.RunWorkflow(t.Context(), w))
	p := pull(t, image, "1.2.3")
	require.Equal(t, p.digest, pull(t, image, "1.2").digest, "all tags are of one index")
	signed(t, m, image, p)
	return p
}

// gitlab is github for pipelines of GitLab.
func gitlab(t *testing.T, m *pipelines.Machine, file, image string) published {
	t.Helper()
	p, err := pipelines.ParsePipeline([]byte(read(t, filepath.Join(bed.Root, "examples", "pipelines", file))))
	require.NoError(t, err)
	require.NoError(t, m.RunPipeline(t.Context(), p, map[string]string{"CI_REGISTRY_IMAGE": bed.Registry + "/" + image}))
	result := pull(t, image, "v1.2.3")
	signed(t, m, image, result)
	return result
}

// signed wants that the index was signed by its digest, with all that is in it.
func signed(t *testing.T, m *pipelines.Machine, image string, p published) {
	t.Helper()
	signatures, err := m.Signatures()
	require.NoError(t, err)
	require.Equal(t, []string{"sign --yes --recursive " + bed.Registry + "/" + image + "@" + p.digest.String()}, signatures)
}

// published is an index in the registry.
type published struct {
	digest digest.Digest
	index  ocispecs.Index
	// images are the digests of the images by their platforms, attestations the types of
	// what is said of them.
	images       map[string]digest.Digest
	attestations map[string][]string
}

// pull reads an index.
func pull(t *testing.T, image, tag string) published {
	t.Helper()
	p := published{images: map[string]digest.Digest{}, attestations: map[string][]string{}}
	p.digest = fetchManifest(t, image, tag, &p.index)
	require.Equal(t, ocispecs.MediaTypeImageIndex, p.index.MediaType)
	names := map[string]string{}
	for _, desc := range p.index.Manifests {
		if desc.Annotations["vnd.docker.reference.type"] == "" {
			pf := platforms.FormatAll(*desc.Platform)
			require.NotContains(t, p.images, pf)
			p.images[pf], names[desc.Digest.String()] = desc.Digest, pf
		}
	}
	for _, desc := range p.index.Manifests {
		if of := desc.Annotations["vnd.docker.reference.digest"]; of != "" {
			require.Contains(t, names, of)
			var m ocispecs.Manifest
			fetchManifest(t, image, desc.Digest.String(), &m)
			for _, layer := range m.Layers {
				p.attestations[names[of]] = append(p.attestations[names[of]], layer.Annotations["in-toto.io/predicate-type"])
			}
		}
	}
	for _, types := range p.attestations {
		slices.Sort(types)
	}
	return p
}

// fetchManifest reads a manifest or an index out of the registry.
func fetchManifest(t *testing.T, image, reference string, into any) digest.Digest {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+bed.Registry+"/v2/"+image+"/manifests/"+reference, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", ocispecs.MediaTypeImageIndex+", "+ocispecs.MediaTypeImageManifest)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s:%s: %s", image, reference, text)
	require.NoError(t, json.Unmarshal(text, into))
	return digest.FromBytes(text)
}

// releasable wants what every pipeline is to publish: both platforms, with an SBOM and
// provenance each.
func releasable(t *testing.T, p published) {
	t.Helper()
	both := []string{"linux/amd64", "linux/arm64"}
	require.Equal(t, both, slices.Sorted(maps.Keys(p.images)))
	for _, pf := range both {
		require.Len(t, p.attestations[pf], 2, pf)
		require.Equal(t, "https://spdx.dev/Document", p.attestations[pf][1])
		require.Contains(t, p.attestations[pf][0], "https://slsa.dev/provenance/")
	}
}

// TestPipelinesGitHub: the images are the same, whether one job cross-compiles them or
// a job for each platform pushes its own and another merges them.
func TestPipelinesGitHub(t *testing.T) {
	source := committedExample(t)
	cross := github(t, machine(t, source), "github-cross.yml", "test/pipelines-cross")
	releasable(t, cross)
	native := github(t, machine(t, source), "github-native.yml", "test/pipelines-native")
	releasable(t, native)
	require.Equal(t, cross.images, native.images)
	require.Equal(t, cross.index.Annotations, native.index.Annotations)
	require.Contains(t, onEngine(t, bed.Registry+"/test/pipelines-native:1.2.3", nil), "app v1.2.3\n")
}

// TestPipelinesGitLab: the images are the same, whether buildx or buildctl makes them
// out of what an earlier job compiled.
func TestPipelinesGitLab(t *testing.T) {
	long(t)
	source := committedExample(t)
	dind := gitlab(t, machine(t, source), "gitlab-dind.yml", "test/pipelines-gitlab-dind")
	releasable(t, dind)
	rootless := gitlab(t, machine(t, source), "gitlab-rootless.yml", "test/pipelines-gitlab-rootless")
	releasable(t, rootless)
	require.Equal(t, dind.images, rootless.images)
}

// TestPipelinesAlone: all four pipelines make the same images, also when the jobs for
// two platforms have a builder each, with nothing in its cache, as hosted runners do.
func TestPipelinesAlone(t *testing.T) {
	long(t)
	source := committedExample(t)
	amd64, arm64 := ends(t, "pipelines")
	alone := func(arch string) *pipelines.Machine {
		m := machine(t, source)
		m.Builder = func(matrix map[string]string) *testbed.Buildkitd {
			if matrix["arch"] == "arm64" || arch == "arm64" {
				return arm64
			}
			return amd64
		}
		return m
	}
	native := github(t, alone(""), "github-native.yml", "test/pipelines-alone-native")
	releasable(t, native)
	for name, run := range map[string]func() published{
		"cross": func() published {
			return github(t, machine(t, source), "github-cross.yml", "test/pipelines-alone-cross")
		},
		"dind":     func() published { return gitlab(t, alone("arm64"), "gitlab-dind.yml", "test/pipelines-dind") },
		"rootless": func() published { return gitlab(t, alone(""), "gitlab-rootless.yml", "test/pipelines-rootless") },
	} {
		p := run()
		releasable(t, p)
		require.Equal(t, native.images, p.images, name)
	}
}
