// Package golang is the go-cgo0 toolchain: Go without cgo.
package golang

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// DefaultVersion is the Go that compiles a project which asks for none.
const DefaultVersion = "1.26"

// Plan is one go build.
type Plan struct {
	spec    *spec.Spec
	target  *spec.Target
	project *project
	// own is what the target gets, together what is compiled in one run with it, and
	// family what shares its compiled dependencies. The one is part of the next.
	own              *selection
	together, family []*selection
	// resolved is what Resolve found, by platform.
	resolved map[string]*resolved
}

// resolved is what programs are made of on one platform.
type resolved struct {
	// dependencies are compiled before, for all of the family.
	dependencies []string
	// profile is what the programs are optimized by, empty for nothing.
	profile string
	view    *toolchain.View
}

var _ toolchain.Plan = (*Plan)(nil)

// New plans the build of t from what src, the build context, says. The error is
// a *spec.Problem when the spec or the sources are at fault.
func New(s *spec.Spec, t *spec.Target, src fs.FS) (*Plan, error) {
	p := &Plan{spec: s, target: t, resolved: map[string]*resolved{}}
	at := spec.Path{"targets", t.Name(), "build", "dir"}
	var err error
	p.project, err = load(src, t)
	if bad, ok := errors.AsType[problem](err); ok {
		return nil, s.Problem(at, bad.Error())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.Problem(at, p.missing(src))
	}
	if err != nil {
		return nil, err
	}
	if p.own, err = selectFrom(s, t, p.project); err != nil {
		return nil, err
	}
	for _, other := range s.Together(t) {
		sel := p.own
		if other != t {
			if sel, err = selectFrom(s, other, p.project); err != nil {
				return nil, err
			}
		}
		p.together = append(p.together, sel)
	}
	if len(p.together) == 1 && len(p.own.packages) == 1 {
		p.own.files = p.own.binaries
	}
	if err := p.distinct(); err != nil {
		return nil, err
	}
	for _, name := range s.TargetNames() {
		other := s.Targets[name]
		if !sameDependencies(t, other) {
			continue
		}
		// A mistake in another target is its own.
		if sel, err := selectFrom(s, other, p.project); err == nil {
			p.family = append(p.family, sel)
		}
	}
	if t.Build.Cache == spec.CacheLayers && p.project.unusual != "" {
		return nil, s.Problem(spec.Path{"targets", t.Name(), "build", "cache"}, fmt.Sprintf("cache: layers cannot follow %s, which changes where modules come from; remove it, or write cache: mounts", p.project.unusual))
	}
	return p, nil
}

func (p *Plan) missing(src fs.FS) string {
	return toolchain.Missing(p.target, src, modName,
		"run go mod init, pass the folder that holds it as the build context, or see whether .dockerignore leaves it out")
}

// distinct wants that no two programs of one run get the same name from the go
// command.
func (p *Plan) distinct() error {
	owner := map[string]*selection{}
	for _, sel := range p.together {
		for i, file := range sel.files {
			// Two targets may be the same program.
			if other := owner[file]; other != nil && other.packages[slices.Index(other.files, file)] != sel.packages[i] {
				return p.spec.Problem(spec.Path{"targets", sel.target.Name(), "build", "group"},
					fmt.Sprintf("go build calls two programs of this group %s, that of target %q and that of %q; put one of them into another group", file, other.target.Name(), sel.target.Name()))
			}
			owner[file] = sel
		}
	}
	return nil
}

// sameDependencies tells whether the dependencies of two targets are compiled alike.
// Inputs are no part of that: the step sees no sources but manifests, and a target
// whose inputs import more has a list of its own.
func sameDependencies(a, b *spec.Target) bool {
	x, y := &a.Build, &b.Build
	return b.Toolchain.Name == spec.GoCGO0 && reflect.DeepEqual(a.Toolchain, b.Toolchain) && x.Dir == y.Dir &&
		slices.Equal(x.Tags, y.Tags) && x.TZData == y.TZData && slices.Equal(patterns(x.Gcflags), patterns(y.Gcflags)) && x.Optimize == y.Optimize &&
		maps.Equal(x.Env, y.Env) && reflect.DeepEqual(x.Secrets, y.Secrets) && x.Network == y.Network
}

// patterns are those flags of the compiler that are for packages of dependencies too.
func patterns(gcflags []string) []string {
	return slices.DeleteFunc(slices.Clone(gcflags), func(f string) bool { return strings.HasPrefix(f, "-") })
}

// Image names the image of the Go toolchain: the spec's, else that of the version
// that the project asks for, without git where nothing needs it.
func (p *Plan) Image() string {
	if image := p.target.Toolchain.Image; image != "" {
		return image
	}
	name := "golang:" + p.version()
	if p.needsGit() || len(p.target.Toolchain.Packages) > 0 {
		return name
	}
	return name + toolchain.SlimGo
}

func (p *Plan) version() string {
	return cmp.Or(p.target.Toolchain.Version, p.project.version, DefaultVersion)
}

// ImageAsked is where the project asks for the version of the image, such as
// go.mod:3 (go 1.26); empty when the spec does, or nobody.
func (p *Plan) ImageAsked() string {
	if p.target.Toolchain.Image != "" || p.target.Toolchain.Version != "" {
		return ""
	}
	return p.project.asked
}

