package testbed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process identifies a running process for good: a pid alone is handed out
// again, so it counts only together with the time the process started and the
// boot it started in. Config is the fingerprint of what it was started with.
type process struct {
	PID    int
	Start  uint64
	Boot   string
	Config string
}

func (p process) String() string {
	return fmt.Sprintf("%d %d %s %s\n", p.PID, p.Start, p.Boot, p.Config)
}

// parsePidFile reads what process.String wrote. Anything else, such as a file
// cut off by a crash, is an error.
func parsePidFile(text string) (process, error) {
	f := strings.Fields(text)
	if len(f) != 4 || !strings.HasSuffix(text, "\n") {
		return process{}, fmt.Errorf("pid file has %d fields, want 4 and a newline", len(f))
	}
	pid, err := strconv.Atoi(f[0])
	if err != nil || pid <= 1 {
		return process{}, fmt.Errorf("pid file: %q is not a pid of a daemon", f[0])
	}
	start, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		return process{}, fmt.Errorf("pid file: start time: %w", err)
	}
	return process{PID: pid, Start: start, Boot: f[2], Config: f[3]}, nil
}

// parseStat takes state and start time out of /proc/PID/stat. The command name
// in it may hold blanks and parentheses, so the fields are counted from the
// last parenthesis.
func parseStat(text string) (state byte, start uint64, err error) {
	i := strings.LastIndexByte(text, ')')
	f := strings.Fields(text[i+1:])
	if i < 0 || len(f) < 20 {
		return 0, 0, errors.New("stat of the process is cut off")
	}
	start, err = strconv.ParseUint(f[19], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("stat of the process: start time: %w", err)
	}
	return f[0][0], start, nil
}

func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "-"
	}
	return strings.TrimSpace(string(id))
}

func (p process) alive() bool {
	if p.Boot != bootID() {
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return false
	}
	state, start, err := parseStat(string(text))
	// Where pid 1 does not reap, an ended daemon stays behind as a zombie.
	return err == nil && start == p.Start && state != 'Z' && state != 'X'
}

// end asks the process to stop, and kills it when it has not within grace.
func (p process) end(grace time.Duration) error {
	for _, step := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, 10 * time.Second}} {
		if !p.alive() {
			return nil
		}
		if err := syscall.Kill(p.PID, step.sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal process %d: %w", p.PID, err)
		}
		for deadline := time.Now().Add(step.wait); p.alive() && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if p.alive() {
		return fmt.Errorf("process %d does not end", p.PID)
	}
	return nil
}

// daemon is a background process of the test bed.
type daemon struct {
	name    string
	path    string
	args    []string
	env     []string // added to the environment of this process
	config  string   // content of its configuration file, if it has one
	pidFile string
	logFile string
	ready   func(context.Context) error
	patient time.Duration // how long it may take to become ready
	sweep   func() error  // clears away what a killed one left, if anything is
}

// fingerprint changes with everything that calls for a restart: the command
// line, the configuration, and the program itself.
func (d *daemon) fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", d.path, d.args, d.env)
	_, _ = io.WriteString(h, d.config)
	if fi, err := os.Stat(d.path); err == nil {
		fmt.Fprintf(h, "%d %d", fi.Size(), fi.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// running reads the pid file and says whether the process in it still is ours.
func running(pidFile string) (process, bool) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return process{}, false
	}
	p, err := parsePidFile(string(text))
	if err != nil {
		return process{}, false
	}
	return p, p.alive()
}

// ensure starts the daemon unless it already runs with this configuration and
// answers. It reports whether it had to start it.
func (d *daemon) ensure(ctx context.Context) (started bool, err error) {
	if p, ok := running(d.pidFile); ok {
		if p.Config == d.fingerprint() && d.awaitReady(ctx, 5*time.Second, p) == nil {
			return false, nil
		}
		if err := stopDaemon(d.pidFile); err != nil {
			return false, fmt.Errorf("restart %s: %w", d.name, err)
		}
	}
	// A process whose pid file was lost would hold the socket and the state.
	for _, p := range processes(d.isMine) {
		if err := p.end(grace); err != nil {
			return false, fmt.Errorf("restart %s: %w", d.name, err)
		}
	}
	if d.sweep != nil {
		if err := d.sweep(); err != nil {
			return false, fmt.Errorf("start %s: clear away what is left of an earlier one: %w", d.name, err)
		}
	}
	if err := d.start(ctx); err != nil {
		return false, fmt.Errorf("start %s: %w", d.name, err)
	}
	return true, nil
}

