// Package platform is the table of platforms: what Go, Rust, the C cross
// compilers and ELF call each platform that an image can be built for.
package platform

import (
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
	// CPU is the value of -C target-cpu, empty for the target's default.
	CPU string
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

// row describes an architecture; variants refine it.
type row struct {
	name    string // as --platform takes it
	goArch  string
	variant string // GOARM and its like
	value   string
	triple  string
	gnu     string
	musl    string
	cpu     string
	machine elf.Machine
	class   elf.Class
	data    elf.Data
	float   uint32
}

// The Rust triples follow rustc's platform support page; rustc has no musl
// target with a released standard library where the triple is empty.
var table = []row{
	{name: "linux/amd64", goArch: "amd64", triple: "x86_64-unknown-linux-musl", gnu: "x86_64-linux-gnu", musl: "x86_64-linux-musl", machine: elf.EM_X86_64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/amd64/v2", goArch: "amd64", variant: "GOAMD64", value: "v2", triple: "x86_64-unknown-linux-musl", gnu: "x86_64-linux-gnu", musl: "x86_64-linux-musl", cpu: "x86-64-v2", machine: elf.EM_X86_64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/amd64/v3", goArch: "amd64", variant: "GOAMD64", value: "v3", triple: "x86_64-unknown-linux-musl", gnu: "x86_64-linux-gnu", musl: "x86_64-linux-musl", cpu: "x86-64-v3", machine: elf.EM_X86_64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/amd64/v4", goArch: "amd64", variant: "GOAMD64", value: "v4", triple: "x86_64-unknown-linux-musl", gnu: "x86_64-linux-gnu", musl: "x86_64-linux-musl", cpu: "x86-64-v4", machine: elf.EM_X86_64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/arm64", goArch: "arm64", triple: "aarch64-unknown-linux-musl", gnu: "aarch64-linux-gnu", musl: "aarch64-linux-musl", machine: elf.EM_AARCH64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/arm/v7", float: floatHard, goArch: "arm", variant: "GOARM", value: "7", machine: elf.EM_ARM, class: elf.ELFCLASS32, data: elf.ELFDATA2LSB},
	{name: "linux/arm/v6", float: floatHard, goArch: "arm", variant: "GOARM", value: "6", machine: elf.EM_ARM, class: elf.ELFCLASS32, data: elf.ELFDATA2LSB},
	{name: "linux/arm/v5", float: floatSoft, goArch: "arm", variant: "GOARM", value: "5", machine: elf.EM_ARM, class: elf.ELFCLASS32, data: elf.ELFDATA2LSB},
	{name: "linux/386", goArch: "386", machine: elf.EM_386, class: elf.ELFCLASS32, data: elf.ELFDATA2LSB},
	{name: "linux/riscv64", goArch: "riscv64", machine: elf.EM_RISCV, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/ppc64le", goArch: "ppc64le", machine: elf.EM_PPC64, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
	{name: "linux/s390x", goArch: "s390x", machine: elf.EM_S390, class: elf.ELFCLASS64, data: elf.ELFDATA2MSB},
	{name: "linux/loong64", goArch: "loong64", machine: elf.EM_LOONGARCH, class: elf.ELFCLASS64, data: elf.ELFDATA2LSB},
}

func (r row) platform() Platform {
	p := platforms.Normalize(platforms.MustParse(r.name))
	out := Platform{
		OCI:  p,
		Go:   Go{Arch: r.goArch},
		Rust: Rust{Triple: r.triple, GNU: r.gnu, Musl: r.musl, CPU: r.cpu},
		ELF:  ELF{Machine: r.machine, Class: r.class, Data: r.data, Float: r.float},
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
