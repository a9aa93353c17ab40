package lint

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Layers are laid over one another, so that of two files at one path one is gone
// without a word, and a directory in the place of a file fails late or hides it.
// Directories that only join are fine, and so is a directory that is listed once
// for its mode and once as a volume.
var duplicateDestination = &Rule{
	Name:        "DuplicateDestination",
	Description: "Of two things that are written to one path, the image has only one.",
	each: func(p *pass, t *spec.Target) {
		d := &destinations{pass: p, target: t}
		d.binaries()
		d.extras()
		d.directories()
		d.copies()
	},
}

// destination is a path that something is written to.
type destination struct {
	path string
	// dir tells that it is a directory, or may be one.
	dir bool
	// what is written, for messages: "the binary".
	what string
	// cure says how to get it out of the way of another.
	cure string
	// into, of a file, says how to get it into a directory of that name.
	into string
	// copied tells that an entry of copy writes it.
	copied bool
}

type destinations struct {
	*pass
	target *spec.Target
	all    []destination
}

// add takes note of d, written at a range of the spec, unless it is in the way of
// another: then it reports that.
func (ds *destinations) add(d destination, at spec.Range) {
	for _, other := range ds.all {
		same := d.path == other.path
		switch {
		case same && d.dir && other.dir:
			continue
		case same && !d.dir && !other.dir:
			ds.report(at, "%s is written twice, as %s and as %s; %s", d.path, other.what, d.what, cmp.Or(other.cure, d.cure))
		case same && d.dir:
			ds.report(at, "%s is %s, and cannot also be %s; %s", d.path, other.what, d.what, cmp.Or(other.cure, d.cure))
		case same:
			ds.report(at, "%s is %s, and cannot also be %s; %s", d.path, other.what, d.what, cmp.Or(d.into, d.cure, other.cure))
		case !other.dir && below(d.path, other.path):
			ds.report(at, "%s is %s, so there can be nothing below it such as %s; %s", other.path, other.what, d.path, cmp.Or(other.cure, d.cure))
		case !d.dir && below(other.path, d.path):
			ds.report(at, "%s is %s, so there can be nothing below it such as %s; %s", d.path, d.what, other.path, cmp.Or(d.into, d.cure, other.cure))
		default:
			continue
		}
		return
	}
	ds.all = append(ds.all, d)
}

func below(p, dir string) bool { return strings.HasPrefix(p, dir+"/") }

// majorVersion is the last element of the import path of a later major version.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// binaryPaths is where the binaries of t go, as far as the spec tells.
func binaryPaths(t *spec.Target) []string {
	names, _ := binaries(t)
	if len(names) > 1 {
		var out []string
		for _, name := range names {
			if name != "" {
				out = append(out, "/"+name)
			}
		}
		return out
	}
	if t.Path != "" {
		return []string{path.Clean(t.Path)}
	}
	return []string{"/" + t.Name()}
}

// binaries are the names of the binaries of t, and where in the spec each comes
// from. Those that the spec does not tell are empty.
func binaries(t *spec.Target) ([]string, spec.Path) {
	if t.Toolchain.Name == spec.Prebuilt {
		names := make([]string, len(t.Build.Src))
		for i, src := range t.Build.Src {
			names[i] = path.Base(src)
		}
		return names, pathOf(t, "build", "src")
	}
	if t.Toolchain.Name == spec.RustMusl {
		if len(t.Build.Bin) > 0 {
			return t.Build.Bin, pathOf(t, "build", "bin")
		}
		// What the binaries of packages are called is in their manifests.
		return make([]string, len(t.Build.Package)), t.PackagePath()
	}
	names := make([]string, len(t.Build.Package))
	for i, pkg := range t.Build.Package {
		// "." is named like its module, and an import path that ends in a version like
		// the element before it.
		if base := path.Base(pkg); base != "." && !majorVersion.MatchString(base) {
			names[i] = base
		}
	}
	return names, t.PackagePath()
}

func (ds *destinations) binaries() {
	t := ds.target
	names, from := binaries(t)
	if len(names) < 2 {
		b := binaryPaths(t)[0]
		ds.add(destination{path: b, what: "the binary", cure: "give the binary another place: path: " + elsewhere(b)}, ds.binaryRange())
		return
	}
	for i, name := range names {
		if name != "" {
			ds.add(destination{path: "/" + name, what: "the binary " + name, cure: "give it another name, or a target of its own"}, ds.valueRange(from.Join(strconv.Itoa(i))))
		}
	}
}

// elsewhere is a usual place for a binary that is in the way where it is.
func elsewhere(binary string) string {
	if path.Dir(binary) == "/bin" {
		return "/usr/bin/" + path.Base(binary)
	}
	return "/bin/" + path.Base(binary)
}

