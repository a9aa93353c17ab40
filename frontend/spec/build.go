package spec

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Build says what to compile. A single value is short for {package: …}.
type Build struct {
	// Dir is the root of the module or workspace, relative to the context.
	// Default: ".".
	Dir string `yaml:"dir"`
	// Package is the package to compile: for Go one or more package paths, by
	// default ./cmd/<target> if it exists, else "."; for Rust one or more Cargo
	// packages, by default the one named like the target.
	Package Words `yaml:"package"`
	// Bin is the binary target of a Rust package, or several.
	Bin Words `yaml:"bin"`
	// Profile is the Cargo profile. Default: release.
	Profile string `yaml:"profile"`
	// Features are Cargo features to enable.
	Features Words `yaml:"features"`
	// DefaultFeatures tells whether the default features of the Rust package are on.
	// Default: true.
	DefaultFeatures *bool `yaml:"default-features"`
	// Locked tells whether Cargo.lock must be there and up to date. Default: true.
	Locked *bool `yaml:"locked"`
	// Tags are Go build tags.
	Tags Words `yaml:"tags"`
	// Ldflags are flags of the Go linker, beside those that strip the binary.
	Ldflags Words `yaml:"ldflags"`
	// Gcflags are flags of the Go compiler: for the packages of the module, or for
	// those of a pattern, as in all=-l.
	Gcflags Words `yaml:"gcflags"`
	// TZData embeds the time zone database in a Go binary: embed.
	TZData string `yaml:"tzdata"`
	// Stamp sets strings without a compile: for Go variables of packages, such as
	// main.version; for Rust the environment of the last compile.
	Stamp map[string]string `yaml:"stamp"`
	// Env is the environment of the compile.
	Env map[string]string `yaml:"env"`
	// Inputs fill folders of the build context from other contexts, by their names:
	// {web/dist: ui} has what --build-context ui=… holds, such as generated files.
	Inputs map[string]string `yaml:"inputs"`

	// Optimize is what the compiler optimizes for: size, for which Go inlines nothing,
	// or, for Rust, speed. Default: what the profile says, and for Go its compiler.
	Optimize string `yaml:"optimize"`
	// Group is a name that targets share which are compiled together, in one run of
	// the compiler. They agree in everything but package and bin.
	Group string `yaml:"group"`
	// Network is none when the compile must do without a network. Dependencies are
	// downloaded before it.
	Network string `yaml:"network"`
	// Cache says how compiled dependencies are kept: layers are exported with
	// --cache-to and survive a prune of the cache mounts, mounts are not. Default:
	// auto.
	Cache string `yaml:"cache"`
	// Secrets lists what the compiler is shown of the secrets of the build.
	Secrets []Secret `yaml:"secrets"`
	// Auditable tells whether a Rust binary carries the list of the packages that it
	// was compiled from, where scanners for known vulnerabilities look for it.
	// Default: false.
	Auditable bool `yaml:"auditable"`
	// Src is the finished binary of a prebuilt target, relative to its context, or
	// several.
	Src Words `yaml:"src"`
	// From is the named context that src is in. Default: the build context.
	From string `yaml:"from"`

	// short is set when the build was written as a single value.
	short bool
}

// Values of Build.Optimize.
const (
	OptimizeSize  = "size"
	OptimizeSpeed = "speed"
)

// Values of Build.Cache.
const (
	CacheAuto   = "auto"
	CacheLayers = "layers"
	CacheMounts = "mounts"
)

// EmbedTZData is the value of Build.TZData.
const EmbedTZData = "embed"

// Optimizations, Caches and Networks list what the keys take.
var (
	Optimizations = []string{OptimizeSize, OptimizeSpeed}
	Caches        = []string{CacheAuto, CacheLayers, CacheMounts}
	Networks      = []string{"none"}
)

