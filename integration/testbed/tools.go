package testbed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is a program that is built from a module of tool dependencies below
// integration/tools. Each such module has its versions pinned by its go.mod
// and go.sum, apart from the product's own.
type tool struct {
	name    string
	module  string // folder below integration/tools
	pkg     string
	release string // module path and variable that hold the release, for -X
}

// oldestBuildkitd is the oldest BuildKit that the frontend runs on, for tests.
const oldestBuildkitd = "buildkitd-oldest"

var tools = []tool{
	{"registry", "registry", "github.com/distribution/distribution/v3/cmd/registry", "github.com/distribution/distribution/v3 github.com/distribution/distribution/v3/version.version"},
	{"buildkitd", "buildkit", "github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit github.com/moby/buildkit/version.Version"},
	{"buildctl", "buildkit", "github.com/moby/buildkit/cmd/buildctl", "github.com/moby/buildkit github.com/moby/buildkit/version.Version"},
	{"buildx", "buildx", "github.com/docker/buildx/cmd/buildx", "github.com/docker/buildx github.com/docker/buildx/version.Version"},
	{oldestBuildkitd, "buildkit-oldest", "github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit github.com/moby/buildkit/version.Version"},
	{"golangci-lint", "golangci-lint", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "github.com/golangci/golangci-lint/v2 main.version"},
	{"compose", "compose", "github.com/docker/compose/v2/cmd", "github.com/docker/compose/v2 github.com/docker/compose/v2/internal.Version"},
	{"actionlint", "actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "github.com/rhysd/actionlint github.com/rhysd/actionlint.version"},
}

func findTool(name string) (tool, error) {
	var names []string
	for _, t := range tools {
		if t.name == name {
			return t, nil
		}
		names = append(names, t.name)
	}
	return tool{}, fmt.Errorf("no tool %q: there are %s", name, strings.Join(names, ", "))
}

// stamp says which pins and which compiler a program was built from.
func (t tool) stamp(l layout, goVersion string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, goVersion, t)
	for _, f := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(l.toolModule(t.module), f))
		if err != nil {
			return "", fmt.Errorf("pins of %s: %w", t.name, err)
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// build compiles the program unless the one in place was built from the same
// pins.
func (t tool) build(ctx context.Context, l layout, goVersion string, say func(string, ...any)) error {
	stamp, err := t.stamp(l, goVersion)
	if err != nil {
		return err
	}
	// A lock of its own: the linter is built while the test bed comes up.
	unlock, err := lockFile(ctx, l.bin("."+t.name+".lock"), say)
	if err != nil {
		return err
	}
	defer unlock()
	stampFile := l.bin("." + t.name + ".stamp")
	old, _ := os.ReadFile(stampFile)
	if _, err := os.Stat(l.bin(t.name)); err == nil && string(old) == stamp {
		return nil
	}
	say("building %s", t.name)
	module, variable, _ := strings.Cut(t.release, " ")
	dir := l.toolModule(t.module)
	release, err := output(ctx, "go", "list", "-C", dir, "-mod=readonly", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		return fmt.Errorf("build %s: %w", t.name, err)
	}
	tmp := l.state("tmp", t.name)
	defer os.Remove(tmp)
	cmd := exec.CommandContext(ctx, "go", "build", "-C", dir, "-mod=readonly", "-trimpath",
		"-ldflags", "-s -w -X "+variable+"="+strings.TrimSpace(release), "-o", tmp, t.pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=", "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", t.name, err, bytes.TrimSpace(out.Bytes()))
	}
	// By renaming, a running daemon keeps the file that it was started from.
	if err := os.Rename(tmp, l.bin(t.name)); err != nil {
		return fmt.Errorf("build %s: %w", t.name, err)
	}
	if _, err := writeFile(stampFile, []byte(stamp), 0o644); err != nil {
		return fmt.Errorf("build %s: %w", t.name, err)
	}
	return nil
}
