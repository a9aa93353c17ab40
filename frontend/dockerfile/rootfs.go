package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// Places in the stage that files are made in.
const (
	// rootDir is laid over the image as it is, and belongs to root.
	rootDir = "/rootfs"
	// dirsDir has a numbered folder for each directory with another owner or mode, which
	// is alone in it.
	dirsDir = "/dirs"
	// certsDir has the certificates that join the bundle, and copiesDir copies whose
	// mode is set here.
	certsDir  = "/certificates"
	copiesDir = "/copies"
	shellDir  = "/shell"
)

// image writes the stages of one target.
func (d *document) image(img *Image, final string) {
	st := d.compiled(img, "")
	numbered := d.files(img, st)
	d.gap()
	from := "scratch"
	if img.Target.Base != "" {
		from = img.Target.Base
		d.comment("The image, on its base, which it takes all from that is not said below.")
		if ref := d.Contexts[from]; d.Form == Plain && ref != "" {
			from = ref
		}
	} else {
		d.comment("The image: nothing but what is copied here. It has no shell, so every command below is in exec form.")
	}
	d.linef("FROM %s%s AS %s", d.forTarget(), from, final)
	if d.made(img) {
		d.comment("Directories, accounts and small files, all of root.")
		d.linef("COPY --from=%s %s/ /", st.files, rootDir)
	}
	d.extras(img, st)
	for i, c := range img.Copies {
		for _, dir := range c.Dirs {
			d.ownDir(st, dir, numbered)
		}
		d.copy(i, c, st)
	}
	if len(img.Dirs) > 0 {
		d.comment("Directories with an owner or a mode of their own. Each is copied out of a folder that has nothing else in it, so that it keeps its mode.")
	}
	for _, dir := range img.Dirs {
		d.ownDir(st, dir, numbered)
	}
	if img.Shell != nil {
		d.comment("The shell of the debug variant: busybox, and links for its programs.")
		d.linef("COPY --from=%s %s", img.Shell.Image, paths(img.Shell.Program, "/bin/busybox"))
		d.linef("COPY --from=%s %s/ /bin/", st.files, shellDir)
	}
	d.comment("The binary comes last: an edit of the sources changes this layer alone.")
	for i, p := range img.Paths {
		d.linef("COPY --from=%s %s", st.binaries, paths(st.dir+"/"+d.fileIn(img, i), p))
	}
	if img.Target.Extras.HasSBOM() {
		d.comment(fmt.Sprintf("NOT TRANSLATED: extras.sbom, the SPDX document %s. docker buildx build --sbom=true attests one instead.", rootfs.SBOMPath(img.Target.Name())))
	}
	d.config(img)
}

// extras are the certificates and time zones.
func (d *document) extras(img *Image, st stages) {
	if img.Bundle != "" && len(img.Target.Extras.CACertificates.Append) == 0 {
		d.linef("COPY --from=%s %s", d.tools, paths(rootfs.BundlePath, img.Bundle))
	}
	if img.Zoneinfo == "" {
		return
	}
	zones := slices.Sorted(slices.Values(img.Target.Extras.TZData.Zones))
	if len(zones) == 0 {
		d.linef("COPY --from=%s %s", d.tools, paths(rootfs.ZoneinfoPath+"/", img.Zoneinfo+"/"))
	}
	for _, zone := range slices.Compact(zones) {
		d.linef("COPY --from=%s %s", d.tools, paths(path.Join(rootfs.ZoneinfoPath, zone), path.Join(img.Zoneinfo, zone)))
	}
}

// made tells whether files are made in a stage of their own.
func (d *document) made(img *Image) bool { return len(d.rootFiles(img)) > 0 }

// ownDirs are all directories that keep an owner or a mode.
func ownDirs(img *Image) []rootfs.Dir {
	var all []rootfs.Dir
	for _, c := range img.Copies {
		all = append(all, c.Dirs...)
	}
	return append(all, img.Dirs...)
}

// rootFiles are the commands that make what is laid over the image.
func (d *document) rootFiles(img *Image) [][]string {
	var out [][]string
	dirs := map[string]bool{}
	for _, p := range img.Parents {
		if p != "/" {
			dirs[p] = true
		}
	}
	for _, dir := range ownDirs(img) {
		if parent := path.Dir(dir.Path); parent != "/" {
			dirs[parent] = true
		}
	}
	for name := range img.Written {
		if dir := path.Dir(name); dir != "/" {
			dirs[dir] = true
		}
	}
	for _, name := range []string{img.Link, img.Bundle} {
		if name != "" {
			dirs[path.Dir(name)] = true
		}
	}
	if len(dirs) > 0 {
		words := []string{"mkdir", "-p"}
		for _, dir := range slices.Sorted(maps.Keys(dirs)) {
			words = append(words, rootDir+dir)
		}
		out = append(out, []string{command(words)})
	}
	for _, kv := range sorted(img.Written) {
		out = append(out, write(kv[1], rootDir+kv[0]))
	}
	if img.Link != "" {
		out = append(out, []string{"ln -s " + shell(img.Bundle) + " " + shell(rootDir+img.Link)})
	}
	return out
}

