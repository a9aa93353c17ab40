package rust

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// toolsDir holds what links a target and compiles C for it. No image has anything
// there.
func toolsDir(pf platform.Platform) string {
	return path.Join("/usr/local/share/fromscratch", pf.Rust.Triple)
}

// Names below toolsDir. From the name of a linker rustc takes which arguments it
// understands: those of gcc, or those of lld.
const (
	gccLinker     = "link-gcc"
	lldLinker     = "rust-lld"
	cCompiler     = "musl-gcc"
	cxxCompiler   = "musl-g++"
	cmakeFile     = "toolchain.cmake"
	emptyLibs     = "lib"
	kernelHeaders = "include"
)

// cross tells whether pf is another machine than the builder.
func cross(pf platform.Platform, buildArch string) bool { return pf.OCI.Architecture != buildArch }

// withLLD tells whether lld links. It comes with rustc, and the start files and the
// musl that it links come with the standard library, so for a project without C
// another machine needs nothing that must be installed first. Where there is a gcc
// anyway, for the machine itself or for C, it is what build scripts and the
// project's own link arguments expect.
func (p *Plan) withLLD(pf platform.Platform, buildArch string) bool {
	return cross(pf, buildArch) && !p.needsGCC()
}

// needsGCC tells whether C is compiled, or arguments for a gcc are passed to the
// linker.
func (p *Plan) needsGCC() bool {
	const argument = "link-arg"
	for name, value := range p.target.Build.Env {
		if strings.HasSuffix(name, "RUSTFLAGS") && strings.Contains(value, argument) {
			return true
		}
	}
	for _, data := range p.workspace.configs {
		if strings.Contains(string(data), argument) {
			return true
		}
	}
	return p.compilesC
}

// cEnvironment tells Cargo how to link for pf, and build scripts how to compile C
// for it: with musl's headers, never with glibc's. The crates cc, cmake, bindgen and
// pkg-config read these with the triple as it is and with underscores. What the
// spec sets itself is left alone.
//
// The compiler is one word. Build scripts that run configure or cmake pass only the
// program on, and would drop the arguments that CC may hold as well, with which the
// cross compiler turns from glibc to musl.
func (p *Plan) cEnvironment(e toolchain.Env, pf platform.Platform) [][2]string {
	dir, triple := toolsDir(pf), pf.Rust.Triple
	linker := gccLinker
	if p.withLLD(pf, e.BuildArch) {
		linker = lldLinker
	}
	env := p.unlessSet("CARGO_TARGET_"+envName(triple)+"_LINKER", path.Join(dir, linker))
	if !p.compilesC {
		return env
	}
	for _, kv := range [][2]string{
		{"AR", pf.Rust.GNU + "-ar"},
		{"BINDGEN_EXTRA_CLANG_ARGS", "-nostdlibinc -isystem /usr/include/" + pf.Rust.Musl + " -idirafter " + path.Join(dir, kernelHeaders)},
		{"CC", path.Join(dir, cCompiler)},
		{"CMAKE_TOOLCHAIN_FILE", path.Join(dir, cmakeFile)},
		{"CXX", path.Join(dir, cxxCompiler)},
		// The builder's own libraries are glibc's. What a project finds is what its image
		// has beside musl.
		{"PKG_CONFIG_ALLOW_CROSS", "1"},
		{"PKG_CONFIG_LIBDIR", "/usr/lib/" + pf.Rust.Musl + "/pkgconfig"},
		{"RANLIB", pf.Rust.GNU + "-ranlib"},
	} {
		forms := p.forms(kv[0], triple)
		env = append(env, p.unlessSet(forms[0], kv[1], forms...)...)
		env = append(env, p.unlessSet(forms[1], kv[1], forms...)...)
	}
	env = append(env, p.plainCompilers(e, pf)...)
	// jemalloc takes the size of a page from the machine that compiles it, and aborts
	// where pages are larger. On these machines kernels have up to 64 KiB.
	if slices.Contains([]string{"arm64", "ppc64le", "loong64"}, pf.OCI.Architecture) {
		env = append(env, p.unlessSet("JEMALLOC_SYS_WITH_LG_PAGE", "16")...)
	}
	return env
}

