// Package testbed runs the project against real servers on one machine: a
// registry that holds stand-ins for the toolchain images of Docker Hub, one or
// more buildkitd, buildx, and a Docker Engine. Everything listens on loopback
// or on unix sockets, and all state lies in the folder .testbed of a checkout.
//
// "make testbed" brings it up; tests then reach it through [Open].
package testbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// BuilderName is the name of the buildx builder of the test bed.
const BuilderName = "fromscratch"

// Bed is a running test bed.
type Bed struct {
	// Root is the folder of the checkout that the test bed belongs to.
	Root string `json:"-"`
	// Registry is the address of the registry, such as localhost:5000.
	Registry string `json:"registry"`
	// BuildkitHost is the address of the shared buildkitd, as buildctl and
	// stand-alone buildx take it.
	BuildkitHost string `json:"buildkitHost"`
	// Builder is the name of the buildx builder on it.
	Builder string `json:"builder"`
}

func (b *Bed) layout() layout { return layout{b.Root} }

// Open returns the test bed of the checkout that the working directory lies
// in. It starts nothing: a test bed that is not up is an error.
func Open() (*Bed, error) {
	root, err := FindRoot(".")
	if err != nil {
		return nil, err
	}
	return open(root)
}

func open(root string) (*Bed, error) {
	l := layout{root}
	b := &Bed{Root: root}
	text, err := os.ReadFile(l.bedFile())
	if err == nil {
		err = json.Unmarshal(text, b)
	}
	if err != nil {
		return nil, fmt.Errorf("the test bed is not up, run make testbed: %w", err)
	}
	for _, name := range []string{"registry", "buildkitd"} {
		if _, ok := running(l.pidFile(name)); !ok {
			return nil, fmt.Errorf("the test bed's %s is not running, run make testbed", name)
		}
	}
	return b, nil
}

// settings are the variables that lead a command to the test bed.
func (b *Bed) settings() [][2]string {
	l := b.layout()
	return [][2]string{
		{"BUILDKIT_HOST", b.BuildkitHost},
		{"BUILDX_BUILDER", b.Builder},
		{"BUILDX_CONFIG", l.buildxConfig()},
		{"DOCKER_CONFIG", l.dockerConfig()},
		{"DOCKER_HOST", "unix://" + l.socket("dockerd")},
		{"REGISTRY", b.Registry},
	}
}

