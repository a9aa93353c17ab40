package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// host builds with the toolchain of this machine, which is not that of the
// images: what it takes is a floor, and no peer's time.
type host struct {
	lab  *lab
	prog *Program
}

func (h *host) disk() *state {
	return &state{dir: filepath.Join(h.lab.dir, "states", h.prog.Language+"-"+floor), live: filepath.Join(h.lab.dir, "host")}
}

func (h *host) path(elem string) string { return filepath.Join(h.disk().live, elem) }

func (h *host) inputs() []string {
	e := h.lab.environment
	return []string{e.HostRust, e.HostTarget, e.HostGo}
}

func (h *host) recipes(Build) []string { return nil }

func (h *host) variant() string { return "" }

func (h *host) pushes() string { return "" }

// furnish gives the build a Cargo home of its own, with the settings of the
// user's: they say where crates come from.
func (h *host) furnish(context.Context) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	from := os.Getenv("CARGO_HOME")
	if from == "" {
		from = filepath.Join(home, ".cargo")
	}
	if err := os.MkdirAll(h.path("cargo"), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"config.toml", "config", "credentials.toml"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(h.path("cargo"), name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) open(context.Context) error  { return nil }
func (h *host) close() error                { return nil }
func (h *host) prune(context.Context) error { return errors.New("the host has no cache mounts") }
func (h *host) evict(context.Context) error { return errors.New("the host has no frontend") }

func (h *host) build(ctx context.Context, dir string, b Build, run *Run) error {
	cmd, binaries := h.cargo(ctx, b)
	count := cargoUnits
	if h.prog.Language == Go {
		cmd, binaries = h.goBuild(ctx, b)
		count = goPackages
	}
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := h.lab.measure(ctx, cmd, 0, nil, run); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(out.String()))
	}
	run.Compiled = count(out.Bytes())
	for _, binary := range binaries {
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		run.ImageBytes += info.Size()
	}
	return nil
}

func (h *host) cargo(ctx context.Context, b Build) (cmd *exec.Cmd, binaries []string) {
	target := h.lab.environment.HostTarget
	args := []string{"build", "--release", "--locked", "--target", target}
	for _, c := range h.prog.commands(b) {
		args = append(args, "--package", c.Package, "--bin", c.Bin)
		binaries = append(binaries, filepath.Join(h.path("target"), target, "release", c.Bin))
	}
	cmd = exec.CommandContext(ctx, "cargo", args...)
	cmd.Env = append(os.Environ(), "CARGO_HOME="+h.path("cargo"), "CARGO_TARGET_DIR="+h.path("target"),
		"CARGO_PROFILE_RELEASE_STRIP=symbols", "CARGO_TERM_COLOR=never", h.prog.Stamp+"="+version(b))
	return cmd, binaries
}

func (h *host) goBuild(ctx context.Context, b Build) (cmd *exec.Cmd, binaries []string) {
	out := h.path("out") + "/"
	args := []string{"build", "-v", "-trimpath", "-ldflags=-s -w -X " + h.prog.Stamp + "=" + version(b), "-o", out}
	for _, c := range h.prog.commands(b) {
		args = append(args, c.Package)
		// The go command names binaries after the folders of their packages.
		binaries = append(binaries, out+path.Base(c.Package))
	}
	cmd = exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), goSettings(h.disk().live)...)
	return cmd, binaries
}

// goSettings give the go command of this machine caches of its own in dir. Modules
// in the cache are read-only unless a flag says otherwise, and states are removed.
// The sources lie in the checkout of this project, whose state is not theirs.
func goSettings(dir string) []string {
	return []string{"CGO_ENABLED=0", "GOCACHE=" + filepath.Join(dir, "build"), "GOMODCACHE=" + filepath.Join(dir, "mod"), "GOFLAGS=-modcacherw -buildvcs=false"}
}

func version(b Build) string {
	if b.Version == "" {
		return "dev"
	}
	return b.Version
}

// hostTarget is the triple that the host compiles for: musl's if its standard
// library is there, else that of the host itself.
func hostTarget(ctx context.Context) (string, error) {
	const musl = "x86_64-unknown-linux-musl"
	dir, err := output(ctx, "", "rustc", "--print", "target-libdir", "--target", musl)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(strings.TrimSpace(dir)); err == nil {
		return musl, nil
	}
	return "x86_64-unknown-linux-gnu", nil
}
