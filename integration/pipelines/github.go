package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Workflow is a workflow of GitHub Actions, as far as it is run here.
type Workflow struct {
	Env  map[string]string
	Jobs map[string]WorkflowJob
}

// WorkflowJob is a job of a workflow.
type WorkflowJob struct {
	Uses     string
	Needs    names
	Env      map[string]string
	Strategy struct {
		Matrix struct{ Include []map[string]string }
	}
	Steps []Step
}

// Step is a step of a job.
type Step struct {
	ID, Name, Uses, Run string
	With, Env           map[string]string
}

// names is a list of which a single one may be written alone.
type names []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *names) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*n = names{node.Value}
		return nil
	}
	return node.Decode((*[]string)(n))
}

// ParseWorkflow reads the text of a workflow.
func ParseWorkflow(text []byte) (*Workflow, error) {
	var w Workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	if len(w.Jobs) == 0 {
		return nil, fmt.Errorf("a workflow without jobs")
	}
	return &w, nil
}

// RunWorkflow runs the jobs of w one after the other, each once for every entry of its
// matrix. Jobs that call another workflow are passed over.
func (m *Machine) RunWorkflow(ctx context.Context, w *Workflow) error {
	commit, err := m.commit(ctx)
	if err != nil {
		return err
	}
	needs := map[string][]string{}
	for name, job := range w.Jobs {
		needs[name] = job.Needs
	}
	order, err := inOrder(needs)
	if err != nil {
		return err
	}
	m.artifacts = map[string]string{}
	for _, name := range order {
		job := w.Jobs[name]
		if job.Uses != "" {
			continue
		}
		matrix := job.Strategy.Matrix.Include
		if len(matrix) == 0 {
			matrix = []map[string]string{nil}
		}
		for i, values := range matrix {
			r := &run{Machine: m, name: fmt.Sprintf("%s-%d", name, i), values: map[string]string{"github.ref_name": m.Ref, "github.sha": commit}}
			for k, v := range values {
				r.values["matrix."+k] = v
			}
			if err := r.job(ctx, w, job, values); err != nil {
				return fmt.Errorf("job %s: %w", name, err)
			}
		}
	}
	return nil
}

// run is one job of a workflow under way.
type run struct {
	*Machine
	name      string
	dir, temp string
	base      []string
	env       map[string]string
	// values are what expressions stand for, by their names.
	values map[string]string
}

func (r *run) job(ctx context.Context, w *Workflow, job WorkflowJob, matrix map[string]string) error {
	var err error
	if r.dir, r.base, err = r.Machine.job(ctx, r.name, matrix); err != nil {
		return err
	}
	r.temp = r.dir + ".temp"
	if err := os.Mkdir(r.temp, 0o755); err != nil {
		return err
	}
	r.values["runner.temp"] = r.temp
	r.env = map[string]string{"RUNNER_TEMP": r.temp, "GITHUB_REF_NAME": r.values["github.ref_name"], "GITHUB_SHA": r.values["github.sha"]}
	for _, env := range []map[string]string{w.Env, job.Env} {
		if err := r.set(env); err != nil {
			return err
		}
	}
	for _, s := range job.Steps {
		if err := r.step(ctx, s); err != nil {
			return fmt.Errorf("step %s: %w", s.Name+s.Uses, err)
		}
	}
	return nil
}

// set adds to the environment of the steps to come.
func (r *run) set(env map[string]string) error {
	for k, v := range env {
		v, err := r.expand(v)
		if err != nil {
			return err
		}
		r.env[k], r.values["env."+k] = v, v
	}
	return nil
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand replaces expressions, which are names here and nothing more.
func (r *run) expand(s string) (string, error) {
	var err error
	return expression.ReplaceAllStringFunc(s, func(e string) string {
		name := expression.FindStringSubmatch(e)[1]
		v, ok := r.values[name]
		if !ok && err == nil {
			err = fmt.Errorf("nothing is known of %s", e)
		}
		return v
	}), err
}

func (r *run) step(ctx context.Context, s Step) error {
	expanded := func(in map[string]string) (map[string]string, error) {
		out := map[string]string{}
		for k, v := range in {
			v, err := r.expand(v)
			if err != nil {
				return nil, err
			}
			out[k] = v
		}
		return out, nil
	}
	own, err := expanded(s.Env)
	if err != nil {
		return err
	}
	env := append(append(slices.Clone(r.base), variables(r.env)...), variables(own)...)
	if s.Run != "" {
		return r.script(ctx, s, env)
	}
	action, _, _ := strings.Cut(s.Uses, "@")
	switch action {
	case "actions/checkout", "docker/setup-buildx-action", "docker/login-action", "sigstore/cosign-installer":
		return nil
	}
	with, err := expanded(s.With)
	if err != nil {
		return err
	}
	switch action {
	case "docker/metadata-action":
		r.values["steps."+s.ID+".outputs.tags"], err = r.tags(with)
	case "docker/build-push-action":
		r.values["steps."+s.ID+".outputs.digest"], err = r.build(ctx, with, env)
	case "actions/upload-artifact":
		r.artifacts[with["name"]] = with["path"]
	case "actions/download-artifact":
		err = r.download(with)
	default:
		err = fmt.Errorf("nothing is known of the action %s", action)
	}
	return err
}

func (r *run) script(ctx context.Context, s Step, env []string) error {
	if expression.MatchString(s.Run) {
		return fmt.Errorf("an expression in a script is a way in for whoever names a branch; pass it by env: %s", s.Run)
	}
	output, environment := filepath.Join(r.temp, "output"), filepath.Join(r.temp, "environment")
	for _, name := range []string{output, environment} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			return err
		}
	}
	// As GitHub calls it ("shell" in its workflow syntax).
	if err := r.run(ctx, r.dir, append(env, "GITHUB_OUTPUT="+output, "GITHUB_ENV="+environment), "bash", "-e", "-c", s.Run); err != nil {
		return err
	}
	outputs, err := assignments(output)
	if err != nil {
		return err
	}
	for k, v := range outputs {
		r.values["steps."+s.ID+".outputs."+k] = v
	}
	env2, err := assignments(environment)
	if err != nil {
		return err
	}
	return r.set(env2)
}