// Env returns the environment of this process, changed so that docker, buildx
// and buildctl reach the test bed, and its tools come first.
func (b *Bed) Env() []string {
	drop := map[string]bool{"PATH": true}
	var env []string
	for _, kv := range b.settings() {
		drop[kv[0]] = true
	}
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); !drop[k] {
			env = append(env, kv)
		}
	}
	for _, kv := range b.settings() {
		env = append(env, kv[0]+"="+kv[1])
	}
	return append(env, "PATH="+b.layout().state("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// envScript is Env for a POSIX shell. Sourcing it twice changes nothing.
func (b *Bed) envScript() []byte {
	var s strings.Builder
	s.WriteString("# Written by make testbed. Use: . .testbed/env\n")
	for _, kv := range b.settings() {
		fmt.Fprintf(&s, "export %s=%s\n", kv[0], quoteShell(kv[1]))
	}
	bin := quoteShell(b.layout().state("bin"))
	fmt.Fprintf(&s, "case \":$PATH:\" in\n*:%s:*) ;;\n*) export PATH=%s:\"$PATH\" ;;\nesac\n", bin, bin)
	return []byte(s.String())
}

func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Tool returns the path of one of the test bed's programs: registry, buildkitd,
// buildctl, buildx, docker, golangci-lint, actionlint, compose, qemu-aarch64-static.
func (b *Bed) Tool(name string) string { return b.layout().bin(name) }

// Command prepares a call of a program with the environment of the test bed;
// a name without a slash is looked up among its tools first.
func (b *Bed) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if !strings.Contains(name, "/") {
		if _, err := os.Stat(b.Tool(name)); err == nil {
			name = b.Tool(name)
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = b.Env()
	return cmd
}

// BuildkitdOpt says how a buildkitd of a test's own differs from the shared one.
type BuildkitdOpt struct {
	// Platforms restricts what the worker says it can run.
	Platforms []string
	// Env is added to the environment of the daemon, as KEY=value.
	Env []string
	// ExtraConfig is TOML at the end of its configuration. A table that is
	// there already cannot be opened again in it.
	ExtraConfig string
	// Oldest is for the oldest BuildKit that the frontend runs on, instead of the
	// one of the test bed. It is built first, if it is not there.
	Oldest bool
}

// Buildkitd is a buildkitd of a test's own, with nothing in its cache.
type Buildkitd struct {
	// Addr is its address, as buildctl takes it.
	Addr string
	// Builder is the name of the buildx builder on it.
	Builder string

	bed *Bed
	opt BuildkitdOpt
}

// StartBuildkitd starts one more buildkitd, and a buildx builder of the same
// name on it. It knows the registry of the test bed; all else is its own. What
// is left of an earlier one of this name is removed first.
func (b *Bed) StartBuildkitd(ctx context.Context, name string, opt BuildkitdOpt) (*Buildkitd, error) {
	if name == BuilderName || name == "buildkitd" || name == "" || strings.ContainsAny(name, "/. ") {
		return nil, fmt.Errorf("start buildkitd: %q is no name for one", name)
	}
	k := &Buildkitd{Addr: "unix://" + b.layout().socket(name), Builder: name, bed: b, opt: opt}
	if err := k.Close(); err != nil {
		return nil, fmt.Errorf("start buildkitd %s: remove an earlier one: %w", name, err)
	}
	if opt.Oldest {
		if _, err := BuildTool(ctx, b.Root, oldestBuildkitd, io.Discard); err != nil {
			return nil, fmt.Errorf("start buildkitd %s: %w", name, err)
		}
	}
	if err := b.startBuildkitd(ctx, name, opt, quiet); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// LogFile is the path of the daemon's log, which outlives it.
func (k *Buildkitd) LogFile() string { return k.bed.layout().logFile(k.Builder) }

// Close ends the daemon and removes its state and its builder.
func (k *Buildkitd) Close() error {
	l := k.bed.layout()
	if err := stopDaemon(l.pidFile(k.Builder)); err != nil {
		return fmt.Errorf("end buildkitd %s: %w", k.Builder, err)
	}
	var errs []error
	for _, path := range []string{
		l.state("buildkitd", k.Builder),
		l.socket(k.Builder),
		filepath.Join(l.buildxConfig(), "instances", k.Builder),
		filepath.Join(l.buildxConfig(), "activity", k.Builder),
		filepath.Join(l.buildxConfig(), "refs", k.Builder),
	} {
		errs = append(errs, removeTree(path))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove buildkitd %s: %w", k.Builder, err)
	}
	return nil
}

// removeTree removes a folder, after ending and unmounting what a killed daemon
// left running and mounted in it.
func removeTree(path string) error {
	if err := endContainers(path); err != nil {
		return err
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, point := range mountsBelow(string(info), path) {
		if err := unmount(point); err != nil {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return os.RemoveAll(path)
}

// Docker returns the address of a Docker Engine that runs images without any
// network but the host's, and starts it if it is not up.
func (b *Bed) Docker(ctx context.Context) (host string, err error) {
	unlock, err := lock(ctx, b.layout(), quiet)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := b.dockerd().ensure(ctx); err != nil {
		return "", err
	}
	return "unix://" + b.layout().socket("dockerd"), nil
}

// daemons lists the names that have a pid file.
func daemons(l layout) []string {
	var names []string
	for _, f := range globAll(l.state("run", "*.pid")) {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".pid"))
	}
	sort.Strings(names)
	return names
}
