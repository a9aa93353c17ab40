package golang_test

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/gocache"
	"github.com/fromscratch-build/fromscratch/llb/golang"
)

// service is a module with dependencies, two commands and a few packages.
func service(more ...string) fs.FS {
	return llbtest.Files(append([]string{
		"go.mod=module example.com/svc\n\ngo 1.26\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tcorp/lib v0.1.0\n)\n",
		"go.sum=github.com/a/b v1.0.0 h1:x=\n",
		"README.md=x", "docs/a.md=x",
		"cmd/api/main.go=package main\n\nimport (\n\t\"net/http\"\n\n\t\"example.com/svc/internal/store\"\n\t\"github.com/a/b/router\"\n)\n",
		"cmd/worker/main.go=package main\n\nimport (\n\t\"corp/lib/queue\"\n\t\"example.com/svc/internal/store\"\n)\n",
		"internal/store/store.go=package store\n\nimport \"database/sql\"\n",
		"internal/store/arm.go=//go:build arm64\n\npackage store\n\nimport \"github.com/a/b/simd\"\n",
		"internal/store/tagged.go=//go:build pg\n\npackage store\n\nimport \"github.com/a/b/pg\"\n",
		"internal/store/store_test.go=package store\n\nimport \"github.com/a/b/assert\"\n",
		"internal/store/testdata/x=x",
		"internal/other/other.go=package other\n",
		"web/web.go=package web\n",
	}, more...)...)
}

func plans(t *testing.T, targets string, src fs.FS) map[string]*golang.Plan {
	t.Helper()
	s, err := spec.Parse("fromscratch.yaml", []byte("toolchain: go-cgo0\ntargets:\n"+targets))
	require.NoError(t, err)
	out := map[string]*golang.Plan{}
	for _, name := range s.TargetNames() {
		out[name], err = golang.New(s, s.Targets[name], src)
		require.NoError(t, err)
	}
	return out
}

// stages are the steps of a layered compile.
type stages struct {
	download, dependencies, compile llbtest.Exec
}

func stagesOf(t *testing.T, p *golang.Plan, platform string) stages {
	t.Helper()
	var s stages
	for _, x := range compiled(t, p, platform).Execs() {
		switch {
		case strings.Contains(x.Name, "go mod download"):
			s.download = x
		case strings.Contains(x.Name, "(dependencies)"):
			s.dependencies = x
		default:
			s.compile = x
		}
	}
	return s
}

func build(t *testing.T, x llbtest.Exec) gocache.Build {
	t.Helper()
	c, err := gocache.ParseArgs(x.Args)
	require.NoError(t, err)
	return c.(gocache.Build)
}

const twoTargets = "  api: {}\n  worker: {}\n"

// packages are the arguments of a go build that are no flags.
func packages(args []string) []string {
	out := args[slices.Index(args, "-o")+2:]
	return slices.Clone(out)
}

// TestLayers: modules and what they are compiled to are layers of their own, which
// know nothing of the sources, and the compile builds on them.
func TestLayers(t *testing.T) {
	p := plans(t, twoTargets, service())["api"]
	s := stagesOf(t, p, "linux/amd64")

	require.Equal(t, []string{"go", "mod", "download"}, arguments(t, s.download))
	require.Empty(t, s.download.Env["GOARCH"], "all platforms share it")
	store := s.download.Mounts["/fromscratch/downloads"]
	require.Equal(t, pb.CacheSharingOpt_LOCKED, store.CacheOpt.Sharing, "a bump downloads one module")

	require.Equal(t, []string{"corp/lib/queue", "github.com/a/b/router", "database/sql", "net/http"}, packages(arguments(t, s.dependencies)),
		"what all targets import, of other modules and of the standard library")
	require.Equal(t, "/fromscratch/dependencies", build(t, s.dependencies).Harvest)
	require.NotEqual(t, int64(pb.SkipOutput), s.dependencies.Mounts["/fromscratch/dependencies"].Output)
	require.True(t, s.dependencies.Mounts["/src"].Readonly)

	require.Equal(t, "/fromscratch/dependencies", build(t, s.compile).Seed)
	require.True(t, s.compile.Mounts["/fromscratch/dependencies"].Readonly)
	require.Equal(t, int64(pb.SkipOutput), s.compile.Mounts["/fromscratch/go/mod"].Output, "what is written to the modules is thrown away")
	for _, m := range []*pb.Mount{s.dependencies.Mounts["/fromscratch/go/mod"], s.compile.Mounts["/fromscratch/go/mod"], s.compile.Mounts["/fromscratch/dependencies"]} {
		require.Equal(t, pb.MountContentCache_OFF, m.ContentCache, "thousands of files are not read for a key: %s", m.Dest)
	}
	require.Equal(t, pb.MountContentCache_DEFAULT, s.compile.Mounts["/fromscratch/gocache"].ContentCache, "a new release of the frontend with the same helper compiles nothing")
	require.Equal(t, s.dependencies.Mounts["/fromscratch/go/compiled"].CacheOpt.ID, s.compile.Mounts["/fromscratch/go/compiled"].CacheOpt.ID)

	for _, x := range []llbtest.Exec{s.download, s.dependencies} {
		for _, m := range x.Mounts {
			require.NotEqual(t, "/internal", m.Selector)
		}
	}
}

