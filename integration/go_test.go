//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// goModule is a program that prints mark, with two small dependencies, one of them
// in the given version. Its sums are those that the host's go command has.
func goModule(t *testing.T, mark, errorsVersion string) map[string]string {
	t.Helper()
	return tidy(t, map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire (\n\tgithub.com/pkg/errors " + errorsVersion + "\n\tgithub.com/mitchellh/go-wordwrap v1.0.1\n)\n",
		"main.go":          goMain(mark),
	})
}

func goMain(mark string) string {
	return "package main\n\nimport (\n\t\"github.com/mitchellh/go-wordwrap\"\n\t\"github.com/pkg/errors\"\n)\n\n" +
		"func main() { println(wordwrap.WrapString(" + fmt.Sprintf("%q", mark) + ", 80), errors.New(\"7\").Error()) }\n"
}

// tidy adds the sums of what a module requires.
func tidy(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	dir := builds.Write(t, files)
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return with(files, "go.mod", read(t, filepath.Join(dir, "go.mod")), "go.sum", read(t, filepath.Join(dir, "go.sum")))
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// buildInfo is what the go command wrote into a program.
func buildInfo(t *testing.T, program []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "app")
	require.NoError(t, os.WriteFile(name, program, 0o755))
	info, err := exec.CommandContext(t.Context(), "go", "version", "-m", name).CombinedOutput()
	require.NoError(t, err, string(info))
	return string(info)
}

var goCompiling = regexp.MustCompile(`(?m)^#\d+ \d+\.\d+ ([\w.~-]+(?:/[\w.~-]+)*)$`)

// goCompiled lists the packages that the go command compiled, those of the standard
// library left out.
func goCompiled(out string) []string {
	names := []string{}
	for _, m := range goCompiling.FindAllStringSubmatch(out, -1) {
		if first, _, _ := strings.Cut(m[1], "/"); strings.Contains(first, ".") {
			names = append(names, m[1])
		}
	}
	return names
}

// TestGoFreshBuilder: on a builder that has nothing but what another one exported,
// an edit compiles the project's own code alone, and downloads nothing.
func TestGoFreshBuilder(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		cache := bed.Registry + "/test/go-cache-" + strings.ReplaceAll(string(via), " ", "-")
		mark := fmt.Sprint("first ", time.Now().UnixNano())
		dir := builds.Write(t, goModule(t, mark, "v0.9.1"))
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, CacheTo: cache}
		r := build.OK(t, via)
		require.Equal(t, mark+" 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

		fresh, err := bed.StartBuildkitd(t.Context(), "go-fresh", testbed.BuildkitdOpt{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, fresh.Close()) })
		build.Buildkitd, build.CacheTo, build.CacheFrom = fresh, "", cache
		again := build.OK(t, via)
		require.Empty(t, goCompiled(again.Output), "nothing changed")
		require.Equal(t, r.Layout.Images["linux/arm64"].Descriptor.Digest, again.Layout.Images["linux/arm64"].Descriptor.Digest)

		edit(t, dir, "main.go", goMain("edited"), time.Now())
		edited := build.OK(t, via)
		require.Equal(t, []string{"example.com/app", "example.com/app"}, goCompiled(edited.Output), "once a platform")
		require.NotRegexp(t, `(?m)^#\d+ \d+\.\d+ (fmt|runtime)$`, edited.Output, "nor the standard library")
		require.NotContains(t, edited.Output, "downloading")
		require.Equal(t, "edited 7", runs(t, edited.Layout.Images["linux/amd64"].Files["/app"].Data))
	})
}

