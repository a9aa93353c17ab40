// Package builds runs a build on the test bed the two ways that the frontend
// runs: as the image that "# syntax=" names, through docker buildx build, and in
// the process of the test, where a debugger and the race detector see it.
package builds

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Via is a way to reach the frontend.
type Via string

// The ways to reach the frontend.
const (
	Image     Via = "image"
	InProcess Via = "in process"
)

// FrontendImage is the name that specs give the frontend, and that the test
// bed's registry holds it under.
const FrontendImage = "fromscratch/frontend:1"

// Each runs a test once for each way to reach the frontend.
func Each(t *testing.T, f func(t *testing.T, via Via)) {
	for _, via := range []Via{Image, InProcess} {
		t.Run(string(via), func(t *testing.T) { f(t, via) })
	}
}

// Build is one call of docker buildx build.
type Build struct {
	Bed *testbed.Bed
	// Context is the folder of the build context.
	Context string
	// Remote is the address of a build context that is no folder, used instead of Context.
	Remote string
	// File is the spec, relative to Context. Default: fromscratch.yaml.
	File      string
	Target    string
	Platforms []string
	// Args are build arguments.
	Args map[string]string
	// Contexts are named contexts: folders, or such as docker-image://….
	Contexts map[string]string
	// Labels are labels of the command line.
	Labels  map[string]string
	NoCache bool
	// CacheTo and CacheFrom are the references of a cache in a registry.
	CacheTo, CacheFrom string
	// Secrets are secrets by their ids.
	Secrets map[string]string
	// Attest lists attestations to make, such as type=sbom.
	Attest []string
	// SSHAgent is the socket of an agent that the build may ask, if any.
	SSHAgent string
	// Push is the name that the image is pushed to the registry under, if any.
	Push string
	// Local is a folder that the files of the result are written to, if any.
	Local string
	// Around is put around the frontend where it runs in process, if it is not nil.
	Around func(gateway.BuildFunc) gateway.BuildFunc
	// Buildkitd is the builder to use. Default: the shared one of the test bed.
	Buildkitd *testbed.Buildkitd
}

// Result is what came of a build.
type Result struct {
	// Output is all that the user saw, with an error at its end if there was one.
	Output string
	// Layout is what was exported; nil when the build failed.
	Layout *ocilayout.Layout
	// Dir is the folder of the layout.
	Dir string
}

// OK runs the build, which must succeed.
func (b Build) OK(t *testing.T, via Via) Result {
	t.Helper()
	r, err := b.Run(t.Context(), via, t.TempDir())
	require.NoError(t, err, r.Output)
	r.Layout, err = ocilayout.Open(t.Context(), r.Dir)
	require.NoError(t, err)
	return r
}

// Fails runs the build, which must not succeed, and returns what the user saw.
func (b Build) Fails(t *testing.T, via Via) string {
	t.Helper()
	r, err := b.Run(t.Context(), via, t.TempDir())
	require.Error(t, err, r.Output)
	return r.Output
}

func (b Build) file() string {
	if b.File == "" {
		return "fromscratch.yaml"
	}
	return b.File
}

// Run runs the build and exports it to dir.
func (b Build) Run(ctx context.Context, via Via, dir string) (Result, error) {
	var out string
	var err error
	if via == Image {
		out, err = b.buildx(ctx, dir)
	} else {
		out, err = b.inProcess(ctx, dir)
	}
	return Result{Output: out, Dir: dir}, err
}

