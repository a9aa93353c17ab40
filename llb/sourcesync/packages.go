package sourcesync

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// PackagesSuffix is what the name of a program gets for the file beside it that
// holds its Packages as JSON.
const PackagesSuffix = ".packages.json"

// Packages lists what a program was compiled from.
type Packages struct {
	// Packages are sorted by name and version.
	Packages []Package `json:"packages"`
}

// Package is one package of a program.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Source is as lock files have it, such as
	// "registry+https://github.com/rust-lang/crates.io-index", without the user that an
	// address may have in it; empty for a package of the project.
	Source string `json:"source,omitempty"`
	// Root is set for the package of the program itself.
	Root bool `json:"root,omitempty"`
	// Build is set for what only ran during the build, such as macros and what build
	// scripts use.
	Build bool `json:"build,omitempty"`
	// Dependencies are indices of the packages whose code the package is linked with, and
	// BuildDependencies of those that only take part in its compile.
	Dependencies      []int `json:"dependencies,omitempty"`
	BuildDependencies []int `json:"build_dependencies,omitempty"`
}

// metadata is what cargo metadata says, as far as it is used.
type metadata struct {
	Packages []metadataPackage
	Resolve  struct {
		Nodes []struct {
			ID   string
			Deps []dependency
		}
	}
}

type metadataPackage struct{ ID, Name, Version, Source string }

type dependency struct {
	Package string                  `json:"pkg"`
	Kinds   []struct{ Kind string } `json:"dep_kinds"`
}

// as tells whether a package is a dependency of a kind. Before Cargo 1.41 there are
// no kinds.
func (d dependency) as(kind string) bool {
	for _, k := range d.Kinds {
		if k.Kind == kind {
			return true
		}
	}
	return kind == "" && len(d.Kinds) == 0
}

// NewPackages lists what a program, one of the files that Cargo left, was compiled
// from. Cargo's metadata has more: what other platforms need, and tests. So of that
// only counts what units has, for the machine that it has it for.
func NewPackages(program string, cargoMetadata []byte, units *Units) (*Packages, error) {
	var m metadata
	if err := json.Unmarshal(cargoMetadata, &m); err != nil {
		return nil, fmt.Errorf("cargo metadata: %w", err)
	}
	root, ok := units.Files[program]
	if !ok {
		return nil, fmt.Errorf("cargo build did not say which package %s belongs to", program)
	}
	// What is compiled for the builder itself lies elsewhere.
	inProgram, onBuilder := map[string]bool{}, map[string]bool{}
	for file, pkg := range units.Files {
		if strings.HasPrefix(file, filepath.Dir(program)+string(filepath.Separator)) {
			inProgram[pkg] = true
		} else {
			onBuilder[pkg] = true
		}
	}
	dependencies := map[string][]dependency{}
	for _, n := range m.Resolve.Nodes {
		dependencies[n.ID] = n.Deps
	}
	// follow calls do for each dependency of a package, and tells whether that is in the
	// program, and whether the package is linked with it. What is not in the program
	// itself, but compiled for the builder as a dependency like any other, is a macro.
	follow := func(pkg string, runtime bool, do func(pkg string, runtime, linked bool)) {
		for _, d := range dependencies[pkg] {
			shared := runtime && d.as("") && inProgram[d.Package]
			if shared {
				do(d.Package, true, true)
			}
			if !shared && d.as("") && onBuilder[d.Package] {
				do(d.Package, false, !runtime)
			}
			if d.as("build") && onBuilder[d.Package] {
				do(d.Package, false, false)
			}
		}
	}
	reached := map[string]bool{}
	var visit func(pkg string, runtime, linked bool)
	visit = func(pkg string, runtime, _ bool) {
		if was, ok := reached[pkg]; !ok || runtime && !was {
			reached[pkg] = runtime
			follow(pkg, runtime, visit)
		}
	}
	visit(root, true, true)

	packages := m.Packages[:0]
	for _, p := range m.Packages {
		if _, ok := reached[p.ID]; ok {
			packages = append(packages, p)
		}
	}
	slices.SortFunc(packages, func(a, b metadataPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	index := map[string]int{}
	for i, p := range packages {
		index[p.ID] = i
	}
	if _, ok := index[root]; !ok {
		return nil, fmt.Errorf("cargo metadata does not have the package %s", root)
	}
	out := &Packages{Packages: make([]Package, len(packages))}
	for i, p := range packages {
		pkg := Package{Name: p.Name, Version: p.Version, Source: anonymous(p.Source), Root: p.ID == root, Build: !reached[p.ID]}
		follow(p.ID, reached[p.ID], func(to string, _, linked bool) {
			list := &pkg.BuildDependencies
			if linked {
				list = &pkg.Dependencies
			}
			if n, ok := index[to]; ok {
				*list = append(*list, n)
			}
		})
		for _, list := range []*[]int{&pkg.Dependencies, &pkg.BuildDependencies} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		out.Packages[i] = pkg
	}
	return out, nil
}

// anonymous takes the user out of a source. An address may have a token for one.
func anonymous(source string) string {
	kind, address, ok := strings.Cut(source, "+")
	if !ok {
		return source
	}
	u, err := url.Parse(address)
	if err != nil {
		return kind
	}
	u.User = nil
	return kind + "+" + u.String()
}

// Write leaves the list beside the program in a file.
func (p *Packages) Write(program string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(program+PackagesSuffix, text, 0o644)
}
