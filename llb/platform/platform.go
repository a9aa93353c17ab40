// Package platform is the table of platforms: what Go, Rust, the C cross
// compilers and ELF call each platform that an image can be built for.
package platform

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Platform is one row of the table.
type Platform struct {
	// OCI is the normalised platform of the image.
	OCI ocispecs.Platform
	// Go is how the Go toolchain is told of it.
	Go Go
	// Rust is how the Rust toolchain is told of it.
	Rust Rust
	// ELF is what a binary for it must be.
	ELF ELF
}

// Go holds GOARCH and the variable that picks the variant of the instruction
// set, such as GOARM=7.
type Go struct {
	Arch string
	// Variant is an environment variable, or two empty strings.
	Variant [2]string
}

// Rust holds the target triple and the names of the C toolchain that links for it.
type Rust struct {
	// Triple is the rustc target, empty when rustc has no musl target for the platform.
	Triple string
	// GNU is the prefix of Debian's cross compiler for the architecture, such as
	// aarch64-linux-gnu.
	GNU string
	// Musl is the directory name of Debian's musl for the architecture, such as
	// aarch64-linux-musl: /usr/lib/<Musl>/musl-gcc.specs.
	Musl string
	// Debian is Debian's name of the architecture, such as armhf.
	Debian string
	// CPU is the value of -C target-cpu, empty for the target's default.
	CPU string
	// Features is the value of -C target-feature, empty for the target's default.
	Features string
	// CFlags are what Debian's C compiler needs to agree with the target, separated
	// by spaces.
	CFlags string
}

// Flags are what rustc must be told beside the triple.
func (r Rust) Flags() []string {
	var out []string
	if r.CPU != "" {
		out = append(out, "-Ctarget-cpu="+r.CPU)
	}
	if r.Features != "" {
		out = append(out, "-Ctarget-feature="+r.Features)
	}
	return out
}

// ELF is the header of a program for the platform.
type ELF struct {
	Machine elf.Machine
	Class   elf.Class
	Data    elf.Data
	// Float is the bit of e_flags that says how the ARM ABI passes floats, zero
	// on other machines ("ELF for the Arm Architecture", section 5.2).
	Float uint32
}

const (
	floatSoft = 0x200
	floatHard = 0x400
)

// String is the platform as users write it: linux/arm/v7.
func (p Platform) String() string { return platforms.FormatAll(p.OCI) }

// row is a platform. All are for little-endian machines but those that say
// otherwise.
type row struct {
	name    string // as --platform takes it
	goArch  string
	variant string // GOARM and its like
	value   string
	rust    Rust
	machine elf.Machine
	class   elf.Class
	data    elf.Data
	float   uint32
}

// crtStatic is for the targets that rustc links dynamically by default.
const crtStatic = "+crt-static"

// The Rust triples are those of rustc's platform support page that have a
// released standard library. Where there is none, as for s390x, no version of
// rustup can add one.
var (
	x8664     = Rust{Triple: "x86_64-unknown-linux-musl", GNU: "x86_64-linux-gnu", Musl: "x86_64-linux-musl", Debian: "amd64"}
	armv7     = Rust{Triple: "armv7-unknown-linux-musleabihf", GNU: "arm-linux-gnueabihf", Musl: "arm-linux-musleabihf", Debian: "armhf"}
	i686      = Rust{Triple: "i686-unknown-linux-musl", GNU: "i686-linux-gnu", Musl: "i386-linux-musl", Debian: "i386"}
	riscv64gc = Rust{Triple: "riscv64gc-unknown-linux-musl", GNU: "riscv64-linux-gnu", Musl: "riscv64-linux-musl", Debian: "riscv64", Features: crtStatic}
	loongarch = Rust{Triple: "loongarch64-unknown-linux-musl", GNU: "loongarch64-linux-gnu", Musl: "loongarch64-linux-musl", Debian: "loong64", Features: crtStatic}
	// Atomics are not left to Debian's libgcc, whose detection of the processor asks
	// glibc: a configure script takes the link that fails for a compiler without them.
	aarch64 = Rust{Triple: "aarch64-unknown-linux-musl", GNU: "aarch64-linux-gnu", Musl: "aarch64-linux-musl", Debian: "arm64", CFlags: "-mno-outline-atomics"}
	// Debian's armhf begins at ARMv7, of which only the headers matter here: what
	// is linked is the musl that comes with Rust's standard library.
	armv6 = Rust{Triple: "arm-unknown-linux-musleabihf", GNU: "arm-linux-gnueabihf", Musl: "arm-linux-musleabihf", Debian: "armhf", CFlags: "-march=armv6+fp -marm"}
	// The target without a version is ARMv6 in all of its forms.
	armv5 = Rust{Triple: "armv5te-unknown-linux-musleabi", GNU: "arm-linux-gnueabi", Musl: "arm-linux-musleabi", Debian: "armel"}
	// musl has no long double of 128 bits in IBM's format, which is Debian's default.
	powerpc64le = Rust{Triple: "powerpc64le-unknown-linux-musl", GNU: "powerpc64le-linux-gnu", Musl: "powerpc64le-linux-musl", Debian: "ppc64el", CFlags: "-mlong-double-64"}
)

