//go:build integration

package integration

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// sshGit serves the git repositories below root over SSH to whom the agent vouches
// for. It returns the address of the server, the socket of the agent, and how many
// fetches were answered.
func sshGit(t *testing.T, root string) (addr, agentSocket string, served *atomic.Int32) {
	t.Helper()
	_, userKey, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	user, err := ssh.NewSignerFromKey(userKey)
	require.NoError(t, err)
	_, hostKey, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	host, err := ssh.NewSignerFromKey(hostKey)
	require.NoError(t, err)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, errors.New("nobody known")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	served = &atomic.Int32{}
	addr = accept(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		c, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			return // It was nobody known, which is what some cases are about.
		}
		defer c.Close()
		go ssh.DiscardRequests(requests)
		for ch := range channels {
			session(t.Context(), root, ch, served)
		}
	})
	keys := agent.NewKeyring()
	require.NoError(t, keys.Add(agent.AddedKey{PrivateKey: userKey}))
	agentSocket = accept(t, "unix", filepath.Join(t.TempDir(), "agent"), func(conn net.Conn) { _ = agent.ServeAgent(keys, conn) })
	return addr, agentSocket, served
}

// accept serves connections until the test ends.
func accept(t *testing.T, network, address string, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// session answers one git-upload-pack, which is what a fetch runs.
func session(ctx context.Context, root string, ch ssh.NewChannel, served *atomic.Int32) {
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	var env []string
	for req := range requests {
		switch req.Type {
		case "env":
			var kv struct{ Name, Value string }
			if ssh.Unmarshal(req.Payload, &kv) == nil {
				env = append(env, kv.Name+"="+kv.Value)
			}
			_ = req.Reply(true, nil)
		case "exec":
			var run struct{ Command string }
			err := ssh.Unmarshal(req.Payload, &run)
			name, ok := strings.CutPrefix(run.Command, "git-upload-pack '")
			_ = req.Reply(err == nil && ok, nil)
			if err != nil || !ok {
				return
			}
			cmd := exec.CommandContext(ctx, "git", "upload-pack", filepath.Join(root, strings.TrimSuffix(name, "'")))
			cmd.Env = append(os.Environ(), env...)
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			// With a reader as its input the command would wait for the client to say more.
			in, err := cmd.StdinPipe()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(in, channel)
				in.Close()
			}()
			status := struct{ Status uint32 }{}
			if cmd.Run() != nil {
				status.Status = 1
			} else {
				served.Add(1)
			}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
			return
		default:
			_ = req.Reply(false, nil)
		}
	}
}

// repository is a bare git repository of the given files at root/name, with a tag.
func repository(t *testing.T, root, name string, files map[string]string, tag string) (commit string) {
	t.Helper()
	work := builds.Write(t, files)
	git := func(dir string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com", "-C", dir}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git(work, "init", "-q", "-b", "main")
	git(work, "add", ".")
	git(work, "commit", "-qm", "all")
	git(work, "tag", tag)
	git(root, "clone", "-q", "--bare", work, filepath.Join(root, name))
	return git(work, "rev-parse", "HEAD")
}

// goSum are the lines of go.sum for a module of the given files.
func goSum(t *testing.T, module, version string, files map[string]string) string {
	t.Helper()
	at := module + "@" + version + "/"
	open := func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(files[strings.TrimPrefix(name, at)])), nil
	}
	var names []string
	for name := range files {
		names = append(names, at+name)
	}
	whole, err := dirhash.Hash1(names, open)
	require.NoError(t, err)
	manifest, err := dirhash.Hash1([]string{"go.mod"}, open)
	require.NoError(t, err)
	return fmt.Sprintf("%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", module, version, whole, manifest)
}