// TestDependenciesOfInputs: a folder that another context fills makes no other
// dependencies, unless there is code in it.
func TestDependenciesOfInputs(t *testing.T) {
	same := plans(t, "  api: {build: {inputs: {web/dist: ui}}}\n  worker: {}\n", service())
	a, b := stagesOf(t, same["api"], "linux/amd64"), stagesOf(t, same["worker"], "linux/amd64")
	require.Equal(t, a.dependencies, b.dependencies)
	require.NotEqual(t, a.compile, b.compile)
}

// TestDependenciesOfPlatform: build constraints count, for platforms and for tags,
// and tests do not.
func TestDependenciesOfPlatform(t *testing.T) {
	for _, tc := range []struct{ target, platform, want string }{
		{"{}", "linux/amd64", ""},
		{"{}", "linux/arm64", "github.com/a/b/simd"},
		{"{build: {tags: pg}}", "linux/amd64", "github.com/a/b/pg"},
		{"{build: {env: {GOFLAGS: '-mod=readonly -tags=x,pg'}}}", "linux/amd64", "github.com/a/b/pg"},
		{"{build: {tags: x, env: {GOFLAGS: '-tags=pg'}}}", "linux/amd64", ""},
	} {
		s := stagesOf(t, plans(t, "  api: "+tc.target+"\n", service())["api"], tc.platform)
		want := slices.DeleteFunc([]string{"github.com/a/b/pg", "github.com/a/b/router", "github.com/a/b/simd", "database/sql", "net/http"},
			func(name string) bool {
				return strings.HasSuffix(name, "/pg") && name != tc.want || strings.HasSuffix(name, "/simd") && name != tc.want
			})
		require.Equal(t, want, packages(arguments(t, s.dependencies)), tc.target)
	}
}

// TestSharedDependencies: targets that are built alike share the layers, and others
// do not.
func TestSharedDependencies(t *testing.T) {
	of := func(targets string, src fs.FS) map[string]string {
		out := map[string]string{}
		for name, p := range plans(t, targets, src) {
			out[name] = strings.Join(stagesOf(t, p, "linux/amd64").dependencies.Args, " ")
		}
		return out
	}
	alike := of("  api: {build: {stamp: {main.v: a}, gcflags: -N}}\n  worker: {build: {ldflags: -d}}\n", service())
	require.Equal(t, alike["api"], alike["worker"])
	for _, build := range []string{"{tags: x}", "{env: {GOEXPERIMENT: jsonv2}}", "{gcflags: all=-N}", "{tzdata: embed}", "{optimize: size}"} {
		other := of("  api: {build: "+build+"}\n  worker: {}\n", service())
		require.NotEqual(t, other["api"], other["worker"], build)
		require.NotContains(t, other["api"], "corp/lib/queue", "what only the other imports: %s", build)
	}
	profiled := of(twoTargets, service("cmd/api/default.pgo=profile"))
	require.NotEqual(t, profiled["api"], profiled["worker"])
	require.Contains(t, profiled["api"], "-pgo=/src/cmd/api/default.pgo")
	require.NotContains(t, profiled["worker"], "-pgo")
}

