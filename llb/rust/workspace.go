package rust

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// workspace is what Cargo reads of a project before it compiles: the manifests of
// all packages that lie in the build context, the lock file and the config.
type workspace struct {
	// root is the folder of the workspace's own manifest, relative to the context.
	root string
	// crates are the packages: that of the root first, then the others by folder.
	crates []*crate
	// manifests holds every manifest by its folder, also those without a package.
	manifests map[string]table
	// patched are the folders that stand in for packages from a registry.
	patched []string
	// configs are the files of .cargo, by name.
	configs map[string][]byte
	// vendored are the folders that config has for the sources of dependencies.
	vendored []string
	// lock is the lock file, if hasLock is set, and lockFile what is in it.
	lock     []byte
	hasLock  bool
	lockFile cargoLock
}

// crate is one package of a workspace, or one that it depends on by its path.
type crate struct {
	name, dir, version string
	defaultRun         string
	bins               []binary
	// lib tells whether the package has a library, and script whether it has a
	// build script.
	lib, script bool
	// member tells whether the package can be built by its name.
	member bool
	// needs are the folders of the packages that it is compiled with.
	needs []string
}

// manifestError says that a Cargo.toml cannot be used as it is.
type manifestError struct {
	file string
	why  string
}

func (e *manifestError) Error() string { return e.file + " " + e.why }

func (w *workspace) refuse(dir, format string, args ...any) error {
	return &manifestError{path.Join(dir, manifestName), fmt.Sprintf(format, args...)}
}

