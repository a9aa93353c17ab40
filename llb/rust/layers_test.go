package rust_test

import (
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
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

const registry = "registry+https://github.com/rust-lang/crates.io-index"

// locked is a lock file with a package of the project and one from a registry.
const locked = `version = 4

[[package]]
name = "api"
version = "1.2.3"
dependencies = [
 "serde",
]

[[package]]
name = "serde"
version = "1.0.0"
source = "` + registry + `"
`

// plans plans targets of one spec.
func plans(t *testing.T, text string, src fstest.MapFS) map[string]*rust.Plan {
	t.Helper()
	s, err := spec.Parse("s", []byte("toolchain: rust-musl\ntargets:\n"+text))
	require.NoError(t, err)
	out := map[string]*rust.Plan{}
	for name, target := range s.Targets {
		out[name], err = rust.New(s, target, src)
		require.NoError(t, err)
	}
	return out
}

// stages are the execs of a graph by what the helper does.
type stages struct{ fetch, dependencies, compile llbtest.Exec }

func stagesOf(t *testing.T, p *rust.Plan, platform string) (s stages) {
	t.Helper()
	for _, x := range llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, platform)), llb.LinuxAmd64).Execs() {
		c, err := sourcesync.ParseArgs(x.Args[1:])
		if err != nil {
			continue // It prepares the toolchain.
		}
		switch c := c.(type) {
		case sourcesync.Fetch:
			s.fetch = x
		case sourcesync.Command:
			if c.Harvest != "" {
				s.dependencies = x
			} else {
				s.compile = x
			}
		}
	}
	return s
}

func service() fstest.MapFS {
	return llbtest.Files("Cargo.toml="+manifest("api", "version = '1.2.3'\n[dependencies]\nserde = '1'\n"), "Cargo.lock="+locked, "src/main.rs=fn main() {}")
}

func TestLayers(t *testing.T) {
	p := plans(t, "  api: {}\n", service())["api"]
	s := stagesOf(t, p, "linux/arm64")

	require.Equal(t, "[dependencies] cargo fetch", s.fetch.Name)
	require.Subset(t, s.fetch.Args, []string{"fetch", "--locked"})
	require.Equal(t, pb.CacheSharingOpt_LOCKED, s.fetch.Mounts["/fromscratch/downloads"].CacheOpt.Sharing)

	require.Equal(t, "[linux/arm64] cargo build --release (dependencies)", s.dependencies.Name)
	require.Contains(t, s.dependencies.Args, "--offline")
	require.Equal(t, pb.MountType_CACHE, s.dependencies.Mounts["/fromscratch/project"].MountType, "a bump compiles what it bumps")

	require.Equal(t, "[linux/arm64] cargo build --release (api)", s.compile.Name)
	require.Contains(t, s.compile.Args, "--offline")
	require.True(t, s.compile.Mounts["/fromscratch/dependencies"].Readonly)
	require.Contains(t, strings.Join(s.compile.Args, " "), "-seed /fromscratch/dependencies")
	require.NotEqual(t, s.dependencies.Mounts["/fromscratch/project"].CacheOpt.ID, s.compile.Mounts["/fromscratch/project"].CacheOpt.ID)

	for name, x := range map[string]llbtest.Exec{"dependencies": s.dependencies, "compile": s.compile} {
		home := x.Mounts["/fromscratch/cargo"]
		require.Equal(t, pb.MountType_BIND, home.MountType, name)
		require.EqualValues(t, pb.SkipOutput, home.Output, "what a build script writes beside its sources is no part of a key: %s", name)
		require.Equal(t, pb.MountContentCache_OFF, home.ContentCache, "thousands of files are not read for a key: %s", name)
	}
	require.Equal(t, pb.MountContentCache_OFF, s.compile.Mounts["/fromscratch/dependencies"].ContentCache)
	require.Equal(t, pb.MountContentCache_DEFAULT, s.compile.Mounts["/fromscratch/sourcesync"].ContentCache, "a new release of the frontend with the same helper compiles nothing")
	for _, k := range []string{"CARGO_PROFILE_RELEASE_STRIP", "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER", "CARGO_HOME", "FROMSCRATCH_TOOLCHAIN"} {
		require.Equal(t, s.dependencies.Env[k], s.compile.Env[k], "what Cargo compares must be the same: %s", k)
	}
}

