package frontend

import (
	"context"
	"slices"

	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// prebuiltSources is the named context that the binaries of a prebuilt target are
// in. If it is an image, it is the one for the target's platform.
func (p *prepared) prebuiltSources(ctx context.Context, s *spec.Spec, t *spec.Target, pf platform.Platform) (filled, error) {
	name := t.Build.From
	nc, err := p.req.NamedContext(name, dockerui.ContextOpt{Platform: &pf.OCI, ResolveMode: p.req.BuildOpts().Opts[keyImageResolveMode]})
	if err != nil {
		return filled{}, err
	}
	if nc == nil {
		return filled{}, s.Problem(spec.Path{"targets", t.Name(), "build", "from"}, noContext(name))
	}
	st, _, err := nc.Load(ctx)
	if err != nil {
		return filled{}, err
	}
	src, err := p.req.files(ctx, *st)
	return filled{*st, src}, err
}

// wanted are patterns of the prebuilt binaries in the build context, which are
// wanted where what compilers leave in a checkout is not.
func (r *request) wanted() []string {
	pfs, err := r.platforms()
	if err != nil {
		return nil
	}
	var out []string
	for _, pf := range pfs {
		s, err := r.resolve(pf)
		if err != nil {
			continue
		}
		for _, name := range s.TargetNames() {
			t := s.Targets[name]
			if t.Toolchain.Name != spec.Prebuilt || t.Build.From != "" {
				continue
			}
			for _, src := range t.Build.Src {
				if pattern := "!" + src; !slices.Contains(out, pattern) {
					out = append(out, pattern)
				}
			}
		}
	}
	return out
}

// prebuiltCure is cure for a binary that somebody else has compiled.
func prebuiltCure(bad *inspect.Error) string {
	const static = "compile Go with CGO_ENABLED=0, and Rust for a musl target such as x86_64-unknown-linux-musl"
	switch bad.Class {
	case inspect.Dynamic:
		return "an image from scratch has neither, so it would not start. Link it statically: " + static
	case inspect.WrongMachine:
		return "each platform needs a binary of its own, which ${TARGETARCH} in its path tells apart: build: dist/${TARGETARCH}/app"
	case inspect.WrongFloat:
		return "compile it for the variant that the image is for, and put ${TARGETVARIANT} into its path"
	case inspect.NotProgram:
		return "name a program, and not a library or an object file that lies beside it"
	}
	return "build must name a program for Linux; see that the one who compiled it had finished, and " + static
}
