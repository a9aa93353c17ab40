//go:build integration

package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Variables that say how long the soak test goes on, and with which steps.
const (
	soakSteps = "FROMSCRATCH_SOAK_STEPS"
	soakSeed  = "FROMSCRATCH_SOAK_SEED"
)

// numberFrom reads a variable of the environment.
func numberFrom(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// soaked is what came of one build.
type soaked struct {
	// programs and digests of the images, by platform; none when it failed.
	programs map[string][]byte
	digests  map[string]string
	// output is what the user saw.
	output string
	err    error
}

// soak compares what a builder with a past builds with what comes of a clean
// build of the same sources.
type soak struct {
	*testing.T
	buildkitd *testbed.Buildkitd
	// namespace goes before the ids of the cache mounts that all steps share.
	namespace string
	steps     *steps
	seed      uint64
	did       []string
	// cleaned holds the clean builds by what was built, and the platform.
	cleaned map[string]soaked
}

// TestSoak does to a project what its authors, git and builders do, in random
// order, and wants from every build the bytes that a clean one gives.
// FROMSCRATCH_SOAK_STEPS says how many steps it takes; FROMSCRATCH_SOAK_SEED
// repeats those of an earlier run, but for the times of interrupted builds.
func TestSoak(t *testing.T) {
	seed := numberFrom(t, soakSeed, uint64(time.Now().UnixNano()))
	count := int(numberFrom(t, soakSteps, 30))
	t.Logf("%s=%d", soakSeed, seed)
	// Steps that prune must take nothing from others.
	d, err := bed.StartBuildkitd(t.Context(), "soak", testbed.BuildkitdOpt{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	s := &soak{T: t, buildkitd: d, namespace: fmt.Sprint("soak-", seed), steps: newSteps(t, seed), seed: seed, cleaned: map[string]soaked{}}
	for range count {
		start := time.Now()
		a := s.steps.next()
		s.did = append(s.did, a.what)
		s.do(a)
		t.Logf("%s: %.1fs", a.what, time.Since(start).Seconds())
	}
	t.Logf("%d clean builds", len(s.cleaned))
}

// do builds what a step asks for, and looks at what comes of it.
func (s *soak) do(a action) {
	s.Helper()
	s.prune(a.prune)
	if a.interrupt > 0 {
		ctx, cancel := context.WithTimeout(s.Context(), a.interrupt)
		// How it ends is not known.
		s.build(ctx, builds.InProcess, s.project(a.build[0], s.namespace, a.platforms))
		cancel()
	}
	got := make([]soaked, len(a.build))
	var all sync.WaitGroup
	for i, c := range a.build {
		all.Go(func() { got[i] = s.build(s.Context(), a.via, s.project(c, s.namespace, a.platforms)) })
	}
	all.Wait()
	for i, c := range a.build {
		s.check(c.state, a.platforms, got[i])
		if c.state.broken == "" {
			s.steps.history = append(s.steps.history, c.state.clone())
		}
	}
}

// project is a build of the program.
func (s *soak) project(c *checkout, namespace string, platforms []string) builds.Build {
	return builds.Build{Bed: bed, Buildkitd: s.buildkitd, Context: c.dir, Target: c.state.target, Platforms: platforms,
		Args: map[string]string{"BUILDKIT_CACHE_MOUNT_NS": namespace}}
}

// build runs a build. It may run beside others, so it fails no test.
func (s *soak) build(ctx context.Context, via builds.Via, b builds.Build) (out soaked) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return soaked{err: err}
	}
	defer os.RemoveAll(dir)
	r, err := b.Run(ctx, via, dir)
	out.output, out.err = r.Output, err
	if err != nil {
		return out
	}
	layout, err := ocilayout.Open(ctx, dir)
	if err != nil {
		return soaked{output: r.Output, err: err}
	}
	out.programs, out.digests = map[string][]byte{}, map[string]string{}
	for pf, img := range layout.Images {
		out.programs[pf], out.digests[pf] = img.Files["/"+b.Target].Data, img.Descriptor.Digest.String()
	}
	return out
}

// check compares a build with what it should have been.
func (s *soak) check(p soakState, platforms []string, got soaked) {
	s.Helper()
	if p.broken != "" {
		if got.err == nil {
			s.fail(p, "it was built, but "+p.broken+" keeps it from that", got.output)
		}
		if !strings.Contains(got.output, p.complaint()) {
			s.fail(p, "it failed for another reason than "+p.broken, got.output)
		}
		return
	}
	if got.err != nil {
		s.fail(p, "it failed", got.output)
	}
	clean := s.clean(p, platforms)
	for _, pf := range platforms {
		printed := "what was built cannot run here"
		if pf == "linux/amd64" {
			printed = runs(s.T, got.programs[pf])
		}
		switch want := clean[pf]; {
		case pf == "linux/amd64" && printed != p.output():
			s.fail(p, "the program prints\n"+printed, got.output)
		case !bytes.Equal(got.programs[pf], want.programs[pf]):
			s.fail(p, fmt.Sprintf("%s: the program is not the one of a clean build: %s; it prints\n%s", pf, difference(got.programs[pf], want.programs[pf]), printed), got.output)
		case got.digests[pf] != want.digests[pf]:
			s.fail(p, pf+": the program is that of a clean build, but the image around it is not", got.output)
		}
	}
}

func difference(a, b []byte) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d bytes, not %d", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			return fmt.Sprintf("of %d bytes the first to differ is that at %#x", len(a), i)
		}
	}
	return "no difference"
}

