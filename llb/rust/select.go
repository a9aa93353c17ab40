package rust

import (
	"fmt"
	"slices"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// selection is what of a workspace one target gets.
type selection struct {
	target *spec.Target
	// packages are the packages that cargo builds, in the order that they were
	// found, and dirs the folders of them.
	packages, dirs []string
	// bins are the names that Cargo gives the binaries, and binaries, in the same
	// order, those that they have in the image.
	bins, binaries []string
}

// selectFrom settles which packages and binaries of a workspace Cargo builds for t.
func selectFrom(s *spec.Spec, t *spec.Target, w *workspace) (*selection, error) {
	p := &selection{target: t}
	return p, p.choose(s, selectable(w, t))
}

// selectable are the packages that a target can name: the members, or those below
// the folder that the build starts in, if it is one of them.
func selectable(w *workspace, t *spec.Target) []*crate {
	var members, below []*crate
	for _, c := range w.crates {
		if !c.member {
			continue
		}
		members = append(members, c)
		if c.dir == t.Build.Dir {
			below = append(below, c)
		}
	}
	if t.Build.Dir != w.root && len(below) > 0 {
		return below
	}
	return members
}

func (p *selection) choose(s *spec.Spec, crates []*crate) error {
	t := p.target
	at := spec.Path{"targets", t.Name(), "build"}
	for _, name := range t.Build.Package {
		if !slices.ContainsFunc(crates, func(c *crate) bool { return c.name == name }) {
			names := crateNames(crates)
			return s.Problem(t.PackagePath(), fmt.Sprintf("there is no package %q in the workspace, only %s%s", name, spec.List(names), spec.DidYouMean(name, names)))
		}
	}
	candidates := crates
	if len(t.Build.Package) > 0 {
		candidates = slices.DeleteFunc(slices.Clone(crates), func(c *crate) bool { return !slices.Contains(t.Build.Package, c.name) })
	}
	if len(t.Build.Bin) > 0 {
		for _, bin := range t.Build.Bin {
			owner := slices.IndexFunc(candidates, func(c *crate) bool { return slices.Contains(c.binNames(), bin) })
			if owner < 0 {
				bins := binNames(candidates)
				return s.Problem(at.Join("bin"), fmt.Sprintf("there is no binary %q, only %s%s", bin, spec.List(bins), spec.DidYouMean(bin, bins)))
			}
			p.add(candidates[owner], bin)
		}
		return p.name(s, at)
	}
	if len(t.Build.Package) > 0 {
		for _, c := range candidates {
			bin, err := p.binOf(s, c)
			if err != nil {
				return err
			}
			p.add(c, bin)
		}
		return p.name(s, at)
	}
	return p.byTargetName(s, crates)
}

// byTargetName finds the package or the binary that is named like the target,
// or else the only binary there is.
func (p *selection) byTargetName(s *spec.Spec, crates []*crate) error {
	name := p.target.Name()
	for _, c := range crates {
		if c.name == name {
			bin, err := p.binOf(s, c)
			if err != nil {
				return err
			}
			p.add(c, bin)
			return p.name(s, nil)
		}
	}
	for _, c := range crates {
		if slices.Contains(c.binNames(), name) {
			p.add(c, name)
			return p.name(s, nil)
		}
	}
	bins := binNames(crates)
	if len(bins) == 1 {
		for _, c := range crates {
			if len(c.bins) == 1 {
				p.add(c, c.bins[0].name)
				return p.name(s, nil)
			}
		}
	}
	msg := fmt.Sprintf("no package and no binary is named like the target %q", name)
	if len(bins) == 0 {
		msg += ", and the workspace has no binaries; see whether .dockerignore leaves src/main.rs out"
	} else {
		msg += fmt.Sprintf("; name one of %s: write build: {bin: %s}", spec.List(bins), bins[0])
	}
	return s.Problem(spec.Path{"targets", name}, msg)
}

// binOf is the binary of a package that was named without one: its only one,
// the one named like the target, or the one that cargo run would run.
func (p *selection) binOf(s *spec.Spec, c *crate) (string, error) {
	at := p.target.PackagePath()
	switch {
	case len(c.bins) == 0:
		return "", s.Problem(at, fmt.Sprintf("package %q has no binary; it is a library", c.name))
	case len(c.bins) == 1:
		return c.bins[0].name, nil
	case slices.Contains(c.binNames(), p.target.Name()):
		return p.target.Name(), nil
	case c.defaultRun != "":
		return c.defaultRun, nil
	}
	return "", s.Problem(at, fmt.Sprintf("package %q has several binaries, %s; write build: {package: %s, bin: %s}",
		c.name, spec.List(c.binNames()), c.name, c.bins[0].name))
}

func (p *selection) add(c *crate, bin string) {
	if !slices.Contains(p.packages, c.name) {
		p.packages, p.dirs = append(p.packages, c.name), append(p.dirs, c.dir)
	}
	p.bins = append(p.bins, bin)
}

// name gives the binaries the names that they have in the image: one is named
// like the target, several keep theirs.
func (p *selection) name(s *spec.Spec, at spec.Path) error {
	p.binaries = slices.Clone(p.bins)
	if len(p.bins) == 1 {
		p.binaries = []string{p.target.Name()}
	}
	for i, b := range p.binaries {
		if slices.Contains(p.binaries[:i], b) {
			return s.Problem(at, fmt.Sprintf("two packages have a binary %q, and one image cannot hold both", b))
		}
	}
	return nil
}

func crateNames(crates []*crate) []string {
	out := make([]string, len(crates))
	for i, c := range crates {
		out[i] = c.name
	}
	return out
}

func binNames(crates []*crate) []string {
	var out []string
	for _, c := range crates {
		out = append(out, c.binNames()...)
	}
	return out
}
