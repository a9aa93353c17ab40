// Package rust is the rust-musl toolchain: Rust linked with musl.
package rust

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// DefaultVersion is the Rust that compiles a project which asks for none.
const DefaultVersion = "1.96"

// Plan is one cargo build.
type Plan struct {
	target   *spec.Target
	image    string
	packages []string
	// bins are the names that Cargo gives the binaries, and binaries, in the same
	// order, those that they have in the image.
	bins     []string
	binaries []string
	// compilesC is set when a dependency has C in it.
	compilesC bool
}

var _ toolchain.Plan = (*Plan)(nil)

// New plans the build of t from what src, the build context, says. The error is
// a *spec.Problem when the spec or the sources are at fault.
func New(s *spec.Spec, t *spec.Target, src fs.FS) (*Plan, error) {
	p := &Plan{target: t}
	dirPath := spec.Path{"targets", t.Name(), "build", "dir"}
	var err error
	if p.image, err = imageFor(s, t, src); err != nil {
		return nil, err
	}
	crates, err := workspace(src, t.Build.Dir)
	if err != nil {
		if me, ok := errors.AsType[*manifestError](err); ok {
			return nil, s.Problem(dirPath, me.Error())
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, s.Problem(dirPath, toolchain.Missing(t, src, "Cargo.toml",
				"pass the folder that holds it as the build context, or see whether .dockerignore leaves it out"))
		}
		return nil, err
	}
	lockName := path.Join(t.Build.Dir, "Cargo.lock")
	lock, err := fs.ReadFile(src, lockName)
	switch {
	case err == nil:
		p.compilesC = compilesC(lock)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case p.locked():
		return nil, s.Problem(dirPath, fmt.Sprintf("there is no %s in the build context, so the versions of the dependencies are not fixed; "+
			"run cargo generate-lockfile and commit the file, see whether .dockerignore leaves it out, or write build: {locked: false}", lockName))
	default:
		p.compilesC = true // What is compiled is not known before it is.
	}
	if len(t.Build.Stamp) > 0 {
		return nil, s.Problem(spec.Path{"targets", t.Name(), "build", "stamp"}, "stamp is not supported yet for rust-musl by this version of the frontend; "+
			"write build: {env: …}, which compiles everything anew when a value changes")
	}
	if err := p.selectBinaries(s, crates); err != nil {
		return nil, err
	}
	return p, nil
}

// imageFor picks the compiler: the spec's, else that of the project's
// rust-toolchain file, else the frontend's own default.
func imageFor(s *spec.Spec, t *spec.Target, src fs.FS) (string, error) {
	if t.Toolchain.Image != "" {
		return t.Toolchain.Image, nil
	}
	version := t.Toolchain.Version
	if version == "" {
		var err error
		if version, err = ToolchainFile(src, t.Build.Dir); err != nil {
			return "", s.Problem(s.ToolchainPath(t), err.Error())
		}
	}
	return "rust:" + cmp.Or(version, DefaultVersion) + "-bookworm", nil
}

// ToolchainFile is the version that rust-toolchain.toml in dir, or the older
// rust-toolchain, asks for ("Overrides" in the rustup book); empty when there is
// none, or when it asks for stable. The image is the toolchain, so components and
// targets are settled elsewhere. The error names the file.
func ToolchainFile(src fs.FS, dir string) (string, error) {
	for _, name := range []string{"rust-toolchain", "rust-toolchain.toml"} {
		name = path.Join(dir, name)
		data, err := fs.ReadFile(src, name)
		if err != nil {
			continue
		}
		channel := strings.TrimSpace(string(data))
		if strings.Contains(channel, "[toolchain]") {
			var file struct {
				Toolchain struct {
					Channel string `toml:"channel"`
				} `toml:"toolchain"`
			}
			if err := toml.Unmarshal(data, &file); err != nil {
				return "", fmt.Errorf("%s cannot be read: %s", name, strings.TrimPrefix(err.Error(), "toml: "))
			}
			channel = file.Toolchain.Channel
		}
		version, err := channelVersion(channel)
		if err != nil {
			return "", fmt.Errorf("%s %w", name, err)
		}
		return version, nil
	}
	return "", nil
}

