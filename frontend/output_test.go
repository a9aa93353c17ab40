package frontend_test

import (
	"debug/elf"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/elftest"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// services is a spec with a program at its default place and one elsewhere.
const services = "toolchain: go-cgo0\ntargets:\n  api:\n    build: .\n    description: the API\n  worker:\n    build: .\n    path: /srv/jobs\n"

// withPrograms gives c the programs of targets.
func withPrograms(t *testing.T, c *gatewaytest.Client, names ...string) *gatewaytest.Client {
	t.Helper()
	for _, name := range names {
		c.Files.(fstest.MapFS)[name] = &fstest.MapFile{Data: program(t)}
	}
	return c
}

// named tells whether a vertex with a part of a name is in a request.
func named(req client.SolveRequest, part string) bool {
	for _, md := range req.Definition.Metadata {
		if strings.Contains(md.Description["llb.customname"], part) {
			return true
		}
	}
	return false
}

// vertices are the digests of the vertices with a part of a name.
func vertices(c *gatewaytest.Client, part string) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.Solves() {
		for dgst, md := range s.Definition.Metadata {
			if strings.Contains(md.Description["llb.customname"], part) {
				out[dgst] = true
			}
		}
	}
	return out
}

func TestBinaries(t *testing.T) {
	c := withPrograms(t, newClient(t, services, map[string]string{"target": "binaries", "label:a": "b"}), "api", "worker")
	res, err := build(c)
	require.NoError(t, err)
	img := config(t, res)
	require.Equal(t, "amd64", img.Architecture)
	require.Equal(t, map[string]string{"a": "b"}, img.Config.Labels)
	require.Empty(t, img.Config.Entrypoint)
	require.Len(t, img.History, 2)
	var dests []string
	solves := c.Solves()
	last := solves[len(solves)-1].Definition
	for _, dt := range last.Def {
		var op pb.Op
		require.NoError(t, op.UnmarshalVT(dt))
		if name := last.Metadata[string(digest.FromBytes(dt))].Description["llb.customname"]; strings.HasPrefix(name, "[linux/amd64] binary ") {
			dests = append(dests, op.GetFile().Actions[0].GetCopy().Dest)
		}
	}
	require.False(t, named(solves[len(solves)-1], "extras"), "nothing but binaries")
	require.ElementsMatch(t, []string{"/api", "/jobs"}, dests, "a file has the name that it has in its image")

	image := withPrograms(t, newClient(t, services, map[string]string{"target": "api"}), "api", "worker")
	_, err = build(image)
	require.NoError(t, err)
	for dgst := range vertices(image, "binary api") {
		require.Contains(t, vertices(c, "binary api"), dgst, "the layer of the image is that of the binary")
	}
}

func TestBinariesOfPlatforms(t *testing.T) {
	c := withPrograms(t, newClient(t, services, map[string]string{"target": "binaries", "platform": "linux/amd64,linux/amd64/v3"}), "api", "worker")
	res, err := build(c)
	require.NoError(t, err)
	require.Contains(t, res.Metadata, exptypes.ExporterImageConfigKey+"/linux/amd64")
	require.Contains(t, res.Metadata, exptypes.ExporterImageConfigKey+"/linux/amd64/v3")
}

// TestBinariesOfGroup: targets that are compiled together still are.
func TestBinariesOfGroup(t *testing.T) {
	spec := "toolchain: go-cgo0\ntargets:\n  api: {build: {package: ./api, group: all}}\n  worker: {build: {package: ./worker, group: all}}\n"
	c := withPrograms(t, newClient(t, spec, map[string]string{"target": "binaries"}))
	for _, name := range []string{"api", "worker"} {
		c.Files.(fstest.MapFS)[name+"/main.go"] = &fstest.MapFile{Data: []byte("package main\n")}
	}
	c.FilesOf = func(req client.SolveRequest) fs.FS {
		if named(req, "go build ./api ./worker") {
			return fstest.MapFS{"api": {Data: program(t)}, "worker": {Data: program(t)}}
		}
		return nil
	}
	_, err := build(c)
	require.NoError(t, err)
	require.Len(t, vertices(c, "go build"), 1)
}

// TestBinariesNeedNoImage: what only an image needs is not asked for.
func TestBinariesNeedNoImage(t *testing.T) {
	spec := services + "    copy: [{from: assets, src: a, dest: /a}]\n"
	_, err := build(withPrograms(t, newClient(t, spec, map[string]string{"target": "binaries"}), "api", "worker"))
	require.NoError(t, err)
	_, err = build(withPrograms(t, newClient(t, spec, map[string]string{"target": "worker"}), "api", "worker"))
	require.ErrorContains(t, err, `there is no context named "assets"`)
}

