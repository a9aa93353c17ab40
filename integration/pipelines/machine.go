// Package pipelines runs the pipelines of examples/pipelines on the test bed: their
// own command lines, and for steps of GitHub that are actions the command lines that
// those actions run.
//
// What prepares a machine is left out, because the test bed is prepared: the actions
// that check out, log in, and install or start a builder, and the before_script of
// jobs of GitLab. Nothing is signed, since that takes the identity of a hosted
// pipeline: what cosign is asked for is written down instead.
package pipelines

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Machine is what a hosted runner would be.
type Machine struct {
	Bed *testbed.Bed
	// Source is the folder that is checked out, a repository of git.
	Source string
	// Work is a folder for what the pipeline leaves behind.
	Work string
	// Ref is the name of the tag or branch that the pipeline runs for, and Tag tells
	// which of the two it is.
	Ref string
	Tag bool
	// Builder picks the builder of a job by the values of its matrix. Default: the shared
	// one of the test bed.
	Builder func(matrix map[string]string) *testbed.Buildkitd
	// Log gets what the commands print.
	Log io.Writer

	artifacts map[string]string
}

// commit is the revision of the source.
func (m *Machine) commit(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", m.Source, "rev-parse", "HEAD").Output()
	return strings.TrimSpace(string(out)), err
}

// standIns are programs of a hosted runner that a test bed has by other names, or
// cannot have.
var standIns = map[string]string{
	"cosign":                 "#!/bin/sh\nprintf '%s\\n' \"$*\" >>\"$SIGNATURES\"\n",
	"buildctl-daemonless.sh": "#!/bin/sh\nexec buildctl \"$@\"\n",
}

// job makes the folder of a job with a checkout in it, and the environment of its
// commands.
func (m *Machine) job(ctx context.Context, name string, matrix map[string]string) (dir string, env []string, err error) {
	bin := filepath.Join(m.Work, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", nil, err
	}
	for program, script := range standIns {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			return "", nil, err
		}
	}
	dir = filepath.Join(m.Work, "jobs", name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", nil, err
	}
	if out, err := exec.CommandContext(ctx, "git", "clone", "-q", m.Source, dir).CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("checking out for %s: %w: %s", name, err, out)
	}
	env = m.Bed.Env()
	if m.Builder != nil {
		b := m.Builder(matrix)
		env = append(env, "BUILDX_BUILDER="+b.Builder, "BUILDKIT_HOST="+b.Addr)
	}
	for i, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			env[i] = "PATH=" + bin + string(os.PathListSeparator) + path
		}
	}
	return dir, append(env, "SIGNATURES="+m.signatures()), nil
}

func (m *Machine) signatures() string { return filepath.Join(m.Work, "signatures") }

// Signatures lists the arguments that cosign was called with.
func (m *Machine) Signatures() ([]string, error) {
	text, err := os.ReadFile(m.signatures())
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}

// run runs a command in the environment of a job.
func (m *Machine) run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	fmt.Fprintf(m.Log, "$ %s %s\n", name, strings.Join(args, " "))
	// By way of env, the program is looked up in the path of the job.
	cmd := exec.CommandContext(ctx, "env", append([]string{name}, args...)...)
	cmd.Dir, cmd.Env = dir, env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(m.Log, &out), io.MultiWriter(m.Log, &out)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return nil
}

// variables are the environment of further variables, in the order of their names.
func variables(m map[string]string) []string {
	var env []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		env = append(env, k+"="+m[k])
	}
	return env
}

// assignments reads lines such as NAME=value.
func assignments(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			return nil, fmt.Errorf("%s: %q assigns nothing", path, line)
		}
		out[name] = value
	}
	return out, nil
}

// inOrder sorts jobs so that each comes after those that it needs.
func inOrder(needs map[string][]string) ([]string, error) {
	var order []string
	for len(order) < len(needs) {
		n := len(order)
		for _, name := range slices.Sorted(maps.Keys(needs)) {
			ready := !slices.Contains(order, name)
			for _, need := range needs[name] {
				ready = ready && slices.Contains(order, need)
			}
			if ready {
				order = append(order, name)
			}
		}
		if len(order) == n {
			return nil, fmt.Errorf("of the jobs %v some need one another, or one that is not there: %v", slices.Sorted(maps.Keys(needs)), needs)
		}
	}
	return order, nil
}
