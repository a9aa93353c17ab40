package lint

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// workspace is what Cargo.lock and the manifests beside it say.
type workspace struct {
	src *sources
	dir string
	// root is the manifest that the members inherit from.
	root *manifest
	// members are the packages of the workspace, by name.
	members map[string]*member
	// locked are the packages of Cargo.lock, by name.
	locked map[string][]*lockedPackage
	// followed is what is known of targets already, by name.
	followed map[string]*crates
}

// member is a package of the workspace.
type member struct {
	dir      string
	manifest *manifest
}

// lockedPackage is a package of Cargo.lock.
type lockedPackage struct {
	Name         string   `toml:"name"`
	Version      string   `toml:"version"`
	Source       string   `toml:"source"`
	Dependencies []string `toml:"dependencies"`
}

// manifest is the part of a Cargo.toml that tells what a package depends on, and
// how it is compiled.
type manifest struct {
	Package *struct {
		Name      string `toml:"name"`
		Workspace string `toml:"workspace"`
	} `toml:"package"`
	Bin []struct {
		Name string `toml:"name"`
	} `toml:"bin"`
	Dependencies map[string]any      `toml:"dependencies"`
	Features     map[string][]string `toml:"features"`
	Target       map[string]struct {
		Dependencies map[string]any `toml:"dependencies"`
	} `toml:"target"`
	Workspace *struct {
		Members      []string       `toml:"members"`
		Exclude      []string       `toml:"exclude"`
		Dependencies map[string]any `toml:"dependencies"`
	} `toml:"workspace"`
	Profile map[string]profile `toml:"profile"`
}

// workspace reads the workspace that what is in dir belongs to, or returns nil
// when there is none that can be read.
func (s *sources) workspace(dir string) *workspace {
	dir = s.cargoRoot(dir)
	if w, ok := s.cargo[dir]; ok {
		return w
	}
	w := readWorkspace(s, dir)
	s.cargo[dir] = w
	return w
}

func readWorkspace(s *sources, dir string) *workspace {
	var lock struct {
		Package []*lockedPackage `toml:"package"`
	}
	data := s.read(path.Join(dir, "Cargo.lock"))
	if data == nil || toml.Unmarshal(data, &lock) != nil {
		return nil
	}
	w := &workspace{src: s, dir: dir, members: map[string]*member{}, locked: map[string][]*lockedPackage{}, followed: map[string]*crates{}}
	for _, p := range lock.Package {
		w.locked[p.Name] = append(w.locked[p.Name], p)
	}
	if w.root = s.manifest(dir); w.root == nil {
		return nil
	}
	w.join(dir, w.root)
	if w.root.Workspace != nil {
		for _, pattern := range w.root.Workspace.Members {
			found, err := fs.Glob(s.fsys, path.Join(dir, pattern, "Cargo.toml"))
			if err != nil {
				return nil
			}
			for _, name := range found {
				w.join(path.Dir(name), s.manifest(path.Dir(name)))
			}
		}
	}
	return w
}

// cargoRoot is the folder whose manifest and lock file count for the package in
// dir ("Workspaces" in the Cargo book).
func (s *sources) cargoRoot(dir string) string {
	m := s.manifest(dir)
	if m == nil || m.Workspace != nil {
		return dir
	}
	if m.Package != nil && m.Package.Workspace != "" {
		return path.Join(dir, m.Package.Workspace)
	}
	for above := dir; above != "."; {
		above = path.Dir(above)
		m := s.manifest(above)
		if m == nil || m.Workspace == nil {
			continue
		}
		for _, e := range m.Workspace.Exclude {
			if e = path.Join(above, e); dir == e || below(dir, e) {
				return dir
			}
		}
		return above
	}
	return dir
}

// manifest is the Cargo.toml in dir, or nil.
func (s *sources) manifest(dir string) *manifest {
	if m, ok := s.manifests[dir]; ok {
		return m
	}
	var m *manifest
	if data := s.read(path.Join(dir, "Cargo.toml")); data != nil {
		m = &manifest{}
		if toml.Unmarshal(data, m) != nil {
			m = nil
		}
	}
	s.manifests[dir] = m
	return m
}

func (w *workspace) join(dir string, m *manifest) {
	if m != nil && m.Package != nil && w.members[m.Package.Name] == nil {
		w.members[m.Package.Name] = &member{dir: dir, manifest: m}
	}
}

