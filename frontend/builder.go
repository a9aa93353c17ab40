package frontend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/moby/buildkit/client/llb"
	scan "github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/pemfile"
	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/golang"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/prebuilt"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
	"github.com/fromscratch-build/fromscratch/llb/upx"
)

// prepared is what the builds of all platforms share.
type prepared struct {
	req   *request
	src   *sources.FS
	tools llb.State
	epoch time.Time
	// version is that of the frontend.
	version string
	// generator makes the SBOM, if the request names one.
	generator scan.Scanner
	// known are annotations that nobody has to write.
	known map[string]string
	// panicked turns a panic of a goroutine into an error.
	panicked func(context.Context, any) error
	// filled holds the build contexts that others were composed into, by which.
	filled map[string]filled
	// certs holds the certificates that join a bundle, by the files they are in.
	certs map[spec.Certificate][]pemfile.Certificate
	// planOnly is set when nothing is compiled in the end, so that nothing is begun ahead.
	planOnly bool
}

func (f Frontend) prepare(ctx context.Context, req *request, src *sources.FS) (*prepared, error) {
	p := &prepared{req: req, src: src, version: cmp.Or(f.Version, "dev"), panicked: f.panicked,
		filled: map[string]filled{}, certs: map[spec.Certificate][]pemfile.Certificate{}}
	from, err := req.provenance(ctx)
	if err != nil {
		return nil, err
	}
	p.epoch, p.known = from.epoch, from.annotations
	if p.generator, err = req.scanner(ctx); err != nil {
		return nil, err
	}
	p.tools, err = f.tools(req)
	return p, err
}

// builder builds one target for one platform.
type builder struct {
	*prepared
	spec     *spec.Spec
	target   *spec.Target
	platform platform.Platform
	plan     toolchain.Plan
	env      toolchain.Env
	extras   []rootfs.Layer
	// base is what the target is built on; nil for scratch.
	base *base
	// packer packs the binaries, if the target asks for it.
	packer *upx.Packer
	// shell is what goes beside the binaries of a debug variant, nil without one.
	shell *shell
	// told is what there is to attest of the image that was built.
	told told
	// origins are the contexts that files are copied out of, by name.
	origins map[string]origin
	copied  []*copied
}