// files writes the stage that makes directories and small files, and gives the number
// of each directory with an owner or a mode.
func (d *document) files(img *Image, st stages) map[rootfs.Dir]int {
	numbered := map[rootfs.Dir]int{}
	commands := d.rootFiles(img)
	for _, dir := range ownDirs(img) {
		if _, ok := numbered[dir]; ok {
			continue
		}
		numbered[dir] = len(numbered) + 1
		p := path.Join(dirsDir, strconv.Itoa(numbered[dir]), path.Base(dir.Path))
		commands = append(commands, []string{"mkdir -p " + shell(p)}, []string{fmt.Sprintf("chmod %04o %s", dir.Mode, shell(p))})
	}
	if img.Shell != nil {
		commands = append(commands, []string{"mkdir " + shellDir},
			[]string{"for name in " + command(img.Shell.Applets) + "; do", "ln -s busybox " + shellDir + "/$name;", "done"})
	}
	certs := img.Bundle != "" && len(img.Target.Extras.CACertificates.Append) > 0
	modes := d.Form == Plain && slices.ContainsFunc(img.Copies, func(c Copy) bool { return c.Chmod.Set })
	if len(commands) == 0 && !certs && !modes {
		return numbered
	}
	d.gap()
	d.comment("What an image from scratch lacks, made where there is a shell: there is none in the image, and nothing of the target platform is run.")
	d.linef("FROM %s AS %s", st.toolchain, st.files)
	if len(commands) > 0 {
		d.run(nil, commands...)
	}
	if certs {
		d.certificates(img)
	}
	for i, c := range img.Copies {
		if modes && c.Chmod.Set {
			d.copyWithMode(i, c)
		}
	}
	return numbered
}

// certificates joins the bundle with those of the spec.
func (d *document) certificates(img *Image) {
	d.comment("Authorities beside those of the bundle. Of each file the certificates alone are taken.")
	bundle := path.Join(certsDir, "bundle.crt")
	d.linef("COPY --from=%s %s", d.tools, paths(rootfs.BundlePath, bundle))
	join := []string{"cat " + bundle}
	for i, c := range img.Target.Extras.CACertificates.Append {
		flags := d.from(c.From, "the certificates of "+c.Src)
		if flags == nil {
			continue
		}
		file := path.Join(certsDir, strconv.Itoa(i+1)+".pem")
		d.linef("COPY %s", strings.Join(append(flags, paths(c.Src, file)), " "))
		join = append(join, `sed -n "/^-----BEGIN/,/^-----END/p" `+file)
	}
	lines := make([]string, len(join))
	for i, j := range join {
		lines[i] = "  " + j + ";"
	}
	lines = append([]string{"{"}, append(lines, "} > "+shell(rootDir+img.Bundle))...)
	d.run(nil, []string{"sed -i 's/\\r$//' " + certsDir + "/*"}, lines)
}

// ownDir copies a directory with its mode, for its owner.
func (d *document) ownDir(st stages, dir rootfs.Dir, numbered map[rootfs.Dir]int) {
	to := strings.TrimSuffix(path.Dir(dir.Path), "/") + "/"
	chown := ""
	if dir.UID != 0 || dir.GID != 0 {
		chown = fmt.Sprintf("--chown=%d:%d ", dir.UID, dir.GID)
	}
	d.linef("COPY --from=%s %s%s", st.files, chown, paths(path.Join(dirsDir, strconv.Itoa(numbered[dir]))+"/", to))
}

// copy writes an entry of copy.
func (d *document) copy(i int, c Copy, st stages) {
	flags := d.from(c.From, "the files for "+c.Dest)
	if flags == nil {
		return
	}
	d.args(c.Src...)
	if c.Chown != "" {
		flags = append(flags, fmt.Sprintf("--chown=%d:%d", c.UID, c.GID))
	}
	if len(c.Exclude) > 0 && d.Form == Plain {
		d.comment("NOT TRANSLATED: exclude, which only BuildKit's COPY has. Put these into .dockerignore, or delete them in the stage above:")
		d.verbatim(c.Exclude...)
	}
	if c.Chmod.Set && d.Form == Plain {
		from := []string{"--from=" + st.files}
		if c.Chown != "" {
			from = append(from, fmt.Sprintf("--chown=%d:%d", c.UID, c.GID))
		}
		staged := path.Join(copiesDir, strconv.Itoa(i+1)) + c.Dest
		d.linef("COPY %s", strings.Join(append(from, paths(staged, c.Dest)), " "))
		return
	}
	if c.Chmod.Set {
		flags = append(flags, "--chmod="+rootfs.ChmodWord(c.Chmod.Bits))
	}
	if d.Form == BuildKit {
		for _, e := range c.Exclude {
			flags = append(flags, "--exclude="+quotedMount(e))
		}
	}
	d.linef("COPY %s", strings.Join(append(flags, paths(append(slices.Clone([]string(c.Src)), c.Dest)...)), " "))
}