// TestFlagsOfDependencies: what changes how packages are compiled is the same for
// the layer, or it would be of no use; and what does not is left out.
func TestFlagsOfDependencies(t *testing.T) {
	p := plans(t, "  api: {build: {tags: x, gcflags: ['-N', 'all=-l'], ldflags: -d, stamp: {main.v: a}}}\n", service())["api"]
	s := stagesOf(t, p, "linux/amd64/v3")
	args := arguments(t, s.dependencies)
	for _, flag := range []string{"-trimpath", "-tags=x", "-gcflags=all=-l"} {
		require.Contains(t, args, flag)
	}
	for _, flag := range []string{"-gcflags=-N", "-ldflags"} {
		require.NotContains(t, strings.Join(args, " "), flag)
	}
	require.Equal(t, s.compile.Env, s.dependencies.Env)
	require.Equal(t, "v3", s.dependencies.Env["GOAMD64"])
}

// TestWithoutLayers: there is nothing to keep, or it was not asked for.
// TestSizeOfDependencies: what makes a program smaller is the same for its
// dependencies, in the same order, or their layer would be compiled for nothing.
func TestSizeOfDependencies(t *testing.T) {
	flags := func(x llbtest.Exec) []string {
		return slices.DeleteFunc(slices.Clone(arguments(t, x)), func(a string) bool { return !strings.HasPrefix(a, "-gcflags=") })
	}
	s := stagesOf(t, plans(t, "  api: {build: {optimize: size}}\n", service())["api"], "linux/amd64")
	require.Equal(t, []string{"-gcflags=all=-l"}, flags(s.dependencies))
	require.Equal(t, flags(s.dependencies), flags(s.compile))
	s = stagesOf(t, plans(t, "  api: {build: {optimize: size, gcflags: [-N, 'corp/...=']}}\n", service())["api"], "linux/amd64")
	require.Equal(t, []string{"-gcflags=all=-l", "-gcflags=corp/...="}, flags(s.dependencies))
	require.Equal(t, []string{"-gcflags=all=-l", "-gcflags=-l -N", "-gcflags=corp/...="}, flags(s.compile))
}

func TestWithoutLayers(t *testing.T) {
	own := llbtest.Files("go.mod=module m\n", "main.go=package main\n\nimport \"net/http\"\n")
	for _, tc := range []struct {
		name, target string
		src          fs.FS
	}{
		{"no dependencies", "{build: .}", own},
		{"mounts", "{build: {cache: mounts}}", service()},
		{"overlay", "{build: {env: {GOFLAGS: -overlay=o.json}}}", service()},
		{"another manifest", "{build: {env: {GOFLAGS: -modfile=other.mod}}}", service()},
		{"another workspace", "{build: {env: {GOWORK: /other}}}", service()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := compiled(t, plans(t, "  api: "+tc.target+"\n", tc.src)["api"], "linux/amd64").OneExec(t)
			require.NotNil(t, x.Mounts["/fromscratch/go/mod"].CacheOpt)
			require.Empty(t, build(t, x).Seed)
		})
	}
	s, err := spec.Parse("s", []byte("toolchain: go-cgo0\ntargets: {api: {build: {cache: layers, env: {GOFLAGS: -modfile=o.mod}}}}\n"))
	require.NoError(t, err)
	_, err = golang.New(s, s.Targets["api"], service())
	require.ErrorContains(t, err, "cache: layers cannot follow -modfile=o.mod")
}

// seen are the paths of the build context that an exec gets, and the files that were
// made for it.
func seen(g *llbtest.Graph, x llbtest.Exec) (mounted, copied, made []string) {
	for dest, m := range x.Mounts {
		if strings.HasPrefix(dest, "/src/") {
			mounted = append(mounted, strings.TrimPrefix(m.Selector, "/"))
		}
	}
	for _, a := range g.FileActions() {
		if c := a.GetCopy(); c != nil {
			copied = append(copied, strings.TrimPrefix(c.Src, "/"))
		}
		if m := a.GetMkfile(); m != nil {
			made = append(made, strings.TrimPrefix(m.Path, "/"))
		}
	}
	slices.Sort(mounted)
	slices.Sort(copied)
	slices.Sort(made)
	return mounted, slices.Compact(copied), slices.Compact(made)
}