// TestDependenciesAreSharedByPlatforms: sources are the same for all, and what is
// compiled for the builder itself is compiled once.
func TestDependenciesAreSharedByPlatforms(t *testing.T) {
	p := plans(t, "  api: {}\n", service())["api"]
	a, b := stagesOf(t, p, "linux/amd64"), stagesOf(t, p, "linux/arm64")
	require.Equal(t, a.fetch.Args, b.fetch.Args)
	require.Equal(t, a.dependencies.Mounts["/fromscratch/project"].CacheOpt.ID, b.dependencies.Mounts["/fromscratch/project"].CacheOpt.ID)
	require.NotEqual(t, a.dependencies.Args, b.dependencies.Args)
}

// TestDependenciesKey: what the dependencies are compiled from changes with them,
// and with nothing else.
func TestDependenciesKey(t *testing.T) {
	key := func(text string, change func(fstest.MapFS)) string {
		src := service()
		change(src)
		p := plans(t, text, src)["api"]
		g := llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, "linux/amd64")), llb.LinuxAmd64)
		var b strings.Builder
		for _, a := range g.FileActions() {
			if f := a.GetMkfile(); f != nil {
				b.WriteString(f.Path + "\n" + string(f.Data) + "\n")
			}
		}
		s := stagesOf(t, p, "linux/amd64")
		return b.String() + strings.Join(s.dependencies.Args, " ") + strings.Join(s.dependencies.GetExec().Meta.Env, " ")
	}
	replace := func(file, from, to string) func(fstest.MapFS) {
		return func(src fstest.MapFS) {
			text := string(src[file].Data)
			require.Contains(t, text, from)
			src[file] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, from, to))}
		}
	}
	nothing := func(fstest.MapFS) {}
	want := key("  api: {}\n", nothing)
	for name, change := range map[string]func(fstest.MapFS){
		"an edit":     replace("src/main.rs", "{}", "{ }"),
		"a new file":  func(src fstest.MapFS) { src["src/new.rs"] = &fstest.MapFile{} },
		"the read-me": func(src fstest.MapFS) { src["README.md"] = &fstest.MapFile{} },
		"a release": func(src fstest.MapFS) {
			replace("Cargo.toml", "1.2.3", "2.0.0")(src)
			replace("Cargo.lock", "1.2.3", "2.0.0")(src)
		},
		"a description": replace("Cargo.toml", "[dependencies]", "description = 'x'\n[dependencies]"),
		"lints":         replace("Cargo.toml", "[dependencies]", "[lints.rust]\nmissing_docs = 'deny'\n[dependencies]"),
		"a comment":     replace("Cargo.toml", "[dependencies]", "# x\n[dependencies]"),
		"an example":    func(src fstest.MapFS) { src["examples/e.rs"] = &fstest.MapFile{} },
		"a label":       nothing,
	} {
		t.Run("not "+name, func(t *testing.T) { require.Equal(t, want, key("  api: {labels: {a: b}, env: {C: d}}\n", change)) })
	}
	t.Run("not a stamp", func(t *testing.T) { require.Equal(t, want, key("  api: {build: {stamp: {VERSION: '2'}}}\n", nothing)) })
	for name, change := range map[string]func(fstest.MapFS){
		"a dependency":   replace("Cargo.toml", "serde = '1'", "serde = '1'\nother = '1'"),
		"a feature":      replace("Cargo.toml", "serde = '1'", "serde = {version = '1', features = ['derive']}"),
		"a profile":      replace("Cargo.toml", "[dependencies]", "[profile.release]\nlto = true\n[dependencies]"),
		"the lock file":  replace("Cargo.lock", "1.0.0", "1.0.1"),
		"a build script": func(src fstest.MapFS) { src["build.rs"] = &fstest.MapFile{} },
		"the config":     func(src fstest.MapFS) { src[".cargo/config.toml"] = &fstest.MapFile{Data: []byte("[build]\n")} },
	} {
		t.Run(name, func(t *testing.T) { require.NotEqual(t, want, key("  api: {}\n", change)) })
	}
	for _, build := range []string{"{features: [x]}", "{profile: dev}", "{optimize: size}", "{env: {A: b}}"} {
		t.Run(build, func(t *testing.T) { require.NotEqual(t, want, key("  api: {build: "+build+"}\n", nothing)) })
	}
}

