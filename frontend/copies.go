package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// copies are the layers of what the target copies into its image.
func (b *builder) copies(ctx context.Context) ([]rootfs.Layer, error) {
	var out []rootfs.Layer
	for i, c := range b.target.Copy {
		at := spec.Path{"targets", b.target.Name(), "copy", strconv.Itoa(i)}
		st, files, err := b.copySource(ctx, c, at)
		if err != nil {
			return nil, err
		}
		if err := b.checkCopy(c, files, at); err != nil {
			return nil, err
		}
		out = append(out, rootfs.Copy(st, c, b.optionsAt(b.spec.ValueRange(at...))...))
	}
	return out, nil
}

// copySource is the context that an entry copies out of, and its files.
func (b *builder) copySource(ctx context.Context, c spec.Copy, at spec.Path) (llb.State, fs.FS, error) {
	if c.From == "" {
		return b.req.state, b.src, nil
	}
	nc, err := b.req.NamedContext(c.From, dockerui.ContextOpt{Platform: &b.platform.OCI, ResolveMode: b.req.BuildOpts().Opts[keyImageResolveMode]})
	if err != nil {
		return llb.State{}, nil, err
	}
	if nc == nil {
		return llb.State{}, nil, b.spec.Problem(at.Join("from"), noContext(c.From))
	}
	st, _, err := nc.Load(ctx)
	if err != nil {
		return llb.State{}, nil, err
	}
	files, err := b.req.files(ctx, *st)
	return *st, files, err
}

// checkCopy refuses an entry that would copy nothing, or over a binary.
func (b *builder) checkCopy(c spec.Copy, files fs.FS, at spec.Path) error {
	src := path.Clean(strings.TrimLeft(c.Src, "/"))
	if src == "" {
		src = "."
	}
	found := []string{src}
	if strings.ContainsAny(src, "*?[") {
		var err error
		if found, err = fs.Glob(files, src); err != nil {
			return b.spec.Problem(at.Join("src"), fmt.Sprintf("%q is not a valid pattern", c.Src))
		}
	} else if _, err := fs.Stat(files, src); err != nil {
		found = nil
	}
	if len(found) == 0 {
		where := "the build context; see whether .dockerignore leaves it out"
		if c.From != "" {
			where = "the context " + c.From
		}
		return b.spec.Problem(at.Join("src"), fmt.Sprintf("there is nothing named %q in %s", c.Src, where))
	}
	for _, binary := range b.binaryPaths() {
		if path.Clean(c.Dest) == binary || strings.HasSuffix(c.Dest, "/") && path.Join(c.Dest, path.Base(found[0])) == binary {
			return b.spec.Problem(at.Join("dest"), fmt.Sprintf("this would write over the binary %s; choose another dest", binary))
		}
	}
	return nil
}