// needsGit tells whether modules come from repositories, or what git knows of the
// sources is written into the program.
func (p *Plan) needsGit() bool {
	env := p.target.Build.Env
	direct, _, _ := strings.Cut(env["GOPROXY"], ",")
	return env["GOPRIVATE"] != "" || env["GONOPROXY"] != "" && env["GONOPROXY"] != "none" || direct == "direct" || p.project.hasGit()
}

// Supports tells whether Go compiles for pf.
func (p *Plan) Supports(platform.Platform) error { return nil }

// Resolve reads the imports of the programs. The error is a *spec.Problem when a
// program cannot be compiled for pf.
func (p *Plan) Resolve(pf platform.Platform) error {
	scan := newScanner(p.project, pf, p.version(), p.tags(), p.target.Build.Env["GOEXPERIMENT"])
	c := scan.follow(p.own.dirs)
	if why := p.unbuildable(scan, c, pf); why != "" {
		return p.spec.Problem(p.target.PackagePath(), why)
	}
	if why := c.wrapsC(); why != "" {
		return p.spec.Problem(spec.Path{"targets", p.target.Name(), "build"}, why)
	}
	r := &resolved{profile: p.profile(p.own)}
	seen := scan.follow(dirsOf(p.together))
	for name := range p.own.elsewhere {
		seen.external[name] = true
	}
	var err error
	if r.view, err = p.project.visible(seen, p.shownWhole()); err != nil {
		return err
	}
	p.resolved[pf.String()] = r
	if !p.layered() {
		return nil
	}
	family := slices.DeleteFunc(slices.Clone(p.family), func(sel *selection) bool { return p.profile(sel) != r.profile })
	shared := scan.follow(dirsOf(family))
	for _, sel := range family {
		for name := range sel.elsewhere {
			shared.external[name] = true
		}
	}
	if len(shared.external) > 0 {
		r.dependencies = shared.compiled()
	}
	return nil
}

func dirsOf(selected []*selection) []string {
	var dirs []string
	for _, sel := range selected {
		dirs = append(dirs, sel.dirs...)
	}
	return dirs
}

// profile is what the go command optimizes programs by: a file beside the program.
// With several programs and no profile in common, each has a compile of all its
// dependencies to itself, which nothing that was compiled before is good for.
func (p *Plan) profile(sel *selection) string {
	for _, dir := range sel.dirs {
		if name := path.Join(dir, profileName); len(sel.dirs) == 1 && toolchain.IsFile(p.project.src, name) {
			return name
		}
	}
	return ""
}

// unbuildable says why a program cannot be compiled for pf, as far as its files tell.
func (p *Plan) unbuildable(scan *scanner, c *closure, pf platform.Platform) string {
	for _, dir := range slices.Sorted(maps.Keys(c.packages)) {
		pkg, err := scan.pkg(dir)
		program := slices.Contains(p.own.dirs, dir)
		switch {
		case scan.onlyCgo(dir):
			return fmt.Sprintf("all files of %s import C, and go-cgo0 compiles without cgo; add files with the build constraint !cgo, or use a package in Go", dir)
		case err != nil && program && isNoGo(err):
			return fmt.Sprintf("no file in %s is for %s: build constraints leave all of them out", dir, pf)
		case err == nil && program && pkg.Name != "main":
			msg := fmt.Sprintf("%s is package %s, a library; a program is a package main", dir, pkg.Name)
			if mains := commands(p.project.src, p.target.Build.Dir); len(mains) > 0 {
				msg += "; the commands of this module are " + spec.List(mains)
			}
			return msg
		}
	}
	return ""
}

// Binaries names the binaries of the target.
func (p *Plan) Binaries() []string { return p.own.binaries }

// Files is where Compile leaves them.
func (p *Plan) Files() []string { return p.own.files }

// Title is the go command in short.
func (p *Plan) Title() string {
	var names []string
	for _, sel := range p.together {
		names = append(names, sel.packages...)
	}
	return "go build " + strings.Join(unique(names), " ")
}

// Partial tells whether the compile for pf sees less than the build context.
func (p *Plan) Partial(pf platform.Platform) bool {
	r := p.resolved[pf.String()]
	return r != nil && r.view != nil
}

// Compile adds go build to the graph, behind the vertices that download and compile
// the dependencies if they are kept as layers.
func (p *Plan) Compile(e toolchain.Env, pf platform.Platform) llb.State {
	r := p.resolved[pf.String()]
	if r == nil {
		r = &resolved{}
	}
	if flags := e.Image.Getenv("GOFLAGS"); strings.Contains(flags, "-tags") || strings.Contains(flags, "-mod") || strings.Contains(flags, "-overlay") {
		// The image has packages compiled that the sources do not show.
		whole := *r
		whole.view, r = nil, &whole
	}
	if !p.layered() {
		return p.compile(e, pf, r, nil)
	}
	built := &layers{}
	if p.project.vendor == "" {
		fetched, _ := p.download(e)
		built.modules = &fetched
	}
	if len(r.dependencies) > 0 {
		compiled := p.dependencies(e, pf, r, built)
		built.compiled = &compiled
	}
	return p.compile(e, pf, r, built)
}

// layered tells whether what is downloaded, and what is compiled of it, is kept as
// layers, which go where --cache-to takes them, or in cache mounts only.
func (p *Plan) layered() bool {
	return p.target.Build.Cache != spec.CacheMounts && p.project.unusual == "" && len(p.project.requires) > 0
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
