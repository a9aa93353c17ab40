package rust_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

func plan(t *testing.T, target string, src fs.FS) (*rust.Plan, error) {
	t.Helper()
	s, err := spec.Parse("s", []byte("toolchain: rust-musl\ntargets:\n  api: "+target+"\n"))
	require.NoError(t, err)
	return rust.New(s, s.Targets["api"], src)
}

const pkg = "[package]\nname = 'NAME'\nedition = '2024'\n"

func manifest(name, rest string) string {
	return strings.ReplaceAll(pkg, "NAME", name) + rest
}

// monorepo is a virtual workspace with the shapes that crates have.
func monorepo() fstest.MapFS {
	return llbtest.Files(
		"Cargo.lock=",
		"Cargo.toml=[workspace]\nmembers = ['crates/*', 'tools/gen']\nexclude = ['crates/old']\n",
		"crates/api/Cargo.toml="+manifest("api", ""), "crates/api/src/main.rs=", "crates/api/src/lib.rs=",
		"crates/lib/Cargo.toml="+manifest("shared", ""), "crates/lib/src/lib.rs=",
		"crates/many/Cargo.toml="+manifest("many", "[[bin]]\nname = 'one'\npath = 'src/main.rs'\n"),
		"crates/many/src/main.rs=", "crates/many/src/bin/two.rs=", "crates/many/src/bin/three/main.rs=", "crates/many/src/bin/util/mod.rs=",
		"crates/run/Cargo.toml=[package]\nname = 'run'\nedition = '2021'\ndefault-run = 'b'\n", "crates/run/src/bin/a.rs=", "crates/run/src/bin/b.rs=",
		"crates/old/Cargo.toml="+manifest("old", ""), "crates/old/src/main.rs=",
		"crates/notes/README.md=",
		"tools/gen/Cargo.toml="+manifest("gen", "autobins = false\n[[bin]]\nname = 'generate'\npath = 'gen.rs'\n"), "tools/gen/src/main.rs=",
	)
}

func TestSelect(t *testing.T) {
	for _, tc := range []struct {
		name, target string
		args         string
		binaries     []string
	}{
		{"package named like the target", "{}", "--package api --bin api", []string{"api"}},
		{"short form", "{build: api}", "--package api --bin api", []string{"api"}},
		{"bin alone", "{build: {bin: two}}", "--package many --bin two", []string{"api"}},
		{"bin that the manifest names", "{build: {bin: one}}", "--package many --bin one", []string{"api"}},
		{"bin in a folder", "{build: {package: many, bin: three}}", "--package many --bin three", []string{"api"}},
		{"default-run", "{build: run}", "--package run --bin b", []string{"api"}},
		{"several bins", "{build: {bin: [one, generate]}}", "--package many --package gen --bin one --bin generate", []string{"one", "generate"}},
		{"several packages", "{build: {package: [api, gen]}}", "--package api --package gen --bin api --bin generate", []string{"api", "generate"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, tc.target, monorepo())
			require.NoError(t, err)
			require.Equal(t, tc.binaries, p.Binaries())
			require.Contains(t, strings.Join(exec(t, p, "linux/amd64").Args, " "), tc.args)
		})
	}
	t.Run("the only binary", func(t *testing.T) {
		p, err := plan(t, "{}", llbtest.Files("Cargo.lock=", "Cargo.toml="+manifest("other", ""), "src/main.rs="))
		require.NoError(t, err)
		require.Equal(t, []string{"api"}, p.Binaries(), "one binary is named like its target")
		require.Contains(t, strings.Join(exec(t, p, "linux/amd64").Args, " "), "--bin other")
	})
	t.Run("edition 2015 discovers nothing beside a bin", func(t *testing.T) {
		_, err := plan(t, "{build: {bin: extra}}", llbtest.Files("Cargo.lock=",
			"Cargo.toml=[package]\nname = 'x'\n[[bin]]\nname = 'y'\npath = 'y.rs'\n", "src/bin/extra.rs="))
		require.EqualError(t, err, `s:3:22: there is no binary "extra", only y`)
	})
}

