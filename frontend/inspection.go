package frontend

import (
	"fmt"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// refusal says why a binary is not exported, with the likely cause and its cure
// for the toolchain that made it.
func refusal(name string, pf platform.Platform, t *spec.Target, bad *inspect.Error) string {
	neither := "an image from scratch has neither, so it would not start"
	if t.Base != "" {
		neither = "a program is to be static on a base too, which may change without it"
	}
	cure := strings.NewReplacer("{platform}", pf.String(), "{neither}", neither).Replace(cures[t.Toolchain.Name][bad.Class])
	return fmt.Sprintf("%s for %s %s; %s", name, pf, bad.Detail, cure)
}

// cures says, for each toolchain and each class of failure, what the likely cause
// is and what to do about it. Every toolchain has a table of its own, with words for
// every class; {platform} stands for the platform of the image, and {neither} for why
// a program may not need an interpreter or a library.
var cures = map[string]map[inspect.Class]string{
	spec.GoCGO0: {
		inspect.Missing:      "go build left nothing under that name. Look for -n, -o or -buildmode in GOFLAGS (of the toolchain image or of go env -w), and remove it",
		inspect.Directory:    "go build made a folder where the program should be. Look for -o in GOFLAGS (of the toolchain image or of go env -w), and remove it",
		inspect.Empty:        "the go command writes no empty program, so something else did. Look for -toolexec in GOFLAGS, or a go command in the toolchain image that is not Go's own; if there is none, the disk of the builder may be full (docker buildx du)",
		inspect.Script:       "the go command writes no script, so something else did. Look for -toolexec in GOFLAGS, or a go command in the toolchain image that is not Go's own, and remove it",
		inspect.Foreign:      "look for GOOS in a go.env file or for -toolexec in GOFLAGS, and remove it: the frontend sets GOOS=linux",
		inspect.Archive:      "a program is a package main; look for -buildmode=archive or -buildmode=c-archive in GOFLAGS, and see that build names a package main",
		inspect.NotELF:       "a program is a package main; look for -buildmode or -toolexec in GOFLAGS, and see that build names a package main",
		inspect.Damaged:      "most likely the linker was stopped or the disk of the builder is full (docker buildx du tells); build again with --no-cache. If that does not help, look for -toolexec in GOFLAGS",
		inspect.Object:       "a program is a package main; look for -buildmode or -toolexec in GOFLAGS, and see that build names a package main",
		inspect.Library:      "look for -buildmode=c-shared, -buildmode=shared or -buildmode=plugin in GOFLAGS, and remove it; an image from scratch runs a package main",
		inspect.NotProgram:   "a program is a package main; look for -buildmode in GOFLAGS, and see that build names one",
		inspect.WrongMachine: "look for GOARCH, GOOS or GOARM in GOFLAGS or in a go.env file, and remove it: the frontend sets them for {platform}",
		inspect.WrongFloat:   "look for GOARM with softfloat or hardfloat in build.env or in a go.env file, and remove it: the frontend sets it for {platform}",
		inspect.WrongVariant: "look for it in build.env, in GOFLAGS or in a go.env file, and remove it, or ask for the platform that it is for, such as --platform linux/amd64/v3 or linux/arm/v7",
		inspect.Dynamic: "{neither}. Look for -buildmode=pie, -linkmode=external or CGO_ENABLED=1 in GOFLAGS " +
			"(of the toolchain image or of go env -w), and remove it",
	},
	spec.RustMusl: {
		inspect.Missing:   "Cargo left nothing under that name. Name a binary of the package with build.bin, and see that its crate-type is bin",
		inspect.Directory: "Cargo left a folder under that name. Name a binary of the package with build.bin",
		inspect.Empty:     "rustc writes no empty program, so the linker did, or something after it. Look for a linker in .cargo/config.toml or in build.env; if there is none, the disk of the builder may be full (docker buildx du)",
		inspect.Script:    "rustc writes no script, so the linker did. Look for a linker in .cargo/config.toml or in build.env that is a wrapper, and remove it",
		inspect.Foreign:   "look for build.target, a linker or -C linker-flavor in .cargo/config.toml that are meant for another operating system, and remove them",
		inspect.Archive:   "that is a library of crate-type staticlib or rlib. Name a binary of the package with build.bin, or add one: src/main.rs",
		inspect.NotELF:    "look for a linker, or --emit in rustflags, in .cargo/config.toml or RUSTFLAGS, and remove it, or name a binary of the package with build.bin",
		inspect.Damaged:   "most likely the linker was stopped or the disk of the builder is full (docker buildx du tells); build again with --no-cache. If that does not help, look for a linker in .cargo/config.toml",
		inspect.Object:    "look for --emit=obj or -C link-arg=-r in rustflags of .cargo/config.toml or in RUSTFLAGS, and remove it",
		inspect.Library:   "that is a library of crate-type cdylib or dylib, or the linker was told -shared. Name a binary of the package with build.bin, and look for -C link-arg=-shared in RUSTFLAGS or .cargo/config.toml",
		inspect.NotProgram: "name a binary of the package with build.bin, and look for -C link-arg in RUSTFLAGS or .cargo/config.toml " +
			"that changes what is linked",
		inspect.WrongMachine: "look for a build.target, a linker or rustflags in .cargo/config.toml that are meant for one platform, and remove them: the frontend tells Cargo what {platform} needs",
		inspect.WrongFloat:   "the libraries of a C compiler for another float ABI were linked. Look for a linker or -C target-feature=soft-float in .cargo/config.toml or RUSTFLAGS, and for CC or CFLAGS (-mfloat-abi) in build.env, and remove them",
		inspect.WrongVariant: "look for -C target-cpu or target-feature in RUSTFLAGS or .cargo/config.toml, and for -march or -mcpu in CFLAGS of a build script, and remove them, or ask for the platform that they are for, such as --platform linux/arm/v7",
		inspect.Dynamic: "{neither}. Look for -C target-feature=-crt-static or a linker in RUSTFLAGS, " +
			".cargo/config.toml or a build script (cargo:rustc-link-lib), and remove it",
	},
	spec.Prebuilt: {
		inspect.Missing:      "it was there when its folder was listed; build again, and see that nothing writes to the folder meanwhile",
		inspect.Directory:    "name the binary in that folder",
		inspect.Empty:        "whatever wrote it had not finished, or failed; compile it again before the image is built",
		inspect.Script:       "an image from scratch has nothing that runs scripts; name the program that the script starts",
		inspect.Foreign:      "compile it for Linux: GOOS=linux for Go, a target such as x86_64-unknown-linux-musl for Rust",
		inspect.Archive:      "name the program, and not a library that lies beside it; an archive of a release is unpacked before the build",
		inspect.NotELF:       "name the program itself; an archive of a release is unpacked before the build, and git lfs pull fetches what git has only a pointer to",
		inspect.Damaged:      "most likely it was not copied or downloaded to its end; fetch or compile it again",
		inspect.Object:       "name the program, and not an object file that lies beside it",
		inspect.Library:      "name the program, and not a library that lies beside it",
		inspect.NotProgram:   "name the program, and not what lies beside it",
		inspect.WrongMachine: "each platform needs a binary of its own, which ${TARGETARCH} in its path tells apart: build: dist/${TARGETARCH}/app",
		inspect.WrongFloat:   "compile it for {platform}, and put ${TARGETVARIANT} into its path: build: dist/${TARGETARCH}${TARGETVARIANT}/app",
		inspect.WrongVariant: "compile it for {platform}, and put ${TARGETVARIANT} into its path, or ask for the platform that it is for, such as --platform linux/amd64/v3 or linux/arm/v7",
		inspect.Dynamic:      "{neither}. Link it statically: CGO_ENABLED=0 for Go, a target such as x86_64-unknown-linux-musl for Rust",
	},
}
