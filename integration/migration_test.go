//go:build integration

package integration

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// goAPI says what it is and what it finds, a line a thing.
const goAPI = `package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"
)

var version = "unset"

func main() {
	fmt.Println("version", version)
	if _, err := time.LoadLocation("Europe/Paris"); err == nil {
		fmt.Println("zones")
	}
	if _, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil {
		fmt.Println("account")
	}
	if f, err := os.CreateTemp("", "file"); err == nil {
		fmt.Println("temporary files")
		f.Close()
	}
	if data, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil && len(data) > 100_000 {
		fmt.Println("certificates")
	}
}
`

// goAPIModule is goAPI with a dependency.
func goAPIModule(t *testing.T) map[string]string {
	t.Helper()
	return tidy(t, map[string]string{
		"go.mod":              "module example.com/app\n\ngo 1.26\n\nrequire github.com/pkg/errors v0.9.1\n",
		"cmd/api/main.go":     goAPI,
		"cmd/api/required.go": "package main\n\nimport _ \"github.com/pkg/errors\"\n",
	})
}

// rustAPI is a Rust program with dependencies.
func rustAPI() map[string]string {
	files := withDependencies("hello", "1.0.14")
	for name := range files {
		files[name] = strings.ReplaceAll(files[name], `"app"`, `"api"`)
	}
	return files
}

// outcome is an image, and what its program says.
type outcome struct {
	config dockerspec.DockerOCIImageConfig
	files  map[string]string
	says   []string
}

// migrate builds a program by a Dockerfile and by a spec.
func migrate(t *testing.T, files map[string]string, dockerfile, spec, name string, contexts map[string]string) (was, is outcome) {
	t.Helper()
	dir := builds.Write(t, with(files, "Dockerfile", dockerfile, "fromscratch.yaml", spec))
	if strings.Contains(spec, "prebuilt") {
		compileHere(t, files["cmd/api/main.go"], filepath.Join(dir, "dist", "api"), "amd64")
	}
	outcomes := map[string]outcome{}
	for _, file := range []string{"Dockerfile", "fromscratch.yaml"} {
		image := bed.Registry + "/test/migration-" + name + ":" + strings.ToLower(file)
		b := builds.Build{Bed: bed, Context: dir, File: file, Platforms: []string{"linux/amd64"}, Push: image, Contexts: contexts, Args: map[string]string{"VERSION": "1.4.0"}}
		img := b.OK(t, builds.Image).Layout.Images["linux/amd64"]
		o := outcome{config: img.Config.Config, files: map[string]string{}, says: strings.Split(strings.TrimSpace(runOnEngine(t, image, nil)), "\n")}
		for name, f := range img.Files {
			o.files[strings.TrimSuffix(name, "/")] = string(f.Data)
		}
		outcomes[file] = o
	}
	return outcomes["Dockerfile"], outcomes["fromscratch.yaml"]
}

// uid is the number of the user of an image.
func (o outcome) uid(t *testing.T) string {
	t.Helper()
	name, _, _ := strings.Cut(o.config.User, ":")
	for line := range strings.Lines(o.files["/etc/passwd"]) {
		if f := strings.Split(line, ":"); f[0] == name {
			return f[2]
		}
	}
	return name
}

// distroless is an image with what gcr.io/distroless/static-debian12:nonroot has.
const distroless = `FROM golang:1.26 AS files
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/usr/share /root-fs/home/nonroot && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ && \
    cp -a /usr/share/zoneinfo /root-fs/usr/share/ && chown 65532:65532 /root-fs/home/nonroot && install -d -m 1777 /root-fs/tmp && \
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > /root-fs/etc/passwd && echo 'hosts: files dns' > /root-fs/etc/nsswitch.conf
FROM scratch
COPY --from=files /root-fs /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532
WORKDIR /home/nonroot
`

// chef is the image of cargo-chef.
const chef = "FROM rust:1.96-bookworm\nRUN cargo install cargo-chef --locked --version 0.1.78 && rm -rf /usr/local/cargo/registry /usr/local/cargo/git\n"