func TestProblems(t *testing.T) {
	for _, tc := range []struct {
		name, target, want string
		src                fs.FS
	}{
		{"no manifest", "{}", "s:3:8: there is no Cargo.toml in the root of the build context; pass the folder that holds it as the build context, or see whether .dockerignore leaves it out", llbtest.Files("src/main.rs=")},
		{"no such folder", "{build: {dir: x}}", "s:3:22: there is no folder x in the build context; build.dir is relative to the build context, so pass the folder that holds x as the context, or see whether .dockerignore leaves it out", llbtest.Files("Cargo.toml=")},
		{"manifest below", "{}", "s:3:8: there is no Cargo.toml in the root of the build context, but there is one in svc: write build: {dir: svc}", llbtest.Files("svc/Cargo.toml=")},
		{"no lock file", "{}", "s:3:8: there is no Cargo.lock in the build context, so the versions of the dependencies are not fixed; run cargo generate-lockfile and commit the file, see whether .dockerignore leaves it out, or write build: {locked: false}", llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs=")},
		{"damaged manifest", "{}", "s:3:8: Cargo.toml cannot be read: line 2, column 5: ", llbtest.Files("Cargo.toml=[package]\nname\n", "Cargo.lock=")},
		{"missing member", "{}", `s:3:8: Cargo.toml names the workspace member "crates/x", but the build context has no crates/x/Cargo.toml; see whether .dockerignore leaves it out`, llbtest.Files("Cargo.toml=[workspace]\nmembers=['crates/x']\n", "Cargo.lock=")},
		{"unknown package", "{build: apy}", `s:3:16: there is no package "apy" in the workspace, only api, shared, many, run and gen; did you mean "api"?`, monorepo()},
		{"unknown bin", "{build: {bin: tow}}", `s:3:22: there is no binary "tow", only api, one, three, two, a, b and generate; did you mean "two"?`, monorepo()},
		{"library", "{build: shared}", `s:3:16: package "shared" has no binary; it is a library`, monorepo()},
		{"several bins", "{build: many}", `s:3:16: package "many" has several binaries, one, three and two; write build: {package: many, bin: one}`, monorepo()},
		{"nothing named so", "{}", `s:3:8: no package and no binary is named like the target "api"; name one of a and b: write build: {bin: a}`, llbtest.Files("Cargo.lock=", "Cargo.toml="+manifest("x", ""), "src/bin/a.rs=", "src/bin/b.rs=")},
		{"no binaries at all", "{}", `s:3:8: no package and no binary is named like the target "api", and the workspace has no binaries; see whether .dockerignore leaves src/main.rs out`, llbtest.Files("Cargo.lock=", "Cargo.toml="+manifest("x", ""), "src/lib.rs=")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, tc.target, tc.src)
			require.Error(t, err)
			require.Len(t, spec.ProblemsOf(err), 1, "the user is at fault, and sees where")
			require.Contains(t, err.Error(), tc.want)
		})
	}
}

func TestImage(t *testing.T) {
	for toolchain, want := range map[string]string{
		"rust-musl":                                 "rust:" + rust.DefaultVersion + "-bookworm",
		"{name: rust-musl, version: 1.90.1}":        "rust:1.90.1-bookworm",
		"{name: rust-musl, image: my/rust:nightly}": "my/rust:nightly",
	} {
		s, err := spec.Parse("s", []byte("toolchain: "+toolchain+"\ntargets: {api: {}}\n"))
		require.NoError(t, err)
		p, err := rust.New(s, s.Targets["api"], monorepo())
		require.NoError(t, err)
		require.Equal(t, want, p.Image())
	}
}

func TestSupports(t *testing.T) {
	p, err := plan(t, "{}", monorepo())
	require.NoError(t, err)
	require.NoError(t, p.Supports(llbtest.Platform(t, "linux/arm64")))
	require.EqualError(t, p.Supports(llbtest.Platform(t, "linux/s390x")),
		"toolchain rust-musl cannot build for platform linux/s390x; it builds for linux/amd64, linux/amd64/v2, linux/amd64/v3, linux/amd64/v4, linux/arm64, linux/arm/v7, linux/arm/v6, linux/arm/v5, linux/386, linux/riscv64, linux/ppc64le, linux/loong64")
}

func env() toolchain.Env {
	img := toolchain.Image{State: llb.Image("rust:1.96"), Digest: "sha256:1"}
	img.Config = dockerspec.DockerOCIImage{}
	img.Config.Config.Env = []string{"PATH=/usr/bin", "RUST_VERSION=1.96.0"}
	return toolchain.Env{Target: "api", Source: llb.Local("context", llb.SessionID("s")), Image: img, Tools: llb.Image("fromscratch/frontend:1"), Caps: pb.Caps.CapSet(pb.Caps.All()),
		BuildArch: "amd64", BuildLocation: llb.WithDescription(nil), ToolchainLocation: llb.WithDescription(nil)}
}

