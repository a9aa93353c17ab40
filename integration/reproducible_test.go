//go:build integration

package integration

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/imagediff"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// same wants two builds to be the same, and names the first difference if they are
// not.
func same(t *testing.T, a, b *ocilayout.Layout, why string) {
	t.Helper()
	what, err := imagediff.First(t.Context(), a, b)
	require.NoError(t, err)
	require.Empty(t, what, why)
	require.Equal(t, a.Root.Digest, b.Root.Digest)
}

// sameButTimes wants that two builds differ, and in nothing but the times in the
// config: that of the image, those of its history, and the one that is told of it.
func sameButTimes(t *testing.T, a, b *ocilayout.Layout) {
	t.Helper()
	require.NotEqual(t, a.Root.Digest, b.Root.Digest)
	require.Equal(t, a.Platforms(), b.Platforms())
	timeless := func(c dockerspec.DockerOCIImage) dockerspec.DockerOCIImage {
		c.Created, c.History = nil, append([]ocispecs.History{}, c.History...)
		for i := range c.History {
			c.History[i].Created = nil
		}
		c.Config.Labels = untold(c.Config.Labels)
		return c
	}
	for _, pf := range a.Platforms() {
		x, y := a.Images[pf], b.Images[pf]
		require.NotEqual(t, x.Config.Created, y.Config.Created, pf)
		require.Equal(t, timeless(x.Config), timeless(y.Config), pf)
		require.Equal(t, x.Manifest.Layers, y.Manifest.Layers, pf)
		require.Equal(t, untold(x.Manifest.Annotations), untold(y.Manifest.Annotations), pf)
	}
}

// untold is m without the time of the image.
func untold(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if k != ocispecs.AnnotationCreated {
			out[k] = v
		}
	}
	return out
}

// elsewhere writes files as somebody else would have them, see builds.Disguise.
func elsewhere(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "of", "somebody", "else")
	require.NoError(t, builds.Disguise(builds.Write(t, files), dir))
	return dir
}

