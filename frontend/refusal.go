package frontend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rust"
)

// refusal says why a binary is not exported, with the likely cause and its cure
// for the toolchain that made it.
func refusal(name string, pf platform.Platform, tc string, bad *inspect.Error) string {
	return fmt.Sprintf("%s for %s %s; %s", name, pf, bad.Detail, cure(tc, bad))
}

func cure(tc string, bad *inspect.Error) string {
	switch bad.Class {
	case inspect.Dynamic:
		if tc == spec.RustMusl {
			return "an image from scratch has neither, so it would not start. Look for -C target-feature=-crt-static or a linker in RUSTFLAGS, " +
				".cargo/config.toml or a build script (cargo:rustc-link-lib), and remove it"
		}
		return "an image from scratch has neither, so it would not start. Look for -buildmode=pie, -linkmode=external or CGO_ENABLED=1 in GOFLAGS " +
			"(of the toolchain image or of go env -w), and remove it"
	case inspect.WrongMachine, inspect.WrongFloat:
		if tc == spec.RustMusl {
			return "look for a build.target, a linker or rustflags in .cargo/config.toml that are meant for one platform, and remove them"
		}
		return "look for GOARCH, GOOS or GOARM in GOFLAGS or in a go.env file, and remove it"
	case inspect.NotProgram:
		if tc == spec.RustMusl {
			return "name a binary of the package with build.bin"
		}
		return "a program is a package main; look for -buildmode in GOFLAGS, and see that build names one"
	}
	return "build must name a program"
}

// compileFailed turns the failure of a compile into words. What the compiler
// printed is shown by the client already, above the error.
func (b *builder) compileFailed(err error) error {
	pf := b.platform
	if errors.Is(err, context.Canceled) {
		return err
	}
	msg := err.Error()
	if !strings.Contains(msg, "did not complete successfully") {
		return err
	}
	if strings.Contains(msg, "install-c") || strings.Contains(msg, rust.RustupTitle) {
		return b.spec.Problem(b.spec.ToolchainPath(b.target), fmt.Sprintf("the toolchain image %s lacks what %s needs, and it could not be added; what went wrong is above. "+
			"Give the builder access to the network, or use an image that has it", b.plan.Image(), pf))
	}
	text := fmt.Sprintf("compiling target %q for %s failed: %s; what the compiler said is above", b.target.Name(), pf, b.plan.Title())
	if strings.Contains(msg, "exit code: 137") {
		text = fmt.Sprintf("compiling target %q for %s was killed, most likely because the builder is out of memory; give the builder more, or build one platform at a time", b.target.Name(), pf)
	}
	return b.spec.Problem(spec.Path{"targets", b.target.Name(), "build"}, text)
}