func exec(t *testing.T, p *rust.Plan, platform string) llbtest.Exec {
	t.Helper()
	return llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, platform)), llb.LinuxAmd64).LastExec(t)
}

func TestCompile(t *testing.T) {
	p, err := plan(t, "{}", monorepo())
	require.NoError(t, err)
	x := exec(t, p, "linux/arm64")

	require.Equal(t, "[linux/arm64] cargo build --release (api)", x.Name)
	require.Equal(t, "amd64", x.Platform.Architecture, "the compiler runs on the build platform")
	c, err := sourcesync.ParseArgs(x.Args[1:])
	require.NoError(t, err, "the helper understands what it is given")
	require.Equal(t, sourcesync.Command{
		Source: "/src", Work: "/fromscratch/project", Dir: ".",
		Copy: []sourcesync.Copy{{From: "/fromscratch/project/target/aarch64-unknown-linux-musl/release/api", To: "/out/api/api"}},
		Run: [][]string{{"cargo", "build", "--message-format=json-render-diagnostics", "--profile", "release", "--locked", "--target", "aarch64-unknown-linux-musl",
			"--package", "api", "--bin", "api"}},
		Metadata: []string{"cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-musl", "--filter-platform", "x86_64-unknown-linux-gnu",
			"--filter-platform", "aarch64-unknown-linux-musl", "--filter-platform", "aarch64-unknown-linux-gnu"},
	}, c)
	for k, v := range map[string]string{
		"CARGO_HOME":                  "/fromscratch/cargo",
		"CARGO_TARGET_DIR":            "/fromscratch/project/target",
		"CARGO_INCREMENTAL":           "0",
		"CARGO_PROFILE_RELEASE_STRIP": "symbols",
		"RUSTUP_TOOLCHAIN":            "1.96.0",
	} {
		require.Equal(t, v, x.Env[k], k)
	}
	require.True(t, strings.HasPrefix(x.Env["FROMSCRATCH_TOOLCHAIN"], "sha256:1+"), "the image, and what is added to it")
	require.NotContains(t, x.Env, "CC", "the host's compiler is left alone")
	require.NotContains(t, x.Env, "RUSTFLAGS", "the project's own rustflags are left alone")

	require.True(t, x.Mounts["/src"].Readonly)
	helper := x.Mounts["/fromscratch/sourcesync"]
	require.True(t, helper.Readonly)
	require.Equal(t, "/sourcesync", helper.Selector, "the key holds the helper, not the whole frontend")
	require.Equal(t, pb.CacheSharingOpt_SHARED, x.Mounts["/fromscratch/cargo"].CacheOpt.Sharing)
	work := x.Mounts["/fromscratch/project"].CacheOpt
	require.Equal(t, pb.CacheSharingOpt_LOCKED, work.Sharing, "table, compile and copy are one step")
	for _, part := range []string{"aarch64-unknown-linux-musl", "sha256:1", "api"} {
		require.Contains(t, work.ID, part)
	}
}

// TestCacheIDIsInTheKey: BuildKit leaves ids of cache mounts out of the key of an
// exec, so what differs in the id must differ elsewhere too.
func TestCacheIDIsInTheKey(t *testing.T) {
	p, err := plan(t, "{}", monorepo())
	require.NoError(t, err)
	key := func(e toolchain.Env, platform string) (id, rest string) {
		x := llbtest.Marshal(t, p.Compile(e, llbtest.Platform(t, platform)), llb.LinuxAmd64).LastExec(t)
		id = x.Mounts["/fromscratch/project"].CacheOpt.ID
		return id, strings.Join(x.Args, " ") + strings.Join(x.GetExec().Meta.Env, " ")
	}
	other := env()
	other.Image.Digest = "sha256:2"
	for name, pair := range map[string][2]toolchain.Env{"toolchain": {env(), other}} {
		id1, key1 := key(pair[0], "linux/amd64")
		id2, key2 := key(pair[1], "linux/amd64")
		require.NotEqual(t, id1, id2, name)
		require.NotEqual(t, key1, key2, name)
	}
	for _, pair := range [][2]string{{"linux/amd64", "linux/arm64"}, {"linux/amd64", "linux/amd64/v3"}} {
		id1, key1 := key(env(), pair[0])
		id2, key2 := key(env(), pair[1])
		require.NotEqual(t, id1, id2)
		require.NotEqual(t, key1, key2)
	}
}

