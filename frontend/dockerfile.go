package frontend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"

	"github.com/fromscratch-build/fromscratch/frontend/dockerfile"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
	"github.com/fromscratch-build/fromscratch/llb/upx"
)

// requestDockerfile is a call of our own: docker buildx build --call dockerfile.
const requestDockerfile = "frontend.dockerfile"

var dockerfileDefinition = subrequests.Request{
	Name:        requestDockerfile,
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "Print a Dockerfile that does what the build does",
	Opts:        []subrequests.Named{{Name: "target", Description: "the target, binaries or a debug variant"}, {Name: "platform", Description: "the platforms that it is for"}, {Name: "build-arg:" + argDockerfile, Description: "plain for builders without BuildKit"}},
	Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
}

const (
	// argDockerfile is the build argument that says in which form to print a Dockerfile.
	argDockerfile = "FROMSCRATCH_DOCKERFILE"
	// keySource is where BuildKit says which image the frontend runs from.
	keySource = "source"
	// releasedFrontend is the image of the frontend where it does not run from one.
	releasedFrontend = "fromscratch/frontend:1"
)

// dockerfile answers with a Dockerfile. Nothing is compiled for it; all that a build would
// refuse before it compiles is refused here too.
func (f Frontend) dockerfile(ctx context.Context, req *request) (*client.Result, error) {
	in := dockerfile.Input{Form: dockerfile.Form(cmp.Or(req.BuildArgs[argDockerfile], string(dockerfile.BuildKit))), Spec: path.Base(req.source.Filename)}
	if !slices.Contains(dockerfile.Forms, string(in.Form)) {
		return nil, fmt.Errorf("%s is %s, not %q%s", argDockerfile, strings.Join(dockerfile.Forms, " or "), in.Form, spec.DidYouMean(string(in.Form), dockerfile.Forms))
	}
	var err error
	if in.Platforms, err = req.platforms(); err != nil {
		return nil, err
	}
	if in.Form == dockerfile.Plain && len(in.Platforms) > 1 {
		return nil, fmt.Errorf("a Dockerfile that needs no BuildKit is for one platform, and the build is for %s; name one with --platform, and print a file for each", strings.Join(platformNames(in.Platforms), ", "))
	}
	if in.BuildPlatform, err = platform.Lookup(req.BuildPlatforms[0]); err != nil {
		return nil, err
	}
	s, err := req.resolve(in.Platforms[0])
	if err != nil {
		return nil, err
	}
	wanted, err := req.output(s)
	if err != nil {
		return nil, err
	}
	src, err := req.readSources(ctx)
	if err != nil {
		return nil, err
	}
	p, err := f.prepare(ctx, req, src)
	if err != nil {
		return nil, err
	}
	p.planOnly = true
	in.Target, in.Binaries, in.Labels = wanted.targets[0].Name(), wanted.binaries, req.Labels
	if req.Target != "" {
		in.Target = req.Target
	}
	in.Ignored, in.Contexts = slices.Concat(tracked, litter), req.contexts()
	in.Tools, in.ToolsGuessed = f.image(req)
	w := &dockerfileWriter{prepared: p, in: &in, names: wanted.names(), kept: map[string]bool{}, fixed: map[string]bool{}, finished: map[string]bool{}}
	for _, t := range wanted.targets {
		w.finished[t.Name()] = t.Toolchain.Name == spec.Prebuilt
	}
	for name := range s.Args {
		if value := req.argument(s, name); value != nil && dockerfile.Breaks(*value) {
			w.fixed[name] = true
		}
	}
	if err := w.resolve(); err != nil {
		return nil, err
	}
	if err := w.alike(); err != nil {
		return nil, err
	}
	if err := w.images(ctx); err != nil {
		return nil, err
	}
	w.args(s)
	text := dockerfile.Write(in)
	data, err := json.MarshalIndent(map[string]any{"target": in.Target, "form": in.Form, "platforms": platformNames(in.Platforms), "dockerfile": text}, "", "  ")
	if err != nil {
		return nil, err
	}
	return textResult(dockerfileDefinition.Version, data, []byte(text)), nil
}

func platformNames(pfs []platform.Platform) []string {
	names := make([]string, len(pfs))
	for i, pf := range pfs {
		names[i] = pf.String()
	}
	return names
}

// image is the reference of the frontend's image; guessed is set where it runs from none.
func (f Frontend) image(req *request) (ref string, guessed bool) {
	if source := req.BuildOpts().Opts[keySource]; source != "" && f.Tools == nil {
		return source, false
	}
	return releasedFrontend, true
}

