package spec

import (
	"path"
	"strings"
)

// SrcPath is the path of the i-th binary of a prebuilt target in the spec,
// whichever form it was written in.
func (t *Target) SrcPath(i int) Path {
	p := Path{"targets", t.name, "build"}
	if !t.Build.short {
		p = p.Join("src")
	}
	return p.Join(index(i, t.Build.Src))
}

// validatePrebuilt settles what a prebuilt target takes, and refuses what only a
// compiler has a use for.
func (d *decoder) validatePrebuilt(t *Target, p Path) {
	b := &t.Build
	if b.short {
		b.Src, b.Package = b.Package, nil
	}
	for _, key := range []string{"version", "image", "jobs", "packages"} {
		for _, at := range []Path{p[:len(p)-1].Join("toolchain"), {"toolchain"}} {
			_, named := d.at.keys[at.id()]
			if _, ok := d.at.keys[at.Join(key).id()]; ok {
				d.problemAt(d.at.key(at.Join(key)), "%s is for a compiler, and prebuilt runs none; remove it", key)
			}
			if named {
				break
			}
		}
	}
	if len(b.Src) == 0 {
		at := p
		if _, ok := d.at.keys[p.id()]; !ok {
			at = p[:len(p)-1]
		}
		if !d.unknown[p.id()] && !d.unknown[at.id()] && !d.faulty(d.at.value(p)) {
			d.problemAt(d.at.key(at), "target %s does not say where its binary is; write build: dist/${TARGETARCH}/%s, a file in the build context", quote(t.name), clip(t.name))
		}
		return
	}
	names := map[string]string{}
	for i, src := range b.Src {
		at := d.at.value(t.SrcPath(i))
		switch {
		case strings.HasPrefix(src, "-"):
			d.problemAt(at, "%s looks like a flag, and src takes files only; if it is the name of one, write %s", quote(src), quote("./"+src))
		case strings.Contains(src, "\\"):
			d.problemAt(at, "src is written with slashes: write %s", quote(strings.ReplaceAll(src, "\\", "/")))
		case path.IsAbs(src) && b.From == "":
			d.problemAt(at, "src is relative to the build context: write %s", quote(path.Clean(strings.TrimLeft(src, "/"))))
		case leavesContext(strings.TrimLeft(src, "/")):
			d.problemAt(at, "%s lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with build: {from: name, src: %s}", quote(src), clip(path.Base(src)))
		case strings.HasSuffix(src, "/") || path.Clean(src) == ".":
			d.problemAt(at, "src names the binary itself, not its folder: write %s", clip(path.Join(src, t.name)))
		}
		b.Src[i] = path.Clean(strings.TrimLeft(src, "/"))
		name := path.Base(b.Src[i])
		if other, ok := names[name]; ok {
			d.problemAt(at, "%s has the same name as %s, and both would go to /%s in the image; give one of them a target of its own", clip(b.Src[i]), clip(other), clip(name))
		}
		names[name] = b.Src[i]
	}
	if b.From != "" && !contextName.MatchString(b.From) {
		d.problemAt(d.at.value(p.Join("from")), "%s cannot be the name of a context; write one as given to --build-context, such as dist", quote(b.From))
	}
}