// fail ends the test with all that it takes to find out why.
func (s *soak) fail(p soakState, what, output string) {
	s.Helper()
	want := "nothing, for " + p.broken + " is broken"
	if p.broken == "" {
		want = p.output()
	}
	s.Fatalf("%s\n\na clean build prints\n%s\n\n%s=%d\n%s\n\nthe build:\n%s", what, want, soakSeed, s.seed, strings.Join(s.did, "\n"), output)
}

// clean builds p where nothing was built before, in one step, out of a folder of
// its own with times of its own, and returns the images by platform.
func (s *soak) clean(p soakState, platforms []string) map[string]soaked {
	s.Helper()
	p.cache = "mounts" // Whatever the mode, the bytes are the same.
	files := p.render()
	id := func(pf string) string {
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(h, "%q=%q\n", name, files[name])
		}
		fmt.Fprint(h, p.target)
		return fmt.Sprintf("%x %s", h.Sum(nil), pf)
	}
	var missing []string
	for _, pf := range platforms {
		if _, ok := s.cleaned[id(pf)]; !ok {
			missing = append(missing, pf)
		}
	}
	if len(missing) > 0 {
		c := &checkout{dir: s.TempDir(), state: p, seen: map[string]string{}}
		c.write(s.T, files, clocks["now"](s.steps))
		b := s.project(c, fmt.Sprintf("%s-clean-%d", s.namespace, len(s.cleaned)), missing)
		b.NoCache = true
		got := s.build(s.Context(), builds.InProcess, b)
		if got.err != nil {
			s.fail(p, "a clean build failed", got.output)
		}
		for _, pf := range missing {
			s.cleaned[id(pf)] = got
		}
		if program := got.programs["linux/amd64"]; program != nil {
			if printed := runs(s.T, program); printed != p.output() {
				s.fail(p, "the program of a clean build prints\n"+printed, got.output)
			}
		}
	}
	out := map[string]soaked{}
	for _, pf := range platforms {
		out[pf] = s.cleaned[id(pf)]
	}
	return out
}

// prune removes what matches from the builder's cache.
func (s *soak) prune(filters [][]string) {
	s.Helper()
	if len(filters) == 0 {
		return
	}
	c, err := client.New(s.Context(), s.buildkitd.Addr)
	require.NoError(s, err)
	defer c.Close()
	for _, f := range filters {
		require.NoError(s, c.Prune(s.Context(), nil, client.PruneAll, client.WithFilter(f)))
	}
}

// TestSoakWithoutTable shows that the steps above are real: built with a plain
// cache mount, the program is soon an older one.
func TestSoakWithoutTable(t *testing.T) {
	long(t)
	s := newSteps(t, 1)
	id := fmt.Sprint("soak-plain-", time.Now().UnixNano())
	for range 30 {
		a := s.next()
		c := a.build[0]
		require.NoError(t, os.WriteFile(c.dir+"/Dockerfile", []byte(c.state.dockerfile(id)), 0o644))
		got := (&soak{T: t}).build(t.Context(), builds.Image, builds.Build{Bed: bed, Context: c.dir, File: "Dockerfile", Target: c.state.target, Platforms: a.platforms[:1]})
		want := "no program"
		if c.state.broken == "" {
			want = c.state.output()
		}
		printed := "no program"
		if got.err == nil {
			printed = runs(t, got.programs["linux/amd64"])
		}
		if printed != want {
			t.Logf("%s: stale as expected: the program prints\n%s\nwant\n%s", a.what, printed, want)
			return
		}
		t.Log(a.what)
	}
	t.Error("no step made a plain cache mount stale")
}
