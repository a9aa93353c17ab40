//go:build integration

package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

var examples = []string{"go-service", "rust-service"}

// example copies an example, with a certificate authority of the test's own in
// its bundle, and returns the folder.
func example(t *testing.T, name string, ca []byte) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(bed.Root, "examples", name))))
	spec := filepath.Join(dir, "fromscratch.yaml")
	text, err := os.ReadFile(spec)
	require.NoError(t, err)
	const was = "\nextras: [tzdata]"
	require.Contains(t, string(text), was)
	text = bytes.Replace(text, []byte(was), []byte("\nextras: {tzdata: true, ca-certificates: {append: certs/ca.pem}}"), 1)
	require.NoError(t, os.WriteFile(spec, text, 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "certs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "certs", "ca.pem"), ca, 0o644))
	return dir
}

// TestExamples builds each example for both platforms, looks into the images,
// and runs them: on the Docker Engine, and for the other platform under qemu,
// which only this test uses.
func TestExamples(t *testing.T) {
	server, ca := tlsServer(t)
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			dir := example(t, name, ca)
			digests := map[builds.Via]string{}
			builds.Each(t, func(t *testing.T, via builds.Via) {
				push := bed.Registry + "/test/" + name
				r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Push: push}.OK(t, via)
				require.True(t, r.Layout.IsIndex())
				require.Equal(t, []string{"linux/amd64", "linux/arm64"}, r.Layout.Platforms())
				for pf, img := range r.Layout.Images {
					checkImage(t, name, pf, img, ca)
				}
				require.Equal(t, 1, strings.Count(r.Output, "[internal] load build context\n"), "the context is sent once:\n%s", r.Output)
				digests[via] = r.Layout.Root.Digest.String()

				t.Run("amd64", func(t *testing.T) { runEngine(t, push, server) })
				t.Run("arm64", func(t *testing.T) { runEmulated(t, "/"+name, r.Layout.Images["linux/arm64"], server) })
			})
			require.Equal(t, digests[builds.Image], digests[builds.InProcess], "both ways give the same bytes")
		})
	}
}

func checkImage(t *testing.T, name, pf string, img *ocilayout.Image, ca []byte) {
	t.Helper()
	cfg := img.Config.Config
	require.Equal(t, "65532:65532", cfg.User)
	require.Equal(t, "/", cfg.WorkingDir)
	require.Equal(t, []string{"/" + name}, cfg.Entrypoint)
	require.Equal(t, []string{"serve"}, cfg.Cmd)
	require.Contains(t, cfg.ExposedPorts, "8080/tcp")
	require.Contains(t, cfg.Env, "TZ=Europe/Paris")
	require.Equal(t, name, cfg.Labels["org.opencontainers.image.title"])
	require.Equal(t, time.Unix(0, 0).UTC(), img.Config.Created.UTC())

	for path, want := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
	}{
		"/" + name:                           {0o755, 0, 0},
		"/etc":                               {fs.ModeDir | 0o755, 0, 0},
		"/etc/passwd":                        {0o644, 0, 0},
		"/etc/group":                         {0o644, 0, 0},
		"/etc/ssl":                           {fs.ModeDir | 0o755, 0, 0},
		"/etc/ssl/certs":                     {fs.ModeDir | 0o755, 0, 0},
		"/etc/ssl/cert.pem":                  {fs.ModeSymlink | 0o777, 0, 0},
		"/etc/ssl/certs/ca-certificates.crt": {0o644, 0, 0},
		"/home/nonroot":                      {fs.ModeDir | 0o700, 65532, 65532},
		"/tmp":                               {fs.ModeDir | fs.ModeSticky | 0o777, 0, 0},
		"/usr/share/zoneinfo/Europe/Paris":   {0o644, 0, 0},
	} {
		f, ok := img.Files[path]
		require.True(t, ok, "%s has %s", pf, path)
		require.Equal(t, want.mode, f.Header.FileInfo().Mode(), path)
		require.Equal(t, want.uid, f.Header.Uid, path)
		require.Equal(t, want.gid, f.Header.Gid, path)
	}
	for path, f := range img.Files {
		require.Equal(t, int64(0), f.Header.ModTime.Unix(), path)
	}
	require.True(t, bytes.HasSuffix(bytes.TrimSpace(img.Files["/etc/ssl/certs/ca-certificates.crt"].Data), bytes.TrimSpace(ca)))
	require.Contains(t, string(img.Files["/etc/passwd"].Data), "\nnonroot:x:65532:65532:")

	bin := img.Files["/"+name]
	p, err := platform.Lookup(platforms.MustParse(pf))
	require.NoError(t, err)
	require.NoError(t, inspect.Static(bytes.NewReader(bin.Data), int64(len(bin.Data)), p))
	require.Equal(t, img.Manifest.Layers[len(img.Manifest.Layers)-1].Digest, bin.Layer, "the binary is the last layer")
}

