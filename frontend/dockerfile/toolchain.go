package dockerfile

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// shellImage has the shell that a Dockerfile needs where there is no compiler.
const shellImage = "busybox:stable-musl"

// setcapImage is where setcap comes from, and runs.
const setcapImage = "debian:bookworm-slim"

// out is where a stage leaves its binaries.
const out = toolchain.OutDir

// stages are the names of those that an image is made of.
type stages struct {
	toolchain, compile, files string
	// binaries has the finished programs, in the folder dir.
	binaries, dir string
}

// suffix tells platforms apart, as ${TARGETARCH}${TARGETVARIANT} does.
func suffix(pf platform.Platform) string { return pf.OCI.Architecture + pf.OCI.Variant }

// onBuilder are the words of FROM that pick the image for the machine that builds.
func (in *Input) onBuilder() string {
	switch {
	case in.Form == BuildKit:
		return "--platform=$BUILDPLATFORM "
	case in.native():
		return ""
	}
	return "--platform=" + in.BuildPlatform.String() + " "
}

// forTarget picks an image for the platform of the result where a builder would not by
// itself.
func (in *Input) forTarget() string {
	if in.Form == BuildKit || in.native() {
		return ""
	}
	return "--platform=" + in.Platforms[0].String() + " "
}

func (in *Input) native() bool {
	return in.Platforms[0].OCI.Architecture == in.BuildPlatform.OCI.Architecture
}

// compiled writes the stages up to the finished binaries. prefix tells those of several
// targets apart.
func (d *document) compiled(img *Image, prefix string) stages {
	st := stages{
		toolchain: d.stage(prefix + "toolchain"), compile: d.stage(prefix + "compile"), files: d.stage(prefix + "files"),
		binaries: d.stage(prefix + "compile"), dir: out,
	}
	d.toolchain(img, st)
	d.compile(img, st)
	d.packed(img, &st, prefix)
	d.capable(img, &st, prefix)
	return st
}

// toolchain writes the image of the compiler with what it may lack.
func (d *document) toolchain(img *Image, st stages) {
	d.gap()
	image := img.Compiler
	switch {
	case image == "":
		image = shellImage
		d.comment("Nothing is compiled: the binaries are finished. What looks at them, and makes directories, runs in a small image with a shell.")
	case img.CompilerContext && d.Form == Plain:
		d.comment(fmt.Sprintf("The compiler. In the build it was the folder of the context %s, which only BuildKit has: replace the name by that of an image.", image))
	default:
		why := "as the spec says"
		if img.Asked != "" {
			why = "which " + img.Asked + " asks for"
		} else if t := img.Target.Toolchain; t.Image == "" && t.Version == "" {
			why = "the default of fromscratch"
		}
		d.comment(fmt.Sprintf("The compiler, %s. It runs on the builder's own machine, whatever platform the image is for, so nothing is emulated.", why))
		if img.Digest != "" {
			d.comment("For the same compiler as long as this file is used, write it with its digest:")
			d.verbatim(pinned(image, img.Digest))
		}
	}
	d.linef("FROM %s%s AS %s", d.onBuilder(), image, st.toolchain)
	common := d.common(img)
	d.prepare(common)
	for i, pf := range d.Platforms {
		own := d.recipe(img, i)
		own.Prepare = own.Prepare[len(common.Prepare):]
		own.Env = without(own.Env, common.Env)
		if d.Form == BuildKit {
			d.gap()
			note := "What is special to " + pf.String() + "."
			if i == 0 {
				note += " A stage below picks one of these by its name, so a platform that this file was not made for is an error."
			}
			d.comment(note)
			d.linef("FROM %s AS %s-%s", st.toolchain, st.toolchain, suffix(pf))
		}
		if own.BuildArch != "" && d.Form == BuildKit {
			d.comment("The linker depends on the machine of the builder.")
			d.line("ARG BUILDARCH")
			d.run(nil, []string{fmt.Sprintf(`test "$BUILDARCH" = %s || { echo "this Dockerfile was made on a builder for %s; make one on yours" >&2; exit 1; }`, own.BuildArch, own.BuildArch)})
		}
		own.Env = append(own.Env, [2]string{machineVariable, strconv.Itoa(int(pf.ELF.Machine))})
		if own.Machine[0] != "" && len(d.Platforms) > 1 {
			own.Env = append(own.Env, own.Machine)
		}
		d.prepare(own)
	}
}

