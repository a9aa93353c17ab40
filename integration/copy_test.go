//go:build integration

package integration

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// copies are entries of copy, and what a Dockerfile says instead. D is a directory
// that both images have, root's and with mode 0755.
var copies = []struct{ dockerfile, spec string }{
	{`file.txt D/file`, `src: file.txt, dest: D/file`},
	{`file.txt D/sub/`, `src: file.txt, dest: D/sub/`},
	{`file.txt D/a/b/c`, `src: file.txt, dest: D/a/b/c`},
	{`/run.sh D/`, `src: /run.sh, dest: D/`},
	{`dir D/new`, `src: dir, dest: D/new`},
	{`dir/ D/new/`, `src: dir/, dest: D/new/`},
	{`dir D`, `src: dir, dest: D`},
	{`closed D/closed`, `src: closed, dest: D/closed`},
	{`around D/`, `src: around, dest: D/`},
	{`links D/links`, `src: links, dest: D/links`},
	{`tofile D/x`, `src: tofile, dest: D/x`},
	{`tofile D/`, `src: tofile, dest: D/`},
	{`todir D/x`, `src: todir, dest: D/x`},
	{`todir/sub/deep D/`, `src: todir/sub/deep, dest: D/`},
	{`*.txt D/`, `src: "*.txt", dest: D/`},
	{`?.conf D/`, `src: "?.conf", dest: D/`},
	{`[a-b].conf D/`, `src: "[a-b].conf", dest: D/`},
	{`dir* D/`, `src: "dir*", dest: D/`},
	{`*/*.conf D/`, `src: "*/*.conf", dest: D/`},
	{`to* D/`, `src: "to*", dest: D/`},
	{`hidden/* D/`, `src: hidden/*, dest: D/`},
	{`one*.txt D/renamed`, `src: "one*.txt", dest: D/renamed`},
	{`--exclude=*.tmp dir D/x`, `src: dir, dest: D/x, exclude: "*.tmp"`},
	{`--exclude=**/*.tmp dir D/x`, `src: dir, dest: D/x, exclude: "**/*.tmp"`},
	{`--exclude=sub dir D/x`, `src: dir, dest: D/x, exclude: [sub]`},
	{`--exclude=sub --exclude=!sub/deep dir D/x`, `src: dir, dest: D/x, exclude: [sub, "!sub/deep"]`},
	{`--exclude=* --exclude=!sub/deep dir D/x`, `src: dir, dest: D/x, exclude: ["*", "!sub/deep"]`},
	{`--exclude=one*.txt *.txt D/`, `src: "*.txt", dest: D/, exclude: one*.txt`},
	{`--chown=5:6 file.txt D/`, `src: file.txt, dest: D/, chown: "5:6"`},
	{`--chown=7 dir D/x`, `src: dir, dest: D/x, chown: 7`},
	{`--chown=65532:0 dir D/x/`, `src: dir, dest: D/x/, chown: "nonroot:root"`},
	{`--chown=1234:1234 links D/x`, `src: links, dest: D/x, chown: web`},
	{`--chmod=600 file.txt D/`, `src: file.txt, dest: D/, chmod: 0600`},
	{`--chmod=4755 run.sh D/`, `src: run.sh, dest: D/, chmod: 4755`},
	{`--chmod=a-x,u=rwX,g=rX,o= dir D/`, `src: dir, dest: D/, chmod: 0640`},
	{`file.txt run.sh dir D/`, `src: [file.txt, run.sh, dir], dest: D/`},
	{`dir* *.conf D/`, `src: ["dir*", "*.conf"], dest: D/`},
	{`"with space" D/`, `src: with space, dest: D/`},
	{`größe D/`, `src: größe, dest: D/`},
	{`--exclude=* --exclude=!file.txt . D/`, `src: ., dest: D/, exclude: ["*", "!file.txt"]`},
	{`--from=assets * D/`, `from: assets, src: "*", dest: D/`},
	{`--from=assets tree/x D/`, `from: assets, src: tree/x, dest: D/`},
	{`--from=image /data D/data`, `from: image, src: /data, dest: D/data`},
	{`--from=image --chown=1:2 /data D/data`, `from: image, src: data, dest: D/data, chown: "1:2"`},
	{`--from=image /link/file D/`, `from: image, src: /link/file, dest: D/`},
	{`--from=image / D/`, `from: image, src: /, dest: D/`},
	{`dir2 /twice`, `src: dir2, dest: /twice`},
	{`dir /twice`, `src: dir, dest: /twice`},
	{`--chown=5:6 dir /kept`, `src: dir, dest: /kept, chown: "5:6"`},
	{`file.txt /kept/`, `src: file.txt, dest: /kept/`},
	{`one.txt /kept/file.txt`, `src: one.txt, dest: /kept/file.txt`},
}