func TestNoLayers(t *testing.T) {
	for name, tc := range map[string]struct {
		target string
		change func(fstest.MapFS)
	}{
		"asked for mounts": {"{build: {cache: mounts}}", func(fstest.MapFS) {}},
		"not locked":       {"{build: {locked: false}}", func(fstest.MapFS) {}},
		"no dependencies": {"{}", func(src fstest.MapFS) {
			src["Cargo.lock"] = &fstest.MapFile{Data: []byte("version = 4\n\n[[package]]\nname = \"api\"\nversion = \"1.2.3\"\n")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			src := service()
			tc.change(src)
			s := stagesOf(t, plans(t, "  api: "+tc.target+"\n", src)["api"], "linux/amd64")
			require.Empty(t, s.fetch.Args)
			require.Empty(t, s.dependencies.Args)
			require.NotContains(t, s.compile.Args, "--offline")
			require.Equal(t, pb.MountType_CACHE, s.compile.Mounts["/fromscratch/cargo"].MountType)
		})
	}
	_, err := plan(t, "{build: {cache: layers, locked: false}}", service())
	require.ErrorContains(t, err, "s:3:24: cache: layers needs a Cargo.lock that is up to date")
}

// workspaceFiles is a workspace of which each package has something odd.
func workspaceFiles() fstest.MapFS {
	return llbtest.Files(
		"Cargo.toml=[workspace]\nmembers = ['crates/*']\nexclude = ['crates/old']\nresolver = '2'\ndefault-members = ['crates/none']\n"+
			"[workspace.package]\nversion = '3.0.0'\nedition = '2021'\n[workspace.dependencies]\nrenamed = {package = 'shared', path = 'crates/shared', version = '3.0.0'}\nserde = '1'\n"+
			"[patch.crates-io]\npatched = {path = 'third-party/patched'}\n[profile.release]\nlto = 'thin'\n[workspace.lints.rust]\nmissing_docs = 'deny'\n",
		"Cargo.lock=version = 4\n\n[[package]]\nname = \"api\"\nversion = \"3.0.0\"\n\n[[package]]\nname = \"builder\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"patched\"\nversion = \"0.4.0\"\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \""+registry+"\"\ndependencies = [\n \"patched\",\n]\n\n[[package]]\nname = \"shared\"\nversion = \"3.0.0\"\n",
		"crates/api/Cargo.toml=[package]\nname = 'api'\nversion.workspace = true\nedition.workspace = true\nbuild = 'gen/build.rs'\n"+
			"[dependencies]\nrenamed.workspace = true\nserde.workspace = true\n[build-dependencies]\nbuilder = {path = '../builder', version = '1'}\n"+
			"[target.'cfg(unix)'.dependencies]\nunix = {path = '../unix'}\n[dev-dependencies]\ntesting = {path = '../testing'}\n[features]\nx = []\n[[bin]]\nname = 'api'\npath = 'app/main.rs'\nrequired-features = ['x']\n",
		"crates/api/app/main.rs=fn main() {}", "crates/api/gen/build.rs=fn main() {}",
		"crates/shared/Cargo.toml=[package]\nname = 'shared'\nversion.workspace = true\nedition.workspace = true\n[lib]\npath = 'lib/shared.rs'\n[lints]\nworkspace = true\n", "crates/shared/lib/shared.rs=",
		"crates/builder/Cargo.toml="+manifest("builder", "version = '1.0.0'\n"), "crates/builder/src/lib.rs=",
		"crates/unix/Cargo.toml="+manifest("unix", "[lib]\nproc-macro = true\n"), "crates/unix/src/lib.rs=",
		"crates/testing/Cargo.toml="+manifest("testing", ""), "crates/testing/src/lib.rs=", "crates/testing/fixtures/a=",
		"crates/other/Cargo.toml="+manifest("other", "[dependencies]\nrenamed.workspace = true\n"), "crates/other/src/main.rs=", "crates/other/src/lib.rs=",
		"crates/old/Cargo.toml="+manifest("old", ""), "crates/old/src/main.rs=",
		"crates/README.md=", "third-party/patched/Cargo.toml=[package]\nname = 'patched'\nversion = '0.4.0'\n", "third-party/patched/src/lib.rs=",
		"assets/logo.svg=", ".cargo/config.toml=[build]\nrustflags = ['-Cforce-frame-pointers']\n",
	)
}

// skeletonOf is what the vertex of the dependencies is given.
func skeletonOf(t *testing.T, p *rust.Plan) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, op := range llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, "linux/amd64")), llb.LinuxAmd64).Ops {
		if op.Name != "[dependencies] manifests" {
			continue
		}
		for _, a := range op.GetFile().Actions {
			if f := a.GetMkfile(); f != nil {
				out[strings.TrimPrefix(f.Path, "/")] = string(f.Data)
				require.Zero(t, f.Timestamp)
			}
		}
	}
	return out
}