// ends start two builders with nothing in their caches, in time zones that never have
// the same date.
func ends(t *testing.T, name string) (west, east *testbed.Buildkitd) {
	t.Helper()
	start := func(name, zone string) *testbed.Buildkitd {
		d, err := bed.StartBuildkitd(t.Context(), name, testbed.BuildkitdOpt{Env: []string{"TZ=" + zone}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		return d
	}
	return start(name+"-west", "Etc/GMT+12"), start(name+"-east", "Pacific/Kiritimati")
}

// TestReproducible: what is compiled anew, from another folder of another user, is the
// same. A time that is asked for is in the config alone.
func TestReproducible(t *testing.T) {
	files := with(goProgram(hello), "fromscratch.yaml",
		goSpec+"    workdir: /data/app\n    labels: {b: '1', a: '2'}\n    env: {B: '1', A: '2'}\nextras: [tzdata]\n")
	build := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64", "linux/arm64"}}
	first := build.OK(t, builds.Image).Layout
	build.Context, build.NoCache = elsewhere(t, files), true
	same(t, first, build.OK(t, builds.Image).Layout, "in another folder, out of no cache")
	build.NoCache = false
	same(t, first, build.OK(t, builds.InProcess).Layout, "in process, out of the cache")

	const epoch = 1700000000
	build.Args = map[string]string{"SOURCE_DATE_EPOCH": fmt.Sprint(epoch)}
	dated := build.OK(t, builds.Image).Layout
	sameButTimes(t, first, dated)
	for _, img := range dated.Images {
		require.Equal(t, int64(epoch), img.Config.Created.Unix())
		for _, h := range img.Config.History {
			require.Equal(t, int64(epoch), h.Created.Unix())
		}
		for path, f := range img.Files {
			require.Zero(t, f.Header.ModTime.Unix(), "the epoch changes no layer: %s", path)
		}
	}
}

// TestReproducibleAnywhere: a build is the same on every builder, in every time zone,
// by every exporter, and whatever is left of earlier builds in its caches.
func TestReproducibleAnywhere(t *testing.T) {
	long(t)
	west, east := ends(t, "anywhere")
	files := goModule(t, "reproducible", "v0.9.1")
	dir := builds.Write(t, files)
	cache := fmt.Sprintf("%s/test/anywhere-cache:%d", bed.Registry, time.Now().UnixNano())
	here := builds.Build{Bed: bed, Buildkitd: west, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, CacheTo: cache}
	there := here
	there.Buildkitd, there.Context, there.CacheTo = east, elsewhere(t, files), ""
	first := here.OK(t, builds.Image).Layout
	here.CacheTo = ""
	same(t, first, there.OK(t, builds.Image).Layout, "on another builder")

	t.Run("dated", func(t *testing.T) {
		dated := func(b builds.Build, epoch string) *ocilayout.Layout {
			b.Args = map[string]string{"SOURCE_DATE_EPOCH": epoch}
			return b.OK(t, builds.Image).Layout
		}
		one := dated(here, "1700000000")
		sameButTimes(t, first, one)
		same(t, one, dated(there, "1700000000"), "of one date")
		sameButTimes(t, one, dated(here, "1700172800"))
	})

	t.Run("edited and back", func(t *testing.T) {
		edit(t, dir, "main.go", goMain("edited"), time.Now())
		require.NotEqual(t, first.Root.Digest, here.OK(t, builds.Image).Layout.Root.Digest)
		edit(t, dir, "main.go", files["main.go"], time.Unix(1, 0))
		same(t, first, here.OK(t, builds.Image).Layout, "after an edit and back")
		prune(t, west, "type!=exec.cachemount")
		same(t, first, recompiled(t, here).Layout, "after an edit and back, compiled anew")
	})

	t.Run("mounts alone", func(t *testing.T) {
		prune(t, west, "type!=exec.cachemount")
		same(t, first, recompiled(t, here).Layout, "with what is in the cache mounts")
	})

	t.Run("layers alone", func(t *testing.T) {
		prune(t, west, "type==exec.cachemount")
		// What is there as a layer compiles nothing, so the program has to be another one
		// first.
		edit(t, dir, "main.go", goMain("other"), time.Now())
		other := recompiled(t, here).Layout
		there := there
		there.Context = elsewhere(t, with(files, "main.go", goMain("other")))
		same(t, recompiled(t, there).Layout, other, "with what is in the layers")
		edit(t, dir, "main.go", files["main.go"], time.Now())
	})

	t.Run("imported", func(t *testing.T) {
		prune(t, east, "")
		b := there
		// Modes are part of the key that BuildKit caches by.
		b.CacheFrom, b.Context = cache, builds.Write(t, files)
		r := b.OK(t, builds.Image)
		require.Contains(t, r.Output, "importing cache manifest")
		require.Empty(t, goCompiled(r.Output))
		same(t, first, r.Layout, "out of the cache of another builder")
		b.Context = elsewhere(t, with(files, "main.go", goMain("imported")))
		r = b.OK(t, builds.Image)
		require.Equal(t, []string{"example.com/app", "example.com/app"}, goCompiled(r.Output), "on imported layers, for two platforms")
		edit(t, dir, "main.go", goMain("imported"), time.Now())
		same(t, r.Layout, here.OK(t, builds.Image).Layout, "compiled on imported layers")
		edit(t, dir, "main.go", files["main.go"], time.Now())
	})

	t.Run("pushed", func(t *testing.T) {
		b := there
		b.Push = bed.Registry + "/test/anywhere:pushed"
		same(t, first, b.OK(t, builds.Image).Layout, "with a second exporter")
		require.Equal(t, first.Root.Digest.String(), pushedDigest(t, b.Push), "the registry has the same index")
		alone := bed.Registry + "/test/anywhere:alone"
		exported(t, here, "type=image,push=true,name="+alone, strings.Join(here.Platforms, ","))
		require.Equal(t, first.Root.Digest.String(), pushedDigest(t, alone), "by the exporter of images alone")
	})

	t.Run("docker", func(t *testing.T) {
		want := first.Images["linux/amd64"]
		manifests := map[string]bool{}
		for i, b := range []builds.Build{here, there} {
			archive := filepath.Join(t.TempDir(), fmt.Sprint(i))
			exported(t, b, "type=docker,dest="+archive, "linux/amd64")
			config, manifest := dockerArchive(t, archive)
			require.Equal(t, want.Manifest.Config.Digest.String(), config, "its manifest has other media types, and names the same config")
			manifests[manifest] = true
		}
		require.Len(t, manifests, 1)
	})
}

// recompiled runs a build that has to compile the program, or else it would show
// nothing.
func recompiled(t *testing.T, b builds.Build) builds.Result {
	t.Helper()
	r := b.OK(t, builds.Image)
	vertex := regexp.MustCompile(`(?m)^#(\d+) \[linux/amd64\] go build \.$`).FindStringSubmatch(r.Output)
	require.NotNil(t, vertex, r.Output)
	require.NotContains(t, r.Output, "\n#"+vertex[1]+" CACHED\n")
	return r
}

// prune removes what a filter names from the cache of a builder, of which there must
// be something.
func prune(t *testing.T, d *testbed.Buildkitd, filter string) {
	t.Helper()
	c, err := client.New(t.Context(), d.Addr)
	require.NoError(t, err)
	defer c.Close()
	info := client.PruneInfo{All: true}
	if filter != "" {
		info.Filter = []string{filter}
	}
	removed := make(chan client.UsageInfo)
	done := make(chan error, 1)
	go func() {
		done <- c.Prune(t.Context(), removed, pruneOption(info))
		close(removed)
	}()
	n := 0
	for range removed {
		n++
	}
	require.NoError(t, <-done)
	require.NotZero(t, n, filter)
	left, err := c.DiskUsage(t.Context(), client.WithFilter(info.Filter))
	require.NoError(t, err)
	require.Empty(t, left)
}

type pruneOption client.PruneInfo

func (o pruneOption) SetPruneOption(info *client.PruneInfo) { *info = client.PruneInfo(o) }

// exported runs a build with one exporter.
func exported(t *testing.T, b builds.Build, output, platform string) {
	t.Helper()
	out, err := bed.Command(t.Context(), "docker", "buildx", "build", "--builder", b.Buildkitd.Builder, "--progress", "plain", "--provenance=false",
		"--platform", platform, "--output", output, "-f", filepath.Join(b.Context, "fromscratch.yaml"), b.Context).CombinedOutput()
	require.NoError(t, err, string(out))
}

// pushedDigest is the digest that the registry has for a name.
func pushedDigest(t *testing.T, ref string) string {
	t.Helper()
	name, tag, ok := strings.Cut(strings.TrimPrefix(ref, bed.Registry+"/"), ":")
	require.True(t, ok)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+bed.Registry+"/v2/"+name+"/manifests/"+tag, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", ocispecs.MediaTypeImageIndex)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Header.Get("Docker-Content-Digest")
}

// dockerArchive reads what docker load takes: the digest of the config, and that of
// the manifest.
func dockerArchive(t *testing.T, name string) (config, manifest string) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch h.Name {
		case "manifest.json":
			var images []struct{ Config string }
			require.NoError(t, json.NewDecoder(tr).Decode(&images))
			require.Len(t, images, 1)
			config = "sha256:" + strings.TrimPrefix(images[0].Config, "blobs/sha256/")
		case "index.json":
			var index ocispecs.Index
			require.NoError(t, json.NewDecoder(tr).Decode(&index))
			require.Len(t, index.Manifests, 1)
			manifest = index.Manifests[0].Digest.String()
		}
	}
	return config, manifest
}