// plainCompilers is for build scripts that run a configure which knows no names for
// targets: for these, the compiler is that of the target. The crate cc looks for
// HOST_CC first when it compiles for the builder itself, so that stays with the
// compiler of the image.
//
// C++ is compiled with glibc's library here: there is none for musl, and librdkafka
// compiles an interface in C++ that a Rust program does not link.
func (p *Plan) plainCompilers(e toolchain.Env, pf platform.Platform) [][2]string {
	env := p.plainCompiler(e, pf, "CC", "cc", path.Join(toolsDir(pf), cCompiler))
	if slices.Contains(p.cTools(), gxx) {
		env = append(env, p.plainCompiler(e, pf, "CXX", "c++", pf.Rust.GNU+"-g++")...)
	}
	return env
}

func (p *Plan) plainCompiler(e toolchain.Env, pf platform.Platform, name, host, target string) [][2]string {
	for _, form := range p.forms(name, pf.Rust.Triple) {
		target = cmp.Or(p.target.Build.Env[form], target)
	}
	return append(p.unlessSet(name, target), p.unlessSet("HOST_"+name, cmp.Or(e.Image.Getenv(name), host), name)...)
}

// forms are the names of a variable for one target that crates look for.
func (p *Plan) forms(name, triple string) []string {
	return []string{name + "_" + triple, name + "_" + underscored(triple), "TARGET_" + name}
}

func underscored(triple string) string { return strings.ReplaceAll(triple, "-", "_") }

// withTools adds the files that cEnvironment names. They come out of the graph, so
// the image needs nothing for them, and a change in one installs nothing anew.
func (p *Plan) withTools(st llb.State, pf platform.Platform, buildArch string) llb.State {
	dir, then := toolsDir(pf), llb.WithCreatedTime(time.Unix(0, 0))
	files := p.toolsFor(pf, buildArch)
	action := llb.Mkdir(path.Join(dir, emptyLibs), 0o755, llb.WithParents(true), then)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		action = action.Mkfile(path.Join(dir, name), 0o755, []byte(files[name]), then)
	}
	return st.File(action, llb.WithCustomNamef("[toolchain] linker settings for %s", pf.Rust.Triple))
}

// toolsFor are the files in toolsDir that link for pf here.
func (p *Plan) toolsFor(pf platform.Platform, buildArch string) map[string]string {
	return tools(pf, cross(pf, buildArch), p.compilesC, p.withLLD(pf, buildArch))
}

// noCXX is said where C++ does not compile. That it does not is known only then: a
// crate with C++ can be in the lock file for tests, or for another platform.
const noCXX = "C++ cannot be compiled for musl with this toolchain image: the standard library that Debian has for C++ is for glibc. " +
	"Turn the C++ off with the features of the crate, use a crate without it, " +
	"or name an image that has a C++ compiler for musl as toolchain.image, and that compiler in build.env as CXX_"