// selectBinaries settles which packages and binaries Cargo builds.
func (p *Plan) selectBinaries(s *spec.Spec, crates []crate) error {
	t := p.target
	at := spec.Path{"targets", t.Name(), "build"}
	for _, name := range t.Build.Package {
		if !slices.ContainsFunc(crates, func(c crate) bool { return c.name == name }) {
			names := crateNames(crates)
			return s.Problem(t.PackagePath(), fmt.Sprintf("there is no package %q in the workspace, only %s%s", name, spec.List(names), spec.DidYouMean(name, names)))
		}
	}
	candidates := crates
	if len(t.Build.Package) > 0 {
		candidates = slices.DeleteFunc(slices.Clone(crates), func(c crate) bool { return !slices.Contains(t.Build.Package, c.name) })
	}
	if len(t.Build.Bin) > 0 {
		for _, bin := range t.Build.Bin {
			owner := slices.IndexFunc(candidates, func(c crate) bool { return slices.Contains(c.bins, bin) })
			if owner < 0 {
				bins := binNames(candidates)
				return s.Problem(at.Join("bin"), fmt.Sprintf("there is no binary %q, only %s%s", bin, spec.List(bins), spec.DidYouMean(bin, bins)))
			}
			p.add(candidates[owner].name, bin)
		}
		return p.name(s, at)
	}
	if len(t.Build.Package) > 0 {
		for _, c := range candidates {
			bin, err := p.binOf(s, c)
			if err != nil {
				return err
			}
			p.add(c.name, bin)
		}
		return p.name(s, at)
	}
	return p.byTargetName(s, crates)
}

