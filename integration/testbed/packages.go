package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// installed are the Debian packages that the test bed installs: programs that
// need their shared libraries in place, and bring no service along.
var installed = []struct{ program, pkg string }{
	{"runc", "runc"},
	{"mmdebstrap", "mmdebstrap"},
}

// unpacked are the packages whose files are only laid down below the state
// folder. Installing them would enable a system-wide Docker service, or
// register emulators with the kernel: builds must be shown to work without
// any, and a test bed has no business changing how its host boots.
var unpacked = []struct{ program, pkg string }{
	{"usr/sbin/dockerd", "docker.io"},
	{"usr/bin/containerd", "containerd"},
	{"usr/bin/qemu-aarch64-static", "qemu-user-static"},
}

// dockerLibrary is the one library of dockerd that a minimal system lacks.
const dockerLibrary = "libdevmapper1.02.1"

// provide makes sure that all packages are there. It asks apt for nothing when
// nothing is missing, and reports whether it refreshed apt's lists.
func provide(ctx context.Context, l layout, say func(string, ...any)) (updated bool, err error) {
	var install, unpack []string
	for _, p := range installed {
		if _, err := exec.LookPath(p.program); err != nil {
			install = append(install, p.pkg)
		}
	}
	if len(globAll("/lib/*/libdevmapper.so.1.02.1", "/usr/lib/*/libdevmapper.so.1.02.1")) == 0 {
		install = append(install, dockerLibrary)
	}
	for _, p := range unpacked {
		if _, err := os.Stat(l.debian(p.program)); err != nil {
			unpack = append(unpack, p.pkg)
		}
	}
	if len(install)+len(unpack) == 0 {
		return false, nil
	}
	say("apt: %s", strings.Join(slices.Concat(install, unpack), " "))
	if err := aptUpdate(ctx); err != nil {
		return false, err
	}
	if len(install) > 0 {
		if err := apt(ctx, "", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, install...)...); err != nil {
			return true, err
		}
	}
	if len(unpack) == 0 {
		return true, nil
	}
	tmp, err := os.MkdirTemp(l.state("tmp"), "debs")
	if err != nil {
		return true, fmt.Errorf("unpack packages: %w", err)
	}
	defer os.RemoveAll(tmp)
	// One call for each package: the order of names is the order of files.
	for _, pkg := range unpack {
		dir := filepath.Join(tmp, pkg)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return true, fmt.Errorf("unpack %s: %w", pkg, err)
		}
		if err := apt(ctx, dir, "download", "-qq", pkg); err != nil {
			return true, err
		}
		debs := globAll(filepath.Join(dir, "*.deb"))
		if len(debs) != 1 {
			return true, fmt.Errorf("unpack %s: apt-get download left %d packages", pkg, len(debs))
		}
		if _, err := output(ctx, "dpkg-deb", "-x", debs[0], l.debian()); err != nil {
			return true, fmt.Errorf("unpack %s: %w", pkg, err)
		}
	}
	return true, nil
}

func aptUpdate(ctx context.Context) error { return apt(ctx, "", "update", "-qq") }

func apt(ctx context.Context, dir string, args ...string) error {
	// The sandbox user of apt cannot write below a folder of root's.
	args = append([]string{"-o", "APT::Sandbox::User=root", "-o", "DPkg::Lock::Timeout=120"}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args[4:], " "), err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

func globAll(patterns ...string) []string {
	var all []string
	for _, p := range patterns {
		found, _ := filepath.Glob(p)
		all = append(all, found...)
	}
	return all
}

// copyTree copies files and folders, following symbolic links, because what
// they point to may not exist where the copy is used. A missing source is not
// an error.
func copyTree(src, dst string) error {
	fi, err := os.Stat(src)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		content, err := os.ReadFile(src)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		return os.WriteFile(dst, content, fi.Mode().Perm())
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyTree(filepath.Join(src, e.Name()), filepath.Join(dst, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