func TestSkeleton(t *testing.T) {
	p := plans(t, "  api: {build: {package: api, features: x}}\n", workspaceFiles())["api"]
	files := skeletonOf(t, p)
	require.Equal(t, []string{
		".cargo/config.toml", "Cargo.lock", "Cargo.toml",
		"crates/api/Cargo.toml", "crates/api/build.rs", "crates/api/main.rs",
		"crates/builder/Cargo.toml", "crates/builder/lib.rs",
		"crates/other/Cargo.toml", "crates/other/lib.rs", "crates/other/main.rs",
		"crates/shared/Cargo.toml", "crates/shared/lib.rs",
		"crates/testing/Cargo.toml", "crates/testing/lib.rs",
		"crates/unix/Cargo.toml", "crates/unix/lib.rs",
		"third-party/patched/Cargo.toml", "third-party/patched/lib.rs",
	}, slices.Sorted(maps.Keys(files)))
	for file, parts := range map[string][]string{
		"Cargo.toml":                     {"members = ['crates/*']", "exclude = ['crates/old']", "resolver = '2'", "edition = '2021'", "lto = 'thin'", "path = 'third-party/patched'", "path = 'crates/shared'", "package = 'shared'"},
		"Cargo.lock":                     {"name = \"api\"\nversion = \"0.0.0\"\n", "name = \"patched\"\nversion = \"0.4.0\"\n", "name = \"serde\"\nversion = \"1.0.0\"\n", "name = \"shared\"\nversion = \"0.0.0\"\n"},
		"crates/api/Cargo.toml":          {"version = '0.0.0'", "build = 'build.rs'", "required-features = ['x']", "x = []", "[target.'cfg(unix)'.dependencies", "workspace = true"},
		"crates/unix/Cargo.toml":         {"proc-macro = true"},
		"third-party/patched/Cargo.toml": {"version = '0.4.0'"},
	} {
		for _, part := range parts {
			require.Contains(t, files[file], part, file)
		}
	}
	for file, parts := range map[string][]string{
		"Cargo.toml":               {"default-members", "missing_docs", "3.0.0"},
		"crates/api/Cargo.toml":    {"version = '1'", "app/main.rs", "gen/build.rs"},
		"crates/shared/Cargo.toml": {"lints", "lib/shared.rs"},
	} {
		for _, part := range parts {
			require.NotContains(t, files[file], part, file)
		}
	}
}

