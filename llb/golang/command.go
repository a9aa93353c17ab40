package golang

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// command is a go build with those flags that what it compiles depends on, or that
// say how to compile. It shows what it compiles.
func (p *Plan) command() []string {
	args := []string{"go", "build", "-v", "-trimpath", "-buildvcs=" + strconv.FormatBool(p.project.hasGit())}
	if n := p.target.Toolchain.Jobs; n > 0 {
		args = append(args, "-p="+strconv.Itoa(n))
	}
	if tags := p.tags(); len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	return args
}

// tags are the build tags: those of the spec, or else those of GOFLAGS, which the
// former replace as on the command line.
func (p *Plan) tags() []string {
	b := &p.target.Build
	tags := slices.Clone([]string(b.Tags))
	if len(tags) == 0 {
		for _, flag := range strings.Fields(b.Env["GOFLAGS"]) {
			if list, ok := strings.CutPrefix(strings.Replace(flag, "--", "-", 1), "-tags="); ok {
				tags = strings.Split(list, ",")
			}
		}
	}
	if b.TZData == spec.EmbedTZData {
		tags = append(tags, "timetzdata")
	}
	return tags
}

// programs are the arguments of the go build of programs.
func (p *Plan) programs(r *resolved) []string {
	b := &p.target.Build
	args := append(p.command(), gcflags(b.Optimize, b.Gcflags)...)
	if r.profile != "" {
		args = append(args, "-pgo="+path.Join(toolchain.SourceDir, r.profile))
	}
	out := toolchain.OutDir + "/"
	if len(p.together) == 1 && len(p.own.packages) == 1 {
		out += p.own.files[0]
	}
	args = append(args, "-ldflags="+ldflags(b), "-o", out)
	var packages []string
	for _, sel := range p.together {
		packages = append(packages, sel.packages...)
	}
	return append(args, unique(packages)...)
}

// libraries are the arguments of the go build of dependencies. Flags for the packages
// that go build is told are for the program's own.
func (p *Plan) libraries(r *resolved) []string {
	args := append(p.command(), gcflags(p.target.Build.Optimize, patterns(p.target.Build.Gcflags))...)
	if r.profile != "" {
		args = append(args, "-pgo="+path.Join(toolchain.SourceDir, r.profile))
	}
	// A program of another module is no more than compiled.
	return append(append(args, "-o", "/dev/null"), r.dependencies...)
}

// noInlining is the flag of the compiler that makes programs smaller: a function is
// in a program once, and not also wherever it is called.
const noInlining = "-l"

// gcflags passes flags for a pattern of packages each on its own, as the go
// command takes them, and joins the others, of which it would take the last. Of all
// that are for a package the go command takes the last too, so what makes programs
// smaller comes first, and is part of those for the program's own packages.
func gcflags(optimize string, flags []string) []string {
	var out, plain []string
	for _, f := range flags {
		if strings.HasPrefix(f, "-") {
			plain = append(plain, f)
		} else {
			out = append(out, "-gcflags="+f)
		}
	}
	if len(plain) > 0 {
		if optimize == spec.OptimizeSize {
			plain = append([]string{noInlining}, plain...)
		}
		out = append([]string{"-gcflags=" + strings.Join(plain, " ")}, out...)
	}
	if optimize == spec.OptimizeSize {
		out = append([]string{"-gcflags=all=" + noInlining}, out...)
	}
	return out
}

// ldflags strips the binary, leaves out the build id, which differs where nothing
// else does, and sets the stamps, all in one flag: of several the go command takes
// the last.
func ldflags(b *spec.Build) string {
	flags := append([]string{"-s", "-w", "-buildid="}, b.Ldflags...)
	for _, name := range slices.Sorted(maps.Keys(b.Stamp)) {
		quote := "'"
		if strings.Contains(b.Stamp[name], quote) {
			quote = `"`
		}
		flags = append(flags, "-X", quote+name+"="+b.Stamp[name]+quote)
	}
	return strings.Join(flags, " ")
}

// settings is the environment of every go command: that of the spec, and over it what
// the promises rest on.
func (p *Plan) settings() [][2]string {
	var env [][2]string
	for _, name := range slices.Sorted(maps.Keys(p.target.Build.Env)) {
		env = append(env, [2]string{name, p.target.Build.Env[name]})
	}
	// The go command trusts the size and the modification time of a file when it
	// indexes the imports of a package. Contexts from git or a tar archive can give
	// two versions of a file the same of both, so the index is not used.
	godebug := "goindex=0"
	if own := p.target.Build.Env["GODEBUG"]; own != "" {
		godebug = own + "," + godebug
	}
	return append(env, [][2]string{
		{"GOMODCACHE", modCache},
		// The image is the toolchain: another one is never downloaded.
		{"GOTOOLCHAIN", "local"},
		{"GODEBUG", godebug},
	}...)
}

// seldom has the compiler and the linker collect garbage more seldom than Go programs
// do by themselves, which saves a sixth of the processor time of a compile. With the
// limit, a large package takes no more memory for it. Neither is in what they make, and
// the spec may say otherwise.
var seldom = [][2]string{{"GOGC", "400"}, {"GOMEMLIMIT", "2GiB"}}

// environment is that of a compile for pf.
func (p *Plan) environment(pf platform.Platform) [][2]string {
	env := slices.Concat(seldom, p.settings())
	env = append(env, [][2]string{{"CGO_ENABLED", "0"}, {"GOOS", "linux"}, {"GOARCH", pf.Go.Arch}}...)
	if p.project.hasGit() {
		// The sources belong to whoever sent them, and git distrusts those of others.
		env = append(env, [][2]string{{"GIT_CONFIG_COUNT", "1"}, {"GIT_CONFIG_KEY_0", "safe.directory"}, {"GIT_CONFIG_VALUE_0", "*"}}...)
	}
	if pf.Go.Variant[0] != "" {
		env = append(env, pf.Go.Variant)
	}
	return env
}
