package rust

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// manifest is the part of a Cargo.toml that tells what can be built.
type manifest struct {
	Package *struct {
		Name       string `toml:"name"`
		DefaultRun string `toml:"default-run"`
		AutoBins   *bool  `toml:"autobins"`
		// Edition is a string, or a table that takes it from the workspace.
		Edition any `toml:"edition"`
	} `toml:"package"`
	Bin       []binary `toml:"bin"`
	Workspace *struct {
		Members []string `toml:"members"`
		Exclude []string `toml:"exclude"`
	} `toml:"workspace"`
}

// binary is a [[bin]] of a manifest, or one that Cargo finds by its place.
type binary struct {
	Name string `toml:"name"`
	Path string `toml:"path"`
}

// crate is one package of a workspace.
type crate struct {
	name       string
	dir        string
	defaultRun string
	bins       []string
}

// manifestError says that a Cargo.toml cannot be used as it is.
type manifestError struct {
	file string
	why  string
}

func (e *manifestError) Error() string { return e.file + " " + e.why }

// workspace lists the crates of the workspace or package in dir, the root first
// and the others by folder.
func workspace(src fs.FS, dir string) ([]crate, error) {
	root, err := readManifest(src, dir)
	if err != nil {
		return nil, err
	}
	var out []crate
	if root.Package != nil {
		out = append(out, crateOf(src, dir, root))
	}
	if root.Workspace == nil {
		return out, nil
	}
	dirs, err := members(src, dir, root.Workspace.Members, root.Workspace.Exclude)
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		m, err := readManifest(src, d)
		if err != nil {
			return nil, err
		}
		if m.Package != nil {
			out = append(out, crateOf(src, d, m))
		}
	}
	return out, nil
}

// members follows the member globs of a workspace. As in Cargo, a folder that a
// glob matches counts only if it holds a manifest.
func members(src fs.FS, dir string, patterns, exclude []string) ([]string, error) {
	var out []string
	for _, pattern := range patterns {
		glob := path.Join(dir, pattern)
		matches, err := fs.Glob(src, path.Join(glob, "Cargo.toml"))
		if err != nil {
			return nil, &manifestError{path.Join(dir, "Cargo.toml"), fmt.Sprintf("has a workspace member %q that is not a valid pattern", pattern)}
		}
		if len(matches) == 0 && !strings.ContainsAny(pattern, "*?[") {
			return nil, &manifestError{path.Join(dir, "Cargo.toml"),
				fmt.Sprintf("names the workspace member %q, but the build context has no %s; see whether .dockerignore leaves it out", pattern, path.Join(glob, "Cargo.toml"))}
		}
		for _, m := range matches {
			d := path.Dir(m)
			if d == path.Clean(dir) || slices.Contains(out, d) || excluded(d, dir, exclude) {
				continue
			}
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out, nil
}

func excluded(d, dir string, exclude []string) bool {
	return slices.ContainsFunc(exclude, func(e string) bool {
		e = path.Join(dir, e)
		return d == e || strings.HasPrefix(d, e+"/")
	})
}

func readManifest(src fs.FS, dir string) (*manifest, error) {
	name := path.Join(dir, "Cargo.toml")
	data, err := fs.ReadFile(src, name)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := toml.Unmarshal(data, &m); err != nil {
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, col := de.Position()
			return nil, &manifestError{name, fmt.Sprintf("cannot be read: line %d, column %d: %s", line, col, strings.TrimPrefix(de.Error(), "toml: "))}
		}
		return nil, &manifestError{name, "cannot be read: " + strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return &m, nil
}

// crateOf lists the binaries of a crate as Cargo finds them: those that the
// manifest names, then src/main.rs and what lies in src/bin, unless the manifest
// gives their name or their file to another ("Target auto-discovery" in the
// Cargo book; edition 2015 discovers nothing beside a [[bin]]).
func crateOf(src fs.FS, dir string, m *manifest) crate {
	c := crate{name: m.Package.Name, dir: dir, defaultRun: m.Package.DefaultRun}
	names, paths := map[string]bool{}, map[string]bool{}
	for _, b := range m.Bin {
		c.bins = append(c.bins, b.Name)
		names[b.Name], paths[path.Clean(b.Path)] = true, true
	}
	discover := m.Package.Edition != nil && m.Package.Edition != "2015" || len(m.Bin) == 0
	if m.Package.AutoBins != nil {
		discover = *m.Package.AutoBins
	}
	if !discover {
		return c
	}
	for _, b := range discovered(src, dir, c.name) {
		if !names[b.Name] && !paths[b.Path] {
			c.bins = append(c.bins, b.Name)
		}
	}
	return c
}

func discovered(src fs.FS, dir, name string) []binary {
	var out []binary
	if toolchain.IsFile(src, path.Join(dir, "src/main.rs")) {
		out = append(out, binary{name, "src/main.rs"})
	}
	// A crate without src/bin is the usual case, not an error.
	entries, _ := fs.ReadDir(src, path.Join(dir, "src/bin"))
	for _, e := range entries {
		file := path.Join("src/bin", e.Name())
		switch {
		case !e.IsDir() && strings.HasSuffix(file, ".rs"):
			out = append(out, binary{strings.TrimSuffix(e.Name(), ".rs"), file})
		case e.IsDir() && toolchain.IsFile(src, path.Join(dir, file, "main.rs")):
			out = append(out, binary{e.Name(), path.Join(file, "main.rs")})
		}
	}
	return out
}