// TestView: a compile sees what it can use, and of other packages what Cargo wants
// to know of them.
func TestView(t *testing.T) {
	p := plans(t, "  api: {build: {package: api, features: x}}\n", workspaceFiles())["api"]
	require.True(t, p.Partial(llbtest.Platform(t, "linux/amd64")))
	x := stagesOf(t, p, "linux/amd64").compile
	for _, dir := range []string{"assets", "crates/api", "crates/shared", "crates/builder", "crates/unix", "third-party", ".cargo", "crates/old"} {
		m := x.Mounts["/src/"+dir]
		require.NotNil(t, m, dir)
		require.True(t, m.Readonly)
		require.Equal(t, "/"+dir, m.Selector, "the key holds this folder alone")
	}
	for _, dir := range []string{"crates/testing", "crates/other", "crates"} {
		require.NotContains(t, x.Mounts, "/src/"+dir)
	}
	var stubs, copies []string
	for _, op := range llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, "linux/amd64")), llb.LinuxAmd64).Ops {
		if op.Name != "[sources] files and manifests" {
			continue
		}
		for _, a := range op.GetFile().Actions {
			if f := a.GetMkfile(); f != nil {
				stubs = append(stubs, f.Path)
			}
			if c := a.GetCopy(); c != nil {
				copies = append(copies, c.Dest)
			}
		}
	}
	require.Equal(t, []string{"/crates/other/.fromscratch-hidden", "/crates/other/Cargo.toml", "/crates/other/lib.rs", "/crates/other/main.rs",
		"/crates/testing/.fromscratch-hidden", "/crates/testing/Cargo.toml", "/crates/testing/lib.rs"}, stubs)
	require.Equal(t, []string{"/Cargo.lock", "/Cargo.toml", "/crates/README.md"}, copies)

	whole := plans(t, "  api: {}\n", service())["api"]
	require.False(t, whole.Partial(llbtest.Platform(t, "linux/amd64")))
	require.Empty(t, stagesOf(t, whole, "linux/amd64").compile.Mounts["/src"].Selector)
}

// TestNeighbours: projects beside the folder of the build are none of its business.
func TestNeighbours(t *testing.T) {
	src := llbtest.Files("Cargo.lock=",
		"go.mod=", "proto/a.proto=", "services/web/package.json={}", "services/web/x=", "services/gateway/go.mod=", "services/shared/x=",
		"services/api/Cargo.toml="+manifest("api", ""), "services/api/Cargo.lock="+locked, "services/api/src/main.rs=")
	p := plans(t, "  api: {build: {dir: services/api}}\n", src)["api"]
	x := stagesOf(t, p, "linux/amd64").compile
	for _, dir := range []string{"proto", "services/shared", "services/api"} {
		require.Contains(t, x.Mounts, "/src/"+dir)
	}
	for _, dir := range []string{"services/web", "services/gateway", "services"} {
		require.NotContains(t, x.Mounts, "/src/"+dir)
	}
}

// TestSharedDependencies: the dependencies of all targets that are compiled alike
// are compiled in one vertex, each as its target asks for them.
func TestSharedDependencies(t *testing.T) {
	ps := plans(t, "  api: {build: {package: api, features: x}}\n  other: {build: other}\n  small: {build: {package: other, optimize: size}}\n  wrong: {build: other}\n", workspaceFiles())
	a, o, small := stagesOf(t, ps["api"], "linux/amd64"), stagesOf(t, ps["other"], "linux/amd64"), stagesOf(t, ps["small"], "linux/amd64")
	require.Equal(t, a.dependencies.Args, o.dependencies.Args)
	require.Equal(t, a.fetch.Args, small.fetch.Args)
	c, err := sourcesync.ParseArgs(a.dependencies.Args[1:])
	require.NoError(t, err)
	runs := c.(sourcesync.Command).Run
	require.Len(t, runs, 2, "equal ones once")
	require.Subset(t, runs[0], []string{"--features", "x", "--package", "api"})
	require.Subset(t, runs[1], []string{"--package", "other"})
	require.NotContains(t, runs[1], "--features")
	mount := func(s stages) *pb.CacheOpt { return s.compile.Mounts["/fromscratch/project"].CacheOpt }
	require.Equal(t, mount(a).ID, mount(o).ID, "what they have in common of the workspace is compiled once")
	require.Equal(t, pb.CacheSharingOpt_LOCKED, mount(a).Sharing, "one after the other")
	require.NotEqual(t, mount(a).ID, mount(small).ID)
	require.Equal(t, "z", small.compile.Env["CARGO_PROFILE_RELEASE_OPT_LEVEL"])
	require.Equal(t, "abort", small.dependencies.Env["CARGO_PROFILE_RELEASE_PANIC"])
}

