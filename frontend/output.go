package frontend

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/fromscratch-build/fromscratch/frontend/sbom"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// output is what a request wants made: the image of a target, that image with a
// shell, or the binaries of all targets.
type output struct {
	// targets are those that are compiled: one for an image.
	targets []*spec.Target
	// binaries is set when nothing but binaries is wanted, and debug when a shell is.
	binaries, debug bool
}

// output finds out what the target of the request stands for.
func (r *request) output(s *spec.Spec) (output, error) {
	if r.Target == spec.BinariesTarget {
		out := output{binaries: true}
		for _, name := range s.TargetNames() {
			out.targets = append(out.targets, s.Targets[name])
		}
		return out, nil
	}
	if base, ok := strings.CutSuffix(r.Target, spec.DebugSuffix); ok && s.Targets[base] != nil {
		return output{targets: []*spec.Target{s.Targets[base]}, debug: true}, nil
	}
	t, err := s.Target(r.Target)
	if err != nil {
		return output{}, err
	}
	return output{targets: []*spec.Target{t}}, nil
}

// names are the names of the targets.
func (o output) names() []string {
	out := make([]string, len(o.targets))
	for i, t := range o.targets {
		out[i] = t.Name()
	}
	return out
}

// product is what is made for one platform.
type product interface {
	build(context.Context) (*dockerui.BuildResult, error)
	// annotate adds what belongs to the result of all platforms, and indexed is what their
	// index may have.
	annotate(*client.Result)
	indexed() map[string]string
	// attested is what there is to attest of what was built, and for which platform.
	attested() (platform.Platform, told)
}

// product prepares what the request wants for pf.
func (p *prepared) product(ctx context.Context, pf platform.Platform) (product, error) {
	out, builders, err := p.builders(ctx, pf)
	if err != nil {
		return nil, err
	}
	all := &binaries{prepared: p, builders: builders, platform: pf}
	if out.binaries {
		if err := all.check(); err != nil {
			return nil, err
		}
	}
	for _, b := range builders {
		if err := b.findPacker(ctx); err != nil {
			return nil, err
		}
	}
	if out.binaries {
		return all, nil
	}
	b := builders[0]
	if b.base, err = b.baseImage(ctx); err != nil {
		return nil, err
	}
	if err := b.settle(b.target); err != nil {
		return nil, err
	}
	if err := b.checkPlaces(); err != nil {
		return nil, err
	}
	if b.extras, err = b.layers(ctx); err != nil {
		return nil, err
	}
	if out.debug {
		b.shell, err = b.findShell(ctx)
	}
	return b, err
}

// builders makes a builder for each target that is compiled.
func (p *prepared) builders(ctx context.Context, pf platform.Platform) (output, []*builder, error) {
	s, err := p.req.resolve(pf)
	if err != nil {
		return output{}, nil, err
	}
	out, err := p.req.output(s)
	if err != nil {
		return output{}, nil, err
	}
	builders := make([]*builder, len(out.targets))
	for i, t := range out.targets {
		if builders[i], err = p.builder(ctx, s, t, pf); err != nil {
			return output{}, nil, err
		}
	}
	return out, builders, nil
}

// binaries are the binaries of all targets, each in the root of one tree.
type binaries struct {
	*prepared
	builders []*builder
	platform platform.Platform
	told     told
}

// check refuses names that two files would have. A file is called as it is in its
// image.
func (c *binaries) check() error {
	owners := map[string]string{}
	for _, b := range c.builders {
		for _, p := range b.binaryPaths() {
			name, target := path.Base(p), b.target.Name()
			if owner, ok := owners[name]; ok {
				at := spec.Path{"targets", target, "build"}
				if b.target.Path != "" {
					at = spec.Path{"targets", target, "path"}
				}
				cure := fmt.Sprintf("give one another name with path: /%s-%s", target, name)
				if len(b.binaryPaths()) > 1 {
					cure = "build it in one of them only"
				}
				return b.spec.Problem(at, fmt.Sprintf("the binaries of targets %s and %s are both called %s, and --target binaries puts them in one folder; %s", owner, target, name, cure))
			}
			owners[name] = target
		}
	}
	return nil
}

// build compiles what the images of the targets are made of, in the same way, so
// that one is the cache of the other.
func (c *binaries) build(ctx context.Context) (*dockerui.BuildResult, error) {
	layers, programs := make([]rootfs.Layer, len(c.builders)), make([][]sbom.Program, len(c.builders))
	group, ctx2 := errgroup.WithContext(ctx)
	for i, b := range c.builders {
		group.Go(func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = c.panicked(ctx, p)
				}
			}()
			made, err := b.compile(ctx2)
			if err != nil {
				return err
			}
			paths := b.binaryPaths()
			for i, p := range paths {
				paths[i] = rootfs.BinaryPath(path.Base(p))
			}
			layers[i] = b.binaryLayer(made.state, paths)
			if c.wantsSBOM() {
				programs[i], err = b.programs(made, paths)
			}
			return err
		})
	}
	err := group.Wait()
	if err == nil && c.wantsSBOM() {
		c.told.sbom, err = c.bill(spec.BinariesTarget, c.platform, slices.Concat(programs...), nil)
	}
	if err != nil {
		return nil, err
	}
	c.told.opts = []llb.ConstraintsOpt{c.req.location(c.builders[0].spec.KeyRange("targets"))}
	c.told.image, c.told.sources = rootfs.Assemble(layers, c.req.BuildOpts().LLBCaps, c.told.opts...), c.req.state
	res, err := c.req.solve(ctx, c.told.image)
	if err != nil {
		return nil, err
	}
	return &dockerui.BuildResult{Reference: res, Image: c.imageConfig(layers), Epoch: &c.epoch}, nil
}

func (c *binaries) attested() (platform.Platform, told) { return c.platform, c.told }

// imageConfig is for exporters that make an image of the tree all the same, such as
// one that another build copies out of.
func (c *binaries) imageConfig(layers []rootfs.Layer) *dockerspec.DockerOCIImage {
	img := &dockerspec.DockerOCIImage{Image: ocispecs.Image{
		Created:  &c.epoch,
		Platform: c.platform.OCI,
		RootFS:   ocispecs.RootFS{Type: "layers"},
		History:  c.history(layers),
	}}
	img.Config.Labels = joined(c.req.Labels)
	return img
}

func (c *binaries) annotate(*client.Result) {}

func (c *binaries) indexed() map[string]string { return nil }
