package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	digest "github.com/opencontainers/go-digest"
	"github.com/pkg/errors"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// toolchainImage resolves the image of a toolchain for the platform of the
// builder: a named context of that name if the request has one, else the image
// itself, by tag name through the gateway, so that mirrors and source policies
// apply. It is pinned to its digest in the graph.
func (p *prepared) toolchainImage(ctx context.Context, s *spec.Spec, t *spec.Target, plan toolchain.Plan) (toolchain.Image, error) {
	name := plan.Image()
	if name == "" {
		return toolchain.Image{}, nil
	}
	if img, ok := p.images[name]; ok {
		return img, nil
	}
	asked := ""
	if p, ok := plan.(interface{ ImageAsked() string }); ok {
		asked = p.ImageAsked()
	}
	img, err := p.req.resolveImage(ctx, s, t, name, asked)
	if err == nil {
		p.images[name] = img
	}
	return img, err
}

func (r *request) resolveImage(ctx context.Context, s *spec.Spec, t *spec.Target, name, asked string) (toolchain.Image, error) {
	var dgst digest.Digest
	opt := dockerui.ContextOpt{
		Platform:      &r.BuildPlatforms[0],
		ResolveMode:   r.BuildOpts().Opts[keyImageResolveMode],
		CaptureDigest: &dgst,
	}
	nc, err := r.NamedContext(name, opt)
	if plain, slim := strings.CutSuffix(name, toolchain.SlimGo); slim && nc == nil && err == nil {
		// Which of the two images it is, is the frontend's choice.
		nc, err = r.NamedContext(plain, opt)
	}
	if err != nil {
		return toolchain.Image{}, err
	}
	if nc != nil {
		st, cfg, err := nc.Load(ctx)
		if err != nil {
			return toolchain.Image{}, errors.Wrapf(err, "failed to load the build context %s", name)
		}
		img := toolchain.Image{State: *st, Digest: dgst.String()}
		if cfg != nil {
			img.Config = *cfg
		}
		return img, nil
	}

	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return toolchain.Image{}, imageProblem(s, t, name, asked, err)
	}
	got, err := r.pinned(ctx, named, r.resolveOpt(fmt.Sprintf("[internal] load metadata for %s", reference.FamiliarString(named))))
	if err != nil {
		return toolchain.Image{}, imageProblem(s, t, name, asked, err)
	}
	img := toolchain.Image{Digest: got.digest.String()}
	if err := json.Unmarshal(got.config, &img.Config); err != nil {
		return toolchain.Image{}, imageProblem(s, t, name, asked, err)
	}
	st := llb.Image(got.ref, llb.Platform(r.BuildPlatforms[0]), r.location(s.KeyRange(s.ToolchainPath(t)...)),
		llb.WithCustomNamef("[toolchain] %s", reference.FamiliarString(named)))
	if img.State, err = st.WithImageConfig(got.config); err != nil {
		return toolchain.Image{}, err
	}
	return img, nil
}

// pinnedImage is an image by its digest.
type pinnedImage struct {
	ref    string
	digest digest.Digest
	config []byte
}

// pinned looks an image up by the name of its tag, so that mirrors and source
// policies apply, and pins it to what is found.
func (r *request) pinned(ctx context.Context, named reference.Named, opt sourceresolver.Opt) (pinnedImage, error) {
	ref, dgst, data, err := r.GatewayClient().ResolveImageConfig(ctx, reference.TagNameOnly(named).String(), opt)
	if err != nil {
		return pinnedImage{}, err
	}
	if dgst != "" {
		// A source policy may have given another reference, or a digest already.
		if named, err := reference.ParseNormalizedNamed(ref); err == nil {
			if _, ok := named.(reference.Digested); !ok {
				if pinned, err := reference.WithDigest(reference.TagNameOnly(named), dgst); err == nil {
					ref = pinned.String()
				}
			}
		}
	}
	return pinnedImage{ref: ref, digest: dgst, config: data}, nil
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