func TestGroup(t *testing.T) {
	ps := plans(t, "  one: {build: {package: api, group: g}}\n  two: {build: {package: other, group: g}}\n", workspaceFiles())
	a, b := stagesOf(t, ps["one"], "linux/amd64"), stagesOf(t, ps["two"], "linux/amd64")
	require.Equal(t, a.compile.Args, b.compile.Args, "one vertex")
	require.Contains(t, strings.Join(a.compile.Args, " "), "--package api --package other --bin api --bin other")
	require.Contains(t, strings.Join(a.compile.Args, " "), "-to /out/one/one -from /fromscratch/project/target/x86_64-unknown-linux-musl/release/other -to /out/two/two")
	require.Equal(t, []string{"one"}, ps["one"].Binaries())
	require.Equal(t, []string{"two/two"}, ps["two"].Files())
}

// TestMetadata: what Cargo is asked for is what it was asked to compile, and to
// download.
func TestMetadata(t *testing.T) {
	metadataOf := func(build string, src fstest.MapFS) (stages, sourcesync.Command, string) {
		src["Cargo.toml"] = &fstest.MapFile{Data: append(src["Cargo.toml"].Data, "\n[features]\nx = []\ny = []\n"...)}
		s := stagesOf(t, plans(t, "  api: {build: {"+build+"}}\n", src)["api"], "linux/arm/v7")
		c, err := sourcesync.ParseArgs(s.compile.Args[1:])
		require.NoError(t, err)
		command := c.(sourcesync.Command)
		return s, command, strings.Join(command.Metadata, " ")
	}
	const metadata = "cargo metadata --format-version 1"
	const platforms = " --filter-platform x86_64-unknown-linux-musl --filter-platform x86_64-unknown-linux-gnu" +
		" --filter-platform aarch64-unknown-linux-musl --filter-platform aarch64-unknown-linux-gnu --filter-platform armv7-unknown-linux-musleabihf"
	plain, command, got := metadataOf("package: api", service())
	require.Equal(t, metadata+" --locked"+platforms+" --offline", got)
	require.False(t, command.Auditable)
	s, command, got := metadataOf("auditable: true", service())
	require.Equal(t, metadata+" --locked"+platforms+" --offline", got)
	require.True(t, command.Auditable)
	require.Subset(t, s.fetch.Args, strings.Fields(strings.ReplaceAll(platforms, "--filter-platform", "--target")))
	require.Equal(t, plain.dependencies.Args, s.dependencies.Args, "the dependencies are the same")
	require.Equal(t, plain.compile.Mounts["/fromscratch/project"].CacheOpt.ID, s.compile.Mounts["/fromscratch/project"].CacheOpt.ID, "and so is what is compiled of the program")
	for build, want := range map[string]string{
		"cache: mounts": metadata + " --locked" + platforms,
		"locked: false": metadata + platforms,
		"features: [x, y], default-features: false":   metadata + " --locked" + platforms + " --features x,y --no-default-features --offline",
		"profile: dev, optimize: size, stamp: {A: b}": metadata + " --locked" + platforms + " --offline",
	} {
		_, _, got := metadataOf(build, service())
		require.Equal(t, want, got, build)
	}
	flags := stagesOf(t, plans(t, "  api: {build: {auditable: true}}\n", service())["api"], "linux/amd64/v3").compile.Args
	require.Contains(t, strings.Join(flags, " "), "-metadata --config -metadata target.x86_64-unknown-linux-musl.rustflags=", "what is compiled may depend on what a machine has")
}

