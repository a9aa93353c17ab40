//go:build integration

package integration

import (
	"encoding/json"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// fields are the fields of an image's config, but for those that say what is in it
// and how that came there. The environment is one of names, in any order.
func fields(t *testing.T, img *ocilayout.Image) map[string]any {
	t.Helper()
	data, err := json.Marshal(img.Config.Config)
	require.NoError(t, err)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(data, &out))
	// Docker's, for Windows; BuildKit writes it whatever the platform is.
	delete(out, "ArgsEscaped")
	if env, ok := out["Env"].([]any); ok {
		slices.SortFunc(env, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	return out
}

// TestConfigAsDockerfile: the config is that of a Dockerfile that says the same, and
// what says where the image comes from is in labels and annotations.
func TestConfigAsDockerfile(t *testing.T) {
	dir := builds.Write(t, with(goProgram(hello),
		"Dockerfile", `FROM scratch
ENTRYPOINT ["/app", "--flag", "a b"]
CMD ["serve", ""]
ENV A="1" B="x=y z" HOME=/home/app PATH=/bin
EXPOSE 8080 53/udp 7000-7002 9000-9001/udp
VOLUME ["/data", "/var/lib/app"]
WORKDIR /srv/app
USER 10001:10002
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=5s --start-interval=2s --retries=4 CMD ["/app", "health"]
LABEL org.example.a="1" org.example.b="from the file" org.opencontainers.image.title="The app" org.opencontainers.image.version="1.30"
COPY main.go /app
`,
		"fromscratch.yaml", goSpec+`    entrypoint: [/app, --flag, a b]
    cmd: [serve, ""]
    env: {A: 1, B: "x=y z", PATH: /bin}
    expose: [8080, 53/udp, 7000-7002, 9000-9001/udp]
    volumes: [/data, /var/lib/app]
    workdir: /srv/app
    user: {name: app, uid: 10001, gid: 10002}
    stopsignal: SIGINT
    healthcheck: {test: [CMD, /app, health], interval: 1m30s, timeout: 500ms, start-period: 5s, start-interval: 2s, retries: 4}
    labels: {org.example.a: 1, org.example.b: from the file}
    metadata: {title: The app, version: 1.30}
    annotations: {org.example.note: only here}
`,
		"Dockerfile.none", "FROM scratch\nENV HOME=/home/nonroot PATH=/bin\nENTRYPOINT [\"/app\"]\nUSER 65532:65532\nWORKDIR /\nHEALTHCHECK NONE\nCOPY main.go /app\n",
		"none.yaml", goSpec+"    env: {PATH: /bin}\n    healthcheck: {test: [NONE]}\n"))
	labels := map[string]string{"org.example.b": "from the command line", "org.example.c": "3"}
	platforms := []string{"linux/amd64", "linux/arm64"}
	want := builds.Build{Bed: bed, Context: dir, File: "Dockerfile", Platforms: platforms, Labels: labels}.OK(t, builds.Image)
	none := builds.Build{Bed: bed, Context: dir, File: "Dockerfile.none"}.OK(t, builds.Image)
	each(t, func(t *testing.T, via builds.Via) {
		got := builds.Build{Bed: bed, Context: dir, Platforms: platforms, Labels: labels}.OK(t, via)
		metadata := map[string]string{ocispecs.AnnotationTitle: "The app", ocispecs.AnnotationVersion: "1.30"}
		require.Equal(t, metadata, got.Layout.Index.Annotations, "those of metadata alone")
		for pf, img := range got.Layout.Images {
			require.Equal(t, fields(t, want.Layout.Images[pf]), fields(t, img))
			require.Equal(t, with(metadata, "org.example.note", "only here"), img.Manifest.Annotations)
			require.NotContains(t, img.Config.Config.Labels, "org.example.note")
		}
		alone := builds.Build{Bed: bed, Context: dir, File: "none.yaml"}.OK(t, via)
		require.Equal(t, fields(t, none.Layout.Images["linux/amd64"]), fields(t, alone.Layout.Images["linux/amd64"]))
		require.Empty(t, alone.Layout.Images["linux/amd64"].Manifest.Annotations, "nothing is known of a folder")
	})
}

// TestGitContext: a commit says what it is and when it was made, to the image too,
// and without the password that it takes to get it.
func TestGitContext(t *testing.T) {
	work := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"    copy: [{src: go.mod, dest: /src/}, {from: repo, src: go.mod, dest: /other/}]\n"))
	root := t.TempDir()
	git := func(dir string, args ...string) string {
		cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com", "-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2024-05-01T00:00:00Z", "GIT_COMMITTER_DATE=2024-05-06T07:08:09+02:00")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git(work, "init", "-q", "-b", "main")
	git(work, "add", ".")
	git(work, "commit", "-qm", "app")
	git(work, "tag", "-a", "-m", "release", "v1.2.3")
	git(root, "clone", "-q", "--bare", work, "app.git")
	commit := git(work, "rev-parse", "HEAD")
	backend := filepath.Join(git(work, "--exec-path"), "git-http-backend")
	addr, _ := serve(t, &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}}, passes)
	url, public := "http://me:"+password+"@"+addr+"/app.git", "http://"+addr+"/app.git"

	known := map[string]string{ocispecs.AnnotationRevision: commit, ocispecs.AnnotationSource: public, ocispecs.AnnotationCreated: "2024-05-06T05:08:09Z"}
	build := builds.Build{Bed: bed, Remote: url + "#main", Contexts: map[string]string{"repo": url}}
	each(t, func(t *testing.T, via builds.Via) {
		look := func(build builds.Build, want map[string]string, created time.Time) *ocilayout.Layout {
			t.Helper()
			r := build.OK(t, via)
			img := r.Layout.Images["linux/amd64"]
			require.Equal(t, want, img.Config.Config.Labels)
			require.Equal(t, want, img.Manifest.Annotations)
			require.True(t, created.Equal(*img.Config.Created), "%s", img.Config.Created)
			require.Contains(t, string(img.Files["/other/go.mod"].Data), "module example.com/app", "a repository is a named context too")
			require.Equal(t, img.Files["/src/go.mod"].Data, img.Files["/other/go.mod"].Data)
			holdsNo(t, r.Dir)
			return r.Layout
		}
		commitTime := time.Date(2024, 5, 6, 5, 8, 9, 0, time.UTC)
		first := look(build, known, commitTime)
		again := build
		again.NoCache = full()
		require.Equal(t, first.Root.Digest, look(again, known, commitTime).Root.Digest)

		tagged := build
		tagged.Remote = url + "#v1.2.3"
		look(tagged, with(known, ocispecs.AnnotationVersion, "v1.2.3"), commitTime)

		epoch := build
		epoch.Args = map[string]string{"SOURCE_DATE_EPOCH": "1700000000"}
		look(epoch, with(known, ocispecs.AnnotationCreated, "2023-11-14T22:13:20Z"), time.Unix(1700000000, 0))
	})
}
