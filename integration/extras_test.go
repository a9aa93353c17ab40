//go:build integration

package integration

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// lookAround is a program that says what it finds in its image, a line a thing.
const lookAround = `package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"time"
)

func say(what string, look func() (string, error)) {
	found, err := look()
	if err != nil {
		fmt.Println("FAIL", what, err)
		return
	}
	fmt.Println("ok", what, found)
}

func main() {
	say("user", func() (string, error) {
		u, err := user.Current()
		if err != nil {
			return "", err
		}
		g, err := user.LookupGroupId(u.Gid)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(u.Username, " ", u.Uid, " ", g.Name, " ", u.Gid, " ", u.HomeDir), nil
	})
	say("home", func() (string, error) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		return home, os.WriteFile(filepath.Join(home, "file"), []byte("data"), 0o600)
	})
	say("temp", func() (string, error) {
		f, err := os.CreateTemp("", "file")
		if err != nil {
			return "", err
		}
		return "", f.Close()
	})
	say("zone", func() (string, error) {
		loc, err := time.LoadLocation("Europe/Paris")
		return fmt.Sprint(loc), err
	})
	say("local", func() (string, error) { return time.Unix(0, 0).Local().Format("15:04 MST"), nil })
}
`

// lookAroundSpecs are the program with specs that differ in what comes after build:
// that compiles it once for all.
func lookAroundSpecs(specs map[string]string) map[string]string {
	files := goProgram(lookAround)
	for name, more := range specs {
		files["fromscratch."+name+".yaml"] = goSpec + more
	}
	return files
}

// runOnEngine runs the image on the Docker Engine and returns what the program said.
func runOnEngine(t *testing.T, image string, flags []string, args ...string) string {
	t.Helper()
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	out, err := examples.Engine(t.Context(), bed, host, image, flags, args...)
	require.NoError(t, err, out)
	return out
}

// TestUsers: the user of an image is a number, as Kubernetes wants it, and a
// program that asks for its user and its home finds both.
func TestUsers(t *testing.T) {
	users := map[string]string{
		"nonroot": "",
		"number":  "    user: 1000:0\n",
		"custom":  "    user: {name: app, uid: 10001, gid: 10002, home: /data/app}\n",
		"root":    "    user: root\n",
	}
	dir := builds.Write(t, lookAroundSpecs(users))
	images, configs := map[string]string{}, map[string]*ocilayout.Image{}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		images[name] = bed.Registry + "/test/users-" + name
		configs[name] = builds.Build{Bed: bed, Context: dir, File: "fromscratch." + name + ".yaml", Push: images[name]}.OK(t, builds.Image).Layout.Images["linux/amd64"]
	}
	for name, want := range map[string]struct{ config, passwd, user, home string }{
		"nonroot": {"65532:65532", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin", "nonroot 65532 nonroot 65532", "/home/nonroot"},
		"number":  {"1000:0", "user:x:1000:0:user:/home/user:/sbin/nologin", "user 1000 root 0", "/home/user"},
		"custom":  {"10001:10002", "app:x:10001:10002:app:/data/app:/sbin/nologin", "app 10001 app 10002", "/data/app"},
		"root":    {"0:0", "root:x:0:0:root:/root:/sbin/nologin", "root 0 root 0", "/root"},
	} {
		t.Run(name, func(t *testing.T) {
			img := configs[name]
			require.Equal(t, want.config, img.Config.Config.User)
			require.Contains(t, img.Config.Config.Env, "HOME="+want.home)
			require.Contains(t, strings.Split(string(img.Files["/etc/passwd"].Data), "\n"), want.passwd)
			// The kubelet takes what is before the colon for a number, or refuses the pod.
			uid, err := strconv.ParseInt(strings.Split(img.Config.Config.User, ":")[0], 10, 64)
			require.NoError(t, err)
			require.Equal(t, name == "root", uid == 0, "runAsNonRoot")

			out := runOnEngine(t, images[name], nil)
			require.Contains(t, out, "ok user "+want.user+" "+want.home+"\n")
			require.Contains(t, out, "ok home "+want.home+"\n")
			require.Contains(t, out, "ok temp ")
		})
	}
	t.Run("read-only root", func(t *testing.T) {
		out := runOnEngine(t, images["nonroot"], []string{"--read-only"})
		require.Contains(t, out, "ok user nonroot 65532 nonroot 65532 /home/nonroot\n")
		require.Regexp(t, `FAIL home open /home/nonroot/file: read-only file system\n`, out)
		require.Regexp(t, `FAIL temp open /tmp/file\d+: read-only file system\n`, out)

		out = runOnEngine(t, images["nonroot"], []string{"--read-only", "--tmpfs", "/tmp"})
		require.Contains(t, out, "ok temp ")
	})
	t.Run("somebody else", func(t *testing.T) {
		out := runOnEngine(t, images["nonroot"], []string{"--user", "12345"})
		require.Contains(t, out, "FAIL user ")
		require.Contains(t, out, "FAIL home open /home/nonroot/file: permission denied\n")
		require.Contains(t, out, "ok temp ", "/tmp is for everyone")
	})
}