// copyContext is a build context with one of everything, and the two named contexts, of
// which the image is in a layout on disk too.
func copyContext(t *testing.T) (dir string, contexts map[string]string, layout string) {
	t.Helper()
	dir = builds.Write(t, with(goProgram(hello),
		".dockerignore", "Dockerfile*\nfromscratch.yaml\n.dockerignore\nignored\n",
		"file.txt", "file", "one.txt", "one", "run.sh", "#!/bin/sh\n", "a.conf", "a", "b.conf", "b", "c.conf", "c",
		"dir/x.tmp", "x", "dir/y", "y", "dir/d.conf", "d", "dir/sub/deep", "deep", "dir/sub/z.tmp", "z", "dir2/sub/two", "two", "dir2/y", "other",
		"closed/secret", "s", "hidden/.dot", "dot", "hidden/seen", "seen", "with space", "space", "größe", "ü",
		"links/target", "target", "around/links/x", "x", "ignored", "i"))
	for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "closed/secret": 0o600, "closed": 0o700, "dir/sub": 0o750} {
		require.NoError(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "around/empty"), 0o755))
	for name, to := range map[string]string{
		"links/relative": "target", "links/absolute": "/etc/passwd", "links/up": "../../nowhere", "links/todir": "../dir",
		"tofile": "file.txt", "todir": "dir", "around/out": "/",
	} {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	assets := builds.Write(t, map[string]string{"logo": "logo", "tree/x/y": "y"})
	image := builds.Write(t, map[string]string{"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY --chown=7:8 data /data\nCOPY --chown=9:9 $TARGETARCH /arch\nCOPY link /\n",
		"data/file": "data", "data/sub/x": "x", "amd64": "for amd64", "arm64": "for arm64"})
	require.NoError(t, os.MkdirAll(filepath.Join(image, "link"), 0o755))
	require.NoError(t, os.Symlink("/data", filepath.Join(image, "link/link")))
	name := bed.Registry + "/test/copy-image"
	r := builds.Build{Bed: bed, Context: image, File: "Dockerfile", Platforms: []string{"linux/amd64", "linux/arm64"}, Push: name}.OK(t, builds.Image)
	return dir, map[string]string{"assets": assets, "image": "docker-image://" + name}, "oci-layout://" + r.Dir + "@" + r.Layout.Root.Digest.String()
}

// described is the tree of an image, without what only one of the two has.
func described(img *ocilayout.Image) map[string]string {
	out := map[string]string{}
	for name, f := range img.Files {
		if name == "/" || name == "/app" {
			continue
		}
		h := f.Header
		text := fmt.Sprintf("%c %o %d:%d", h.Typeflag, h.Mode, h.Uid, h.Gid)
		if h.Typeflag == tar.TypeReg {
			text += fmt.Sprintf(" %x", sha256.Sum256(f.Data))
		}
		if h.Linkname != "" {
			text += " -> " + h.Linkname
		}
		out[name] = text
	}
	return out
}