func (b *Build) decode(d *decoder, n *yaml.Node, path Path) {
	switch n.Kind {
	case yaml.ScalarNode:
		b.short = true
		if s, ok := d.scalar(n, path); ok {
			b.Package = Words{s}
			d.nonEmpty(n, path, s)
		}
		return
	case yaml.SequenceNode:
		d.wrongKind(n, path, "one package or a mapping such as {package: [./cmd/a, ./cmd/b]}")
		return
	}
	d.mapping(n, path, reflect.ValueOf(b).Elem())
}

// PackagePath is the path of the build's package in the spec, whichever form it
// was written in.
func (t *Target) PackagePath() Path {
	if t.Build.short {
		return Path{"targets", t.name, "build"}
	}
	return Path{"targets", t.name, "build", "package"}
}

func (d *decoder) validateBuild(t *Target, p Path) {
	b := &t.Build
	if b.Dir == "" {
		b.Dir = "."
	}
	at := d.at.value(p.Join("dir"))
	switch {
	case path.IsAbs(b.Dir):
		d.problemAt(at, "dir is relative to the build context: write %s", quote(path.Clean(strings.TrimLeft(b.Dir, "/"))))
	case strings.Contains(b.Dir, "\\"):
		d.problemAt(at, "dir is written with slashes: write %s", quote(strings.ReplaceAll(b.Dir, "\\", "/")))
	case leavesContext(b.Dir):
		d.problemAt(at, "%s lies outside the build context; pass a context that holds it, such as docker buildx build -f %s ..", quote(b.Dir), d.file)
	}
	b.Dir = path.Clean(b.Dir)

	d.validateEnv(b.Env, p.Join("env"))
	d.belongs(t, p)
	d.validateInputs(b.Inputs, p.Join("inputs"))
	for _, of := range []struct {
		key, value string
		words      []string
	}{{"optimize", b.Optimize, Optimizations}, {"cache", b.Cache, Caches}, {"network", b.Network, Networks}} {
		if of.value != "" && !slices.Contains(of.words, of.value) {
			d.problemAt(d.at.value(p.Join(of.key)), "%s must be %s, not %s%s", of.key, strings.Join(of.words, " or "), quote(of.value), DidYouMean(of.value, of.words))
		}
	}
	if b.Group != "" && !targetName.MatchString(b.Group) {
		d.problemAt(d.at.value(p.Join("group")), "%s cannot be the name of a group; use letters, digits, '.', '_' and '-'", quote(b.Group))
	}
	switch t.Toolchain.Name {
	case Prebuilt:
		d.validatePrebuilt(t, p)
		return
	case GoCGO0:
		d.validateGo(b, p)
	case RustMusl:
		d.validateRust(b, p)
		for i, pkg := range b.Package {
			if strings.ContainsAny(pkg, "/\\") || pkg == "." {
				d.problemAt(d.wordAt(t, i), "%s is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: %s}",
					quote(pkg), clip(path.Clean(strings.TrimLeft(strings.ReplaceAll(pkg, "\\", "/"), "/"))))
			}
		}
	}
	for i, pkg := range b.Package {
		if strings.HasPrefix(pkg, "-") {
			d.problemAt(d.wordAt(t, i), "%s looks like a flag, and package takes names only; write %s", quote(pkg), packageExample(t.Toolchain.Name))
		}
	}
	for i, bin := range b.Bin {
		if strings.HasPrefix(bin, "-") || strings.ContainsAny(bin, "/\\") {
			d.problemAt(d.at.value(p.Join("bin", index(i, b.Bin))), "%s cannot be the name of a binary; write it as in Cargo.toml, without a folder", quote(bin))
		}
	}
}

