package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// koPackage is the program and the module of ko.
const koPackage = "github.com/google/ko"

// ko builds images with the Go toolchain of this machine and no builder: what it
// remembers are the caches of the go command, and its own.
type ko struct {
	lab    *lab
	peer   *Peer
	prog   *Program
	config recipe
}

func newKo(l *lab, peer *Peer, p *Program) (*ko, error) {
	config, err := l.recipe(peer, peer.File, p)
	return &ko{lab: l, peer: peer, prog: p, config: config}, err
}

func (k *ko) disk() *state {
	return &state{dir: filepath.Join(k.lab.dir, "states", k.peer.Language+"-"+k.peer.Name), live: filepath.Join(k.lab.dir, "ko")}
}

func (k *ko) inputs() []string {
	return []string{k.lab.environment.HostGo, k.lab.environment.Ko, k.peer.Tag}
}

func (k *ko) recipes(Build) []string { return []string{k.config.text} }

func (k *ko) variant() string { return "" }

func (k *ko) pushes() string { return repository(k.prog, k.peer) }

func (k *ko) furnish(context.Context) error { return nil }

// open makes ko itself and the image that it builds on, unless they are there.
func (k *ko) open(ctx context.Context) error {
	if err := k.lab.installKo(ctx); err != nil {
		return err
	}
	return k.lab.publish(ctx, k.peer, both)
}

func (k *ko) close() error { return nil }

func (k *ko) prune(context.Context) error { return errors.New("ko has no cache mounts") }

func (k *ko) evict(context.Context) error { return errors.New("ko has no frontend") }

// build is one ko build that pushes the image, or all images of the set.
func (k *ko) build(ctx context.Context, dir string, b Build, run *Run) error {
	args := []string{"build", "--sbom=none", "--platform=" + strings.Join(b.Platforms, ",")}
	images := []string{repository(k.prog, k.peer) + ":latest"}
	if b.Commands > 0 {
		args, images = append(args, "--base-import-paths"), nil
	} else {
		args = append(args, "--bare")
	}
	for _, c := range k.prog.commands(b) {
		args = append(args, c.Package)
		if b.Commands > 0 {
			images = append(images, setImage(k.prog, k.peer, c))
		}
	}
	// Its own copy of what the go command said is from an earlier build.
	log := filepath.Join(k.lab.dir, "ko.log")
	if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	cmd := k.lab.bed.Command(ctx, k.lab.koFile(), args...)
	cmd.Dir = dir
	registry := k.lab.bed.Registry
	// What ko and git would tell about is the checkout of this project.
	cmd.Env = append(append(cmd.Env, goSettings(k.disk().live)...), "GIT_CEILING_DIRECTORIES="+k.lab.dir,
		"KO_CONFIG_PATH="+k.config.path, "KO_DEFAULTBASEIMAGE="+registry+"/"+k.peer.Tag, "KO_DOCKER_REPO="+registry+"/"+repository(k.prog, k.peer),
		"KOCACHE="+filepath.Join(k.disk().live, "ko"), "VERSION="+version(b),
		"KO_GO_PATH="+k.lab.koGo(), "BENCH_GO_LOG="+log)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := k.lab.measure(ctx, cmd, 0, &repositories{own: []string{k.pushes()}, images: []string{repositoryOf(k.peer.Tag)}}, run)
	text, logErr := os.ReadFile(log)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, tail(string(text)), tail(out.String()))
	}
	if logErr != nil {
		return logErr
	}
	run.Compiled = goPackages(text)
	return k.lab.weigh(ctx, run, images...)
}

func (l *lab) koModule() string { return filepath.Join(l.bed.Root, "integration", "tools", "ko") }
func (l *lab) koFile() string   { return filepath.Join(l.dir, "bin", "ko") }
func (l *lab) koGo() string     { return filepath.Join(l.dir, "bin", "ko-go") }

// koGo is what ko calls as go. It keeps what a successful go build says, which
// ko throws away, for the number of compiled packages.
const koGo = `#!/bin/sh
[ "$1" = build ] && exec go "$@" 2>>"$BENCH_GO_LOG"
exec go "$@"
`

// installKo builds ko from its pins. The go command does nothing if it is there.
func (l *lab) installKo(ctx context.Context) error {
	if l.ko {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.koFile()), 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", l.koModule(), "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", l.koFile(), koPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ko: %w\n%s", err, tail(string(out)))
	}
	l.ko = true
	return os.WriteFile(l.koGo(), []byte(koGo), 0o755)
}
