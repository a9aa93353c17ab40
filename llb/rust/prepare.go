package rust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// RustupTitle begins the name of the vertex that adds a target to the image, and
// the command line that it runs.
const RustupTitle = "rustup target add"

// prepared is the toolchain image with what the target needs beside a compiler
// for the machine itself: the packages that the spec asks for, the standard library
// for musl, and a linker, or a C compiler if there is anything for one to do. Each
// is one vertex, cached by the content of the image, and does nothing where the
// image has it all.
func (p *Plan) prepared(e toolchain.Env, pf platform.Platform) llb.State {
	st := e.WithPackages(p.target.Toolchain.Packages)
	for _, s := range p.additions(e, pf) {
		opts := []llb.RunOption{llb.Args(s.Args), llb.WithCustomName("[toolchain] " + s.Title), e.ToolchainLocation}
		st = st.Run(append(opts, e.Run...)...).Root()
	}
	return p.withTools(st, pf, e.BuildArch)
}

// additions are what is run to add to the image what it may lack for pf.
func (p *Plan) additions(e toolchain.Env, pf platform.Platform) []toolchain.Script {
	var out []toolchain.Script
	if e.Image.Getenv("RUSTUP_HOME") != "" {
		out = append(out, toolchain.Script{Title: RustupTitle + " " + pf.Rust.Triple, Args: []string{"rustup", "target", "add", pf.Rust.Triple}})
	}
	switch {
	case p.compilesC || cross(pf, e.BuildArch) && p.needsGCC():
		args := []string{"/bin/sh", "-c", installC, "install-c", pf.Rust.GNU, pf.Rust.Musl, pf.Rust.Debian, toolsDir(pf)}
		out = append(out, toolchain.Script{Title: "C compiler for " + pf.Rust.Musl, Args: append(args, p.cTools()...)})
	case cross(pf, e.BuildArch):
		out = append(out, toolchain.Script{Title: "linker for " + pf.Rust.Triple, Args: []string{"/bin/sh", "-c", installLinker, "install-cross-linker", pf.Rust.GNU}})
	}
	return out
}

// installC adds Debian's cross compiler, its musl for the architecture, and the
// tools named last, to an image that lacks them. Its arguments come from the table
// of platforms and from cTools.
//
// Not every mirror has every index of another architecture, so whether what is
// needed was there is seen when it is installed. Headers and libraries of the cross
// compiler's own libc are left out: what finds them has missed musl's.
const installC = `set -eu
gnu=$1 musl=$2 arch=$3 dir=$4
shift 4
packages=
if ! command -v "$gnu-gcc" >/dev/null || ! test -f "/usr/lib/$musl/musl-gcc.specs"; then
	if ! command -v apt-get >/dev/null; then
		echo "the toolchain image has no $gnu-gcc with musl, and no apt-get to install it; use an image based on Debian, or one that has both" >&2
		exit 1
	elif test "$(dpkg --print-architecture)" = "$arch"; then
		packages="musl-dev musl-tools"
	else
		dpkg --add-architecture "$arch"
		packages="musl-dev:$arch gcc-$(echo "$gnu" | tr _ -) linux-libc-dev-$arch-cross"
	fi
fi
for tool; do
	case $tool in
	g++) command -v "$gnu-g++" >/dev/null || {
		test "$(dpkg --print-architecture)" = "$arch" || tool=g++-$(echo "$gnu" | tr _ -)
		false
	} ;;
	libclang-dev) find /usr/lib /usr/local/lib -name 'libclang.so*' -o -name 'libclang-[0-9]*.so*' | grep -q . ;;
	perl) perl -MIPC::Cmd -e 1 2>/dev/null ;;
	*) command -v "$tool" >/dev/null ;;
	esac || packages="$packages $tool"
done
if test -n "$packages"; then
	if ! command -v apt-get >/dev/null; then
		echo "crates with C need$packages, which the toolchain image does not have, and it has no apt-get to install it; use an image based on Debian, or one that has it" >&2
		exit 1
	fi
	apt-get update -qq || :
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; then
		echo "crates with C need packages that could not be installed: $packages. If the release of Debian that the toolchain image is based on does not have them for $arch, use an image based on a newer one" >&2
		exit 1
	fi
	rm -rf /var/lib/apt/lists/*
fi
mkdir -p "$dir/include"
for root in "/usr/$gnu/include" /usr/include; do
	for asm in "$root/asm" "$root/$gnu/asm"; do
		if test -d "$root/linux" && test -d "$asm" && ! test -e "$dir/include/asm"; then
			ln -s "$root/linux" "$root/asm-generic" "$asm" "$dir/include"
		fi
	done
done
`