func TestStamp(t *testing.T) {
	p := plans(t, "  api: {build: {stamp: {VERSION: '1', SHA: abc}}}\n", service())["api"]
	s := stagesOf(t, p, "linux/amd64")
	c, err := sourcesync.ParseArgs(s.compile.Args[1:])
	require.NoError(t, err)
	require.Equal(t, []string{"SHA", "VERSION"}, c.(sourcesync.Command).Stamps)
	require.Equal(t, []string{"."}, c.(sourcesync.Command).Final)
	require.Equal(t, "abc", s.compile.Env["SHA"])
	require.NotContains(t, s.dependencies.Env, "SHA")
	other := stagesOf(t, plans(t, "  api: {build: {stamp: {VERSION: '2'}}}\n", service())["api"], "linux/amd64")
	require.Equal(t, s.compile.Mounts["/fromscratch/project"].CacheOpt.ID, other.compile.Mounts["/fromscratch/project"].CacheOpt.ID, "a stamp starts no new cache")
}

// TestStampsOfSeveral: targets with the same stamps share what is compiled, and when a
// value changes, the programs of all of them are compiled anew.
func TestStampsOfSeveral(t *testing.T) {
	ps := plans(t, "  api: {build: {package: api, stamp: {VERSION: '1'}}}\n  other: {build: {package: other, stamp: {VERSION: '2'}}}\n  third: {build: {package: other, stamp: {SHA: x}}}\n", workspaceFiles())
	ids := map[string]string{}
	for name, p := range ps {
		s := stagesOf(t, p, "linux/amd64")
		ids[name] = s.compile.Mounts["/fromscratch/project"].CacheOpt.ID
		c, err := sourcesync.ParseArgs(s.compile.Args[1:])
		require.NoError(t, err)
		require.Len(t, c.(sourcesync.Command).Final, 2, name)
	}
	require.Equal(t, ids["api"], ids["other"])
	require.NotEqual(t, ids["api"], ids["third"])
}

// TestSecrets: what a build is given is shown to those that need it.
func TestSecrets(t *testing.T) {
	src := service()
	src["Cargo.lock"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(locked, registry, "git+ssh://git@example.com/serde.git?rev=1#0000000000000000000000000000000000000001"))}
	src[".cargo/config.toml"] = &fstest.MapFile{Data: []byte("[registries.my-company]\nindex = 'sparse+https://example.com/'\n")}
	p := plans(t, "  api: {build: {secrets: [a, {id: b, env: B, required: true}, {id: c, target: /etc/c}], network: none}}\n", src)["api"]
	require.Equal(t, []string{"ssh://git@example.com/serde.git"}, p.Repositories())
	s := stagesOf(t, p, "linux/amd64")
	ids := func(x llbtest.Exec) (out []string) {
		for _, m := range x.GetExec().Mounts {
			switch m.MountType {
			case pb.MountType_SECRET:
				out = append(out, m.SecretOpt.ID+":"+m.Dest)
			case pb.MountType_SSH:
				out = append(out, "ssh")
				require.True(t, m.SSHOpt.Optional)
			}
		}
		for _, e := range x.GetExec().Secretenv {
			out = append(out, e.ID+"="+e.Name)
			require.Equal(t, e.ID != "b", e.Optional)
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"build-ca:/run/secrets/build-ca", "cargo-token=CARGO_REGISTRIES_MY_COMPANY_TOKEN", "cargo-token=CARGO_REGISTRY_TOKEN",
		"gitconfig:/root/.gitconfig", "netrc:/root/.netrc", "ssh"}, ids(s.fetch))
	own := []string{"a:/run/secrets/a", "b=B", "c:/etc/c"}
	require.Equal(t, own, ids(s.dependencies))
	require.Equal(t, own, ids(s.compile))
	require.Equal(t, pb.NetMode_UNSET, s.fetch.GetExec().Network)
	require.Equal(t, pb.NetMode_NONE, s.dependencies.GetExec().Network)
	require.Equal(t, pb.NetMode_NONE, s.compile.GetExec().Network)
	require.Equal(t, "0", s.fetch.Env["GIT_TERMINAL_PROMPT"])
}

