package sourcesync

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AuditSection is the section of a program that holds the list of the packages it
// was compiled from: JSON, compressed with zlib, as the cargo-auditable project
// defines it and scanners read it.
const AuditSection = ".dep-v0"

// Audit is the content of that list.
type Audit struct {
	// Packages are sorted by name and version.
	Packages []AuditPackage `json:"packages"`
}

// AuditPackage is one package of an Audit.
type AuditPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Source is crates.io, registry for any other one, git, or local.
	Source string `json:"source"`
	// Kind is build for what only ran during the build, such as macros, and empty
	// for what is in the program.
	Kind string `json:"kind,omitempty"`
	// Dependencies are indices of packages.
	Dependencies []int `json:"dependencies,omitempty"`
	// Root is set for the package of the program itself.
	Root bool `json:"root,omitempty"`
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

// NewAudit lists what a program, one of the files that Cargo left, was compiled
// from. Cargo's metadata has more: what other platforms need, and tests. So of that
// only counts what units has, for the machine that it has it for.
func NewAudit(program string, cargoMetadata []byte, units *Units) (*Audit, error) {
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
	// follow calls do for each dependency of a package.
	follow := func(pkg string, runtime bool, do func(pkg string, runtime bool)) {
		for _, d := range dependencies[pkg] {
			switch {
			case runtime && d.as("") && inProgram[d.Package]:
				do(d.Package, true)
			case (d.as("") || d.as("build")) && onBuilder[d.Package]:
				do(d.Package, false)
			}
		}
	}
	reached := map[string]bool{}
	var visit func(pkg string, runtime bool)
	visit = func(pkg string, runtime bool) {
		if was, ok := reached[pkg]; !ok || runtime && !was {
			reached[pkg] = runtime
			follow(pkg, runtime, visit)
		}
	}
	visit(root, true)

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
	a := &Audit{}
	for _, p := range packages {
		out := AuditPackage{Name: p.Name, Version: p.Version, Source: auditSource(p.Source), Root: p.ID == root}
		if !reached[p.ID] {
			out.Kind = "build"
		}
		follow(p.ID, reached[p.ID], func(pkg string, _ bool) {
			if i, ok := index[pkg]; ok {
				out.Dependencies = append(out.Dependencies, i)
			}
		})
		slices.Sort(out.Dependencies)
		out.Dependencies = slices.Compact(out.Dependencies)
		a.Packages = append(a.Packages, out)
	}
	return a, nil
}

// auditSource is the kind of a source: an address may name what is nobody's
// business.
func auditSource(source string) string {
	switch kind, _, _ := strings.Cut(source, "+"); {
	case source == "":
		return "local"
	// Cargo names it so in lock files, however it gets at its index.
	case source == "registry+https://github.com/rust-lang/crates.io-index":
		return "crates.io"
	case kind == "sparse":
		return "registry"
	default:
		return kind
	}
}

// Write adds the list to the program in a file.
func (a *Audit) Write(name string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	program, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if program, err = AddSection(program, AuditSection, data.Bytes()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(program)
	return errors.Join(err, file.Close())
}
