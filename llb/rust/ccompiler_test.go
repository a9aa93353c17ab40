package rust_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/llbtest"
)

// TestCEnvironment: build scripts find a compiler for musl, in whichever spelling of
// the target they look for it, and the builder's own compiler is left alone.
func TestCEnvironment(t *testing.T) {
	p, err := plan(t, "{}", depends("ring", "cc"))
	require.NoError(t, err)
	for _, tc := range []struct{ platform, triple, underscored, gnu, musl, buildArch string }{
		{"linux/amd64", "x86_64-unknown-linux-musl", "x86_64_unknown_linux_musl", "x86_64-linux-gnu", "x86_64-linux-musl", "amd64"},
		{"linux/amd64", "x86_64-unknown-linux-musl", "x86_64_unknown_linux_musl", "x86_64-linux-gnu", "x86_64-linux-musl", "arm64"},
		{"linux/arm64", "aarch64-unknown-linux-musl", "aarch64_unknown_linux_musl", "aarch64-linux-gnu", "aarch64-linux-musl", "amd64"},
		{"linux/386", "i686-unknown-linux-musl", "i686_unknown_linux_musl", "i686-linux-gnu", "i386-linux-musl", "amd64"},
	} {
		dir := "/usr/local/share/fromscratch/" + tc.triple
		b := on(t, p, tc.platform, tc.buildArch)
		got := b.compile.Env
		for name, want := range map[string]string{
			"AR_":                       tc.gnu + "-ar",
			"BINDGEN_EXTRA_CLANG_ARGS_": "-nostdlibinc -isystem /usr/include/" + tc.musl + " -idirafter " + dir + "/include",
			"CC_":                       dir + "/musl-gcc",
			"CMAKE_TOOLCHAIN_FILE_":     dir + "/toolchain.cmake",
			"CXX_":                      dir + "/musl-g++",
			"PKG_CONFIG_ALLOW_CROSS_":   "1",
			"PKG_CONFIG_LIBDIR_":        "/usr/lib/" + tc.musl + "/pkgconfig",
			"RANLIB_":                   tc.gnu + "-ranlib",
		} {
			require.Equal(t, want, got[name+tc.triple], name)
			require.Equal(t, want, got[name+tc.underscored], name)
			if name != "CC_" {
				require.NotContains(t, got, strings.TrimSuffix(name, "_"), "that is the builder's own")
			}
		}
		require.Equal(t, dir+"/musl-gcc", got["CC"], "for a configure that knows no targets")
		require.Equal(t, "cc", got["HOST_CC"], "what runs during the build is not for musl")
		require.NotContains(t, got, "HOST_CXX")
		for name := range got {
			require.NotContains(t, name, "CFLAGS", "the cc crate joins those of both spellings")
		}
		linker := "CARGO_TARGET_" + strings.ToUpper(tc.underscored) + "_LINKER"
		require.Equal(t, dir+"/link-gcc", got[linker])
		for _, name := range []string{got[linker], got["CC_"+tc.triple], got["CXX_"+tc.triple], got["CMAKE_TOOLCHAIN_FILE_"+tc.triple]} {
			require.Contains(t, b.files, name, "what is named is there")
		}
		require.Contains(t, b.files[dir+"/musl-gcc"], "exec "+tc.gnu+"-gcc -specs /usr/lib/"+tc.musl+"/musl-gcc.specs ")
		require.Contains(t, b.files[dir+"/link-gcc"], "exec "+tc.gnu+`-gcc "$@" -L`+dir+"/lib\n")
		require.Equal(t, "!<arch>\n", b.files[dir+"/lib/libm.a"])
	}
}

// TestCFlags: the compiler agrees with the target where Debian's default does not.
func TestCFlags(t *testing.T) {
	p, err := plan(t, "{}", depends("ring", "cc"))
	require.NoError(t, err)
	for platform, want := range map[string]string{"linux/arm/v6": "-march=armv6+fp -marm", "linux/ppc64le": "-mlong-double-64", "linux/arm64": "-mno-outline-atomics"} {
		dir := path.Join("/usr/local/share/fromscratch", llbtest.Platform(t, platform).Rust.Triple)
		files := on(t, p, platform, "amd64").files
		require.Contains(t, files[dir+"/musl-gcc"], "/musl-gcc.specs "+want+" ")
		require.Contains(t, files[dir+"/musl-g++"], "/musl-gcc.specs "+want+" ")
		require.NotContains(t, files[dir+"/link-gcc"], want)
	}
}

// TestOwnC: a project that brings a compiler of its own uses it.
func TestOwnC(t *testing.T) {
	for _, name := range []string{"CC_x86_64_unknown_linux_musl", "CC_x86_64-unknown-linux-musl", "TARGET_CC"} {
		p, err := plan(t, "{build: {env: {"+name+": zigcc, JEMALLOC_SYS_WITH_LG_PAGE: 12}}}", depends("ring", "cc"))
		require.NoError(t, err)
		got := on(t, p, "linux/amd64", "amd64").compile.Env
		require.Equal(t, "zigcc", got[name])
		for _, other := range []string{"CC_x86_64_unknown_linux_musl", "CC_x86_64-unknown-linux-musl"} {
			if other != name {
				require.NotContains(t, got, other)
			}
		}
		require.Contains(t, got, "AR_x86_64_unknown_linux_musl")
		require.Equal(t, "12", on(t, p, "linux/arm64", "amd64").compile.Env["JEMALLOC_SYS_WITH_LG_PAGE"])
	}
}

