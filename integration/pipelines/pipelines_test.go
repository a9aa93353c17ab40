package pipelines_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/fromscratch-build/fromscratch/integration/pipelines"
)

const root = "../.."

// files lists files of the repository that a pattern names, of which there must be
// some.
func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(root, p))
		require.NoError(t, err)
		require.NotEmpty(t, found, p)
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return text
}

var (
	uses   = regexp.MustCompile(`(?m)^\s*(?:- )?uses: (\S+)(.*)$`)
	pinned = regexp.MustCompile(`^([\w.-]+/[\w.-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// TestPinned: every action is pinned to a commit, with the release that it is of, and
// to the same one wherever it is used.
func TestPinned(t *testing.T) {
	pins := map[string]string{}
	for _, file := range files(t, ".github/workflows/*.yml", "examples/pipelines/github-*.yml") {
		found := uses.FindAllStringSubmatch(string(read(t, file)), -1)
		require.NotEmpty(t, found, file)
		for _, use := range found {
			if strings.HasPrefix(use[1], "./") {
				continue
			}
			pin := use[1] + use[2]
			m := pinned.FindStringSubmatch(pin)
			require.NotNil(t, m, "%s: %s", file, pin)
			if other := pins[m[1]]; other != "" {
				require.Equal(t, other, pin, file)
			}
			pins[m[1]] = pin
		}
	}
}

// TestWorkflowsParse: actionlint, which make lint runs, says whether they are right.
func TestWorkflowsParse(t *testing.T) {
	for _, file := range files(t, ".github/workflows/*.yml", "examples/pipelines/github-*.yml") {
		_, err := pipelines.ParseWorkflow(read(t, file))
		require.NoError(t, err, file)
	}
}

// TestGitLab: the pipelines have no key that is not known, what a job names is there,
// and a shell can read the scripts.
func TestGitLab(t *testing.T) {
	for _, file := range files(t, "examples/pipelines/gitlab-*.yml") {
		p, err := pipelines.ParsePipeline(read(t, file))
		require.NoError(t, err, file)
		require.NotEmpty(t, p.Jobs, file)
		for name, job := range p.Jobs {
			script := strings.Join(append(job.BeforeScript, job.Script...), "\n")
			out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", script).CombinedOutput()
			require.NoError(t, err, "%s: %s: %s", file, name, out)
		}
	}
}

// TestGitLabMistakes: what the server would refuse is an error.
func TestGitLabMistakes(t *testing.T) {
	text := string(read(t, filepath.Join(root, "examples/pipelines/gitlab-dind.yml")))
	for was, c := range map[string]struct{ is, want string }{
		"\npublish:\n":           {"\nimage:\n", "image: no job can have this name"},
		"needs: [binaries]":      {"needs: [binary]", "publish: it needs binary, which is not there"},
		"stage: publish":         {"stage: deploy", `publish: there is no stage "deploy"`},
		"extends: .buildx":       {"extends: .build", ".build, which is not there"},
		"  script:\n":            {"  scripts:\n", "field scripts not found"},
		"image: docker:29-cli":   {"allow_failure: true", "field allow_failure not found"},
		"reports:\n":             {"report:\n", "field report not found"},
		"stage: build\n":         {"stage: sign\n", "publish: it needs binaries, which is in no stage before its own"},
		"  image: alpine:3.24\n": {"", "sign: it names no image"},
		"[build, publish, sign]": {"[publish, sign]", `binaries: there is no stage "build"`},
	} {
		require.Contains(t, text, was)
		_, err := pipelines.ParsePipeline([]byte(strings.Replace(text, was, c.is, 1)))
		require.ErrorContains(t, err, c.want, was)
	}
}

// TestPublishSpec: the spec of the image that is made of finished binaries says the
// same as the one that compiles them.
func TestPublishSpec(t *testing.T) {
	image := func(name string) map[string]any {
		var doc map[string]any
		require.NoError(t, yaml.Unmarshal(read(t, filepath.Join(root, "examples/pipelines", name)), &doc))
		delete(doc, "toolchain")
		for _, target := range doc["targets"].(map[string]any) {
			delete(target.(map[string]any), "build")
		}
		return doc
	}
	require.Equal(t, image("fromscratch.yaml"), image("publish.fromscratch.yaml"))
}

// TestExplained: the page explains every pipeline, and none that is not there.
func TestExplained(t *testing.T) {
	page := string(read(t, filepath.Join(root, "docs/pipelines.md")))
	for _, file := range files(t, "examples/pipelines/*.yml", "examples/pipelines/*.yaml") {
		require.Contains(t, page, "(../examples/pipelines/"+filepath.Base(file)+")")
	}
	for _, link := range regexp.MustCompile(`\]\(\.\./([^)#]+)`).FindAllStringSubmatch(page, -1) {
		_, err := os.Stat(filepath.Join(root, link[1]))
		require.NoError(t, err)
	}
}

// preset is a preset of Renovate, as far as it is used here.
type preset struct {
	CustomManagers []struct {
		ManagerFilePatterns, MatchStrings []string
		AutoReplaceStringTemplate         string
	}
}

// TestRenovate: the preset finds the frontend in the syntax lines of specs, and
// nothing else. Renovate has Google's RE2 too.
func TestRenovate(t *testing.T) {
	var p preset
	require.NoError(t, json.Unmarshal(read(t, filepath.Join(root, "renovate/frontend.json")), &p))
	require.Len(t, p.CustomManagers, 1)
	m := p.CustomManagers[0]
	require.Len(t, m.MatchStrings, 1)
	line := regexp.MustCompile(m.MatchStrings[0])
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string][]string{
		"# syntax=fromscratch/frontend:1\n":                                    {"fromscratch/frontend", "1", ""},
		"# syntax=fromscratch/frontend:1.4.2@" + digest + "\ntoolchain: a":     {"fromscratch/frontend", "1.4.2", digest},
		"#syntax = docker.io/fromscratch/frontend:1.4@" + digest:               {"docker.io/fromscratch/frontend", "1.4", digest},
		"# syntax=registry.example.com:5000/hub/fromscratch/frontend:1.4.2":    {"registry.example.com:5000/hub/fromscratch/frontend", "1.4.2", ""},
		"# syntax=docker/dockerfile:1":                                         nil,
		"# syntax=notfromscratch/frontend:1":                                   nil,
		"# syntax=fromscratch/frontend@" + digest:                              nil,
		"toolchain: go-cgo0\n# syntax=fromscratch/frontend:1\n":                nil,
		"# yaml-language-server: $schema=x\n# syntax=fromscratch/frontend:1\n": nil,
	} {
		found := line.FindStringSubmatch(text)
		if want == nil {
			require.Nil(t, found, text)
			continue
		}
		require.NotNil(t, found, text)
		require.Equal(t, want, []string{found[line.SubexpIndex("depName")], found[line.SubexpIndex("currentValue")], found[line.SubexpIndex("currentDigest")]}, text)
	}

	require.Len(t, m.ManagerFilePatterns, 1)
	name := regexp.MustCompile(strings.Trim(m.ManagerFilePatterns[0], "/"))
	for file, want := range map[string]bool{
		"fromscratch.yaml": true, "services/api/fromscratch.yml": true, "deploy/api.fromscratch.yaml": true,
		"notfromscratch.yaml": false, "fromscratch.yaml.md": false, "Dockerfile": false,
	} {
		require.Equal(t, want, name.MatchString(file), file)
	}

	specs := append(files(t, "examples/*/fromscratch.yaml"), filepath.Join(root, "fromscratch.yaml"))
	for _, spec := range specs {
		require.Regexp(t, line, string(read(t, spec)), fmt.Sprintf("the syntax line of %s", spec))
	}
}