func (ds *destinations) extras() {
	e := ds.target.Extras
	for _, x := range []struct {
		on    bool
		name  string
		files []string
	}{
		{e.HasCACertificates(), "ca-certificates", []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"}},
		{e.HasPasswd(), "passwd", []string{"/etc/passwd", "/etc/group"}},
		{e.HasNsswitch(), "nsswitch", []string{"/etc/nsswitch.conf"}},
		{e.HasHosts(), "hosts", []string{"/etc/hosts"}},
	} {
		if !x.on {
			continue
		}
		cure := fmt.Sprintf("turn the extra off with extras: {%s: false} to have your own", x.name)
		if x.name == "ca-certificates" {
			cure = "write extras: {ca-certificates: {append: [your.pem]}} to add certificates, or {ca-certificates: false} to have only your own"
		}
		for _, f := range x.files {
			ds.add(destination{path: f, what: "a file of the extra " + x.name, cure: cure}, ds.binaryRange())
		}
	}
}

// binaryRange is what to underline when a binary is where an extra's files go.
func (ds *destinations) binaryRange() spec.Range {
	if at := pathOf(ds.target, "path"); ds.spec.Wrote(at) {
		return ds.valueRange(at)
	}
	return ds.keyRange(pathOf(ds.target))
}

func (ds *destinations) directories() {
	t := ds.target
	if t.Extras.HasTmp() {
		ds.add(destination{path: "/tmp", dir: true, what: "the directory of the extra tmp"}, ds.binaryRange())
	}
	if t.Workdir != "/" {
		ds.add(destination{path: t.Workdir, dir: true, what: "the working directory"}, ds.valueRange(pathOf(t, "workdir")))
	}
	if at := pathOf(t, "user", "home"); t.Extras.HasPasswd() && ds.spec.Wrote(at) && t.User.Home != "/" {
		ds.add(destination{path: t.User.Home, dir: true, what: "the home of the user"}, ds.valueRange(at))
	}

	volumes := map[string]bool{}
	for i, v := range t.Volumes {
		at := ds.valueRange(pathOf(t, "volumes", strconv.Itoa(i)))
		if volumes[v] {
			ds.report(at, "the volume %s is listed twice; remove one of them", v)
			continue
		}
		volumes[v] = true
		ds.add(destination{path: v, dir: true, what: "a volume"}, at)
	}

	from := spec.Path{"extras", "dirs"}
	if own := pathOf(t, "extras", "dirs"); ds.spec.Wrote(own) {
		from = own
	}
	dirs := map[string]bool{}
	for i, dir := range t.Extras.Dirs {
		at := ds.valueRange(from.Join(strconv.Itoa(i), "path"))
		switch {
		case dirs[dir.Path]:
			ds.report(at, "the directory %s is listed twice, and only one can have its mode and its owner; remove one of them", dir.Path)
			continue
		case dir.Path == "/tmp" && t.Extras.HasTmp():
			ds.report(at, "/tmp comes with the extra tmp, with mode 1777; turn that off with extras: {tmp: false}, or remove this")
			continue
		}
		dirs[dir.Path] = true
		ds.add(destination{path: dir.Path, dir: true, what: "a directory of extras.dirs"}, at)
	}
}

// copies looks at what is known of them: a file that is copied to a path, and a
// directory whose content has a file for a path that is taken. Directories that
// are copied over one another are meant to be.
func (ds *destinations) copies() {
	for i, c := range ds.target.Copy {
		at := ds.valueRange(pathOf(ds.target, "copy", strconv.Itoa(i), "dest"))
		for _, src := range c.Src {
			ds.copy(c, src, at)
		}
	}
}

func (ds *destinations) copy(c spec.Copy, src string, at spec.Range) {
	dest := path.Clean(c.Dest)
	d := destination{path: dest, what: src + " of copy", copied: true}
	switch kind := ds.kindOf(c, src); {
	case kind == isFile && strings.HasSuffix(c.Dest, "/"):
		d.path = path.Join(dest, path.Base(path.Clean(src)))
		d.cure = "choose another dest"
	case kind == isFile:
		// Each entry is a layer of its own: a directory that another layer has is
		// not there yet when the file is copied.
		d.cure = "choose another dest"
		d.into = "choose another dest, or write dest: " + dest + "/ to copy it into the directory"
	case kind == isUnknown && !strings.HasSuffix(c.Dest, "/") && ds.isFileAt(dest):
		// Whatever is copied, the path is taken.
		d.cure = "choose another dest"
	default:
		d.dir = true
	}
	if d.path != "/" {
		ds.add(d, at)
	}
	if ds.kindOf(c, src) == isDir {
		ds.content(c, src, dest, at)
	}
}

type kind int

const (
	isUnknown kind = iota
	isFile
	isDir
)

// kindOf is what a source of an entry stands for. Other contexts than the build
// context are not read, and a wildcard may match anything.
func (ds *destinations) kindOf(c spec.Copy, source string) kind {
	if c.From != "" || strings.ContainsAny(source, "*?[\\") {
		return isUnknown
	}
	src := strings.TrimLeft(path.Clean(source), "/")
	if src == "" || src == "." {
		return isDir
	}
	info, ok := ds.src.stat(src)
	switch {
	case !ok && strings.HasSuffix(source, "/"):
		return isDir
	case !ok:
		return isUnknown
	case info.IsDir():
		return isDir
	}
	return isFile
}

// content looks for the files of a directory that are copied to a path that is
// taken by a file.
func (ds *destinations) content(c spec.Copy, source, dest string, at spec.Range) {
	if len(c.Exclude) > 0 {
		return
	}
	for _, other := range ds.all {
		rel := strings.TrimPrefix(other.path, strings.TrimSuffix(dest, "/")+"/")
		if other.dir || rel == other.path || other.copied {
			// A file that is copied over one of a directory is how defaults are replaced.
			continue
		}
		src := strings.TrimLeft(path.Join(source, rel), "/")
		if info, ok := ds.src.stat(src); ok && !info.IsDir() {
			ds.report(at, "%s is written twice, as %s and as %s of copy; %s", other.path, other.what, src, other.cure)
			return
		}
	}
}

func (ds *destinations) isFileAt(p string) bool {
	for _, d := range ds.all {
		if d.path == p && !d.dir {
			return true
		}
	}
	return false
}
