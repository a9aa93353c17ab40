package frontend

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/bklog"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Frontend answers builds. Its zero value is what runs inside the image.
type Frontend struct {
	// Tools is the image of the frontend, where it does not run from one: in
	// process, BuildKit cannot tell. It holds the helper, the certificate bundle
	// and the time zone database.
	Tools *llb.State
	// Version names the release in reports of bugs.
	Version string
}

// Build answers one request. It is a gateway client.BuildFunc.
func (f Frontend) Build(ctx context.Context, c client.Client) (_ *client.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = f.panicked(ctx, p)
		}
	}()
	bc, err := dockerui.NewClient(c)
	if err != nil {
		return nil, err
	}
	if res, ok, err := generalCall(bc.BuildOpts().Opts); ok || err != nil {
		return res, err
	}
	req, err := readRequest(ctx, bc)
	if err != nil {
		return nil, err
	}
	res, err := f.build(ctx, req)
	return res, req.located(err)
}

func (f Frontend) build(ctx context.Context, req *request) (*client.Result, error) {
	if res, ok, err := f.call(ctx, req); ok || err != nil {
		return res, err
	}
	pfs, err := req.platforms()
	if err != nil {
		return nil, err
	}
	// A mistake of the spec, or a BuildKit that is too old, is reported before the context
	// is transferred.
	if _, err := f.tools(req); err != nil {
		return nil, err
	}
	s, err := req.resolve(pfs[0])
	if err != nil {
		return nil, err
	}
	out, err := req.output(s)
	if err != nil {
		return nil, err
	}
	req.resolveAhead(s, out.targets)
	src, err := req.readSources(ctx)
	if err != nil {
		return nil, err
	}
	// What warnings are about is read first.
	req.packAhead(func() (llb.State, error) { return f.tools(req) }, req.state, src)
	if err := req.warn(ctx, s, out.names(), src); err != nil {
		return nil, err
	}
	p, err := f.prepare(ctx, req, src)
	if err != nil {
		return nil, err
	}
	products := make([]product, len(pfs))
	for i, pf := range pfs {
		if products[i], err = p.product(ctx, pf); err != nil {
			return nil, err
		}
	}
	rb, err := req.Build(ctx, func(ctx context.Context, _ *ocispecs.Platform, i int) (res *dockerui.BuildResult, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = f.panicked(ctx, p)
			}
		}()
		return products[i].build(ctx)
	})
	if err != nil {
		return nil, err
	}
	for _, made := range products {
		made.annotate(rb.Result)
	}
	annotateIndex(rb.Result, req, products)
	if err := p.attest(ctx, rb, products); err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// panicked turns a panic into an error, so that a bug of the frontend shows the
// user more than "exit code: 2". The trace goes to the log of the daemon.
func (f Frontend) panicked(ctx context.Context, p any) error {
	bklog.G(ctx).Errorf("panic: %v\n%s", p, debug.Stack())
	return fmt.Errorf("fromscratch %s has a bug, please report it: %v", cmp.Or(f.Version, "dev"), p)
}