// TestMigration builds the Dockerfiles of the page on migration, and the specs that
// stand beside them: what an image could do before, the other one can.
func TestMigration(t *testing.T) {
	p := page(t, "docs/migration.md")
	text := func(t *testing.T, section string, is func(docs.Block) bool) string {
		t.Helper()
		blocks := p.In(section)
		i := slices.IndexFunc(blocks, is)
		require.NotEqual(t, -1, i, section)
		return blocks[i].Text
	}
	for _, tc := range []struct {
		section string
		// spec is the section that has the spec, if that is another one.
		spec  string
		files func(*testing.T) map[string]string
		// images stand in for some that the test bed does not have.
		images map[string]string
		// paths are in both images.
		paths []string
		// gained is what the program finds with the spec and not with the Dockerfile.
		gained []string
	}{
		{section: "gitlab-two-jobs", files: func(*testing.T) map[string]string { return map[string]string{"cmd/api/main.go": goAPI} },
			gained: []string{"account", "temporary files", "certificates"}},
		{section: "go-certificates-and-time-zones", files: goAPIModule, gained: []string{"temporary files"},
			paths: []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/Europe/Paris", "/etc/passwd"}},
		{section: "go-cache-mounts", files: goAPIModule, gained: []string{"account", "temporary files", "certificates"}},
		{section: "go-distroless", files: goAPIModule, images: map[string]string{"gcr.io/distroless/static-debian12:nonroot": distroless},
			paths: []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/Europe/Paris", "/etc/passwd", "/tmp", "/home/nonroot", "/etc/nsswitch.conf"}},
		{section: "rust-musl", files: func(*testing.T) map[string]string { return rustAPI() }},
		{section: "rust-cargo-chef", spec: "rust-musl", files: func(*testing.T) map[string]string { return rustAPI() },
			images: map[string]string{"lukemathwalker/cargo-chef:latest-rust-1.96-bookworm": chef}},
		{section: "rust-cache-mounts", spec: "rust-musl", files: func(*testing.T) map[string]string { return rustAPI() }},
	} {
		t.Run(tc.section, func(t *testing.T) {
			if tc.section != "gitlab-two-jobs" {
				long(t)
			}
			contexts := map[string]string{}
			for _, name := range slices.Sorted(maps.Keys(tc.images)) {
				contexts[name] = "docker-image://" + toolchainImage(t, "for-"+tc.section, tc.images[name])
			}
			dockerfile := text(t, tc.section, func(b docs.Block) bool { return b.Language == "dockerfile" })
			spec := text(t, cmp.Or(tc.spec, tc.section), func(b docs.Block) bool { return b.Language == "yaml" && !b.File() })
			was, is := migrate(t, tc.files(t), dockerfile, spec, tc.section, contexts)

			require.Equal(t, was.config.Entrypoint, is.config.Entrypoint)
			require.Equal(t, was.config.Cmd, is.config.Cmd)
			require.Equal(t, was.config.ExposedPorts, is.config.ExposedPorts)
			require.Equal(t, cmp.Or(was.config.WorkingDir, "/"), is.config.WorkingDir)
			require.Equal(t, was.uid(t), is.uid(t))
			require.Regexp(t, `^\d+:\d+$`, is.config.User)
			for _, path := range append(tc.paths, was.config.Entrypoint[0]) {
				require.Contains(t, was.files, path)
				require.Contains(t, is.files, path)
				require.Equal(t, was.files[path] == "", is.files[path] == "", path)
			}
			require.NotEmpty(t, was.says)
			for _, line := range was.says {
				require.Contains(t, is.says, line)
			}
			for _, line := range tc.gained {
				require.Contains(t, is.says, line)
				require.NotContains(t, was.says, line)
			}
		})
	}
	t.Run("distroless as a base", func(t *testing.T) {
		long(t)
		const name = "gcr.io/distroless/static-debian12:nonroot"
		require.Contains(t, p.Text, "`base: "+name+"`")
		spec := text(t, "go-distroless", func(b docs.Block) bool { return b.Language == "yaml" })
		image := bed.Registry + "/test/migration-base"
		builds.Build{Bed: bed, Context: builds.Write(t, with(goAPIModule(t), "fromscratch.yaml", strings.Replace(spec, "targets:", "base: "+name+"\ntargets:", 1))),
			Contexts: map[string]string{name: "docker-image://" + toolchainImage(t, "for-go-distroless", distroless)}, Push: image}.OK(t, builds.Image)
		require.Contains(t, runOnEngine(t, image, nil), "zones\naccount\ntemporary files\ncertificates\n")
	})
}

// TestComposeOfPages: of the two Compose files of the page on migration, the second
// differs in the name of the file alone.
func TestComposeOfPages(t *testing.T) {
	var files []string
	for _, b := range page(t, "docs/migration.md").In("compose") {
		if b.Attribute == "compose.yaml" {
			files = append(files, b.Text)
		}
	}
	require.Len(t, files, 2)
	require.Equal(t, strings.Replace(files[0], "dockerfile: Dockerfile", "dockerfile: fromscratch.yaml", 1), files[1])

	long(t)
	dir := builds.Write(t, with(severalPrograms(severalTargets), "compose.yaml", files[1]))
	out := t.TempDir()
	cmd := bed.Command(t.Context(), "docker", "buildx", "bake", "--progress", "plain", "-f", "compose.yaml", "--allow", "fs.write="+out, "--set", "api.output=type=local,dest="+out)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	data, err := os.ReadFile(filepath.Join(out, "api"))
	require.NoError(t, err)
	require.Equal(t, "1.4.0", runs(t, data))
}
