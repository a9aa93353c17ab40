package rust

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

const manifestName = "Cargo.toml"

// table is a table of a TOML file. Its methods give nothing for what is missing
// or of another type, which is for Cargo to refuse.
type table map[string]any

func (t table) table(key string) table {
	m, _ := t[key].(map[string]any)
	return m
}

func (t table) text(key string) string {
	s, _ := t[key].(string)
	return s
}

func (t table) strings(key string) []string {
	var out []string
	list, _ := t[key].([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// tables is an array of tables.
func (t table) tables(key string) []table {
	var out []table
	list, _ := t[key].([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// binary is a [[bin]] of a manifest, or one that Cargo finds by its place.
type binary struct {
	name, path string
	// features are those without which Cargo does not build it.
	features []string
}

func readManifest(src fs.FS, dir string) (table, error) {
	name := path.Join(dir, manifestName)
	data, err := fs.ReadFile(src, name)
	if err != nil {
		return nil, err
	}
	return parse(name, data)
}

func parse(name string, data []byte) (table, error) {
	t := table{}
	err := toml.Unmarshal(data, &t)
	if err == nil {
		return t, nil
	}
	why := strings.TrimPrefix(err.Error(), "toml: ")
	if de, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, col := de.Position()
		why = fmt.Sprintf("line %d, column %d: %s", line, col, why)
	}
	return nil, &manifestError{name, "cannot be read: " + why}
}

// members follows the member globs of a workspace. As in Cargo, a folder that a
// glob matches counts only if it holds a manifest.
func members(src fs.FS, dir string, patterns, exclude []string) ([]string, error) {
	folders := make([][]string, len(patterns))
	for i, pattern := range patterns {
		glob := path.Join(dir, pattern)
		folders[i] = []string{glob}
		if strings.ContainsAny(pattern, `*?[\`) {
			var err error
			if folders[i], err = fs.Glob(src, glob); err != nil {
				return nil, &manifestError{path.Join(dir, manifestName), fmt.Sprintf("has a workspace member %q that is not a valid pattern", pattern)}
			}
		}
	}
	readAhead(src, slices.Concat(folders...))
	var out []string
	for i, pattern := range patterns {
		for _, d := range folders[i] {
			switch name := path.Join(d, manifestName); {
			case toolchain.IsFile(src, name):
				if d != path.Clean(dir) && !slices.Contains(out, d) && !excluded(d, dir, exclude) {
					out = append(out, d)
				}
			case d == path.Join(dir, pattern):
				return nil, &manifestError{path.Join(dir, manifestName),
					fmt.Sprintf("names the workspace member %q, but the build context has no %s; see whether .dockerignore leaves it out", pattern, name)}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// readAhead asks for what is to be known of the packages in dirs. Listings answer which
// of their files there are.
func readAhead(src fs.FS, dirs []string) {
	toolchain.ReadAhead(dirs, func(dir string) {
		if _, err := fs.ReadDir(src, dir); err == nil {
			_, _ = fs.ReadFile(src, path.Join(dir, manifestName))
			_, _ = fs.ReadDir(src, path.Join(dir, "src"))
		}
	})
}

func excluded(d, dir string, exclude []string) bool {
	return slices.ContainsFunc(exclude, func(e string) bool {
		e = path.Join(dir, e)
		return d == e || strings.HasPrefix(d, e+"/")
	})
}

// crateOf is the package of the manifest m in dir. Its binaries are those that
// Cargo finds: those that the manifest names, then src/main.rs and what lies in
// src/bin, unless the manifest gives their name or their file to another ("Target
// auto-discovery" in the Cargo book; edition 2015 discovers nothing beside a
// [[bin]]).
func crateOf(src fs.FS, dir string, m table) *crate {
	pkg := m.table("package")
	c := &crate{name: pkg.text("name"), dir: dir, defaultRun: pkg.text("default-run")}
	c.lib = m.table("lib") != nil || toolchain.IsFile(src, path.Join(dir, "src/lib.rs"))
	switch script := pkg["build"].(type) {
	case nil:
		c.script = toolchain.IsFile(src, path.Join(dir, "build.rs"))
	case bool:
		c.script = script
	default:
		c.script = true
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for _, b := range m.tables("bin") {
		bin := binary{b.text("name"), b.text("path"), b.strings("required-features")}
		c.bins = append(c.bins, bin)
		names[bin.name], paths[path.Clean(bin.path)] = true, true
	}
	edition := pkg["edition"] // A string, or a table that takes it from the workspace.
	discover := edition != nil && edition != "2015" || len(c.bins) == 0
	if auto, ok := pkg["autobins"].(bool); ok {
		discover = auto
	}
	if !discover {
		return c
	}
	for _, b := range discovered(src, dir, c.name) {
		if !names[b.name] && !paths[b.path] {
			c.bins = append(c.bins, b)
		}
	}
	return c
}

func discovered(src fs.FS, dir, name string) []binary {
	var out []binary
	if toolchain.IsFile(src, path.Join(dir, "src/main.rs")) {
		out = append(out, binary{name: name, path: "src/main.rs"})
	}
	// A crate without src/bin is the usual case, not an error.
	entries, _ := fs.ReadDir(src, path.Join(dir, "src/bin"))
	for _, e := range entries {
		file := path.Join("src/bin", e.Name())
		switch {
		case !e.IsDir() && strings.HasSuffix(file, ".rs"):
			out = append(out, binary{name: strings.TrimSuffix(e.Name(), ".rs"), path: file})
		case e.IsDir() && toolchain.IsFile(src, path.Join(dir, file, "main.rs")):
			out = append(out, binary{name: e.Name(), path: path.Join(file, "main.rs")})
		}
	}
	return out
}

func (c *crate) binNames() []string {
	out := make([]string, len(c.bins))
	for i, b := range c.bins {
		out[i] = b.name
	}
	return out
}

// inherited is the value of a key of [package], which may come from the workspace.
func inherited(pkg, shared table, key string) string {
	if pkg.table(key)["workspace"] == true {
		return shared.text(key)
	}
	return pkg.text(key)
}

// dependency is one entry of a table of dependencies that is a table itself.
type dependency struct {
	name  string
	table table
	dev   bool
}

// dependencyTables are the names of the tables of dependencies, with the spelling
// that Cargo still takes.
var dependencyTables = []string{"dependencies", "build-dependencies", "build_dependencies", "dev-dependencies", "dev_dependencies"}

// dependencies lists those of a manifest, of all targets.
func dependencies(m table) []dependency {
	var out []dependency
	from := func(t table) {
		for _, key := range dependencyTables {
			deps := t.table(key)
			for _, name := range slices.Sorted(maps.Keys(deps)) {
				if dep := deps.table(name); dep != nil {
					out = append(out, dependency{name, dep, strings.HasPrefix(key, "dev")})
				}
			}
		}
	}
	from(m)
	targets := m.table("target")
	for _, cfg := range slices.Sorted(maps.Keys(targets)) {
		from(targets.table(cfg))
	}
	return out
}

// pathsIn lists the values of path keys in tables that lie up to depth levels
// below t.
func pathsIn(t table, depth int) []string { return pathsNamed(t, depth, "path") }

func pathsNamed(t table, depth int, name string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(t)) {
		sub := t.table(key)
		if p := sub.text(name); p != "" {
			out = append(out, p)
		}
		if depth > 1 {
			out = append(out, pathsNamed(sub, depth-1, name)...)
		}
	}
	return out
}
