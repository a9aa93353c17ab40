package golang

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// Names of the files that say what a project is made of.
const (
	modName     = "go.mod"
	sumName     = "go.sum"
	workName    = "go.work"
	workSumName = "go.work.sum"
	vendorName  = "vendor"
)

// project is what the manifests say.
type project struct {
	src fs.FS
	// dir is where the go command runs.
	dir string
	// module is the path of the module in dir, empty at the root of a workspace that
	// is no module itself.
	module string
	// workspace is set when a go.work counts, and root is its folder; without one it
	// is dir.
	workspace bool
	root      string
	// modules are those whose code lies in the build context: the main ones, and what
	// replaces others.
	modules []localModule
	// requires lists the paths of the modules that do not.
	requires []string
	// vendor is the folder with a copy of them, empty for none.
	vendor string
	// manifests are the files that say what to download.
	manifests map[string][]byte
	// version is the toolchain that is asked for, such as 1.26, and asked where.
	version, asked string
	// required are those of modules that downloaded modules require, as far as it was
	// learned.
	required []string
	// unusual says what GOFLAGS or GOWORK change of all this, if anything.
	unusual string
}

type localModule struct {
	path, dir string
	// requires are the paths of the modules that its go.mod names.
	requires []string
}

// problem is a mistake in the manifests.
type problem string

func (p problem) Error() string { return string(p) }

// load reads the manifests that count in dir. The error is a problem when they are
// at fault, and fs.ErrNotExist when there are none.
func load(src fs.FS, t *spec.Target) (*project, error) {
	p := &project{src: src, dir: t.Build.Dir, root: t.Build.Dir, manifests: map[string][]byte{}}
	goFlags := strings.Fields(t.Build.Env["GOFLAGS"])
	for _, flag := range goFlags {
		name, _, _ := strings.Cut(strings.Replace(flag, "--", "-", 1), "=")
		if name == "-modfile" || name == "-overlay" {
			p.unusual = flag
		}
	}
	off := t.Build.Env["GOWORK"] == "off"
	if w := t.Build.Env["GOWORK"]; w != "" && !off {
		p.unusual = "GOWORK"
	}
	var work *modfile.WorkFile
	if !off {
		var err error
		if work, err = p.findWork(); err != nil {
			return nil, err
		}
	}
	mod, err := p.readMod(p.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && work != nil && p.root == p.dir:
	case err != nil:
		return nil, err
	case mod.Module != nil:
		p.module = mod.Module.Mod.Path
	}
	if work != nil {
		err = p.useWork(work)
	} else {
		err = p.useMod(mod)
	}
	if err != nil {
		return nil, err
	}
	mode := p.findVendor(goFlags)
	if _, ok := p.manifests[path.Join(p.dir, sumName)]; !ok && !p.workspace && p.vendor == "" && p.unusual == "" && mode != "mod" && len(p.requires) > 0 {
		return nil, problem(fmt.Sprintf("there is no %s beside %s in the build context, so nobody knows that the modules are the right ones; run go mod tidy and commit it, or see whether .dockerignore leaves it out",
			sumName, path.Join(p.dir, modName)))
	}
	return p, nil
}