// belongs refuses the keys of other toolchains.
func (d *decoder) belongs(t *Target, p Path) {
	compilers := []string{GoCGO0, RustMusl}
	for _, of := range []struct {
		toolchains []string
		keys       []string
	}{
		{compilers[1:], []string{"bin", "profile", "features", "default-features", "locked", "auditable"}},
		{compilers[:1], []string{"tags", "ldflags", "gcflags", "tzdata"}},
		{compilers, []string{"dir", "package", "optimize", "stamp", "env", "inputs", "group", "network", "cache", "secrets"}},
		{[]string{Prebuilt}, []string{"src", "from"}},
	} {
		if t.Toolchain.Name == "" || slices.Contains(of.toolchains, t.Toolchain.Name) {
			continue
		}
		for _, key := range of.keys {
			if _, ok := d.at.keys[p.Join(key).id()]; !ok {
				continue
			}
			hint := "remove it"
			switch {
			case t.Toolchain.Name == Prebuilt && key == "package":
				hint = "write the binary as src"
			case t.Toolchain.Name == Prebuilt && key == "dir":
				hint = "write the whole path as src"
			case t.Toolchain.Name != Prebuilt && key == "bin" && len(t.Build.Bin) > 0 && t.Build.Bin[0] != "":
				hint = "for Go write package: ./cmd/" + clip(t.Build.Bin[0])
			case key == "src":
				hint = "write toolchain: prebuilt, or say what to compile with package"
			}
			d.problemAt(d.at.key(p.Join(key)), "%s belongs to %s; %s", key, List(of.toolchains), hint)
		}
	}
}

func (d *decoder) validateInputs(inputs map[string]string, p Path) {
	for _, dir := range slices.Sorted(maps.Keys(inputs)) {
		switch at := p.Join(dir); {
		case path.IsAbs(dir) || leavesContext(dir):
			d.problemAt(d.at.key(at), "%s is not a folder of the build context; write a path relative to its root", quote(dir))
		case path.Clean(dir) == ".":
			d.problemAt(d.at.key(at), "the root of the build context cannot be filled from another; pass that as the context")
		case path.Clean(dir) != dir:
			d.problemAt(d.at.key(at), "write %s", quote(path.Clean(dir)))
		case inputs[dir] == "":
			d.problemAt(d.at.value(at), "say which context fills %s, by the name that --build-context gives it", dir)
		}
	}
}

// goVariable is what the linker's -X can set: a string variable of a package.
var goVariable = regexp.MustCompile(`^[^\s='"]+\.[\pL_][\pL\pN_]*$`)

// reservedGo lists the environment of the Go compile that its promises rest on.
var reservedGo = []string{"CGO_ENABLED", "GOOS", "GOARCH", "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN"}

func (d *decoder) validateGo(b *Build, p Path) {
	for _, k := range slices.Sorted(maps.Keys(b.Stamp)) {
		at := p.Join("stamp", k)
		switch {
		case !goVariable.MatchString(k):
			d.problemAt(d.at.key(at), "%s is not a variable of a package; write one such as main.version", quote(k))
		case strings.ContainsAny(b.Stamp[k], "\n\r") || strings.Contains(b.Stamp[k], "'") && strings.Contains(b.Stamp[k], `"`):
			d.problemAt(d.at.value(at), "the linker takes no line break, and no value with both kinds of quotes")
		}
	}
	if b.TZData != "" && b.TZData != EmbedTZData {
		d.problemAt(d.at.value(p.Join("tzdata")), "tzdata must be embed, not %s; for files in the image write extras: [tzdata]", quote(b.TZData))
	}
	for i, f := range b.Ldflags {
		if hint := refusedLdflag(f); hint != "" {
			d.problemAt(d.at.value(p.Join("ldflags", index(i, b.Ldflags))), "%s %s", quote(f), hint)
		}
	}
	for i, tag := range b.Tags {
		if strings.ContainsAny(tag, ", \t\n\r\"'") || strings.HasPrefix(tag, "-") {
			d.problemAt(d.at.value(p.Join("tags", index(i, b.Tags))), "%s is not a build tag; write several as a list: [one, two]", quote(tag))
		}
	}
	if b.Optimize == OptimizeSpeed {
		d.problemAt(d.at.value(p.Join("optimize")), "go-cgo0 knows optimize: size only, since the Go compiler has no levels; remove it. What makes a Go program faster is "+
			"a profile, default.pgo beside the program, and a later processor, such as --platform linux/amd64/v3")
	}
	d.reserved(b.Env, p.Join("env"), reservedGo)
	for _, flag := range strings.Fields(b.Env["GOFLAGS"]) {
		if hint := refusedGoFlag(flag); hint != "" {
			d.problemAt(d.at.value(p.Join("env", "GOFLAGS")), "%s %s", quote(flag), hint)
		}
	}
}

