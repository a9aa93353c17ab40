package pipelines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pipeline is a pipeline of GitLab CI, with the jobs that others extend taken into
// those.
type Pipeline struct {
	Stages    []string
	Variables map[string]string
	Jobs      map[string]PipelineJob
}

// PipelineJob is a job of a pipeline. Keys that it does not have are errors, so what is
// misspelled is found.
type PipelineJob struct {
	Extends       string
	Stage         string
	Image         Image
	Services      []string
	Variables     map[string]string
	Needs         []string
	ResourceGroup string                          `yaml:"resource_group"`
	IDTokens      map[string]struct{ Aud string } `yaml:"id_tokens"`
	BeforeScript  []string                        `yaml:"before_script"`
	Script        []string
	Artifacts     struct {
		Paths    []string
		ExpireIn string `yaml:"expire_in"`
		Reports  struct{ Dotenv string }
	}
}

// Image is the image of a job.
type Image struct {
	Name       string
	Entrypoint []string
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (i *Image) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		i.Name = node.Value
		return nil
	}
	type plain Image
	return node.Decode((*plain)(i))
}

// ParsePipeline reads the text of a pipeline.
func ParsePipeline(text []byte) (*Pipeline, error) {
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	p := &Pipeline{Jobs: map[string]PipelineJob{}}
	jobs := map[string]PipelineJob{}
	for key, node := range doc {
		var err error
		switch key {
		case "stages":
			err = node.Decode(&p.Stages)
		case "variables":
			err = node.Decode(&p.Variables)
		case "workflow":
			err = strictly(&node, &struct{ Rules []struct{ If string } }{})
		case "image", "services", "before_script", "after_script", "cache", "include", "default", "spec", "pages", "true", "false", "nil":
			err = errors.New("no job can have this name, which means something else to GitLab")
		default:
			var job PipelineJob
			err = strictly(&node, &job)
			jobs[key] = job
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	for name, job := range jobs {
		if strings.HasPrefix(name, ".") {
			continue
		}
		if job.Extends != "" {
			base, ok := jobs[job.Extends]
			if !ok {
				return nil, fmt.Errorf("%s extends %s, which is not there", name, job.Extends)
			}
			job.extend(base)
		}
		if err := p.check(job, jobs); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Jobs[name] = job
	}
	return p, nil
}

func (j *PipelineJob) extend(base PipelineJob) {
	if j.Image.Name == "" {
		j.Image = base.Image
	}
	if len(j.BeforeScript) == 0 {
		j.BeforeScript = base.BeforeScript
	}
	if len(j.Services) == 0 {
		j.Services = base.Services
	}
	own := j.Variables
	j.Variables = map[string]string{}
	maps.Copy(j.Variables, base.Variables)
	maps.Copy(j.Variables, own)
}

// check is what the server would refuse, or what would fail at once.
func (p *Pipeline) check(job PipelineJob, jobs map[string]PipelineJob) error {
	stage := slices.Index(p.Stages, job.Stage)
	switch {
	case stage < 0:
		return fmt.Errorf("there is no stage %q, only %v", job.Stage, p.Stages)
	case job.Image.Name == "":
		return errors.New("it names no image")
	case len(job.Script) == 0:
		return errors.New("it has no script")
	}
	for _, need := range job.Needs {
		other, ok := jobs[need]
		if !ok {
			return fmt.Errorf("it needs %s, which is not there", need)
		}
		if slices.Index(p.Stages, other.Stage) >= stage {
			return fmt.Errorf("it needs %s, which is in no stage before its own", need)
		}
	}
	return nil
}

// strictly decodes a node, with keys that are not known as errors.
func strictly(node *yaml.Node, into any) error {
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// RunPipeline runs the jobs of p one after the other, each in a checkout of its own
// with the artifacts of those that it needs. env are the variables that GitLab
// predefines, beside those of the commit.
func (m *Machine) RunPipeline(ctx context.Context, p *Pipeline, env map[string]string) error {
	commit, err := m.commit(ctx)
	if err != nil {
		return err
	}
	needs := map[string][]string{}
	for name, job := range p.Jobs {
		needs[name] = job.Needs
	}
	order, err := inOrder(needs)
	if err != nil {
		return err
	}
	dirs := map[string]string{}
	for _, name := range order {
		job := p.Jobs[name]
		dir, base, err := m.job(ctx, name, nil)
		if err != nil {
			return err
		}
		dirs[name] = dir
		vars := map[string]string{"CI_COMMIT_SHA": commit, "CI_COMMIT_REF_NAME": m.Ref}
		maps.Copy(vars, env)
		for _, more := range []map[string]string{p.Variables, job.Variables} {
			for k, v := range more {
				vars[k] = os.Expand(v, func(name string) string { return vars[name] })
			}
		}
		for _, need := range job.Needs {
			dotenv := p.Jobs[need].Artifacts.Reports.Dotenv
			if dotenv != "" {
				more, err := assignments(filepath.Join(dirs[need], dotenv))
				if err != nil {
					return err
				}
				maps.Copy(vars, more)
			}
			for _, path := range p.Jobs[need].Artifacts.Paths {
				if err := os.CopyFS(filepath.Join(dir, path), os.DirFS(filepath.Join(dirs[need], path))); err != nil {
					return fmt.Errorf("artifact %s of %s: %w", path, need, err)
				}
			}
		}
		// As a runner does: one shell for all lines, which ends with the first that fails.
		if err := m.run(ctx, dir, append(base, variables(vars)...), "sh", "-e", "-c", strings.Join(job.Script, "\n")); err != nil {
			return fmt.Errorf("job %s: %w", name, err)
		}
	}
	return nil
}
