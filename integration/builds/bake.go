package builds

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Bake is one call of docker buildx bake.
type Bake struct {
	Bed *testbed.Bed
	// Dir is the folder that bake runs in.
	Dir string
	// File is the bake file, relative to Dir. Default: docker-bake.hcl.
	File string
	// Targets are targets and groups. Default: the group default.
	Targets []string
	// Set are changes of targets, as --set takes them: *.platform=linux/amd64.
	Set []string
	// Env are variables for the bake file, as KEY=value.
	Env []string
}

// Baked is what came of a Bake.
type Baked struct {
	// Output is what was said beside the progress, with an error at its end if
	// there was one.
	Output string
	Steps  Steps
	// Layouts holds what was exported, by target. What is only part of another
	// target is not.
	Layouts map[string]*ocilayout.Layout
}

// Digests are the digests of the indexes or images, by target.
func (b Baked) Digests() map[string]string {
	out := map[string]string{}
	for name, l := range b.Layouts {
		out[name] = l.Root.Digest.String()
	}
	return out
}

// OK runs bake, which must succeed.
func (b Bake) OK(t *testing.T) Baked {
	t.Helper()
	dir := t.TempDir()
	r, err := b.Run(t.Context(), dir)
	require.NoError(t, err, r.Output)
	return r
}

// Fails runs bake, which must not succeed, and returns what the user saw.
func (b Bake) Fails(t *testing.T) string {
	t.Helper()
	r, err := b.Run(t.Context(), t.TempDir())
	require.Error(t, err)
	return r.Output
}

// Run runs bake and exports each image to a folder of dir that is named like its
// target.
func (b Bake) Run(ctx context.Context, dir string) (Baked, error) {
	targets, out, err := b.images(ctx)
	if err != nil {
		return Baked{Output: out}, err
	}
	flags := []string{"--progress", "rawjson", "--provenance=false", "--allow", "fs.write=" + dir}
	for _, name := range targets {
		flags = append(flags, "--set", name+".output=type=oci,tar=false,dest="+filepath.Join(dir, name))
	}
	cmd := b.command(ctx, flags...)
	start := time.Now()
	progress, err := cmd.CombinedOutput()
	steps, text, rerr := ReadSteps(bytes.NewReader(progress), start, nil)
	r := Baked{Output: text, Steps: steps, Layouts: map[string]*ocilayout.Layout{}}
	if err = cmp.Or(err, rerr); err != nil {
		return r, fmt.Errorf("docker buildx bake: %w", err)
	}
	for _, name := range targets {
		if r.Layouts[name], err = ocilayout.Open(ctx, filepath.Join(dir, name)); err != nil {
			return r, fmt.Errorf("read what %s exported: %w", name, err)
		}
	}
	return r, nil
}

// images lists the targets that bake would export, and on an error what the user
// saw of it.
func (b Bake) images(ctx context.Context) (names []string, out string, err error) {
	cmd := b.command(ctx, "--print", "--progress", "quiet")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, stderr.String(), fmt.Errorf("docker buildx bake --print: %w", err)
	}
	var plan struct {
		Target map[string]struct {
			Output []struct{ Type string }
		}
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, string(text), fmt.Errorf("read what bake plans: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(plan.Target)) {
		if o := plan.Target[name].Output; len(o) == 0 || o[0].Type != "cacheonly" {
			names = append(names, name)
		}
	}
	return names, "", nil
}

func (b Bake) command(ctx context.Context, flags ...string) *exec.Cmd {
	args := []string{"buildx", "bake", "--builder", b.Bed.Builder, "-f", cmp.Or(b.File, "docker-bake.hcl")}
	args = append(args, flags...)
	for _, s := range b.Set {
		args = append(args, "--set", s)
	}
	cmd := b.Bed.Command(ctx, "docker", append(args, b.Targets...)...)
	cmd.Dir = b.Dir
	cmd.Env = append(cmd.Env, b.Env...)
	return cmd
}