// extraFiles tells each extra by a file of its layer.
var extraFiles = map[string]string{
	"ca-certificates": "/etc/ssl/certs/ca-certificates.crt", "tzdata": "/usr/share/zoneinfo/UTC", "passwd": "/etc/passwd", "tmp": "/tmp",
	"nsswitch": "/etc/nsswitch.conf", "hosts": "/etc/hosts", "dirs": "/data",
}

// TestExtrasAreShared: an extra is a layer of its own, with the same digest in
// every image that has it, whatever else is in there and on every platform, and, in
// make test-full, also when it is made anew.
func TestExtrasAreShared(t *testing.T) {
	server, err := examples.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	const all = "extras:\n  ca-certificates: {append: [{src: ca.pem, from: corp}]}\n  tzdata: {zones: [%s]}\n  nsswitch: true\n  hosts: true\n  dirs: [{path: /data}]\n"
	one := fmt.Sprintf(all, "UTC, Europe/Kyiv")
	files := lookAroundSpecs(map[string]string{
		"one": one,
		"two": "    labels: {a: b}\n    cmd: [x]\n" + fmt.Sprintf(all, "Europe/Kyiv, UTC, Europe/Kyiv"),
		"few": "extras: {tzdata: {zones: UTC}, tmp: false, passwd: false}\n",
		"no":  "extras: []\n", "none": "extras: none\n",
	})
	dir, corp := builds.Write(t, files), builds.Write(t, map[string]string{"ca.pem": string(server.CA)})
	build := func(name string) map[string]*ocilayout.Image {
		return builds.Build{Bed: bed, Context: dir, File: "fromscratch." + name + ".yaml", Platforms: []string{"linux/amd64", "linux/arm64"},
			Contexts: map[string]string{"corp": corp}, NoCache: name == "two" && full()}.OK(t, builds.Image).Layout.Images
	}
	want := map[string]string{}
	same := func(t *testing.T, images map[string]*ocilayout.Image) {
		t.Helper()
		for pf, img := range images {
			require.Len(t, img.Manifest.Layers, len(extraFiles)+1, pf)
			seen := map[string]bool{}
			for extra, file := range extraFiles {
				layer := img.Files[file].Layer.String()
				require.False(t, seen[layer], "%s is in the layer of another", extra)
				seen[layer] = true
				if want[extra] == "" {
					want[extra] = layer
				}
				require.Equal(t, want[extra], layer, "%s on %s", extra, pf)
			}
		}
	}
	first := build("one")
	same(t, first)
	same(t, build("two"))

	img := first["linux/amd64"]
	var zones []string
	for name, f := range img.Files {
		if f.Header.FileInfo().IsDir() && name != "/tmp" && !strings.HasPrefix(name, "/home/") {
			require.Equal(t, "drwxr-xr-x", f.Header.FileInfo().Mode().String(), "%s can be entered", name)
		}
		if strings.HasPrefix(name, "/usr/share/zoneinfo/") && f.Header.FileInfo().Mode().IsRegular() {
			zones = append(zones, name)
			require.True(t, strings.HasPrefix(string(f.Data), "TZif"), name)
		}
	}
	require.ElementsMatch(t, []string{"/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/Europe/Kyiv"}, zones)
	require.True(t, strings.HasSuffix(string(img.Files[extraFiles["ca-certificates"]].Data), string(server.CA)))

	few := build("few")["linux/arm64"]
	require.Len(t, few.Manifest.Layers, 3, "certificates, zones and the binary")
	require.NotEqual(t, want["tzdata"], few.Files[extraFiles["tzdata"]].Layer.String(), "other zones are another layer")
	for _, name := range []string{"no", "none"} {
		for pf, img := range build(name) {
			require.Len(t, img.Files, 1, pf)
			require.Contains(t, img.Files, "/app", pf)
		}
	}
	t.Run("rust", func(t *testing.T) {
		long(t)
		dir = builds.Write(t, with(rustProgram("fn main() {}"), "fromscratch.one.yaml", rustProgram("")["fromscratch.yaml"]+one))
		same(t, build("one"))
	})
}

