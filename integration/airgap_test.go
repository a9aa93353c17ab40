//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/fromscratch-build/fromscratch/frontend/imagelist"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// airgap is a buildkitd whose network is a loopback device of its own. All that it can
// reach is what serves there.
type airgap struct {
	*testbed.Buildkitd
	mirror *mirror
	// modules is where the Go modules of this machine are served, as a GOPROXY has them.
	modules string
}

// mirror is a registry that has some of the repositories of the test bed's.
type mirror struct {
	next http.Handler

	mu    sync.Mutex
	repos []string
}

// holds replaces what the mirror has.
func (m *mirror) holds(repos ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.repos = repos
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.URL.Path != "/v2/" && !slices.ContainsFunc(m.repos, func(repo string) bool { return strings.HasPrefix(r.URL.Path, "/v2/"+repo+"/") }) {
		http.NotFound(w, r)
		return
	}
	m.next.ServeHTTP(w, r)
}

// behindAirgap starts a buildkitd without a way out.
func behindAirgap(t *testing.T, name string) *airgap {
	t.Helper()
	registry := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: bed.Registry})
	// Neither a proxy of this machine nor a network namespace is between the two.
	registry.Transport = &http.Transport{}
	a := &airgap{mirror: &mirror{next: registry}}
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	require.NoError(t, err)
	modules := http.FileServer(http.Dir(filepath.Join(strings.TrimSpace(string(cache)), "cache", "download")))

	_, port, err := net.SplitHostPort(bed.Registry)
	require.NoError(t, err)
	serve := func(addr string, h http.Handler) (string, error) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return "", err
		}
		server := &http.Server{Handler: h}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		return l.Addr().String(), nil
	}
	started := make(chan error)
	go func() {
		// The network belongs to the thread, to what listens there, and to what it starts.
		// Since it is never unlocked, the thread ends with the goroutine.
		runtime.LockOSThread()
		started <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make a network: %w", err)
			}
			if err := loopbackUp(); err != nil {
				return fmt.Errorf("bring the loopback up: %w", err)
			}
			if _, err := serve("127.0.0.1:"+port, a.mirror); err != nil {
				return err
			}
			addr, err := serve("127.0.0.1:0", modules)
			if err != nil {
				return err
			}
			a.modules = "http://" + addr
			a.Buildkitd, err = bed.StartBuildkitd(t.Context(), name, testbed.BuildkitdOpt{})
			return err
		}()
	}()
	require.NoError(t, <-started)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// images asks for the images of a build.
func images(t *testing.T, b builds.Build) imagelist.List {
	t.Helper()
	args := []string{"build", "--builder", bed.Builder, "--call", "images,format=json", "-f", filepath.Join(b.Context, "fromscratch.yaml")}
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	if len(b.Platforms) > 0 {
		args = append(args, "--platform", strings.Join(b.Platforms, ","))
	}
	cmd := bed.Command(t.Context(), "docker", append(append([]string{"buildx"}, args...), b.Context)...)
	out, err := cmd.Output()
	require.NoError(t, err)
	var list imagelist.List
	require.NoError(t, json.Unmarshal(out, &list), string(out))
	return list
}

// repositories are those of a registry that has the images of a list.
func repositories(t *testing.T, l imagelist.List) []string {
	t.Helper()
	var repos []string
	for _, img := range l.Images {
		require.Empty(t, img.Error, img.Name)
		named, err := reference.ParseNormalizedNamed(img.Reference)
		require.NoError(t, err)
		if repo := reference.Path(named); !slices.Contains(repos, repo) {
			repos = append(repos, repo)
		}
	}
	return repos
}

// TestAirgap: a builder that reaches one mirror and nothing else builds with the images
// that --call images lists, and not without any of them.
func TestAirgap(t *testing.T) {
	const name = "airgap-base"
	toolchainImage(t, name, "FROM scratch\nCOPY Dockerfile /etc/base\n")
	base := "test/" + name
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": syntax + "toolchain: prebuilt\ntargets:\n  app:\n    build: app\n    base: " + base + "\n"})
	compileHere(t, hello, filepath.Join(dir, "app"), "amd64")
	a := behindAirgap(t, "airgap")
	build := builds.Build{Bed: bed, Buildkitd: a.Buildkitd, Context: dir, Target: "app", Platforms: []string{"linux/amd64"}}

	listed := repositories(t, images(t, build))
	require.ElementsMatch(t, []string{"fromscratch/frontend", base}, listed)
	require.Contains(t, build.Fails(t, builds.Image), "docker.io/"+builds.FrontendImage+": not found")
	a.mirror.holds("fromscratch/frontend")
	out := build.Fails(t, builds.Image)
	require.Contains(t, out, "   6 | >>>     base: "+base)
	require.Contains(t, out, "the base "+base+" cannot be had")
	a.mirror.holds(listed...)
	r := build.OK(t, builds.Image)
	require.Contains(t, r.Layout.Images["linux/amd64"].Files, "/etc/base")

	build.Buildkitd = nil
	require.Equal(t, build.OK(t, builds.Image).Layout.Root.Digest, r.Layout.Root.Digest, "the mirror changes nothing")
}