// contexts are the named contexts of the request: the references of those that are
// images.
func (r *request) contexts() map[string]string {
	out := map[string]string{}
	for key := range r.BuildOpts().Opts {
		if name, ok := strings.CutPrefix(key, "context:"); ok {
			name, _, _ = strings.Cut(name, "::")
			out[name] = ""
			if ref, ok := r.contextReference(name); ok {
				out[name] = ref
			}
		}
	}
	return out
}

// dockerfileWriter finds out what goes into a Dockerfile.
type dockerfileWriter struct {
	*prepared
	in *dockerfile.Input
	// names are the targets to compile.
	names []string
	// specs are the spec for each platform, with variables left in it where a Dockerfile
	// can have them.
	specs []*spec.Spec
	// kept are the variables that are left in it, and fixed those that cannot be.
	kept, fixed map[string]bool
	// finished are the targets whose binaries are finished.
	finished map[string]bool
}

// resolve leaves variables where a Dockerfile has them too. One that also stands where it
// has none keeps its value everywhere, so that a new value never changes one half.
func (w *dockerfileWriter) resolve() error {
	for {
		before := len(w.fixed)
		w.specs, w.kept = nil, map[string]bool{}
		for _, pf := range w.in.Platforms {
			s, err := w.req.doc.ResolveSymbols(w.req.variables(pf), w.keep)
			if err != nil {
				// A mark is no value where the spec wants a certain one.
				w.kept = map[string]bool{}
				s, err = w.req.doc.ResolveSymbols(w.req.variables(pf), func(_ spec.Path, name string) bool {
					w.fixed[name] = true
					return false
				})
			}
			if err != nil {
				return err
			}
			w.specs = append(w.specs, s)
			for _, name := range w.names {
				w.fixWords(reflect.ValueOf(s.Targets[name]).Elem())
			}
		}
		if len(w.fixed) == before {
			return nil
		}
	}
}

// keep tells whether a variable may stay where it is.
func (w *dockerfileWriter) keep(at spec.Path, name string) bool {
	if len(at) > 1 && at[0] == "targets" && !slices.Contains(w.names, at[1]) {
		return false // It is part of nothing that is printed.
	}
	automatic := slices.Contains(spec.Predefined, name)
	if automatic && (w.in.Form == dockerfile.Plain || name == keySourceDateEpoch) {
		return false
	}
	if w.fixed[name] {
		return false
	}
	if variables(at) || len(at) == 3 && at[2] == "build" && w.finished[at[1]] {
		w.kept[name] = true
		return true
	}
	// Nothing but a comment comes of a description.
	if !automatic && (len(at) != 3 || at[2] != "description") {
		w.fixed[name] = true
	}
	return false
}

// variables tells whether an instruction of a Dockerfile has variables where a value goes.
func variables(at spec.Path) bool {
	if len(at) < 4 {
		return false
	}
	switch at[2] {
	case "labels", "env", "annotations", "metadata":
		return true
	case "build":
		return at[3] == "stamp" || at[3] == "src"
	case "copy":
		return len(at) > 4 && at[4] == "src"
	}
	return false
}

// easy are characters that mean nothing in the default of a variable.
var easy = regexp.MustCompile(`^[A-Za-z0-9 ._:/@+-]*$`)