// TestZonesOfTheDatabase: what is no zone is told apart by the database that the
// zones come from.
func TestZonesOfTheDatabase(t *testing.T) {
	wrong := map[string]string{
		"europe/paris": `fromscratch.1.yaml:6:36: there is no time zone "europe/paris" in the database; did you mean "Europe/Paris"?`,
		"Paris":        `fromscratch.2.yaml:6:36: there is no time zone "Paris" in the database; did you mean "Europe/Paris"?`,
		"Europe":       "fromscratch.3.yaml:6:36: Europe is a folder of the time zone database; name zones in it, such as Europe/Amsterdam",
	}
	specs, i := map[string]string{}, 0
	names := []string{"europe/paris", "Paris", "Europe"}
	for _, zone := range names {
		i++
		specs[strconv.Itoa(i)] = "extras: {tzdata: {zones: [Etc/UTC, " + zone + "]}}\n"
	}
	dir := builds.Write(t, lookAroundSpecs(specs))
	for i, zone := range names {
		t.Run(zone, func(t *testing.T) {
			out := builds.Build{Bed: bed, Context: dir, File: fmt.Sprintf("fromscratch.%d.yaml", i+1)}.Fails(t, builds.Image)
			require.Contains(t, out, wrong[zone])
			require.Contains(t, out, "   6 | >>> extras: {tzdata:")
			require.NotContains(t, out, "go build", "it is found before anything is compiled")
			plainWords(t, out)
		})
	}
}

// TestFrontendsBytes: what goes into an image out of the frontend's own is the same
// however the frontend is reached.
func TestFrontendsBytes(t *testing.T) {
	// A proxy of the machine knows nothing of a registry on loopback.
	client := &http.Client{Transport: &http.Transport{}}
	name, tag, _ := strings.Cut(builds.FrontendImage, ":")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+bed.Registry+"/v2/"+name+"/manifests/"+tag, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json")
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	digest := resp.Header.Get("Docker-Content-Digest")
	require.NotEmpty(t, digest)

	const elsewhere = "registry.example/nowhere/frontend:9"
	const extras = "extras: {ca-certificates: {append: ca.pem}, tzdata: {zones: [UTC, Europe/Paris]}}\n"
	server, err := examples.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	body := strings.TrimPrefix(goSpec, syntax) + extras
	dir := builds.Write(t, with(goProgram(lookAround), "ca.pem", string(server.CA), "fromscratch.tag.yaml", syntax+body,
		"fromscratch.digest.yaml", "# syntax="+name+"@"+digest+"\n"+body, "fromscratch.context.yaml", "# syntax="+elsewhere+"\n"+body))
	build := func(file string, via builds.Via) string {
		b := builds.Build{Bed: bed, Context: dir, File: "fromscratch." + file + ".yaml", Platforms: []string{"linux/arm64"}}
		if file == "context" {
			b.Contexts = map[string]string{elsewhere: "docker-image://" + builds.FrontendImage}
		}
		return b.OK(t, via).Layout.Root.Digest.String()
	}
	want := build("tag", builds.Image)
	require.Equal(t, want, build("digest", builds.Image), "by digest")
	require.Equal(t, want, build("context", builds.Image), "by a named context")
	require.Equal(t, want, build("tag", builds.InProcess), "in process")
}