// TestPlainCompilers: a configure that knows no targets compiles for the target, and
// what the builder runs is compiled by the compiler of the image.
func TestPlainCompilers(t *testing.T) {
	const triple = "aarch64-unknown-linux-musl"
	musl := "/usr/local/share/fromscratch/" + triple + "/musl-gcc"
	for _, tc := range []struct {
		name, set string
		crates    []string
		imageEnv  []string
		want      map[string]string
	}{
		{"C", "", []string{"ring", "cc"}, nil, map[string]string{"CC": musl, "HOST_CC": "cc"}},
		{"C++", "", []string{"rdkafka-sys"}, nil, map[string]string{"CC": musl, "HOST_CC": "cc", "CXX": "aarch64-linux-gnu-g++", "HOST_CXX": "c++"}},
		{"no C", "", []string{"serde"}, nil, map[string]string{}},
		{"the compiler of an image", "", []string{"cc"}, []string{"CC=clang"}, map[string]string{"CC": musl, "HOST_CC": "clang"}},
		{"set for the target", "CC_aarch64_unknown_linux_musl: zigcc", []string{"cc"}, nil, map[string]string{"CC": "zigcc", "HOST_CC": "cc"}},
		{"set for the target, otherwise", "TARGET_CC: zigcc", []string{"cc"}, nil, map[string]string{"CC": "zigcc", "HOST_CC": "cc"}},
		{"set for all", "CC: clang", []string{"cc"}, nil, map[string]string{"CC": "clang"}},
		{"set for the builder", "HOST_CC: clang, CXX: zigc++", []string{"rdkafka-sys"}, nil, map[string]string{"CC": musl, "HOST_CC": "clang", "CXX": "zigc++"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, "{build: {env: {"+tc.set+"}}}", depends(tc.crates...))
			require.NoError(t, err)
			got := map[string]string{}
			for _, name := range []string{"CC", "CXX", "HOST_CC", "HOST_CXX"} {
				if v, ok := on(t, p, "linux/arm64", "amd64", tc.imageEnv...).compile.Env[name]; ok {
					got[name] = v
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestPageSize: jemalloc aborts where pages are larger than it was compiled for.
func TestPageSize(t *testing.T) {
	p, err := plan(t, "{}", depends("tikv-jemalloc-sys", "cc"))
	require.NoError(t, err)
	require.Equal(t, "16", on(t, p, "linux/arm64", "amd64").compile.Env["JEMALLOC_SYS_WITH_LG_PAGE"])
	require.NotContains(t, on(t, p, "linux/amd64", "amd64").compile.Env, "JEMALLOC_SYS_WITH_LG_PAGE")
}

// TestLinker: without C, another machine is linked for by lld, and the machine itself
// by what links there anyway.
func TestLinker(t *testing.T) {
	const dir = "/usr/local/share/fromscratch/aarch64-unknown-linux-musl/"
	for _, tc := range []struct {
		name, build, config, buildArch, want, holds string
		crates                                      []string
	}{
		{name: "another machine", buildArch: "amd64", want: "rust-lld", holds: "aarch64-linux-gnu-ld"},
		{name: "the machine itself", buildArch: "arm64", want: "link-gcc", holds: `exec cc "$@"`},
		{name: "with C", buildArch: "amd64", crates: []string{"cc"}, want: "link-gcc", holds: `exec aarch64-linux-gnu-gcc "$@"`},
		{name: "the machine itself with C", buildArch: "arm64", crates: []string{"cc"}, want: "link-gcc", holds: `exec aarch64-linux-gnu-gcc "$@"`},
		{name: "arguments for gcc", buildArch: "amd64", build: `{env: {RUSTFLAGS: "-C link-arg=-Wl,-z,now"}}`, want: "link-gcc", holds: `exec aarch64-linux-gnu-gcc "$@"`},
		{name: "arguments for gcc in the project", buildArch: "amd64", config: "[build]\nrustflags = ['-Clink-args=-s']\n", want: "link-gcc", holds: `exec aarch64-linux-gnu-gcc "$@"`},
		{name: "other flags", buildArch: "amd64", build: "{env: {RUSTFLAGS: --cfg tokio_unstable}}", want: "rust-lld", holds: "aarch64-linux-gnu-ld"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := depends(append([]string{"serde"}, tc.crates...)...)
			if tc.config != "" {
				src = llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs=", "Cargo.lock=", ".cargo/config.toml="+tc.config)
			}
			target := "{}"
			if tc.build != "" {
				target = "{build: " + tc.build + "}"
			}
			p, err := plan(t, target, src)
			require.NoError(t, err)
			b := on(t, p, "linux/arm64", tc.buildArch)
			require.Equal(t, dir+tc.want, b.compile.Env["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER"])
			require.Contains(t, b.files[dir+tc.want], tc.holds)
			require.Equal(t, "!<arch>\n", b.files[dir+"lib/libpthread.a"])
			for name := range b.compile.Env {
				require.Equal(t, len(tc.crates) > 0, strings.HasPrefix(name, "CC_") || b.compile.Env["CC_aarch64_unknown_linux_musl"] != "", "a compiler is named where there is one")
			}
		})
	}
}

// TestLinkerScript runs the script with stand-ins for linkers.
func TestLinkerScript(t *testing.T) {
	p, err := plan(t, "{}", depends("serde"))
	require.NoError(t, err)
	const dir = "/usr/local/share/fromscratch/aarch64-unknown-linux-musl/"
	script := on(t, p, "linux/arm64", "amd64").files[dir+"rust-lld"]
	for _, tc := range []struct{ ld, want string }{
		{"rust-lld", "-flavor gnu a b -o c -L" + dir + "lib"},
		{"ld.lld", "-flavor gnu a b -o c -L" + dir + "lib"},
		{"aarch64-linux-gnu-ld", "a b -o c -L" + dir + "lib"},
	} {
		bin := t.TempDir()
		program(t, bin, tc.ld, `echo "$*"`)
		program(t, bin, filepath.Base(dir+"script"), script)
		out, code := shell(t, bin, `exec script "$@"`, "sh", "-flavor", "gnu", "a b", "-o", "c")
		require.Zero(t, code, out)
		require.Equal(t, tc.want+"\n", out)
	}
}

// TestCXX: C++ that does not compile says that it cannot.
func TestCXX(t *testing.T) {
	p, err := plan(t, "{}", depends("cxx", "cc"))
	require.NoError(t, err)
	script := on(t, p, "linux/arm64", "amd64").files["/usr/local/share/fromscratch/aarch64-unknown-linux-musl/musl-g++"]
	const want = "C++ cannot be compiled for musl with this toolchain image: "

	bin := t.TempDir()
	out, code := shell(t, bin, script, "musl-g++", "-c", "a.cc")
	require.Equal(t, 1, code)
	require.Contains(t, out, want)
	require.Contains(t, out, "build.env as CXX_aarch64_unknown_linux_musl\n")

	program(t, bin, "aarch64-linux-gnu-g++", `echo "$*"; exit 1`)
	out, code = shell(t, bin, script, "musl-g++", "-c", "a.cc")
	require.Equal(t, 1, code)
	require.Contains(t, out, "-c a.cc\n"+want)

	program(t, bin, "aarch64-linux-gnu-g++", `echo "$*"`)
	out, code = shell(t, bin, script, "musl-g++", "-c", "a.cc")
	require.Zero(t, code, "C++ that needs no standard library compiles")
	require.NotContains(t, out, want)
}

// TestCMake: cmake finds what Cargo compiled, and nothing of the builder's.
func TestCMake(t *testing.T) {
	p, err := plan(t, "{}", depends("libz-ng-sys", "cmake", "cc"))
	require.NoError(t, err)
	const dir = "/usr/local/share/fromscratch/riscv64gc-unknown-linux-musl"
	file := on(t, p, "linux/riscv64", "amd64").files[dir+"/toolchain.cmake"]
	for _, line := range []string{
		"set(CMAKE_SYSTEM_NAME Linux)", "set(CMAKE_SYSTEM_PROCESSOR riscv64)", "set(CMAKE_C_COMPILER " + dir + "/musl-gcc)",
		"find_program(CMAKE_AR riscv64-linux-gnu-ar)", "set(CMAKE_FIND_ROOT_PATH /fromscratch " + dir + ")", "set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)",
	} {
		require.Contains(t, strings.Split(file, "\n"), line)
	}
}

// TestToolchainID: what was compiled with other tools is not there for a compile.
func TestToolchainID(t *testing.T) {
	id := func(packages string, digest string, crates ...string) string {
		e := env()
		e.Image.Digest = digest
		return specified(t, "toolchain: {name: rust-musl"+packages+"}\ntargets: {api: {}}", depends(crates...)).ToolchainID(e)
	}
	first := id("", "sha256:1", "serde")
	require.Regexp(t, `^sha256:1\+[0-9a-f]{12}$`, first)
	require.Equal(t, first, id("", "sha256:1", "serde"))
	require.Equal(t, first, id("", "sha256:1", "ring", "cc"), "the first crate with C changes nothing for the others")
	for _, other := range []string{id("", "sha256:2", "serde"), id(", packages: a", "sha256:1", "serde"), id(", packages: [b, a]", "sha256:1", "serde")} {
		require.NotEqual(t, first, other)
	}
	require.NotEqual(t, id(", packages: [a, b]", "sha256:1", "serde"), id(", packages: [b, a]", "sha256:1", "serde"))
}
