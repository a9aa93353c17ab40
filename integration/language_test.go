//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
)

// call asks a question about a spec with docker buildx build --call, and returns
// the answer and whether buildx takes it for a good one.
func call(t *testing.T, dir, question string, more ...string) (string, error) {
	t.Helper()
	args := append([]string{"buildx", "build", "--progress", "quiet", "--call", question, "-f", filepath.Join(dir, "fromscratch.yaml")}, more...)
	out, err := bed.Command(t.Context(), "docker", append(args, dir)...).CombinedOutput()
	return string(out), err
}

// TestCalls: everything that buildx can ask, on every example.
func TestCalls(t *testing.T) {
	for _, name := range examples.Names {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(bed.Root, "examples", name)
			out, err := call(t, dir, "targets")
			require.NoError(t, err, out)
			require.Contains(t, out, name+" (default)")

			out, err = call(t, dir, "outline")
			require.NoError(t, err, out)
			require.Regexp(t, `TARGET:\s+`+name, out)
			out, err = call(t, dir, "outline,format=json")
			require.NoError(t, err, out)
			require.Contains(t, out, `"ID": "fromscratch/`, "the caches, which the text of buildx leaves out")

			out, err = call(t, dir, "check")
			require.NoError(t, err, out)
			require.Contains(t, out, "no warnings found")

			out, err = call(t, dir, "subrequests.describe")
			require.NoError(t, err, out)
			for _, question := range []string{"lint", "outline", "targets", "schema", "subrequests.describe"} {
				require.Regexp(t, `(?m)^`+question+`\s+1\.0\.0\s`, out)
			}

			out, err = call(t, dir, "schema")
			require.NoError(t, err, out)
			var schema map[string]any
			require.NoError(t, json.Unmarshal([]byte(out), &schema))
			require.Equal(t, "https://json-schema.org/draft/2020-12/schema", schema["$schema"])
		})
	}
}

const severalTargets = syntax + `toolchain: go-cgo0
args: {VERSION: dev, WHO: }
targets:
  api:
    description: answers requests
    build: {package: ./cmd/api, stamp: {main.version: "${VERSION}"}}
    labels: {version: "${VERSION}", platform: $TARGETPLATFORM, target: $TARGET}
  worker:
    description: does the work
    default: true
    build: {package: ./cmd/worker, stamp: {main.version: "${WHO:-nobody} $$5"}}
`

func severalPrograms(spec string) map[string]string {
	const main = "package main\n\nvar version = \"none\"\n\nfunc main() { println(version) }\n"
	return map[string]string{"fromscratch.yaml": spec, "go.mod": "module example.com/several\n\ngo 1.26\n",
		"cmd/api/main.go": main, "cmd/worker/main.go": main}
}

func TestCallsOfSeveralTargets(t *testing.T) {
	dir := builds.Write(t, severalPrograms(severalTargets))
	out, err := call(t, dir, "targets")
	require.NoError(t, err, out)
	require.Regexp(t, `(?m)^api\s+answers requests$`, out)
	require.Regexp(t, `(?m)^worker \(default\)\s+does the work$`, out)

	out, err = call(t, dir, "targets,format=json")
	require.NoError(t, err, out)
	var list struct {
		Targets []struct {
			Name     string
			Default  bool
			Location struct {
				Ranges []struct{ Start struct{ Line int } }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list.Targets, 3)
	require.Equal(t, "binaries", list.Targets[2].Name)
	require.Equal(t, 5, list.Targets[0].Location.Ranges[0].Start.Line)

	out, err = call(t, dir, "outline", "--target", "api", "--build-arg", "VERSION=1.2.3")
	require.NoError(t, err, out)
	require.Regexp(t, `TARGET:\s+api`, out)
	require.Regexp(t, `VERSION\s+1\.2\.3`, out)

	out, err = call(t, dir, "outline", "--target", "nope")
	require.Error(t, err)
	require.Contains(t, out, `there is no target "nope", only api and worker`)
}

// TestCheck: --check shows what a build would, and its exit status says whether
// there is anything to see.
func TestCheck(t *testing.T) {
	t.Run("findings", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"    user: root\n"))
		out, err := call(t, dir, "check")
		require.Error(t, err, out)
		require.Contains(t, out, "WARNING: RunsAsRoot - https://")
		require.Contains(t, out, "   6 | >>>     user: root")
		r := builds.Build{Bed: bed, Context: dir}.OK(t, builds.Image)
		require.Contains(t, r.Output, "RunsAsRoot: ", "a build warns of it too")
		require.Contains(t, r.Output, "(line 6)")
	})
	t.Run("skipped", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", syntax+"# check=skip=RunsAsRoot\n"+goSpec[len(syntax):]+"    user: root\n"))
		out, err := call(t, dir, "check")
		require.NoError(t, err, out)
	})
	t.Run("made an error", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", syntax+"# check=error=true\n"+goSpec[len(syntax):]+"    user: root\n"))
		builds.Each(t, func(t *testing.T, via builds.Via) {
			out := builds.Build{Bed: bed, Context: dir}.Fails(t, via)
			require.Contains(t, out, "   7 | >>>     user: root")
			require.Contains(t, out, "RunsAsRoot: ")
		})
	})
	t.Run("broken spec", func(t *testing.T) {
		dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", syntax+"toolchain: go-cgo0\ntargets:\n  app: {build: ., expsoe: [80], user: bob}\n"))
		checked, err := call(t, dir, "check")
		require.Error(t, err, checked)
		built := builds.Build{Bed: bed, Context: dir}.Fails(t, builds.Image)
		for _, want := range []string{`fromscratch.yaml:4:19: unknown key "expsoe"`, "fromscratch.yaml:4:39: user ", "   4 | >>>   app:"} {
			require.Contains(t, checked, want)
			require.Contains(t, built, want)
		}
	})
}

