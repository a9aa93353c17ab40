// Package golang is the go-cgo0 toolchain: Go without cgo.
package golang

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// DefaultVersion is the Go that compiles a project which asks for none.
const DefaultVersion = "1.26"

// Plan is one go build.
type Plan struct {
	target   *spec.Target
	module   string
	image    string
	packages []string
	binaries []string
}

var _ toolchain.Plan = (*Plan)(nil)

// New plans the build of t from what src, the build context, says. The error is
// a *spec.Problem when the spec or the sources are at fault.
func New(s *spec.Spec, t *spec.Target, src fs.FS) (*Plan, error) {
	p := &Plan{target: t}
	mod, err := readModule(s, t, src)
	if err != nil {
		return nil, err
	}
	if mod.Module != nil {
		p.module = mod.Module.Mod.Path
	}
	p.image = imageFor(t.Toolchain, mod)
	if err := p.selectPackages(s, src); err != nil {
		return nil, err
	}
	return p, nil
}

func readModule(s *spec.Spec, t *spec.Target, src fs.FS) (*modfile.File, error) {
	dirPath := spec.Path{"targets", t.Name(), "build", "dir"}
	name := path.Join(t.Build.Dir, "go.mod")
	data, err := fs.ReadFile(src, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.Problem(dirPath, toolchain.Missing(t, src, "go.mod",
			"run go mod init, pass the folder that holds it as the build context, or see whether .dockerignore leaves it out"))
	}
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(name, data, nil)
	if err == nil {
		return mod, nil
	}
	// A newer Go may know directives that this reader does not; what it needs to
	// know is older than they are.
	if lax, laxErr := modfile.ParseLax(name, data, nil); laxErr == nil && lax.Module != nil {
		return lax, nil
	}
	return nil, s.Problem(dirPath, "go.mod cannot be read: "+err.Error())
}

// imageFor picks the compiler: the spec's, else the exact one of the module's
// toolchain line, else the newest patch release of its go line, which is a
// minimum.
func imageFor(t spec.Toolchain, mod *modfile.File) string {
	if t.Image != "" {
		return t.Image
	}
	version := t.Version
	if version == "" && mod.Toolchain != nil && strings.HasPrefix(mod.Toolchain.Name, "go") {
		version = strings.TrimPrefix(mod.Toolchain.Name, "go")
	}
	if version == "" && mod.Go != nil {
		version = strings.TrimPrefix(semver.MajorMinor("v"+mod.Go.Version), "v")
	}
	if version == "" {
		version = DefaultVersion
	}
	return "golang:" + version
}

func (p *Plan) selectPackages(s *spec.Spec, src fs.FS) error {
	t := p.target
	p.packages = t.Build.Package
	if len(p.packages) == 0 {
		p.packages = []string{"."}
		byName := path.Join("cmd", t.Name())
		if toolchain.IsDir(src, path.Join(t.Build.Dir, byName)) {
			p.packages = []string{"./" + byName}
		}
	}
	for _, pkg := range p.packages {
		if err := checkPackage(s, t, src, pkg); err != nil {
			return err
		}
	}
	if len(p.packages) == 1 {
		p.binaries = []string{t.Name()}
		return nil
	}
	for _, pkg := range p.packages {
		name := path.Base(pkg)
		if name == "." {
			name = path.Base(p.module)
		}
		p.binaries = append(p.binaries, name)
	}
	return nil
}

func checkPackage(s *spec.Spec, t *spec.Target, src fs.FS, pkg string) error {
	at := t.PackagePath()
	switch {
	case strings.Contains(pkg, "..."):
		return s.Problem(at, fmt.Sprintf("%q is a pattern; name the packages of the binaries one by one", pkg))
	case path.IsAbs(pkg):
		return s.Problem(at, fmt.Sprintf("%q is an absolute path; a package is relative to the module: write .%s", pkg, pkg))
	case pkg != "." && !strings.HasPrefix(pkg, "./") && !strings.HasPrefix(pkg, "../"):
		if toolchain.IsDir(src, path.Join(t.Build.Dir, pkg)) {
			return s.Problem(at, fmt.Sprintf("%q is an import path to Go, not a folder: write ./%s", pkg, pkg))
		}
		// An import path: whether it exists is for the go command to say.
		return nil
	}
	dir := path.Join(t.Build.Dir, pkg)
	if dir == ".." || strings.HasPrefix(dir, "../") {
		return s.Problem(at, fmt.Sprintf("%q lies outside the build context", pkg))
	}
	if !toolchain.IsDir(src, dir) {
		msg := fmt.Sprintf("there is no folder %s in the build context", dir)
		if mains := commands(src, t.Build.Dir); len(mains) > 0 {
			msg += "; the commands of this module are " + spec.List(mains) + spec.DidYouMean(pkg, mains)
		}
		return s.Problem(at, msg)
	}
	if found, err := fs.Glob(src, path.Join(dir, "*.go")); err == nil && len(found) == 0 {
		return s.Problem(at, fmt.Sprintf("there are no Go files in %s", dir))
	}
	return nil
}