// secureProgram makes a TLS call.
const secureProgram = `package main

import (
	"crypto/tls"
	"fmt"
	"os"
)

func main() {
	conn, err := tls.Dial("tcp", os.Args[1], nil)
	if err != nil {
		fmt.Println("FAIL tls", err)
		return
	}
	conn.Close()
	fmt.Println("ok tls")
}
`

// random is the part of a message that differs between runs.
var random = regexp.MustCompile(`/tmp/[.\w-]+`)

// TestScratchLacks: the page on what a scratch image lacks quotes what programs say
// who miss it, word for word, and the extra that it names cures it.
func TestScratchLacks(t *testing.T) {
	page := read(t, filepath.Join(bed.Root, "docs", "scratch.md"))
	quoted := func(t *testing.T, out string, messages ...string) {
		t.Helper()
		out = random.ReplaceAllString(out, "/tmp/…")
		for _, message := range messages {
			require.Contains(t, out, message)
			require.Contains(t, page, message)
		}
	}
	run := func(t *testing.T, dir, name string, args ...string) string {
		t.Helper()
		image := bed.Registry + "/test/lacks-" + name
		builds.Build{Bed: bed, Context: dir, File: "fromscratch." + name + ".yaml", Push: image}.OK(t, builds.Image)
		host, err := bed.Docker(t.Context())
		require.NoError(t, err)
		// Whether the program is content is up to its output.
		out, _ := examples.Engine(t.Context(), bed, host, image, nil, args...)
		return out
	}
	t.Run("go", func(t *testing.T) {
		dir := builds.Write(t, lookAroundSpecs(map[string]string{
			"bare": "    env: {TZ: Europe/Paris}\nextras: none\n",
			"full": "    env: {TZ: Europe/Paris}\nextras: {tzdata: {zones: Europe/Paris}}\n",
		}))
		bare, full := run(t, dir, "bare"), run(t, dir, "full")
		quoted(t, bare, "user: Current requires cgo or $USER set in environment", "open /file: permission denied",
			"open /tmp/…: no such file or directory", "unknown time zone Europe/Paris")
		require.Contains(t, bare, "ok local 00:00 UTC\n", "without a word")
		require.NotContains(t, full, "FAIL")
		require.Contains(t, full, "ok local 01:00 CET\n")
	})
	server, err := examples.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	t.Run("TLS", func(t *testing.T) {
		long(t)
		dir := builds.Write(t, with(goProgram(secureProgram), "ca.pem", string(server.CA),
			"fromscratch.tls-bare.yaml", goSpec+"extras: none\n", "fromscratch.tls-full.yaml", goSpec+"extras: {ca-certificates: {append: ca.pem}}\n"))
		address := strings.Trim(strings.TrimPrefix(server.URL, "https:"), "/")
		quoted(t, run(t, dir, "tls-bare", address), "tls: failed to verify certificate: x509: certificate signed by unknown authority")
		require.Contains(t, run(t, dir, "tls-full", address), "ok tls\n")
	})
	t.Run("rust", func(t *testing.T) {
		long(t)
		dir := t.TempDir()
		require.NoError(t, examples.Copy(bed.Root, "rust-service", dir, server.CA))
		full := read(t, filepath.Join(dir, "fromscratch.yaml"))
		before, _, ok := strings.Cut(full, "\nextras: ")
		require.True(t, ok)
		for name, spec := range map[string]string{"rust-full": full, "rust-default": before + "\n", "rust-bare": before + "\nextras: none\n"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "fromscratch."+name+".yaml"), []byte(spec), 0o644))
		}
		quoted(t, run(t, dir, "rust-bare", "check"), `No such file or directory (os error 2) at path "/tmp/…"`,
			"failed to find time zone `Europe/Paris` since there is no time zone database configured")
		quoted(t, run(t, dir, "rust-default", "check", "--url", server.URL), "invalid peer certificate: UnknownIssuer")
		out := run(t, dir, "rust-full", "check", "--url", server.URL)
		checksPass(t, out, nil)
	})
}
