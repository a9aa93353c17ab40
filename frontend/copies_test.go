package frontend_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// copyable is what there is to copy besides what newClient has.
var copyable = fstest.MapFS{
	"conf/app.yaml":        {},
	"conf/app.yml":         {},
	"conf/more/x":          {},
	"site/app":             {},
	"site/index.html":      {},
	"tree/usr/bin/app":     {},
	"tree/bin":             link("usr/bin"),
	"tree/etc/motd":        {},
	"dirs/app/file":        {},
	"tmps/tmp":             {},
	"home/home":            link("/data/home"),
	"out":                  link("../other"),
	"absolute":             link("/etc/hosts"),
	"inner/out":            link("../../other"),
	"nowhere":              link("conf/none"),
	"toapp":                link("site"),
	"a/deep/b":             link("../../site/app"),
	"web/node_modules/x":   {},
	"Ünï":                  {},
	"[brackets]/file":      {},
	"several/app/app":      {},
	"several2/readme/file": {},
}

func TestCopyErrors(t *testing.T) {
	const head = "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n"
	const place = "choose another dest, or give the binary another place with path: /bin/app"
	for _, tc := range []struct{ name, spec, want string }{
		{"missing", "copy: [{src: conf/app.yam, dest: /c}]", `5:18: there is nothing named "conf/app.yam" in the build context; see whether .dockerignore leaves it out; did you mean "app.yaml"?`},
		{"missing of several", "copy: [{src: [conf, none], dest: /c/}]", `5:25: there is nothing named "none" in the build context; see whether .dockerignore leaves it out`},
		{"below a file", "copy: [{src: go.mod/x, dest: /c}]", `5:18: there is nothing named "go.mod/x" in the build context`},
		{"left out by the frontend", "copy: [{src: lib/node_modules, dest: /c}]", `5:18: there is nothing named "lib/node_modules" in the build context; fromscratch leaves it out of the context unless .dockerignore has the line !lib/node_modules`},
		{"no match", "copy: [{src: conf/*.toml, dest: /c/}]", `5:18: nothing in the build context matches "conf/*.toml"; see whether .dockerignore leaves it out`},
		{"no folder to match in", "copy: [{src: none/*.toml, dest: /c/}]", `5:18: nothing in the build context matches "none/*.toml"; see whether`},
		{"two asterisks", "copy: [{src: '**/app.yaml/x', dest: /c/}]", `5:18: nothing in the build context matches "**/app.yaml/x"; as in COPY, ** means no more than *, so copy a directory and leave out the rest with exclude`},
		{"bad pattern", "copy: [{src: 'conf/[', dest: /c/}]", `5:18: "conf/[" is not a valid pattern; write [[] for a bracket that is part of a name`},
		{"bad exclude", "copy: [{src: conf, dest: /c/, exclude: [a, 'b[']}]", `5:48: "b[" is not a valid pattern`},
		{"several files to one name", "copy: [{src: 'conf/app.*', dest: /c}]", "5:38: conf/app.* matches 2 files, and of those that are copied to one name only the last would be left; write dest: /c/ to copy them into a directory"},

		{"link out", "copy: [{src: out, dest: /c}]", "5:18: the link out leads to ../other, which is outside of the context; pass a context that holds it with --build-context name=folder, and name it with from: name, or make the link relative and inside"},
		{"link out on the way", "copy: [{src: inner/out/x, dest: /c}]", "5:18: the link inner/out leads to ../../other, which is outside of the context"},
		{"link out behind a wildcard", "copy: [{src: inner/o*, dest: /c}]", "5:18: the link inner/out leads to ../../other, which is outside of the context"},
		{"absolute link", "copy: [{src: absolute, dest: /c}]", "5:18: the link absolute leads to /etc/hosts, which is outside of the context"},
		{"dangling link", "copy: [{src: nowhere, dest: /c}]", "5:18: the link nowhere leads to conf/none, which is not there; see whether .dockerignore leaves it out"},

		{"over the binary", "copy: [{src: go.mod, dest: /app}]", "5:32: this would write go.mod of the build context over the binary /app; " + place},
		{"over the binary by folder", "copy: [{src: site/app, dest: /}]", "5:34: this would write site/app of the build context over the binary /app; " + place},
		{"over the binary by directory", "copy: [{src: site, dest: /}]", "5:30: this would write site/app of the build context over the binary /app; leave it out with exclude: app, " + place},
		{"over the binary by wildcard", "copy: [{src: 'site/a*', dest: /}]", "5:35: this would write site/app of the build context over the binary /app; "},
		{"over the binary by a link to a directory", "copy: [{src: toapp, dest: /}]", "5:31: this would write site/app of the build context over the binary /app; "},
		{"over the binary by a link to a file", "path: /b\n    copy: [{src: a/deep/b, dest: /}]", "6:34: this would write site/app of the build context over the binary /b; choose another dest, or give the binary another place with path: /bin/b"},
		{"over the binary elsewhere", "path: /usr/bin/app\n    copy: [{src: tree, dest: /}]", "6:30: this would write tree/usr/bin/app of the build context over the binary /usr/bin/app; leave it out with exclude: usr/bin/app, "},
		{"a directory for the binary", "copy: [{src: dirs, dest: /}]", "5:30: this would make a directory of the binary /app; " + place},
		{"below the binary", "copy: [{src: go.mod, dest: /app/go.mod}]", "5:32: this would make a directory of the binary /app; "},
		{"a link on the way to the binary", "path: /bin/app\n    copy: [{src: tree, dest: /}]", "6:30: tree/bin of the build context is a link, which would be at /bin, and /bin is a directory because of the binary /bin/app; leave it out with exclude: bin, or choose another dest"},
		{"a file on the way to the binary", "path: /app/my_app\n    copy: [{src: site, dest: /}]", "6:30: site/app of the build context is a file, which would be at /app, and /app is a directory because of the binary /app/my_app; leave it out with exclude: app, or choose another dest"},
		{"a second binary's path", "path: /app/my_app\n    copy: [{src: go.mod, dest: /app/my_app}]", "6:32: this would write go.mod of the build context over the binary /app/my_app; "},

		{"a file for tmp", "copy: [{src: go.mod, dest: /tmp}]", "5:32: go.mod of the build context is a file, which would be at /tmp, and /tmp is a directory because of extras: tmp; write dest: /tmp/ to copy it into the directory"},
		{"a file for tmp by directory", "copy: [{src: tmps, dest: /}]", "5:30: tmps/tmp of the build context is a file, which would be at /tmp, and /tmp is a directory because of extras: tmp; leave it out with exclude: tmp, or choose another dest"},
		{"a file for etc", "copy: [{src: go.mod, dest: /etc}]", "5:32: go.mod of the build context is a file, which would be at /etc, and /etc is a directory because of extras: passwd; write dest: /etc/ to"},
		{"a link for the home", "copy: [{src: home, dest: /}]", "5:30: home/home of the build context is a link, which would be at /home, and /home is a directory because of the home of the user; leave it out with exclude: home"},
		{"a file for the working directory", "workdir: /srv/x\n    copy: [{src: go.mod, dest: /srv}]", "6:32: go.mod of the build context is a file, which would be at /srv, and /srv is a directory because of workdir"},
		{"a file for a volume", "volumes: [/data]\n    copy: [{src: go.mod, dest: /data}]", "6:32: go.mod of the build context is a file, which would be at /data, and /data is a directory because of volumes"},
		{"a file for a directory of extras", "extras: {dirs: [{path: /d}]}\n    copy: [{src: go.mod, dest: /d}]", "6:32: go.mod of the build context is a file, which would be at /d, and /d is a directory because of extras: dirs"},

		{"a file over a copied directory", "copy: [{src: conf, dest: /c}, {src: go.mod, dest: /c}]", "5:55: /c is a directory, because of an entry before this one; write dest: /c/ to copy into it"},
		{"a directory over a copied file", "copy: [{src: go.mod, dest: /c}, {src: conf, dest: /c}]", "5:55: /c is a file, go.mod of an entry before this one, and cannot be a directory too; choose another dest"},
		{"below a copied file", "copy: [{src: go.mod, dest: /c}, {src: conf, dest: /c/d/}]", "5:55: /c is a file, go.mod of an entry before this one, so nothing can be below it; choose another dest"},
		{"below a copied link", "path: /b\n    copy: [{src: tree, dest: /x}, {src: go.mod, dest: /x/bin/y}]", "6:55: /x/bin is a link, tree/bin of an entry before this one, so nothing can be below it; choose another dest"},
		{"into a copied directory, over one", "copy: [{src: conf, dest: /c}, {src: '[[]brackets]/file', dest: /c/more}]", "5:68: /c/more is a directory, because of an entry before this one; write dest: /c/more/ to copy into it"},

		{"no context", "copy: [{src: x, dest: /c, from: assets}]", `5:37: there is no context named "assets"; pass one with --build-context assets=…, or in a bake file with contexts = {assets = "…"}`},
		{"an image", "copy: [{src: x, dest: /c, from: 'nginx:1'}]", `5:37: there is no context named "nginx:1"; to copy out of that image, pass --build-context nginx:1=docker-image://nginx:1`},
		{"a target", "copy: [{src: x, dest: /c, from: app}]", `5:37: app is a target, and copy takes contexts; with docker buildx bake, give this target contexts = {app = "target:…"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, head+"    "+tc.spec+"\n", nil)
			for name, f := range copyable {
				c.Files.(fstest.MapFS)[name] = f
			}
			_, err := build(c)
			require.ErrorContains(t, err, "fromscratch.yaml:"+tc.want)
			require.NotEmpty(t, errdefs.Sources(err))
		})
	}
}

// TestCopies: what is no mistake.
func TestCopies(t *testing.T) {
	const head = "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n"
	for name, spec := range map[string]string{
		"a link in a copied directory":     "copy: [{src: inner, dest: /c}, {src: home, dest: /h}]",
		"a link that is followed":          "copy: [{src: a/deep/b, dest: /c}, {src: toapp, dest: /d}]",
		"the binary left out":              "copy: [{src: site, dest: /, exclude: app}]",
		"the binary left out by a pattern": "copy: [{src: tree, dest: /, exclude: ['**', '!etc/motd']}]\n    path: /usr/bin/app",
		"a directory around the binary":    "copy: [{src: several, dest: /}]\n    path: /app/server",
		"a file of an extra":               "copy: [{src: go.mod, dest: /etc/passwd}, {src: tree, dest: /etc}]",
		"files into directories":           "copy: [{src: [go.mod, main.go], dest: /tmp/}, {src: 'conf/*', dest: /tmp/}]",
		"one match to a name":              "copy: [{src: 'conf/*.yml', dest: /c.yml}]",
		"names":                            "copy: [{src: Ünï, dest: /ü}, {src: '[[]brackets]/file', dest: /b}]",
		"over an earlier file":             "copy: [{src: conf, dest: /c}, {src: go.mod, dest: /c/app.yaml}]",
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, head+"    "+spec+"\n", nil)
			for name, f := range copyable {
				c.Files.(fstest.MapFS)[name] = f
			}
			_, err := build(c)
			require.NoError(t, err)
		})
	}
}

// TestCopiedDirectories: a directory has its owner and its mode from the layer that
// is meant to say, whichever layer comes last.
func TestCopiedDirectories(t *testing.T) {
	c := newClient(t, "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n    path: /srv/data/app\n    user: {name: web, uid: 1000}\n    copy:\n"+
		"      - {src: conf, dest: /srv/data, chown: web, chmod: 0640}\n      - {src: go.mod, dest: /srv/data/}\n      - {src: conf, dest: /etc, chown: web}\n", nil)
	for name, f := range copyable {
		c.Files.(fstest.MapFS)[name] = f
	}
	_, err := build(c)
	require.NoError(t, err)
	got := map[string][]*pb.FileActionMkDir{}
	for _, s := range c.Solves() {
		for _, dt := range s.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			for _, a := range op.GetFile().GetActions() {
				if d := a.GetMkdir(); d != nil {
					got[d.Path] = append(got[d.Path], d)
				}
			}
		}
	}
	require.Len(t, got["/srv/data"], 3, "by the entry that copies it, the one that copies into it, and above the binary")
	for _, d := range got["/srv/data"] {
		require.Equal(t, uint32(1000), d.Owner.User.GetByID())
		require.Equal(t, int32(0o750), d.Mode)
	}
	for _, d := range append(got["/etc"], got["/srv"]...) {
		require.Zero(t, d.Owner.GetUser().GetByID())
		require.Equal(t, int32(0o755), d.Mode)
	}
}

// TestCopiedOverExtras: /tmp and the home are what extras say, also where a tree that is
// copied to the root has directories of these names.
func TestCopiedOverExtras(t *testing.T) {
	settled := func(spec string) []string {
		c := newClient(t, "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n    copy: ["+spec+"]\n", nil)
		for _, name := range []string{"root/tmp/x", "root/home/nonroot/x", "other/x"} {
			c.Files.(fstest.MapFS)[name] = &fstest.MapFile{}
		}
		_, err := build(c)
		require.NoError(t, err)
		var out []string
		for _, s := range c.Solves() {
			for _, dt := range s.Definition.Def {
				var op pb.Op
				require.NoError(t, op.UnmarshalVT(dt))
				if s.Definition.Metadata[digest.FromBytes(dt).String()].Description["llb.customname"] != "directories (files)" {
					continue
				}
				for _, a := range op.GetFile().GetActions() {
					if d := a.GetMkdir(); d != nil && d.Mode != 0o755 {
						out = append(out, fmt.Sprintf("%s %o", d.Path, d.Mode))
					}
					if d := a.GetCopy(); d != nil {
						out = append(out, fmt.Sprintf("%s %o", d.Dest, d.Mode))
					}
				}
			}
		}
		return out
	}
	require.Equal(t, []string{"/home/nonroot 700", "/tmp 1777"}, settled("{src: root, dest: /}"))
	require.Equal(t, []string{"/tmp 1777"}, settled("{src: root, dest: /, exclude: home}"))
	require.Empty(t, settled("{src: other, dest: /}"))
}

// TestPlacesOfBinaries: layers would put one thing over the other without a word.
func TestPlacesOfBinaries(t *testing.T) {
	for target, want := range map[string]string{
		"  tmp: {build: .}\n":                                                      "fromscratch.yaml:3:8: the binary would be /tmp, and /tmp is a directory because of extras: tmp; give it another place with path: /bin/tmp",
		"  home: {build: .}\n":                                                     "/home is a directory because of the home of the user",
		"  dev: {build: .}\n":                                                      "the binary would be /dev, and container runtimes mount their own over /dev",
		"  app: {build: ., path: /proc/app}\n":                                     "fromscratch.yaml:3:25: the binary would be /proc/app, and container runtimes mount their own over /proc",
		"  app: {build: ., path: /home/nonroot}\n":                                 "/home/nonroot is a directory because of the home of the user",
		"  app: {build: ., path: /usr/share, extras: [sbom]}\n":                    "/usr/share is a directory because of extras: sbom",
		"  app: {build: ., path: /usr/share/sbom/app.spdx.json, extras: [sbom]}\n": "extras: sbom has its file there; give it another place with path: /bin/app.spdx.json",
		"  app: {build: ., path: /srv, workdir: /srv/data}\n":                      "/srv is a directory because of workdir",
	} {
		_, err := build(newClient(t, "toolchain: go-cgo0\ntargets:\n"+target, nil))
		require.ErrorContains(t, err, want)
	}
	for _, target := range []string{"  tmp: {build: ., extras: none}\n", "  app: {build: ., path: /home/nonroot/app}\n", "  app: {build: ., path: /usr/share/sbom, extras: none}\n"} {
		c := newClient(t, "toolchain: go-cgo0\ntargets:\n"+target, nil)
		_, err := build(withPrograms(t, c, "tmp"))
		require.NoError(t, err, target)
	}
}
