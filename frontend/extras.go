package frontend

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// layers are the layers of the image below its binary: extras, directories and
// copies, in this order.
func (b *builder) layers(ctx context.Context) ([]rootfs.Layer, error) {
	t, ex := b.target, b.target.Extras
	at := func(name string) []llb.ConstraintsOpt { return b.layerOptions(b.extraPath(name)) }
	var layers []rootfs.Layer
	if ex.HasCACertificates() {
		layer, err := b.certificates(ctx, at("ca-certificates"))
		if err != nil {
			return nil, err
		}
		layers = append(layers, b.moved(layer, path.Dir(rootfs.BundlePath), at("ca-certificates")))
	}
	if ex.HasTZData() {
		layer, err := b.zones(ctx, at("tzdata"))
		if err != nil {
			return nil, err
		}
		layers = append(layers, b.moved(layer, rootfs.ZoneinfoPath, at("tzdata")))
	}
	if ex.HasPasswd() {
		passwd, err := b.passwd(at("passwd"))
		if err != nil {
			return nil, err
		}
		layers = append(layers, passwd...)
	}
	// Where /tmp of the base is a link, the folder that it leads to is the base's own.
	if ex.HasTmp() && b.base.placeDir("/tmp") == "/tmp" {
		layers = append(layers, rootfs.Tmp(b.env.Caps, at("tmp")...))
	}
	if ex.HasNsswitch() {
		layers = append(layers, rootfs.Nsswitch(at("nsswitch")...))
	}
	if ex.HasHosts() {
		layers = append(layers, rootfs.Hosts(at("hosts")...))
	}
	if len(ex.Dirs) > 0 {
		layers = append(layers, rootfs.Dirs("extras: dirs", extraDirs(ex), b.env.Caps, at("dirs")...))
	}
	owned := func(key string, paths ...string) {
		paths = slices.Sorted(slices.Values(paths))
		name := fmt.Sprintf("%s %s", key, strings.Join(paths, ", "))
		layers = append(layers, rootfs.Dirs(name, userDirs(t.User, paths...), b.env.Caps, b.layerOptions(spec.Path{"targets", t.Name(), key})...))
	}
	if volumes := b.lacks(t.Volumes...); len(volumes) > 0 {
		owned("volumes", volumes...)
	}
	if workdir := b.lacks(t.Workdir); len(workdir) > 0 && t.Workdir != "/" {
		owned("workdir", t.Workdir)
	}
	copies, err := b.copies(ctx)
	return append(layers, copies...), err
}

// moved is a layer with dir, a folder of its own, where the links of the base lead to.
func (b *builder) moved(l rootfs.Layer, dir string, opts []llb.ConstraintsOpt) rootfs.Layer {
	if to := b.base.placeDir(dir); to != dir {
		return rootfs.Moved(l, dir, to, opts...)
	}
	return l
}

// extraDirs are the directories that extras ask for.
func extraDirs(ex spec.Extras) []rootfs.Dir {
	out := make([]rootfs.Dir, len(ex.Dirs))
	for i, d := range ex.Dirs {
		out[i] = rootfs.Dir{Path: d.Path, UID: d.UID, GID: d.GID, Mode: 0o755}
		if d.Chmod.Set {
			out[i].Mode = d.Chmod.Bits
		}
	}
	return out
}

// userDirs are directories that belong to the user.
func userDirs(u spec.User, paths ...string) []rootfs.Dir {
	out := make([]rootfs.Dir, len(paths))
	for i, p := range paths {
		out[i] = rootfs.Dir{Path: p, UID: u.UID, GID: u.GID, Mode: 0o755}
	}
	return out
}

// ownedDirs are the directories of the image whose owner or mode is not that of
// an ordinary one. Of one that is named twice, the first counts.
func (b *builder) ownedDirs() []rootfs.Dir {
	t := b.target
	all := extraDirs(t.Extras)
	if t.Extras.HasTmp() {
		all = append(all, rootfs.Dir{Path: "/tmp", Mode: 0o1777})
	}
	if t.Extras.HasPasswd() && !b.base.dir(t.User.Home) {
		all = append(all, rootfs.Dir{Path: t.User.Home, UID: t.User.UID, GID: t.User.GID, Mode: 0o700})
	}
	all = append(all, userDirs(t.User, b.lacks(t.Volumes...)...)...)
	all = append(all, userDirs(t.User, b.lacks(t.Workdir)...)...)
	var out []rootfs.Dir
	for _, d := range all {
		if d.Path != "/" && !slices.ContainsFunc(out, func(o rootfs.Dir) bool { return o.Path == d.Path }) {
			out = append(out, d)
		}
	}
	return out
}

// settled is a last layer that gives directories back what other layers, which
// carry the directories above their files, have taken: there is none when no
// layer writes below a directory of another, as usual.
func (b *builder) settled() ([]rootfs.Layer, error) {
	dirs, err := b.settledDirs()
	if err != nil || len(dirs) == 0 {
		return nil, err
	}
	return []rootfs.Layer{rootfs.Dirs("directories", dirs, b.env.Caps, b.layerOptions(spec.Path{"targets", b.target.Name()})...)}, nil
}

// settledDirs are the directories that other layers have taken something from.
func (b *builder) settledDirs() ([]rootfs.Dir, error) {
	t, ex := b.target, b.target.Extras
	written := slices.Concat(b.lacks(t.Workdir), b.lacks(t.Volumes...))
	written = append(written, b.binaryPaths()...)
	for _, d := range ex.Dirs {
		written = append(written, d.Path)
	}
	if ex.HasPasswd() {
		written = append(written, "/etc/passwd", t.User.Home)
	}
	if ex.HasCACertificates() {
		written = append(written, rootfs.BundlePath)
	}
	if ex.HasTZData() {
		written = append(written, rootfs.ZoneinfoPath)
	}
	if ex.HasNsswitch() || ex.HasHosts() {
		written = append(written, "/etc/hosts")
	}
	if ex.HasTmp() {
		written = append(written, "/tmp")
	}
	if ex.HasSBOM() {
		written = append(written, rootfs.SBOMPath(t.Name()))
	}
	dirs, err := b.retaken()
	if err != nil {
		return nil, err
	}
	owned := b.ownedDirs()
	atop := slices.Clone(written)
	for _, c := range t.Copy {
		atop = append(atop, path.Join(c.Dest, "entry"))
	}
	for _, d := range b.base.parents(atop) {
		same := func(o rootfs.Dir) bool { return o.Path == d.Path }
		if !slices.ContainsFunc(owned, same) && !slices.ContainsFunc(dirs, same) {
			dirs = append(dirs, d)
		}
	}
	for _, d := range owned {
		copied, err := b.copiesDir(d.Path)
		if err != nil {
			return nil, err
		}
		same := 0
		below := slices.ContainsFunc(written, func(p string) bool { return strings.HasPrefix(p, d.Path+"/") })
		for _, p := range written {
			if p == d.Path {
				same++
			}
		}
		if copied || below || same > 1 {
			dirs = append(dirs, d)
		}
	}
	return dirs, nil
}

// extraPath is where an extra was written: in the target, at the top level, or,
// when it is a default, nowhere nearer than the target.
func (b *builder) extraPath(name string) spec.Path {
	for _, p := range []spec.Path{{"targets", b.target.Name(), "extras", name}, {"extras", name}} {
		if b.spec.Wrote(p) {
			return p
		}
	}
	return spec.Path{"targets", b.target.Name()}
}