// TestCopyAsDockerfile: copy makes the files that the COPY of a Dockerfile makes,
// with their modes, owners and links.
func TestCopyAsDockerfile(t *testing.T) {
	dir, contexts, layout := copyContext(t)
	var dockerfile, spec strings.Builder
	dockerfile.WriteString("FROM scratch\nCOPY places /\n")
	spec.WriteString(goSpec + "    user: {name: web, uid: 1234}\n    extras: none\n    copy:\n      - {src: places, dest: /}\n")
	for i, c := range copies {
		d := fmt.Sprintf("/e%02d", i)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "places", d), 0o755))
		fmt.Fprintf(&dockerfile, "COPY %s\n", quoted(strings.ReplaceAll(c.dockerfile, " D", " "+d)))
		fmt.Fprintf(&spec, "      - {%s}\n", strings.ReplaceAll(c.spec, "dest: D", "dest: "+d))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile.String()), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fromscratch.yaml"), []byte(spec.String()), 0o644))
	platforms := []string{"linux/amd64", "linux/arm64"}
	want := builds.Build{Bed: bed, Context: dir, File: "Dockerfile", Platforms: platforms, Contexts: contexts}.OK(t, builds.Image)
	each(t, func(t *testing.T, via builds.Via) {
		build := builds.Build{Bed: bed, Context: dir, Platforms: platforms, Contexts: contexts}
		got := build.OK(t, via)
		if via == builds.Image {
			build.Contexts = with(contexts, "image", layout)
			require.Equal(t, got.Layout.Root.Digest, build.OK(t, via).Layout.Root.Digest, "an image is the same wherever it comes from")
		}
		for _, pf := range platforms {
			want, got := described(want.Layout.Images[pf]), described(got.Layout.Images[pf])
			for name, text := range want {
				if got[name] != text {
					t.Errorf("%s: %s is %q, and %q by a Dockerfile", pf, name, got[name], text)
				}
			}
			for name, text := range got {
				if want[name] == "" {
					t.Errorf("%s: %s is %q, and not there by a Dockerfile", pf, name, text)
				}
			}
			require.Greater(t, len(want), 3*len(copies))
			arch := strings.TrimPrefix(pf, "linux/")
			require.Equal(t, fmt.Sprintf("0 644 9:9 %x", sha256.Sum256([]byte("for "+arch))), got["/e45/arch"], "the image is that for the platform of the result")
		}
	})
}

// quoted writes a name with a blank as a Dockerfile takes it.
func quoted(line string) string {
	if rest, ok := strings.CutPrefix(line, `"with space" `); ok {
		return `["with space", "` + rest + `"]`
	}
	return line
}

// TestCopyErrors: what is wrong with any entry is told at its line, before anything is
// compiled.
func TestCopyErrors(t *testing.T) {
	dir := builds.Write(t, with(goProgram(hello), ".dockerignore", "ignored\n", "ignored", "i", "conf/app.yaml", "a", "site/app", "x", "tree/usr/bin/tool", "x", "tmps/tmp", "x",
		"fromscratch.yaml", goSpec+`    path: /bin/app
    workdir: /srv
    copy:
      - {src: conf/app.yml, dest: /etc/app/}
      - {src: ignored, dest: /etc/app/}
      - {src: "conf/*.toml", dest: /etc/app/}
      - {src: out, dest: /etc/app/}
      - {src: hosts, dest: /etc/app/}
      - {src: nowhere, dest: /etc/app/}
      - {src: circle, dest: /etc/app/}
      - {src: site, dest: /bin}
      - {src: tree, dest: /}
      - {src: tmps, dest: /}
      - {src: conf/app.yaml, dest: /srv}
      - {src: x, dest: /x, from: assets}
`))
	for name, to := range map[string]string{"out": "../other/file", "hosts": "/etc/hosts", "nowhere": "conf/none", "circle": "circle", "tree/bin": "usr/bin"} {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	each(t, func(t *testing.T, via builds.Via) {
		out := builds.Build{Bed: bed, Context: dir}.Fails(t, via)
		for _, want := range []string{
			"   9 | >>>       - {src: conf/app.yml, dest: /etc/app/}",
			`:9:15: there is nothing named "conf/app.yml" in the build context; see whether .dockerignore leaves it out; did you mean "app.yaml"?`,
			`:10:15: there is nothing named "ignored" in the build context; see whether .dockerignore leaves it out`,
			`:11:15: nothing in the build context matches "conf/*.toml"`,
			":12:15: the link out leads to ../other/file, which is outside of the context; pass a context that holds it with --build-context name=folder",
			":13:15: the link hosts leads to /etc/hosts, which is outside of the context",
			":14:15: the link nowhere leads to conf/none, which is not there",
			":15:15: the link circle leads in circles",
			":16:27: this would write site/app of the build context over the binary /bin/app; leave it out with exclude: app",
			":17:27: tree/bin of the build context is a link, which would be at /bin, and /bin is a directory because of the binary /bin/app; leave it out with exclude: bin",
			":18:27: tmps/tmp of the build context is a file, which would be at /tmp, and /tmp is a directory because of extras: tmp",
			":19:36: conf/app.yaml of the build context is a file, which would be at /srv, and /srv is a directory because of workdir; write dest: /srv/",
			`:20:34: there is no context named "assets"; pass one with --build-context assets=…`,
		} {
			require.Contains(t, out, want)
		}
		require.NotContains(t, out, "go build", "nothing was compiled")
		plainWords(t, out)
	})
}
