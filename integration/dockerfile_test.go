//go:build integration

package integration

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// everyKey is a spec for a program in Go with about all that an image can have.
const everyKey = syntax + `toolchain: go-cgo0
args: {VERSION: dev, COMMIT: }
extras: {tzdata: {zones: [UTC, Europe/Paris]}, nsswitch: true, hosts: true}
targets:
  app:
    build: {package: ., stamp: {main.version: "${VERSION} it's", main.commit: "${COMMIT:-unknown}"}}
    path: /srv/bin/app
    cmd: [serve, "a b", "$$HOME"]
    env: {PRICE: "5$$ \"net\" \\", PLATFORM: "on ${TARGETARCH}"}
    expose: [8080, 53/udp]
    user: {name: app, uid: 1001, gid: 1002}
    workdir: /srv/app/data
    volumes: [/var/lib/app]
    stopsignal: SIGINT
    healthcheck: {test: [/srv/bin/app, health], interval: 90s, timeout: 3s, start-period: 1s, retries: 2}
    labels: {version: "${VERSION}", "a b": "c 'd' $$"}
    copy:
      - {src: config/, dest: /etc/app/, chown: nonroot, chmod: 0640}
      - {src: ["*.txt"], dest: "/srv/with blank/"}
      - {src: config, dest: /srv/app, chown: 7:8}
    extras:
      ca-certificates: {append: [corp.pem]}
      dirs: [{path: /srv/spool, chmod: 01770, chown: "5:6"}, {path: /srv/spool/in}]
`