func pinned(image, digest string) string {
	if strings.Contains(image, "@") {
		return image
	}
	return image + "@" + digest
}

// recipe is the compile for a platform, empty where nothing is compiled.
func (d *document) recipe(img *Image, i int) toolchain.Recipe {
	if len(img.Recipes) == 0 {
		return toolchain.Recipe{}
	}
	return img.Recipes[i]
}

// common is what goes before the platforms part: the packages, and the environment
// that is the same for several.
func (d *document) common(img *Image) toolchain.Recipe {
	var out toolchain.Recipe
	if d.Form == Plain || len(img.Recipes) == 0 {
		return out
	}
	first := img.Recipes[0]
	for i, s := range first.Prepare {
		if slices.ContainsFunc(img.Recipes, func(r toolchain.Recipe) bool { return len(r.Prepare) <= i || !reflect.DeepEqual(r.Prepare[i], s) }) {
			break
		}
		if len(img.Recipes) == 1 && len(img.Target.Toolchain.Packages) == 0 {
			break
		}
		out.Prepare = append(out.Prepare, s)
		if len(img.Recipes) == 1 {
			break
		}
	}
	if len(img.Recipes) > 1 {
		for _, kv := range first.Env {
			if !slices.ContainsFunc(img.Recipes, func(r toolchain.Recipe) bool { return !slices.Contains(r.Env, kv) }) {
				out.Env = append(out.Env, kv)
			}
		}
	}
	return out
}

func without(env, common [][2]string) [][2]string {
	return slices.DeleteFunc(slices.Clone(env), func(kv [2]string) bool { return slices.Contains(common, kv) })
}

// prepare writes what a recipe adds to an image.
func (d *document) prepare(r toolchain.Recipe) {
	for _, s := range r.Prepare {
		d.comment("Added once, unless the image has it: " + s.Title + ".")
		d.run(nil, runScript(s.Args))
	}
	if len(r.Files) > 0 {
		d.comment("What links and compiles for the platform, under names that the environment below refers to.")
		dirs := slices.Clone(r.Folders)
		// Several are the same.
		names := map[string][]string{}
		var contents []string
		for _, kv := range sorted(r.Files) {
			dirs = append(dirs, path.Dir(kv[0]))
			if names[kv[1]] == nil {
				contents = append(contents, kv[1])
			}
			names[kv[1]] = append(names[kv[1]], kv[0])
		}
		slices.Sort(dirs)
		commands := [][]string{{"mkdir -p " + command(slices.Compact(dirs))}}
		chmod := []string{"chmod 0755"}
		for _, content := range contents {
			commands = append(commands, write(content, names[content]...))
			for _, name := range names[content] {
				chmod = append(chmod, "  "+shell(name))
			}
		}
		d.run(nil, append(commands, chmod)...)
	}
	if len(r.Env) > 0 {
		d.pairs("ENV", r.Env)
	}
}

// write is a command that writes the same text to files.
func write(content string, names ...string) []string {
	out := []string{`printf '%s\n'`}
	for _, l := range strings.Split(strings.TrimSuffix(content, "\n"), "\n") {
		out = append(out, "  "+shell(l))
	}
	to := " > " + shell(names[0])
	if len(names) > 1 {
		to = " | tee " + command(names) + " > /dev/null"
	}
	out[len(out)-1] += to
	return out
}

// ignoreNote says what the frontend leaves out of the context by itself.
func (d *document) ignoreNote() {
	if d.noted || len(d.Ignored) == 0 {
		return
	}
	d.noted = true
	d.comment("fromscratch leaves these out of the build context by itself. For a Dockerfile, put them into .dockerignore:")
	d.verbatim(d.Ignored...)
}

// compile writes the stage of the compiler's run, and of what looks at its binaries.
func (d *document) compile(img *Image, st stages) {
	if d.Form == BuildKit {
		d.gap()
		d.linef("FROM %s-${TARGETARCH}${TARGETVARIANT} AS %s", st.toolchain, st.compile)
	} else {
		// One stage, under the name of the last.
		d.gap()
		d.linef("FROM %s AS %s", st.toolchain, st.compile)
	}
	if len(img.Recipes) == 0 {
		d.finished(img)
	} else {
		d.build(img)
	}
	files := make([]string, len(img.Files))
	for i, f := range img.Files {
		files[i] = path.Join(out, f)
	}
	d.comment("What is linked dynamically, or for another machine, would not start: so that it stops the build here, the header of every binary is read.",
		"fromscratch also looks at the variant of the instruction set and at the ABI, and says what is to be done.")
	d.run(nil, staticCheck(files))
}

