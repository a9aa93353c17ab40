//go:build integration

package integration

import (
	"context"
	"debug/elf"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
)

// complaining does things that an image from scratch may be unfit for, and says what
// comes of each.
const complaining = `package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"time"
)

func main() {
	for _, what := range os.Args[1:] {
		var err error
		switch what {
		case "zone":
			_, err = time.LoadLocation("Europe/Paris")
		case "temporary":
			_, err = os.CreateTemp("", "file")
		case "user":
			_, err = user.LookupId(strconv.Itoa(os.Getuid()))
		case "listen":
			_, err = net.Listen("tcp", ":81")
		case "write":
			err = os.WriteFile("/api.log", nil, 0o644)
		case "lookup":
			_, err = net.LookupHost("db")
		case "git":
			err = exec.Command("git").Run()
		case "serve":
			time.Sleep(time.Hour)
		default:
			_, err = tls.Dial("tcp", what, nil)
		}
		fmt.Printf("%s: %v\n", what, err)
	}
}
`

// TestMessagesOfPage: what the page of questions says that containers say is what they
// say, and what it says to write cures it.
func TestMessagesOfPage(t *testing.T) {
	p := page(t, "docs/faq.md")
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": syntax + "toolchain: prebuilt\ntargets:\n  api: {build: api, extras: [tzdata]}\n" +
		"  bare: {build: api, path: /api, extras: none, capabilities: [net_bind_service]}\n",
		"fromscratch.linked.yaml": syntax + "toolchain: prebuilt\ntargets:\n  api: {build: linked/api}\n"})
	program := filepath.Join(dir, "api")
	compileHere(t, complaining, program, "amd64")
	dynamic, err := os.ReadFile("/bin/true")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "linked"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "linked", "api"), dynamic, 0o755))

	images := map[string]string{}
	for _, target := range []string{"api", "bare"} {
		images[target] = bed.Registry + "/test/faq:" + target
		builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64"}, Push: images[target]}.OK(t, builds.Image)
		out, err := docker(t.Context(), t, "pull", "-q", images[target])
		require.NoError(t, err, out)
	}
	// Images of other builds, which have what ours cannot have.
	foreign := []byte(read(t, program))
	foreign[18], foreign[19] = byte(elf.EM_SH), 0
	for name, data := range map[string][]byte{"linked": dynamic, "foreign": foreign} {
		images[name] = "test/faq-" + name
		root := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(root, "api"), data, 0o755))
		archive := filepath.Join(t.TempDir(), "root.tar")
		out, err := bed.Command(t.Context(), "tar", "-C", root, "-cf", archive, "api").CombinedOutput()
		require.NoError(t, err, string(out))
		text, err := docker(t.Context(), t, "import", "--change", `ENTRYPOINT ["/api"]`, archive, images[name])
		require.NoError(t, err, text)
	}
	server, err := examples.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	address := strings.Trim(strings.TrimPrefix(server.URL, "https:"), "/")
	own := []string{"--network", "none", "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"}
	host := []string{"--network", "host"}

	said := map[string]bool{}
	// heard holds a message, which is a part of what was said, against the page.
	heard := func(t *testing.T, out, message string) {
		t.Helper()
		require.Contains(t, random.ReplaceAllString(out, "/tmp/…"), message)
		require.Contains(t, p.Text, message)
		said[message] = true
	}
	for _, tc := range []struct {
		image      string
		flags      []string
		does, says []string
	}{
		{"linked", own, nil, []string{"exec /api: no such file or directory"}},
		{"foreign", own, nil, []string{"exec /api: exec format error"}},
		{"bare", append([]string{"--cap-drop", "ALL"}, own...), []string{"zone"}, []string{"exec /api: operation not permitted"}},
		{"api", append([]string{"--user", "app"}, own...), []string{"zone"}, []string{"unable to find user app: no matching entries in passwd file"}},
		{"bare", own, []string{"listen", "zone", "temporary", "user"},
			[]string{"", "unknown time zone Europe/Paris", "open /tmp/…: no such file or directory", "open /etc/passwd: no such file or directory"}},
		{"api", own, []string{"zone", "temporary", "user", "listen", "write", "git"},
			[]string{"", "", "", "listen tcp :81: bind: permission denied", "open /api.log: permission denied", `exec: "git": executable file not found in $PATH`}},
		{"api", append([]string{"--user", "12345"}, own...), []string{"user"}, []string{"user: unknown userid 12345"}},
		{"bare", host, []string{address}, []string{"tls: failed to verify certificate: x509: certificate signed by unknown authority"}},
		{"api", append([]string{"-v", nameless(t) + ":/etc/resolv.conf:ro"}, host...), []string{"lookup"}, []string{"lookup db on 127.0.0.77:53: no such host"}},
	} {
		t.Run(strings.Join(append(append([]string{tc.image}, tc.flags...), tc.does...), " "), func(t *testing.T) {
			args := append(append([]string{"run", "--rm"}, tc.flags...), images[tc.image])
			// Whether it is content is up to what it says.
			out, _ := docker(t.Context(), t, append(args, tc.does...)...)
			for i, message := range tc.says {
				if message == "" {
					require.Contains(t, out, tc.does[i]+": <nil>\n")
					continue
				}
				heard(t, out, message)
			}
		})
	}

	t.Run("in a container", func(t *testing.T) {
		name := fmt.Sprint("faq-", time.Now().UnixNano())
		t.Cleanup(func() { _, _ = docker(context.Background(), t, "rm", "-f", name) }) // What did not start is not there.
		out, err := docker(t.Context(), t, "run", "-d", "--name", name, "--network", "none", "--health-cmd", "curl -f http://localhost/", "--health-interval", "300ms", "--health-retries", "1", images["api"], "serve")
		require.NoError(t, err, out)
		out, err = docker(t.Context(), t, "exec", name, "sh")
		require.Error(t, err)
		heard(t, out, `exec: "sh": executable file not found in $PATH`)
		require.Eventually(t, func() bool {
			out, err = docker(t.Context(), t, "inspect", "-f", "{{.State.Health.Status}} {{range .State.Health.Log}}{{.Output}}{{end}}", name)
			return err == nil && strings.HasPrefix(out, "unhealthy ")
		}, time.Minute, 200*time.Millisecond)
		heard(t, out, `exec: "/bin/sh": stat /bin/sh: no such file or directory`)
	})
	t.Run("a dynamic program", func(t *testing.T) {
		out := builds.Build{Bed: bed, Context: dir, File: "fromscratch.linked.yaml", Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
		for _, b := range p.Blocks {
			if b.Language == "text" {
				heard(t, out, strings.TrimSpace(b.Text))
			}
		}
		heard(t, out, "is not static: it asks for the dynamic linker")
	})
	t.Run("all of them", func(t *testing.T) {
		// The parser of Dockerfiles says it, which the tests of the pages ask.
		said["dockerfile parse error on line 2: unknown instruction: toolchain:"] = true
		section := ""
		for line := range strings.Lines(p.Text) {
			if heading, ok := strings.CutPrefix(line, "## "); ok {
				section = strings.TrimSpace(heading)
			}
			heading, ok := strings.CutPrefix(line, "### ")
			heading = strings.TrimSpace(heading)
			if !ok || section == "" || strings.HasSuffix(heading, "*(quoted)*") || strings.HasSuffix(heading, "?") {
				continue
			}
			found := heading == "The health check never succeeds" || heading == "Readiness and liveness probes"
			for message := range said {
				// A heading may leave out the address of a server.
				found = found || strings.Contains(message, heading) || strings.Contains(strings.Replace(message, " on 127.0.0.77:53", "", 1), heading)
			}
			require.True(t, found, "nothing has said %q", heading)
		}
	})
}

// nameless starts a server of names on loopback that knows none, and gives the path
// of a resolv.conf that leads to it.
func nameless(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.77:53")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buf[:n]) != nil {
				continue
			}
			answer := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RCode: dnsmessage.RCodeNameError}, Questions: query.Questions}
			if data, err := answer.Pack(); err == nil {
				// A client that is gone asks again, or not.
				_, _ = conn.WriteTo(data, from)
			}
		}
	}()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(file, []byte("nameserver 127.0.0.77\n"), 0o644))
	require.NoError(t, os.Chmod(filepath.Dir(file), 0o755))
	return file
}
