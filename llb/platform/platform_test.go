package platform_test

import (
	"debug/elf"
	"testing"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

func TestLookup(t *testing.T) {
	for _, tc := range []struct {
		in      string
		name    string
		arch    string
		variant [2]string
		triple  string
		machine elf.Machine
	}{
		{"linux/amd64", "linux/amd64", "amd64", [2]string{}, "x86_64-unknown-linux-musl", elf.EM_X86_64},
		{"linux/amd64/v1", "linux/amd64", "amd64", [2]string{}, "x86_64-unknown-linux-musl", elf.EM_X86_64},
		{"linux/amd64/v3", "linux/amd64/v3", "amd64", [2]string{"GOAMD64", "v3"}, "x86_64-unknown-linux-musl", elf.EM_X86_64},
		{"linux/x86_64", "linux/amd64", "amd64", [2]string{}, "x86_64-unknown-linux-musl", elf.EM_X86_64},
		{"linux/arm64", "linux/arm64", "arm64", [2]string{}, "aarch64-unknown-linux-musl", elf.EM_AARCH64},
		{"linux/arm64/v8", "linux/arm64", "arm64", [2]string{}, "aarch64-unknown-linux-musl", elf.EM_AARCH64},
		{"linux/arm", "linux/arm/v7", "arm", [2]string{"GOARM", "7"}, "armv7-unknown-linux-musleabihf", elf.EM_ARM},
		{"linux/arm/v6", "linux/arm/v6", "arm", [2]string{"GOARM", "6"}, "arm-unknown-linux-musleabihf", elf.EM_ARM},
		{"linux/s390x", "linux/s390x", "s390x", [2]string{}, "", elf.EM_S390},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := platform.Lookup(platforms.MustParse(tc.in))
			require.NoError(t, err)
			require.Equal(t, tc.name, got.String())
			require.Equal(t, tc.arch, got.Go.Arch)
			require.Equal(t, tc.variant, got.Go.Variant)
			require.Equal(t, tc.triple, got.Rust.Triple)
			require.Equal(t, tc.machine, got.ELF.Machine)
		})
	}
}

func TestLookupRefuses(t *testing.T) {
	for _, name := range []string{"windows/amd64", "darwin/arm64", "linux/mips64le", "linux/arm/v8", "linux/amd64/v9"} {
		t.Run(name, func(t *testing.T) {
			_, err := platform.Lookup(platforms.MustParse(name))
			var unsupported *platform.UnsupportedError
			require.ErrorAs(t, err, &unsupported)
			require.Contains(t, err.Error(), "fromscratch cannot build for platform "+name+"; it builds for linux/amd64, ")
			require.Contains(t, unsupported.Supported, "linux/arm/v7")
		})
	}
}

func TestSupported(t *testing.T) {
	musl := platform.Supported(func(p platform.Platform) bool { return p.Rust.Triple != "" })
	require.Equal(t, []string{
		"linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5",
		"linux/386", "linux/riscv64", "linux/ppc64le", "linux/loong64",
	}, musl, "rustc has no standard library for s390x")
	for _, name := range platform.Supported(func(platform.Platform) bool { return true }) {
		p, err := platform.Lookup(platforms.MustParse(name))
		require.NoError(t, err)
		require.Equal(t, name, p.String(), "what an error lists must be accepted as it stands")
	}
}

