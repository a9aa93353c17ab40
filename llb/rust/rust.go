// Package rust is the rust-musl toolchain: Rust linked with musl.
package rust

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// DefaultVersion is the Rust that compiles a project which asks for none.
const DefaultVersion = "1.96"

// Plan is one cargo build.
type Plan struct {
	target    *spec.Target
	image     string
	workspace *workspace
	// own is what the target gets, together what is compiled in one run with it,
	// and family what shares its compiled dependencies. The one is part of the next.
	own              *selection
	together, family []*selection
	// families is how many sets of targets share their compiled dependencies.
	families int
	// view is the part of the build context that the compile sees, nil for all.
	view *toolchain.View
	// skeleton is the project without its code.
	skeleton map[string][]byte
	// compilesC is set when a dependency has C in it.
	compilesC bool
}

var _ toolchain.Plan = (*Plan)(nil)

// New plans the build of t from what src, the build context, says. The error is
// a *spec.Problem when the spec or the sources are at fault.
func New(s *spec.Spec, t *spec.Target, src fs.FS) (*Plan, error) {
	p := &Plan{target: t}
	dirPath := spec.Path{"targets", t.Name(), "build", "dir"}
	w, err := load(src, t.Build.Dir)
	if err != nil {
		if me, ok := errors.AsType[*manifestError](err); ok {
			return nil, s.Problem(dirPath, me.Error())
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, s.Problem(dirPath, toolchain.Missing(t, src, manifestName,
				"pass the folder that holds it as the build context, or see whether .dockerignore leaves it out"))
		}
		return nil, err
	}
	p.workspace = w
	if p.image, err = imageFor(s, t, w, src); err != nil {
		return nil, err
	}
	p.compilesC = !w.hasLock || compilesC(w.lock) // Without a lock file nobody knows before it is compiled.
	if !w.hasLock && p.locked() {
		return nil, s.Problem(dirPath, fmt.Sprintf("there is no %s in the build context, so the versions of the dependencies are not fixed; "+
			"run cargo generate-lockfile and commit the file, see whether .dockerignore leaves it out, or write build: {locked: false}", w.lockName()))
	}
	if p.own, err = selectFrom(s, t, w); err != nil {
		return nil, err
	}
	if err := p.relatives(s); err != nil {
		return nil, err
	}
	if why := p.dynamic(); why != "" {
		return nil, s.Problem(spec.Path{"targets", t.Name(), "build"}, why)
	}
	if why := w.preflight(p.own, t.Toolchain.Image); why != "" {
		return nil, s.Problem(spec.Path{"targets", t.Name(), "build"}, why)
	}
	if t.Build.Cache == spec.CacheLayers && !p.pinned() {
		return nil, s.Problem(spec.Path{"targets", t.Name(), "build", "cache"}, "cache: layers needs a Cargo.lock that is up to date; commit it and remove locked: false, or write cache: mounts")
	}
	if p.skeleton, err = w.skeleton(); err != nil {
		return nil, err
	}
	var dirs []string
	for _, sel := range p.together {
		dirs = append(dirs, sel.dirs...)
	}
	p.view, err = w.visible(src, t.Build.Dir, dirs)
	return p, err
}

// relatives finds the targets that are compiled with this one, and those that
// share its compiled dependencies. A mistake in one of the latter is its own.
func (p *Plan) relatives(s *spec.Spec) error {
	for _, t := range s.Together(p.target) {
		sel, err := selectFrom(s, t, p.workspace)
		if err != nil {
			return err
		}
		p.together = append(p.together, sel)
	}
	var firsts []*spec.Target
	for _, name := range s.TargetNames() {
		t := s.Targets[name]
		if t.Toolchain.Name == spec.RustMusl && !slices.ContainsFunc(firsts, func(first *spec.Target) bool { return sameDependencies(first, t) }) {
			firsts = append(firsts, t)
		}
		if !sameDependencies(p.target, t) {
			continue
		}
		if sel, err := selectFrom(s, t, p.workspace); err == nil {
			p.family = append(p.family, sel)
		}
	}
	p.families = len(firsts)
	return nil
}

// pinned tells whether it is known before the build what is downloaded.
func (p *Plan) pinned() bool { return p.locked() && p.workspace.hasLock }

