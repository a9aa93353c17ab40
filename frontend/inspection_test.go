package frontend_test

import (
	"debug/elf"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/elftest"
)

// TestInspection: whatever a compile leaves instead of a static program of the
// platform is refused with what it is, what most likely made it, and what to do,
// for each toolchain in its own terms.
func TestInspection(t *testing.T) {
	arm := elftest.File{Machine: elf.EM_ARM, Class: elf.ELFCLASS32}
	soft, late := arm, arm
	soft.Flags, late.Attributes = 0x5000200, elftest.ARMAttributes("cortex", 10)
	file := func(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data} }
	for name, tc := range map[string]struct {
		platform string
		file     *fstest.MapFile
		// found is what the file is, and golang and rust are parts of the cures.
		found, golang, rust string
	}{
		"missing":         {"linux/amd64", nil, "app for linux/amd64 is not there", "-o or -buildmode in GOFLAGS", "with build.bin"},
		"directory":       {"linux/amd64", &fstest.MapFile{Mode: fs.ModeDir | 0o755}, "app for linux/amd64 is a directory", "-o in GOFLAGS", "with build.bin"},
		"empty":           {"linux/amd64", file(nil), "app for linux/amd64 is an empty file", "-toolexec", "a linker in .cargo/config.toml"},
		"script":          {"linux/amd64", file([]byte("#!/bin/bash -e\n")), "is a script for /bin/bash -e", "-toolexec", "a linker in .cargo/config.toml or in build.env that is a wrapper"},
		"windows":         {"linux/amd64", file([]byte("MZ")), "is a program for Windows", "GOOS", "build.target"},
		"archive":         {"linux/amd64", file([]byte("!<arch>\n")), "is an archive of object files", "-buildmode=c-archive", "staticlib"},
		"text":            {"linux/amd64", file([]byte("hello")), "is not an ELF binary", "-buildmode", "--emit"},
		"damaged":         {"linux/amd64", file(elftest.File{}.Bytes()[:60]), "is a damaged ELF file", "docker buildx du", "docker buildx du"},
		"object":          {"linux/amd64", file(elftest.File{Type: elf.ET_REL}.Bytes()), "is an object file", "package main", "--emit=obj"},
		"library":         {"linux/amd64", file(elftest.File{Type: elf.ET_DYN, NoEntry: true}.Bytes()), "is a shared library", "-buildmode=c-shared", "cdylib"},
		"core":            {"linux/amd64", file(elftest.File{Type: elf.ET_CORE}.Bytes()), "is a core dump", "package main", "build.bin"},
		"machine":         {"linux/amd64", file(elftest.File{Machine: elf.EM_AARCH64}.Bytes()), "is a program for linux/arm64, not for linux/amd64", "the frontend sets them for linux/amd64", "what linux/amd64 needs"},
		"order":           {"linux/ppc64le", file(elftest.File{Machine: elf.EM_PPC64, Data: elf.ELFDATA2MSB}.Bytes()), "big endian", "GOARCH", "build.target"},
		"float":           {"linux/arm/v7", file(soft.Bytes()), "(soft float)", "GOARM with softfloat", "-mfloat-abi"},
		"variant":         {"linux/arm/v6", file(late.Bytes()), "is compiled for ARMv7", "go.env", "-C target-cpu"},
		"interpreter":     {"linux/amd64", file(elftest.File{Type: elf.ET_DYN, Interpreter: "/lib64/ld-linux-x86-64.so.2"}.Bytes()), "asks for the dynamic linker /lib64/ld-linux-x86-64.so.2", "-linkmode=external", "-crt-static"},
		"needs a library": {"linux/amd64", file(elftest.File{Libraries: []string{"libz.so.1", "libc.so.6"}}.Bytes()), "needs the libraries libz.so.1, libc.so.6", "CGO_ENABLED=1", "cargo:rustc-link-lib"},
	} {
		for toolchain, cure := range map[string]string{"go-cgo0": tc.golang, "rust-musl": tc.rust} {
			t.Run(name+"/"+toolchain, func(t *testing.T) {
				c := newClient(t, "toolchain: "+toolchain+"\ntargets:\n  app:\n    build: {dir: .}\n", map[string]string{"platform": tc.platform})
				files := c.Files.(fstest.MapFS)
				files["Cargo.toml"] = file([]byte("[package]\nname = 'app'\nedition = '2024'\n"))
				files["Cargo.lock"] = file([]byte("[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"))
				files["src/main.rs"] = file(nil)
				delete(files, "app")
				if name := map[string]string{"go-cgo0": "app", "rust-musl": "app/app"}[toolchain]; tc.file != nil {
					files[name] = tc.file
				}
				_, err := build(c)
				require.ErrorContains(t, err, "fromscratch.yaml:4:12: app for "+tc.platform+" ")
				require.ErrorContains(t, err, tc.found)
				require.ErrorContains(t, err, cure)
				require.NotContains(t, err.Error(), "{")
				require.Len(t, errdefs.Sources(err), 1)
			})
		}
	}
}

// TestEveryToolchainHasWords: a new toolchain, or a new class, comes with its words.
func TestEveryToolchainHasWords(t *testing.T) {
	for _, tc := range spec.Toolchains {
		for _, class := range inspect.Classes {
			require.NotEmpty(t, frontend.Cures[tc][class], "%s, class %d", tc, class)
		}
	}
}