// packagesOf names the packages that t compiles; none when that is not clear.
func (w *workspace) packagesOf(t *spec.Target) []string {
	if len(t.Build.Package) > 0 {
		return t.Build.Package
	}
	if m := w.src.manifest(t.Build.Dir); t.Build.Dir != w.dir && m != nil && m.Package != nil {
		w.join(t.Build.Dir, m)
		return []string{m.Package.Name}
	}
	if w.members[t.Name()] != nil && len(t.Build.Bin) == 0 {
		return []string{t.Name()}
	}
	bins := []string(t.Build.Bin)
	if len(bins) == 0 {
		bins = []string{t.Name()}
	}
	var out []string
	for name, m := range w.members {
		if slices.ContainsFunc(bins, func(bin string) bool { return w.hasBinary(m, name, bin) }) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		out = w.onlyProgram()
	}
	slices.Sort(out)
	return out
}

// onlyProgram names the one package that can be meant when none is named.
func (w *workspace) onlyProgram() []string {
	var out []string
	for name, m := range w.members {
		if len(w.members) == 1 || w.hasBinaries(m) {
			out = append(out, name)
		}
	}
	if len(out) > 1 {
		return nil
	}
	return out
}

func (w *workspace) hasBinaries(m *member) bool {
	if len(m.manifest.Bin) > 0 {
		return true
	}
	return slices.ContainsFunc([]string{"src/main.rs", "src/bin"}, func(name string) bool {
		_, ok := w.src.stat(path.Join(m.dir, name))
		return ok
	})
}

func (w *workspace) hasBinary(m *member, pkg, bin string) bool {
	for _, b := range m.manifest.Bin {
		if b.Name == bin {
			return true
		}
	}
	for _, file := range []string{"src/bin/" + bin + ".rs", "src/bin/" + bin + "/main.rs"} {
		if _, ok := w.src.stat(path.Join(m.dir, file)); ok {
			return true
		}
	}
	return pkg == bin
}

// compiled tells which packages are compiled for t, each with the dependency of
// the project that brings it in. Cargo.lock alone says more than that: it lists
// what any member needs for anything, tests and disabled features included.
func (w *workspace) compiled(t *spec.Target) map[string]string { return w.follow(t).through }

// follow follows the dependencies of t.
func (w *workspace) follow(t *spec.Target) *crates {
	if c, ok := w.followed[t.Name()]; ok {
		return c
	}
	c := &crates{w: w, packages: w.packagesOf(t), enabled: map[string]map[string]bool{},
		asked: map[string]map[string]bool{}, through: map[string]string{}, seen: map[*lockedPackage]bool{}}
	w.followed[t.Name()] = c
	for _, name := range c.packages {
		c.member(name, t.Build.Features, t.Build.DefaultFeatures == nil || *t.Build.DefaultFeatures)
	}
	return c
}

// crates follows dependencies.
type crates struct {
	w *workspace
	// packages are where it starts.
	packages []string
	// enabled are the features of members, and asked those that members enable of
	// packages from outside of the workspace. Others may enable more of the latter.
	enabled, asked map[string]map[string]bool
	through        map[string]string
	seen           map[*lockedPackage]bool
}

// dependency is an entry of a manifest.
type dependency struct {
	name string
	// dir is where it lies, when that is in the sources.
	dir      string
	optional bool
	features []string
	defaults bool
}

// member follows the dependencies of a member with more of its features enabled.
func (c *crates) member(name string, features []string, defaults bool) {
	m := c.w.members[name]
	if m == nil {
		return
	}
	if defaults {
		features = append(slices.Clone(features), "default")
	}
	enabled, known := c.enabled[name]
	if !known {
		enabled = map[string]bool{}
		c.enabled[name] = enabled
	}
	grown := !known
	for len(features) > 0 {
		f := features[0]
		features = features[1:]
		if enabled[f] {
			continue
		}
		enabled[f], grown = true, true
		features = append(features, m.manifest.Features[f]...)
	}
	if !grown {
		return
	}
	deps := c.w.dependencies(m)
	for _, key := range slices.Sorted(maps.Keys(deps)) {
		d := deps[key]
		if d.optional && !activates(enabled, key, m.manifest.Features) {
			continue
		}
		if d.dir != "" {
			c.w.join(d.dir, c.w.src.manifest(d.dir))
		}
		for f := range enabled {
			if dep, feature, ok := strings.Cut(f, "/"); ok && strings.TrimSuffix(dep, "?") == key {
				d.features = append(slices.Clone(d.features), feature)
			}
		}
		if c.w.members[d.name] != nil {
			c.member(d.name, d.features, d.defaults)
			continue
		}
		for _, f := range d.features {
			if c.asked[d.name] == nil {
				c.asked[d.name] = map[string]bool{}
			}
			c.asked[d.name][f] = true
		}
		for _, p := range c.w.lockedFor(name, d.name) {
			c.external(p, d.name)
		}
	}
}