// TestClosure: a compile sees the packages that the program is made of, and an edit
// of anything else does not run it again.
func TestClosure(t *testing.T) {
	src := service(
		"cmd/api/embed.go=package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/svc/ui\"\n)\n\n//go:embed help/*.txt\nvar a string\n\n//go:embed all:static\nvar b string\n",
		"cmd/api/help/a.txt=x", "cmd/api/help/b.md=x", "cmd/api/static/x/y=x", "cmd/api/unused/x=x", "cmd/api/main_test.go=package main\n",
		"ui/ui.go=package ui\n", "ui/ui_test.go=package ui\n", "ui/deep/deep.go=package deep\n",
	)
	p := plans(t, "  api: {}\n", src)["api"]
	g := compiled(t, p, "linux/amd64")
	mounted, copied, made := seen(g, g.LastExec(t))
	require.Equal(t, []string{"cmd/api/static", "internal/store"}, mounted)
	require.Equal(t, []string{"cmd/api/embed.go", "cmd/api/help/a.txt", "cmd/api/main.go", "ui/ui.go"}, copied)
	require.Equal(t, []string{"go.mod", "go.sum"}, made)
	require.True(t, p.Partial(llbtest.Platform(t, "linux/amd64")))
}

// TestWholeContext: what cannot be known is shown, and what git knows is kept.
func TestWholeContext(t *testing.T) {
	for name, more := range map[string]string{
		"a file that cannot be read": "internal/store/broken.go=package",
		"git":                        ".git/HEAD=ref: refs/heads/main",
		"a link":                     "",
		"a folder that is a link":    "",
	} {
		t.Run(name, func(t *testing.T) {
			src := service("x=x").(fstest.MapFS)
			switch name {
			case "a link":
				src["internal/store/link.go"] = &fstest.MapFile{Data: []byte("../../web/web.go"), Mode: fs.ModeSymlink | 0o777}
			case "a folder that is a link":
				src["internal/store/testdata"] = &fstest.MapFile{Data: []byte("../../web"), Mode: fs.ModeSymlink | 0o777}
				src["internal/store/embed.go"] = &fstest.MapFile{Data: []byte("package store\n\nimport _ \"embed\"\n\n//go:embed testdata/x\nvar x string\n")}
				src["web/x"] = &fstest.MapFile{}
			default:
				for k, v := range llbtest.Files(more) {
					src[k] = v
				}
			}
			p := plans(t, "  api: {}\n", src)["api"]
			x := stagesOf(t, p, "linux/amd64").compile
			require.Equal(t, []string{"/src"}, slices.Collect(func(yield func(string) bool) {
				for dest := range x.Mounts {
					if strings.HasPrefix(dest, "/src") && !yield(dest) {
						return
					}
				}
			}))
			require.False(t, p.Partial(llbtest.Platform(t, "linux/amd64")))
			if name == "git" {
				require.Contains(t, arguments(t, x), "-buildvcs=true")
				require.Equal(t, "golang:1.26", p.Image(), "the image with git")
				require.Equal(t, "safe.directory", x.Env["GIT_CONFIG_KEY_0"])
			}
		})
	}
}

// TestManyFolders: hundreds of mounts cost more than copies.
func TestManyFolders(t *testing.T) {
	var files []string
	imports := ""
	for i := range 60 {
		name := "p" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		files = append(files, name+"/x.go=package "+name+"\n", "hidden"+name+"/x.go=package x\n")
		imports += "import _ \"m/" + name + "\"\n"
	}
	src := llbtest.Files(append(files, "go.mod=module m\n", "main.go=package main\n"+imports)...)
	g := compiled(t, plans(t, "  api: {build: .}\n", src)["api"], "linux/amd64")
	mounted, copied, _ := seen(g, g.LastExec(t))
	require.Empty(t, mounted)
	require.Len(t, copied, 61)
}

