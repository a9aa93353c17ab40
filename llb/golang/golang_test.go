package golang_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/gocache"
	"github.com/fromscratch-build/fromscratch/llb/golang"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

func plan(t *testing.T, target string, src fs.FS) (*golang.Plan, error) {
	t.Helper()
	s, err := spec.Parse("fromscratch.yaml", []byte("toolchain: go-cgo0\ntargets:\n  api: "+target+"\n"))
	require.NoError(t, err)
	return golang.New(s, s.Targets["api"], src)
}

func TestImage(t *testing.T) {
	for _, tc := range []struct{ name, mod, toolchain, want string }{
		{"go line", "module m\ngo 1.25\n", "go-cgo0", "golang:1.25-alpine"},
		{"go line with patch", "module m\ngo 1.25.3\n", "go-cgo0", "golang:1.25-alpine"},
		{"toolchain line", "module m\ngo 1.24\ntoolchain go1.25.1\n", "go-cgo0", "golang:1.25.1-alpine"},
		{"default toolchain line", "module m\ngo 1.24\ntoolchain default\n", "go-cgo0", "golang:1.24-alpine"},
		{"unknown directive", "module m\ngo 1.25\nfuture x\n", "go-cgo0", "golang:1.25-alpine"},
		{"neither", "module m\n", "go-cgo0", "golang:" + golang.DefaultVersion + "-alpine"},
		{"version of the spec", "module m\ngo 1.24\n", "{name: go-cgo0, version: 1.30}", "golang:1.30-alpine"},
		{"packages of Debian", "module m\n", "{name: go-cgo0, version: 1.26, packages: [git]}", "golang:1.26"},
		{"image of the spec", "module m\ngo 1.24\n", "{name: go-cgo0, version: 1.30, image: my/go:1}", "my/go:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := spec.Parse("s.yaml", []byte("toolchain: "+tc.toolchain+"\ntargets: {api: {build: .}}\n"))
			require.NoError(t, err)
			p, err := golang.New(s, s.Targets["api"], llbtest.Files("go.mod="+tc.mod, "main.go=package main"))
			require.NoError(t, err)
			require.Equal(t, tc.want, p.Image())
		})
	}
}

func TestPackages(t *testing.T) {
	src := llbtest.Files("go.mod=module example.com/m\n", "main.go", "cmd/api/main.go", "cmd/other/main.go", "sub/go.mod=module sub\n", "sub/cmd/x/main.go")
	for _, tc := range []struct {
		name, target, title string
		binaries            []string
	}{
		{"default", "{}", "go build ./cmd/api", []string{"api"}},
		{"short", "{build: ./cmd/other}", "go build ./cmd/other", []string{"api"}},
		{"root", "{build: .}", "go build .", []string{"api"}},
		{"import path", "{build: example.com/m/cmd/api}", "go build example.com/m/cmd/api", []string{"api"}},
		{"several", "{build: {package: [./cmd/api, ./cmd/other, .]}}", "go build ./cmd/api ./cmd/other .", []string{"api", "other", "m"}},
		{"folder", "{build: {dir: sub, package: ./cmd/x}}", "go build ./cmd/x", []string{"api"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, tc.target, src)
			require.NoError(t, err)
			require.Equal(t, tc.title, p.Title())
			require.Equal(t, tc.binaries, p.Binaries())
		})
	}
	t.Run("without cmd", func(t *testing.T) {
		p, err := plan(t, "{}", llbtest.Files("go.mod=module m\n", "main.go=package main"))
		require.NoError(t, err)
		require.Equal(t, "go build .", p.Title())
	})
}