// tags are those that docker/metadata-action makes of the two types in use here.
func (r *run) tags(with map[string]string) (string, error) {
	version := strings.TrimPrefix(r.Ref, "v")
	numbers := strings.Split(version, ".")
	var tags []string
	for line := range strings.Lines(with["tags"]) {
		switch kind, option, _ := strings.Cut(strings.TrimSpace(line), ","); {
		case kind == "type=ref" && option == "event=branch":
			if !r.Tag {
				tags = append(tags, r.Ref)
			}
		case kind == "type=semver" && strings.HasPrefix(option, "pattern="):
			if r.Tag && len(numbers) == 3 {
				tags = append(tags, strings.NewReplacer("{{version}}", version, "{{major}}", numbers[0], "{{minor}}", numbers[1]).Replace(strings.TrimPrefix(option, "pattern=")))
			}
		default:
			return "", fmt.Errorf("nothing is known of tags of %s", line)
		}
	}
	for i := range tags {
		tags[i] = with["images"] + ":" + tags[i]
	}
	return strings.Join(tags, "\n"), nil
}

// flags are the flags of docker buildx build that inputs of docker/build-push-action
// stand for (getBuildArgs and getCommonArgs in its src/context.ts): one for an input,
// or one for each line of it.
var flags = map[string]string{
	"file": "--file", "target": "--target", "platforms": "--platform",
	"tags": "--tag", "outputs": "--output", "build-args": "--build-arg", "build-contexts": "--build-context", "cache-from": "--cache-from", "cache-to": "--cache-to",
}

// build runs what docker/build-push-action runs, and returns its output digest.
func (r *run) build(ctx context.Context, with map[string]string, env []string) (string, error) {
	metadata := filepath.Join(r.temp, "metadata.json")
	args := []string{"buildx", "build", "--progress", "plain", "--metadata-file", metadata}
	for _, k := range slices.Sorted(maps.Keys(with)) {
		v := strings.TrimSpace(with[k])
		switch k {
		case "context":
		case "push":
			if v == "true" {
				args = append(args, "--push")
			}
		case "provenance":
			args = append(args, "--attest", "type=provenance,"+v)
		case "sbom":
			args = append(args, "--attest", "type=sbom,disabled="+fmt.Sprint(v != "true"))
		default:
			flag, ok := flags[k]
			if !ok {
				return "", fmt.Errorf("nothing is known of the input %s of docker/build-push-action", k)
			}
			for line := range strings.Lines(v) {
				args = append(args, flag, strings.TrimSpace(line))
			}
		}
	}
	if err := r.run(ctx, r.dir, env, "docker", append(args, with["context"])...); err != nil {
		return "", err
	}
	text, err := os.ReadFile(metadata)
	if err != nil {
		return "", err
	}
	var result struct {
		Digest string `json:"containerimage.digest"`
	}
	return result.Digest, json.Unmarshal(text, &result)
}

// download lays down the artifacts whose names match, side by side.
func (r *run) download(with map[string]string) error {
	if err := os.MkdirAll(with["path"], 0o755); err != nil {
		return err
	}
	found := 0
	for name, file := range r.artifacts {
		ok, err := path.Match(with["pattern"], name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		found++
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(with["path"], filepath.Base(file)), text, 0o644); err != nil {
			return err
		}
	}
	if found == 0 {
		return fmt.Errorf("no artifact has a name like %s", with["pattern"])
	}
	return nil
}
