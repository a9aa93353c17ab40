package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/fromscratch-build/fromscratch/frontend/imagelist"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// imageCall answers docker buildx build --call images. An image that cannot be had is
// part of the answer: it is asked for where images are missing.
func (f Frontend) imageCall(ctx context.Context, req *request) (*client.Result, error) {
	src, err := req.readSources(ctx)
	if err != nil {
		return nil, err
	}
	// Not all that a build prepares: an SBOM generator that cannot be had is an error there.
	p := &prepared{req: req, src: src, panicked: f.panicked, filled: map[string]filled{}}
	if p.tools, err = f.tools(req); err != nil {
		return nil, err
	}
	pfs, err := req.platforms()
	if err != nil {
		return nil, err
	}
	c := &imageCall{prepared: p}
	if err := c.addFrontend(ctx); err != nil {
		return nil, err
	}
	for _, pf := range pfs {
		if err := c.addPlatform(ctx, pf); err != nil {
			return nil, err
		}
	}
	c.addGenerator()
	if err := c.resolve(ctx); err != nil {
		return nil, err
	}
	list := &imagelist.List{Images: []imagelist.Image{}, Sources: [][]byte{req.source.Data}}
	for _, w := range c.wanted {
		list.Images = append(list.Images, w.Image)
	}
	data, err := list.JSON()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := list.Print(&text); err != nil {
		return nil, err
	}
	return textResult(imagelist.Definition.Version, data, text.Bytes()), nil
}

// imageCall collects images.
type imageCall struct {
	*prepared
	wanted []*wantedImage
}

// wantedImage is an image, and what to ask a registry for.
type wantedImage struct {
	imagelist.Image
	ref string
	pf  ocispecs.Platform
}

// addFrontend adds the image that the frontend runs from, where it does.
func (c *imageCall) addFrontend(ctx context.Context) error {
	def, err := c.req.marshal(ctx, c.tools)
	if err != nil {
		return err
	}
	ops, err := operations(def)
	if err != nil {
		return err
	}
	for _, op := range ops {
		ref, ok := strings.CutPrefix(op.GetSource().GetIdentifier(), "docker-image://")
		if !ok {
			continue
		}
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			return err
		}
		_, replaced := c.req.BuildArgs["BUILDKIT_SYNTAX"]
		c.add(imagelist.Image{Name: tagged(named), Role: imagelist.Frontend, BuildArg: "BUILDKIT_SYNTAX", Replaced: replaced}, ref, c.req.BuildPlatforms[0])
	}
	return nil
}

// tagged is a reference as people write it, without its digest.
func tagged(named reference.Named) string {
	if t, ok := named.(reference.Tagged); ok {
		return reference.FamiliarName(named) + ":" + t.Tag()
	}
	return reference.FamiliarString(named)
}

func (c *imageCall) add(img imagelist.Image, ref string, pf ocispecs.Platform) {
	img.ImagePlatform = platforms.FormatAll(platforms.Normalize(pf))
	c.wanted = append(c.wanted, &wantedImage{img, ref, pf})
}

// addPlatform adds the images of the targets for one platform: of the target that the
// request names, or of all.
func (c *imageCall) addPlatform(ctx context.Context, pf platform.Platform) error {
	s, err := c.req.resolve(pf)
	if err != nil {
		return err
	}
	out := output{}
	if c.req.Target != "" {
		if out, err = c.req.output(s); err != nil {
			return err
		}
	} else {
		for _, name := range s.TargetNames() {
			out.targets = append(out.targets, s.Targets[name])
		}
	}
	for _, t := range out.targets {
		u := &imageUser{imageCall: c, spec: s, target: t, platform: pf, title: t.Name()}
		if err := u.addCompile(ctx); err != nil {
			return err
		}
		if out.binaries {
			continue
		}
		u.addImage()
		if c.req.Target == "" || out.debug {
			u.addShell()
		}
	}
	return nil
}

// imageUser adds the images of one target on one platform.
type imageUser struct {
	*imageCall
	spec     *spec.Spec
	target   *spec.Target
	platform platform.Platform
	title    string
}

// addCompile adds what the binaries are made with.
func (u *imageUser) addCompile(ctx context.Context) error {
	t, build := u.target, u.req.BuildPlatforms[0]
	from, err := u.compileSources(ctx, u.spec, t, u.platform)
	if err != nil {
		return err
	}
	plan, err := plan(u.spec, t, from.src)
	if err != nil {
		return err
	}
	if name := plan.Image(); name != "" {
		plain := strings.TrimSuffix(name, toolchain.SlimGo)
		u.use(imagelist.Image{Name: name, Role: imagelist.Toolchain, Key: "toolchain.image", BuildContext: plain}, u.spec.ToolchainPath(t), build, name, plain)
	}
	for _, dir := range slices.Sorted(maps.Keys(t.Build.Inputs)) {
		u.context(t.Build.Inputs[dir], "build.inputs", spec.Path{"targets", t.Name(), "build", "inputs", dir}, build)
	}
	u.context(t.Build.From, "build.from", spec.Path{"targets", t.Name(), "build", "from"}, u.platform.OCI)
	if t.Compress != "" {
		u.use(imagelist.Image{Name: upxContext, Role: imagelist.Packer, BuildContext: upxContext}, spec.Path{"targets", t.Name(), "compress"}, build)
	}
	return nil
}

