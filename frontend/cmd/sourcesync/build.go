package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	for _, args := range c.Run {
		err := run(args, dir, env, &units)
		failed, ok := errors.AsType[*step.Error](err)
		if ok && c.Harvest != "" && failed.Status != cause.Killed {
			fmt.Fprintln(os.Stderr, "sourcesync: not all dependencies could be compiled by themselves; what is wrong, if anything, shows when the program is compiled")
			continue
		}
		if err != nil {
			return err
		}
	}
	list, err := packagesOf(c, dir, env, &units)
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
		packages := list[cp.From]
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

// packagesOf lists the packages of every program that is copied out, by where Cargo
// left it. Without a list there is a program all the same, so only one that has to
// carry it fails the build.
func packagesOf(c sourcesync.Command, dir string, env []string, units *sourcesync.Units) (map[string]*sourcesync.Packages, error) {
	if len(c.Metadata) == 0 || len(c.Copy) == 0 {
		return nil, nil
	}
	out := map[string]*sourcesync.Packages{}
	var metadata bytes.Buffer
	err := step.Run(c.Metadata, dir, env, &metadata, causes)
	for _, cp := range c.Copy {
		if err == nil {
			out[cp.From], err = sourcesync.NewPackages(cp.From, metadata.Bytes(), units)
		}
	}
	if err != nil && !c.Auditable {
		fmt.Fprintf(os.Stderr, "sourcesync: which packages the program was compiled from is not known, so it can have no SBOM: %v\n", err)
		return nil, nil
	}
	return out, err
}