// TestWorkspace: all that go.work uses is there, by its manifest at least.
func TestWorkspace(t *testing.T) {
	src := llbtest.Files(
		"go.work=go 1.25\n\ntoolchain go1.26.1\n\nuse (\n\t./api\n\t./lib\n\t./other\n)\n\nreplace example.com/fork => ./third/fork\n",
		"api/go.mod=module example.com/api\n\ngo 1.25\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\texample.com/lib v0.0.0\n\texample.com/fork v1.0.0\n)\n",
		"api/go.sum=x", "api/main.go=package main\n\nimport (\n\t_ \"example.com/fork/f\"\n\t_ \"example.com/lib\"\n\t_ \"github.com/a/b\"\n)\n",
		"lib/go.mod=module example.com/lib\n\ngo 1.25\n", "lib/lib.go=package lib\n",
		"other/go.mod=module example.com/other\n\ngo 1.25\n", "other/other.go=package main\n",
		"third/fork/go.mod=module example.com/fork\n", "third/fork/f/f.go=package f\n", "third/fork/g/g.go=package g\n",
	)
	for _, target := range []string{"{build: ./api}", "{build: example.com/api}", "{build: {dir: api}}"} {
		p := plans(t, "  api: "+target+"\n", src)["api"]
		require.Equal(t, "golang:1.26.1-alpine", p.Image())
		require.Equal(t, "go.work:3 (toolchain go1.26.1)", p.ImageAsked())
		g := compiled(t, p, "linux/amd64")
		s := stagesOf(t, p, "linux/amd64")
		require.Equal(t, []string{"github.com/a/b"}, packages(arguments(t, s.dependencies)), target)
		x := g.LastExec(t)
		mounted, copied, made := seen(g, x)
		require.Equal(t, []string{"lib", "third/fork/f"}, slices.DeleteFunc(mounted, func(s string) bool { return s == "api" }))
		require.Contains(t, copied, gocache.WorkSum, "sums that are missing come from the download")
		require.Equal(t, []string{"api/go.mod", "api/go.sum", "go.work", "lib/go.mod", "other/go.mod", "third/fork/go.mod"}, made)
	}
}

// TestLearn: a module that was downloaded may import any package of a fork, of a
// member of the workspace or of the project, so those that it requires are seen as a
// whole, with what they require in turn.
func TestLearn(t *testing.T) {
	const app = "module m\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\texample.com/fork v1.0.0\n\texample.com/base v1.0.0\n\texample.com/other v1.0.0\n)\n\n" +
		"replace (\n\texample.com/fork => ./fork\n\texample.com/base => ./base\n\texample.com/other => ./other\n)\n"
	forked := llbtest.Files("go.mod="+app, "go.sum=x", "main.go=package main\n\nimport _ \"github.com/a/b\"\n", "doc/doc.go=package doc\n",
		"fork/go.mod=module example.com/fork\n\nrequire example.com/base v1.0.0\n", "fork/deep/f.go=package deep\n",
		"base/go.mod=module example.com/base\n", "base/b.go=package base\n", "other/go.mod=module example.com/other\n", "other/o.go=package other\n")
	workspace := llbtest.Files("go.work=use ./app\nuse ./lib\n", "app/go.mod=module example.com/app\n\nrequire github.com/a/b v1.0.0\n", "app/go.sum=x",
		"app/main.go=package main\n\nimport _ \"github.com/a/b\"\n", "app/doc/doc.go=package doc\n", "lib/go.mod=module example.com/lib\n", "lib/lib.go=package lib\n")
	for _, tc := range []struct {
		name, target string
		src          fs.FS
		required     string
		seen         []string
		whole        bool
	}{
		{"nothing", "{build: .}", forked, "", nil, false},
		{"a fork", "{build: .}", forked, "example.com/fork\n", []string{"base", "fork"}, false},
		{"the project", "{build: .}", forked, "m\n", nil, true},
		{"a workspace", "{build: ./app}", workspace, "example.com/lib\n", []string{"app", "lib"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := plans(t, "  api: "+tc.target+"\n", tc.src)["api"]
			pf := llbtest.Platform(t, "linux/amd64")
			require.NoError(t, p.Resolve(pf))
			facts, ok := p.Facts(env())
			require.True(t, ok)
			download := llbtest.Marshal(t, facts, llb.LinuxAmd64).LastExec(t)
			require.Equal(t, []string{"go", "mod", "download"}, arguments(t, download))
			again, err := p.Learn(llbtest.Files(gocache.RequiredFile + "=" + tc.required))
			require.NoError(t, err)
			require.Equal(t, tc.required != "", again)
			g := compiled(t, p, "linux/amd64")
			mounted, _, _ := seen(g, g.LastExec(t))
			require.Equal(t, tc.seen, mounted)
			require.Equal(t, !tc.whole, p.Partial(pf))
			require.Contains(t, opsOf(g), download.String(), "it runs once")
		})
	}
	p := plans(t, "  api: {build: .}\n", forked)["api"]
	_, err := p.Learn(llbtest.Files("x=x"))
	require.ErrorContains(t, err, "read which modules of the sources are required")
}