// fixWords fixes variables with a default that a Dockerfile would read in another way.
func (w *dockerfileWriter) fixWords(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		w.fixSegments(spec.Segments(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			w.fixWords(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.fixWords(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.fixWords(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			w.fixWords(v.MapIndex(k))
		}
	}
}

func (w *dockerfileWriter) fixSegments(segments []spec.Segment) {
	for _, s := range segments {
		for _, part := range s.Word {
			if s.Name != "" && !easy.MatchString(part.Text) {
				w.fixed[s.Name] = true
			}
		}
		w.fixSegments(s.Word)
	}
}

// alike refuses a Dockerfile for several platforms that differ in what it says once.
func (w *dockerfileWriter) alike() error {
	for _, name := range w.names {
		first := w.specs[0].Targets[name]
		for i, s := range w.specs[1:] {
			key := differs(reflect.ValueOf(*first), reflect.ValueOf(*s.Targets[name]))
			if key != nil {
				return s.ProblemAtKey(append(spec.Path{"targets", name}, key...), fmt.Sprintf("%s of target %s is not the same for %s and %s, and a Dockerfile says it once; print one for each platform: --platform %s",
					strings.Join(key, "."), name, w.in.Platforms[0], w.in.Platforms[i+1], w.in.Platforms[0]))
			}
		}
	}
	return nil
}

// perPlatform are the keys of build that each platform has in a command of its own.
var perPlatform = []string{"package", "bin", "profile", "features", "default-features", "locked", "tags", "ldflags", "gcflags", "tzdata", "stamp", "env", "optimize"}

// differs is the first key in which two mappings of a spec differ, nil for none.
func differs(a, b reflect.Value) []string {
	for i := range a.NumField() {
		key, ok := a.Type().Field(i).Tag.Lookup("yaml")
		if !ok {
			continue
		}
		if a.Field(i).Type() == reflect.TypeFor[spec.Build]() {
			if inner := differs(a.Field(i), b.Field(i)); inner != nil {
				return append([]string{key}, inner...)
			}
			continue
		}
		if a.Type() == reflect.TypeFor[spec.Build]() && slices.Contains(perPlatform, key) {
			continue
		}
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return []string{key}
		}
	}
	return nil
}

// args are the arguments that the Dockerfile declares, and those that it has the values
// of.
func (w *dockerfileWriter) args(s *spec.Spec) {
	for _, name := range slices.Sorted(maps.Keys(s.Args)) {
		value := w.req.argument(s, name)
		switch {
		case w.fixed[name] && value != nil:
			if w.in.Fixed == nil {
				w.in.Fixed = map[string]string{}
			}
			w.in.Fixed[name] = *value
		case w.kept[name]:
			w.in.Args = append(w.in.Args, dockerfile.Arg{Name: name, Default: value})
		}
	}
}

// argument is the value of an argument that the spec declares, nil for none.
func (r *request) argument(s *spec.Spec, name string) *string {
	if set, ok := r.BuildArgs[name]; ok {
		return &set
	}
	return s.Args[name].Default
}

// images describes what the targets are made of.
func (w *dockerfileWriter) images(ctx context.Context) error {
	for i, pf := range w.in.Platforms {
		made, err := w.product(ctx, pf)
		if err != nil {
			return err
		}
		var builders []*builder
		switch made := made.(type) {
		case *binaries:
			builders = made.builders
		case *builder:
			builders = []*builder{made}
		}
		for j, b := range builders {
			if i == 0 {
				img, err := w.image(b)
				if err != nil {
					return err
				}
				w.in.Images = append(w.in.Images, img)
			}
			recipe, ok, err := w.recipe(ctx, b, i)
			if err != nil {
				return err
			}
			if ok {
				w.in.Images[j].Recipes = append(w.in.Images[j].Recipes, recipe)
			}
		}
	}
	return nil
}

// recipe is the compile for the i-th platform; ok is false when nothing is compiled.
func (w *dockerfileWriter) recipe(ctx context.Context, b *builder, i int) (r toolchain.Recipe, ok bool, err error) {
	if _, ok := b.plan.(toolchain.Describer); !ok {
		return toolchain.Recipe{}, false, nil
	}
	from, err := w.compileSources(ctx, b.spec, b.target, b.platform)
	if err != nil {
		return toolchain.Recipe{}, false, err
	}
	s := w.specs[i]
	again, err := plan(s, s.Targets[b.target.Name()], fs.FS(from.src))
	if err == nil {
		err = again.Resolve(b.platform)
	}
	if err != nil {
		return toolchain.Recipe{}, false, err
	}
	d, ok := again.(toolchain.Describer)
	if !ok {
		return toolchain.Recipe{}, false, nil
	}
	r = d.Recipe(b.env, b.platform)
	return r, true, singleLines(b, r)
}

// image describes what of a target is the same for all platforms.
func (w *dockerfileWriter) image(b *builder) (dockerfile.Image, error) {
	text := *b.target
	symbolic := w.specs[0].Targets[b.target.Name()]
	text.Labels, text.Env, text.Annotations, text.Metadata, text.Build = symbolic.Labels, symbolic.Env, symbolic.Annotations, symbolic.Metadata, symbolic.Build
	img := dockerfile.Image{Target: &text, Files: b.plan.Files(), Paths: b.binaryPaths(), Src: symbolic.Build.Src}
	if w.in.Binaries {
		for i, p := range img.Paths {
			img.Paths[i] = rootfs.BinaryPath(path.Base(p))
		}
	}
	for _, other := range b.spec.Together(b.target) {
		if other != b.target {
			img.Others = append(img.Others, other.Name())
		}
	}
	img.Compiler, img.Digest, img.CompilerContext = familiar(b.env.Image.Name), b.env.Image.Digest, b.env.Image.Context
	if p, ok := b.plan.(interface{ ImageAsked() string }); ok {
		img.Asked = p.ImageAsked()
	}
	if b.packer != nil {
		for _, file := range img.Files {
			img.Pack = append(img.Pack, dockerfile.Packed{Args: b.packer.Args(file), Dir: upx.OutDir, File: file})
		}
	}
	if w.in.Binaries {
		return img, nil
	}
	described := *b
	described.target = &text
	img.Config = described.imageConfig(nil)
	if b.base != nil {
		img.Inherited = b.base.config
	}
	if b.shell != nil {
		img.Shell = &dockerfile.Shell{Image: familiar(b.shell.image.Name), Program: b.shell.program}
		for _, name := range b.shell.applets {
			if !slices.Contains(img.Paths, "/bin/"+name) {
				img.Shell.Applets = append(img.Shell.Applets, name)
			}
		}
	}
	return img, w.rootfs(b, symbolic, &img)
}

// familiar is a reference as people write it.
func familiar(name string) string {
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		return reference.FamiliarString(named)
	}
	return name
}

// rootfs describes the files of an image.
func (w *dockerfileWriter) rootfs(b *builder, symbolic *spec.Target, img *dockerfile.Image) error {
	ex := b.target.Extras
	if dir := path.Dir(rootfs.BundlePath); ex.HasCACertificates() {
		to := b.base.placeDir(dir)
		img.Bundle = path.Join(to, path.Base(rootfs.BundlePath))
		if to == dir {
			img.Link = rootfs.CertPEM
		}
	}
	if ex.HasTZData() {
		img.Zoneinfo = b.base.placeDir(rootfs.ZoneinfoPath)
	}
	img.Written = map[string]string{}
	if ex.HasPasswd() {
		acc, _, err := b.accounts()
		if err != nil {
			return err
		}
		if acc != nil {
			passwd, group := acc.Files()
			img.Written["/etc/passwd"], img.Written["/etc/group"] = string(passwd), string(group)
		}
	}
	if ex.HasNsswitch() {
		img.Written["/etc/nsswitch.conf"] = rootfs.NsswitchText
	}
	if ex.HasHosts() {
		img.Written["/etc/hosts"] = rootfs.HostsText
	}
	parent := func(p string) {
		if p != "/" && !b.base.dir(p) && !slices.Contains(img.Parents, p) {
			img.Parents = append(img.Parents, p)
		}
	}
	for i, c := range b.copied {
		out := dockerfile.Copy{Copy: c.Copy}
		out.Src = symbolic.Copy[i].Src
		for _, d := range c.dirs {
			if ordinary(d) {
				parent(d.Path)
			} else {
				out.Dirs = append(out.Dirs, d)
			}
		}
		img.Copies = append(img.Copies, out)
	}
	for _, p := range img.Paths {
		for _, dir := range above(p) {
			parent(dir)
		}
	}
	settled, err := b.settledDirs()
	if err != nil {
		return err
	}
	img.Dirs = settled
	for _, d := range b.ownedDirs() {
		switch {
		case slices.ContainsFunc(settled, func(s rootfs.Dir) bool { return s.Path == d.Path }):
		case ordinary(d):
			parent(d.Path)
		default:
			img.Dirs = append(img.Dirs, d)
		}
	}
	// Those around come before those inside, which would make them in passing.
	slices.SortStableFunc(img.Dirs, func(a, b rootfs.Dir) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(img.Parents)
	return nil
}

// ordinary tells whether a directory is as any that is made in passing.
func ordinary(d rootfs.Dir) bool { return d.UID == 0 && d.GID == 0 && d.Mode == 0o755 }

// singleLines refuses what is compiled with a value of several lines, which neither ENV nor
// the command line of a RUN can say.
func singleLines(b *builder, r toolchain.Recipe) error {
	refuse := func(at spec.Path, what string) error {
		return b.spec.Problem(at, what+" has a line break, which a Dockerfile cannot say; put the value into a file that the build reads")
	}
	build := spec.Path{"targets", b.target.Name(), "build"}
	for name, v := range b.target.Build.Env {
		if dockerfile.Breaks(v) {
			return refuse(build.Join("env", name), "the variable "+name)
		}
	}
	for name, v := range b.target.Build.Stamp {
		if dockerfile.Breaks(v) {
			return refuse(build.Join("stamp", name), "the stamp "+name)
		}
	}
	if slices.ContainsFunc(r.Command, dockerfile.Breaks) {
		return refuse(build, "a flag of the compiler")
	}
	return nil
}