func (p *prepared) builder(ctx context.Context, s *spec.Spec, t *spec.Target, pf platform.Platform) (*builder, error) {
	b := &builder{prepared: p, spec: s, target: t, platform: pf}
	from, err := p.compileSources(ctx, s, t, pf)
	if err != nil {
		return nil, err
	}
	if b.plan, err = plan(s, t, from.src); err != nil {
		return nil, err
	}
	equipped := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if bug := recover(); bug != nil {
				err = p.panicked(ctx, bug)
			}
			equipped <- err
		}()
		err = b.equip(ctx, from)
	}()
	err = b.check()
	// What is wrong with the sources goes before what is wrong with the image.
	if late := <-equipped; err == nil {
		err = late
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// equip gets what the plan needs beside the sources, and begins to find out what it
// wants to learn, all of which takes time.
func (b *builder) equip(ctx context.Context, from filled) error {
	p, s, t := b.prepared, b.spec, b.target
	image, err := p.toolchainImage(s, t, b.plan)
	if err != nil {
		return err
	}
	b.env = toolchain.Env{
		Target:         t.Name(),
		Source:         from.state,
		Image:          image,
		Tools:          p.tools,
		CacheNamespace: p.req.CacheIDNamespace,
		BuildArch:      p.req.BuildPlatforms[0].Architecture,
		Caps:           p.req.BuildOpts().LLBCaps,
		Run:            p.req.execOptions(t.Name()),

		BuildLocation:     p.req.location(s.BuildRange(t.Name())),
		ToolchainLocation: p.req.location(s.KeyRange(s.ToolchainPath(t)...)),
	}
	if l, ok := b.plan.(toolchain.Learner); ok && !p.planOnly {
		if st, ok := l.Facts(b.env); ok {
			go ahead(func() error { return p.req.begin(ctx, st) })
		}
	}
	return nil
}

// check refuses what the plan shows to be impossible.
func (b *builder) check() error {
	t, names := b.target, b.plan.Binaries()
	if err := b.plan.Supports(b.platform); err != nil {
		return b.spec.Problem(spec.Path{"targets", t.Name(), "build"}, err.Error())
	}
	if err := b.plan.Resolve(b.platform); err != nil {
		return err
	}
	if len(names) < 2 {
		return nil
	}
	if t.Path != "" {
		return b.spec.Problem(spec.Path{"targets", t.Name(), "path"}, fmt.Sprintf("path is for one binary, and the image gets several, %s; remove it", spec.List(names)))
	}
	if len(t.Entrypoint) == 0 {
		return b.spec.Problem(t.PackagePath(), fmt.Sprintf("the image gets several binaries, %s, so say which one runs: write entrypoint: [%s]",
			spec.List(names), rootfs.BinaryPath(names[0])))
	}
	return nil
}

// binaryPaths is where each binary goes in the image.
func (b *builder) binaryPaths() []string {
	if b.target.Path != "" {
		return []string{b.target.Path}
	}
	out := make([]string, len(b.plan.Binaries()))
	for i, name := range b.plan.Binaries() {
		out[i] = rootfs.BinaryPath(name)
	}
	return out
}

// plan has the toolchain of the target look at the sources.
func plan(s *spec.Spec, t *spec.Target, src fs.FS) (toolchain.Plan, error) {
	switch t.Toolchain.Name {
	case spec.GoCGO0:
		return golang.New(s, t, src)
	case spec.RustMusl:
		return rust.New(s, t, src)
	case spec.Prebuilt:
		return prebuilt.New(s, t, src), nil
	}
	return nil, fmt.Errorf("toolchain %s has no implementation", t.Toolchain.Name)
}

// tools is the image of the frontend.
func (f Frontend) tools(req *request) (llb.State, error) {
	if f.Tools != nil {
		return *f.Tools, nil
	}
	if c, ok := req.GatewayClient().(interface{ CurrentFrontend() (*llb.State, error) }); ok {
		st, err := c.CurrentFrontend()
		if err != nil {
			return llb.State{}, err
		}
		if st != nil {
			return *st, nil
		}
	}
	return llb.State{}, errors.New("this BuildKit does not tell a frontend which image it runs from; fromscratch needs BuildKit 0.11, Docker Engine 24.0 or later")
}

// compiled are the binaries of a target.
type compiled struct {
	state llb.State
	// files are those of state, and plain what they were before they were packed, which
	// tells what they were compiled from.
	files, plain *sources.FS
}

// compile gives the binaries: compiled, proved to be what the platform needs, and
// packed if the target asks for it.
func (b *builder) compile(ctx context.Context) (compiled, error) {
	if err := b.learn(ctx); err != nil {
		return compiled{}, err
	}
	st := b.plan.Compile(b.env, b.platform)
	files, err := b.req.files(ctx, st)
	if err != nil {
		return compiled{}, b.compileFailed(err)
	}
	if err := b.inspect(files); err != nil {
		return compiled{}, err
	}
	made := compiled{st, files, files}
	if b.packer != nil {
		made.state, made.files, err = b.pack(ctx, st)
	}
	return made, err
}

// binaryLayer is the layer of the binaries in st.
func (b *builder) binaryLayer(st llb.State, paths []string) rootfs.Layer {
	return rootfs.Binary(st, b.plan.Files(), paths, b.platform, b.layerOptions(spec.Path{"targets", b.target.Name(), "build"})...)
}

// build makes the image.
func (b *builder) build(ctx context.Context) (*dockerui.BuildResult, error) {
	made, err := b.compile(ctx)
	if err != nil {
		return nil, err
	}
	binary, err := b.capable(b.binaryLayer(made.state, b.binaryPaths()))
	if err != nil {
		return nil, err
	}
	layers := append(b.extras[:len(b.extras):len(b.extras)], binary)
	if b.wantsSBOM() {
		if b.told.sbom, err = b.document(ctx, b.target.Name(), made); err != nil {
			return nil, err
		}
	}
	if b.target.Extras.HasSBOM() {
		opts := b.layerOptions(b.extraPath("sbom"))
		layers = append(layers, b.moved(rootfs.SBOM(b.target.Name(), b.told.sbom, opts...), path.Dir(rootfs.SBOMPath(b.target.Name())), opts))
	}
	settled, err := b.settled()
	if err != nil {
		return nil, err
	}
	layers = append(layers, settled...)
	if b.shell != nil {
		if layers, err = b.addShell(ctx, layers); err != nil {
			return nil, err
		}
		if b.wantsSBOM() {
			if b.told.sbom, err = b.document(ctx, b.target.Name()+spec.DebugSuffix, made, b.shell.component()); err != nil {
				return nil, err
			}
		}
	}
	b.told.image, b.told.sources, b.told.opts = b.assemble(layers), b.env.Source, b.targetOptions()
	res, err := b.req.solve(ctx, b.told.image)
	if err != nil {
		return nil, err
	}
	if err := b.keptCapabilities(ctx, res); err != nil {
		return nil, err
	}
	return &dockerui.BuildResult{Reference: res, Image: b.imageConfig(layers), BaseImage: b.base.image(), Epoch: &b.epoch}, nil
}

// attested is what there is to attest of the image.
func (b *builder) attested() (platform.Platform, told) { return b.platform, b.told }

// targetOptions are for vertices that the target as such asks for.
func (b *builder) targetOptions() []llb.ConstraintsOpt {
	return b.layerOptions(spec.Path{"targets", b.target.Name()})
}

// learn lets the plan read what a vertex of its graph finds out.
func (b *builder) learn(ctx context.Context) error {
	l, ok := b.plan.(toolchain.Learner)
	if !ok {
		return nil
	}
	st, ok := l.Facts(b.env)
	if !ok {
		return nil
	}
	facts, err := b.req.files(ctx, st)
	again := false
	if err == nil {
		again, err = l.Learn(facts)
	}
	if err != nil {
		return b.compileFailed(err)
	}
	if again {
		return b.plan.Resolve(b.platform)
	}
	return nil
}

// assemble stacks the layers of the image.
func (b *builder) assemble(layers []rootfs.Layer) llb.State {
	return rootfs.Assemble(b.onBase(layers), b.req.BuildOpts().LLBCaps, b.targetOptions()...)
}

// inspect has the compile run and proves its binaries. Reading the first bytes
// of a binary is what makes a failed compile known.
func (b *builder) inspect(compiled *sources.FS) error {
	files := b.plan.Files()
	for i, name := range b.plan.Binaries() {
		err := inspect.File(compiled, files[i], b.platform)
		if err == nil && b.forGo() {
			err = b.inspectModules(name, compiled.ReaderAt(files[i]))
		}
		if err == nil {
			continue
		}
		if bad, ok := errors.AsType[*inspect.Error](err); ok {
			return b.spec.Problem(spec.Path{"targets", b.target.Name(), "build"}, refusal(name, b.platform, b.target, bad))
		}
		return b.compileFailed(err)
	}
	return nil
}

// inspectModules refuses a program with a library in C that is not there: some
// compile without cgo all the same, and fail when they are used.
func (b *builder) inspectModules(name string, r io.ReaderAt) error {
	modules, err := inspect.Modules(r)
	if err != nil {
		return err
	}
	for _, m := range modules {
		if instead, ok := golang.NeedsC(m); ok {
			return b.spec.Problem(spec.Path{"targets", b.target.Name(), "build"}, fmt.Sprintf("%s has %s in it, which is a library in C: go-cgo0 compiles without cgo, "+
				"and without it what uses the library fails when it runs. go mod why -m %s tells what imports it; use %s instead", name, m, m, instead))
		}
	}
	return nil
}

// layerOptions says of a layer which key of the spec it comes from, and whether
// the request wants it built anew.
func (b *builder) layerOptions(path spec.Path) []llb.ConstraintsOpt {
	return b.optionsAt(b.spec.KeyRange(path...))
}

// optionsAt is layerOptions for what has no key of its own, as an entry of a list.
func (b *builder) optionsAt(rng spec.Range) []llb.ConstraintsOpt {
	opts := []llb.ConstraintsOpt{b.req.location(rng)}
	if b.req.IsNoCache(b.target.Name()) {
		opts = append(opts, llb.IgnoreCache)
	}
	return opts
}
