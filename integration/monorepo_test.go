//go:build integration

package integration

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

const monorepoExample = "monorepo"

// monorepo is the example, copied, as a call of bake for one platform.
func monorepo(t *testing.T, targets ...string) builds.Bake {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(bed.Root, "examples", monorepoExample))))
	return builds.Bake{Bed: bed, Dir: dir, Targets: targets, Env: []string{"PLATFORMS=linux/amd64"}}
}

// compile matches the steps that compile a service, and not those that compile
// what services depend on.
var compile = regexp.MustCompile(`^\[\S+ \S+\] (go build \S|cargo build .*\()`)

// dependencies matches the steps that download and compile what services depend on,
// compiledDependencies the latter.
var (
	dependencies         = regexp.MustCompile(`\(dependencies\)|go mod download|cargo fetch|rustup`)
	compiledDependencies = regexp.MustCompile(`\(dependencies\)`)
)

// compiledTargets lists the steps that compile services and ran: notes linux/amd64.
func compiledTargets(s builds.Steps) []string {
	out := []string{}
	for _, name := range s.Ran(compile) {
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "["), "]")
		out = append(out, name)
	}
	return out
}

// changedImages lists the targets whose images are others than before.
func changedImages(before, after builds.Baked) []string {
	out := []string{}
	was := before.Digests()
	for name, is := range after.Digests() {
		if was[name] != is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// edited marks what a file of a folder says, as no build before did.
func edited(t *testing.T, dir, file, what string) {
	t.Helper()
	rewrite(t, dir, file, what, fmt.Sprintf("%s-%d", what, time.Now().UnixNano()))
}

// rewrite replaces what a file of a folder says.
func rewrite(t *testing.T, dir, file, was, is string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	require.NoError(t, err)
	require.Contains(t, string(text), was, file)
	edit(t, dir, file, strings.ReplaceAll(string(text), was, is), time.Now())
}

// TestMonorepoEdit: of two services that share a crate, an edit in one compiles
// that one.
func TestMonorepoEdit(t *testing.T) {
	bake := monorepo(t, "rust")
	before := bake.OK(t)
	require.Equal(t, []string{"slugs", "words"}, slices.Sorted(maps.Keys(before.Layouts)))

	require.Equal(t, 1, before.Steps.Distinct(compiledDependencies), "shared")

	edited(t, bake.Dir, "rust/words/src/main.rs", `name: "words`)
	after := bake.OK(t)
	require.Equal(t, []string{"words linux/amd64"}, compiledTargets(after.Steps))
	require.Empty(t, after.Steps.Ran(dependencies))
	require.Equal(t, []string{"words"}, changedImages(before, after))
}

// TestMonorepo builds the example for two platforms and edits it in many places:
// what runs is what can see the edit. It does so with one spec for all services
// and with a spec for each, which make the same images.
func TestMonorepo(t *testing.T) {
	long(t)
	all := []string{"feed", "notes", "slugs", "web", "words"}
	platforms := []string{"linux/amd64", "linux/arm64"}
	images := map[string]map[string]string{}
	for _, file := range []string{"docker-bake.hcl", "per-service.hcl"} {
		t.Run(file, func(t *testing.T) {
			bake := monorepo(t)
			bake.File, bake.Env = file, nil
			first := bake.OK(t)
			require.Equal(t, all, slices.Sorted(maps.Keys(first.Layouts)))
			for name, l := range first.Layouts {
				require.Equal(t, platforms, l.Platforms(), name)
				cfg := l.Images["linux/arm64"].Config.Config
				require.Equal(t, []string{"CMD", "/" + name, "health"}, cfg.Healthcheck.Test)
				require.Equal(t, name, cfg.Labels["org.opencontainers.image.title"])
			}
			images[file] = first.Digests()
			if file == "docker-bake.hcl" {
				require.Equal(t, 4, first.Steps.Distinct(compiledDependencies), "one for each language and platform")
			}
			for _, pf := range platforms {
				t.Run(pf, func(t *testing.T) { talk(t, first.Layouts, pf) })
			}

			again := bake.OK(t)
			require.Empty(t, compiledTargets(again.Steps))
			require.Empty(t, changedImages(first, again))

			last := first
			for _, tt := range []struct{ file, what, compiles, changes string }{
				{"go/cmd/notes/main.go", `Router("notes`, "notes", "notes"},
				{"go/internal/note/note.go", `json:"text`, "feed notes", "feed notes"},
				// The linker leaves out what a program does not call.
				{"go/internal/note/note.go", "a note needs a title", "feed notes", "notes"},
				{"go/internal/service/service.go", "/healthz answered", "feed notes web", "feed notes web"},
				// Folders are seen as a whole; the go command then finds nothing to compile.
				{"go/cmd/notes/main_test.go", "milk", "notes", ""},
				{"ui/public/index.html", "Title", "web", "web"},
				{"rust/slugs/src/main.rs", `name: "slugs`, "slugs", "slugs"},
				{"rust/service/src/lib.rs", "there is POST", "slugs words", "slugs words"},
				{"README.md", "Go", "", ""},
				{file, "1.4.0", "notes", "notes"},
			} {
				edited(t, bake.Dir, tt.file, tt.what)
				next := bake.OK(t)
				var want []string
				for _, name := range strings.Fields(tt.compiles) {
					want = append(want, name+" linux/amd64", name+" linux/arm64")
				}
				require.ElementsMatch(t, want, compiledTargets(next.Steps), "compiled after an edit of %s", tt.file)
				require.Equal(t, strings.Fields(tt.changes), changedImages(last, next), "images after an edit of %s", tt.file)
				require.Empty(t, next.Steps.Ran(dependencies), tt.file)
				last = next
			}
		})
	}
	require.Equal(t, images["docker-bake.hcl"], images["per-service.hcl"])
}

// talk runs services out of their images, and has them do their work.
func talk(t *testing.T, layouts map[string]*ocilayout.Layout, pf string) {
	start := func(name string, env ...string) string {
		return running(t, pf, layouts[name].Images[pf].Files["/"+name].Data, env...)
	}
	notes := start("notes")
	web, feed := start("web", "NOTES_URL="+notes), start("feed", "NOTES_URL="+notes)
	words, slugs := start("words"), start("slugs")

	require.Equal(t, "{\"ui\": \"3.0.0\"}\n", ask(t, web+"/version.json", ""), "what the build of the pages made")
	require.Contains(t, ask(t, web+"/", ""), `<ul id="notes">`, "the pages, in place of the placeholder")
	require.Contains(t, ask(t, web+"/api/notes", `{"title": "milk", "text": "two bottles"}`), `"id":1`)
	require.Contains(t, ask(t, feed+"/feed", ""), `"content_text":"two bottles"`)
	require.Equal(t, "{\"characters\":10,\"words\":2}\n", ask(t, words+"/words", "café, deux"))
	require.Equal(t, "uberall-jederzeit\n", ask(t, slugs+"/slug", "Überall, jederzeit!"))
	for url, want := range map[string]string{web: "web 2.1.0\n", notes: "notes 1.4.0\n", feed: "feed 0.9.2\n", words: "words 1.0.3\n", slugs: "slugs 1.1.0\n"} {
		require.Equal(t, want, ask(t, url+"/version", ""))
	}
}

// running runs a program that serves at ADDR until the test ends, and returns its
// address. It ends on SIGTERM, without an error.
func running(t *testing.T, pf string, program []byte, env ...string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	file := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(file, program, 0o755))
	cmd := exec.CommandContext(t.Context(), file)
	if pf == "linux/arm64" {
		cmd = exec.CommandContext(t.Context(), bed.Tool("qemu-aarch64-static"), file)
	}
	// The context of a test ends before what it cleans up.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(env, "ADDR="+addr)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		// The error that remains is that of the context.
		_ = cmd.Wait()
		require.Equal(t, 0, cmd.ProcessState.ExitCode(), "after SIGTERM: %s", out.String())
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond)
	return "http://" + addr
}

