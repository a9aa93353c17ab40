package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/pemfile"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// certificates is the layer of the certificate bundle. A file operation cannot
// join files, so a bundle with more in it is joined here.
func (b *builder) certificates(ctx context.Context, opts []llb.ConstraintsOpt) (rootfs.Layer, error) {
	add := b.target.Extras.CACertificates.Append
	if len(add) == 0 {
		return rootfs.CACertificates(b.tools, b.env.Caps, opts...), nil
	}
	files, err := b.req.files(ctx, b.tools)
	if err != nil {
		return rootfs.Layer{}, err
	}
	bundle, err := files.ReadFile(rootfs.BundlePath[1:])
	if err != nil {
		return rootfs.Layer{}, err
	}
	bundle = append(bytes.TrimRight(bundle, "\n"), '\n')
	for i, c := range add {
		at := b.extraPath("ca-certificates").Join("append").Join(add.CertificatePath(i)...)
		certs, err := b.appended(ctx, c, at)
		if err != nil {
			return rootfs.Layer{}, err
		}
		bundle = append(bundle, pemfile.Encode(certs)...)
	}
	return rootfs.CACertificatesWith(bundle, b.env.Caps, opts...), nil
}

// appended are the certificates of a file that was written at a path of the spec.
// It is read once for all platforms, and what there is to warn of is said once.
func (b *builder) appended(ctx context.Context, c spec.Certificate, at spec.Path) ([]pemfile.Certificate, error) {
	if certs, ok := b.certs[c]; ok {
		return certs, nil
	}
	files, name, missing := fs.FS(b.src), c.Src, fmt.Sprintf("there is no file %q in the build context; see whether .dockerignore leaves it out", c.Src)
	if c.From != "" {
		st, err := b.namedContext(ctx, b.spec, at[:len(at)-1].Join("from"), c.From, b.req.BuildPlatforms[0])
		if problems := spec.ProblemsOf(err); len(problems) > 0 {
			problems[0].Message = fmt.Sprintf("there is no context named %q; pass the folder that has the file with --build-context %s=folder. "+
				"A secret cannot stand for it: images are public to all who pull them, and the cache does not see that a secret changes", c.From, c.From)
		}
		if err != nil {
			return nil, err
		}
		if files, err = b.req.files(ctx, st); err != nil {
			return nil, err
		}
		name = fmt.Sprintf("%s of the context %s", c.Src, c.From)
		missing = fmt.Sprintf("there is no file %q in the context %s; if that is a folder, see whether a .dockerignore in it leaves the file out", c.Src, c.From)
	}
	info, err := fs.Stat(files, c.Src)
	switch {
	case isMissing(err):
		return nil, b.spec.Problem(at, missing)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, b.spec.Problem(at, fmt.Sprintf("%s is a folder; name each PEM file that is in it", name))
	}
	data, err := fs.ReadFile(files, c.Src)
	if err != nil {
		return nil, err
	}
	certs, err := pemfile.Parse(data)
	if bad, ok := errors.AsType[*pemfile.Error](err); ok && bad.Line > 0 {
		return nil, b.spec.Problem(at, fmt.Sprintf("%s, %v", name, bad))
	} else if err != nil {
		return nil, b.spec.Problem(at, fmt.Sprintf("%s %v", name, err))
	}
	b.warnOfDates(ctx, name, certs, at)
	b.certs[c] = certs
	return certs, nil
}

// warnOfDates tells of certificates that nobody trusts today. It changes nothing
// of what is built, which may not depend on the day.
func (b *builder) warnOfDates(ctx context.Context, name string, certs []pemfile.Certificate, at spec.Path) {
	now := time.Now()
	for _, c := range certs {
		var what string
		switch {
		case now.After(c.NotAfter):
			what = "has expired on " + c.NotAfter.UTC().Format(time.DateOnly)
		case now.Before(c.NotBefore):
			what = "is not valid before " + c.NotBefore.UTC().Format(time.DateOnly)
		default:
			continue
		}
		rng := b.spec.ValueRange(at...)
		msg := fmt.Sprintf("%s, line %d: the certificate %q %s, so that programs do not trust it (%s:%d)", name, c.Line, c.Subject.String(), what, b.spec.File(), rng.Start.Line)
		b.req.source.Warn(ctx, msg, client.WarnOpts{Range: []*pb.Range{pbRange(rng)}})
	}
}
