// Package probed runs builds on the shared builder of the test bed, which has all images
// and caches, and says where their time went: by the trace that BuildKit keeps, and by a
// probe in the container of the frontend.
package probed

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
	Frontend   = "bench/frontend-probe:1"
	Dockerfile = "bench/dockerfile-probe:1"
)

// Lab is where builds are measured.
type Lab struct {
	Bed *testbed.Bed
	// Dir is a folder for files of builds.
	Dir string
	// Digest is that of the frontend.
	Digest string
	// Say tells the user what goes on.
	Say func(format string, args ...any)

	daemon *client.Client
}

// Open makes a lab in a folder of the test bed's, with the image of the frontend under
// the probe.
func Open(ctx context.Context, bed *testbed.Bed, dir string, say func(format string, args ...any)) (*Lab, error) {
	l := &Lab{Bed: bed, Dir: dir, Say: say}
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Lab) open(ctx context.Context) error {
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return err
	}
	m, err := registry.Registry{Addr: l.Bed.Registry}.Manifest(ctx, builds.FrontendImage)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("the test bed's registry has no %s: run make frontend", builds.FrontendImage)
	}
	l.Digest = m.Digest
	if err := l.publish(ctx, Frontend, builds.FrontendImage+"@"+m.Digest, "/fromscratch"); err != nil {
		return err
	}
	l.daemon, err = client.New(ctx, l.Bed.BuildkitHost)
	return err
}

// Close ends the connection to the builder.
func (l *Lab) Close() {
	if err := l.daemon.Close(); err != nil {
		l.Say("%v", err)
	}
}

// PublishPeer makes the image of the frontend of Dockerfiles under the probe.
func (l *Lab) PublishPeer(ctx context.Context) error {
	digest, err := dockerfile.Ensure(ctx, l.Bed, l.Say)
	if err != nil {
		return err
	}
	return l.publish(ctx, Dockerfile, dockerfile.Image+"@"+digest, dockerfile.Program)
}

// publish makes an image that runs the program of another one under the probe.
func (l *Lab) publish(ctx context.Context, ref, from, program string) error {
	dir := filepath.Join(l.Dir, "probe")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", l.Bed.Root, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "probe"), "./integration/bench/probed/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the probe: %w\n%s", err, out)
	}
	recipe := fmt.Sprintf("FROM %s\nCOPY probe /probe\nENTRYPOINT [\"/probe\", %q]\n", from, program)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o644); err != nil {
		return err
	}
	out, err := l.Bed.Command(ctx, "docker", "buildx", "build", "--provenance=false", "--output", "type=image,push=true,name="+l.Bed.Registry+"/"+ref, dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("image %s: %w\n%s", ref, err, out)
	}
	return nil
}

// Ran is what is known of a build.
type Ran struct {
	// Begun and Ended are those of the client.
	Begun, Ended time.Time
	Trace        []trace.Span
	// Report is nil if the frontend did not run under the probe. Of several builds of one
	// call, Reports has all, in no order.
	Report  *wire.Report
	Reports []wire.Report
	// Progress is what buildx said, in the form of --progress rawjson.
	Progress []byte
}

// Took is the time of the build, from the start of the client to its end.
func (r *Ran) Took() time.Duration { return r.Ended.Sub(r.Begun) }

// Build runs docker buildx build with the given frontend.
func (l *Lab) Build(ctx context.Context, syntax string, args ...string) (*Ran, error) {
	return l.BuildOn(ctx, l.daemon, l.Bed.Builder, syntax, args...)
}

// BuildOn is Build on another builder.
func (l *Lab) BuildOn(ctx context.Context, daemon *client.Client, builder, syntax string, args ...string) (*Ran, error) {
	about := filepath.Join(l.Dir, "metadata.json")
	r, err := l.run(ctx, append([]string{"build", "--builder", builder, "--provenance=false", "--metadata-file", about, "--build-arg", "BUILDKIT_SYNTAX=" + syntax}, args...))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(syntax, "bench/") && r.Report == nil {
		return nil, errors.New("the probe left no report in the log of the daemon")
	}
	ref, err := reference(about)
	if err != nil {
		return nil, err
	}
	r.Trace, err = trace.Read(ctx, daemon, ref)
	return r, err
}

// Bake runs docker buildx bake, without a trace.
func (l *Lab) Bake(ctx context.Context, syntax string, args ...string) (*Ran, error) {
	return l.run(ctx, append([]string{"bake", "--builder", l.Bed.Builder, "--provenance=false", "--set", "*.args.BUILDKIT_SYNTAX=" + syntax}, args...))
}

func (l *Lab) run(ctx context.Context, args []string) (*Ran, error) {
	log := filepath.Join(l.Bed.Root, ".testbed", "log", "buildkitd.log")
	before, err := os.Stat(log)
	if err != nil {
		return nil, err
	}
	cmd := l.Bed.Command(ctx, "docker", append([]string{"buildx", args[0], "--progress", "rawjson"}, args[1:]...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	r := &Ran{Begun: time.Now()}
	err = cmd.Run()
	r.Ended, r.Progress = time.Now(), out.Bytes()
	if err != nil {
		text := r.Progress
		return nil, fmt.Errorf("docker %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, text[max(0, len(text)-4000):])
	}
	if r.Reports, err = reports(log, before.Size()); err != nil {
		return nil, err
	}
	if len(r.Reports) > 0 {
		r.Report = &r.Reports[len(r.Reports)-1]
	}
	return r, nil
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

// reports reads what probes wrote to the log of the daemon, from an offset.
func reports(log string, offset int64) ([]wire.Report, error) {
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return wire.ReadReports(f)
}
