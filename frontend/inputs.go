package frontend

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// filled is a build context with the folders that other contexts fill.
type filled struct {
	state llb.State
	src   *sources.FS
}

// compileSources is what the target is compiled from: the build context, with the
// contexts in it that build.inputs names. They become part of the tree, rather than
// mounts in it, so that what looks at the sources sees them too.
func (p *prepared) compileSources(ctx context.Context, s *spec.Spec, t *spec.Target, pf platform.Platform) (filled, error) {
	if t.Build.From != "" {
		return p.prebuiltSources(ctx, s, t, pf)
	}
	inputs := t.Build.Inputs
	if len(inputs) == 0 {
		return filled{p.req.state, p.src}, nil
	}
	key := fmt.Sprint(inputs)
	if f, ok := p.filled[key]; ok {
		return f, nil
	}
	st := p.req.state
	for _, dir := range slices.Sorted(maps.Keys(inputs)) {
		at := spec.Path{"targets", t.Name(), "build", "inputs", dir}
		// What it holds is compiled.
		from, err := p.namedContext(ctx, s, at, inputs[dir], p.req.BuildPlatforms[0])
		if err != nil {
			return filled{}, err
		}
		st = st.File(llb.Copy(from, "/", "/"+dir, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}, toolchain.Created),
			llb.WithCustomNamef("[sources] %s from %s", dir, inputs[dir]), p.req.location(s.KeyRange(at...)))
	}
	src, err := p.req.files(ctx, st)
	if err != nil {
		return filled{}, err
	}
	if !p.planOnly {
		p.req.packAhead(func() (llb.State, error) { return p.tools, nil }, st, src)
	}
	f := filled{st, src}
	p.filled[key] = f
	return f, nil
}

// namedContext is a context that the build was given beside its own, by the name at a
// path of the spec. If it is an image, it is that for pf.
func (p *prepared) namedContext(ctx context.Context, s *spec.Spec, at spec.Path, name string, pf ocispecs.Platform) (llb.State, error) {
	nc, err := p.req.NamedContext(name, dockerui.ContextOpt{Platform: &pf, ResolveMode: p.req.BuildOpts().Opts[keyImageResolveMode]})
	if err != nil {
		return llb.State{}, err
	}
	if nc == nil {
		return llb.State{}, s.Problem(at, noContext(name))
	}
	st, _, err := nc.Load(ctx)
	if err != nil {
		return llb.State{}, err
	}
	return *st, nil
}

func noContext(name string) string {
	return fmt.Sprintf("there is no context named %q; pass one with --build-context %s=…, or in a bake file with contexts = {%s = \"…\"}", name, name, name)
}
