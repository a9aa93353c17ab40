package golang

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// selection is which programs one target gets.
type selection struct {
	target *spec.Target
	// packages are those that go build is told, and dirs the folders of those that
	// lie in the build context; elsewhere are the others.
	packages, dirs []string
	elsewhere      map[string]bool
	// files are the names that go build gives the programs, and binaries, in the same
	// order, those that they have in the image.
	files, binaries []string
}

func selectFrom(s *spec.Spec, t *spec.Target, p *project) (*selection, error) {
	sel := &selection{target: t, packages: t.Build.Package, elsewhere: map[string]bool{}}
	if len(sel.packages) == 0 {
		sel.packages = []string{"."}
		if byName := path.Join("cmd", t.Name()); toolchain.IsDir(p.src, path.Join(p.dir, byName)) {
			sel.packages = []string{"./" + byName}
		}
	}
	for _, pkg := range sel.packages {
		dir, err := checkPackage(s, t, p, pkg)
		if err != nil {
			return nil, err
		}
		name := programName(pkg)
		if pkg == "." {
			name = programName(p.module)
		}
		if dir == "" {
			sel.elsewhere[pkg] = true
		} else {
			sel.dirs = append(sel.dirs, dir)
			if pkg == "." && dir != "." && p.module == "" {
				name = path.Base(dir)
			}
		}
		sel.files = append(sel.files, name)
	}
	sel.binaries = slices.Clone(sel.files)
	if len(sel.packages) == 1 {
		sel.binaries = []string{t.Name()}
	}
	for i, name := range sel.files {
		if j := slices.Index(sel.files, name); j < i {
			return nil, s.Problem(t.PackagePath(), fmt.Sprintf("%s and %s are both called %s, and one image cannot hold both; make two targets of them", sel.packages[j], sel.packages[i], name))
		}
	}
	return sel, nil
}

// checkPackage finds the folder of a package, empty when it is not in the build
// context.
func checkPackage(s *spec.Spec, t *spec.Target, p *project, pkg string) (dir string, err error) {
	at := t.PackagePath()
	switch {
	case strings.Contains(pkg, "..."):
		return "", s.Problem(at, fmt.Sprintf("%q is a pattern; name the packages of the binaries one by one", pkg))
	case path.IsAbs(pkg):
		return "", s.Problem(at, fmt.Sprintf("%q is an absolute path; a package is relative to the module: write .%s", pkg, pkg))
	case strings.HasSuffix(pkg, ".go"):
		return "", s.Problem(at, fmt.Sprintf("%q is a file; name the folder of the package: write %s", pkg, folderOf(pkg)))
	case pkg != "." && !strings.HasPrefix(pkg, "./") && !strings.HasPrefix(pkg, "../"):
		if toolchain.IsDir(p.src, path.Join(p.dir, pkg)) {
			return "", s.Problem(at, fmt.Sprintf("%q is an import path to Go, not a folder: write ./%s", pkg, pkg))
		}
		if dir, ok := p.resolve(pkg); ok {
			return dir, isPackage(s, t, p, pkg, dir)
		}
		// A program of another module: whether it exists is for the go command to say.
		return "", nil
	}
	dir = path.Join(p.dir, pkg)
	if dir == ".." || strings.HasPrefix(dir, "../") {
		return "", s.Problem(at, fmt.Sprintf("%q lies outside the build context", pkg))
	}
	return dir, isPackage(s, t, p, pkg, dir)
}

func folderOf(file string) string {
	dir := path.Dir(path.Clean(file))
	if dir == "." {
		return "."
	}
	return "./" + dir
}

func isPackage(s *spec.Spec, t *spec.Target, p *project, pkg, dir string) error {
	at := t.PackagePath()
	if !toolchain.IsDir(p.src, dir) {
		msg := fmt.Sprintf("there is no folder %s in the build context", dir)
		if mains := commands(p.src, p.dir); len(mains) > 0 {
			msg += "; the commands of this module are " + spec.List(mains) + spec.DidYouMean(pkg, mains)
		}
		return s.Problem(at, msg)
	}
	if m := p.nested(dir); m != "" {
		rest := strings.TrimPrefix(strings.TrimPrefix(dir, m), "/")
		fix := "{dir: " + m + "}"
		if rest != "" {
			fix = "{dir: " + m + ", package: ./" + rest + "}"
		}
		return s.Problem(at, fmt.Sprintf("%s has a go.mod, so it is a module of its own: write build: %s", m, fix))
	}
	if found, err := fs.Glob(p.src, path.Join(dir, "*.go")); err == nil && len(found) == 0 {
		msg := fmt.Sprintf("there are no Go files in %s", dir)
		if mains := commands(p.src, p.dir); len(mains) > 0 && len(t.Build.Package) == 0 {
			msg += "; the commands of this module are " + spec.List(mains) + ": write build: " + mains[0]
		}
		return s.Problem(at, msg)
	}
	return nil
}

// commands lists the packages below cmd, where commands live by convention.
func commands(src fs.FS, dir string) []string {
	entries, err := fs.ReadDir(src, path.Join(dir, "cmd"))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, "./cmd/"+e.Name())
		}
	}
	return out
}

func isNoGo(err error) bool {
	_, ok := errors.AsType[*build.NoGoError](err)
	return ok
}
