// Package examples runs the example programs out of the images that were built
// of them: on a Docker Engine, and for other architectures under qemu. Each has a
// check command that tries what an image from scratch usually lacks.
package examples

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Names lists the examples that are services.
var Names = []string{"go-service", "rust-service"}

// authority is where Copy puts the certificate of a test's own authority.
const authority = "certs/ca.pem"

// Copy copies an example out of the checkout at root into dir, and has its spec
// append ca, a PEM certificate, to the certificate bundle of the image.
func Copy(root, name, dir string, ca []byte) error {
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", name))); err != nil {
		return err
	}
	spec := filepath.Join(dir, "fromscratch.yaml")
	text, err := os.ReadFile(spec)
	if err != nil {
		return err
	}
	const was, is = "\nextras: [tzdata]", "\nextras: {tzdata: true, ca-certificates: {append: " + authority + "}}"
	if !bytes.Contains(text, []byte(was)) {
		return fmt.Errorf("%s has no line %q", spec, was[1:])
	}
	if err := os.WriteFile(spec, bytes.Replace(text, []byte(was), []byte(is), 1), 0o644); err != nil {
		return err
	}
	file := filepath.Join(dir, authority)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, ca, 0o644)
}

// Engine runs the image on the Docker Engine at host, on the network of the
// machine, so that the program reaches a server on loopback. flags go to docker
// run. The output is that of the program, both streams in one.
func Engine(ctx context.Context, bed *testbed.Bed, host, image string, flags []string, args ...string) (string, error) {
	docker := func(args ...string) (string, error) {
		out, err := bed.Command(ctx, "docker", append([]string{"-H", host}, args...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := docker("pull", "-q", image); err != nil {
		return out, fmt.Errorf("pulling %s: %w", image, err)
	}
	run := append([]string{"run", "--rm", "--network", "host"}, flags...)
	return docker(append(append(run, image), args...)...)
}

// Emulated runs the entrypoint of an image for arm64, in a root of the image's
// files and nothing else but the emulator, as the user of the image.
func Emulated(ctx context.Context, bed *testbed.Bed, img *ocilayout.Image, args ...string) (out string, err error) {
	root, err := os.MkdirTemp("", "fromscratch-root")
	if err != nil {
		return "", err
	}
	defer func() {
		if rerr := os.RemoveAll(root); err == nil {
			err = rerr
		}
	}()
	if err := os.Chmod(root, 0o755); err != nil {
		return "", err
	}
	if err := unpack(root, img); err != nil {
		return "", err
	}
	const emulator = "/.qemu"
	data, err := os.ReadFile(bed.Tool("qemu-aarch64-static"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(root, emulator), data, 0o755); err != nil {
		return "", err
	}
	var uid, gid uint32
	if _, err := fmt.Sscanf(img.Config.Config.User, "%d:%d", &uid, &gid); err != nil {
		return "", fmt.Errorf("the user of the image, %q, is no number: %w", img.Config.Config.User, err)
	}
	cmd := exec.CommandContext(ctx, emulator, append(img.Config.Config.Entrypoint, args...)...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"HOME=" + home(img, uid)}, img.Config.Config.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// home is what a container runtime makes HOME: the user's in /etc/passwd.
func home(img *ocilayout.Image, uid uint32) string {
	for line := range strings.Lines(string(img.Files["/etc/passwd"].Data)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[2] == fmt.Sprint(uid) {
			return f[5]
		}
	}
	return "/"
}

func unpack(root string, img *ocilayout.Image) error {
	var dirs []string
	for name, f := range img.Files {
		p := filepath.Join(root, name)
		mode := f.Header.FileInfo().Mode()
		switch {
		case mode.IsDir():
			dirs = append(dirs, name)
			if err := os.MkdirAll(p, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if mode&fs.ModeSymlink != 0 {
			if err := os.Symlink(f.Header.Linkname, p); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(p, f.Data, mode); err != nil {
			return err
		}
	}
	for _, name := range dirs {
		h, p := img.Files[name].Header, filepath.Join(root, name)
		if err := os.Chown(p, h.Uid, h.Gid); err != nil {
			return err
		}
		if err := os.Chmod(p, h.FileInfo().Mode()); err != nil {
			return err
		}
	}
	return nil
}