// byTargetName finds the package or the binary that is named like the target,
// or else the only binary there is.
func (p *Plan) byTargetName(s *spec.Spec, crates []crate) error {
	name := p.target.Name()
	for _, c := range crates {
		if c.name == name {
			bin, err := p.binOf(s, c)
			if err != nil {
				return err
			}
			p.add(c.name, bin)
			return p.name(s, nil)
		}
	}
	for _, c := range crates {
		if slices.Contains(c.bins, name) {
			p.add(c.name, name)
			return p.name(s, nil)
		}
	}
	bins := binNames(crates)
	if len(bins) == 1 {
		for _, c := range crates {
			if len(c.bins) == 1 {
				p.add(c.name, c.bins[0])
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
func (p *Plan) binOf(s *spec.Spec, c crate) (string, error) {
	at := p.target.PackagePath()
	switch {
	case len(c.bins) == 0:
		return "", s.Problem(at, fmt.Sprintf("package %q has no binary; it is a library", c.name))
	case len(c.bins) == 1:
		return c.bins[0], nil
	case slices.Contains(c.bins, p.target.Name()):
		return p.target.Name(), nil
	case c.defaultRun != "":
		return c.defaultRun, nil
	}
	return "", s.Problem(at, fmt.Sprintf("package %q has several binaries, %s; write build: {package: %s, bin: %s}",
		c.name, spec.List(c.bins), c.name, c.bins[0]))
}

func (p *Plan) add(pkg, bin string) {
	if !slices.Contains(p.packages, pkg) {
		p.packages = append(p.packages, pkg)
	}
	p.bins = append(p.bins, bin)
}

// name gives the binaries the names that they have in the image: one is named
// like the target, several keep theirs.
func (p *Plan) name(s *spec.Spec, at spec.Path) error {
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

func crateNames(crates []crate) []string {
	out := make([]string, len(crates))
	for i, c := range crates {
		out[i] = c.name
	}
	return out
}

func binNames(crates []crate) []string {
	var out []string
	for _, c := range crates {
		out = append(out, c.bins...)
	}
	return out
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

// Binaries names the binaries that the build leaves.
func (p *Plan) Binaries() []string { return p.binaries }

// Title is the cargo command in short.
func (p *Plan) Title() string {
	profile := "--release"
	if p.profile() != releaseProfile {
		profile = "--profile " + p.profile()
	}
	return "cargo build " + profile + " (" + strings.Join(p.binaries, ", ") + ")"
}

const (
	cargoHome = "/fromscratch/cargo"
	// workDir is the cache mount that holds the mirror of the sources and the
	// target directory. They are one mount, because a mirror without its target
	// directory, or the other way round, would be of no use.
	workDir   = "/fromscratch/project"
	targetDir = workDir + "/target"
	helper    = "/fromscratch/sourcesync"
)

// Compile adds cargo build to the graph. Cargo trusts the modification times of
// sources, so it never sees those of the build context: it builds in the mirror
// that the helper keeps, see package sourcesync.
func (p *Plan) Compile(e toolchain.Env, pf platform.Platform) llb.State {
	triple := pf.Rust.Triple
	cargo := append(p.command(), "--target", triple)
	if pf.Rust.CPU != "" {
		// A --config joins the project's own rustflags, RUSTFLAGS would replace them.
		cargo = append(cargo, "--config", fmt.Sprintf("target.%s.rustflags=[\"-Ctarget-cpu=%s\"]", triple, pf.Rust.CPU))
	}
	for _, pkg := range p.packages {
		cargo = append(cargo, "--package", pkg)
	}
	args := sourcesync.Command{
		Helper: helper,
		Source: toolchain.SourceDir,
		Work:   workDir,
		Dir:    p.target.Build.Dir,
	}
	for i, bin := range p.bins {
		cargo = append(cargo, "--bin", bin)
		args.Copy = append(args.Copy, sourcesync.Copy{
			From: path.Join(targetDir, triple, p.profileDir(), bin),
			To:   path.Join(toolchain.OutDir, p.binaries[i]),
		})
	}
	args.Run = cargo

	opts := []llb.RunOption{
		llb.Args(args.Args()),
		llb.Dir("/"),
		llb.AddMount(toolchain.SourceDir, e.Source, llb.Readonly),
		llb.AddMount(helper, e.Tools, llb.Readonly, llb.SourcePath(sourcesync.Path)),
		// One mount for the whole home: Cargo's lock lies at its root.
		e.CacheMount(cargoHome, "cargo/home", llb.CacheMountShared),
		e.CacheMount(workDir, strings.Join([]string{"cargo/work", p.project(), triple + pf.Rust.CPU, p.profile(), p.environmentID(), e.Image.Digest}, "/"), llb.CacheMountLocked),
		llb.WithCustomNamef("[%s] %s", pf, p.Title()),
	}
	for _, kv := range p.environment(e, pf) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	opts = append(append(opts, e.BuildLocation), e.Run...)
	return p.prepared(e, pf).Run(opts...).AddMount(toolchain.OutDir, llb.Scratch())
}

// environmentID tells environments apart. A macro or a build script that reads a
// variable need not tell Cargo of it, so what was compiled with one value of it is
// not there for another.
func (p *Plan) environmentID() string {
	env := p.target.Build.Env
	if len(env) == 0 {
		return "env"
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(h, "%q=%q\n", name, env[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// project identifies the sources among all that a builder compiles. Two
// checkouts of one project share it: the mirror tells their files apart.
func (p *Plan) project() string {
	return strings.Join(p.packages, "+") + "@" + p.target.Build.Dir
}

// command is cargo build with the flags that do not depend on the platform.
func (p *Plan) command() []string {
	b := &p.target.Build
	args := []string{"cargo", "build", "--profile", p.profile()}
	if p.locked() {
		args = append(args, "--locked")
	}
	if n := p.target.Toolchain.Jobs; n > 0 {
		args = append(args, "--jobs", strconv.Itoa(n))
	}
	if len(b.Features) > 0 {
		args = append(args, "--features", strings.Join(b.Features, ","))
	}
	if b.DefaultFeatures != nil && !*b.DefaultFeatures {
		args = append(args, "--no-default-features")
	}
	return args
}

const releaseProfile = "release"

func (p *Plan) profile() string { return cmp.Or(p.target.Build.Profile, releaseProfile) }

// profileDir is where Cargo leaves what it builds with a profile; two of its
// profiles do not have a directory of their name ("Build cache" in the Cargo book).
func (p *Plan) profileDir() string {
	switch p.profile() {
	case "dev", "test":
		return "debug"
	case "bench":
		return releaseProfile
	}
	return p.profile()
}

func (p *Plan) locked() bool { return p.target.Build.Locked == nil || *p.target.Build.Locked }

// environment is that of the spec, and over it what the promises rest on.
func (p *Plan) environment(e toolchain.Env, pf platform.Platform) [][2]string {
	triple := pf.Rust.Triple
	gcc := pf.Rust.GNU + "-gcc"
	var env [][2]string
	for _, name := range slices.Sorted(maps.Keys(p.target.Build.Env)) {
		env = append(env, [2]string{name, p.target.Build.Env[name]})
	}
	env = append(env, [][2]string{
		{"CARGO_HOME", cargoHome},
		{"CARGO_TARGET_DIR", targetDir},
		// Incremental compiles leave other bytes than clean ones.
		{"CARGO_INCREMENTAL", "0"},
		{"CARGO_PROFILE_" + envName(p.profile()) + "_STRIP", "symbols"},
		{"CARGO_TARGET_" + envName(triple) + "_LINKER", gcc},
		// The toolchain image is part of what was compiled, but BuildKit leaves cache
		// ids out of the key of an exec: what tells mounts apart is said here again.
		{"FROMSCRATCH_TOOLCHAIN", e.Image.Digest},
	}...)
	// A rust-toolchain file would make rustup download its channel on every build.
	if v := e.Image.Getenv("RUST_VERSION"); v != "" {
		env = append(env, [2]string{"RUSTUP_TOOLCHAIN", v})
	}
	// C inside crates is compiled against musl's headers, never glibc's. The cc
	// crate reads these with the triple as it is and with underscores. The specs go
	// with the compiler, not into CFLAGS, which the cc crate joins from both.
	cc := gcc + " -specs /usr/lib/" + pf.Rust.Musl + "/musl-gcc.specs"
	for _, t := range []string{triple, strings.ReplaceAll(triple, "-", "_")} {
		env = append(env, [2]string{"CC_" + t, cc}, [2]string{"AR_" + t, pf.Rust.GNU + "-ar"})
	}
	return env
}

func envName(triple string) string {
	return strings.ToUpper(strings.ReplaceAll(triple, "-", "_"))
}