// copyWithMode stages the files of an entry whose mode a COPY without BuildKit cannot
// set.
func (d *document) copyWithMode(i int, c Copy) {
	flags := d.from(c.From, "the files for "+c.Dest)
	if flags == nil {
		return
	}
	d.args(c.Src...)
	staged := path.Join(copiesDir, strconv.Itoa(i+1)) + c.Dest
	d.linef("COPY %s", strings.Join(append(flags, paths(append(slices.Clone([]string(c.Src)), staged)...)), " "))
	d.run(nil, []string{"chmod -R " + rootfs.ChmodWord(c.Chmod.Bits) + " " + shell(staged)})
}

// config writes what the config of the image has beyond that of its base.
func (d *document) config(img *Image) {
	cfg := &img.Config.Config
	var env, inherited []string
	labels := maps.Clone(cfg.Labels)
	if img.Inherited != nil {
		inherited = img.Inherited.Config.Env
		for k, v := range img.Inherited.Config.Labels {
			if labels[k] == v {
				delete(labels, k)
			}
		}
	}
	var values []string
	for _, kv := range cfg.Env {
		if !slices.Contains(inherited, kv) {
			env = append(env, kv)
			values = append(values, kv)
		}
	}
	for _, kv := range sorted(labels) {
		values = append(values, kv[1])
	}
	d.args(values...)
	var pairs [][2]string
	for _, kv := range env {
		name, v, _ := strings.Cut(kv, "=")
		if Breaks(v) {
			d.comment(fmt.Sprintf("NOT TRANSLATED: env.%s has a line break, which ENV cannot say. Set it where the container is run.", name))
			continue
		}
		pairs = append(pairs, [2]string{name, v})
	}
	d.pairs("ENV", pairs)
	d.labels(sorted(labels))
	for _, p := range slices.Sorted(maps.Keys(cfg.ExposedPorts)) {
		if img.Inherited == nil || !has(img.Inherited.Config.ExposedPorts, p) {
			d.line("EXPOSE " + p)
		}
	}
	var volumes []string
	for _, v := range slices.Sorted(maps.Keys(cfg.Volumes)) {
		if img.Inherited == nil || !has(img.Inherited.Config.Volumes, v) {
			volumes = append(volumes, escaped(v))
		}
	}
	if len(volumes) > 0 {
		d.line("VOLUME " + list(volumes))
	}
	if cfg.StopSignal != "" {
		d.line("STOPSIGNAL " + cfg.StopSignal)
	}
	d.health(img)
	d.line("USER " + cfg.User)
	if cfg.WorkingDir != "" {
		d.line("WORKDIR " + value(cfg.WorkingDir))
	}
	d.line("ENTRYPOINT " + list(cfg.Entrypoint))
	if len(cfg.Cmd) > 0 {
		d.line("CMD " + list(cfg.Cmd))
	}
}

func has(m map[string]struct{}, key string) bool {
	_, ok := m[key]
	return ok
}

// escaped keeps what is no variable in words of an exec form that has variables.
func escaped(s string) string { return text([]spec.Segment{{Text: s}}, inWord) }

func (d *document) labels(labels [][2]string) {
	var pairs [][2]string
	for _, kv := range labels {
		switch {
		case Breaks(kv[1]):
			d.comment(fmt.Sprintf("NOT TRANSLATED: the label %s has a line break, which LABEL cannot say. The build takes it as --label.", kv[0]))
			continue
		case strings.Contains(kv[0], "="):
			d.comment(fmt.Sprintf("NOT TRANSLATED: the label %s has an equals sign in its name, which LABEL cannot say.", kv[0]))
			continue
		}
		pairs = append(pairs, kv)
	}
	d.pairs("LABEL", pairs)
}

func (d *document) health(img *Image) {
	h := img.Config.Config.Healthcheck
	if h == nil || img.Target.Healthcheck == nil {
		return
	}
	if len(h.Test) > 0 && h.Test[0] == "NONE" {
		d.line("HEALTHCHECK NONE")
		return
	}
	var flags []string
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start-period", h.StartPeriod}, {"start-interval", h.StartInterval}} {
		switch {
		case f.d == 0:
		case f.name == "start-interval" && d.Form == Plain:
			d.comment(fmt.Sprintf("NOT TRANSLATED: healthcheck.start-interval: %s, which older builders do not know.", f.d))
		default:
			flags = append(flags, fmt.Sprintf("--%s=%s", f.name, f.d))
		}
	}
	if h.Retries > 0 {
		flags = append(flags, fmt.Sprintf("--retries=%d", h.Retries))
	}
	d.line("HEALTHCHECK " + strings.Join(append(flags, "CMD "+list(h.Test[1:])), " "))
}