// TestArguments: declared arguments take values from --build-arg, predefined ones
// from the platform, and both reach binaries and images.
func TestArguments(t *testing.T) {
	dir := builds.Write(t, severalPrograms(severalTargets))
	builds.Each(t, func(t *testing.T, via builds.Via) {
		r := builds.Build{Bed: bed, Context: dir, Target: "api", Platforms: []string{"linux/amd64", "linux/arm64"}, Args: map[string]string{"VERSION": "1.2.3"}}.OK(t, via)
		for pf, img := range r.Layout.Images {
			require.Equal(t, map[string]string{"version": "1.2.3", "platform": pf, "target": "api"}, img.Config.Config.Labels)
		}
		require.Equal(t, "1.2.3", runs(t, r.Layout.Images["linux/amd64"].Files["/api"].Data))

		r = builds.Build{Bed: bed, Context: dir, Args: map[string]string{"VERISON": "1"}}.OK(t, via)
		require.Equal(t, "nobody $5", runs(t, r.Layout.Images["linux/amd64"].Files["/worker"].Data))
		require.Contains(t, r.Output, `build argument VERISON is not declared in the spec, so it has no effect; did you mean "VERSION"?`)
	})
}

// TestBake: targets and args of a bake file are those of the spec.
func TestBake(t *testing.T) {
	out := t.TempDir()
	dir := builds.Write(t, with(severalPrograms(severalTargets), "docker-bake.hcl", `
group "default" { targets = ["services"] }
target "services" {
  name       = name
  matrix     = { name = ["api", "worker"] }
  dockerfile = "fromscratch.yaml"
  target     = name
  args       = { VERSION = "2.0", WHO = "bake" }
  output     = ["`+out+`/${name}"]
}
`))
	cmd := bed.Command(t.Context(), "docker", "buildx", "bake", "--progress", "plain", "--allow", "fs.write="+out)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	for name, want := range map[string]string{"api": "2.0", "worker": "bake $5"} {
		data, err := os.ReadFile(filepath.Join(out, name, name))
		require.NoError(t, err)
		require.Equal(t, want, runs(t, data))
	}
}