// TestGoPrunedMounts: without its cache mounts, a builder falls back on its layers;
// without its layers, on the mounts.
func TestGoPrunedMounts(t *testing.T) {
	long(t)
	own, err := bed.StartBuildkitd(t.Context(), "go-pruned", testbed.BuildkitdOpt{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	dir := builds.Write(t, goModule(t, "first", "v0.9.1"))
	build := builds.Build{Bed: bed, Buildkitd: own, Context: dir, Platforms: []string{"linux/amd64"}}
	require.Contains(t, goCompiled(build.OK(t, builds.Image).Output), "github.com/pkg/errors")

	out, err := bed.Command(t.Context(), "docker", "buildx", "prune", "--builder", own.Builder, "--force", "--filter", "type=exec.cachemount").CombinedOutput()
	require.NoError(t, err, string(out))
	edit(t, dir, "main.go", goMain("pruned"), time.Now())
	r := build.OK(t, builds.Image)
	require.Equal(t, []string{"example.com/app"}, goCompiled(r.Output))
	require.NotRegexp(t, `(?m)^#\d+ \d+\.\d+ (fmt|runtime)$`, r.Output)
	require.Equal(t, "pruned 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

	if !full() {
		return
	}
	// Without layers there is nothing to fall back on.
	files := goModule(t, "mounts", "v0.9.1")
	files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., cache: mounts}\n"
	build.Context = builds.Write(t, files)
	build.OK(t, builds.Image)
	out, err = bed.Command(t.Context(), "docker", "buildx", "prune", "--builder", own.Builder, "--force", "--filter", "type=exec.cachemount").CombinedOutput()
	require.NoError(t, err, string(out))
	edit(t, build.Context, "main.go", goMain("pruned"), time.Now())
	require.Contains(t, goCompiled(build.OK(t, builds.Image).Output), "github.com/pkg/errors")
}

// TestGoDependencyBump: another version of one module downloads and compiles that
// one, although the layers are new.
func TestGoDependencyBump(t *testing.T) {
	mark := fmt.Sprint("bump ", time.Now().UnixNano())
	versions := map[string]map[string]string{}
	for _, v := range []string{"v0.9.1", "v0.8.1"} {
		versions[v] = goModule(t, mark, v)
	}
	each(t, func(t *testing.T, via builds.Via) {
		// So that every vertex is another one each time the test runs: what a builder has of
		// an earlier run may be a layer alone.
		dir := builds.Write(t, with(versions["v0.9.1"], "go.mod", versions["v0.9.1"]["go.mod"]+unseen()))
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
		build.OK(t, via)
		for _, version := range []string{"v0.8.1", "v0.9.1"} {
			edit(t, dir, "go.mod", versions[version]["go.mod"]+unseen(), time.Now())
			edit(t, dir, "go.sum", versions[version]["go.sum"], time.Now())
			r := build.OK(t, via)
			require.NotContains(t, goCompiled(r.Output), "github.com/mitchellh/go-wordwrap", version)
			require.NotRegexp(t, `(?m)^#\d+ \d+\.\d+ (fmt|runtime)$`, r.Output)
			require.Equal(t, mark+" 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		}
	})
}

// TestGoCacheModes: the same bytes come of every mode, and of a go command that has
// no protocol for its cache.
func TestGoCacheModes(t *testing.T) {
	digests := map[string]string{}
	modes := []string{"auto", "mounts"}
	if full() {
		modes = append(modes, "layers", "old")
	}
	for _, mode := range modes {
		files := goModule(t, "mode", "v0.9.1")
		build := builds.Build{Bed: bed, Platforms: []string{"linux/amd64"}}
		cache := mode
		if mode == "old" {
			cache = "layers"
			old := toolchainImage(t, "golang-old", "FROM golang:1.26\nRUN echo go1.23.4 > /usr/local/go/VERSION\n")
			build.Contexts = map[string]string{"golang:1.26": "docker-image://" + old}
		}
		files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., cache: " + cache + "}\n"
		build.Context = builds.Write(t, files)
		r := build.OK(t, builds.Image)
		digests[mode] = r.Layout.Images["linux/amd64"].Descriptor.Digest.String()
		if mode == "old" {
			edit(t, build.Context, "main.go", goMain(fmt.Sprint("old ", time.Now().UnixNano())), time.Now())
			r := build.OK(t, builds.Image)
			require.Equal(t, []string{"example.com/app"}, goCompiled(r.Output), "it builds on the layer all the same")
		}
	}
	for mode, digest := range digests {
		require.Equal(t, digests["auto"], digest, mode)
	}
}

// commands is a module of several programs.
func commands(mark string) map[string]string {
	main := func(text string, imports ...string) string {
		list := ""
		for _, name := range imports {
			list += "\t\"example.com/commands/" + name + "\"\n"
		}
		return "package main\n\nimport (\n" + list + ")\n\nfunc main() { " + text + " }\n"
	}
	return map[string]string{
		"fromscratch.yaml":  syntax + "toolchain: go-cgo0\ntargets:\n  one: {}\n  two: {}\n  three: {build: {group: g}}\n  four: {build: {group: g}}\n",
		"go.mod":            "module example.com/commands\n\ngo 1.26\n",
		"README.md":         mark,
		"lib/lib.go":        "package lib\n\nconst Text = \"" + mark + "\"\n",
		"own/own.go":        "package own\n\nconst Text = \"own" + mark + "\"\n",
		"own/own_test.go":   "package own\n",
		"cmd/one/main.go":   main("println(lib.Text, own.Text, text)", "lib", "own"),
		"cmd/two/main.go":   main("println(\"two\", lib.Text)", "lib"),
		"cmd/three/main.go": main("println(\"three\", lib.Text)", "lib"),
		"cmd/four/main.go":  main("println(\"four\") /* " + mark + " */"),
	}
}

// TestGoClosures: an edit of one package compiles the programs that import it, and
// the others are not even looked at.
func TestGoClosures(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		mark := fmt.Sprint(time.Now().UnixNano())
		files := commands(mark)
		files["cmd/one/text.go"] = "package main\n\nimport _ \"embed\"\n\n//go:embed text/a.txt\nvar text string\n"
		files["cmd/one/text/a.txt"] = "text"
		dir := builds.Write(t, files)
		build := func(target string) builds.Result {
			return builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64"}}.OK(t, via)
		}
		prints := func(r builds.Result, target string) string {
			return runs(t, r.Layout.Images["linux/amd64"].Files["/"+target].Data)
		}
		require.Equal(t, mark+" own"+mark+" text", prints(build("one"), "one"))
		require.Equal(t, "two "+mark, prints(build("two"), "two"))

		edit(t, dir, "own/own.go", "package own\n\nconst Text = \"edited"+mark+"\"\n", time.Now())
		two := build("two")
		require.Regexp(t, `(?m)^#(\d+) \[linux/amd64\] go build ./cmd/two\n#(\d+) CACHED`, two.Output)
		one := build("one")
		require.Equal(t, []string{"example.com/commands/own", "example.com/commands/cmd/one"}, goCompiled(one.Output))
		require.Equal(t, mark+" edited"+mark+" text", prints(one, "one"))

		for name, text := range map[string]string{"README.md": "edited", "own/own_test.go": "package own // edited\n", "cmd/one/text/unused.txt": "x"} {
			edit(t, dir, name, text, time.Now())
		}
		require.Empty(t, goCompiled(build("one").Output), "what the program is not made of")
		edit(t, dir, "cmd/one/text/a.txt", "embedded", time.Now())
		require.Equal(t, mark+" edited"+mark+" embedded", prints(build("one"), "one"))

		edit(t, dir, "cmd/two/main.go", "package main\n\nfunc main() { broken }\n", time.Now())
		require.Empty(t, goCompiled(build("one").Output), "what is broken in one target does not stop another")
		require.Contains(t, builds.Build{Bed: bed, Context: dir, Target: "two", Platforms: []string{"linux/amd64"}}.Fails(t, via), "undefined: broken")
	})
}

// TestGoGroup: one go build makes the programs of all targets of a group.
func TestGoGroup(t *testing.T) {
	mark := fmt.Sprint(time.Now().UnixNano())
	files := commands(mark)
	dir := builds.Write(t, files)
	build := func(target string) builds.Result {
		return builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
	}
	three := build("three")
	require.Subset(t, goCompiled(three.Output), []string{"example.com/commands/lib", "example.com/commands/cmd/three", "example.com/commands/cmd/four"})
	four := build("four")
	require.Empty(t, goCompiled(four.Output))
	require.Equal(t, "four", runs(t, four.Layout.Images["linux/amd64"].Files["/four"].Data))
	require.NotContains(t, four.Layout.Images["linux/amd64"].Files, "/three")
	require.Equal(t, "three "+mark, runs(t, three.Layout.Images["linux/amd64"].Files["/three"].Data))
}

// TestGoWorkspace: a workspace whose go.work.sum is not there, at a root that is no
// module, and where nobody has the sums of what a module needs.
func TestGoWorkspace(t *testing.T) {
	mark := fmt.Sprint(time.Now().UnixNano())
	lib := tidy(t, map[string]string{
		"go.mod": "module example.com/lib\n\ngo 1.26\n\nrequire github.com/pkg/errors v0.9.1\n",
		"lib.go": "package lib\n\nimport \"github.com/pkg/errors\"\n\nfunc Text() string { return errors.New(\"" + mark + "\").Error() }\n",
	})
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: ./app\n",
		"go.work":          "go 1.26\n\nuse (\n\t./app\n\t./lib\n)\n",
		"app/go.mod":       "module example.com/app\n\ngo 1.26\n",
		"app/main.go":      "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Text()) }\n",
	}
	for name, text := range lib {
		files["lib/"+name] = text
	}
	delete(files, "lib/go.sum")
	builds.Each(t, func(t *testing.T, via builds.Via) {
		r := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64"}}.OK(t, via)
		require.Equal(t, mark, runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
	})
	files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {dir: app}\n"
	// A link has the compile see everything.
	dir := builds.Write(t, with(files, "common/more.go", "package main\n"))
	require.NoError(t, os.Symlink("../common/more.go", filepath.Join(dir, "app/more.go")))
	r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
	require.Equal(t, mark, runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
}

// TestForkedDependency: what imports the fork is a module that was downloaded, so no
// file of the project shows which of its packages are needed.
func TestForkedDependency(t *testing.T) {
	mark := fmt.Sprint(time.Now().UnixNano())
	get := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/mitchellh/reflectwalk@v1.0.2")
	get.Dir = t.TempDir()
	out, err := get.Output()
	require.NoError(t, err)
	var fork struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &fork))
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire github.com/mitchellh/copystructure v1.2.0\n\nreplace github.com/mitchellh/reflectwalk => ./fork\n",
		"main.go":          "package main\n\nimport \"github.com/mitchellh/copystructure\"\n\nfunc main() { copystructure.Must(copystructure.Copy(7)) }\n",
		"fork/mark.go":     "package reflectwalk\n\nfunc init() { println(\"" + mark + "\") }\n",
	}
	entries, err := os.ReadDir(fork.Dir)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() == "go.mod" || strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			files["fork/"+e.Name()] = read(t, filepath.Join(fork.Dir, e.Name()))
		}
	}
	r := builds.Build{Bed: bed, Context: builds.Write(t, tidy(t, files)), Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
	require.Equal(t, mark, runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
}

// TestGoVendor: what is vendored is compiled from there, without a network, and when
// it does not fit, the error says what to do.
func TestGoVendor(t *testing.T) {
	files := goModule(t, "vendored", "v0.9.1")
	files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., network: none}\n"
	dir := builds.Write(t, files)
	cmd := exec.CommandContext(t.Context(), "go", "mod", "vendor")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	r := build.OK(t, builds.Image)
	require.Equal(t, "vendored 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
	require.NotContains(t, r.Output, "go mod download")

	edit(t, dir, "go.mod", strings.Replace(files["go.mod"], "errors v0.9.1", "errors v0.8.1", 1), time.Now())
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := build.Fails(t, via)
		require.Contains(t, out, "the vendor folder does not fit go.mod any more; run go mod vendor")
		require.Contains(t, out, "   5 | >>>     build: {package: ., network: none}")
		plainWords(t, out)
	})
}

