package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// toolchainImage resolves the image of a toolchain for the platform of the
// builder: a named context of that name if the request has one, else the image
// itself, by tag name through the gateway, so that mirrors and source policies
// apply. It is pinned to its digest in the graph.
func (p *prepared) toolchainImage(s *spec.Spec, t *spec.Target, plan toolchain.Plan) (toolchain.Image, error) {
	name := plan.Image()
	if name == "" {
		return toolchain.Image{}, nil
	}
	img, err := p.req.image(s, t, name)()
	if missing, ok := errors.AsType[*imageError](err); ok {
		asked := ""
		if p, ok := plan.(interface{ ImageAsked() string }); ok {
			asked = p.ImageAsked()
		}
		return img, imageProblem(s, t, name, asked, missing.error)
	}
	return img, err
}

// resolveAhead begins to look up the images that the spec alone decides on, while the
// build context is transferred: a registry may be far away.
func (r *request) resolveAhead(s *spec.Spec, targets []*spec.Target) {
	for _, t := range targets {
		name := t.Toolchain.Image
		if t.Toolchain.Name == spec.RustMusl {
			name = rust.ImageAsked(t)
		}
		if name != "" {
			go ahead(func() error {
				_, err := r.image(s, t, name)()
				return err
			})
		}
	}
}

// image looks a toolchain image up, once for all targets and platforms.
func (r *request) image(s *spec.Spec, t *spec.Target, name string) func() (toolchain.Image, error) {
	resolve, _ := r.images.LoadOrStore(name, sync.OnceValues(func() (toolchain.Image, error) { return r.resolveImage(r.ctx, s, t, name) }))
	return resolve.(func() (toolchain.Image, error))
}

// imageError is what is wrong with an image of a registry.
type imageError struct{ error }

func (r *request) resolveImage(ctx context.Context, s *spec.Spec, t *spec.Target, name string) (toolchain.Image, error) {
	names := []string{name}
	if plain, slim := strings.CutSuffix(name, toolchain.SlimGo); slim {
		// Which of the two images it is, is the frontend's choice.
		names = append(names, plain)
	}
	if img, err := r.contextImage(ctx, r.BuildPlatforms[0], names...); img != nil || err != nil {
		return deref(img), err
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return toolchain.Image{}, &imageError{err}
	}
	img, err := r.pinnedImage(ctx, named, r.BuildPlatforms[0], r.location(s.KeyRange(s.ToolchainPath(t)...)),
		llb.WithCustomNamef("[toolchain] %s", reference.FamiliarString(named)))
	if err != nil {
		return toolchain.Image{}, &imageError{err}
	}
	return img, nil
}

func deref(img *toolchain.Image) toolchain.Image {
	if img == nil {
		return toolchain.Image{}
	}
	return *img
}

// contextImage is what the first of names that is a named context of the request
// holds, for platform pf if it is an image. It is nil when none of them is.
func (r *request) contextImage(ctx context.Context, pf ocispecs.Platform, names ...string) (*toolchain.Image, error) {
	for _, name := range names {
		var dgst digest.Digest
		nc, err := r.NamedContext(name, dockerui.ContextOpt{Platform: &pf, ResolveMode: r.BuildOpts().Opts[keyImageResolveMode], CaptureDigest: &dgst})
		if err != nil {
			return nil, err
		}
		if nc == nil {
			continue
		}
		st, cfg, err := nc.Load(ctx)
		if err != nil {
			return nil, fmt.Errorf("failed to load the build context %s: %w", name, err)
		}
		img := &toolchain.Image{State: *st, Digest: dgst.String(), Name: name, Context: true}
		if ref, ok := r.contextReference(name); ok {
			img.Name, img.Context = ref, false
		}
		if cfg != nil {
			img.Config = *cfg
		}
		return img, nil
	}
	return nil, nil
}

// contextReference is the reference of the image that a named context is; ok is false
// when it is a folder, a repository or the result of another build.
func (r *request) contextReference(name string) (ref string, ok bool) {
	return strings.CutPrefix(r.contextValue(name), "docker-image://")
}

// contextValue is what the request says of a named context, of any platform's.
func (r *request) contextValue(name string) string {
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		// As dockerui looks it up.
		name = strings.TrimSuffix(reference.FamiliarString(named), ":latest")
	}
	for key, v := range r.BuildOpts().Opts {
		if key == "context:"+name || strings.HasPrefix(key, "context:"+name+"::") {
			return v
		}
	}
	return ""
}

// pinnedImage resolves an image for platform pf, by the name of its tag, so that mirrors
// and source policies apply, and pins it to its digest.
func (r *request) pinnedImage(ctx context.Context, named reference.Named, pf ocispecs.Platform, opts ...llb.ConstraintsOpt) (toolchain.Image, error) {
	ref, dgst, data, err := r.resolveConfig(ctx, named, pf)
	if err != nil {
		return toolchain.Image{}, err
	}
	img := toolchain.Image{Digest: dgst.String(), Name: named.String()}
	if err := json.Unmarshal(data, &img.Config); err != nil {
		return toolchain.Image{}, err
	}
	ref = withDigest(ref, dgst)
	all := []llb.ImageOption{llb.Platform(pf)}
	for _, o := range opts {
		all = append(all, o)
	}
	img.State, err = llb.Image(ref, all...).WithImageConfig(data)
	return img, err
}

// withDigest is a reference with a digest. A source policy may have given another
// reference, or a digest already.
func withDigest(ref string, dgst digest.Digest) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil || dgst == "" {
		return ref
	}
	if _, ok := named.(reference.Digested); ok {
		return ref
	}
	pinned, err := reference.WithDigest(reference.TagNameOnly(named), dgst)
	if err != nil {
		return ref
	}
	return pinned.String()
}

// resolveConfig looks an image up on platform pf.
func (r *request) resolveConfig(ctx context.Context, named reference.Named, pf ocispecs.Platform) (ref string, dgst digest.Digest, config []byte, err error) {
	return r.GatewayClient().ResolveImageConfig(ctx, reference.TagNameOnly(named).String(),
		r.resolveOpt(fmt.Sprintf("[internal] load metadata for %s", reference.FamiliarString(named)), pf))
}

// imageProblem explains a toolchain image that cannot be had.
func imageProblem(s *spec.Spec, t *spec.Target, name, asked string, err error) error {
	if asked != "" {
		asked = ", which " + asked + " asks for,"
	}
	msg := err.Error()
	if i := strings.LastIndex(msg, "failed to "); i >= 0 {
		msg = msg[i:]
	}
	return s.Problem(s.ToolchainPath(t), fmt.Sprintf("the toolchain image %s%s cannot be had (%s); "+
		"set toolchain.version or toolchain.image, or pass one with --build-context %s=docker-image://…", name, asked, msg, strings.TrimSuffix(name, toolchain.SlimGo)))
}