// opsOf are the ops of a graph as text.
func opsOf(g *llbtest.Graph) []string {
	var out []string
	for _, op := range g.Ops {
		out = append(out, op.String())
	}
	return out
}

// TestNothingToLearn: without a download nothing is known, so each of several modules
// is seen as a whole.
func TestNothingToLearn(t *testing.T) {
	src := func(more ...string) fs.FS {
		return llbtest.Files(append(more, "go.mod=module m\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\texample.com/fork v1.0.0\n)\n\nreplace example.com/fork => ./fork\n", "go.sum=x",
			"cmd/api/main.go=package main\n\nimport _ \"github.com/a/b\"\n", "fork/go.mod=module example.com/fork\n", "fork/f.go=package fork\n")...)
	}
	for target, src := range map[string]fs.FS{"{}": src("vendor/modules.txt=x"), "{build: {cache: mounts}}": src()} {
		p := plans(t, "  api: "+target+"\n", src)["api"]
		_, ok := p.Facts(env())
		require.False(t, ok)
		pf := llbtest.Platform(t, "linux/amd64")
		require.NoError(t, p.Resolve(pf))
		require.False(t, p.Partial(pf), target)
	}
}

// TestWholeWorkspace: sums that a workspace lacks are laid over the whole of its
// sources, too.
func TestWholeWorkspace(t *testing.T) {
	src := llbtest.Files("go.work=use ./app\n", "app/go.mod=module example.com/app\n\nrequire github.com/a/b v1.0.0\n", "app/go.sum=x",
		"app/main.go=package main\n\nimport _ \"github.com/a/b\"\n", "app/broken.go=package\n")
	g := compiled(t, plans(t, "  api: {build: ./app}\n", src)["api"], "linux/amd64")
	mounted, copied, _ := seen(g, g.LastExec(t))
	require.Empty(t, mounted)
	require.Equal(t, []string{gocache.WorkSum}, copied)
}

// TestVendor: what is vendored is compiled from there, and nothing is downloaded.
func TestVendor(t *testing.T) {
	src := service("vendor/modules.txt=# github.com/a/b v1.0.0", "vendor/github.com/a/b/router/r.go=package router\n")
	s := stagesOf(t, plans(t, "  api: {}\n", src)["api"], "linux/amd64")
	require.Nil(t, s.download.GetExec())
	require.Equal(t, "/vendor", s.dependencies.Mounts["/src/vendor"].Selector)
	require.Equal(t, "/vendor", s.compile.Mounts["/src/vendor"].Selector)
	require.Nil(t, s.compile.Mounts["/fromscratch/go/mod"])
	s = stagesOf(t, plans(t, "  api: {build: {env: {GOFLAGS: -mod=mod}}}\n", src)["api"], "linux/amd64")
	require.NotNil(t, s.download.GetExec())
}