// TestReproducibleRust: C that asks for the time of the build, and panics that name
// their place, are the same in two folders on two builders.
func TestReproducibleRust(t *testing.T) {
	long(t)
	west, east := ends(t, "anywhere-rust")
	files := with(rustProgram(`use std::ffi::{c_char, CStr};

extern "C" {
    fn stamp() -> *const c_char;
}

fn main() {
    let stamp = unsafe { CStr::from_ptr(stamp()) };
    println!("{} {} {}", stamp.to_str().unwrap(), env!("BUILT"), file!());
}
`),
		"Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[build-dependencies]\ncc = \"1\"\n",
		"Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"cc\",\n]\n\n[[package]]\nname = \"cc\"\nversion = \"1.0.79\"\n"+
			"source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"50d30906286121d95be3d479533b458f87493b30a4b5f79a607db8f5d11aa91f\"\n",
		"build.rs", "fn main() {\n    cc::Build::new().file(\"src/stamp.c\").compile(\"stamp\");\n"+
			"    println!(\"cargo:rustc-env=BUILT={}\", std::env::var(\"SOURCE_DATE_EPOCH\").unwrap());\n}\n",
		"src/stamp.c", "const char *stamp(void) { return __DATE__ \" \" __TIME__; }\n")
	build := builds.Build{Bed: bed, Buildkitd: west, Context: builds.Write(t, files), Platforms: []string{"linux/amd64", "linux/arm64"}}
	first := build.OK(t, builds.InProcess).Layout
	require.Equal(t, "Jan  1 1970 00:00:00 0 src/main.rs", runs(t, first.Images["linux/amd64"].Files["/app"].Data))
	build.Buildkitd, build.Context = east, elsewhere(t, files)
	same(t, first, build.OK(t, builds.InProcess).Layout, "on another builder")
	build.Args = map[string]string{"SOURCE_DATE_EPOCH": "1700000000"}
	dated := build.OK(t, builds.InProcess)
	sameButTimes(t, first, dated.Layout)
	require.NotRegexp(t, compiling, dated.Output, "the date of the image compiles nothing")
}