// TestRust: every name of a platform that Rust compiles for, as its own project
// writes it.
func TestRust(t *testing.T) {
	for _, tc := range []struct {
		name                      string
		triple, gnu, musl, debian string
		flags                     []string
		cflags                    string
	}{
		{"linux/amd64", "x86_64-unknown-linux-musl", "x86_64-linux-gnu", "x86_64-linux-musl", "amd64", nil, ""},
		{"linux/amd64/v2", "x86_64-unknown-linux-musl", "x86_64-linux-gnu", "x86_64-linux-musl", "amd64", []string{"-Ctarget-cpu=x86-64-v2"}, ""},
		{"linux/amd64/v3", "x86_64-unknown-linux-musl", "x86_64-linux-gnu", "x86_64-linux-musl", "amd64", []string{"-Ctarget-cpu=x86-64-v3"}, ""},
		{"linux/amd64/v4", "x86_64-unknown-linux-musl", "x86_64-linux-gnu", "x86_64-linux-musl", "amd64", []string{"-Ctarget-cpu=x86-64-v4"}, ""},
		{"linux/arm64", "aarch64-unknown-linux-musl", "aarch64-linux-gnu", "aarch64-linux-musl", "arm64", nil, "-mno-outline-atomics"},
		{"linux/arm/v7", "armv7-unknown-linux-musleabihf", "arm-linux-gnueabihf", "arm-linux-musleabihf", "armhf", nil, ""},
		{"linux/arm/v6", "arm-unknown-linux-musleabihf", "arm-linux-gnueabihf", "arm-linux-musleabihf", "armhf", nil, "-march=armv6+fp -marm"},
		{"linux/arm/v5", "armv5te-unknown-linux-musleabi", "arm-linux-gnueabi", "arm-linux-musleabi", "armel", nil, ""},
		{"linux/386", "i686-unknown-linux-musl", "i686-linux-gnu", "i386-linux-musl", "i386", nil, ""},
		{"linux/riscv64", "riscv64gc-unknown-linux-musl", "riscv64-linux-gnu", "riscv64-linux-musl", "riscv64", []string{"-Ctarget-feature=+crt-static"}, ""},
		{"linux/ppc64le", "powerpc64le-unknown-linux-musl", "powerpc64le-linux-gnu", "powerpc64le-linux-musl", "ppc64el", nil, "-mlong-double-64"},
		{"linux/loong64", "loongarch64-unknown-linux-musl", "loongarch64-linux-gnu", "loongarch64-linux-musl", "loong64", []string{"-Ctarget-feature=+crt-static"}, ""},
		{"linux/s390x", "", "", "", "", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := platform.Lookup(platforms.MustParse(tc.name))
			require.NoError(t, err)
			require.Equal(t, tc.flags, p.Rust.Flags())
			r := p.Rust
			require.Equal(t, []string{tc.triple, tc.gnu, tc.musl, tc.debian, tc.cflags}, []string{r.Triple, r.GNU, r.Musl, r.Debian, r.CFlags})
		})
	}
}

// TestELF: what a binary for a platform must be.
func TestELF(t *testing.T) {
	little32 := platform.ELF{Class: elf.ELFCLASS32, Data: elf.ELFDATA2LSB}
	little64 := platform.ELF{Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB}
	of := func(e platform.ELF, m elf.Machine, float uint32) platform.ELF {
		e.Machine, e.Float = m, float
		return e
	}
	for name, want := range map[string]platform.ELF{
		"linux/amd64":   of(little64, elf.EM_X86_64, 0),
		"linux/arm64":   of(little64, elf.EM_AARCH64, 0),
		"linux/arm/v7":  of(little32, elf.EM_ARM, 0x400),
		"linux/arm/v6":  of(little32, elf.EM_ARM, 0x400),
		"linux/arm/v5":  of(little32, elf.EM_ARM, 0x200),
		"linux/386":     of(little32, elf.EM_386, 0),
		"linux/riscv64": of(little64, elf.EM_RISCV, 0),
		"linux/ppc64le": of(little64, elf.EM_PPC64, 0),
		"linux/loong64": of(little64, elf.EM_LOONGARCH, 0),
		"linux/s390x":   {Machine: elf.EM_S390, Class: elf.ELFCLASS64, Data: elf.ELFDATA2MSB},
	} {
		p, err := platform.Lookup(platforms.MustParse(name))
		require.NoError(t, err)
		require.Equal(t, want, p.ELF, name)
	}
}
