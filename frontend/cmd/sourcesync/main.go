// Command sourcesync runs a compiler on a mirror of the sources whose
// modification times can be trusted; see package sourcesync. It runs inside
// build containers, as the first process.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

func main() {
	c, ok := sourcesync.ParseArgs(os.Args[1:])
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: sourcesync -source DIR -work DIR [-dir DIR] [-copy FROM TO]... -- COMMAND [ARG]...")
		os.Exit(2)
	}
	if err := run(c); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(exitStatus(exit))
		}
		fmt.Fprintln(os.Stderr, "sourcesync:", err)
		os.Exit(1)
	}
}

func run(c sourcesync.Command) error {
	report, err := sourcesync.Sync(c.Source, c.Work)
	if err != nil {
		return err
	}
	if report.Foreign != "" && report.Foreign != "." {
		fmt.Fprintf(os.Stderr, "sourcesync: %s was changed during the last build, so everything is compiled anew; "+
			"let the build script write to OUT_DIR instead to keep what was compiled\n", report.Foreign)
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
	cmd := exec.Command(c.Run[0], c.Run[1:]...)
	cmd.Dir = filepath.Join(c.Work, sourcesync.MirrorDir, c.Dir)
	// Sync only looks after this directory, and a project may ask for others.
	cmd.Env = append(cmd.Environ(), "CARGO_TARGET_DIR="+target, "CARGO_BUILD_BUILD_DIR="+target)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	for _, cp := range c.Copy {
		if err := sourcesync.CopyFile(cp.From, cp.To, 0o755, nil); err != nil {
			return err
		}
	}
	return nil
}

// exitStatus is the status that a shell would give, so that a compiler killed
// for want of memory shows as 137.
func exitStatus(err *exec.ExitError) int {
	if ws, ok := err.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return err.ExitCode()
}
