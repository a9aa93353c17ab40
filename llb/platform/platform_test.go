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
		{"linux/arm", "linux/arm/v7", "arm", [2]string{"GOARM", "7"}, "", elf.EM_ARM},
		{"linux/arm/v6", "linux/arm/v6", "arm", [2]string{"GOARM", "6"}, "", elf.EM_ARM},
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
	require.Equal(t, []string{"linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4", "linux/arm64"}, musl)
	for _, name := range platform.Supported(func(platform.Platform) bool { return true }) {
		p, err := platform.Lookup(platforms.MustParse(name))
		require.NoError(t, err)
		require.Equal(t, name, p.String(), "what an error lists must be accepted as it stands")
	}
}