// TestConfig: the rest of what a target can say.
func TestConfig(t *testing.T) {
	spec := syntax + `toolchain: {name: go-cgo0, jobs: 2}
targets:
  app:
    build: {package: ., tags: [extra], gcflags: [-l], ldflags: [-d], env: {GODEBUG: madvdontneed=1}, tzdata: embed}
    path: /opt/app/bin/app
    volumes: [/data, /var/cache/app]
    stopsignal: SIGQUIT
    healthcheck: {test: [CMD, /opt/app/bin/app, health], interval: 10s, retries: 4, start-period: 1m}
    metadata: {title: App, licenses: MIT, source: "https://example.com/app"}
    annotations: {org.example.team: blue}
    labels: {org.opencontainers.image.licenses: Apache-2.0}
    copy:
      - {src: config/, dest: /etc/app/, exclude: ["*.tmp"], chown: nonroot, chmod: 0640}
      - {src: "*.txt", dest: /usr/share/app/}
      - {src: greeting, from: assets, dest: /srv/greeting}
extras: {nsswitch: true, hosts: true, dirs: [{path: /var/spool/app, chmod: 1777}, {path: /run/app, chmod: 0700}]}
`
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": spec, "go.mod": "module example.com/app\n\ngo 1.26\n",
		"main.go": "//go:build !extra\n\npackage main\n\nfunc main() { println(\"plain\") }\n", "extra.go": "//go:build extra\n\npackage main\n\nfunc main() { println(\"extra\") }\n",
		"config/a.conf": "a", "config/sub/b.conf": "b", "config/c.tmp": "c", "notes.txt": "notes", "more.txt": "more"})
	assets := builds.Write(t, map[string]string{"greeting": "hello"})
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Contexts: map[string]string{"assets": assets}}
	l := build.OK(t, builds.Image).Layout
	img := l.Images["linux/amd64"]
	cfg := img.Config.Config
	require.Equal(t, []string{"/opt/app/bin/app"}, cfg.Entrypoint)
	require.Equal(t, "extra", runs(t, img.Files["/opt/app/bin/app"].Data))
	require.Equal(t, map[string]struct{}{"/data": {}, "/var/cache/app": {}}, cfg.Volumes)
	require.Equal(t, "SIGQUIT", cfg.StopSignal)
	require.Equal(t, []string{"CMD", "/opt/app/bin/app", "health"}, cfg.Healthcheck.Test)
	require.Equal(t, "10s", cfg.Healthcheck.Interval.String())
	require.Equal(t, 4, cfg.Healthcheck.Retries)
	require.Equal(t, map[string]string{"org.opencontainers.image.title": "App", "org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.source": "https://example.com/app"}, cfg.Labels)
	require.Equal(t, "blue", img.Manifest.Annotations["org.example.team"])
	require.Equal(t, "App", img.Manifest.Annotations["org.opencontainers.image.title"])
	require.Equal(t, "App", l.Index.Annotations["org.opencontainers.image.title"], "registries read the index")
	require.NotContains(t, l.Index.Annotations, "org.example.team")

	for path, want := range map[string]string{
		"/data": "drwxr-xr-x 65532", "/var/cache/app": "drwxr-xr-x 65532", "/var/spool/app": "dtrwxrwxrwx 65532", "/run/app": "drwx------ 65532",
		"/etc/app/a.conf": "-rw-r----- 65532", "/etc/app/sub/b.conf": "-rw-r----- 65532",
		"/usr/share/app/notes.txt": "-rw-r--r-- 0", "/usr/share/app/more.txt": "-rw-r--r-- 0", "/srv/greeting": "-rw-r--r-- 0",
		"/etc/nsswitch.conf": "-rw-r--r-- 0", "/etc/hosts": "-rw-r--r-- 0",
	} {
		f, ok := img.Files[path]
		require.True(t, ok, path)
		require.Equal(t, want, modeAndOwner(f), path)
		require.Zero(t, f.Header.ModTime.Unix(), path)
	}
	require.NotContains(t, img.Files, "/etc/app/c.tmp")
	require.Equal(t, "hello", string(img.Files["/srv/greeting"].Data))
}

// TestOwners: layers carry the directories above their files, and none takes a
// directory away from its owner, or lets the user write where root's files are.
func TestOwners(t *testing.T) {
	for _, tc := range []struct {
		name, spec string
		want       map[string]string
	}{
		{"binary in a volume", "path: /data/app, volumes: [/data], workdir: /data", map[string]string{"/data": "drwxr-xr-x 65532"}},
		{"workdir in a volume", "volumes: [/srv], workdir: /srv/data", map[string]string{"/srv": "drwxr-xr-x 65532", "/srv/data": "drwxr-xr-x 65532"}},
		{"binary at home", "user: {name: app, uid: 7, home: /home/app}, path: /home/app/bin/app", map[string]string{"/home/app": "drwx------ 7", "/home/app/bin": "drwxr-xr-x 0"}},
		{"volume at /tmp", "volumes: [/tmp]", map[string]string{"/tmp": "dtrwxrwxrwx 0"}},
		{"copy with owner and mode", "copy: [{src: conf/, dest: /etc/app/, chown: nonroot, chmod: 0640}]",
			map[string]string{"/etc": "drwxr-xr-x 0", "/etc/app/a": "-rw-r----- 65532", "/etc/app/sub": "drwxr-x--- 65532", "/etc/app/sub/b": "-rw-r----- 65532"}},
		{"copy into the workdir", "workdir: /srv/data, copy: [{src: conf/, dest: /srv/data/}]", map[string]string{"/srv/data": "drwxr-xr-x 65532", "/srv/data/a": "-rw-r--r-- 0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", syntax+"toolchain: go-cgo0\ntargets:\n  app: {"+tc.spec+"}\n",
				"conf/a", "a", "conf/sub/b", "b"))
			img := builds.Build{Bed: bed, Context: dir}.OK(t, builds.Image).Layout.Images["linux/amd64"]
			for path, want := range tc.want {
				require.Contains(t, img.Files, path)
				require.Equal(t, want, modeAndOwner(img.Files[path]), path)
			}
			require.Equal(t, "drwxr-xr-x 0", modeAndOwner(img.Files["/etc"]))
		})
	}
}