// commands lists the packages below cmd, where commands live by convention.
func commands(src fs.FS, dir string) []string {
	entries, err := fs.ReadDir(src, path.Join(dir, "cmd"))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, "./cmd/"+e.Name())
		}
	}
	return out
}

// Image names the image of the Go toolchain.
func (p *Plan) Image() string { return p.image }

// Supports tells whether Go compiles for pf.
func (p *Plan) Supports(platform.Platform) error { return nil }

// Binaries names the binaries that the build leaves.
func (p *Plan) Binaries() []string { return p.binaries }

// Files is where Compile leaves them: in its root.
func (p *Plan) Files() []string { return p.Binaries() }

// Title is the go command in short.
func (p *Plan) Title() string { return "go build " + strings.Join(p.packages, " ") }

const (
	modCache   = "/fromscratch/go/mod"
	buildCache = "/fromscratch/go/build"
)

// Compile adds go build to the graph. GOMODCACHE and GOCACHE are safe for
// concurrent use and addressed by content, so all platforms share them.
func (p *Plan) Compile(e toolchain.Env, pf platform.Platform) llb.State {
	out := toolchain.OutDir + "/"
	if len(p.binaries) == 1 {
		out += p.binaries[0]
	}
	args := append(p.command(), "-o", out)
	args = append(args, p.packages...)
	opts := []llb.RunOption{
		llb.Args(args),
		llb.Dir(path.Join(toolchain.SourceDir, p.target.Build.Dir)),
		llb.AddMount(toolchain.SourceDir, e.Source, llb.Readonly),
		e.CacheMount(modCache, "go/mod/"+p.module, llb.CacheMountShared),
		e.CacheMount(buildCache, "go/build/"+p.module, llb.CacheMountShared),
		llb.WithCustomNamef("[%s] %s", pf, p.Title()),
	}
	for _, kv := range p.environment(pf) {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	opts = append(append(opts, e.BuildLocation), e.Run...)
	return e.WithPackages(p.target.Toolchain.Packages).Run(opts...).AddMount(toolchain.OutDir, llb.Scratch())
}

// command is go build with its flags.
func (p *Plan) command() []string {
	b := &p.target.Build
	args := []string{"go", "build", "-trimpath", "-buildvcs=false"}
	if n := p.target.Toolchain.Jobs; n > 0 {
		args = append(args, "-p="+strconv.Itoa(n))
	}
	tags := slices.Clone([]string(b.Tags))
	if b.TZData == "embed" {
		tags = append(tags, "timetzdata")
	}
	if len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	return append(append(args, gcflags(b.Gcflags)...), "-ldflags="+ldflags(b))
}

// gcflags passes flags for a pattern of packages each on its own, as the go
// command takes them, and joins the others, of which it would take the last.
func gcflags(flags []string) []string {
	var out, plain []string
	for _, f := range flags {
		if strings.HasPrefix(f, "-") {
			plain = append(plain, f)
		} else {
			out = append(out, "-gcflags="+f)
		}
	}
	if len(plain) > 0 {
		out = append([]string{"-gcflags=" + strings.Join(plain, " ")}, out...)
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

// environment is that of the spec, and over it what the promises rest on.
func (p *Plan) environment(pf platform.Platform) [][2]string {
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
	env = append(env, [][2]string{
		{"CGO_ENABLED", "0"},
		{"GOOS", "linux"},
		{"GOARCH", pf.Go.Arch},
		{"GOMODCACHE", modCache},
		{"GOCACHE", buildCache},
		// The image is the toolchain: another one is never downloaded.
		{"GOTOOLCHAIN", "local"},
		{"GODEBUG", godebug},
	}...)
	if pf.Go.Variant[0] != "" {
		env = append(env, pf.Go.Variant)
	}
	return env
}