// TestCredentials: what downloads is shown them, and what compiles is not.
func TestCredentials(t *testing.T) {
	p := plans(t, "  api: {build: {network: none, secrets: [{id: token, env: TOKEN}], env: {GOPRIVATE: corp}}}\n", service())["api"]
	require.Equal(t, "golang:1.26", p.Image(), "git is needed")
	s := stagesOf(t, p, "linux/amd64")
	ids := func(x llbtest.Exec) []string {
		var out []string
		for _, m := range x.Mounts {
			if m.SecretOpt != nil {
				out = append(out, m.SecretOpt.ID)
			}
			if m.SSHOpt != nil {
				out = append(out, "ssh")
			}
		}
		for _, e := range x.GetExec().Secretenv {
			out = append(out, e.ID+"="+e.Name)
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"build-ca", "gitconfig", "goproxy=FROMSCRATCH_GOPROXY", "netrc", "ssh"}, ids(s.download))
	require.Equal(t, []string{"token=TOKEN"}, ids(s.compile))
	require.Equal(t, "corp", s.download.Env["GOPRIVATE"])
	require.Equal(t, pb.NetMode_NONE, s.compile.GetExec().Network)
	require.Equal(t, pb.NetMode_UNSET, s.download.GetExec().Network)
}

// TestGroup: the targets of a group are one go build.
func TestGroup(t *testing.T) {
	ps := plans(t, "  api: {build: {group: all}}\n  worker: {build: {group: all}}\n  more: {build: {group: all, package: [./cmd/api, ./cmd/worker]}, entrypoint: [/api]}\n", service())
	x := stagesOf(t, ps["api"], "linux/amd64").compile
	require.Equal(t, []string{"./cmd/api", "./cmd/worker"}, packages(arguments(t, x)))
	require.Contains(t, arguments(t, x), "/out/")
	for _, name := range []string{"worker", "more"} {
		require.Equal(t, x.Args, stagesOf(t, ps[name], "linux/amd64").compile.Args)
	}
	require.Equal(t, []string{"worker"}, ps["worker"].Files())
	require.Equal(t, []string{"api", "worker"}, ps["more"].Files())

	s, err := spec.Parse("s", []byte("toolchain: go-cgo0\ntargets:\n  a: {build: {package: ./x/srv, group: g}}\n  b: {build: {package: ./y/srv, group: g}}\n"))
	require.NoError(t, err)
	_, err = golang.New(s, s.Targets["b"], llbtest.Files("go.mod=module m\n", "x/srv/m.go=package main\n", "y/srv/m.go=package main\n"))
	require.ErrorContains(t, err, `s:4:40: go build calls two programs of this group srv, that of target "a" and that of "b"; put one of them into another group`)
}

