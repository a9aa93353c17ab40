package testbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lock keeps two runs from starting the same things.
func lock(ctx context.Context, l layout, say func(string, ...any)) (unlock func(), err error) {
	if err := os.MkdirAll(l.state(), 0o755); err != nil {
		return nil, fmt.Errorf("create the state folder: %w", err)
	}
	return lockFile(ctx, l.state("lock"), say)
}

func lockFile(ctx context.Context, name string, say func(string, ...any)) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the test bed: %w", err)
	}
	for said := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock the test bed: %w", err)
		}
		if !said {
			say("waiting for another run that works on this test bed")
			said = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock the test bed: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func quiet(string, ...any) {}

func speaker(w io.Writer) func(string, ...any) {
	var mu sync.Mutex
	start := time.Now()
	return func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "testbed: [%4.0fs] %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
}

// Up brings the test bed of a checkout up, from whatever state it is in, and
// says on w what it does. It returns once everything answers and the registry
// is filled.
func Up(ctx context.Context, root string, w io.Writer) (*Bed, error) {
	if err := checkMachine(); err != nil {
		return nil, err
	}
	say := speaker(w)
	l := layout{root}
	unlock, err := lock(ctx, l, say)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.makeDirs(); err != nil {
		return nil, err
	}
	if err := l.checkSocket("buildkitd"); err != nil {
		return nil, err
	}
	b := &Bed{Root: root, BuildkitHost: "unix://" + l.socket("buildkitd"), Builder: BuilderName}

	// Packages come over the network while the compiler has the processors.
	updated := false
	provided := make(chan error, 1)
	go func() {
		var err error
		updated, err = provide(ctx, l, say)
		provided <- err
	}()
	goVersion, err := output(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	build := func(names ...string) error {
		for _, name := range names {
			t, err := findTool(name)
			if err == nil {
				err = t.build(ctx, l, strings.TrimSpace(goVersion), say)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = build("registry", "buildkitd", "buildctl", "buildx")
	if err := errors.Join(err, <-provided); err != nil {
		return nil, err
	}
	if err := linkTools(l); err != nil {
		return nil, fmt.Errorf("link the tools: %w", err)
	}
	if err := writeDockerConfig(l); err != nil {
		return nil, fmt.Errorf("write the settings of docker: %w", err)
	}
	if err := b.ensureRegistry(ctx, say); err != nil {
		return nil, err
	}
	if err := b.startBuildkitd(ctx, "buildkitd", BuildkitdOpt{}, say); err != nil {
		return nil, err
	}
	state, err := json.MarshalIndent(b, "", "  ")
	if err == nil {
		_, err = writeFile(l.bedFile(), append(state, '\n'), 0o644)
	}
	if err == nil {
		_, err = writeFile(l.envFile(), b.envScript(), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("write the state of the test bed: %w", err)
	}

	return b, b.restock(ctx, updated, say)
}

// restock reads the versions of the machine and fills the registry with images
// of them.
func (b *Bed) restock(ctx context.Context, updated bool, say func(string, ...any)) error {
	h, err := readHost(ctx)
	whole := false
	if err == nil {
		whole, err = b.stocked(ctx, catalog(h))
	}
	// Images install what the mirror has now, so their versions have to be
	// those of fresh lists; a machine may also have no lists at all.
	if !whole && !updated {
		if err := aptUpdate(ctx); err != nil {
			return err
		}
		h, err = readHost(ctx)
	}
	if err != nil {
		return err
	}
	return b.stock(ctx, catalog(h), say)
}

// linkTools gives programs that come from elsewhere a place among the tools.
func linkTools(l layout) error {
	docker := l.debian("usr/bin/docker")
	// A CLI of the host's own is newer than Debian's. The one that may stand
	// in the tools already is not the host's.
	path := os.Getenv("PATH")
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		if dir == "" || dir == l.state("bin") {
			continue
		}
		if found, err := exec.LookPath(dir + "/docker"); err == nil {
			docker = found
			break
		}
	}
	for link, target := range map[string]string{
		l.bin("docker"):                                   docker,
		l.bin("qemu-aarch64-static"):                      l.debian("usr/bin/qemu-aarch64-static"),
		l.state("docker", "cli-plugins", "docker-buildx"): l.bin("buildx"),
	} {
		if old, err := os.Readlink(link); err == nil && old == target {
			continue
		}
		if err := os.RemoveAll(link); err != nil {
			return err
		}
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return nil
}

// writeDockerConfig makes a configuration of docker's that has the host's
// proxies, which builds need, and none of its credentials.
func writeDockerConfig(l layout) error {
	config := map[string]any{}
	proxies := map[string]string{}
	for key, names := range map[string][2]string{
		"httpProxy":  {"HTTP_PROXY", "http_proxy"},
		"httpsProxy": {"HTTPS_PROXY", "https_proxy"},
		"noProxy":    {"NO_PROXY", "no_proxy"},
	} {
		if v := firstOf(os.Getenv(names[0]), os.Getenv(names[1])); v != "" {
			proxies[key] = v
		}
	}
	if len(proxies) > 0 {
		config["proxies"] = map[string]any{"default": proxies}
	}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	_, err = writeFile(l.state("docker", "config.json"), append(text, '\n'), 0o600)
	return err
}

// BuildTool builds one more of the pinned tools if it is not there yet, and
// returns its path. It needs neither root nor a running test bed.
func BuildTool(ctx context.Context, root, name string, w io.Writer) (string, error) {
	t, err := findTool(name)
	if err != nil {
		return "", err
	}
	l := layout{root}
	if err := l.makeDirs(); err != nil {
		return "", err
	}
	goVersion, err := output(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	return l.bin(name), t.build(ctx, l, strings.TrimSpace(goVersion), speaker(w))
}

// Down ends every daemon of the test bed, those of tests included. The
// contents of registry and caches stay for the next Up.
func Down(ctx context.Context, root string, w io.Writer) error {
	say := speaker(w)
	l := layout{root}
	if _, err := os.Stat(l.state()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lock(ctx, l, say)
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, name := range daemons(l) {
		if _, ok := running(l.pidFile(name)); ok {
			say("ending %s", name)
		}
		if err := stopDaemon(l.pidFile(name)); err != nil {
			errs = append(errs, fmt.Errorf("end %s: %w", name, err))
		}
	}
	// Buildkitds of tests are pristine or nothing.
	for _, dir := range globAll(l.state("buildkitd", "*")) {
		if name := filepath.Base(dir); name != "buildkitd" {
			errs = append(errs, (&Buildkitd{Builder: name, bed: &Bed{Root: root}}).Close())
		}
	}
	return errors.Join(errs...)
}

// isServer tells the servers of the test bed from the clients that a user may
// run out of the same folders.
func (l layout) isServer(_ int, exe string, _ []string) bool {
	switch filepath.Base(exe) {
	case "registry", "buildkitd", oldestBuildkitd, "dockerd", "containerd", "containerd-shim-runc-v2":
		return strings.HasPrefix(exe, l.state("bin")+"/") || strings.HasPrefix(exe, l.debian()+"/")
	}
	return false
}

// Clean is Down, and then removes all state.
func Clean(ctx context.Context, root string, w io.Writer) error {
	if err := Down(ctx, root, w); err != nil {
		return err
	}
	l := layout{root}
	for _, p := range processes(l.isServer) {
		if err := p.end(grace); err != nil {
			return fmt.Errorf("end a server without a pid file: %w", err)
		}
	}
	if err := removeTree(l.state()); err != nil {
		return fmt.Errorf("remove the state of the test bed: %w", err)
	}
	return nil
}