func TestProblems(t *testing.T) {
	whole := llbtest.Files("go.mod=module m\n", "main.go", "cmd/api/main.go", "docs/x.txt")
	for _, tc := range []struct {
		name, target, want string
		src                fs.FS
	}{
		{"no module", "{build: ./cmd/api}", "s:3:16: there is no go.mod in the root of the build context; run go mod init, pass the folder that holds it as the build context, or see whether .dockerignore leaves it out", llbtest.Files("main.go")},
		{"module below", "{build: .}", "s:3:16: there is no go.mod in the root of the build context, but there is one in services/api: write build: {dir: services/api}", llbtest.Files("services/api/go.mod=module m\n")},
		{"no module in dir", "{build: {dir: x}}", "s:3:22: there is no folder x in the build context; build.dir is relative to the build context, so pass the folder that holds x as the context, or see whether .dockerignore leaves it out", llbtest.Files("main.go")},
		{"module in another dir", "{build: {dir: x}}", "s:3:22: there is no folder x in the build context, but there is one in y: write build: {dir: y}", llbtest.Files("y/go.mod=module m\n")},
		{"damaged module", "{build: .}", "go.mod cannot be read: go.mod:1: ", llbtest.Files("go.mod=}{", "main.go")},
		{"missing folder", "{build: ./cmd/ap}", `s:3:16: there is no folder cmd/ap in the build context; the commands of this module are ./cmd/api; did you mean "./cmd/api"?`, whole},
		{"without ./", "{build: cmd/api}", `s:3:16: "cmd/api" is an import path to Go, not a folder: write ./cmd/api`, whole},
		{"no Go files", "{build: ./docs}", "s:3:16: there are no Go files in docs", whole},
		{"pattern", "{build: ./...}", `s:3:16: "./..." is a pattern; name the packages of the binaries one by one`, whole},
		{"absolute", "{build: /cmd/api}", `s:3:16: "/cmd/api" is an absolute path; a package is relative to the module: write ./cmd/api`, whole},
		{"outside", "{build: ../x}", `s:3:16: "../x" lies outside the build context`, whole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, tc.target, tc.src)
			require.Error(t, err)
			require.Len(t, spec.ProblemsOf(err), 1, "the user is at fault, and sees where")
			require.Contains(t, strings.Replace(err.Error(), "fromscratch.yaml", "s", 1), tc.want)
		})
	}
}

func env() toolchain.Env {
	return toolchain.Env{
		Target: "api",
		Source: llb.Local("context", llb.SessionID("s")),
		Image:  toolchain.Image{State: llb.Image("golang:1.26"), Digest: "sha256:1"},
		Tools:  llb.Image("fromscratch/frontend:1"),
		Caps:   pb.Caps.CapSet(pb.Caps.All()),

		BuildArch: "amd64", BuildLocation: llb.WithDescription(nil), ToolchainLocation: llb.WithDescription(nil),
	}
}

// compiled is the graph of a plan for a platform.
func compiled(t *testing.T, p *golang.Plan, name string) *llbtest.Graph {
	t.Helper()
	pf := llbtest.Platform(t, name)
	require.NoError(t, p.Resolve(pf))
	return llbtest.Marshal(t, p.Compile(env(), pf), llb.LinuxAmd64)
}

// arguments are those of the go commands that a helper runs.
func arguments(t *testing.T, x llbtest.Exec) []string {
	t.Helper()
	c, err := gocache.ParseArgs(x.Args)
	require.NoError(t, err, x.Args)
	switch c := c.(type) {
	case gocache.Build:
		require.Len(t, c.Run, 1)
		return c.Run[0]
	case gocache.Download:
		return c.Run
	}
	t.Fatalf("%v runs no command", x.Args)
	return nil
}

func TestCompile(t *testing.T) {
	p, err := plan(t, "{build: {dir: svc}}", llbtest.Files("svc/go.mod=module example.com/svc\n", "svc/main.go=package main"))
	require.NoError(t, err)
	g := compiled(t, p, "linux/arm/v6")
	x := g.OneExec(t)

	require.Equal(t, []string{"go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", "/out/api", "."}, arguments(t, x))
	require.Equal(t, "/gocache", x.Mounts["/fromscratch/gocache"].Selector)
	require.Equal(t, "/src/svc", x.Dir)
	require.Equal(t, "[linux/arm/v6] go build .", x.Name)
	require.Equal(t, "amd64", x.Platform.Architecture, "the compiler runs on the build platform")
	for k, v := range map[string]string{"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm", "GOARM": "6", "GOTOOLCHAIN": "local", "GODEBUG": "goindex=0"} {
		require.Equal(t, v, x.Env[k], k)
	}
	require.True(t, x.Mounts["/src"].Readonly)
	out := x.Mounts["/out"]
	require.Equal(t, int64(pb.Empty), out.Input, "binaries leave on an empty root")
	require.Equal(t, out.Output, g.Ops[len(g.Ops)-1].Inputs[0].Index, "and the builder's own root stays behind")
	for dest, id := range map[string]string{x.Env["GOMODCACHE"]: "fromscratch/go/mod/example.com/svc", "/fromscratch/go/compiled": "fromscratch/go/compiled"} {
		m := x.Mounts[dest]
		require.NotNil(t, m, dest)
		require.Equal(t, pb.CacheSharingOpt_SHARED, m.CacheOpt.Sharing)
		require.Equal(t, id, m.CacheOpt.ID)
	}
}

