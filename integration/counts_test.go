//go:build integration

package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/bench/counting"
	"github.com/fromscratch-build/fromscratch/integration/bench/generate"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
)

// asks builds in process and returns what the frontend asks of BuildKit. That does not
// depend on what BuildKit has in its cache.
func asks(t *testing.T, build builds.Build) counting.Counts {
	t.Helper()
	var f counting.Frontend
	build.Bed, build.Around = bed, f.Around
	build.OK(t, builds.InProcess)
	c := f.Counts()
	t.Logf("%d requests, %+v", c.All(), c)
	return c
}

// sized is the build of the first target of a program.
func sized(t *testing.T, p *generate.Sized, platforms ...string) builds.Build {
	t.Helper()
	files := maps.Clone(p.Files)
	files["fromscratch.yaml"] = p.Spec()
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64"}
	}
	return builds.Build{Context: builds.Write(t, files), Target: p.Targets[0].Name, Platforms: platforms}
}

// TestRequestsOfExamples: a build is no more requests than it was. Each is a round trip
// that the user waits for.
func TestRequestsOfExamples(t *testing.T) {
	most := map[string]int{"go-service": 45, "rust-service": 32}
	for _, name := range examples.Names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(bed.Root, "examples", name))))
			c := asks(t, builds.Build{Context: dir, Platforms: []string{"linux/amd64"}})
			require.LessOrEqual(t, c.All(), most[name], "%v", c.Requests)
		})
	}
}

// TestRequestsGrow: what is part of a build costs a fixed number of requests for each
// that is added, and what is no part of it costs none.
func TestRequestsGrow(t *testing.T) {
	for name, tt := range map[string]struct {
		program     func(n int) *generate.Sized
		small, more int
		// each is how many requests one more costs.
		each int
	}{
		"files beside the program": {generate.OtherFiles, 10, 1000, 0},
		// The dependencies of all targets are compiled together, so what they import is
		// looked at: a list of the folder, and the head of the source where it is not known.
		"targets beside the one that is built": {generate.Targets, 4, 30, 2},
		"packages":                             {generate.GoPackages, 4, 20, 3},
		"modules that replace others":          {generate.GoModules, 4, 20, 5},
		// Two lists and the manifest, and one for what lies between.
		"crates of a workspace": {generate.Crates, 4, 20, 4},
	} {
		t.Run(name, func(t *testing.T) {
			few, many := tt.program(tt.small), tt.program(tt.small+tt.more)
			a, b := asks(t, sized(t, few)), asks(t, sized(t, many))
			require.LessOrEqual(t, b.All()-a.All(), tt.more*tt.each, "few: %v, many: %v", a.Requests, b.Requests)
			require.Equal(t, a.Requests["Solve"], b.Requests["Solve"])
			require.Equal(t, a.Vertices, b.Vertices, "vertices of the largest definition")
		})
	}
}

// TestDefinitionOfOneTarget: the build of one target says nothing of the others, but for
// the text of the spec, which each definition carries for messages about it.
func TestDefinitionOfOneTarget(t *testing.T) {
	few, many := generate.Targets(4), generate.Targets(34)
	a, b := asks(t, sized(t, few)), asks(t, sized(t, many))
	// A longer length takes a byte more.
	require.InDelta(t, len(many.Spec())-len(few.Spec()), b.Largest-a.Largest, 8)
}

// TestRequestsOfPlatforms: what is the same for all platforms is asked for once.
func TestRequestsOfPlatforms(t *testing.T) {
	example := builds.Build{Context: t.TempDir()}
	require.NoError(t, os.CopyFS(example.Context, os.DirFS(filepath.Join(bed.Root, "examples", "go-service"))))
	copies := builds.Build{
		Context:  builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"    copy: [{from: other, src: ., dest: /other}]\n")),
		Contexts: map[string]string{"other": builds.Write(t, map[string]string{"file": "text"})},
	}
	for name, tt := range map[string]struct {
		build builds.Build
		// each and solves are how many requests, and solves among them, one more platform
		// costs: its binary is compiled and looked at, and its image made.
		each, solves int
	}{
		"packages": {sized(t, generate.GoPackages(20)), 9, 2},
		// The .dockerignore of the other context is looked for again.
		"copies of a context": {copies, 12, 3},
		"go-service":          {example, 9, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tt.build.Platforms = []string{"linux/amd64"}
			one := asks(t, tt.build)
			tt.build.Platforms = []string{"linux/amd64", "linux/arm64", "linux/arm/v7"}
			three := asks(t, tt.build)
			require.LessOrEqual(t, three.All()-one.All(), 2*tt.each, "one: %v, three: %v", one.Requests, three.Requests)
			require.LessOrEqual(t, three.Requests["Solve"]-one.Requests["Solve"], 2*tt.solves)
		})
	}
}

// TestManyPackages: the sources of a large program come in one piece, which is as little
// stale as anything else.
func TestManyPackages(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		p := generate.GoPackages(200)
		mark := fmt.Sprintf("%s %d", via, time.Now().UnixNano())
		unit := func(name, text string) string {
			return fmt.Sprintf("package %s\n\nfunc Run() { println(%q) }\n", name, text)
		}
		p.Files["internal/unit100/unit.go"] = unit("unit100", mark)
		build := sized(t, p)
		build.Bed = bed
		output := func() string {
			r := build.OK(t, via)
			require.Contains(t, r.Output, "[sources] list packages")
			return runs(t, r.Layout.Images["linux/amd64"].Files["/app000"].Data)
		}
		require.Contains(t, output(), "99\n"+mark+"\n101")

		// A package that is new, and that nothing said before.
		require.NoError(t, os.Mkdir(filepath.Join(build.Context, "internal/late"), 0o755))
		edit(t, build.Context, "internal/late/late.go", unit("late", mark+" late"), time.Now())
		edit(t, build.Context, "internal/unit100/unit.go", "package unit100\n\nimport \"example.com/sized/internal/late\"\n\nfunc Run() { late.Run() }\n", time.Now())
		require.Contains(t, output(), "99\n"+mark+" late\n101")
	})
}