func TestWorkspaceProblems(t *testing.T) {
	for _, tc := range []struct {
		name, target, want string
		src                fstest.MapFS
	}{
		{"a dependency outside", "{}", "Cargo.toml refers to ../lib, which lies outside of the build context; pass a context that holds both, and name the folder of the project with build.dir",
			llbtest.Files("Cargo.toml="+manifest("api", "[dependencies]\nlib = {path = '../lib'}\n"), "Cargo.lock=", "src/main.rs=")},
		{"a dependency that is missing", "{}", "Cargo.toml depends on lib by its path, but the build context has no lib/Cargo.toml; see whether .dockerignore leaves it out",
			llbtest.Files("Cargo.toml="+manifest("api", "[dependencies]\nlib = {path = 'lib'}\n"), "Cargo.lock=", "src/main.rs=")},
		{"a workspace outside", "{}", "Cargo.toml refers to .., which lies outside of the build context",
			llbtest.Files("Cargo.toml="+manifest("api", "workspace = '..'\n"), "Cargo.lock=", "src/main.rs=")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, tc.target, tc.src)
			require.ErrorContains(t, err, "s:3:8: "+tc.want)
		})
	}
}

// TestMemberFolder: the folder of a member is as good a place to start as its name.
func TestMemberFolder(t *testing.T) {
	src := workspaceFiles()
	p := plans(t, "  app: {build: {dir: crates/other}}\n", src)["app"]
	s := stagesOf(t, p, "linux/amd64")
	c, err := sourcesync.ParseArgs(s.compile.Args[1:])
	require.NoError(t, err)
	require.Equal(t, "crates/other", c.(sourcesync.Command).Dir)
	f, err := sourcesync.ParseArgs(s.fetch.Args[1:])
	require.NoError(t, err)
	require.Equal(t, ".", f.(sourcesync.Fetch).Dir, "the lock file is the workspace's")
	require.Contains(t, strings.Join(s.compile.Args, " "), "--package other --bin other")
}

func TestRustVersion(t *testing.T) {
	for version, want := range map[string]string{"1.70": rust.DefaultVersion, "1.99.1": "1.99.1", "": rust.DefaultVersion} {
		p, err := plan(t, "{}", llbtest.Files("Cargo.toml="+manifest("api", "rust-version = '"+version+"'\n"), "Cargo.lock=", "src/main.rs="))
		require.NoError(t, err)
		require.Equal(t, "rust:"+want+"-bookworm", p.Image(), version)
	}
}

// TestSourceDateEpoch: compilers of C and build scripts see no clock, and the two
// steps that compile agree, so that neither compiles what the other did.
func TestSourceDateEpoch(t *testing.T) {
	for _, tc := range []struct{ name, build, want string }{
		{"by default", "{}", "0"},
		{"set by the spec", "{env: {SOURCE_DATE_EPOCH: 1700000000}}", "1700000000"},
		{"set to nothing", "{env: {SOURCE_DATE_EPOCH: ''}}", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := plans(t, "  api: {build: "+tc.build+"}\n", llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs=", "Cargo.lock="+locked))["api"]
			s := stagesOf(t, p, "linux/amd64")
			for _, x := range []llbtest.Exec{s.dependencies, s.compile} {
				got, ok := x.Env["SOURCE_DATE_EPOCH"]
				require.True(t, ok, x.Name)
				require.Equal(t, tc.want, got, x.Name)
			}
			require.NotContains(t, s.fetch.Env, "SOURCE_DATE_EPOCH", "a download does not depend on it")
		})
	}
}