// TestFlags: what the spec adds to the command and its environment, and that what
// the promises rest on stays.
func TestFlags(t *testing.T) {
	for _, tc := range []struct {
		name, build string
		args        []string
		env         map[string]string
	}{
		{"tags", "{tags: [netgo, sqlite]}", []string{"-tags=netgo,sqlite"}, nil},
		{"one tag", "{tags: netgo, tzdata: embed}", []string{"-tags=netgo,timetzdata"}, nil},
		{"embedded time zones", "{tzdata: embed}", []string{"-tags=timetzdata"}, nil},
		{"ldflags", "{ldflags: [-d]}", []string{"-ldflags=-s -w -buildid= -d"}, nil},
		{"stamps", `{stamp: {main.version: "1.2 beta", example.com/m/v.Commit: "it's"}}`,
			[]string{`-ldflags=-s -w -buildid= -X "example.com/m/v.Commit=it's" -X 'main.version=1.2 beta'`}, nil},
		{"gcflags", "{gcflags: [-l, 'all=-B', -N]}", []string{"-gcflags=-l -N", "-gcflags=all=-B"}, nil},
		{"size", "{optimize: size}", []string{"-gcflags=all=-l"}, nil},
		{"size and flags", "{optimize: size, gcflags: [-N, 'm/hot=']}", []string{"-gcflags=all=-l", "-gcflags=-l -N", "-gcflags=m/hot="}, nil},
		{"env", "{env: {GOEXPERIMENT: jsonv2, GODEBUG: madvdontneed=1}}", nil,
			map[string]string{"GOEXPERIMENT": "jsonv2", "GODEBUG": "madvdontneed=1,goindex=0", "CGO_ENABLED": "0"}},
		{"garbage", "{}", nil, map[string]string{"GOGC": "400", "GOMEMLIMIT": "2GiB"}},
		{"garbage of one's own", "{env: {GOGC: 50}}", nil, map[string]string{"GOGC": "50", "GOMEMLIMIT": "2GiB"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, "{build: "+tc.build+"}", llbtest.Files("go.mod=module m\n", "main.go=package main"))
			require.NoError(t, err)
			x := compiled(t, p, "linux/amd64").OneExec(t)
			for _, arg := range tc.args {
				require.Contains(t, arguments(t, x), arg)
			}
			for k, v := range tc.env {
				require.Equal(t, v, x.Env[k])
			}
		})
	}
	t.Run("jobs", func(t *testing.T) {
		s, err := spec.Parse("s", []byte("toolchain: {name: go-cgo0, jobs: 3}\ntargets: {api: {}}\n"))
		require.NoError(t, err)
		p, err := golang.New(s, s.Targets["api"], llbtest.Files("go.mod=module m\n", "main.go=package main"))
		require.NoError(t, err)
		require.Contains(t, arguments(t, compiled(t, p, "linux/amd64").OneExec(t)), "-p=3")
	})
}

func TestCacheNamespace(t *testing.T) {
	p, err := plan(t, "{build: .}", llbtest.Files("go.mod=module m\n", "main.go=package main"))
	require.NoError(t, err)
	e := env()
	e.CacheNamespace = "tenant-1"
	x := llbtest.Marshal(t, p.Compile(e, llbtest.Platform(t, "linux/amd64")), llb.LinuxAmd64).OneExec(t)
	for dest, m := range x.Mounts {
		if m.CacheOpt != nil {
			require.True(t, strings.HasPrefix(m.CacheOpt.ID, "tenant-1/fromscratch/"), dest)
		}
	}
}

// TestDeterministic: the same request gives the same definition, byte for byte,
// and another platform another one.
func TestDeterministic(t *testing.T) {
	src := llbtest.Files("go.mod=module m\n", "main.go=package main")
	marshal := func(name string) []byte {
		p, err := plan(t, "{build: .}", src)
		require.NoError(t, err)
		return compiled(t, p, name).Bytes()
	}
	for range 25 {
		require.Equal(t, marshal("linux/amd64"), marshal("linux/amd64"))
	}
	require.NotEqual(t, marshal("linux/amd64"), marshal("linux/amd64/v3"))
}

func TestSupportsEveryPlatform(t *testing.T) {
	p, err := plan(t, "{build: .}", llbtest.Files("go.mod=module m\n", "main.go=package main"))
	require.NoError(t, err)
	for _, name := range platform.Supported(func(platform.Platform) bool { return true }) {
		require.NoError(t, p.Supports(llbtest.Platform(t, name)))
	}
}
