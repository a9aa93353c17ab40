//go:build integration

package integration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

const password = "not-for-everyone"

// privateCrate serves a git repository with a crate over HTTP to those who know the
// password. It returns the address of the repository, its commit and how many
// requests were answered.
func privateCrate(t *testing.T) (url, commit string, served *atomic.Int32) {
	t.Helper()
	root := t.TempDir()
	git := func(dir string, args ...string) string {
		cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com", "-C", dir}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	work := builds.Write(t, map[string]string{
		"Cargo.toml": "[package]\nname = \"private\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"src/lib.rs": "pub fn text() -> &'static str { \"private\" }\n",
	})
	git(work, "init", "-q", "-b", "main")
	git(work, "add", ".")
	git(work, "commit", "-qm", "crate")
	git(root, "clone", "-q", "--bare", work, "private.git")
	git(filepath.Join(root, "private.git"), "update-server-info")

	addr, served := serve(t, http.FileServer(http.Dir(root)), passes)
	return "http://" + addr + "/private.git", git(work, "rev-parse", "HEAD"), served
}

// guarded serves those who may, and counts them.
func guarded(h http.Handler, may func(*http.Request) bool) (http.Handler, *atomic.Int32) {
	served := &atomic.Int32{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !may(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		served.Add(1)
		h.ServeHTTP(w, r)
	}), served
}

// serve serves those who may over HTTP, and counts them.
func serve(t *testing.T, h http.Handler, may func(*http.Request) bool) (addr string, served *atomic.Int32) {
	t.Helper()
	h, served = guarded(h, may)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), served
}

// serveTLS is likewise for HTTPS. Nobody trusts the server but those who have ca.
func serveTLS(t *testing.T, h http.Handler, may func(*http.Request) bool) (addr, ca string, served *atomic.Int32) {
	t.Helper()
	h, served = guarded(h, may)
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), served
}

// passes tells whether a request has the password.
func passes(r *http.Request) bool {
	_, pass, _ := r.BasicAuth()
	return pass == password
}

// holdsNo wants that no file of a layout has the password in it.
func holdsNo(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		require.False(t, bytes.Contains(data, []byte(password)), name)
		return err
	}))
}

// TestPrivateGit: with nothing given, the error names the flag to pass; with it, git
// gets in. That is as far as it goes here: the Cargo that Debian has for this test bed
// is linked with a libgit2 of another version, and cannot check out what git fetched.
func TestPrivateGit(t *testing.T) {
	long(t)
	url, commit, served := privateCrate(t)
	dir := builds.Write(t, map[string]string{
		"fromscratch.yaml": syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app, network: none}\n",
		"Cargo.toml":       "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nprivate = { git = \"" + url + "\" }\n",
		"Cargo.lock": "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"private\",\n]\n\n" +
			"[[package]]\nname = \"private\"\nversion = \"0.1.0\"\nsource = \"git+" + url + "#" + commit + "\"\n",
		"src/main.rs": "fn main() { println!(\"{}\", private::text()); }\n",
	})
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	each(t, func(t *testing.T, via builds.Via) {
		out := build.Fails(t, via)
		require.Contains(t, out, "a dependency comes from a server that asks who wants it, most likely "+url)
		require.Contains(t, out, "--secret id=netrc,src=$HOME/.netrc")
		require.Contains(t, out, "   5 | >>>     build: {package: app, network: none}")
		plainWords(t, out)
	})
	require.Zero(t, served.Load())
	build.Secrets = map[string]string{"netrc": "machine 127.0.0.1 login me password " + password + "\n"}
	r, err := build.Run(t.Context(), builds.Image, t.TempDir())
	require.NotZero(t, served.Load())
	require.Contains(t, r.Output, "From "+strings.TrimSuffix(url, ".git"))
	require.NotContains(t, r.Output, password)
	if err != nil {
		require.Contains(t, r.Output, "git_proxy_options", "libgit2 alone is to blame")
	}
}

// TestPrivateRegistry: a crate from a registry that wants a token, which gets to the
// step that downloads and to nothing else.
func TestPrivateRegistry(t *testing.T) {
	var crate bytes.Buffer
	zw := gzip.NewWriter(&crate)
	tw := tar.NewWriter(zw)
	for name, text := range map[string]string{
		"Cargo.toml": "[package]\nname = \"private\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"src/lib.rs": "pub fn text() -> &'static str { \"private\" }\n",
	} {
		require.NoError(t, tw.WriteHeader(&tar.Header{Name: "private-0.1.0/" + name, Mode: 0o644, Size: int64(len(text))}))
		_, err := tw.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(tw.Close(), zw.Close()))
	sum := fmt.Sprintf("%x", sha256.Sum256(crate.Bytes()))

	answers := map[string]string{
		"/index/pr/iv/private":       `{"name":"private","vers":"0.1.0","deps":[],"cksum":"` + sum + `","features":{},"yanked":false}` + "\n",
		"/dl/private/0.1.0/download": crate.String(),
	}
	addr, served := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if r.URL.Path == "/index/config.json" {
			text, ok = `{"dl":"http://`+r.Host+`/dl","auth-required":true}`, true
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text) // Whoever asked may be gone.
	}), func(r *http.Request) bool { return r.Header.Get("Authorization") == password })
	index := "sparse+http://" + addr + "/index/"
	dir := builds.Write(t, map[string]string{
		"fromscratch.yaml":   syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app, network: none}\n",
		".cargo/config.toml": "[registries.company]\nindex = \"" + index + "\"\n",
		"Cargo.toml":         "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nprivate = { version = \"0.1\", registry = \"company\" }\n",
		"Cargo.lock": "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"private\",\n]\n\n" +
			"[[package]]\nname = \"private\"\nversion = \"0.1.0\"\nsource = \"" + index + "\"\nchecksum = \"" + sum + "\"\n",
		"src/main.rs": "fn main() { println!(\"{}\", private::text()); }\n",
	})
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		build := build
		out := build.Fails(t, via)
		require.Contains(t, out, "a dependency comes from a server that asks who wants it")
		require.Contains(t, out, "--secret id=cargo-token,env=TOKEN")
		plainWords(t, out)
	})
	require.Zero(t, served.Load())
	build.Secrets = map[string]string{"cargo-token": password}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		r := build.OK(t, via)
		require.Equal(t, "private", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		require.NotContains(t, r.Output, password)
		holdsNo(t, r.Dir)
	})
	require.NotZero(t, served.Load())
}

// TestBuildSecrets: what the spec lists, the compiler sees; another value compiles
// nothing anew.
func TestBuildSecrets(t *testing.T) {
	files := rustProgram("fn main() { println!(\"{} {}\", env!(\"FILE\"), env!(\"VARIABLE\")); }\n")
	files["fromscratch.yaml"] = syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app, secrets: [token, {id: other, env: OTHER, required: true}]}\n"
	files["build.rs"] = `fn main() {
    let file = std::fs::read_to_string("/run/secrets/token").unwrap_or("none".into());
    println!("cargo:rustc-env=FILE={}", file.len());
    println!("cargo:rustc-env=VARIABLE={}", std::env::var("OTHER").unwrap().len());
}
`
	dir := builds.Write(t, files)
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, NoCache: true}
	require.Contains(t, build.Fails(t, builds.Image), "other")
	build.Secrets = map[string]string{"other": "12345", "token": "123"}
	r := build.OK(t, builds.Image)
	require.Equal(t, "3 5", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
}
