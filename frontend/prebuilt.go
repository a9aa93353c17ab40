package frontend

import (
	"context"
	"slices"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// prebuiltSources is the named context that the binaries of a prebuilt target are
// in. If it is an image, it is the one for the target's platform.
func (p *prepared) prebuiltSources(ctx context.Context, s *spec.Spec, t *spec.Target, pf platform.Platform) (filled, error) {
	st, err := p.namedContext(ctx, s, spec.Path{"targets", t.Name(), "build", "from"}, t.Build.From, pf.OCI)
	if err != nil {
		return filled{}, err
	}
	src, err := p.req.files(ctx, st)
	return filled{st, src}, err
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