// findWork finds the go.work that counts, in dir or above it.
func (p *project) findWork() (*modfile.WorkFile, error) {
	for d := p.dir; ; d = path.Dir(d) {
		name := path.Join(d, workName)
		data, err := fs.ReadFile(p.src, name)
		if err == nil {
			p.workspace, p.root = true, d
			p.manifests[name] = data
			work, err := modfile.ParseWork(name, data, nil)
			if err != nil {
				return nil, problem(workName + " cannot be read: " + err.Error())
			}
			return work, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if d == "." {
			return nil, nil
		}
	}
}

func (p *project) readMod(dir string) (*modfile.File, error) {
	name := path.Join(dir, modName)
	data, err := fs.ReadFile(p.src, name)
	if err != nil {
		return nil, err
	}
	p.manifests[name] = data
	mod, err := modfile.Parse(name, data, nil)
	if err == nil {
		return mod, nil
	}
	// A newer Go may know directives that this reader does not; what it needs to
	// know is older than they are.
	if lax, laxErr := modfile.ParseLax(name, data, nil); laxErr == nil && lax.Module != nil {
		return lax, nil
	}
	return nil, problem("go.mod cannot be read: " + err.Error())
}

func (p *project) addSum(name string) error {
	data, err := fs.ReadFile(p.src, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p.manifests[name] = data
	return err
}

func (p *project) useMod(mod *modfile.File) error {
	p.ask(path.Join(p.dir, modName), mod.Go, mod.Toolchain)
	p.modules = []localModule{{p.module, p.dir, requires(mod)}}
	return errors.Join(p.addSum(path.Join(p.dir, sumName)), p.replace(p.dir, modName, mod.Replace), p.require(mod))
}

func (p *project) useWork(work *modfile.WorkFile) error {
	name := path.Join(p.root, workName)
	p.ask(name, work.Go, work.Toolchain)
	if err := p.addSum(path.Join(p.root, workSumName)); err != nil {
		return err
	}
	used := false
	var mods []*modfile.File
	for _, use := range work.Use {
		dir, err := p.inside(p.root, use.Path)
		if err != nil {
			return problem(fmt.Sprintf("%s:%d uses %s, which lies outside the build context; pass a context that holds it", name, use.Syntax.Start.Line, use.Path))
		}
		mod, err := p.readMod(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return problem(fmt.Sprintf("%s:%d uses %s, and there is no go.mod in that folder; see whether .dockerignore leaves it out", name, use.Syntax.Start.Line, use.Path))
		}
		if err != nil {
			return err
		}
		used = used || dir == p.dir
		modulePath := ""
		if mod.Module != nil {
			modulePath = mod.Module.Mod.Path
		}
		p.modules = append(p.modules, localModule{modulePath, dir, requires(mod)})
		if err := p.addSum(path.Join(dir, sumName)); err != nil {
			return err
		}
		if err := p.replace(dir, modName, mod.Replace); err != nil {
			return err
		}
		mods = append(mods, mod)
	}
	if p.module != "" && !used {
		return problem(fmt.Sprintf("%s counts here and does not use the module in %s; run go work use %s there, or write build: {env: {GOWORK: \"off\"}}", name, p.dir, relative(p.root, p.dir)))
	}
	if err := p.replace(p.root, workName, work.Replace); err != nil {
		return err
	}
	for _, mod := range mods {
		if err := p.require(mod); err != nil {
			return err
		}
	}
	return nil
}

// relative is dir as go.work writes it.
func relative(root, dir string) string {
	if root == "." {
		return "./" + dir
	}
	return "./" + strings.TrimPrefix(dir, root+"/")
}

// inside is the folder name, seen from dir, relative to the build context.
func (p *project) inside(dir, name string) (string, error) {
	at := path.Join(dir, name)
	if path.IsAbs(name) || at == ".." || strings.HasPrefix(at, "../") {
		return "", fs.ErrInvalid
	}
	return at, nil
}

// replace adds the folders that replace modules.
func (p *project) replace(dir, file string, replaces []*modfile.Replace) error {
	for _, r := range replaces {
		if r.New.Version != "" || !modfile.IsDirectoryPath(r.New.Path) {
			continue
		}
		where := fmt.Sprintf("%s:%d replaces %s by %s", path.Join(dir, file), r.Syntax.Start.Line, r.Old.Path, r.New.Path)
		at, err := p.inside(dir, r.New.Path)
		if err != nil && path.IsAbs(r.New.Path) {
			return problem(where + ", a folder of one machine; write it relative to " + file + ", below the build context")
		}
		if err != nil {
			return problem(where + ", which lies outside the build context; pass a context that holds both, and name the folder of the module with build: {dir: …}")
		}
		if slices.ContainsFunc(p.modules, func(m localModule) bool { return m.path == r.Old.Path }) {
			continue
		}
		mod, err := p.readMod(at)
		if errors.Is(err, fs.ErrNotExist) {
			return problem(where + ", and there is no go.mod in that folder; see whether .dockerignore leaves it out")
		}
		if err != nil {
			return err
		}
		p.modules = append(p.modules, localModule{r.Old.Path, at, requires(mod)})
		if err := p.require(mod); err != nil {
			return err
		}
	}
	return nil
}

func requires(mod *modfile.File) []string {
	var out []string
	for _, r := range mod.Require {
		out = append(out, r.Mod.Path)
	}
	return out
}

// require notes which modules come from elsewhere.
func (p *project) require(mod *modfile.File) error {
	for _, r := range mod.Require {
		local := slices.ContainsFunc(p.modules, func(m localModule) bool { return m.path == r.Mod.Path })
		if !local && !slices.Contains(p.requires, r.Mod.Path) {
			p.requires = append(p.requires, r.Mod.Path)
		}
	}
	return nil
}

// ask notes the toolchain that a manifest wants: exactly that of its toolchain line,
// else the newest patch release of its go line, which is a minimum.
func (p *project) ask(name string, line *modfile.Go, tc *modfile.Toolchain) {
	if tc != nil && strings.HasPrefix(tc.Name, "go") {
		p.version = strings.TrimPrefix(tc.Name, "go")
		p.asked = fmt.Sprintf("%s:%d (toolchain %s)", name, tc.Syntax.Start.Line, tc.Name)
		return
	}
	if line != nil {
		p.version = strings.TrimPrefix(semver.MajorMinor("v"+line.Version), "v")
		p.asked = fmt.Sprintf("%s:%d (go %s)", name, line.Syntax.Start.Line, line.Version)
	}
}

// findVendor finds the folder that the go command takes modules from: beside go.mod,
// or since Go 1.22 beside go.work ("go help vendor"; "Vendoring" in the reference).
// It returns the value of -mod.
func (p *project) findVendor(goFlags []string) (mode string) {
	for _, flag := range goFlags {
		if value, ok := strings.CutPrefix(strings.Replace(flag, "--", "-", 1), "-mod="); ok {
			mode = value
		}
	}
	dir := path.Join(p.root, vendorName)
	if mode == "mod" || mode == "readonly" || !toolchain.IsFile(p.src, path.Join(dir, "modules.txt")) {
		return mode
	}
	p.vendor = dir
	return mode
}

// minor is the number after go1. in a version, or that of the default.
func minor(version string) int {
	parts := strings.SplitN(cmp.Or(version, DefaultVersion), ".", 3)
	if len(parts) > 1 {
		digits := strings.FieldsFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
		if len(digits) > 0 {
			n, err := strconv.Atoi(digits[0])
			if err == nil {
				return n
			}
		}
	}
	return 26
}

// resolve finds the package that an import names, in the build context. ok is false
// when it comes from elsewhere.
func (p *project) resolve(importPath string) (dir string, ok bool) {
	best := -1
	for i, m := range p.modules {
		if m.path == "" || importPath != m.path && !strings.HasPrefix(importPath, m.path+"/") {
			continue
		}
		if best < 0 || len(m.path) > len(p.modules[best].path) {
			best = i
		}
	}
	if best < 0 {
		return "", false
	}
	m := p.modules[best]
	rest := strings.TrimPrefix(strings.TrimPrefix(importPath, m.path), "/")
	// A module does not hold what belongs to a module within it.
	for d := rest; d != "" && d != "."; d = path.Dir(d) {
		if p.isModule(path.Join(m.dir, d)) {
			return "", false
		}
	}
	return path.Join(m.dir, rest), true
}

// nested is the folder of a module that a folder belongs to, if it is none that the go
// command knows of here.
func (p *project) nested(dir string) string {
	for d := dir; d != p.dir && d != "."; d = path.Dir(d) {
		if slices.ContainsFunc(p.modules, func(m localModule) bool { return m.dir == d }) {
			return ""
		}
		if p.isModule(d) {
			return d
		}
	}
	return ""
}

// isModule tells whether a folder has a go.mod. Its files are listed, since whoever
// asks this of a folder wants to know of others in it next.
func (p *project) isModule(dir string) bool {
	_, err := fs.ReadDir(p.src, dir)
	return err == nil && toolchain.IsFile(p.src, path.Join(dir, modName))
}

// external tells whether a package that resolve does not find comes from another
// module, and not from the standard library.
func (p *project) external(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	if strings.Contains(first, ".") {
		return true
	}
	return slices.ContainsFunc(p.requires, func(r string) bool {
		return importPath == r || strings.HasPrefix(importPath, r+"/")
	})
}

// programName is the name that go build gives the program of a package: the last
// element of its import path that is no major version.
func programName(importPath string) string {
	if prefix, _, ok := module.SplitPathVersion(importPath); ok && prefix != "" {
		importPath = prefix
	}
	return path.Base(importPath)
}
