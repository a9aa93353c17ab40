package frontend

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
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
	keyContextName      = "contextkey"
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
	doc    *spec.Document
	// state is the build context. Everything reads this one state, so that the
	// client sends it once.
	state llb.State
	// ctx is that of the request. What was read for one platform or one target serves
	// others, when the context of the first is done.
	ctx context.Context
	// known are functions that solve a definition and give its files, by its digest.
	known sync.Map
	// images are functions that look a toolchain image up, by its name.
	images sync.Map
}

func readRequest(ctx context.Context, bc *dockerui.Client) (*request, error) {
	if opts := bc.BuildOpts().Opts; contextOf(opts) == "" && opts[keyRequestID] == "" {
		go ahead(func() error { return transferIgnoreFile(ctx, bc.GatewayClient()) })
	}
	src, err := bc.ReadEntrypoint(ctx, specLanguage)
	if err != nil {
		return nil, err
	}
	req := &request{Client: bc, source: src, ctx: ctx}
	req.doc, err = spec.Read(src.Filename, src.Data)
	return req, req.located(err)
}

// contextOf is the address of the build context, empty for a folder of the client.
func contextOf(opts map[string]string) string {
	return opts[cmp.Or(opts[keyContextName], dockerui.DefaultLocalNameContext)]
}

// transferIgnoreFile has the client send .dockerignore while the spec is on its way.
// Nothing is kept of it here, since a file beside the spec may come before it.
func transferIgnoreFile(ctx context.Context, c client.Client) error {
	bc, err := dockerui.NewClient(c)
	if err == nil {
		_, err = bc.DockerIgnorePatterns(ctx)
	}
	return err
}

// platforms are those that the request names, or that of the builder. What no
// toolchain builds for is refused before anything is transferred.
func (r *request) platforms() ([]platform.Platform, error) {
	wanted := r.TargetPlatforms
	if len(wanted) == 0 {
		wanted = r.BuildPlatforms[:1]
	}
	out := make([]platform.Platform, len(wanted))
	for i, p := range wanted {
		var err error
		if out[i], err = platform.Lookup(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// resolve gives the variables of the spec their values for one platform.
func (r *request) resolve(pf platform.Platform) (*spec.Spec, error) {
	return r.doc.Resolve(r.variables(pf))
}

// variables are the values of variables for one platform.
func (r *request) variables(pf platform.Platform) map[string]string {
	vars := maps.Clone(r.BuildArgs)
	if vars == nil {
		vars = map[string]string{}
	}
	set := func(prefix string, p ocispecs.Platform) {
		p = platforms.Normalize(p)
		vars[prefix+"PLATFORM"] = platforms.FormatAll(p)
		vars[prefix+"OS"], vars[prefix+"ARCH"], vars[prefix+"VARIANT"] = p.OS, p.Architecture, p.Variant
	}
	set("TARGET", pf.OCI)
	set("BUILD", r.BuildPlatforms[0])
	return vars
}

// unknownArgs lists the build arguments of the request that the spec does not
// declare, BuildKit's own and proxies left out.
func (r *request) unknownArgs() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.BuildArgs)) {
		switch {
		case r.doc.Declares(name), name == argDockerfile, strings.HasPrefix(name, "BUILDKIT_"), strings.HasSuffix(strings.ToLower(name), "_proxy"):
		default:
			out = append(out, name)
		}
	}
	return out
}

// Files of a context that no build wants to have sent. .dockerignore comes on top and
// can take them back in.
var (
	// tracked are those that git knows too, or knows by: where its own data is wanted,
	// nothing of a checkout may be missing. A new label in a spec is no reason to compile.
	tracked = []string{
		"**/.git",
		"**/fromscratch.yaml",
		"**/fromscratch.*.yaml",
		"**/*.dockerignore",
	}
	// litter is what compilers and package managers leave in a checkout. A target
	// directory of Cargo is told from a folder of sources with that name by what is in
	// it.
	litter = []string{
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
)

// readSources transfers the build context and gives its files.
func (r *request) readSources(ctx context.Context) (*sources.FS, error) {
	ignore, err := r.ignorePatterns(ctx)
	if err != nil {
		return nil, err
	}
	excludes := slices.Concat(tracked, litter)
	if slices.Contains(ignore, "!.git") || strings.EqualFold(r.BuildOpts().Opts["build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"], "1") {
		excludes = litter
	}
	st, err := r.MainContext(ctx, llb.ExcludePatterns(slices.Concat(excludes, r.wanted(), ignore)))
	if err != nil {
		return nil, err
	}
	r.state = *st
	return r.files(ctx, r.state)
}

// files solves st and gives the files in it, which are read on demand. Platforms ask
// for the same ones, and what was read of them is kept.
func (r *request) files(ctx context.Context, st llb.State) (*sources.FS, error) {
	def, err := r.marshal(ctx, st)
	if err != nil {
		return nil, err
	}
	head, err := def.Head()
	if err != nil {
		return nil, err
	}
	known, _ := r.known.LoadOrStore(head, sync.OnceValues(func() (*sources.FS, error) {
		ref, err := r.solveDefinition(r.ctx, def)
		return sources.New(r.ctx, ref), err
	}))
	return known.(func() (*sources.FS, error))()
}

// ahead does something before it is known whether anybody needs it. Whoever does asks
// again, and is told what went wrong.
func ahead(do func() error) {
	defer func() { _ = recover() }()
	_ = do()
}

// begin has the daemon make st without waiting for what is in it.
func (r *request) begin(ctx context.Context, st llb.State) error {
	files, err := r.files(ctx, st)
	if err == nil {
		_, err = files.ReadDir(".")
	}
	return err
}

// solve has the daemon solve st.
func (r *request) solve(ctx context.Context, st llb.State) (client.Reference, error) {
	def, err := r.marshal(ctx, st)
	if err != nil {
		return nil, err
	}
	return r.solveDefinition(ctx, def)
}

func (r *request) marshal(ctx context.Context, st llb.State) (*llb.Definition, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(r.BuildOpts().LLBCaps), llb.Platform(r.BuildPlatforms[0]))
	return def, errors.Wrap(err, "failed to marshal the LLB definition")
}

// solveDefinition passes on the cache imports, which are not inherited from the build.
func (r *request) solveDefinition(ctx context.Context, def *llb.Definition) (client.Reference, error) {
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

// resolveOpt says how an image is looked up for platform pf.
func (r *request) resolveOpt(logName string, pf ocispecs.Platform) sourceresolver.Opt {
	return sourceresolver.Opt{
		LogName: logName,
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform:    &pf,
			ResolveMode: r.BuildOpts().Opts[keyImageResolveMode],
		},
	}
}
