package inspect_test

import (
	"debug/elf"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/internal/elftest"
)

// TestClasses: every kind of file that is no static program of its platform has a
// class and words of its own.
func TestClasses(t *testing.T) {
	arm := elftest.File{Machine: elf.EM_ARM, Class: elf.ELFCLASS32, Flags: 0x5000400}
	soft := arm
	soft.Flags = 0x5000200
	with := func(f elftest.File, change func(*elftest.File)) []byte {
		change(&f)
		return f.Bytes()
	}
	attributes := func(arch byte) []byte {
		return with(arm, func(f *elftest.File) { f.Attributes = elftest.ARMAttributes("cortex", arch) })
	}
	seen := map[inspect.Class]bool{inspect.Missing: true, inspect.Directory: true}
	for _, tc := range []struct {
		name, platform string
		data           []byte
		class          inspect.Class
		want           string
	}{
		{"program", "linux/amd64", elftest.File{}.Bytes(), 0, ""},
		{"static-pie", "linux/amd64", elftest.File{Type: elf.ET_DYN}.Bytes(), 0, ""},
		{"empty", "linux/amd64", nil, inspect.Empty, "is an empty file"},
		{"script", "linux/amd64", []byte("#!/usr/bin/env python3\nprint()\n"), inspect.Script, "is a script for /usr/bin/env python3, and an image from scratch has no interpreter"},
		{"script of Windows", "linux/amd64", []byte("#! /bin/sh \r\n"), inspect.Script, "is a script for /bin/sh, and an image from scratch has no interpreter"},
		{"script of nothing", "linux/amd64", []byte("#!"), inspect.Script, "is a script without an interpreter in its first line"},
		{"Windows", "linux/amd64", []byte("MZ\x90\x00"), inspect.Foreign, "is a program for Windows"},
		{"macOS", "linux/amd64", []byte("\xcf\xfa\xed\xfe"), inspect.Foreign, "is a program for macOS"},
		{"archive", "linux/amd64", []byte("!<arch>\n__.PKGDEF"), inspect.Archive, "is an archive of object files (a static library), not a program"},
		{"text", "linux/amd64", []byte("hello"), inspect.NotELF, "is not an ELF binary"},
		{"cut off", "linux/amd64", elftest.File{}.Bytes()[:70], inspect.Damaged, "is a damaged ELF file: "},
		{"object", "linux/amd64", elftest.File{Type: elf.ET_REL, NoEntry: true}.Bytes(), inspect.Object, "is an object file, which a linker has yet to make a program of"},
		{"shared library", "linux/amd64", elftest.File{Type: elf.ET_DYN, NoEntry: true}.Bytes(), inspect.Library, "is a shared library, not a program"},
		{"shared library that needs others", "linux/amd64", elftest.File{Type: elf.ET_DYN, NoEntry: true, Libraries: []string{"libc.so.6"}}.Bytes(), inspect.Library, "is a shared library, not a program"},
		{"core", "linux/amd64", elftest.File{Type: elf.ET_CORE}.Bytes(), inspect.NotProgram, "is a core dump, not a program"},
		{"other type", "linux/amd64", elftest.File{Type: elf.ET_LOOS}.Bytes(), inspect.NotProgram, "is an ELF file but not a program: its type is ET_LOOS"},
		{"interpreter", "linux/amd64", elftest.File{Type: elf.ET_DYN, Interpreter: "/lib/ld-musl-x86_64.so.1"}.Bytes(), inspect.Dynamic,
			"is not static: it asks for the dynamic linker /lib/ld-musl-x86_64.so.1"},
		{"one library", "linux/amd64", elftest.File{Libraries: []string{"libc.so.6"}}.Bytes(), inspect.Dynamic, "is not static: it needs the library libc.so.6"},
		{"both", "linux/amd64", elftest.File{Interpreter: "/lib64/ld-linux-x86-64.so.2", Libraries: []string{"libssl.so.3", "libc.so.6"}}.Bytes(), inspect.Dynamic,
			"is not static: it asks for the dynamic linker /lib64/ld-linux-x86-64.so.2 and needs the libraries libssl.so.3, libc.so.6"},
		{"32-bit libraries", "linux/arm/v7", with(arm, func(f *elftest.File) { f.Libraries = []string{"libgcc_s.so.1"} }), inspect.Dynamic, "is not static: it needs the library libgcc_s.so.1"},
		{"machine", "linux/amd64", elftest.File{Machine: elf.EM_AARCH64}.Bytes(), inspect.WrongMachine, "is a program for linux/arm64, not for linux/amd64"},
		{"width", "linux/amd64", elftest.File{Class: elf.ELFCLASS32}.Bytes(), inspect.WrongMachine, "is a program for x32 (amd64 with pointers of 32 bits), not for linux/amd64"},
		{"386", "linux/amd64", elftest.File{Machine: elf.EM_386, Class: elf.ELFCLASS32}.Bytes(), inspect.WrongMachine, "is a program for linux/386, not for linux/amd64"},
		{"order of bytes", "linux/ppc64le", elftest.File{Machine: elf.EM_PPC64, Data: elf.ELFDATA2MSB}.Bytes(), inspect.WrongMachine,
			"is a program for ppc64, which has the other order of bytes (big endian), not for linux/ppc64le"},
		{"right order of bytes", "linux/s390x", elftest.File{Machine: elf.EM_S390, Data: elf.ELFDATA2MSB}.Bytes(), 0, ""},
		{"other machine", "linux/amd64", elftest.File{Machine: elf.EM_MIPS, Class: elf.ELFCLASS32, Data: elf.ELFDATA2MSB}.Bytes(), inspect.WrongMachine,
			"is a program for machine EM_MIPS (ELFCLASS32, ELFDATA2MSB), not for linux/amd64"},
		{"library of another machine", "linux/amd64", elftest.File{Machine: elf.EM_AARCH64, Type: elf.ET_DYN, NoEntry: true}.Bytes(), inspect.WrongMachine, "is a program for linux/arm64, not for linux/amd64"},
		{"soft float", "linux/arm/v7", soft.Bytes(), inspect.WrongFloat,
			"passes floating-point numbers in the registers of integers (soft float), and programs for linux/arm/v7 pass them in registers of their own (hard float)"},
		{"hard float", "linux/arm/v5", arm.Bytes(), inspect.WrongFloat,
			"passes floating-point numbers in registers of their own (hard float), and programs for linux/arm/v5 pass them in the registers of integers (soft float)"},
		{"ARMv7 for v6", "linux/arm/v6", attributes(10), inspect.WrongVariant,
			"is compiled for ARMv7, as the attributes of its object files say, and linux/arm/v6 has no more than ARMv6"},
		{"ARMv8 for v7", "linux/arm/v7", attributes(14), inspect.WrongVariant,
			"is compiled for ARMv8, as the attributes of its object files say, and linux/arm/v7 has no more than ARMv7"},
		{"ARMv6 for v6", "linux/arm/v6", attributes(9), 0, ""},
		{"ARMv6 for v7", "linux/arm/v7", attributes(6), 0, ""},
		{"attributes of something else", "linux/arm/v6", with(arm, func(f *elftest.File) { f.Attributes = []byte("Axyzzy") }), 0, ""},
		{"attributes cut off", "linux/arm/v6", with(arm, func(f *elftest.File) { f.Attributes = elftest.ARMAttributes("cortex", 10)[:20] }), 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := check(tc.data, lookup(t, tc.platform))
			if tc.class == 0 {
				require.NoError(t, err)
				return
			}
			seen[tc.class] = true
			var bad *inspect.Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tc.class, bad.Class, bad.Detail)
			if strings.HasSuffix(tc.want, ": ") {
				require.Contains(t, bad.Detail, tc.want)
			} else {
				require.Equal(t, tc.want, bad.Detail)
			}
		})
	}
	for _, c := range inspect.Classes {
		require.True(t, seen[c], "no case for class %d", c)
	}
}

