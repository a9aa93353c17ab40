package testbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func (b *Bed) registryDaemon(config string) *daemon {
	l := b.layout()
	return &daemon{
		name:    "registry",
		path:    l.bin("registry"),
		args:    []string{"serve", l.state("registry", "config.yml")},
		env:     []string{"OTEL_TRACES_EXPORTER=none"},
		config:  config,
		pidFile: l.pidFile("registry"),
		logFile: l.logFile("registry"),
		ready:   registry{b.Registry}.ready,
		patient: 20 * time.Second,
	}
}

// registryConfig serves a folder on loopback. A test may delete what it pushed.
func registryConfig(dir, addr string) string {
	return fmt.Sprintf(`version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: true, age: 24h, interval: 24h, dryrun: false}}
http:
  addr: %q
  secret: testbed
`, dir, addr)
}

const defaultRegistryPort = 5000

// ensureRegistry starts the registry, or keeps the one that runs. Its port is
// the one asked for, else the one it had, else the usual one; and when a
// stranger has that, any free one.
func (b *Bed) ensureRegistry(ctx context.Context, say func(string, ...any)) error {
	l := b.layout()
	wish, err := wishedPort(os.Getenv("REGISTRY_PORT"), readBedFile(l).Registry)
	if err != nil {
		return err
	}
	configFile := l.state("registry", "config.yml")
	data := l.state("registry", "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	try := func(port int) error {
		b.Registry = "localhost:" + strconv.Itoa(port)
		config := registryConfig(data, "127.0.0.1:"+strconv.Itoa(port))
		if _, err := writeFile(configFile, []byte(config), 0o644); err != nil {
			return fmt.Errorf("start registry: %w", err)
		}
		d := b.registryDaemon(config)
		if p, ok := running(d.pidFile); ok && p.Config != d.fingerprint() {
			if err := stopDaemon(d.pidFile); err != nil {
				return fmt.Errorf("restart registry: %w", err)
			}
		} else if !ok && len(processes(d.isMine)) == 0 && !portFree(port) {
			return errPortTaken
		}
		return d.ensureSaying(ctx, say)
	}
	err = try(wish)
	if errors.Is(err, errPortTaken) {
		free, ferr := freePort()
		if ferr != nil {
			return fmt.Errorf("find a free port: %w", ferr)
		}
		say("port %d is taken, the registry listens on %d", wish, free)
		err = try(free)
	}
	return err
}

var errPortTaken = errors.New("the port is taken")

