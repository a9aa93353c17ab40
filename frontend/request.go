package frontend

import (
	"context"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Keys of a request that dockerui has no name for.
const (
	keyImageResolveMode = "image-resolve-mode"
	keySourceDateEpoch  = "SOURCE_DATE_EPOCH"
)

// specLanguage is linguist's name of the spec's language, for clients that
// highlight the lines of an error.
const specLanguage = "YAML"

// request is what BuildKit asks, with the spec that it points at.
type request struct {
	*dockerui.Client
	source *dockerui.Source
	spec   *spec.Spec
	// state is the build context. Everything reads this one state, so that the
	// client sends it once.
	state llb.State
}

func readRequest(ctx context.Context, bc *dockerui.Client) (*request, error) {
	src, err := bc.ReadEntrypoint(ctx, specLanguage)
	if err != nil {
		return nil, err
	}
	req := &request{Client: bc, source: src}
	req.spec, err = spec.Parse(src.Filename, src.Data)
	if err != nil {
		return nil, req.located(err)
	}
	return req, nil
}

// checkPlatforms refuses what no toolchain builds for before anything is
// transferred.
func (r *request) checkPlatforms() error {
	for _, p := range r.TargetPlatforms {
		if _, err := platform.Lookup(p); err != nil {
			return err
		}
	}
	return nil
}

// platformOrDefault is p, or the platform of the builder when the request names none.
func (r *request) platformOrDefault(p *ocispecs.Platform) ocispecs.Platform {
	if p != nil {
		return *p
	}
	return r.BuildPlatforms[0]
}

// contextExcludes are the files of a context that no build wants to have sent:
// what compilers and package managers leave in a checkout. .dockerignore comes on
// top and can take them back in. A target directory of Cargo is told from a
// folder of sources with that name by what is in it. Specs and ignore files are
// left out too: a new label is no reason to compile.
var contextExcludes = []string{
	"**/.git",
	"**/fromscratch.yaml",
	"**/fromscratch.*.yaml",
	"**/*.dockerignore",
	"**/node_modules",
	"**/target/CACHEDIR.TAG",
	"**/target/.rustc_info.json",
	"**/target/debug",
	"**/target/release",
	"**/target/*-*-*/debug",
	"**/target/*-*-*/release",
	"**/target/doc",
	"**/target/package",
}

// readSources transfers the build context and gives its files.
func (r *request) readSources(ctx context.Context) (*sources.FS, error) {
	ignore, err := r.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, errors.Wrap(err, "failed to read .dockerignore")
	}
	excludes := contextExcludes
	if slices.Contains(ignore, "!.git") || strings.EqualFold(r.BuildOpts().Opts["build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"], "1") {
		excludes = excludes[1:]
	}
	st, err := r.MainContext(ctx, llb.ExcludePatterns(append(slices.Clone(excludes), ignore...)))
	if err != nil {
		return nil, err
	}
	r.state = *st
	ref, err := r.solve(ctx, r.state)
	if err != nil {
		return nil, err
	}
	return sources.New(ctx, ref), nil
}

// solve has the daemon solve st. Cache imports are not inherited from the build,
// so every solve passes them on.
func (r *request) solve(ctx context.Context, st llb.State) (client.Reference, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(r.BuildOpts().LLBCaps), llb.Platform(r.BuildPlatforms[0]))
	if err != nil {
		return nil, errors.Wrap(err, "failed to marshal the LLB definition")
	}
	res, err := r.GatewayClient().Solve(ctx, client.SolveRequest{Definition: def.ToPB(), CacheImports: r.CacheImports})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// location makes the vertices of a graph point at a range of the spec.
func (r *request) location(rng spec.Range) llb.ConstraintsOpt {
	return r.source.Location([]*pb.Range{pbRange(rng)})
}

// resolveOpt says how an image is looked up on the platform of the builder.
func (r *request) resolveOpt(logName string) sourceresolver.Opt {
	return sourceresolver.Opt{
		LogName: logName,
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform:    &r.BuildPlatforms[0],
			ResolveMode: r.BuildOpts().Opts[keyImageResolveMode],
		},
	}
}