// finished copies binaries that another compiler made.
func (d *document) finished(img *Image) {
	from := img.Target.Build.From
	for i, src := range img.Src {
		flags := d.from(from, "the binaries")
		if flags == nil {
			return
		}
		if i == 0 {
			d.ignoreNote()
			d.args(img.Src...)
		}
		d.linef("COPY %s%s", strings.Join(append(flags, ""), " "), paths(src, path.Join(out, img.Files[i])))
	}
	chmod := []string{"chmod 0755"}
	for _, f := range img.Files {
		chmod = append(chmod, shell(path.Join(out, f)))
	}
	d.run(nil, []string{strings.Join(chmod, " ")})
}

// from are the flags of a COPY out of a named context, which may be none; nil when there
// is no way to name it, which is said then.
func (d *document) from(name, what string) []string {
	if name == "" {
		return []string{}
	}
	if d.Form == BuildKit {
		return []string{"--from=" + name}
	}
	if ref := d.Contexts[name]; ref != "" {
		return []string{"--from=" + ref}
	}
	d.comment(fmt.Sprintf("NOT TRANSLATED: %s come from the context %s (--build-context), which only BuildKit has. Put its files into the build context, and copy them here.", what, name))
	return nil
}

// build writes the compile.
func (d *document) build(img *Image) {
	d.declared = false
	b, r := &img.Target.Build, img.Recipes[0]
	layers := d.Form == Plain || b.Network != ""
	workdir := path.Join(r.Source, r.Dir)
	d.notes(img)
	var mounts []string
	mounted := d.Form == BuildKit && !r.Compares && len(b.Inputs) == 0
	if layers && len(r.Download) > 0 && len(r.Manifests) > 0 {
		d.comment("The dependencies, in a layer that lasts until one of these files changes.")
		folders := map[string][]string{}
		var order []string
		for _, name := range r.Manifests {
			dir := path.Dir(name)
			if folders[dir] == nil {
				order = append(order, dir)
			}
			folders[dir] = append(folders[dir], name)
		}
		for _, dir := range order {
			d.linef("COPY %s", paths(append(folders[dir], path.Join(r.Source, dir)+"/")...))
		}
		d.linef("WORKDIR %s", value(workdir))
		d.run(d.credentials(), []string{command(r.Download)})
	}
	if mounted {
		bind := "--mount=type=bind,target=" + r.Source
		if r.Writable {
			bind += ",rw"
		}
		mounts = append(mounts, bind)
	} else {
		d.ignoreNote()
		d.linef("COPY . %s", paths(r.Source+"/"))
	}
	for _, kv := range sorted(b.Inputs) {
		d.comment(fmt.Sprintf("build.inputs: the folder %s of the sources comes from the context %s (--build-context).", kv[0], kv[1]))
		if flags := d.from(kv[1], "the files of "+kv[0]); flags != nil {
			d.linef("COPY %s %s", strings.Join(flags, " "), paths("/", path.Join(r.Source, kv[0])+"/"))
		}
	}
	d.linef("WORKDIR %s", value(workdir))
	d.ignoreNote()
	if layers && b.Network != "" && len(r.Download) > 0 && len(r.Manifests) == 0 {
		d.comment("build.network: none is for the compile; what it needs is downloaded before, again with every edit of the sources: a cache mount could be empty by then.")
		d.run(d.credentials(), []string{command(r.Download)})
	}
	d.stamps(img)
	if d.Form == BuildKit {
		for _, c := range []toolchain.Cache{r.Downloads, r.Compiled} {
			if c.Path == "" || c == r.Downloads && layers {
				continue
			}
			mounts = append(mounts, d.cacheMount(c))
		}
		if !layers {
			mounts = append(mounts, d.credentials()...)
		}
		mounts = append(mounts, d.secrets(b)...)
		if b.Network != "" {
			mounts = append(mounts, "--network=none")
		}
	}
	if d.Form == BuildKit && r.Compares {
		d.comment("Cargo compares times and not contents, so a target directory that outlives a build can link old code. Sources that are always new are always compiled; " +
			"what they depend on is not compiled again. (fromscratch keeps a table of contents instead, and compiles what has changed.)")
	}
	d.each(img, mounts, layers)
}