// ask gets a page, or posts a body that is not empty, and returns the answer.
func ask(t *testing.T, url, body string) string {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Less(t, resp.StatusCode, 300, fmt.Sprintf("%s %s: %s", method, url, text))
	return string(text)
}

// TestMonorepoMistakes: what is easily wrong when one context serves many specs is
// said with what to do instead.
func TestMonorepoMistakes(t *testing.T) {
	dir := monorepo(t).Dir
	for name, tt := range map[string]struct {
		build builds.Build
		want  string
	}{
		"inputs without their context": {builds.Build{Context: dir, Target: "web"},
			`fromscratch.yaml:32:33: there is no context named "ui"; pass one with --build-context ui=…, or in a bake file with contexts = {ui = "…"}`},
		"another name": {builds.Build{Context: dir, Target: "nots"}, `there is no target "nots", only feed, notes, slugs, web and words; did you mean "notes"?`},
		"the folder of a Go service as the context": {builds.Build{Context: filepath.Join(dir, "go/cmd/notes")},
			"fromscratch.yaml:8:12: there is no folder go in the build context; build.dir is relative to the build context, so pass the folder that holds go as the context"},
		"the folder of a Rust service as the context": {builds.Build{Context: filepath.Join(dir, "rust/words")},
			"fromscratch.yaml:8:12: there is no folder rust in the build context; build.dir is relative to the build context, so pass the folder that holds rust as the context"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.build.Bed = bed
			each(t, func(t *testing.T, via builds.Via) { require.Contains(t, tt.build.Fails(t, via), tt.want) })
		})
	}
}
