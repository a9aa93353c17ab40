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
// for the machine itself: the standard library for musl, and a C compiler for it
// if there is anything for one to do. Each is one vertex, cached by the content of
// the image, and does nothing where the image has it all.
func (p *Plan) prepared(e toolchain.Env, pf platform.Platform) llb.State {
	st := e.Image.State
	if e.Image.Getenv("RUSTUP_HOME") != "" {
		opts := []llb.RunOption{
			llb.Args([]string{"rustup", "target", "add", pf.Rust.Triple}),
			llb.WithCustomNamef("[toolchain] %s %s", RustupTitle, pf.Rust.Triple),
			e.ToolchainLocation,
		}
		st = st.Run(append(opts, e.Run...)...).Root()
	}
	if !p.compilesC && pf.OCI.Architecture == e.BuildArch {
		return st
	}
	opts := []llb.RunOption{
		llb.Args([]string{"/bin/sh", "-c", installC, "install-c", pf.Rust.GNU, pf.Rust.Musl, pf.OCI.Architecture}),
		llb.WithCustomNamef("[toolchain] C compiler for %s", pf.Rust.Musl),
		e.ToolchainLocation,
	}
	return st.Run(append(opts, e.Run...)...).Root()
}

// installC adds Debian's cross compiler, and its musl for the architecture, to an
// image that lacks them. Its arguments come from the table of platforms.
const installC = `set -eu
gnu=$1 musl=$2 arch=$3
if command -v "$gnu-gcc" >/dev/null && test -f "/usr/lib/$musl/musl-gcc.specs"; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "the toolchain image has no $gnu-gcc with musl, and no apt-get to install it; use an image based on Debian, or one that has both" >&2
	exit 1
fi
packages=musl-dev
if test "$(dpkg --print-architecture)" != "$arch"; then
	dpkg --add-architecture "$arch"
	packages="musl-dev:$arch gcc-$(echo "$gnu" | tr _ -) libc6-dev-$arch-cross"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages musl-tools
rm -rf /var/lib/apt/lists/*
`

// lockFile is the part of a Cargo.lock that names what is compiled.
type lockFile struct {
	Package []struct {
		Name string `toml:"name"`
	} `toml:"package"`
}

// compilers are the crates through which build scripts compile C. A crate of them
// in the lock file need not be in use; the compiler is then there for nothing.
var compilers = []string{"cc", "cmake", "gcc", "nasm-rs"}

// compilesC tells whether a lock file has a crate that compiles C. A file that
// cannot be read is for Cargo to refuse.
func compilesC(data []byte) bool {
	var lock lockFile
	if err := toml.Unmarshal(data, &lock); err != nil {
		return true
	}
	for _, pkg := range lock.Package {
		if slices.Contains(compilers, pkg.Name) {
			return true
		}
	}
	return false
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