// each writes the command once where it is the same for all platforms, but for one word,
// and else for each.
func (d *document) each(img *Image, flags []string, layers bool) {
	offline := layers && d.Form == BuildKit && img.Target.Build.Network != ""
	lines := func(r toolchain.Recipe, general bool) [][]string {
		var out [][]string
		if d.Form == BuildKit && r.Compares {
			out = append(out, []string{"find " + shell(r.Source) + " -type f -exec touch {} +"})
		}
		args := slices.Clone(r.Command)
		if offline {
			args = append(args, r.Offline...)
		}
		compile := command(args)
		for i := len(r.Stamps) - 1; i >= 0; i-- {
			compile = r.Stamps[i][0] + "=" + shell(r.Stamps[i][1]) + " " + compile
		}
		out = append(out, []string{compile})
		for i, left := range r.Programs {
			if to := path.Join(toolchain.OutDir, img.Files[i]); to != left {
				out = append(out, []string{"install -D -m 0755 " + shell(left) + " " + shell(to)})
			}
		}
		if general && r.Machine[0] != "" {
			for i := range out {
				for j := range out[i] {
					out[i][j] = strings.ReplaceAll(out[i][j], r.Machine[1], `"$`+r.Machine[0]+`"`)
				}
			}
		}
		return out
	}
	first := img.Recipes[0]
	general := len(img.Recipes) > 1 && !slices.ContainsFunc(img.Recipes, func(r toolchain.Recipe) bool {
		return r.Machine[0] == "" || slices.ContainsFunc(slices.Concat(r.Command, r.Programs), func(arg string) bool {
			return strings.Contains(arg, r.Machine[1]) && !plain.MatchString(arg)
		})
	})
	same := !slices.ContainsFunc(img.Recipes, func(r toolchain.Recipe) bool { return !reflect.DeepEqual(lines(r, general), lines(first, general)) })
	if same {
		d.run(flags, lines(first, general)...)
		return
	}
	d.comment("The flags differ between platforms.")
	var cases []string
	cases = append(cases, `case "$TARGETARCH$TARGETVARIANT" in`)
	for i, r := range img.Recipes {
		var all []string
		ls := lines(r, general)
		for j, l := range ls {
			if j < len(ls)-1 {
				l[len(l)-1] += " &&"
			}
			all = append(all, l...)
		}
		all[0] = suffix(d.Platforms[i]) + ") " + all[0]
		all[len(all)-1] += " ;;"
		cases = append(cases, all...)
	}
	d.platformArgs()
	d.run(flags, append(cases, "*) exit 1 ;;", "esac"))
}

// stamps declares the arguments that the compile refers to, as late as can be: a new
// value makes everything behind it run again.
func (d *document) stamps(img *Image) {
	var values []string
	for _, r := range img.Recipes {
		values = append(values, r.Command...)
		for _, kv := range r.Stamps {
			values = append(values, kv[1])
		}
	}
	d.args(values...)
}

// platformArgs has the variables that tell platforms apart, once in a stage.
func (d *document) platformArgs() {
	if !d.declared {
		d.line("ARG TARGETARCH")
		d.line("ARG TARGETVARIANT")
	}
	d.declared = true
}

func (d *document) cacheMount(c toolchain.Cache) string {
	m := "--mount=type=cache,target=" + c.Path
	if c.ID != "" {
		d.platformArgs()
		m += ",id=" + c.ID + "/${TARGETARCH}${TARGETVARIANT}"
	}
	if c.Locked {
		m += ",sharing=locked"
	}
	return m
}

// credentials are what a step that downloads is shown, if the build is given it.
func (d *document) credentials() []string {
	if d.Form == Plain {
		return nil
	}
	return []string{"--mount=type=secret,id=netrc,target=/root/.netrc", "--mount=type=secret,id=gitconfig,target=/root/.gitconfig", "--mount=type=ssh"}
}

// secrets are those that the spec lists.
func (d *document) secrets(b *spec.Build) []string {
	var out []string
	for _, s := range b.Secrets {
		m := "--mount=type=secret,id=" + s.ID
		if s.Env != "" {
			m += ",env=" + s.Env
		}
		if s.Target != "" {
			m += ",target=" + s.Target
		}
		if s.Required {
			m += ",required=true"
		}
		out = append(out, quotedMount(m))
	}
	return out
}

