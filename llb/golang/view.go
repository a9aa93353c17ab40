package golang

import (
	"errors"
	"go/build"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// profileName is the profile that the go command optimizes a program by, when it
// lies beside it ("go help build", -pgo).
const profileName = "default.pgo"

// visible is what a compile sees of the build context: the packages of its closure
// with what they embed, the folders in whole, and manifests. It is nil for everything.
func (p *project) visible(c *closure, whole []string) (*toolchain.View, error) {
	if c.broken || p.unusual != "" || p.hasGit() || slices.Contains(whole, ".") {
		return nil, nil
	}
	w := &viewer{project: p, needed: c.packages, embedded: map[string]bool{}, view: &toolchain.View{Stubs: p.manifests}}
	if p.vendor != "" {
		w.embedded[p.vendor] = true
	}
	for _, dir := range whole {
		w.embedded[dir] = true
	}
	for dir, pkg := range c.packages {
		for _, name := range p.embeds(dir, pkg) {
			w.embedded[name] = true
		}
	}
	w.above = map[string]bool{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(w.needed)), slices.Collect(maps.Keys(w.embedded))) {
		for d := name; d != "."; d = path.Dir(d) {
			w.above[path.Dir(d)] = true
		}
	}
	err := w.show(".")
	if errors.Is(err, errLink) {
		return nil, nil
	}
	return w.view, err
}

// errLink says that something that is needed is a symbolic link, whose target may be
// anywhere.
var errLink = errors.New("a symbolic link")

// hasGit tells whether the build context has what git knows of it. What the go
// command writes into the program then says whether anything was changed, so nothing
// may be missing.
func (p *project) hasGit() bool {
	for d := p.dir; ; d = path.Dir(d) {
		// A file of that name points at a folder that is elsewhere.
		if toolchain.IsDir(p.src, path.Join(d, ".git")) {
			return true
		}
		if d == "." {
			return false
		}
	}
}

// viewer puts a view together.
type viewer struct {
	*project
	view *toolchain.View
	// needed are the folders of packages, embedded what is shown as it is, and above
	// the folders that hold one of them.
	needed   map[string]*build.Package
	embedded map[string]bool
	above    map[string]bool
}

// show adds what is needed of a folder.
func (w *viewer) show(dir string) error {
	if w.embedded[dir] {
		return w.whole(dir)
	}
	_, needed := w.needed[dir]
	if !needed && !w.above[dir] {
		return nil
	}
	entries, err := fs.ReadDir(w.src, dir)
	if err != nil {
		// An import of a package that is not there: the go command says so.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if needed && dir != "." && w.allOf(dir, entries) {
		w.view.Folders = append(w.view.Folders, dir)
		return nil
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		_, isNeeded := w.needed[name]
		switch {
		case e.Type()&fs.ModeSymlink != 0 && (isNeeded || w.above[name] || w.embedded[name] || needed && source(e.Name())):
			return errLink
		case e.IsDir():
			if err := w.show(name); err != nil {
				return err
			}
		case w.embedded[name] || needed && source(e.Name()):
			if _, manifest := w.manifests[name]; !manifest {
				w.view.Files = append(w.view.Files, name)
			}
		}
	}
	return nil
}

func (w *viewer) whole(name string) error {
	info, err := fs.Stat(w.src, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // The go command says so.
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		w.view.Folders = append(w.view.Folders, name)
	} else {
		w.view.Files = append(w.view.Files, name)
	}
	return nil
}

// allOf tells whether a folder can be shown as it is: no other package lies below it,
// whose edits would be seen.
func (w *viewer) allOf(dir string, entries []fs.DirEntry) bool {
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			return false
		}
		if !e.IsDir() || w.embedded[name] {
			continue
		}
		below, err := fs.ReadDir(w.src, name)
		if err != nil {
			return false
		}
		_, needed := w.needed[name]
		if !needed && (w.above[name] || len(below) > 0 && e.Name() != "testdata") {
			return false
		}
		if needed && !w.allOf(name, below) {
			return false
		}
	}
	return true
}

// source tells whether a file of a package's folder is compiled, or may keep it from
// being compiled.
func source(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch path.Ext(name) {
	case ".go", ".s", ".S", ".sx", ".h", ".hh", ".hpp", ".hxx", ".c", ".cc", ".cpp", ".cxx", ".m", ".f", ".F", ".for", ".f90", ".swig", ".swigcxx", ".syso":
		return true
	}
	return name == profileName
}