func (d *daemon) ensureSaying(ctx context.Context, say func(string, ...any)) error {
	started, err := d.ensure(ctx)
	if started {
		say("started %s", d.name)
	}
	return err
}

func (d *daemon) isMine(_ int, _ string, argv []string) bool {
	return slices.Equal(argv, append([]string{d.path}, d.args...))
}

// processes finds running processes by their program and command line.
func processes(match func(pid int, exe string, argv []string) bool) []process {
	var found []process
	for _, dir := range globAll("/proc/[0-9]*") {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		// The start time comes first: should the pid change hands while the
		// rest is read, nothing is ever signalled.
		_, start, err := parseStat(string(stat))
		if err != nil {
			continue
		}
		exe, err := os.Readlink(dir + "/exe")
		if err != nil {
			continue
		}
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		argv := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
		if p := (process{PID: pid, Start: start, Boot: bootID()}); match(pid, strings.TrimSuffix(exe, " (deleted)"), argv) && p.alive() {
			found = append(found, p)
		}
	}
	return found
}

// endContainers kills the build steps that run on after their buildkitd was
// killed. They are known by their root, which is a snapshot below dir.
func endContainers(dir string) error {
	for _, p := range processes(func(pid int, _ string, _ []string) bool {
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
		return err == nil && rootedBelow(string(info), dir)
	}) {
		// The first process of a container does not hear a polite signal.
		if err := p.end(0); err != nil {
			return err
		}
	}
	return nil
}

// rootedBelow says whether the mount at / is an overlay of folders below dir.
func rootedBelow(mountinfo, dir string) bool {
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		if len(f) > 4 && f[4] == "/" && strings.Contains(unescapeMount(line), "upperdir="+strings.TrimSuffix(dir, "/")+"/") {
			return true
		}
	}
	return false
}

// grace is how long a daemon may take to end by itself.
const grace = 15 * time.Second

func (d *daemon) start(ctx context.Context) error {
	log, err := os.OpenFile(d.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	began, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	cmd := exec.Command(d.path, d.args...)
	cmd.Env = append(os.Environ(), d.env...)
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: the daemon outlives make, and a Ctrl-C meant for
	// a build does not reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	p := process{PID: cmd.Process.Pid, Boot: bootID(), Config: d.fingerprint()}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err == nil {
		_, p.Start, err = parseStat(string(stat))
	}
	if err == nil {
		_, err = writeFile(d.pidFile, []byte(p.String()), 0o644)
	}
	if err == nil {
		err = d.awaitReady(ctx, d.patient, p)
	}
	if err == nil {
		return nil
	}
	select {
	case <-exited:
	default:
		// The pid cannot have been handed out again before Wait returned.
		_ = cmd.Process.Kill()
		<-exited
	}
	_ = os.Remove(d.pidFile)
	return fmt.Errorf("%w; %s ends with:\n%s", err, d.logFile, tail(d.logFile, began, 40))
}

func (d *daemon) awaitReady(ctx context.Context, patience time.Duration, p process) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := d.ready(ctx)
		if err == nil {
			return nil
		}
		if !p.alive() {
			return errors.New("it ended at once")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %s: %w", patience, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stopDaemon ends the process of a pid file, if it still is ours, and removes
// the file.
func stopDaemon(pidFile string) error {
	if p, ok := running(pidFile); ok {
		if err := p.end(grace); err != nil {
			return err
		}
	}
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// tail returns the last lines of a log that were written from offset on.
func tail(path string, offset int64, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if offset > 0 && offset <= int64(len(text)) {
		text = text[offset:]
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return string(bytes.Join(all, []byte("\n")))
}