// quotedMount keeps what a mount has of a shell's and of CSV's characters.
func quotedMount(m string) string {
	if strings.ContainsAny(m, " \"'$\\") {
		return "'" + m + "'"
	}
	return m
}

// notes says what of a build is another in a Dockerfile.
func (d *document) notes(img *Image) {
	b, r := &img.Target.Build, img.Recipes[0]
	if len(img.Others) > 0 {
		d.comment(fmt.Sprintf("build.group: the compiler makes the binaries of %s in one run, so that what they share is compiled once and alike.", spec.List(append([]string{img.Target.Name()}, img.Others...))))
	}
	if d.Form == Plain {
		d.comment("Without cache mounts, an edit of the sources compiles the dependencies too.")
		if len(b.Secrets) > 0 {
			var ids []string
			for _, s := range b.Secrets {
				ids = append(ids, s.ID)
			}
			d.comment(fmt.Sprintf("NOT TRANSLATED: build.secrets (%s). The classic builder has no secrets, and an ARG would stay in the history of the image; buildah takes RUN --mount=type=secret,id=….", strings.Join(ids, ", ")))
		}
		if b.Network != "" {
			d.comment("NOT TRANSLATED: build.network: none. A RUN has no network of its own without BuildKit; give the builder none, once the dependencies are in their layer.")
		}
	}
	if b.Cache != "" && b.Cache != spec.CacheAuto {
		d.comment(fmt.Sprintf("NOT TRANSLATED: build.cache: %s. A Dockerfile has cache mounts, which stay on their builder, or layers, which are all or nothing.", b.Cache))
	}
	if b.Auditable {
		d.comment("NOT TRANSLATED: build.auditable. Install cargo-auditable into the toolchain, and write cargo auditable build below.")
	}
	if r.Compares && d.Form == Plain && len(r.Manifests) == 0 {
		d.comment("(For Cargo, cargo-chef makes a layer of them.)")
	}
}

// packed writes the stage that packs the binaries.
func (d *document) packed(img *Image, st *stages, prefix string) {
	if len(img.Pack) == 0 {
		return
	}
	d.gap()
	name := d.stage(prefix + "packed")
	d.comment("compress: upx, from the context upx, which the build is given by --build-context upx=docker-image://….")
	from := "upx"
	if d.Form == Plain {
		if from = d.Contexts["upx"]; from == "" {
			from = "upx"
			d.comment("Only BuildKit has named contexts: replace upx by the name of an image.")
		}
	}
	d.linef("FROM %s%s AS %s", d.onBuilder(), from, name)
	for _, p := range img.Pack {
		d.linef("WORKDIR %s", p.Dir)
		in := p.Args[len(p.Args)-1]
		d.linef("COPY --from=%s %s", st.binaries, paths(path.Join(out, p.File), in))
		d.line("RUN " + list(p.Args))
	}
	st.binaries, st.dir = name, img.Pack[0].Dir
}

// capable writes the stage that gives the binaries their capabilities.
func (d *document) capable(img *Image, st *stages, prefix string) {
	caps := img.Target.Capabilities
	if len(caps) == 0 || d.Binaries {
		return
	}
	d.gap()
	name := d.stage(prefix + "capable")
	d.comment("capabilities: an extended attribute of the file, which setcap writes and COPY keeps, if the builder and its storage do: see the result of getcap in a container.")
	d.linef("FROM %s%s AS %s", d.onBuilder(), setcapImage, name)
	d.linef("COPY --from=%s %s", st.binaries, paths(st.dir+"/", out+"/"))
	var words []string
	flags := map[string]string{}
	for _, c := range caps {
		flag := "p"
		if c.Effective {
			flag = "ep"
		}
		flags["cap_"+c.Name()] = flag
	}
	for _, kv := range sorted(flags) {
		words = append(words, kv[0]+"="+kv[1])
	}
	commands := [][]string{
		{"apt-get update -qq"}, {"DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libcap2-bin"},
	}
	for i := range img.Paths {
		commands = append(commands, []string{"setcap " + shell(strings.Join(words, " ")) + " " + shell(path.Join(out, d.fileIn(img, i)))})
	}
	d.run(nil, commands...)
	st.binaries, st.dir = name, out
}

// fileIn is the i-th binary in the folder of the stage that has the finished ones.
func (d *document) fileIn(img *Image, i int) string {
	if len(img.Pack) > 0 {
		return path.Base(img.Files[i])
	}
	return img.Files[i]
}
