package sourcesync

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"os"
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

// Audit is the list in the form that a program carries.
func (p *Packages) Audit() *Audit {
	a := &Audit{}
	for _, pkg := range p.Packages {
		out := AuditPackage{Name: pkg.Name, Version: pkg.Version, Source: auditSource(pkg.Source), Root: pkg.Root}
		if pkg.Build {
			out.Kind = "build"
		}
		out.Dependencies = slices.Concat(pkg.Dependencies, pkg.BuildDependencies)
		slices.Sort(out.Dependencies)
		out.Dependencies = slices.Compact(out.Dependencies)
		a.Packages = append(a.Packages, out)
	}
	return a
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