func TestFlags(t *testing.T) {
	p, err := plan(t, "{build: {profile: fast, features: [tls, json], default-features: false, locked: false, env: {SQLX_OFFLINE: true, CARGO_INCREMENTAL_X: y}}}",
		llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs="))
	require.NoError(t, err, "without locked, Cargo.lock may be missing")
	x := exec(t, p, "linux/amd64")
	require.Equal(t, "[linux/amd64] cargo build --profile fast (api)", x.Name)
	line := strings.Join(x.Args, " ")
	for _, want := range []string{"--profile fast --features tls,json --no-default-features", "/x86_64-unknown-linux-musl/fast/api -to /out/api/api"} {
		require.Contains(t, line, want)
	}
	require.NotContains(t, line, "--locked")
	require.Equal(t, "true", x.Env["SQLX_OFFLINE"])
	require.Equal(t, "symbols", x.Env["CARGO_PROFILE_FAST_STRIP"])
	require.Equal(t, "0", x.Env["CARGO_INCREMENTAL"])

	dev, err := plan(t, "{build: {profile: dev}}", monorepo())
	require.NoError(t, err)
	require.Contains(t, strings.Join(exec(t, dev, "linux/amd64").Args, " "), "/debug/api -to /out/api/api")
}

// TestEnvironmentIsInTheID: macros and build scripts read variables without
// telling Cargo, so another value never meets what was compiled with this one.
func TestEnvironmentIsInTheID(t *testing.T) {
	ids := map[string]bool{}
	for _, build := range []string{"{}", "{env: {A: 1}}", "{env: {A: 2}}", "{env: {A: 1, B: 1}}", "{profile: fast}"} {
		p, err := plan(t, "{build: "+build+"}", monorepo())
		require.NoError(t, err)
		ids[exec(t, p, "linux/amd64").Mounts["/fromscratch/project"].CacheOpt.ID] = true
	}
	require.Len(t, ids, 5)
}

func TestToolchainFile(t *testing.T) {
	for _, tc := range []struct{ name, file, want, err string }{
		{"toml", "rust-toolchain.toml=[toolchain]\nchannel = '1.90'\ntargets = ['x']\n", "rust:1.90-bookworm", ""},
		{"patch and host", "rust-toolchain.toml=[toolchain]\nchannel = '1.90.1-x86_64-unknown-linux-gnu'\n", "rust:1.90.1-bookworm", ""},
		{"old form", "rust-toolchain=1.89.0\n", "rust:1.89.0-bookworm", ""},
		{"stable", "rust-toolchain.toml=[toolchain]\nchannel = 'stable'\n", "rust:" + rust.DefaultVersion + "-bookworm", ""},
		{"nightly", "rust-toolchain=nightly-2026-01-01\n", "", "s:1:12: rust-toolchain asks for nightly-2026-01-01, which has no official image; write toolchain: {name: rust-musl, image: …} with one that has it"},
		{"damaged", "rust-toolchain.toml=[toolchain]\nchannel\n", "", "s:1:12: rust-toolchain.toml cannot be read: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, "{}", llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs=", "Cargo.lock=", tc.file))
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, p.Image())
		})
	}
}

func TestTargetCPU(t *testing.T) {
	p, err := plan(t, "{}", monorepo())
	require.NoError(t, err)
	require.Contains(t, exec(t, p, "linux/amd64/v3").Args, `target.x86_64-unknown-linux-musl.rustflags=["-Ctarget-cpu=x86-64-v3"]`)
	require.NotContains(t, exec(t, p, "linux/amd64").Args, "--config")
}

func TestDeterministic(t *testing.T) {
	p, err := plan(t, "{}", monorepo())
	require.NoError(t, err)
	marshal := func() []byte {
		return llbtest.Marshal(t, p.Compile(env(), llbtest.Platform(t, "linux/arm64")), llb.LinuxAmd64).Bytes()
	}
	first := marshal()
	for range 25 {
		require.Equal(t, first, marshal())
	}
}