// TestGoErrors: what goes wrong with modules, in words, at the line of the target.
func TestGoErrors(t *testing.T) {
	whole := goModule(t, "errors", "v0.9.1")
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no sums": {with(whole, "go.sum", ""), []string{"go.mod and go.sum do not fit the sources any more; run go mod tidy", "missing go.sum entry"}},
		"no module": {with(whole, "more.go", "package main\n\nimport _ \"github.com/pkg/profile\"\n"),
			[]string{"go.mod and go.sum do not fit the sources any more; run go mod tidy", "no required module provides package github.com/pkg/profile"}},
		"nothing to embed": {with(whole, "more.go", "package main\n\nimport _ \"embed\"\n\n//go:embed web/dist/*\nvar x string\n"),
			[]string{"a go:embed pattern matches no file in the build context", "web/dist"}},
		"a later Go": {with(whole, "go.mod", strings.Replace(whole["go.mod"], "go 1.26", "go 1.26.99", 1)),
			[]string{"the Go of golang:1.26-alpine is older than the project or one of its modules asks for, although it was picked for go.mod:3 (go 1.26.99); set toolchain.version"}},
		"a Go without an image": {with(whole, "go.mod", strings.Replace(whole["go.mod"], "go 1.26", "go 1.99", 1)),
			[]string{"the toolchain image golang:1.99-alpine, which go.mod:3 (go 1.99) asks for, cannot be had"}},
		"a library in C": {with(whole, "more.go", "package main\n\nimport _ \"github.com/mattn/go-sqlite3\"\n"),
			[]string{"more.go:3 imports github.com/mattn/go-sqlite3, which is a library in C", "use modernc.org/sqlite"}},
		"a proxy that is not there": {with(whole, "more.go", "package main\n\nimport _ \"example.com/private\"\n",
			"go.mod", whole["go.mod"]+"\nrequire example.com/private v0.0.0\n", "fromscratch.yaml", syntax+"toolchain: go-cgo0\ntargets:\n  app:\n    build: {env: {GOPROXY: \"http://127.0.0.1:1,direct\"}}\n"),
			[]string{"a server was not reached"}},
		"a module that no proxy has": {with(whole, "more.go", "package main\n\nimport _ \"example.com/private\"\n",
			"go.mod", whole["go.mod"]+"\nrequire example.com/private v0.0.0\n"),
			[]string{"is not known where it was looked for. If it is not public, name it with build: {env: {GOPRIVATE: example.com/company}}"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := builds.Build{Bed: bed, Context: builds.Write(t, tc.files), Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
			for _, want := range tc.want {
				require.Contains(t, out, want)
			}
			require.Contains(t, out, "| >>> ")
			plainWords(t, out)
		})
	}
}

