package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// ModulePath names the module whose checkout a test bed belongs to.
const ModulePath = "github.com/fromscratch-build/fromscratch"

// maxSocketPath is what the kernel leaves for the path of a unix socket
// (sun_path), less its terminating zero.
const maxSocketPath = 107

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?` + regexp.QuoteMeta(ModulePath) + `"?\s*$`)

// FindRoot walks from dir upwards to the folder that holds the product's
// go.mod. Modules nested below it (the tools) are passed over.
func FindRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the repository root: %w", err)
	}
	for d := abs; ; d = filepath.Dir(d) {
		text, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && moduleLine.Match(text) {
			return d, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find the repository root: %w", err)
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("find the repository root: no go.mod of %s in %s or above it", ModulePath, abs)
		}
	}
}

// layout knows where everything lives below the repository root.
type layout struct{ root string }

// state resolves a link: daemons are told apart by the paths that they were
// started with, and two checkouts that share a test bed must agree on those.
func (l layout) state(elem ...string) string {
	base := filepath.Join(l.root, ".testbed")
	if real, err := filepath.EvalSymlinks(base); err == nil {
		base = real
	}
	return filepath.Join(append([]string{base}, elem...)...)
}

func (l layout) bin(tool string) string       { return l.state("bin", tool) }
func (l layout) pidFile(daemon string) string { return l.state("run", daemon+".pid") }
func (l layout) logFile(name string) string   { return l.state("log", name+".log") }
func (l layout) buildxConfig() string         { return l.state("buildx") }
func (l layout) dockerConfig() string         { return l.state("docker") }
func (l layout) envFile() string              { return l.state("env") }
func (l layout) bedFile() string              { return l.state("bed.json") }
func (l layout) debian(elem ...string) string { return l.state(append([]string{"debian"}, elem...)...) }
func (l layout) toolModule(name string) string {
	return filepath.Join(l.root, "integration", "tools", name)
}

func (l layout) socket(daemon string) string { return l.state("run", daemon+".sock") }

// checkSocket reports a path that the kernel would refuse, before a daemon
// fails on it with a message that names no cause.
func (l layout) checkSocket(daemon string) error {
	if s := l.socket(daemon); len(s) > maxSocketPath {
		return fmt.Errorf("socket path %s has %d bytes, the kernel takes %d: move the checkout to a shorter path", s, len(s), maxSocketPath)
	}
	return nil
}

func (l layout) makeDirs() error {
	for _, d := range []string{"bin", "run", "log", "tmp", "buildx", "docker/cli-plugins"} {
		if err := os.MkdirAll(l.state(d), 0o755); err != nil {
			return fmt.Errorf("create the state folder: %w", err)
		}
	}
	return nil
}

// writeFile replaces path at once, so that neither a crash nor a reader at the
// wrong moment sees half of it. It reports whether the content changed.
func writeFile(path string, content []byte, mode os.FileMode) (changed bool, err error) {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return false, nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return false, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err != nil {
		return false, err
	}
	return true, os.Rename(tmp.Name(), path)
}