// TestAirgapCompiles: likewise for what is compiled. Dependencies come from the build
// context, or from a mirror of theirs.
func TestAirgapCompiles(t *testing.T) {
	long(t)
	a := behindAirgap(t, "airgap-long")
	run := func(t *testing.T, files map[string]string, secrets map[string]string) string {
		t.Helper()
		build := builds.Build{Bed: bed, Context: builds.Write(t, files), Target: "app", Platforms: []string{"linux/amd64"}}
		a.mirror.holds(repositories(t, images(t, build))...)
		build.Buildkitd, build.Secrets = a.Buildkitd, secrets
		return runs(t, build.OK(t, builds.Image).Layout.Images["linux/amd64"].Files["/app"].Data)
	}
	fails := func(t *testing.T, files map[string]string, want ...string) {
		t.Helper()
		build := builds.Build{Bed: bed, Buildkitd: a.Buildkitd, Context: builds.Write(t, files), Target: "app", Platforms: []string{"linux/amd64"}}
		out := build.Fails(t, builds.Image)
		for _, w := range want {
			require.Contains(t, out, w)
		}
		plainWords(t, out)
	}
	goFiles := goModule(t, "inside", "v0.9.1")
	t.Run("Go modules from a mirror", func(t *testing.T) {
		require.Equal(t, "inside 7", run(t, goFiles, map[string]string{"goproxy": a.modules}))
	})
	t.Run("Go modules from nowhere", func(t *testing.T) {
		fails(t, goModule(t, "outside", "v0.8.1"), "   5 | >>>     build: .", "go mod download")
	})
	t.Run("vendored Go", func(t *testing.T) {
		dir := builds.Write(t, goFiles)
		cmd := exec.CommandContext(t.Context(), "go", "mod", "vendor")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		build := builds.Build{Bed: bed, Context: dir, Target: "app", Platforms: []string{"linux/amd64"}}
		a.mirror.holds(repositories(t, images(t, build))...)
		build.Buildkitd = a.Buildkitd
		require.Equal(t, "inside 7", runs(t, build.OK(t, builds.Image).Layout.Images["linux/amd64"].Files["/app"].Data))
	})
	sum := digest.FromString("crate").Encoded()
	crate := map[string]string{
		"Cargo.toml":                        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nseven = \"1\"\n",
		"Cargo.lock":                        "version = 3\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"seven\",\n]\n\n[[package]]\nname = \"seven\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"" + sum + "\"\n",
		"src/main.rs":                       "fn main() { println!(\"inside {}\", seven::SEVEN); }\n",
		"vendor/seven/Cargo.toml":           "[package]\nname = \"seven\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
		"vendor/seven/src/lib.rs":           "pub const SEVEN: u32 = 7;\n",
		"vendor/seven/.cargo-checksum.json": `{"files":{},"package":"` + sum + `"}`,
	}
	rust := with(rustProgram(""), "", "")
	delete(rust, "")
	for name, text := range crate {
		rust[name] = text
	}
	t.Run("vendored Rust", func(t *testing.T) {
		require.Equal(t, "inside 7", run(t, with(rust, ".cargo/config.toml", "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = \"vendor\"\n"), nil))
	})
	t.Run("crates from nowhere", func(t *testing.T) {
		fails(t, rust, "   5 | >>>     build: {package: app}", "cargo fetch")
	})
}

// TestPinnedFrontend: the syntax line takes a digest, and a build argument stands for a
// syntax line.
func TestPinnedFrontend(t *testing.T) {
	const spec = "toolchain: prebuilt\ntargets:\n  app: {build: app}\n"
	program := filepath.Join(t.TempDir(), "app")
	compileHere(t, hello, program, "amd64")
	project := func(head string) builds.Build {
		dir := builds.Write(t, map[string]string{"fromscratch.yaml": head + spec, "app": read(t, program)})
		return builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	}
	want := project(syntax).OK(t, builds.Image).Layout.Root.Digest
	is := strings.TrimSpace(mustBuildx(t, "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", bed.Registry+"/"+builds.FrontendImage))

	require.Equal(t, want, project("# syntax="+builds.FrontendImage+"@"+is+"\n").OK(t, builds.Image).Layout.Root.Digest)
	other := digest.FromString("another").String()
	out := project("# syntax="+builds.FrontendImage+"@"+other+"\n").Fails(t, builds.Image)
	require.Contains(t, out, "docker.io/"+builds.FrontendImage+"@"+other)
	require.Contains(t, out, "not found")

	for _, head := range []string{"", "# syntax=example.invalid/frontend:1\n"} {
		b := project(head)
		b.Args = map[string]string{"BUILDKIT_SYNTAX": bed.Registry + "/" + builds.FrontendImage}
		r := b.OK(t, builds.Image)
		require.Equal(t, want, r.Layout.Root.Digest)
		require.NotContains(t, r.Output, "warning")
	}
}
