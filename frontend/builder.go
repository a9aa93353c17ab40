package frontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/golang"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// builder builds one target. What does not depend on the platform is settled
// once, when it is made.
type builder struct {
	req    *request
	target *spec.Target
	plan   toolchain.Plan
	env    toolchain.Env
	extras []rootfs.Layer
	epoch  time.Time
}

func (f Frontend) newBuilder(ctx context.Context, req *request, t *spec.Target, src *sources.FS) (*builder, error) {
	b := &builder{req: req, target: t}
	var err error
	if b.plan, err = plan(req.spec, t, src); err != nil {
		return nil, err
	}
	if err := b.checkPlatforms(); err != nil {
		return nil, err
	}
	if len(b.plan.Binaries()) > 1 && len(t.Entrypoint) == 0 {
		return nil, req.spec.Problem(t.PackagePath(), fmt.Sprintf("the image gets several binaries, %s, so say which one runs: write entrypoint: [%s]",
			spec.List(b.plan.Binaries()), rootfs.BinaryPath(b.plan.Binaries()[0])))
	}
	if b.epoch, err = req.epoch(ctx); err != nil {
		return nil, err
	}
	tools, err := f.tools(req)
	if err != nil {
		return nil, err
	}
	image, err := req.toolchainImage(ctx, t, b.plan.Image())
	if err != nil {
		return nil, err
	}
	b.env = toolchain.Env{
		Target:         t.Name(),
		Source:         req.state,
		Image:          image,
		Tools:          tools,
		CacheNamespace: req.CacheIDNamespace,
		Run:            append(req.execOptions(t.Name()), req.location(req.spec.BuildRange(t.Name()))),
	}
	b.extras, err = b.extraLayers(ctx, src, tools)
	return b, err
}

// plan has the toolchain of the target look at the sources.
func plan(s *spec.Spec, t *spec.Target, src fs.FS) (toolchain.Plan, error) {
	switch t.Toolchain.Name {
	case spec.GoCGO0:
		return golang.New(s, t, src)
	case spec.RustMusl:
		return rust.New(s, t, src)
	}
	return nil, fmt.Errorf("toolchain %s has no implementation", t.Toolchain.Name)
}

func (b *builder) checkPlatforms() error {
	for _, p := range b.req.TargetPlatforms {
		pf, err := platform.Lookup(p)
		if err != nil {
			return err
		}
		if err := b.plan.Supports(pf); err != nil {
			return b.req.spec.Problem(spec.Path{"targets", b.target.Name()}, err.Error())
		}
	}
	return nil
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
	return llb.State{}, errors.New("this BuildKit does not tell a frontend which image it runs from; fromscratch needs BuildKit 0.11, Docker Engine 23.0 or later")
}

// build makes the image of one platform.
func (b *builder) build(ctx context.Context, pf platform.Platform) (*dockerui.BuildResult, error) {
	compiled := b.plan.Compile(b.env, pf)
	ref, err := b.req.solve(ctx, compiled)
	if err != nil {
		return nil, b.compileFailed(err, pf)
	}
	if err := b.inspect(sources.New(ctx, ref), pf); err != nil {
		return nil, err
	}
	layers := append(b.extras[:len(b.extras):len(b.extras)],
		rootfs.Binary(compiled, b.plan.Binaries(), pf, b.layerOptions(spec.Path{"targets", b.target.Name(), "build"})...))
	root := rootfs.Assemble(layers, b.req.BuildOpts().LLBCaps)
	res, err := b.req.solve(ctx, root)
	if err != nil {
		return nil, err
	}
	return &dockerui.BuildResult{Reference: res, Image: b.imageConfig(pf), Epoch: &b.epoch}, nil
}

// inspect has the compile run and proves its binaries. Reading the first bytes
// of a binary is what makes a failed compile known.
func (b *builder) inspect(compiled *sources.FS, pf platform.Platform) error {
	for _, name := range b.plan.Binaries() {
		info, err := compiled.Stat(name)
		if err == nil {
			err = inspect.Static(compiled.ReaderAt(name), info.Size(), pf)
		}
		if err == nil {
			continue
		}
		if bad, ok := errors.AsType[*inspect.Error](err); ok {
			return b.req.spec.Problem(spec.Path{"targets", b.target.Name(), "build"}, refusal(name, pf, b.target.Toolchain.Name, bad))
		}
		return b.compileFailed(err, pf)
	}
	return nil
}

// layerOptions says of a layer which lines of the spec it comes from, and
// whether the request wants it built anew.
func (b *builder) layerOptions(path spec.Path) []llb.ConstraintsOpt {
	opts := []llb.ConstraintsOpt{b.req.location(b.req.spec.KeyRange(path...))}
	if b.req.IsNoCache(b.target.Name()) {
		opts = append(opts, llb.IgnoreCache)
	}
	return opts
}