// TestSourceProblems: what the manifests and the imports show to be wrong.
func TestSourceProblems(t *testing.T) {
	main := "cmd/api/main.go=package main\n"
	for _, tc := range []struct {
		name, target, want string
		files              []string
	}{
		{"replaced from outside", "{}", `go.mod:3 replaces example.com/x by ../x, which lies outside the build context; pass a context that holds both`,
			[]string{"go.mod=module m\n\nreplace example.com/x => ../x\n", main}},
		{"replaced by a folder of one machine", "{}", `go.mod:3 replaces example.com/x by /home/me/x, a folder of one machine; write it relative to go.mod`,
			[]string{"go.mod=module m\n\nreplace example.com/x => /home/me/x\n", main}},
		{"replaced by nothing", "{}", `go.mod:3 replaces example.com/x by ./x, and there is no go.mod in that folder; see whether .dockerignore leaves it out`,
			[]string{"go.mod=module m\n\nreplace example.com/x => ./x\n", main}},
		{"workspace without a module", "{}", `go.work:2 uses ./x, and there is no go.mod in that folder`,
			[]string{"go.work=go 1.26\nuse ./x\n", "go.mod=module m\n", main}},
		{"workspace of outside", "{}", `go.work:2 uses ../x, which lies outside the build context`,
			[]string{"go.work=go 1.26\nuse ../x\n", "go.mod=module m\n", main}},
		{"not used by the workspace", "{build: {dir: sub}}", `go.work counts here and does not use the module in sub; run go work use ./sub there, or write build: {env: {GOWORK: "off"}}`,
			[]string{"go.work=go 1.26\nuse .\n", "go.mod=module m\n", "sub/go.mod=module s\n", "sub/main.go=package main\n"}},
		{"a module of its own", "{build: ./tool/cmd/x}", `tool has a go.mod, so it is a module of its own: write build: {dir: tool, package: ./cmd/x}`,
			[]string{"go.mod=module m\n", main, "tool/go.mod=module m/tool\n", "tool/cmd/x/main.go=package main\n"}},
		{"no sums", "{}", `there is no go.sum beside go.mod in the build context, so nobody knows that the modules are the right ones; run go mod tidy and commit it, or see whether .dockerignore leaves it out`,
			[]string{"go.mod=module m\n\nrequire example.com/x v1.0.0\n", main}},
		{"a file", "{build: ./cmd/api/main.go}", `"./cmd/api/main.go" is a file; name the folder of the package: write ./cmd/api`, []string{"go.mod=module m\n", main}},
		{"a library", "{build: ./lib}", `lib is package lib, a library; a program is a package main; the commands of this module are ./cmd/api`,
			[]string{"go.mod=module m\n", main, "lib/lib.go=package lib\n"}},
		{"for another system", "{build: .}", `no file in . is for linux/amd64: build constraints leave all of them out`,
			[]string{"go.mod=module m\n", "main_windows.go=package main\n"}},
		{"cgo alone", "{build: .}", `all files of native import C, and go-cgo0 compiles without cgo`,
			[]string{"go.mod=module m\n", "main.go=package main\n\nimport _ \"m/native\"\n", "native/n.go=package native\n\nimport \"C\"\n"}},
		{"a library in C", "{}", `internal/db/db.go:4 imports github.com/mattn/go-sqlite3, which is a library in C: go-cgo0 compiles without cgo, and without it the package is missing or fails when it is used; use modernc.org/sqlite`,
			[]string{"go.mod=module m\n\nrequire github.com/mattn/go-sqlite3 v1.14.0\n", "go.sum=x", "cmd/api/main.go=package main\n\nimport _ \"m/internal/db\"\n", "internal/db/db.go=package db\n\nimport (\n\t_ \"github.com/mattn/go-sqlite3\"\n)\n"}},
		{"two of a name", "{build: {package: [./a/srv, ./b/srv]}}", `./a/srv and ./b/srv are both called srv, and one image cannot hold both; make two targets of them`,
			[]string{"go.mod=module m\n", "a/srv/m.go=package main\n", "b/srv/m.go=package main\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, tc.target, llbtest.Files(tc.files...))
			if err == nil {
				err = p.Resolve(llbtest.Platform(t, "linux/amd64"))
			}
			require.ErrorContains(t, err, tc.want)
			require.Len(t, spec.ProblemsOf(err), 1)
		})
	}
}

// TestUnaffected: what a mistake of another target, or an import behind another
// constraint, does not stop.
func TestUnaffected(t *testing.T) {
	src := service(
		"cmd/worker/db.go=package main\n\nimport _ \"github.com/mattn/go-sqlite3\"\n",
		"cmd/api/db.go=//go:build cgo\n\npackage main\n\nimport _ \"github.com/mattn/go-sqlite3\"\n",
	)
	p := plans(t, twoTargets, src)["api"]
	require.NoError(t, p.Resolve(llbtest.Platform(t, "linux/amd64")))
}

// TestProgramNames: go build names programs by their import path.
func TestProgramNames(t *testing.T) {
	src := llbtest.Files("go.mod=module example.com/tool/v2\n", "main.go=package main\n", "cmd/x/m.go=package main\n", "cmd/y/v3/m.go=package main\n")
	p := plans(t, "  api: {build: {package: [., ./cmd/x, ./cmd/y/v3]}, entrypoint: [/x]}\n", src)["api"]
	require.Equal(t, []string{"tool", "x", "y"}, p.Files())
}

// TestLayersAreDeterministic: the same sources give the same definition.
func TestLayersAreDeterministic(t *testing.T) {
	first := compiled(t, plans(t, twoTargets, service())["api"], "linux/arm64").Bytes()
	for range 20 {
		require.Equal(t, first, compiled(t, plans(t, twoTargets, service())["api"], "linux/arm64").Bytes())
	}
	names := map[string]bool{}
	for _, x := range compiled(t, plans(t, twoTargets, service())["api"], "linux/arm64").Execs() {
		names[x.Name] = true
	}
	require.Equal(t, []string{"[dependencies] go mod download", "[linux/arm64] go build (dependencies)", "[linux/arm64] go build ./cmd/api"}, slices.Sorted(maps.Keys(names)))
}
