package frontend

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/cause"
	"github.com/fromscratch-build/fromscratch/llb/golang"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

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
	if strings.Contains(msg, toolchain.PackagesCommand) {
		at := b.spec.ToolchainPath(b.target)
		if b.spec.Wrote(at.Join("packages")) {
			at = at.Join("packages")
		}
		return b.spec.Problem(at, fmt.Sprintf("the packages %s could not be installed into the toolchain image %s; what went wrong is above",
			spec.List(b.target.Toolchain.Packages), b.plan.Image()))
	}
	if strings.Contains(msg, "install-c") || strings.Contains(msg, rust.RustupTitle) {
		return b.spec.Problem(b.spec.ToolchainPath(b.target), fmt.Sprintf("the toolchain image %s lacks what %s needs, and it could not be added; what went wrong is above. "+
			"Give the builder access to the network, or use an image that has it", b.plan.Image(), pf))
	}
	return b.spec.Problem(spec.Path{"targets", b.target.Name(), "build"},
		fmt.Sprintf("compiling target %q for %s failed: %s", b.target.Name(), pf, b.why(msg)))
}

func (b *builder) forGo() bool { return b.target.Toolchain.Name == spec.GoCGO0 }

// exitCode is how BuildKit tells the status of a process that failed.
var exitCode = regexp.MustCompile(`exit code: (\d+)`)

// why says why a compile failed, as far as its exit status tells, and what to do
// about it.
func (b *builder) why(msg string) string {
	status := 0
	if m := exitCode.FindStringSubmatch(msg); m != nil {
		status, _ = strconv.Atoi(m[1]) // It is a number, or it would not match.
	}
	switch status {
	case cause.Killed:
		return "it was killed, most likely because the builder is out of memory; set toolchain.jobs to a small number, such as toolchain: {name: " + b.target.Toolchain.Name + ", jobs: 1}, " +
			"give the builder more memory, or build one platform at a time"
	case cause.Credentials:
		from := "a dependency comes from a server that asks who wants it"
		if p, ok := b.plan.(*rust.Plan); ok && len(p.Repositories()) > 0 {
			from += ", most likely " + spec.List(p.Repositories())
		}
		flags := "; pass --ssh default for git over SSH, --secret id=netrc,src=$HOME/.netrc for git over HTTPS, or "
		if b.forGo() {
			return from + flags + "--secret id=goproxy,env=GOPROXY for a proxy with a password; modules that no proxy has are named with build: {env: {GOPRIVATE: …}}"
		}
		return from + flags + "--secret id=cargo-token,env=TOKEN for a registry"
	case cause.NotFound:
		return "a module, or this version of it, is not known where it was looked for. If it is not public, name it with build: {env: {GOPRIVATE: example.com/company}} " +
			"and pass --ssh default or --secret id=netrc,src=$HOME/.netrc; if there is no such version, run go mod tidy. Which one it is, is above"
	case cause.Network:
		return "a server was not reached; see whether the builder has access to the network, or a proxy (--build-arg HTTPS_PROXY=…), and whether network: none is right; what was tried is above"
	case cause.LockFile:
		if b.forGo() {
			return "go.mod and go.sum do not fit the sources any more; run go mod tidy (and go work sync, if there is a go.work) and commit what it changes; what is missing is above"
		}
		return "Cargo.lock does not fit the manifests any more; run cargo update --workspace and commit it, or write build: {locked: false}"
	case cause.NoTarget:
		return fmt.Sprintf("the toolchain image %s has no standard library for %s, and no rustup to add it; use an official rust image, or add the target to yours", b.plan.Image(), b.platform.Rust.Triple)
	case cause.Certificate:
		return "a server's certificate is signed by nobody that the toolchain image trusts, as where a company's proxy opens connections; pass the company's certificates with --secret id=build-ca,src=ca.pem"
	case cause.Library:
		return "a crate looks for a C library of the system, which cannot be linked into a static program; enable the feature of the crate that compiles its own copy " +
			"(its name is mostly vendored, bundled or static), or use a crate in pure Rust; which one it is, is above"
	case cause.Vendored:
		return "the vendor folder does not fit go.mod any more; run go mod vendor (go work vendor, if there is a go.work) and commit what it changes, or take modules from where they come from with build: {env: {GOFLAGS: -mod=mod}}"
	case cause.Version:
		asked := ""
		if p, ok := b.plan.(*golang.Plan); ok && p.ImageAsked() != "" {
			asked = ", although it was picked for " + p.ImageAsked()
		}
		return fmt.Sprintf("the Go of %s is older than the project or one of its modules asks for%s; set toolchain.version, or toolchain: {name: go-cgo0, image: …}", b.plan.Image(), asked)
	case cause.NoGit:
		return fmt.Sprintf("a module comes from a git repository, and the toolchain image %s has no git; name the modules that are not public with build: {env: {GOPRIVATE: …}}, and the image with git is used, or set toolchain.image", b.plan.Image())
	case cause.NeedsCgo:
		return "a package has no code for this platform without cgo, which go-cgo0 compiles without; use one in pure Go instead. Which one it is, is above"
	case cause.NoFile:
		if b.forGo() {
			return "a go:embed pattern matches no file in the build context; generate the files first, see whether .dockerignore leaves them out, or fill the folder from another context with build.inputs. Which pattern it is, is above"
		}
		if p, ok := b.plan.(*rust.Plan); ok && p.Partial(b.platform) {
			return "a source includes a file that is not there. A target sees the packages that it depends on, and of other packages nothing but their manifests; " +
				"make the package that the file is in a dependency, or move the file out of it. Which file it is, is above"
		}
	}
	return b.plan.Title() + "; what the compiler said is above"
}