// authority is a certificate that no bundle has.
func authority(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// dockerfileOf is what --call dockerfile prints.
func dockerfileOf(t *testing.T, b builds.Build, flags ...string) string {
	t.Helper()
	args := slices.Concat([]string{"buildx", "build", "--builder", bed.Builder, "--call", "dockerfile", "-f", filepath.Join(b.Context, "fromscratch.yaml")}, flags)
	if len(b.Platforms) > 0 {
		args = append(args, "--platform", strings.Join(b.Platforms, ","))
	}
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	cmd := bed.Command(t.Context(), "docker", append(args, b.Context)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	return string(out)
}

// stock builds a Dockerfile with BuildKit's own frontend.
func stock(t *testing.T, b builds.Build, text string) *ocilayout.Layout {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	// The test bed's registry has no frontend for Dockerfiles; BuildKit has one of its own.
	text = strings.TrimPrefix(text, "# syntax=docker/dockerfile:1\n")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	dir := t.TempDir()
	args := []string{"buildx", "build", "--builder", bed.Builder, "--progress", "plain", "--provenance=false", "--output", "type=oci,tar=false,dest=" + dir,
		"--platform", strings.Join(b.Platforms, ","), "-f", file, b.Context}
	out, err := bed.Command(t.Context(), "docker", args...).CombinedOutput()
	require.NoError(t, err, "%s\n%s", text, out)
	l, err := ocilayout.Open(t.Context(), dir)
	require.NoError(t, err)
	return l
}

// TestDockerfile: the Dockerfile that the call prints makes the same image, but for times,
// history and layers.
func TestDockerfile(t *testing.T) {
	dir := builds.Write(t, map[string]string{
		"fromscratch.yaml": everyKey,
		"go.mod":           "module example.com/app\n\ngo 1.26\n",
		"main.go":          "package main\n\nvar version, commit string\n\nfunc main() { println(version, commit) }\n",
		"config/a.conf":    "a\n",
		"config/sub/b":     "b\n",
		"LICENSE.txt":      "text\n",
		"corp.pem":         "a company\n" + authority(t),
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "config/sub"), 0o700))
	b := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	if full() {
		b.Platforms = append(b.Platforms, "linux/arm64")
	}
	ours := b.OK(t, builds.Image).Layout
	theirs := stock(t, b, dockerfileOf(t, b))
	require.Equal(t, b.Platforms, theirs.Platforms())
	for _, pf := range b.Platforms {
		equivalent(t, imageOf(ours.Images[pf]), imageOf(theirs.Images[pf]))
	}
	if !full() {
		return
	}
	b.Platforms = b.Platforms[:1]
	plain := stock(t, b, dockerfileOf(t, b, "--build-arg", "FROMSCRATCH_DOCKERFILE=plain"))
	equivalent(t, imageOf(ours.Images["linux/amd64"]), imageOf(plain.Images["linux/amd64"]))
}

// TestDockerfileOfExamples is TestDockerfile for programs with dependencies.
func TestDockerfileOfExamples(t *testing.T) {
	long(t)
	for _, name := range []string{"go-service", "rust-service"} {
		t.Run(name, func(t *testing.T) {
			b := builds.Build{Bed: bed, Context: filepath.Join("..", "examples", name), Platforms: []string{"linux/amd64", "linux/arm64"}}
			ours := b.OK(t, builds.Image).Layout
			theirs := stock(t, b, dockerfileOf(t, b))
			for _, pf := range b.Platforms {
				equivalent(t, imageOf(ours.Images[pf]), imageOf(theirs.Images[pf]))
			}
		})
	}
}

// TestClassicBuilder: Docker Engine's classic builder makes the same image of the plain
// form.
func TestClassicBuilder(t *testing.T) {
	long(t)
	for _, name := range []string{"go-service", "rust-service"} {
		t.Run(name, func(t *testing.T) {
			b := builds.Build{Bed: bed, Context: filepath.Join("..", "examples", name), Platforms: []string{"linux/amd64"}}
			ours := b.OK(t, builds.Image).Layout
			text := dockerfileOf(t, b, "--build-arg", "FROMSCRATCH_DOCKERFILE=plain")
			for _, base := range bases(text) {
				here(t, base)
			}
			file := filepath.Join(t.TempDir(), "Dockerfile")
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			tag := fmt.Sprintf("classic/%s:%d", name, time.Now().UnixNano())
			out, err := classic(t, "build", "--network", "host", "-t", tag, "-f", file, b.Context)
			require.NoError(t, err, "%s\n%s", text, out)
			t.Cleanup(func() { _, _ = docker(context.Background(), t, "rmi", tag) })
			equivalent(t, imageOf(ours.Images["linux/amd64"]), saved(t, tag))
		})
	}
}

// TestBuildah is TestClassicBuilder for buildah, where it is installed.
func TestBuildah(t *testing.T) {
	long(t)
	program, err := exec.LookPath("buildah")
	if err != nil {
		t.Skip("buildah is not installed")
	}
	b := builds.Build{Bed: bed, Context: filepath.Join("..", "examples", "go-service"), Platforms: []string{"linux/amd64"}}
	ours := b.OK(t, builds.Image).Layout
	text := dockerfileOf(t, b, "--build-arg", "FROMSCRATCH_DOCKERFILE=plain")
	dir := t.TempDir()
	buildah := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for _, image := range bases(text) {
		full := "docker.io/" + image
		if !strings.Contains(image, "/") {
			full = "docker.io/library/" + image
		}
		from := bed.Registry + strings.TrimPrefix(full, "docker.io")
		buildah("pull", "-q", "--tls-verify=false", from)
		buildah("tag", from, full)
		// Short names are up to the configuration of the machine.
		text = strings.ReplaceAll(text, "FROM "+image+" ", "FROM "+full+" ")
	}
	file := filepath.Join(dir, "Dockerfile")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	buildah("build", "--isolation", "chroot", "--pull=never", "--network", "host", "-t", "app", "-f", file, b.Context)
	buildah("push", "app", "oci:"+filepath.Join(dir, "oci")+":latest")
	l, err := ocilayout.Open(t.Context(), filepath.Join(dir, "oci"))
	require.NoError(t, err)
	theirs := imageOf(l.Images["linux/amd64"])
	// It says of itself that it was there.
	delete(theirs.Config.Labels, "io.buildah.version")
	equivalent(t, imageOf(ours.Images["linux/amd64"]), theirs)
}

// bases are the images that a Dockerfile begins with.
func bases(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if words := strings.Fields(l); len(words) > 3 && words[0] == "FROM" && strings.Contains(words[1], ":") {
			out = append(out, words[1])
		}
	}
	return out
}

