package main

import (
	"context"
	"os/exec"
	"time"
)

// measure runs a command that builds, and fills in how long it takes, the peak of
// its memory and what goes to and from the registry.
//
// The memory is that of the process builder and its descendants, or of the command
// and its own if that is 0. Of what the registry tells, the repositories in touched
// count, and a command that has none has no traffic.
func (l *lab) measure(ctx context.Context, cmd *exec.Cmd, builder int, touched *repositories, run *Run) error {
	var from int64
	var err error
	if touched != nil {
		if from, err = l.accessLog().mark(ctx); err != nil {
			return err
		}
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	if builder == 0 {
		builder = cmd.Process.Pid
	}
	peak := watchMemory(builder)
	err = cmd.Wait()
	run.Seconds, run.PeakMemory = time.Since(start).Seconds(), peak()
	if err != nil || touched == nil {
		return err
	}
	to, err := l.accessLog().mark(ctx)
	if err != nil {
		return err
	}
	run.Traffic, err = l.accessLog().traffic(ctx, from, to, *touched)
	return err
}