// wishedPort decides which port to try first.
func wishedPort(env, last string) (int, error) {
	if env != "" {
		port, err := strconv.Atoi(env)
		if err != nil || port < 1 || port > 65535 {
			return 0, fmt.Errorf("REGISTRY_PORT=%q is not a port", env)
		}
		return port, nil
	}
	if _, text, ok := strings.Cut(last, ":"); ok {
		if port, err := strconv.Atoi(text); err == nil {
			return port, nil
		}
	}
	return defaultRegistryPort, nil
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func readBedFile(l layout) (b Bed) {
	if text, err := os.ReadFile(l.bedFile()); err == nil {
		_ = json.Unmarshal(text, &b)
	}
	return b
}

// buildkitdConfig is the configuration of a buildkitd that finds the images of
// Docker Hub in the registry first.
func buildkitdConfig(root, socket, runc, registry string, opt BuildkitdOpt) string {
	var s strings.Builder
	fmt.Fprintf(&s, "root = %q\n", root)
	s.WriteString("insecure-entitlements = [\"network.host\"]\n\n")
	fmt.Fprintf(&s, "[grpc]\naddress = [%q]\n\n", "unix://"+socket)
	s.WriteString("[worker.containerd]\nenabled = false\n\n")
	fmt.Fprintf(&s, "[worker.oci]\nbinary = %q\nnetworkMode = \"host\"\ngc = true\n", runc)
	if len(opt.Platforms) > 0 {
		quoted := make([]string, len(opt.Platforms))
		for i, p := range opt.Platforms {
			quoted[i] = strconv.Quote(p)
		}
		fmt.Fprintf(&s, "platforms = [%s]\n", strings.Join(quoted, ", "))
	}
	if opt.Oldest {
		// It does not know maxUsedSpace, and would take it for no space at all.
		s.WriteString("gckeepstorage = 15000000000\n")
	} else {
		s.WriteString(gcPolicies)
	}
	fmt.Fprintf(&s, "\n[registry.\"docker.io\"]\nmirrors = [%q]\n", registry)
	fmt.Fprintf(&s, "\n[registry.%q]\nhttp = true\n", registry)
	if opt.ExtraConfig != "" {
		s.WriteString("\n" + opt.ExtraConfig + "\n")
	}
	return s.String()
}

// gcPolicies have cache mounts go last, so that a suite that runs for long finds those of
// its earlier builds; the second rule bounds the disk all the same.
const gcPolicies = `
[[worker.oci.gcpolicy]]
filters = ["type!=exec.cachemount"]
maxUsedSpace = "15GB"

[[worker.oci.gcpolicy]]
all = true
maxUsedSpace = "20GB"
`

func (b *Bed) startBuildkitd(ctx context.Context, name string, opt BuildkitdOpt, say func(string, ...any)) error {
	l := b.layout()
	if err := l.checkSocket(name); err != nil {
		return err
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	dir := l.state("buildkitd", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	config := buildkitdConfig(filepath.Join(dir, "root"), l.socket(name), runc, b.Registry, opt)
	configFile := filepath.Join(dir, "buildkitd.toml")
	if _, err := writeFile(configFile, []byte(config), 0o644); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	addr := "unix://" + l.socket(name)
	program := "buildkitd"
	if opt.Oldest {
		program = oldestBuildkitd
	}
	d := &daemon{
		name:    name,
		path:    l.bin(program),
		args:    []string{"--config", configFile},
		env:     opt.Env,
		config:  config,
		pidFile: l.pidFile(name),
		logFile: l.logFile(name),
		patient: 60 * time.Second,
		sweep:   func() error { return endContainers(dir) },
		ready: func(ctx context.Context) error {
			_, err := output(ctx, l.bin("buildctl"), "--addr", addr, "debug", "workers")
			return err
		},
	}
	if err := d.ensureSaying(ctx, say); err != nil {
		return err
	}
	builder := name
	if name == "buildkitd" {
		builder = BuilderName
	}
	return b.ensureBuilder(ctx, builder, addr)
}

// ensureBuilder makes sure that buildx knows a builder at an address. Whatever
// else goes by that name, be it half a file, makes room.
func (b *Bed) ensureBuilder(ctx context.Context, name, addr string) error {
	file := filepath.Join(b.layout().buildxConfig(), "instances", name)
	if text, err := os.ReadFile(file); err == nil && isBuilder(text, name, addr) {
		return nil
	}
	if err := os.RemoveAll(file); err != nil {
		return fmt.Errorf("create builder %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, b.layout().bin("buildx"), "create", "--name", name, "--driver", "remote", addr)
	cmd.Env = b.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create builder %s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func isBuilder(text []byte, name, addr string) bool {
	var group struct {
		Name   string
		Driver string
		Nodes  []struct{ Endpoint string }
	}
	return json.Unmarshal(text, &group) == nil && group.Name == name && group.Driver == "remote" &&
		len(group.Nodes) == 1 && group.Nodes[0].Endpoint == addr
}

// dockerd is Debian's Docker Engine. It has no bridge, and leaves the packet
// filter of the machine alone.
func (b *Bed) dockerd() *daemon {
	l := b.layout()
	socket := l.socket("dockerd")
	execRoot := l.state("dockerd", "exec")
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	return &daemon{
		name: "dockerd",
		path: l.debian("usr/sbin/dockerd"),
		args: []string{
			"--bridge=none", "--iptables=false", "--ip6tables=false",
			"--insecure-registry", b.Registry, "--registry-mirror", "http://" + b.Registry,
			"-H", "unix://" + socket,
			"--data-root", l.state("dockerd", "data"), "--exec-root", execRoot,
			"--pidfile=",
		},
		env:     []string{"PATH=" + l.debian("usr/bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		pidFile: l.pidFile("dockerd"),
		logFile: l.logFile("dockerd"),
		patient: 60 * time.Second,
		ready: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("dockerd answers %s", resp.Status)
			}
			return nil
		},
		// dockerd takes any process with the pid of its containerd for that
		// containerd, even a zombie, and would wait for it in vain.
		sweep: func() error {
			for _, p := range processes(func(pid int, exe string, argv []string) bool {
				return l.isServer(pid, exe, argv) && strings.Contains(strings.Join(argv, " "), execRoot+"/containerd/")
			}) {
				if err := p.end(grace); err != nil {
					return err
				}
			}
			return os.RemoveAll(filepath.Join(execRoot, "containerd", "containerd.pid"))
		},
	}
}

// unmount takes a mount away even while something still looks at it.
func unmount(point string) error {
	err := syscall.Unmount(point, syscall.MNT_DETACH)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return err
}
