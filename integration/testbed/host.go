package testbed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
)

// version is a release of a toolchain as its image tags write it.
type version struct{ Full, Minor string }

var releaseNumber = regexp.MustCompile(`^(\d+\.\d+)(\.\d+)?`)

func parseVersion(text string) (version, error) {
	m := releaseNumber.FindStringSubmatch(text)
	if m == nil {
		return version{}, fmt.Errorf("%q is not a release number", text)
	}
	return version{Full: m[0], Minor: m[1]}, nil
}

// parseGoVersion reads runtime.Version's form, such as go1.26.8.
func parseGoVersion(text string) (version, error) {
	number, ok := strings.CutPrefix(strings.TrimSpace(text), "go")
	if !ok {
		return version{}, fmt.Errorf("%q is not a Go release", text)
	}
	return parseVersion(number)
}

// parseCandidate finds the candidate in the output of apt-cache policy, and
// returns the version of the package and of the upstream release in it.
func parseCandidate(policy string) (pkg string, v version, err error) {
	for line := range strings.Lines(policy) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: ")
		if !ok {
			continue
		}
		if text == "(none)" {
			break
		}
		upstream := text
		if _, rest, ok := strings.Cut(upstream, ":"); ok {
			upstream = rest
		}
		v, err = parseVersion(upstream)
		return text, v, err
	}
	return "", version{}, errors.New("apt knows no candidate")
}

// parseCodename reads the release's name out of os-release(5).
func parseCodename(osRelease string) (string, error) {
	for line := range strings.Lines(osRelease) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"'`), nil
		}
	}
	return "", errors.New("os-release has no VERSION_CODENAME")
}

// aptSettings reduces the output of apt-config dump to what tells apt how to
// reach its mirrors from this machine (proxies, retries, checks). The rest
// belongs to the host alone.
func aptSettings(dump string) string {
	var out strings.Builder
	for line := range strings.Lines(dump) {
		key, _, _ := strings.Cut(line, " ")
		k := strings.ToLower(key)
		switch {
		case !strings.HasPrefix(k, "acquire::"),
			strings.HasPrefix(k, "acquire::indextargets"),
			strings.HasPrefix(k, "acquire::compressiontypes"),
			strings.HasPrefix(k, "acquire::changelogs"),
			strings.HasPrefix(k, "acquire::https::cainfo"):
			continue
		}
		out.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	return out.String()
}

// host is what the test bed takes from the machine instead of writing it down.
type host struct {
	codename   string
	goVersion  version
	goRoot     string
	goEnv      []string // settings that differ from Go's defaults, as KEY=value
	rust       version
	rustPkg    string // exact version of Debian's package
	cargoEnv   []string
	cargoFiles map[string]string // name below a .cargo folder: content
	caBundle   []byte
	aptConf    string
	aptCA      []byte
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// goSettings are those by which a machine says where modules come from.
var goSettings = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE"}

func readHost(ctx context.Context) (*host, error) {
	h := &host{}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return nil, fmt.Errorf("read the Debian release: %w", err)
	}
	if h.codename, err = parseCodename(string(release)); err != nil {
		return nil, fmt.Errorf("read the Debian release: %w", err)
	}

	env, err := output(ctx, "go", "env", "GOVERSION", "GOROOT")
	if err != nil {
		return nil, err
	}
	goVersion, goRoot, _ := strings.Cut(strings.TrimSpace(env), "\n")
	if h.goVersion, err = parseGoVersion(goVersion); err != nil {
		return nil, fmt.Errorf("read the Go version: %w", err)
	}
	h.goRoot = goRoot
	changed, err := output(ctx, "go", append([]string{"env", "-changed", "-json"}, goSettings...)...)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	if err := json.Unmarshal([]byte(changed), &settings); err != nil {
		return nil, fmt.Errorf("read go env: %w", err)
	}
	for k, v := range settings {
		h.goEnv = append(h.goEnv, k+"="+v)
	}
	sort.Strings(h.goEnv)

	h.cargoEnv, h.cargoFiles = readCargo(os.Environ())

	bundle := firstOf(os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")
	if h.caBundle, err = os.ReadFile(bundle); err != nil {
		return nil, fmt.Errorf("read the CA bundle of this machine (package ca-certificates): %w", err)
	}
	dump, err := output(ctx, "apt-config", "dump")
	if err != nil {
		return nil, err
	}
	h.aptConf = aptSettings(dump)
	h.aptCA = h.caBundle
	if own, err := output(ctx, "apt-config", "shell", "CA", "Acquire::https::CaInfo/f"); err == nil {
		if path := strings.Trim(strings.TrimPrefix(strings.TrimSpace(own), "CA="), "'"); path != "" {
			if h.aptCA, err = os.ReadFile(path); err != nil {
				return nil, fmt.Errorf("read the CA bundle of apt: %w", err)
			}
		}
	}

	policy, err := output(ctx, "apt-cache", "policy", "rustc-web")
	if err != nil {
		return nil, err
	}
	if h.rustPkg, h.rust, err = parseCandidate(policy); err != nil {
		return nil, fmt.Errorf("package rustc-web: %w", err)
	}
	return h, nil
}

// readCargo collects the registry settings of this machine: those in the
// environment and those in Cargo's home.
func readCargo(environ []string) (env []string, files map[string]string) {
	home := ""
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		switch {
		case k == "CARGO_HOME":
			home = v
		case k == "CARGO_HTTP_CAINFO":
			// A path of this machine; the images have its content in the
			// system bundle.
		case strings.HasPrefix(k, "CARGO_REGISTR"), strings.HasPrefix(k, "CARGO_HTTP_"), strings.HasPrefix(k, "CARGO_NET_"):
			env = append(env, kv)
		}
	}
	sort.Strings(env)
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return env, nil
		}
		home = filepath.Join(user, ".cargo")
	}
	files = map[string]string{}
	for _, name := range []string{"config.toml", "config", "credentials.toml"} {
		if text, err := os.ReadFile(filepath.Join(home, name)); err == nil {
			files[name] = string(text)
		}
	}
	return env, files
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// checkMachine says in one line why this machine cannot carry the test bed.
func checkMachine() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return fmt.Errorf("the test bed runs on linux/amd64, this is %s/%s: use BUILDER=<your builder>", runtime.GOOS, runtime.GOARCH)
	}
	if os.Geteuid() != 0 {
		return errors.New("the test bed needs root (buildkitd mounts file systems): run make as root, or use BUILDER=<your builder>")
	}
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("the test bed takes its packages from apt, and %s is not here: use BUILDER=<your builder>", tool)
		}
	}
	return nil
}

// mountsBelow lists the mount points below dir, the innermost first, as mountinfo
// tells them.
func mountsBelow(mountinfo, dir string) []string {
	var found []string
	s := bufio.NewScanner(strings.NewReader(mountinfo))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		f := strings.Fields(s.Text())
		if len(f) < 5 {
			continue
		}
		point := unescapeMount(f[4])
		if strings.HasPrefix(point, strings.TrimSuffix(dir, "/")+"/") {
			found = append(found, point)
		}
	}
	sort.Slice(found, func(i, j int) bool { return len(found[i]) > len(found[j]) })
	return found
}

// unescapeMount undoes the octal escapes of /proc/self/mountinfo.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
