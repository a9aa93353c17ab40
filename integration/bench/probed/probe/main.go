// Command probe runs a frontend in its stead, as the first process of its container,
// and reports what it asked BuildKit and what it used. What goes through it is passed
// on as it comes; nothing is looked at before the frontend has ended.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
)

func main() {
	begun := time.Now()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: probe FRONTEND [ARGUMENT]...")
		os.Exit(2)
	}
	r := &wire.Report{Session: os.Getenv("BUILDKIT_SESSION_ID"), Begun: begun}
	code, err := run(r, os.Args[1:])
	if err == nil {
		err = r.Write(os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(r *wire.Report, args []string) (code int, err error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(args[0], args[1:]...)
	// The frontend gets the pipes themselves, and Wait waits for nothing else.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, os.Stderr
	r.Started = time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if err := childIn.Close(); err != nil {
		return 0, err
	}
	if err := childOut.Close(); err != nil {
		return 0, err
	}
	var sent, received wire.Tap
	go func() { _ = received.Copy(in, os.Stdin) }() // It ends when the frontend hears no more.
	passed := make(chan error, 1)
	go func() { passed <- sent.Copy(os.Stdout, out) }()
	_ = cmd.Wait() // The exit code says it.
	r.Ended = time.Now()
	if err := <-passed; err != nil {
		return 0, err
	}
	state := cmd.ProcessState
	r.CPU = state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		r.PeakMemory = usage.Maxrss << 10 // Linux counts in KiB (getrusage(2)).
	}
	r.Requests, err = wire.Requests(&sent, &received)
	return state.ExitCode(), err
}