func TestBinariesProblems(t *testing.T) {
	for _, tc := range []struct{ name, spec, target, want string }{
		{"same path", "toolchain: go-cgo0\ntargets:\n  api: {build: ., path: /srv/app}\n  worker: {build: ., path: /opt/app}\n", "binaries",
			"fromscratch.yaml:4:28: the binaries of targets api and worker are both called app, and --target binaries puts them in one folder; give one another name with path: /worker-app"},
		{"path and name", "toolchain: go-cgo0\ntargets:\n  api: {build: ., path: /srv/worker}\n  worker: {build: .}\n", "binaries",
			"fromscratch.yaml:4:19: the binaries of targets api and worker are both called worker"},
		{"checked", services, "binaries", "fromscratch.yaml:7:12: worker for linux/amd64 is not there"},
		{"almost", services, "binarys", `there is no target "binarys", only api and worker; did you mean "binaries"?`},
		{"almost a variant", services, "api-debgu", `did you mean "api-debug"?`},
		{"variant of nothing", services, "ap-debug", `there is no target "ap-debug", only api and worker`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := withPrograms(t, newClient(t, tc.spec, map[string]string{"target": tc.target}), "api")
			_, err := build(c)
			require.ErrorContains(t, err, tc.want)
			require.NotEmpty(t, errdefs.Sources(err))
		})
	}
}

func TestPanicOfBinary(t *testing.T) {
	c := withPrograms(t, newClient(t, services, map[string]string{"target": "binaries"}), "api", "worker")
	c.SolveHook = func(req client.SolveRequest) error {
		if named(req, "go build") {
			panic("boom")
		}
		return nil
	}
	_, err := build(c)
	require.EqualError(t, err, "fromscratch dev has a bug, please report it: boom")
}

func TestCallsOfBinaries(t *testing.T) {
	res, err := build(newClient(t, services, map[string]string{"requestid": targets.RequestTargets, "frontend.caps": "moby.buildkit.frontend.subrequests"}))
	require.NoError(t, err)
	text := string(res.Metadata["result.txt"])
	require.Contains(t, text, "binaries")
	require.Contains(t, text, "the binaries of all targets, without images (-o dist)")
	require.NotContains(t, text, "-debug")
	for target, want := range map[string]string{"binaries": "the binaries of all targets", "api-debug": "the API"} {
		res, err := build(newClient(t, services, map[string]string{"requestid": "frontend.outline", "target": target}))
		require.NoError(t, err)
		require.Contains(t, string(res.Metadata["result.txt"]), want)
		require.Contains(t, string(res.Metadata["result.txt"]), target)
		_, err = build(newClient(t, services, map[string]string{"requestid": "frontend.lint", "target": target}))
		require.NoError(t, err)
	}
}

// link is a symbolic link in a MapFS.
// debugClient builds api-debug; the busybox image has box, and the image of the
// target root.
func debugClient(t *testing.T, spec string, box, root fstest.MapFS) *gatewaytest.Client {
	t.Helper()
	c := withPrograms(t, newClient(t, spec, map[string]string{"target": "api-debug"}), "api", "worker")
	c.FilesOf = func(req client.SolveRequest) fs.FS {
		last := req.Definition.Def[len(req.Definition.Def)-1]
		var op pb.Op
		require.NoError(t, op.UnmarshalVT(last))
		for _, dt := range req.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			if op.GetMerge() != nil {
				return root
			}
		}
		for _, dt := range req.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			if s := op.GetSource(); s != nil && strings.Contains(s.Identifier, "busybox") && len(req.Definition.Def) == 2 {
				return box
			}
		}
		return nil
	}
	return c
}

// shellOf are the links of the debug layer, and the folder that they are in.
func shellOf(t *testing.T, c *gatewaytest.Client) (dir string, names []string) {
	t.Helper()
	solves := c.Solves()
	for _, dt := range solves[len(solves)-1].Definition.Def {
		var op pb.Op
		require.NoError(t, op.UnmarshalVT(dt))
		for _, a := range op.GetFile().GetActions() {
			if l := a.GetSymlink(); l != nil && l.Oldpath == "busybox" {
				i := strings.LastIndex(l.Newpath, "/")
				dir, names = l.Newpath[:i], append(names, l.Newpath[i+1:])
			}
		}
	}
	return dir, names
}

