// Package prebuilt is the toolchain that compiles nothing: it takes binaries that
// are finished out of a build context.
package prebuilt

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// Plan says which files are the binaries of one target.
type Plan struct {
	spec   *spec.Spec
	target *spec.Target
	src    fs.FS
}

var _ toolchain.Plan = (*Plan)(nil)

// New makes the plan of t. src is the context that its binaries are in.
func New(s *spec.Spec, t *spec.Target, src fs.FS) *Plan {
	return &Plan{spec: s, target: t, src: src}
}

// Image is empty: there is no compiler.
func (p *Plan) Image() string { return "" }

// Supports takes every platform: who made the binaries has seen to it.
func (p *Plan) Supports(platform.Platform) error { return nil }

// Resolve refuses a binary that is not there, or is no file. The error is a
// *spec.Problem then.
func (p *Plan) Resolve(pf platform.Platform) error {
	for i, name := range p.target.Build.Src {
		info, err := fs.Stat(p.src, name)
		switch {
		case err != nil:
			return p.spec.Problem(p.target.SrcPath(i), p.missing(name, pf))
		case info.IsDir():
			return p.spec.Problem(p.target.SrcPath(i), fmt.Sprintf("%s is a directory, and src names the binary itself: %s", name, p.inside(name)))
		}
	}
	return nil
}

// missing says that there is no file called name, and what is there instead.
func (p *Plan) missing(name string, pf platform.Platform) string {
	from, cure := "the build context", fmt.Sprintf("compile it for %s before the image is built, and see whether .dockerignore leaves it out (a line !%s takes it back in)", pf, name)
	if ctx := p.target.Build.From; ctx != "" {
		from, cure = "the context "+ctx, fmt.Sprintf("compile it for %s before the image is built", pf)
	}
	dir := path.Dir(name)
	for dir != "." && !toolchain.IsDir(p.src, dir) {
		name, dir = dir, path.Dir(dir)
	}
	msg := fmt.Sprintf("there is no %s in %s", name, from)
	entries, err := fs.ReadDir(p.src, dir)
	if err != nil {
		return msg + "; " + cure
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	if hint := spec.DidYouMean(path.Base(name), names); hint != "" {
		return msg + hint
	}
	if dir == "." || len(names) == 0 {
		return msg + "; " + cure
	}
	return fmt.Sprintf("%s, where %s has %s; %s", msg, dir, spec.List(names), cure)
}

// inside names what a folder holds.
func (p *Plan) inside(dir string) string {
	entries, err := fs.ReadDir(p.src, dir)
	if err != nil || len(entries) == 0 {
		return "there is nothing in it"
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = path.Join(dir, e.Name())
	}
	return "in it there is " + spec.List(names)
}

// Binaries names the only binary like the target, and several like their files.
func (p *Plan) Binaries() []string {
	if len(p.target.Build.Src) == 1 {
		return []string{p.target.Name()}
	}
	return p.Files()
}

// Files are the binaries by the names of their files.
func (p *Plan) Files() []string {
	out := make([]string, len(p.target.Build.Src))
	for i, src := range p.target.Build.Src {
		out[i] = path.Base(src)
	}
	return out
}

// Compile copies the binaries to where they are looked at. A symbolic link is
// followed.
func (p *Plan) Compile(e toolchain.Env, pf platform.Platform) llb.State {
	var action *llb.FileAction
	for i, src := range p.target.Build.Src {
		dest := "/" + p.Files()[i]
		info := &llb.CopyInfo{FollowSymlinks: true, Mode: &llb.ChmodOpt{Mode: 0o755}}
		if action == nil {
			action = llb.Copy(e.Source, "/"+src, dest, info, llb.WithUIDGID(0, 0), toolchain.Created)
		} else {
			action = action.Copy(e.Source, "/"+src, dest, info, llb.WithUIDGID(0, 0), toolchain.Created)
		}
	}
	return llb.Scratch().File(action, llb.WithCustomNamef("[%s] %s", pf, p.Title()), e.BuildLocation)
}

// Title says which files the binaries are.
func (p *Plan) Title() string { return "prebuilt " + strings.Join(p.target.Build.Src, ", ") }