// activates tells whether features turn an optional dependency on. One that no
// feature names with dep: is a feature itself.
func activates(enabled map[string]bool, key string, features map[string][]string) bool {
	for f := range enabled {
		dep, _, slash := strings.Cut(f, "/")
		if f == "dep:"+key || slash && dep == key {
			return true
		}
	}
	_, declared := features[key]
	return enabled[key] && !declared
}

// external follows a package from outside of the workspace. What Cargo.lock lists
// for one of those leaves out what only its tests need, but not what its build
// script needs, which is compiled for the builder.
func (c *crates) external(p *lockedPackage, through string) {
	if _, ok := c.through[p.Name]; !ok || through == p.Name {
		c.through[p.Name] = through
	}
	if c.seen[p] {
		return
	}
	c.seen[p] = true
	for _, ref := range p.Dependencies {
		if name, _, _ := strings.Cut(ref, " "); forBuildScript(p.Name, name) {
			continue
		}
		for _, d := range c.w.resolve(ref) {
			c.external(d, through)
		}
	}
}

// forBuildScript tells whether a package needs a dependency only to have its build
// script download something, as far as that is known: what links a C library
// otherwise depends on others that do.
func forBuildScript(pkg, dependency string) bool {
	client := slices.Contains([]string{"attohttpc", "curl", "minreq", "native-tls", "reqwest", "ureq"}, dependency)
	return client && (strings.HasSuffix(pkg, "-sys") || pkg == "utoipa-swagger-ui")
}

// dependencies lists what m needs to be compiled for Linux, by the names that
// its manifest has for them.
func (w *workspace) dependencies(m *member) map[string]dependency {
	out := map[string]dependency{}
	add := func(table map[string]any) {
		for key, value := range table {
			out[key] = w.dependency(m.dir, key, value)
		}
	}
	for cfg, t := range m.manifest.Target {
		if !otherPlatform(cfg) {
			add(t.Dependencies)
		}
	}
	add(m.manifest.Dependencies)
	return out
}

// otherPlatform tells whether the condition of a target table holds on no Linux.
// What it cannot tell it takes to hold there.
func otherPlatform(cfg string) bool {
	if strings.Contains(cfg, "not(") || strings.Contains(cfg, "linux") || strings.Contains(cfg, "any(") {
		return false
	}
	for _, os := range []string{"windows", "macos", "apple", "darwin", "wasm", "ios", "android"} {
		if strings.Contains(cfg, os) {
			return true
		}
	}
	return false
}

// dependency reads an entry of the manifest in dir.
func (w *workspace) dependency(dir, key string, value any) dependency {
	d := dependency{name: key, defaults: true}
	table, ok := value.(map[string]any)
	if !ok {
		return d
	}
	if inherit, _ := table["workspace"].(bool); inherit && w.root.Workspace != nil {
		d = w.dependency(w.dir, key, w.root.Workspace.Dependencies[key])
	}
	if name, ok := table["package"].(string); ok {
		d.name = name
	}
	if p, ok := table["path"].(string); ok {
		d.dir = path.Join(dir, p)
	}
	if b, ok := table["optional"].(bool); ok {
		d.optional = b
	}
	if b, ok := table["default-features"].(bool); ok {
		d.defaults = b
	}
	list, _ := table["features"].([]any)
	for _, f := range list {
		if s, ok := f.(string); ok {
			d.features = append(slices.Clone(d.features), s)
		}
	}
	return d
}

// lockedFor finds the package that a member's dependency of that name is.
func (w *workspace) lockedFor(member, name string) []*lockedPackage {
	for _, p := range w.locked[member] {
		if p.Source != "" {
			continue
		}
		for _, ref := range p.Dependencies {
			if n, _, _ := strings.Cut(ref, " "); n == name {
				return w.resolve(ref)
			}
		}
	}
	return nil
}

// resolve finds the packages that an entry of Cargo.lock refers to: a name, with
// a version where there are several of that name.
func (w *workspace) resolve(ref string) []*lockedPackage {
	fields := strings.Fields(ref)
	if len(fields) == 0 {
		return nil
	}
	all := w.locked[fields[0]]
	if len(fields) == 1 {
		return all
	}
	var out []*lockedPackage
	for _, p := range all {
		if p.Version == fields[1] {
			out = append(out, p)
		}
	}
	return out
}