type files struct{ fstest.MapFS }

func (f files) ReaderAt(name string) io.ReaderAt {
	return strings.NewReader(string(f.MapFS[name].Data))
}

func TestFile(t *testing.T) {
	p := lookup(t, "linux/amd64")
	fsys := files{fstest.MapFS{"app": {Data: elftest.File{}.Bytes()}, "dir/x": {}}}
	require.NoError(t, inspect.File(fsys, "app", p))
	for name, want := range map[string]inspect.Error{"other": {Class: inspect.Missing, Detail: "is not there"}, "dir": {Class: inspect.Directory, Detail: "is a directory"}} {
		require.Equal(t, &want, inspect.File(fsys, name, p))
	}
}

// TestGoVariant: a Go program says itself what it was compiled for.
func TestGoVariant(t *testing.T) {
	for _, tc := range []struct{ built, wanted, want string }{
		{"linux/arm/v7", "linux/arm/v6", "is compiled for ARMv7, as GOARM=7 says, and linux/arm/v6 has no more than ARMv6"},
		{"linux/amd64/v3", "linux/amd64", "is compiled for level v3 of x86-64, as GOAMD64=v3 says, and linux/amd64 has no more than v1"},
		{"linux/amd64/v2", "linux/amd64/v3", ""},
		{"linux/arm/v6", "linux/arm/v7", ""},
	} {
		err := check(compile(t, lookup(t, tc.built)), lookup(t, tc.wanted))
		if tc.want == "" {
			require.NoError(t, err)
			continue
		}
		var bad *inspect.Error
		require.ErrorAs(t, err, &bad)
		require.Equal(t, inspect.WrongVariant, bad.Class)
		require.Equal(t, tc.want, bad.Detail)
	}
}