// load reads the workspace that the package or workspace in dir belongs to. A
// missing manifest in dir itself is an fs.ErrNotExist.
func load(src fs.FS, dir string) (*workspace, error) {
	w := &workspace{manifests: map[string]table{}, configs: map[string][]byte{}}
	var err error
	if w.root, err = w.findRoot(src, dir); err != nil {
		return nil, err
	}
	root, err := w.manifest(src, w.root)
	if err != nil {
		return nil, err
	}
	if root.table("package") != nil {
		if err := w.add(src, w.root, true); err != nil {
			return nil, err
		}
	}
	dirs, err := members(src, w.root, root.table("workspace").strings("members"), root.table("workspace").strings("exclude"))
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if err := w.add(src, d, true); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"patch", "replace"} {
		for _, p := range pathsIn(root.table(key), 2) {
			d, err := w.inside(w.root, p)
			if err != nil {
				return nil, err
			}
			w.patched = append(w.patched, d)
			if err := w.add(src, d, false); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(w.crates, func(a, b *crate) int {
		switch {
		case a.dir == w.root:
			return -1
		case b.dir == w.root:
			return 1
		}
		return strings.Compare(a.dir, b.dir)
	})
	if err := w.readConfigs(src, dir); err != nil {
		return nil, err
	}
	w.lock, err = fs.ReadFile(src, w.lockName())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	w.hasLock, w.lockFile = err == nil, readLock(w.lock)
	return w, nil
}

func (w *workspace) lockName() string { return path.Join(w.root, "Cargo.lock") }

// crate finds the package in a folder.
func (w *workspace) crate(dir string) *crate {
	for _, c := range w.crates {
		if c.dir == dir {
			return c
		}
	}
	return nil
}

// findRoot finds the workspace of the package in dir as Cargo does ("Workspaces"
// in the Cargo book): the manifest itself, where package.workspace points, or the
// first one above that has a workspace and does not exclude the package.
func (w *workspace) findRoot(src fs.FS, dir string) (string, error) {
	m, err := w.manifest(src, dir)
	if err != nil {
		return "", err
	}
	if m.table("workspace") != nil {
		return dir, nil
	}
	if at := m.table("package").text("workspace"); at != "" {
		root, err := w.inside(dir, at)
		if err != nil {
			return "", err
		}
		if _, err := w.manifest(src, root); err != nil {
			return "", w.refuse(dir, "has its workspace in %s, but the build context has no %s", at, path.Join(root, manifestName))
		}
		return root, nil
	}
	for above := dir; above != "."; {
		above = path.Dir(above)
		m, err := w.manifest(src, above)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		ws := m.table("workspace")
		if ws == nil {
			continue
		}
		if excluded(dir, above, ws.strings("exclude")) {
			return dir, nil
		}
		return above, nil
	}
	return dir, nil
}

// add loads the package in dir and those that it depends on by path.
func (w *workspace) add(src fs.FS, dir string, member bool) error {
	if c := w.crate(dir); c != nil {
		c.member = c.member || member
		return nil
	}
	m, err := w.manifest(src, dir)
	if err != nil {
		return err
	}
	pkg := m.table("package")
	if pkg == nil {
		return nil
	}
	root, err := w.inherits(src, dir)
	if err != nil {
		return err
	}
	c := crateOf(src, dir, m)
	c.version = inherited(pkg, root.table("workspace").table("package"), "version")
	c.member = member
	w.crates = append(w.crates, c)
	for _, d := range dependencies(m) {
		p, from := d.table.text("path"), dir
		if d.table["workspace"] == true {
			shared := root.table("workspace").table("dependencies").table(d.name)
			p, from = shared.text("path"), w.rootOf(src, dir)
		}
		if p == "" {
			continue
		}
		at, err := w.inside(from, p)
		if err != nil {
			return err
		}
		if !d.dev && !slices.Contains(c.needs, at) {
			c.needs = append(c.needs, at)
		}
		// Cargo takes a dependency below the root for a member.
		under := at == w.root || w.root == "." || strings.HasPrefix(at, w.root+"/")
		err = w.add(src, at, under && w.rootOf(src, at) == w.root)
		if errors.Is(err, fs.ErrNotExist) {
			return w.refuse(dir, "depends on %s by its path, but the build context has no %s; see whether .dockerignore leaves it out", d.name, path.Join(at, manifestName))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rootOf is the folder of the workspace that a package takes inherited keys from.
func (w *workspace) rootOf(src fs.FS, dir string) string {
	for d := dir; ; d = path.Dir(d) {
		if m, err := w.peek(src, d); err == nil && m.table("workspace") != nil {
			return d
		}
		if d == "." {
			return dir
		}
	}
}

// inherits is the manifest of the workspace that a package takes inherited keys
// from. Cargo reads it too, so it becomes one of the workspace's.
func (w *workspace) inherits(src fs.FS, dir string) (table, error) {
	return w.manifest(src, w.rootOf(src, dir))
}

// inside resolves a path of a manifest in dir.
func (w *workspace) inside(dir, p string) (string, error) {
	at := path.Join(dir, p)
	if path.IsAbs(p) || at == ".." || strings.HasPrefix(at, "../") {
		return "", w.refuse(dir, "refers to %s, which lies outside of the build context; pass a context that holds both, and name the folder of the project with build.dir", p)
	}
	return at, nil
}

// manifest reads the manifest in dir, once.
func (w *workspace) manifest(src fs.FS, dir string) (table, error) {
	m, err := w.peek(src, dir)
	if err == nil {
		w.manifests[dir] = m
	}
	return m, err
}

func (w *workspace) peek(src fs.FS, dir string) (table, error) {
	if m, ok := w.manifests[dir]; ok {
		return m, nil
	}
	return readManifest(src, dir)
}

// readConfigs reads what Cargo takes as its config when it runs in dir
// ("Configuration" in the Cargo book): the .cargo folders there and above.
func (w *workspace) readConfigs(src fs.FS, dir string) error {
	for d := dir; ; d = path.Dir(d) {
		entries, err := fs.ReadDir(src, path.Join(d, ".cargo"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			name := path.Join(d, ".cargo", e.Name())
			if e.IsDir() {
				continue
			}
			data, err := fs.ReadFile(src, name)
			if err != nil {
				return err
			}
			w.configs[name] = data
			if base := path.Base(name); base != "config.toml" && base != "config" {
				continue
			}
			config, err := parse(name, data)
			if err != nil {
				return err
			}
			for _, p := range pathsNamed(config.table("source"), 1, "directory") {
				at := path.Join(d, p)
				if toolchain.IsDir(src, at) && !slices.Contains(w.vendored, at) {
					w.vendored = append(w.vendored, at)
				}
			}
		}
		if d == "." {
			slices.Sort(w.vendored)
			return nil
		}
	}
}

// closure is the folders of the packages that those in dirs are compiled with,
// themselves among them.
func (w *workspace) closure(dirs []string) map[string]bool {
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		if c := w.crate(dir); c != nil {
			for _, d := range c.needs {
				visit(d)
			}
		}
	}
	for _, d := range append(slices.Clone(dirs), w.patched...) {
		visit(d)
	}
	return seen
}

// rustVersion is the latest version of Rust that a package of the project says it
// needs.
func (w *workspace) rustVersion() string {
	latest := ""
	for dir, m := range w.manifests {
		if w.crate(dir) == nil {
			continue
		}
		shared := w.manifests[w.root].table("workspace").table("package")
		if v := inherited(m.table("package"), shared, "rust-version"); newer(v, latest) {
			latest = v
		}
	}
	return latest
}

// newer tells whether a is a later version than b, of which either may be empty.
func newer(a, b string) bool { return semver.Compare("v"+a, "v"+b) > 0 }