// Command is the command line that the build stands for.
func (b Build) Command(dir string) []string {
	builder := b.Bed.Builder
	if b.Buildkitd != nil {
		builder = b.Buildkitd.Builder
	}
	args := []string{"buildx", "build", "--builder", builder, "--progress", "plain",
		"--output", "type=oci,tar=false,dest=" + dir, "-f", filepath.Join(b.Context, b.file())}
	if b.Remote != "" {
		args[len(args)-1] = b.file()
	}
	if len(b.Platforms) > 0 {
		args = append(args, "--platform", strings.Join(b.Platforms, ","))
	}
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	for _, k := range slices.Sorted(maps.Keys(b.Args)) {
		args = append(args, "--build-arg", k+"="+b.Args[k])
	}
	for _, k := range slices.Sorted(maps.Keys(b.Contexts)) {
		args = append(args, "--build-context", k+"="+b.Contexts[k])
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	if b.CacheTo != "" {
		args = append(args, "--cache-to", "type=registry,mode=max,ref="+b.CacheTo)
	}
	if b.CacheFrom != "" {
		args = append(args, "--cache-from", "type=registry,ref="+b.CacheFrom)
	}
	for _, id := range slices.Sorted(maps.Keys(b.Secrets)) {
		args = append(args, "--secret", "id="+id+",env="+secretVariable(id))
	}
	if b.SSHAgent != "" {
		args = append(args, "--ssh", "default="+b.SSHAgent)
	}
	provenance := false
	for _, attest := range b.Attest {
		args = append(args, "--attest", attest)
		provenance = provenance || strings.HasPrefix(attest, "type=provenance")
	}
	if !provenance {
		args = append(args, "--provenance=false")
	}
	if b.Push != "" {
		args = append(args, "--output", "type=image,push=true,name="+b.Push)
	}
	if b.Local != "" {
		args = append(args, "--output", "type=local,dest="+b.Local)
	}
	for _, l := range slices.Sorted(maps.Keys(b.Labels)) {
		args = append(args, "--label", l+"="+b.Labels[l])
	}
	return append(args, cmp.Or(b.Remote, b.Context))
}

func secretVariable(id string) string {
	return "SECRET_" + strings.ToUpper(strings.ReplaceAll(id, "-", "_"))
}

func (b Build) buildx(ctx context.Context, dir string) (string, error) {
	cmd := b.Bed.Command(ctx, "docker", b.Command(dir)...)
	for id, value := range b.Secrets {
		cmd.Env = append(cmd.Environ(), secretVariable(id)+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return "", fmt.Errorf("running docker %s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), err
}

func (b Build) inProcess(ctx context.Context, dir string) (string, error) {
	addr := b.Bed.BuildkitHost
	if b.Buildkitd != nil {
		addr = b.Buildkitd.Addr
	}
	c, err := client.New(ctx, addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	mounts := map[string]fsutil.FS{}
	if b.Remote == "" {
		root, err := fsutil.NewFS(b.Context)
		if err != nil {
			return "", err
		}
		mounts["context"], mounts["dockerfile"] = root, root
	}
	attrs := map[string]string{"filename": b.file(), "target": b.Target, "platform": strings.Join(b.Platforms, ",")}
	for k, v := range b.Args {
		attrs["build-arg:"+k] = v
	}
	for k, v := range b.Contexts {
		if filepath.IsAbs(v) {
			if mounts[k], err = fsutil.NewFS(v); err != nil {
				return "", err
			}
			v = "local:" + k
		}
		attrs["context:"+k] = v
	}
	for k, v := range b.Labels {
		attrs["label:"+k] = v
	}
	if b.Remote != "" {
		attrs["context"] = b.Remote
	}
	if b.NoCache {
		attrs["no-cache"] = ""
	}
	for _, attest := range b.Attest {
		kind, options, _ := strings.Cut(strings.TrimPrefix(attest, "type="), ",")
		attrs["attest:"+kind] = options
	}
	opt := client.SolveOpt{
		// As buildx does: what the daemon keeps of one folder is no base for the
		// transfer of another.
		SharedKey:     b.Context,
		FrontendAttrs: attrs,
		LocalMounts:   mounts,
		Exports:       []client.ExportEntry{{Type: client.ExporterOCI, Attrs: map[string]string{"tar": "false"}, OutputDir: dir}},
	}
	registry := func(ref string) []client.CacheOptionsEntry {
		if ref == "" {
			return nil
		}
		return []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": ref, "mode": "max"}}}
	}
	opt.CacheExports, opt.CacheImports = registry(b.CacheTo), registry(b.CacheFrom)
	if len(b.Secrets) > 0 {
		values := map[string][]byte{}
		for id, value := range b.Secrets {
			values[id] = []byte(value)
		}
		opt.Session = append(opt.Session, secretsprovider.FromMap(values))
	}
	if b.SSHAgent != "" {
		agent, err := sshprovider.NewSSHAgentProvider([]sshprovider.AgentConfig{{Paths: []string{b.SSHAgent}}})
		if err != nil {
			return "", err
		}
		opt.Session = append(opt.Session, agent)
	}
	var out bytes.Buffer
	if b.Push != "" {
		opt.Exports = append(opt.Exports, client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{"name": b.Push, "push": "true"}})
	}
	if b.Local != "" {
		opt.Exports = append(opt.Exports, client.ExportEntry{Type: client.ExporterLocal, OutputDir: b.Local})
	}
	tools := llb.Image(FrontendImage)
	var build gateway.BuildFunc = frontend.Frontend{Tools: &tools}.Build
	if b.Around != nil {
		build = b.Around(build)
	}
	err = solve(ctx, c, opt, build, &out)
	for _, s := range errdefs.Sources(err) {
		if perr := s.Print(&out); perr != nil {
			return "", perr
		}
	}
	if err != nil {
		fmt.Fprintf(&out, "ERROR: failed to build: %v\n", err)
	}
	return out.String(), err
}

// solve runs the frontend here, as docker buildx build would have BuildKit run it.
func solve(ctx context.Context, c *client.Client, opt client.SolveOpt, build gateway.BuildFunc, log io.Writer) error {
	display, err := progressui.NewDisplay(log, progressui.PlainMode)
	if err != nil {
		return err
	}
	status := make(chan *client.SolveStatus)
	done := make(chan error, 1)
	go func() {
		_, err := display.UpdateFrom(context.WithoutCancel(ctx), status)
		done <- err
	}()
	_, err = c.Build(ctx, opt, "", build, status)
	return errors.Join(err, <-done)
}

// Write makes a folder with the given files for a build context.
func Write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(text), 0o644))
	}
	return dir
}
