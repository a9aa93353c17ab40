package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/fromscratch-build/fromscratch/integration/bench/dockerfile"
	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
	"github.com/fromscratch-build/fromscratch/integration/bench/trace"
	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// The images of frontends that run under the probe.
const (
	probed           = "bench/frontend-probe:1"
	probedDockerfile = "bench/dockerfile-probe:1"
)

// lab is where builds are measured: the shared builder of the test bed, which has all
// images and caches.
type lab struct {
	bed      *testbed.Bed
	dir      string
	daemon   *client.Client
	progress io.Writer
	// digest is that of the frontend.
	digest string
}

func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.progress, "cost: %s\n", fmt.Sprintf(format, args...))
}

func (l *lab) open(ctx context.Context) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	m, err := registry.Registry{Addr: l.bed.Registry}.Manifest(ctx, builds.FrontendImage)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("the test bed's registry has no %s: run make frontend", builds.FrontendImage)
	}
	l.digest = m.Digest
	if err := l.publish(ctx, probed, builds.FrontendImage+"@"+m.Digest, "/fromscratch"); err != nil {
		return err
	}
	l.daemon, err = client.New(ctx, l.bed.BuildkitHost)
	return err
}

func (l *lab) close() {
	if err := l.daemon.Close(); err != nil {
		l.say("%v", err)
	}
}

// publishPeer makes the image of the frontend of Dockerfiles under the probe.
func (l *lab) publishPeer(ctx context.Context) error {
	digest, err := dockerfile.Ensure(ctx, l.bed, l.say)
	if err != nil {
		return err
	}
	return l.publish(ctx, probedDockerfile, dockerfile.Image+"@"+digest, dockerfile.Program)
}

// publish makes an image that runs the program of another one under the probe.
func (l *lab) publish(ctx context.Context, ref, from, program string) error {
	dir := filepath.Join(l.dir, "probe")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", l.bed.Root, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "probe"), "./integration/bench/cost/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the probe: %w\n%s", err, out)
	}
	recipe := fmt.Sprintf("FROM %s\nCOPY probe /probe\nENTRYPOINT [\"/probe\", %q]\n", from, program)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o644); err != nil {
		return err
	}
	out, err := l.bed.Command(ctx, "docker", "buildx", "build", "--provenance=false", "--output", "type=image,push=true,name="+l.bed.Registry+"/"+ref, dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("image %s: %w\n%s", ref, err, out)
	}
	return nil
}

// ran is what is known of a build.
type ran struct {
	begun, ended time.Time
	trace        []trace.Span
	// report is nil if the frontend did not run under the probe.
	report *wire.Report
}

// build runs docker buildx build with the given frontend.
func (l *lab) build(ctx context.Context, syntax string, args ...string) (*ran, error) {
	return l.buildOn(ctx, l.daemon, l.bed.Builder, syntax, args...)
}

func (l *lab) buildOn(ctx context.Context, daemon *client.Client, builder, syntax string, args ...string) (*ran, error) {
	about := filepath.Join(l.dir, "metadata.json")
	log := filepath.Join(l.bed.Root, ".testbed", "log", "buildkitd.log")
	before, err := os.Stat(log)
	if err != nil {
		return nil, err
	}
	cmd := l.bed.Command(ctx, "docker", append([]string{"buildx", "build", "--builder", builder, "--progress", "plain", "--provenance=false",
		"--metadata-file", about, "--build-arg", "BUILDKIT_SYNTAX=" + syntax}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	r := &ran{begun: time.Now()}
	err = cmd.Run()
	r.ended = time.Now()
	if err != nil {
		return nil, fmt.Errorf("docker %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, out.Bytes())
	}
	ref, err := reference(about)
	if err != nil {
		return nil, err
	}
	if r.trace, err = trace.Read(ctx, daemon, ref); err != nil {
		return nil, err
	}
	if strings.HasPrefix(syntax, "bench/") {
		r.report, err = lastReport(log, before.Size())
	}
	return r, err
}

// reference is how BuildKit calls a build, out of what buildx says of it.
func reference(metadata string) (string, error) {
	text, err := os.ReadFile(metadata)
	if err != nil {
		return "", err
	}
	var m struct {
		Ref string `json:"buildx.build.ref"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return "", err
	}
	if m.Ref == "" {
		return "", errors.New("buildx does not say which build it was")
	}
	return m.Ref[strings.LastIndexByte(m.Ref, '/')+1:], nil
}

// lastReport reads what the probe wrote to the log of the daemon, from an offset.
func lastReport(log string, offset int64) (*wire.Report, error) {
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	all, err := wire.ReadReports(f)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the probe left no report in %s", log)
	}
	return &all[len(all)-1], nil
}