// checksPass asserts what the check command of an example printed.
func checksPass(t *testing.T, out []byte, err error) {
	t.Helper()
	require.NoError(t, err, string(out))
	for _, line := range []string{"ok time-zone ", "ok temp-file ", "ok user nonroot uid=65532 ", "ok tls "} {
		require.Contains(t, string(out), line)
	}
	require.NotContains(t, string(out), "FAIL")
}

// runEngine runs an image on the Docker Engine.
func runEngine(t *testing.T, image, server string) {
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	docker := func(args ...string) ([]byte, error) {
		cmd := bed.Command(t.Context(), "docker", append([]string{"-H", host}, args...)...)
		return cmd.CombinedOutput()
	}
	out, err := docker("pull", "-q", image)
	require.NoError(t, err, string(out))
	out, err = docker("run", "--rm", "--network", "host", image, "check", "--url", server)
	checksPass(t, out, err)

	out, err = docker("run", "--rm", "--network", "host", "--read-only", "--user", "0", image, "check")
	require.Error(t, err, "checks that cannot fail show nothing: %s", out)
	require.Contains(t, string(out), "FAIL user ")
	require.Contains(t, string(out), "FAIL temp-file ")
}

// runEmulated runs a program of an image for another architecture, in a root of
// the image's files and nothing else but the emulator.
func runEmulated(t *testing.T, program string, img *ocilayout.Image, server string) {
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(root), 0o755))
	unpack(t, root, img)
	const emulator = "/.qemu"
	data, err := os.ReadFile(bed.Tool("qemu-aarch64-static"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, emulator), data, 0o755))
	cmd := exec.CommandContext(t.Context(), emulator, program, "check", "--url", server)
	cmd.Dir = "/"
	cmd.Env = append(img.Config.Config.Env, "HOME=/home/nonroot")
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	out, err := cmd.CombinedOutput()
	checksPass(t, out, err)
}

func unpack(t *testing.T, root string, img *ocilayout.Image) {
	t.Helper()
	var dirs, rest []string
	for name, f := range img.Files {
		if f.Header.FileInfo().IsDir() {
			dirs = append(dirs, name)
		} else {
			rest = append(rest, name)
		}
	}
	for _, name := range dirs {
		require.NoError(t, os.MkdirAll(filepath.Join(root, name), 0o755))
	}
	for _, name := range rest {
		f := img.Files[name]
		p := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		if f.Header.FileInfo().Mode()&fs.ModeSymlink != 0 {
			require.NoError(t, os.Symlink(f.Header.Linkname, p))
			continue
		}
		require.NoError(t, os.WriteFile(p, f.Data, f.Header.FileInfo().Mode()))
	}
	for _, name := range dirs {
		h := img.Files[name].Header
		require.NoError(t, os.Chown(filepath.Join(root, name), h.Uid, h.Gid))
		require.NoError(t, os.Chmod(filepath.Join(root, name), h.FileInfo().Mode()))
	}
}

// tlsServer serves over TLS with a certificate of an authority of its own.
func tlsServer(t *testing.T) (url string, ca []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	require.NoError(t, err)
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})

	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), key)
	require.NoError(t, err)

	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL + "/", ca
}