func withCPU(r Rust, cpu string) Rust {
	r.CPU = cpu
	return r
}

var table = []row{
	{name: "linux/amd64", goArch: "amd64", rust: x8664, machine: elf.EM_X86_64, class: elf.ELFCLASS64},
	{name: "linux/amd64/v2", goArch: "amd64", variant: "GOAMD64", value: "v2", rust: withCPU(x8664, "x86-64-v2"), machine: elf.EM_X86_64, class: elf.ELFCLASS64},
	{name: "linux/amd64/v3", goArch: "amd64", variant: "GOAMD64", value: "v3", rust: withCPU(x8664, "x86-64-v3"), machine: elf.EM_X86_64, class: elf.ELFCLASS64},
	{name: "linux/amd64/v4", goArch: "amd64", variant: "GOAMD64", value: "v4", rust: withCPU(x8664, "x86-64-v4"), machine: elf.EM_X86_64, class: elf.ELFCLASS64},
	{name: "linux/arm64", goArch: "arm64", rust: aarch64, machine: elf.EM_AARCH64, class: elf.ELFCLASS64},
	{name: "linux/arm/v7", goArch: "arm", variant: "GOARM", value: "7", rust: armv7, machine: elf.EM_ARM, class: elf.ELFCLASS32, float: floatHard},
	{name: "linux/arm/v6", goArch: "arm", variant: "GOARM", value: "6", rust: armv6, machine: elf.EM_ARM, class: elf.ELFCLASS32, float: floatHard},
	{name: "linux/arm/v5", goArch: "arm", variant: "GOARM", value: "5", rust: armv5, machine: elf.EM_ARM, class: elf.ELFCLASS32, float: floatSoft},
	{name: "linux/386", goArch: "386", rust: i686, machine: elf.EM_386, class: elf.ELFCLASS32},
	{name: "linux/riscv64", goArch: "riscv64", rust: riscv64gc, machine: elf.EM_RISCV, class: elf.ELFCLASS64},
	{name: "linux/ppc64le", goArch: "ppc64le", rust: powerpc64le, machine: elf.EM_PPC64, class: elf.ELFCLASS64},
	{name: "linux/s390x", goArch: "s390x", machine: elf.EM_S390, class: elf.ELFCLASS64, data: elf.ELFDATA2MSB},
	{name: "linux/loong64", goArch: "loong64", rust: loongarch, machine: elf.EM_LOONGARCH, class: elf.ELFCLASS64},
}

func (r row) platform() Platform {
	p := platforms.Normalize(platforms.MustParse(r.name))
	out := Platform{
		OCI:  p,
		Go:   Go{Arch: r.goArch},
		Rust: r.rust,
		ELF:  ELF{Machine: r.machine, Class: r.class, Data: cmp.Or(r.data, elf.ELFDATA2LSB), Float: r.float},
	}
	if r.variant != "" {
		out.Go.Variant = [2]string{r.variant, r.value}
	}
	return out
}

// UnsupportedError says that no toolchain builds for a platform.
type UnsupportedError struct {
	// Platform is what was asked for.
	Platform string
	// Toolchain is the toolchain that was to build, empty when none could.
	Toolchain string
	// Supported lists what can be built instead.
	Supported []string
}

func (e *UnsupportedError) Error() string {
	who := "fromscratch"
	if e.Toolchain != "" {
		who = "toolchain " + e.Toolchain
	}
	return fmt.Sprintf("%s cannot build for platform %s; it builds for %s", who, e.Platform, strings.Join(e.Supported, ", "))
}

// Lookup finds the row of a platform. p is normalised first, so that arm64/v8
// is arm64 and arm without a variant is arm/v7, as everywhere in containers.
// The error is an UnsupportedError.
func Lookup(p ocispecs.Platform) (Platform, error) {
	n := platforms.Normalize(p)
	if n.Architecture == "amd64" && n.Variant == "v1" {
		n.Variant = ""
	}
	name := platforms.FormatAll(n)
	for _, r := range table {
		if platforms.FormatAll(platforms.Normalize(platforms.MustParse(r.name))) == name {
			return r.platform(), nil
		}
	}
	return Platform{}, &UnsupportedError{Platform: name, Supported: Supported(func(Platform) bool { return true })}
}

// Supported lists the platforms that have what the toolchain needs, as users write them.
func Supported(has func(Platform) bool) []string {
	var out []string
	for _, r := range table {
		if p := r.platform(); has(p) && !slices.Contains(out, p.String()) {
			out = append(out, p.String())
		}
	}
	return out
}