// installLinker looks for what the linker script can run, and adds Debian's linker
// for the architecture to an image without any.
const installLinker = `set -eu
gnu=$1
for lld in "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld; do
	if test -x "$lld"; then exit 0; fi
done
for ld in rust-lld ld.lld "$gnu-ld"; do
	if command -v "$ld" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null; then
	echo "the toolchain image has no linker for another machine, neither rust-lld nor ld.lld nor $gnu-ld, and no apt-get to install one; use an image with one of them" >&2
	exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "binutils-$(echo "$gnu" | tr _ -)"
rm -rf /var/lib/apt/lists/*
`

// compilers are the crates through which build scripts compile C, or read its
// headers. A crate of them in the lock file need not be in use; the compiler is then
// there for nothing.
var compilers = []string{"cc", "clang-sys", "cmake", "gcc", "nasm-rs", "rdkafka-sys"}

// elsewhere are crates that compile C for other systems only, and that many
// projects have in their lock file.
var elsewhere = []string{"iana-time-zone-haiku"}

// compilesC tells whether a lock file has a crate that compiles C. A file that
// cannot be read is for Cargo to refuse.
func compilesC(data []byte) bool {
	var lock cargoLock
	if err := toml.Unmarshal(data, &lock); err != nil {
		return true
	}
	for _, pkg := range lock.Package {
		if slices.Contains(compilers, pkg.Name) && lock.used(pkg.Name) {
			return true
		}
	}
	return false
}

// used tells whether a package has another use than in crates for other systems.
func (l cargoLock) used(name string) bool {
	none := true
	for _, pkg := range l.Package {
		for _, dep := range pkg.Dependencies {
			if n, _, _ := strings.Cut(dep, " "); n != name {
				continue
			}
			if !slices.Contains(elsewhere, pkg.Name) {
				return true
			}
			none = false
		}
	}
	return none
}

// gxx is a compiler for C++ that makes code for the target, if not for musl.
const gxx = "g++"

// cTools are the programs, by their names in Debian, that build scripts run beside
// a compiler.
func (p *Plan) cTools() []string {
	var out []string
	for _, need := range []struct {
		tool   string
		crates []string
	}{
		{"cmake", []string{"cmake"}},
		{gxx, []string{"rdkafka-sys"}},
		{"libclang-dev", []string{"clang-sys"}},
		{"make", []string{"autotools", "cmake", "jemalloc-sys", "openssl-src", "rdkafka-sys", "tikv-jemalloc-sys"}},
		{"nasm", []string{"nasm-rs"}},
		{"perl", []string{"openssl-src"}},
	} {
		if slices.ContainsFunc(p.workspace.lockFile.Package, func(pkg lockedPackage) bool { return slices.Contains(need.crates, pkg.Name) }) {
			out = append(out, need.tool)
		}
	}
	return out
}

// channelVersion is the version of Rust that a rust-toolchain file asks for: empty
// for stable, which is the default. The error follows the name of the file.
func channelVersion(channel string) (string, error) {
	switch {
	case channel == "" || channel == "stable":
		return "", nil
	case strings.HasPrefix(channel, "nightly"), strings.HasPrefix(channel, "beta"):
		return "", fmt.Errorf("asks for %s, which has no official image; write toolchain: {name: rust-musl, image: …} with one that has it", channel)
	}
	version, _, _ := strings.Cut(channel, "-")
	return version, nil
}