// TestGoNeedsC: a library in C that another module brings compiles to a stub, which
// nobody gets to ship.
func TestGoNeedsC(t *testing.T) {
	long(t)
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire gorm.io/driver/sqlite v1.5.7\n",
		"main.go":          "package main\n\nimport _ \"gorm.io/driver/sqlite\"\n\nfunc main() {}\n",
	}
	out := builds.Build{Bed: bed, Context: builds.Write(t, tidy(t, files)), Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
	require.Contains(t, out, "app has github.com/mattn/go-sqlite3 in it, which is a library in C")
	require.Contains(t, out, "go mod why -m github.com/mattn/go-sqlite3")
	plainWords(t, out)
}

// unseen is a line that no builder has in its cache.
func unseen() string { return fmt.Sprintf("\n// %d\n", time.Now().UnixNano()) }

// TestGoPrivateModules: a proxy that wants a password gets it from a secret, in the
// step that downloads and in no other.
func TestGoPrivateModules(t *testing.T) {
	var module bytes.Buffer
	zw := zip.NewWriter(&module)
	for name, text := range map[string]string{"go.mod": "module example.com/private\n", "p.go": "package private\n\nconst Text = \"private\"\n" + unseen()} {
		w, err := zw.Create("example.com/private@v1.0.0/" + name)
		require.NoError(t, err)
		_, err = io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, zw.Close())
	answers := map[string]string{
		"/example.com/private/@v/v1.0.0.info": `{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}`,
		"/example.com/private/@v/v1.0.0.mod":  "module example.com/private\n",
		"/example.com/private/@v/v1.0.0.zip":  module.String(),
	}
	addr, ca, served := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text) // Whoever asked may be gone.
	}), passes)
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., network: none, env: {GOPROXY: \"https://" + addr + "\", GONOSUMDB: example.com}}\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire example.com/private v1.0.0\n",
		"main.go":          "package main\n\nimport \"example.com/private\"\n\nfunc main() { println(private.Text) }\n",
	}
	withPassword := "https://me:" + password + "@" + addr
	dir := builds.Write(t, files)
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy")
	cmd.Dir = dir
	trust := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(trust, []byte(ca), 0o644))
	cmd.Env = append(cmd.Environ(), "SSL_CERT_FILE="+trust, "GOPROXY="+withPassword, "GONOSUMDB=example.com", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	before := served.Load()
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	require.Contains(t, build.Fails(t, builds.Image), "signed by nobody that the toolchain image trusts, as where a company's proxy opens connections; pass the company's certificates with --secret id=build-ca,src=ca.pem")
	build.Secrets = map[string]string{"build-ca": ca}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := build.Fails(t, via)
		require.Contains(t, out, "a dependency comes from a server that asks who wants it")
		require.Contains(t, out, "--secret id=goproxy,env=GOPROXY")
		plainWords(t, out)
	})
	require.Equal(t, before, served.Load())
	build.Secrets["goproxy"] = withPassword
	builds.Each(t, func(t *testing.T, via builds.Via) {
		r := build.OK(t, via)
		require.Equal(t, "private", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		require.NotContains(t, r.Output, password)
		holdsNo(t, r.Dir)
	})
	require.Greater(t, served.Load(), before)
}

