package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func TestPidFileReadsBack(t *testing.T) {
	want := testbed.Process{PID: 4711, Start: 123456789, Boot: "a-b", Config: "c0ffee"}
	got, err := testbed.ParsePidFile(want.String())
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestPidFileThatIsDamaged(t *testing.T) {
	whole := testbed.Process{PID: 4711, Start: 12, Boot: "a", Config: "c"}.String()
	for _, text := range []string{"", "\n", "4711", strings.TrimSuffix(whole, "\n"), "x 12 a c\n", "1 12 a c\n", "-5 12 a c\n", "4711 x a c\n", whole + whole} {
		if p, err := testbed.ParsePidFile(text); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
}

func TestStatWithBlanksAndParenthesesInTheName(t *testing.T) {
	fields := strings.Repeat("0 ", 18)
	state, start, err := testbed.ParseStat("7 (a) b (c)) S " + fields + "4242 0 0")
	if err != nil || state != 'S' || start != 4242 {
		t.Fatalf("got %c, %d, %v", state, start, err)
	}
	if _, _, err := testbed.ParseStat("7 (a) S 1 2"); err == nil {
		t.Fatal("a stat that is cut off was read")
	}
}

func ready(context.Context) error { return nil }

func sleeper(t *testing.T) []string {
	t.Helper()
	// A name of its own, so that no other sleep is taken for this one.
	link := filepath.Join(t.TempDir(), "sleep")
	if err := os.Symlink("/bin/sleep", link); err != nil {
		t.Fatal(err)
	}
	return []string{link, "600"}
}

func TestDaemonIsStartedOnceAndAgainWhenItIsGone(t *testing.T) {
	ctx, dir, argv := t.Context(), t.TempDir(), sleeper(t)
	t.Cleanup(func() { _ = testbed.StopDaemon(dir + "/pid") })
	ensure := func(config string) bool {
		t.Helper()
		started, err := testbed.Ensure(ctx, dir, config, ready, argv...)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := testbed.Running(dir + "/pid"); !ok {
			t.Fatal("it does not run")
		}
		return started
	}
	if !ensure("a") {
		t.Error("was not started")
	}
	if ensure("a") {
		t.Error("was started twice")
	}
	first, _ := testbed.Running(dir + "/pid")
	if !ensure("b") {
		t.Error("kept running with an old configuration")
	}
	if testbed.Alive(first) {
		t.Error("runs beside its successor")
	}

	second, _ := testbed.Running(dir + "/pid")
	if err := syscall.Kill(second.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); testbed.Alive(second) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if !ensure("b") {
		t.Error("was not started again")
	}

	lost, _ := testbed.Running(dir + "/pid")
	if err := os.WriteFile(dir+"/pid", []byte("12"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !ensure("b") {
		t.Error("was not started again")
	}
	if testbed.Alive(lost) {
		t.Error("a process whose pid file was damaged runs on")
	}
}

func TestPidOfAnotherProcessIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	// This process has the pid, but did not start at that time.
	stale := testbed.Process{PID: os.Getpid(), Start: 1, Boot: strings.TrimSpace(string(boot)), Config: "x"}
	if err := os.WriteFile(file, []byte(stale.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := testbed.Running(file); ok {
		t.Error("a stranger counts as the daemon")
	}
	if err := testbed.StopDaemon(file); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Error("the stale pid file stays")
	}
}

func TestDaemonThatFailsSaysWhy(t *testing.T) {
	dir := t.TempDir()
	_, err := testbed.Ensure(t.Context(), dir, "", func(context.Context) error { return errors.New("no") },
		"/bin/sh", "-c", "echo the reason; exit 1")
	if err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(dir + "/pid"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a pid file stays behind")
	}
}

func TestLockIsExclusive(t *testing.T) {
	root := t.TempDir()
	unlock, err := testbed.Lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := testbed.Lock(ctx, root); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a second lock: %v", err)
	}
	unlock()
	again, err := testbed.Lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestWriteFileReplacesAndReportsChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	for i, step := range []struct {
		content string
		changed bool
	}{{"a", true}, {"a", false}, {"b", true}} {
		changed, err := testbed.WriteFile(file, []byte(step.content), 0o600)
		if err != nil || changed != step.changed {
			t.Fatalf("step %d: changed %v, %v", i, changed, err)
		}
		if got, _ := os.ReadFile(file); string(got) != step.content {
			t.Fatalf("step %d: content %q", i, got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSocketPathThatTheKernelRefuses(t *testing.T) {
	if err := testbed.CheckSocket("/"+strings.Repeat("x", 100), "buildkitd"); err == nil {
		t.Error("no error")
	}
	if err := testbed.CheckSocket("/src", "buildkitd"); err != nil {
		t.Error(err)
	}
}

func TestMountsComeInnermostFirst(t *testing.T) {
	line := "36 35 98:0 / %s rw - ext4 /dev/root rw\n"
	info := fmt.Sprintf(line, "/") + fmt.Sprintf(line, "/s/a") + fmt.Sprintf(line, `/s/a/b\040c`) + fmt.Sprintf(line, "/s-other")
	got := testbed.MountsBelow(info, "/s")
	if want := []string{"/s/a/b c", "/s/a"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestBuildStepsAreKnownByTheirRoot(t *testing.T) {
	step := "70 60 0:50 / / rw - overlay overlay rw,lowerdir=/s/x/1/fs,upperdir=/s/x/2/fs,workdir=/s/x/2/work\n71 70 0:51 / /proc rw - proc proc rw\n"
	onHost := "20 1 8:1 / / rw - ext4 /dev/root rw\n70 20 0:50 / /s/x/mnt rw - overlay overlay rw,upperdir=/s/x/2/fs\n"
	if !testbed.RootedBelow(step, "/s/x") {
		t.Error("a step is not known")
	}
	if testbed.RootedBelow(step, "/s/y") || testbed.RootedBelow(step, "/s/x/2/f") {
		t.Error("a step of another daemon is taken")
	}
	if testbed.RootedBelow(onHost, "/s/x") {
		t.Error("a process of the host is taken")
	}
}
