package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// lab is where benchmarks run: a folder of the test bed's, with a daemon of its
// own whose state is laid out and put away again for every run.
type lab struct {
	bed         *testbed.Bed
	registry    registry.Registry
	dir         string
	daemon      *daemon
	environment Environment
	// ko tells that ko was built.
	ko bool

	progress io.Writer
	start    time.Time
}

// Environment is what the times depend on beside the builders.
type Environment struct {
	CPUs     int    `json:"cpus"`
	Kernel   string `json:"kernel"`
	Buildkit string `json:"buildkit"`
	Buildx   string `json:"buildx"`
	Rust     string `json:"rust"`
	Go       string `json:"go"`
	Frontend string `json:"frontend"`
	// Dockerfile is empty as long as nobody needs it.
	Dockerfile string `json:"dockerfile,omitempty"`
	HostRust   string `json:"hostRust"`
	HostTarget string `json:"hostRustTarget"`
	HostGo     string `json:"hostGo"`
	Ko         string `json:"ko"`
}

func (e Environment) list() [][2]string {
	return [][2]string{
		{"processors", fmt.Sprint(e.CPUs)}, {"kernel", e.Kernel}, {"buildkitd", e.Buildkit}, {"buildx", e.Buildx},
		{"image " + rustImage, e.Rust}, {"image " + goImage, e.Go}, {"image " + frontendImage, e.Frontend}, {"image " + dockerfileImage, cmp.Or(e.Dockerfile, "not used")},
		{"Rust of the host", e.HostRust + ", for " + e.HostTarget}, {"Go of the host", e.HostGo}, {"ko", e.Ko},
	}
}

func newLab(ctx context.Context, bed *testbed.Bed, progress io.Writer) (*lab, error) {
	l := &lab{bed: bed, registry: registry.Registry{Addr: bed.Registry}, dir: filepath.Join(bed.Root, ".testbed", "bench"), progress: progress, start: time.Now()}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, err
	}
	l.daemon = &daemon{lab: l, dir: filepath.Join(l.dir, "daemon")}
	if err := l.daemon.install(ctx); err != nil {
		return nil, err
	}
	var err error
	l.environment, err = l.survey(ctx)
	return l, err
}

func (l *lab) close() {
	if err := l.daemon.stop(); err != nil {
		l.say("%v", err)
	}
}

func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.progress, "bench: [%5.0fs] %s\n", time.Since(l.start).Seconds(), fmt.Sprintf(format, args...))
}

// command is docker on the daemon of the benchmarks.
func (l *lab) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := l.bed.Command(ctx, name, args...)
	cmd.Env = append(cmd.Env, "BUILDX_CONFIG="+filepath.Join(l.dir, "buildx"), "BUILDX_BUILDER="+builderName)
	return cmd
}

func (l *lab) survey(ctx context.Context) (Environment, error) {
	e := Environment{CPUs: runtime.NumCPU()}
	var err error
	get := func(to *string, name string, args ...string) {
		if err != nil {
			return
		}
		var text string
		text, err = output(ctx, l.dir, name, args...)
		*to, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	}
	get(&e.Kernel, "uname", "-r")
	get(&e.Buildkit, l.bed.Tool("buildkitd"), "--version")
	get(&e.Buildx, l.bed.Tool("buildx"), "version")
	// Programs in Rust need Cargo on this machine too; those in Go do not.
	e.HostRust, e.HostTarget = "none", "nothing"
	_, noRust := exec.LookPath("rustc")
	if noRust == nil {
		get(&e.HostRust, "rustc", "--version")
	}
	get(&e.HostGo, "go", "version")
	get(&e.Ko, "go", "list", "-C", l.koModule(), "-mod=readonly", "-m", "-f", "{{.Version}}", koPackage)
	if err != nil {
		return e, err
	}
	for ref, to := range map[string]*string{rustImage: &e.Rust, goImage: &e.Go, frontendImage: &e.Frontend} {
		if *to, err = l.image(ctx, ref); err != nil {
			return e, err
		}
	}
	if noRust == nil {
		e.HostTarget, err = hostTarget(ctx)
	}
	return e, err
}

// image is the digest that a name on Docker Hub stands for.
func (l *lab) image(ctx context.Context, name string) (string, error) {
	ref := name
	if !strings.Contains(name, "/") {
		ref = "library/" + name
	}
	m, err := l.registry.Manifest(ctx, ref)
	if err != nil {
		return "", err
	}
	if m == nil {
		return "", fmt.Errorf("the test bed's registry has no %s: run make frontend", name)
	}
	return m.Digest, nil
}

// settled is an error if the toolchain image of a language is another one than at
// the start: what was built before is then of no use, and a time would be one of
// compiling anew.
func (l *lab) settled(ctx context.Context, language string) error {
	name, was := rustImage, l.environment.Rust
	if language == Go {
		name, was = goImage, l.environment.Go
	}
	is, err := l.image(ctx, name)
	if err == nil && is != was {
		err = fmt.Errorf("the image %s was replaced meanwhile: begin again", name)
	}
	return err
}

// digestOf is a short name for all of parts.
func digestOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%q\n", p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