// here gives the Docker Engine an image of the registry under the name that a Dockerfile
// has for it.
func here(t *testing.T, name string) {
	t.Helper()
	from := bed.Registry + "/" + name
	if !strings.Contains(name, "/") {
		from = bed.Registry + "/library/" + name
	}
	// A test beside this one may have taken the names away already.
	t.Cleanup(func() { _, _ = docker(context.Background(), t, "rmi", name, from) })
	for _, args := range [][]string{{"pull", "-q", from}, {"tag", from, name}} {
		out, err := docker(t.Context(), t, args...)
		require.NoError(t, err, out)
	}
}

// classic runs docker without BuildKit.
func classic(t *testing.T, args ...string) (string, error) {
	t.Helper()
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	cmd := bed.Command(t.Context(), "docker", append([]string{"-H", host}, args...)...)
	cmd.Env = append(cmd.Environ(), "DOCKER_BUILDKIT=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// image is what of an image does not depend on who built it.
type image struct {
	Platform string
	Config   dockerspec.DockerOCIImageConfig
	Files    map[string]ocilayout.File
}

func imageOf(img *ocilayout.Image) image {
	return image{img.Config.OS + "/" + img.Config.Architecture + "/" + img.Config.Variant, img.Config.Config, img.Files}
}

// equivalent wants two images to be the same, file by file and key by key.
func equivalent(t *testing.T, ours, theirs image) {
	t.Helper()
	require.Equal(t, ours.Platform, theirs.Platform)
	// A container has no order of variables.
	slices.Sort(ours.Config.Env)
	slices.Sort(theirs.Config.Env)
	require.Equal(t, keysOf(t, ours.Config), keysOf(t, theirs.Config))
	want, got := describe(ours.Files), describe(theirs.Files)
	require.Equal(t, want, got)
	for name, f := range ours.Files {
		require.True(t, bytes.Equal(f.Data, theirs.Files[name].Data), "%s has other bytes", name)
	}
}

// keysOf are the keys of a config. Of Dockerfiles, BuildKit sets one more, which means
// nothing on Linux.
func keysOf(t *testing.T, config dockerspec.DockerOCIImageConfig) map[string]any {
	t.Helper()
	data, err := json.Marshal(config)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(data, &out))
	delete(out, "ArgsEscaped")
	return out
}

// describe is what a container sees of each file but its content and its times.
func describe(files map[string]ocilayout.File) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := files[name].Header
		if name == "/" {
			continue
		}
		xattrs := ""
		for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
			if strings.HasPrefix(key, "SCHILY.xattr.") {
				xattrs += fmt.Sprintf(" %s=%x", key, h.PAXRecords[key])
			}
		}
		out = append(out, fmt.Sprintf("%s %c %04o %d:%d %d %s%s", name, h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, h.Size, h.Linkname, xattrs))
	}
	return out
}

// saved reads an image out of the Docker Engine.
func saved(t *testing.T, tag string) image {
	t.Helper()
	host, err := bed.Docker(t.Context())
	require.NoError(t, err)
	data, err := bed.Command(t.Context(), "docker", "-H", host, "save", tag).Output()
	require.NoError(t, err)
	entries := map[string][]byte{}
	untar(t, data, func(h *tar.Header, content []byte) { entries[path.Clean(h.Name)] = content })
	var manifest []struct {
		Config string
		Layers []string
	}
	require.NoError(t, json.Unmarshal(entries["manifest.json"], &manifest))
	require.Len(t, manifest, 1)
	var config dockerspec.DockerOCIImage
	require.NoError(t, json.Unmarshal(entries[manifest[0].Config], &config))
	out := image{config.OS + "/" + config.Architecture + "/" + config.Variant, config.Config, map[string]ocilayout.File{}}
	for _, layer := range manifest[0].Layers {
		untar(t, entries[layer], func(h *tar.Header, content []byte) {
			out.Files[path.Join("/", h.Name)] = ocilayout.File{Header: h, Data: content}
		})
	}
	return out
}

func untar(t *testing.T, archive []byte, each func(*tar.Header, []byte)) {
	t.Helper()
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		content, err := io.ReadAll(tr)
		require.NoError(t, err)
		each(h, content)
	}
}