// TestGoPrivateGit: a module from a git repository that asks who wants it.
func TestGoPrivateGit(t *testing.T) {
	root := t.TempDir()
	git := func(dir string, args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-C", dir}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	work := builds.Write(t, map[string]string{"go.mod": "module git.example.com/private.git\n", "p.go": "package private\n\nconst Text = \"private\"\n" + unseen()})
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-qm", "x"}, {"tag", "v1.0.0"}} {
		git(work, args...)
	}
	git(root, "clone", "-q", "--bare", work, "private")
	git(filepath.Join(root, "private"), "update-server-info")
	addr, ca, served := serveTLS(t, http.FileServer(http.Dir(root)), passes)
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., network: none, env: {GOPRIVATE: git.example.com}}\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire git.example.com/private.git v1.0.0\n",
		"main.go":          "package main\n\nimport private \"git.example.com/private.git\"\n\nfunc main() { println(private.Text) }\n",
	}
	dir := builds.Write(t, files)
	// Where the repository is, for git here and in the build: no server has that name.
	config := func(credentials string) string {
		return "[url \"https://" + credentials + addr + "/\"]\n\tinsteadOf = https://git.example.com/\n"
	}
	home := builds.Write(t, map[string]string{".gitconfig": config("me:" + password + "@")})
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy")
	cmd.Dir = dir
	trust := filepath.Join(home, "ca.pem")
	require.NoError(t, os.WriteFile(trust, []byte(ca), 0o644))
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL="+filepath.Join(home, ".gitconfig"), "GIT_SSL_CAINFO="+trust, "GOPRIVATE=git.example.com", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))

	before := served.Load()
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, Secrets: map[string]string{"gitconfig": config(""), "build-ca": ca}}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := build.Fails(t, via)
		require.Contains(t, out, "and pass --ssh default or --secret id=netrc,src=$HOME/.netrc")
		plainWords(t, out)
	})
	require.Equal(t, before, served.Load())
	build.Secrets["netrc"] = "machine 127.0.0.1 login me password " + password + "\n"
	builds.Each(t, func(t *testing.T, via builds.Via) {
		r := build.OK(t, via)
		require.Equal(t, "private", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		require.NotContains(t, r.Output, password)
		holdsNo(t, r.Dir)
	})
}

