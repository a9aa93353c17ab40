package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/cause"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// cacheLimit is how many bytes a target directory may hold before what the build
// did not use is removed from it.
const cacheLimit = 5 << 30

func build(c sourcesync.Command) error {
	stamps := sourcesync.Stamps{Values: map[string]string{}, Final: c.Final}
	for _, name := range c.Stamps {
		stamps.Values[name] = os.Getenv(name)
	}
	report, err := sourcesync.SyncStamped(c.Source, c.Work, stamps)
	if err != nil {
		return err
	}
	if report.Foreign != "" && report.Foreign != "." {
		fmt.Fprintf(os.Stderr, "sourcesync: %s was changed during the last build, so everything is compiled anew; "+
			"let the build script write to OUT_DIR instead to keep what was compiled\n", report.Foreign)
	}
	if c.Seed != "" {
		planted, err := sourcesync.Plant(c.Seed, c.Work)
		if err != nil {
			return err
		}
		if planted.New > 0 {
			fmt.Fprintf(os.Stderr, "sourcesync: %d files and folders of compiled dependencies were taken over\n", planted.New)
		}
	}
	// Cargo puts what it finds up to date back in its place. What is not there
	// afterwards was not asked for, and must not be an older build's.
	for _, cp := range c.Copy {
		if err := os.RemoveAll(cp.From); err != nil {
			return err
		}
	}
	target, err := filepath.Abs(filepath.Join(c.Work, sourcesync.TargetDir))
	if err != nil {
		return err
	}
	// Sync only looks after this directory, and a project may ask for others.
	env := []string{"CARGO_TARGET_DIR=" + target, "CARGO_BUILD_BUILD_DIR=" + target}
	if ca, err := step.Certificates(); err != nil {
		return err
	} else {
		env = append(env, ca...)
	}
	var units sourcesync.Units
	dir := filepath.Join(c.Work, sourcesync.MirrorDir, c.Dir)
	listed := list(c, dir, env)
	for _, args := range c.Run {
		err := run(args, dir, env, &units, listed.beside)
		failed, ok := errors.AsType[*step.Error](err)
		if ok && c.Harvest != "" && failed.Status != cause.Killed {
			fmt.Fprintln(os.Stderr, "sourcesync: not all dependencies could be compiled by themselves; what is wrong, if anything, shows when the program is compiled")
			continue
		}
		if err != nil {
			return err
		}
	}
	lists, err := packagesOf(c, listed, &units)
	if err != nil {
		return err
	}
	for _, cp := range c.Copy {
		if err := os.MkdirAll(filepath.Dir(cp.To), 0o755); err != nil {
			return err
		}
		if err := sourcesync.CopyFile(cp.From, cp.To, 0o755, nil); err != nil {
			return err
		}
		packages := lists[cp.From]
		if packages == nil {
			continue
		}
		if err := packages.Write(cp.To); err != nil {
			return err
		}
		if c.Auditable {
			if err := packages.Audit().Write(cp.To); err != nil {
				return err
			}
		}
	}
	if c.Harvest != "" {
		files, size, err := sourcesync.Harvest(c.Work, c.Harvest, units.Shared)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "sourcesync: %d compiled dependencies, %d files, %d MB, are kept as a layer\n", len(units.Shared), files, size>>20)
	}
	_, removed, err := sourcesync.Sweep(c.Work, units.All, cacheLimit)
	if removed > 0 {
		fmt.Fprintf(os.Stderr, "sourcesync: %d MB that this build had no use for were removed from the cache, which is limited to %d GB\n", removed>>20, cacheLimit>>30)
	}
	return err
}

// listing is a run of cargo metadata.
type listing struct {
	out, said bytes.Buffer
	// run waits for the end of the command, and runs it if nobody did.
	run func() error
	// early tells whether Cargo has all that it needs and may not change anything, so
	// that it can run while the build does.
	early bool
}

// beside runs the command while the build goes on. It is for the time when the build has
// found out what to compile: before that, both would wait for the same lock.
func (l *listing) beside() {
	if l != nil && l.early {
		go func() { _ = l.run() }()
	}
}

// list prepares cargo metadata, nil where it is not asked for.
func list(c sourcesync.Command, dir string, env []string) *listing {
	if len(c.Metadata) == 0 || len(c.Copy) == 0 {
		return nil
	}
	l := &listing{}
	cmd := exec.Command(c.Metadata[0], c.Metadata[1:]...)
	cmd.Dir, cmd.Env = dir, append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &l.out, &l.said
	l.run = sync.OnceValue(cmd.Run)
	l.early = slices.Contains(c.Metadata, "--locked") && slices.Contains(c.Metadata, "--offline")
	return l
}

// packagesOf lists the packages of every program that is copied out, by where Cargo
// left it. Without a list there is a program all the same, so only one that has to
// carry it fails the build.
func packagesOf(c sourcesync.Command, l *listing, units *sourcesync.Units) (map[string]*sourcesync.Packages, error) {
	if l == nil {
		return nil, nil
	}
	out := map[string]*sourcesync.Packages{}
	err := l.run()
	if err != nil {
		err = fmt.Errorf("cargo metadata: %w: %s", err, bytes.TrimSpace(l.said.Bytes()))
	}
	for _, cp := range c.Copy {
		if err == nil {
			out[cp.From], err = sourcesync.NewPackages(cp.From, l.out.Bytes(), units)
		}
	}
	if err != nil && !c.Auditable {
		fmt.Fprintf(os.Stderr, "sourcesync: which packages the program was compiled from is not known, so it can have no SBOM: %v\n", err)
		return nil, nil
	}
	return out, err
}