// addImage adds what the image takes from others.
func (u *imageUser) addImage() {
	t := u.target
	if t.Base != "" {
		u.use(imagelist.Image{Name: t.Base, Role: imagelist.Base, Key: "base", BuildContext: t.Base}, u.spec.BasePath(t), u.platform.OCI, t.Base)
	}
	for i, entry := range t.Copy {
		u.context(entry.From, "copy.from", spec.Path{"targets", t.Name(), "copy", strconv.Itoa(i), "from"}, u.platform.OCI)
	}
	if t.Extras.HasCACertificates() {
		for _, entry := range t.Extras.CACertificates.Append {
			u.context(entry.From, "extras.ca-certificates.append.from", spec.Path{"targets", t.Name()}, u.req.BuildPlatforms[0])
		}
	}
}

// addShell adds what a debug variant has beside.
func (u *imageUser) addShell() {
	u.title += spec.DebugSuffix
	named, err := reference.ParseNormalizedNamed(busyboxImage)
	if err != nil {
		return
	}
	name := reference.FamiliarString(named)
	u.use(imagelist.Image{Name: name, Role: imagelist.Shell, BuildContext: busyboxContext}, spec.Path{"targets", u.target.Name()}, u.platform.OCI, busyboxContext, name)
}

// context adds a named context of the spec that is an image, or that looks like the name
// of one and that the request does not have.
func (u *imageUser) context(name, key string, at spec.Path, pf ocispecs.Platform) {
	if name == "" {
		return
	}
	value := u.req.contextValue(name)
	if strings.HasPrefix(value, "docker-image://") || value == "" && strings.ContainsAny(name, ":/") {
		u.use(imagelist.Image{Name: name, Role: imagelist.Context, Key: key, BuildContext: name}, at, pf)
	}
}

// use adds an image. The first of the named contexts that the request has replaces it.
// Without any, what its name stands for is fetched; it has to be in contexts for that.
func (u *imageUser) use(img imagelist.Image, at spec.Path, pf ocispecs.Platform, contexts ...string) {
	img.Target, img.Platform = u.title, u.platform.String()
	img.Location = pbLocation(u.spec.KeyRange(at...))
	ref := ""
	if len(contexts) > 0 {
		ref = img.Name
	}
	for _, name := range append(contexts, img.BuildContext) {
		if value := u.req.contextValue(name); value != "" {
			img.Replaced, ref = true, value
			break
		}
	}
	if image, ok := strings.CutPrefix(ref, "docker-image://"); ok {
		ref = image
	} else if img.Replaced {
		// A folder, a layout or another build: nothing is fetched.
		img.Reference, ref = ref, ""
	} else if ref == "" {
		img.Error = fmt.Sprintf("there is no context named %s", img.BuildContext)
	}
	u.add(img, ref, pf)
}

// addGenerator adds the image that makes SBOMs, if the request names one.
func (c *imageCall) addGenerator() {
	if c.req.SBOM != nil && c.req.namesGenerator() {
		c.add(imagelist.Image{Name: c.req.SBOM.Generator, Role: imagelist.Generator, Replaced: true}, c.req.SBOM.Generator, c.req.BuildPlatforms[0])
	}
}

// resolve asks for each image once, all at a time: a registry that does not answer takes
// its time for each.
func (c *imageCall) resolve(ctx context.Context) error {
	type question struct{ ref, pf string }
	asked := map[question][]*wantedImage{}
	for _, w := range c.wanted {
		if w.ref != "" {
			q := question{w.ref, w.ImagePlatform}
			asked[q] = append(asked[q], w)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, same := range asked {
		group.Go(func() (err error) {
			defer func() {
				if bug := recover(); bug != nil {
					err = c.panicked(ctx, bug)
				}
			}()
			ref, err := c.pinned(ctx, same[0])
			if errors.Is(err, context.Canceled) {
				return err
			}
			for _, w := range same {
				if w.Reference = ref; err != nil {
					w.Reference, w.Error = "", why(err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// pinned is the reference of an image with its digest.
func (c *imageCall) pinned(ctx context.Context, w *wantedImage) (string, error) {
	named, err := reference.ParseNormalizedNamed(w.ref)
	if err != nil {
		return "", err
	}
	if _, ok := named.(reference.Digested); ok && w.Role == imagelist.Frontend {
		return named.String(), nil // It runs.
	}
	ref, dgst, _, err := c.req.resolveConfig(ctx, named, w.pf)
	if err != nil {
		return "", err
	}
	return withDigest(ref, dgst), nil
}

// why is what is worth knowing of an error of a registry.
func why(err error) string {
	msg := err.Error()
	if i := strings.LastIndex(msg, "failed to "); i >= 0 {
		msg = msg[i:]
	}
	return msg
}
