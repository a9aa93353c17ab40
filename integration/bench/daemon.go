package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const builderName = "fromscratch-bench"

// daemon is the buildkitd of the benchmarks. There is one at a time, and each
// finds its state at the same place, whatever builder's it is. The test bed's own
// buildkitds begin with no state at all, so they cannot be used here.
type daemon struct {
	lab *lab
	dir string
	cmd *exec.Cmd
}

func (d *daemon) root() string   { return filepath.Join(d.dir, "root") }
func (d *daemon) socket() string { return filepath.Join(d.dir, "sock") }
func (d *daemon) config() string { return filepath.Join(d.dir, "buildkitd.toml") }
func (d *daemon) log() string    { return filepath.Join(d.dir, "log") }

// install lays the configuration down, and makes a buildx builder for it. There
// is no garbage collection, which would strike at any time.
func (d *daemon) install(ctx context.Context) error {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	if err := d.endEarlier(); err != nil {
		return err
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	config := fmt.Sprintf("root = %q\n\n[grpc]\naddress = [%q]\n\n[worker.containerd]\nenabled = false\n\n"+
		"[worker.oci]\nbinary = %q\nnetworkMode = \"host\"\ngc = false\n\n"+
		"[registry.\"docker.io\"]\nmirrors = [%q]\n\n[registry.%q]\nhttp = true\n",
		d.root(), "unix://"+d.socket(), runc, d.lab.bed.Registry, d.lab.bed.Registry)
	if err := os.WriteFile(d.config(), []byte(config), 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(d.lab.dir, "buildx")); err != nil {
		return err
	}
	out, err := d.lab.command(ctx, d.lab.bed.Tool("buildx"), "create", "--name", builderName, "--driver", "remote", "unix://"+d.socket()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("create the builder: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// endEarlier ends the daemon of a benchmark that was killed.
func (d *daemon) endEarlier() error {
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range procs {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("\x00"+d.config()+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		for range 100 {
			if syscall.Kill(pid, 0) != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return unmountBelow(d.dir)
}

// begin starts the daemon on the state that lies at its root.
func (d *daemon) begin(ctx context.Context) error {
	log, err := os.Create(d.log())
	if err != nil {
		return err
	}
	defer log.Close()
	if err := os.RemoveAll(d.socket()); err != nil {
		return err
	}
	d.cmd = exec.Command(d.lab.bed.Tool("buildkitd"), "--config", d.config())
	d.cmd.Env = append(d.lab.bed.Env(), "OTEL_TRACES_EXPORTER=none")
	d.cmd.Stdout, d.cmd.Stderr = log, log
	// An interrupt is for the benchmark, which ends its daemon itself.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		d.cmd = nil
		return fmt.Errorf("start buildkitd: %w", err)
	}
	for deadline := time.Now().Add(60 * time.Second); ; {
		err := d.lab.command(ctx, "buildctl", "--addr", "unix://"+d.socket(), "debug", "workers").Run()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("buildkitd does not answer, see %s: %w", d.log(), err), d.stop())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// stop ends the daemon, and leaves its state.
func (d *daemon) stop() error {
	if d.cmd == nil {
		return nil
	}
	cmd := d.cmd
	d.cmd = nil
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // It ends by a signal, which is no failure here.
		close(ended)
	}()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end buildkitd: %w", err)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		if err := cmd.Process.Kill(); err != nil {
			return fmt.Errorf("end buildkitd: %w", err)
		}
		<-ended
	}
	return unmountBelow(d.dir)
}

// unmountBelow takes away what a daemon left mounted.
func unmountBelow(dir string) error {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(info)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			if err := syscall.Unmount(f[4], syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
				return fmt.Errorf("unmount %s: %w", f[4], err)
			}
		}
	}
	return nil
}