// TestGoOverSSH: a module from a server that lets in whom an agent vouches for.
// Without the agent, the error names the flag that passes it.
func TestGoOverSSH(t *testing.T) {
	root := t.TempDir()
	addr, socket, served := sshGit(t, root)
	each(t, func(t *testing.T, via builds.Via) {
		// What was downloaded once needs no server, so each run has a module of its own.
		mark := fmt.Sprint("run", time.Now().UnixNano())
		module := "git.example.test/" + mark + "/lib.git"
		lib := map[string]string{"go.mod": "module " + module + "\n\ngo 1.26\n", "lib.go": "package lib\n\n// Text is what it says.\nconst Text = \"private\"\n"}
		repository(t, root, mark+"/lib", lib, "v1.0.0")
		dir := builds.Write(t, map[string]string{
			// The official image has an SSH client, the one of the test bed has none.
			"fromscratch.yaml": syntax + "toolchain: {name: go-cgo0, packages: [openssh-client]}\ntargets:\n  app:\n    build: {package: ., env: {GOPRIVATE: git.example.test}}\n",
			"go.mod":           "module example.com/app\n\ngo 1.26\n\nrequire " + module + " v1.0.0\n",
			"go.sum":           goSum(t, module, "v1.0.0", lib),
			"main.go":          "package main\n\nimport \"" + module + "\"\n\nfunc main() { println(lib.Text) }\n",
		})
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"},
			Secrets: map[string]string{"gitconfig": "[url \"ssh://git@" + addr + "/\"]\n\tinsteadOf = https://git.example.test/\n"}}
		// Where no way to a repository works, the go command says no more than that.
		before := served.Load()
		out := build.Fails(t, via)
		require.Contains(t, out, "no secure protocol found for repository")
		require.Contains(t, out, "and pass --ssh default or --secret id=netrc,src=$HOME/.netrc")
		require.Contains(t, out, "   5 | >>>     build: {package: ., env: {GOPRIVATE: git.example.test}}")
		plainWords(t, out)
		require.Equal(t, before, served.Load())

		build.SSHAgent = socket
		r := build.OK(t, via)
		require.Equal(t, "private", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		require.Greater(t, served.Load(), before)
	})
}

// TestCrateOverSSH: the same for a crate, as far as the test bed's Cargo goes, see
// TestPrivateGit.
func TestCrateOverSSH(t *testing.T) {
	long(t)
	root := t.TempDir()
	addr, socket, served := sshGit(t, root)
	commit := repository(t, root, "private.git", map[string]string{
		"Cargo.toml": "[package]\nname = \"private\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
		"src/lib.rs": "pub fn text() -> &'static str { \"private\" }\n",
	}, "v0.1.0")
	url := "ssh://git@" + addr + "/private.git"
	build := builds.Build{Bed: bed, Platforms: []string{"linux/amd64"}, Context: builds.Write(t, map[string]string{
		"fromscratch.yaml": syntax + "toolchain: {name: rust-musl, packages: [openssh-client]}\ntargets:\n  app:\n    build: {package: app, network: none}\n",
		"Cargo.toml":       "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nprivate = { git = \"" + url + "\" }\n",
		"Cargo.lock": "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"private\",\n]\n\n" +
			"[[package]]\nname = \"private\"\nversion = \"0.1.0\"\nsource = \"git+" + url + "#" + commit + "\"\n",
		"src/main.rs": "fn main() { println!(\"{}\", private::text()); }\n",
	})}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := build.Fails(t, via)
		require.Contains(t, out, "Permission denied (publickey)")
		require.Contains(t, out, "most likely "+url+"; pass --ssh default for git over SSH")
		plainWords(t, out)
	})
	require.Zero(t, served.Load())
	build.SSHAgent = socket
	r, err := build.Run(t.Context(), builds.Image, t.TempDir())
	require.NotZero(t, served.Load())
	require.Contains(t, r.Output, "From ssh://"+addr+"/private")
	if err != nil {
		require.Contains(t, r.Output, "git_proxy_options", "libgit2 alone is to blame")
	}
}