// TestInputs: another context fills a folder of the sources.
func TestInputs(t *testing.T) {
	files := map[string]string{
		"fromscratch.yaml": syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., inputs: {web/dist: ui}}\n",
		"go.mod":           "module example.com/app\n\ngo 1.26\n",
		"main.go":          "package main\n\nimport _ \"embed\"\n\n//go:embed web/dist/index.html\nvar page string\n\nfunc main() { println(page) }\n",
	}
	dir := builds.Write(t, files)
	ui := builds.Write(t, map[string]string{"index.html": "from elsewhere"})
	r := builds.Build{Bed: bed, Context: dir, Contexts: map[string]string{"ui": ui}, Platforms: []string{"linux/amd64", "linux/arm64"}}.OK(t, builds.Image)
	require.Equal(t, "from elsewhere", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.Fails(t, via)
		require.Contains(t, out, `there is no context named "ui"; pass one with --build-context ui=…`)
		plainWords(t, out)
	})
}

// TestGoStampsAndTags: what the spec says gets into the program, and what the go
// command writes into it can be read.
func TestGoStampsAndTags(t *testing.T) {
	files := goModule(t, "x", "v0.9.1")
	files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\nargs: {VERSION: dev}\ntargets:\n  app:\n    build: {package: ., tags: special, tzdata: embed, stamp: {main.version: \"$VERSION\"}}\n"
	files["special.go"] = "//go:build special\n\npackage main\n\nimport \"time\"\n\nvar version string\n\nfunc init() {\n\t_, err := time.LoadLocation(\"Europe/Paris\")\n\tprintln(version, err == nil)\n}\n"
	dir := builds.Write(t, files)
	for _, version := range []string{"1 beta", "2"} {
		r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, Args: map[string]string{"VERSION": version}}.OK(t, builds.Image)
		data := r.Layout.Images["linux/amd64"].Files["/app"].Data
		require.True(t, strings.HasPrefix(runs(t, data), version+" true"))
		info := buildInfo(t, data)
		for _, want := range []string{"github.com/pkg/errors\tv0.9.1", "build\t-tags=special,timetzdata", "build\tCGO_ENABLED=0", "build\t-trimpath=true"} {
			require.Contains(t, info, want)
		}
		require.NotContains(t, info, "vcs")
	}
}

// TestGoVCS: what git knows is written into the program when it is really there.
func TestGoVCS(t *testing.T) {
	files := goModule(t, fmt.Sprint("vcs ", time.Now().UnixNano()), "v0.9.1")
	files[".dockerignore"] = "!.git\n"
	dir := builds.Write(t, files)
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "x"}} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
	info := buildInfo(t, r.Layout.Images["linux/amd64"].Files["/app"].Data)
	require.Contains(t, info, "build\tvcs.revision=")
	require.Contains(t, info, "build\tvcs.modified=false", "nothing of the checkout is missing")
}