// tools are the contents of the files in toolsDir.
func tools(pf platform.Platform, cross, compilesC, withLLD bool) map[string]string {
	gnu, dir := pf.Rust.GNU, toolsDir(pf)
	files := map[string]string{}
	// What other systems have in these is in musl's libc, so musl's own are empty too.
	// Without them a crate that links libm gets glibc's, or none.
	for _, name := range []string{"dl", "m", "pthread", "rt", "util"} {
		files[path.Join(emptyLibs, "lib"+name+".a")] = "!<arch>\n"
	}
	libs := " -L" + path.Join(dir, emptyLibs)
	if withLLD {
		// rustc puts the folder of its own lld into PATH, and begins with -flavor gnu,
		// which is what only lld understands.
		files[lldLinker] = script(
			`for ld in rust-lld ld.lld; do`,
			`	if command -v $ld >/dev/null; then`,
			`		exec $ld "$@"`+libs,
			`	fi`,
			`done`,
			`shift 2`,
			`exec `+gnu+`-ld "$@"`+libs)
		return files
	}
	gcc := gnu + "-gcc"
	if !compilesC && !cross {
		gcc = "cc" // What rustc links with by default is there on images other than Debian's, too.
	}
	files[gccLinker] = script(`exec ` + gcc + ` "$@"` + libs)
	if !compilesC {
		return files
	}
	flags := "-specs /usr/lib/" + pf.Rust.Musl + "/musl-gcc.specs"
	if pf.Rust.CFlags != "" {
		flags += " " + pf.Rust.CFlags
	}
	// The kernel's headers are for any libc, and Debian has none beside musl's.
	flags += " -idirafter " + path.Join(dir, kernelHeaders)
	files[cCompiler] = script(`exec ` + gnu + `-gcc ` + flags + ` "$@"`)
	files[cxxCompiler] = script(
		`if command -v `+gnu+`-g++ >/dev/null && `+gnu+`-g++ `+flags+` "$@"; then`,
		`	exit 0`,
		`fi`,
		`echo "`+noCXX+underscored(pf.Rust.Triple)+`" >&2`,
		`exit 1`)
	files[cmakeFile] = cmakeToolchain(pf)
	return files
}

// toolchainID tells toolchains apart for what is kept between compiles, on any
// platform: the image, the packages that the spec adds to it, and the files above. A
// build script does not run again when a compiler changes behind the same name.
func (p *Plan) toolchainID(e toolchain.Env) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", p.target.Toolchain.Packages)
	for _, name := range platform.Supported(func(pf platform.Platform) bool { return pf.Rust.Triple != "" }) {
		// A name from the table is in the table.
		pf, _ := platform.Lookup(platforms.MustParse(name))
		for _, files := range []map[string]string{tools(pf, false, false, false), tools(pf, true, true, false), tools(pf, true, false, true)} {
			for _, name := range slices.Sorted(maps.Keys(files)) {
				fmt.Fprintf(h, "%q=%q\n", name, files[name])
			}
		}
	}
	return e.Image.Digest + "+" + hex.EncodeToString(h.Sum(nil)[:6])
}

func script(lines ...string) string {
	return "#!/bin/sh\n" + strings.Join(lines, "\n") + "\n"
}

// cmakeToolchain sets up cmake for a target ("cmake-toolchains" in its manual). It
// finds what Cargo compiled, and nothing of the builder's.
func cmakeToolchain(pf platform.Platform) string {
	dir := toolsDir(pf)
	machine, _, _ := strings.Cut(pf.Rust.Triple, "-")
	switch pf.OCI.Architecture {
	case "riscv64", "ppc64le":
		machine = pf.OCI.Architecture
	}
	lines := []string{
		"set(CMAKE_SYSTEM_NAME Linux)",
		"set(CMAKE_SYSTEM_PROCESSOR " + machine + ")",
		"set(CMAKE_C_COMPILER " + path.Join(dir, cCompiler) + ")",
		"set(CMAKE_CXX_COMPILER " + path.Join(dir, cxxCompiler) + ")",
		"set(CMAKE_ASM_COMPILER " + path.Join(dir, cCompiler) + ")",
		"find_program(CMAKE_AR " + pf.Rust.GNU + "-ar)",
		"find_program(CMAKE_RANLIB " + pf.Rust.GNU + "-ranlib)",
		"set(CMAKE_FIND_ROOT_PATH " + path.Dir(workDir) + " " + dir + ")",
		"set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)",
	}
	for _, what := range []string{"LIBRARY", "INCLUDE", "PACKAGE"} {
		lines = append(lines, "set(CMAKE_FIND_ROOT_PATH_MODE_"+what+" ONLY)")
	}
	return strings.Join(lines, "\n") + "\n"
}