func busybox() fstest.MapFS {
	data := elftest.File{}.Bytes()
	return fstest.MapFS{
		"bin/busybox": {Data: data}, "bin/sh": {Data: data}, "bin/ls": link("busybox"), "bin/cat": link("/bin/busybox"),
		"bin/getconf": {Data: append(data, 0)}, "bin/other": link("getconf"),
	}
}

func TestDebug(t *testing.T) {
	c := debugClient(t, services, busybox(), fstest.MapFS{"api": {}})
	res, err := build(c)
	require.NoError(t, err)
	dir, names := shellOf(t, c)
	require.Equal(t, "/bin", dir)
	require.Equal(t, []string{"cat", "ls", "sh"}, names, "links to busybox, hard or symbolic, and nothing else")
	img := config(t, res)
	require.Equal(t, []string{"/api"}, img.Config.Entrypoint)
	require.Equal(t, "65532:65532", img.Config.User)
	require.Equal(t, []string{"HOME=/home/nonroot", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, img.Config.Env)

	plain := withPrograms(t, newClient(t, services, map[string]string{"target": "api"}), "api")
	res, err = build(plain)
	require.NoError(t, err)
	require.Equal(t, config(t, res).History, img.History[:len(img.History)-1], "the same layers, and one more")
	require.Equal(t, "busybox", img.History[len(img.History)-1].CreatedBy)
	for dgst := range vertices(plain, "binary api") {
		require.Contains(t, vertices(c, "binary api"), dgst)
	}
}

// TestDebugKeepsFiles: what the image has stays as it is.
func TestDebugKeepsFiles(t *testing.T) {
	c := debugClient(t, services, busybox(), fstest.MapFS{"bin/ls": {Data: []byte("own")}})
	_, err := build(c)
	require.NoError(t, err)
	_, names := shellOf(t, c)
	require.Equal(t, []string{"cat", "sh"}, names)

	c = debugClient(t, services, busybox(), fstest.MapFS{"bin": link("usr/bin"), "usr/bin/cat": {}})
	_, err = build(c)
	require.NoError(t, err)
	dir, names := shellOf(t, c)
	require.Equal(t, "/usr/bin", dir, "a folder would hide what a link leads to")
	require.Equal(t, []string{"ls", "sh"}, names)
}

func TestDebugPath(t *testing.T) {
	for path, want := range map[string]string{"/app": "/app:/bin", "/bin:/app": "/bin:/app"} {
		res, err := build(debugClient(t, strings.Replace(services, "    build: .\n", "    build: .\n    env: {PATH: '"+path+"', A: b}\n", 1), busybox(), fstest.MapFS{}))
		require.NoError(t, err)
		require.Equal(t, []string{"A=b", "HOME=/home/nonroot", "PATH=" + want}, config(t, res).Config.Env)
	}
}

func TestDebugProblems(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		box, root  fstest.MapFS
	}{
		{"dynamic", "is of no use: /bin/busybox is not static: it asks for the dynamic linker /lib/ld-musl-x86_64.so.1; pass one that is linked statically, for linux/amd64, with --build-context busybox=docker-image://",
			fstest.MapFS{"bin/busybox": {Data: elftest.File{Interpreter: "/lib/ld-musl-x86_64.so.1"}.Bytes()}}, nil},
		{"other machine", "/bin/busybox is a program for linux/arm64, not for linux/amd64", fstest.MapFS{"bin/busybox": {Data: elftest.File{Machine: elf.EM_AARCH64}.Bytes()}}, nil},
		{"none", "the busybox for api-debug has no program busybox, neither in its root nor in /usr/local/sbin, ", fstest.MapFS{"bin/sh": {}}, nil},
		{"own", "the image has a /bin/busybox of its own, so api-debug has no place for another; build api", busybox(), fstest.MapFS{"bin/busybox": {}}},
		{"file", "/bin is the file /bin in the image, so there is no place for a shell", busybox(), fstest.MapFS{"bin": {}}},
		{"link to a file", "/bin is the file /tool in the image", busybox(), fstest.MapFS{"tool": {}, "bin": link("tool")}},
		{"link to itself", "the link bin leads in circles in the image, so there is no place for a shell", busybox(), fstest.MapFS{"bin": link("bin")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := build(debugClient(t, services, tc.box, tc.root))
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "fromscratch.yaml:3:3: ")
		})
	}
}