// imageFor picks the compiler: the spec's, else that of the project's
// rust-toolchain file, else the frontend's own default, unless a package needs a
// later one.
func imageFor(s *spec.Spec, t *spec.Target, w *workspace, src fs.FS) (string, error) {
	if image := ImageAsked(t); image != "" {
		return image, nil
	}
	version, err := ToolchainFile(src, t.Build.Dir)
	if err != nil {
		return "", s.Problem(s.ToolchainPath(t), err.Error())
	}
	if least := w.rustVersion(); version == "" && newer(least, DefaultVersion) {
		version = least
	}
	return imageOf(cmp.Or(version, DefaultVersion)), nil
}

// ImageAsked is the image that the spec asks for, whatever the sources say; empty if it
// leaves it to them.
func ImageAsked(t *spec.Target) string {
	if t.Toolchain.Image == "" && t.Toolchain.Version != "" {
		return imageOf(t.Toolchain.Version)
	}
	return t.Toolchain.Image
}

func imageOf(version string) string { return "rust:" + version + "-bookworm" }

// ToolchainFile is the version that rust-toolchain.toml in dir or above it, or the
// older rust-toolchain, asks for ("Overrides" in the rustup book); empty when there
// is none, or when it asks for stable. The image is the toolchain, so components and
// targets are settled elsewhere. The error names the file.
func ToolchainFile(src fs.FS, dir string) (string, error) {
	for ; ; dir = path.Dir(dir) {
		for _, name := range []string{"rust-toolchain", "rust-toolchain.toml"} {
			name = path.Join(dir, name)
			data, err := fs.ReadFile(src, name)
			if err != nil {
				continue
			}
			version, err := fileVersion(data)
			if err != nil {
				return "", fmt.Errorf("%s %w", name, err)
			}
			return version, nil
		}
		if dir == "." {
			return "", nil
		}
	}
}

func fileVersion(data []byte) (string, error) {
	channel := strings.TrimSpace(string(data))
	if strings.Contains(channel, "[toolchain]") {
		var file struct {
			Toolchain struct {
				Channel string `toml:"channel"`
			} `toml:"toolchain"`
		}
		if err := toml.Unmarshal(data, &file); err != nil {
			return "", fmt.Errorf("cannot be read: %s", strings.TrimPrefix(err.Error(), "toml: "))
		}
		channel = file.Toolchain.Channel
	}
	return channelVersion(channel)
}

// Image names the image of the Rust toolchain.
func (p *Plan) Image() string { return p.image }

// Supports tells whether rustc has a musl target for pf.
func (p *Plan) Supports(pf platform.Platform) error {
	if pf.Rust.Triple != "" {
		return nil
	}
	return &platform.UnsupportedError{Platform: pf.String(), Toolchain: spec.RustMusl,
		Supported: platform.Supported(func(pf platform.Platform) bool { return pf.Rust.Triple != "" })}
}

// Resolve does nothing: Cargo compiles the same packages for all platforms.
func (p *Plan) Resolve(platform.Platform) error { return nil }

// Binaries names the binaries of the target.
func (p *Plan) Binaries() []string { return p.own.binaries }

// Files is where Compile leaves the binaries, in a folder for each target.
func (p *Plan) Files() []string {
	out := make([]string, len(p.own.binaries))
	for i, name := range p.own.binaries {
		out[i] = path.Join(p.target.Name(), name)
	}
	return out
}

// Title is the cargo command in short.
func (p *Plan) Title() string {
	var names []string
	for _, sel := range p.together {
		names = append(names, sel.binaries...)
	}
	return "cargo build " + p.profileFlag() + " (" + strings.Join(names, ", ") + ")"
}

// Repositories lists the git repositories that dependencies come from.
func (p *Plan) Repositories() []string { return p.workspace.lockFile.git() }

// Partial tells whether the compile sees less than the build context.
func (p *Plan) Partial(platform.Platform) bool { return p.view != nil }

// Compile adds cargo build to the graph, behind the vertices that download and
// compile the dependencies if they are kept as layers.
func (p *Plan) Compile(e toolchain.Env, pf platform.Platform) llb.State {
	if !p.layered() {
		return p.compile(e, pf, nil)
	}
	fetched := p.fetch(e, pf)
	return p.compile(e, pf, &layers{fetched, p.dependencies(e, pf, fetched)})
}

// layered tells whether what is downloaded, and what is compiled of it, is kept as
// layers, which go where --cache-to takes them, or in cache mounts only.
func (p *Plan) layered() bool {
	if !p.pinned() || !p.workspace.lockFile.external() {
		return false
	}
	return p.target.Build.Cache != spec.CacheMounts
}