// TestGoProfile: a profile beside the program is for what it imports too, so the
// layer is compiled with it, and an edit compiles nothing of it again.
func TestGoProfile(t *testing.T) {
	long(t)
	mark := fmt.Sprint("pgo ", time.Now().UnixNano())
	files := goModule(t, mark, "v0.9.1")
	profile := filepath.Join(t.TempDir(), "cpu.pprof")
	src := builds.Write(t, map[string]string{"go.mod": "module p\n\ngo 1.26\n", "p_test.go": "package p\n\nimport \"testing\"\n\nfunc BenchmarkX(b *testing.B) { for b.Loop() { for i := range 1000 { _ = i } } }\n"})
	cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "100ms", "-cpuprofile", profile)
	cmd.Dir = src
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	files["default.pgo"] = read(t, profile)
	dir := builds.Write(t, files)
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	first := build.OK(t, builds.Image)
	require.Equal(t, 1, len(slices.DeleteFunc(goCompiled(first.Output), func(n string) bool { return n != "github.com/pkg/errors" })), "compiled once")
	edit(t, dir, "main.go", goMain("edited"), time.Now())
	r := build.OK(t, builds.Image)
	require.Equal(t, []string{"example.com/app"}, goCompiled(r.Output))
	require.Equal(t, "edited 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
}