// refusedGoFlag says why a flag in GOFLAGS would break what an image promises, or get
// lost.
func refusedGoFlag(flag string) string {
	name, value, _ := strings.Cut(strings.Replace(strings.Trim(flag, `'"`), "--", "-", 1), "=")
	switch name {
	case "-buildmode":
		if value == "exe" || value == "default" {
			return ""
		}
		return "asks for a program that needs a dynamic linker, which an image from scratch has not; remove it"
	case "-linkshared", "-race", "-msan", "-asan":
		return "needs cgo and shared libraries, and go-cgo0 compiles without; remove it"
	case "-toolexec":
		return "puts another program in the place of the compiler, of which no cache knows; remove it"
	case "-ldflags", "-gcflags":
		return "would be replaced by the frontend's own; write it under build." + name[1:]
	case "-trimpath":
		if value == "false" {
			return "would write paths of the builder into the program; remove it"
		}
	case "-C", "-o", "-n", "-json":
		return "changes what the go command is told to do; remove it"
	}
	return ""
}

// refusedLdflag says why a flag of the linker would break what an image promises.
// One value may hold several, in quotes or not.
func refusedLdflag(flags string) string {
	if flags != "" && strings.TrimSpace(flags) == "" {
		return "is no flag; remove it"
	}
	for _, flag := range strings.Fields(flags) {
		name, _, _ := strings.Cut(strings.TrimLeft(flag, `'"`), "=")
		switch name = strings.TrimRight(name, `'"`); strings.Replace(name, "--", "-", 1) {
		case "-linkmode", "-extld", "-extldflags", "-extar":
			return "asks for the C linker, whose programs need shared libraries; remove it"
		case "-linkshared", "-buildmode", "-I":
			return "asks for a program that needs shared libraries; remove it"
		case "-X":
			return "belongs under stamp: write stamp: {main.version: value}"
		case "-buildid":
			return "would make the same sources give other bytes; remove it"
		}
	}
	return ""
}

// reservedRust is likewise for the Rust compile.
var reservedRust = []string{"CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_BUILD_BUILD_DIR", "CARGO_INCREMENTAL", "RUSTUP_TOOLCHAIN"}

func (d *decoder) validateRust(b *Build, p Path) {
	if b.Profile != "" && !profileName.MatchString(b.Profile) {
		d.problemAt(d.at.value(p.Join("profile")), "%s cannot be the name of a profile; write one of Cargo.toml, such as release", quote(b.Profile))
	}
	for i, f := range b.Features {
		if strings.ContainsAny(f, ", \t\n\r") || strings.HasPrefix(f, "-") {
			d.problemAt(d.at.value(p.Join("features", index(i, b.Features))), "%s is not a feature; write several as a list: [one, two]", quote(f))
		}
	}
	d.validateEnv(b.Stamp, p.Join("stamp"))
	d.reserved(b.Env, p.Join("env"), reservedRust)
	d.reserved(b.Stamp, p.Join("stamp"), reservedRust)
}

var profileName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (d *decoder) reserved(env map[string]string, p Path, names []string) {
	for _, name := range names {
		if _, ok := env[name]; ok {
			d.problemAt(d.at.key(p.Join(name)), "%s is set by the frontend, and its promises rest on it; remove it", name)
		}
	}
}

func packageExample(toolchain string) string {
	if toolchain == RustMusl {
		return "one as in Cargo.toml"
	}
	return "one such as ./cmd/app"
}

// wordAt is where the i-th package of t was written.
func (d *decoder) wordAt(t *Target, i int) Range {
	return d.at.value(t.PackagePath().Join(index(i, t.Build.Package)))
}

func leavesContext(p string) bool {
	p = path.Clean(p)
	return p == ".." || strings.HasPrefix(p, "../")
}
