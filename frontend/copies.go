package frontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"
	"github.com/tonistiigi/fsutil/types"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// copied is an entry of copy with what it copies.
type copied struct {
	spec.Copy
	// at is where the entry stands in the spec.
	at      spec.Path
	from    origin
	found   []found
	exclude *patternmatcher.PatternMatcher
	// dirs are the directories that are made for it.
	dirs []rootfs.Dir
}

// found is a file or a directory that a source of an entry stands for.
type found struct {
	// source is which of the sources it is.
	source int
	// name is its name in the context, and real the same without links.
	name, real string
	dir        bool
}

// origin is a context that files are copied out of.
type origin struct {
	state llb.State
	files *sources.FS
	// isRoot tells a root file system from a tree of files: links of an image start at
	// its root, those of a checkout must not leave it.
	isRoot bool
	// title is what the context is called in messages.
	title string
}

// copies are the layers of what the target copies into its image. The error lists
// what is wrong with any entry.
func (b *builder) copies(ctx context.Context) ([]rootfs.Layer, error) {
	var out []rootfs.Layer
	var problems spec.Problems
	for i, entry := range b.target.Copy {
		layer, err := b.copy(ctx, &copied{Copy: entry, at: spec.Path{"targets", b.target.Name(), "copy", strconv.Itoa(i)}})
		if p, ok := errors.AsType[*spec.Problem](err); ok {
			problems = append(problems, p)
		} else if err != nil {
			return nil, err
		}
		out = append(out, layer)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// copy is the layer of one entry.
func (b *builder) copy(ctx context.Context, c *copied) (rootfs.Layer, error) {
	var err error
	if c.from, err = b.origin(ctx, c); err != nil {
		return rootfs.Layer{}, err
	}
	if err := b.find(c); err != nil {
		return rootfs.Layer{}, err
	}
	if err := b.checkCopy(c); err != nil {
		return rootfs.Layer{}, err
	}
	if err := b.checkMode(c); err != nil {
		return rootfs.Layer{}, err
	}
	if c.dirs, err = b.dirsOf(c); err != nil {
		return rootfs.Layer{}, err
	}
	b.copied = append(b.copied, c)
	return rootfs.Copy(c.from.state, c.Copy, c.dirs, b.env.Caps, b.optionsAt(b.spec.ValueRange(c.at...))...), nil
}

// checkMode refuses a mode for a directory where BuildKit would leave everything in it as
// it is, or would make the directory one that nobody can enter.
func (b *builder) checkMode(c *copied) error {
	isDir := func(f found) bool { return f.dir }
	if !c.Chmod.Set || c.Chmod.Bits&^0o777 != 0 || rootfs.CopiesModes(b.env.Caps) || !slices.ContainsFunc(c.found, isDir) {
		return nil
	}
	return b.spec.Problem(c.at.Join("chmod"), "this BuildKit cannot give the files of a directory another mode than the directory; it takes BuildKit 0.19 or later, "+
		"or chmod for files alone, or files that have the right mode in the build context")
}

// origin is the context that an entry copies out of. An image is that for the
// platform of the result.
func (b *builder) origin(ctx context.Context, c *copied) (origin, error) {
	if c.From == "" {
		return origin{state: b.req.state, files: b.src, title: "the build context"}, nil
	}
	if o, ok := b.origins[c.From]; ok {
		return o, nil
	}
	at := c.at.Join("from")
	nc, err := b.req.NamedContext(c.From, dockerui.ContextOpt{Platform: &b.platform.OCI, ResolveMode: b.req.BuildOpts().Opts[keyImageResolveMode]})
	if err != nil {
		return origin{}, b.spec.Problem(at, err.Error())
	}
	if nc == nil {
		return origin{}, b.spec.Problem(at, b.noOrigin(c.From))
	}
	st, _, err := nc.Load(ctx)
	if err != nil {
		return origin{}, b.spec.Problem(at, fmt.Sprintf("the context %s cannot be had: %v", c.From, err))
	}
	o := origin{state: *st, isRoot: b.isImage(c.From), title: "the context " + c.From}
	if o.files, err = b.req.files(ctx, o.state); err != nil {
		return origin{}, err
	}
	if b.origins == nil {
		b.origins = map[string]origin{}
	}
	b.origins[c.From] = o
	return o, nil
}

// noOrigin says what to do about a context that the build was not given.
func (b *builder) noOrigin(name string) string {
	switch {
	case b.spec.Targets[name] != nil:
		return fmt.Sprintf("%s is a target, and copy takes contexts; with docker buildx bake, give this target contexts = {%s = \"target:…\"}", name, name)
	case strings.ContainsAny(name, ":/"):
		return fmt.Sprintf("there is no context named %q; to copy out of that image, pass --build-context %s=docker-image://%s", name, name, name)
	}
	return noContext(name)
}

// isImage tells whether a named context is an image, or the result of another
// build, rather than a folder or a checkout.
func (b *builder) isImage(name string) bool {
	kind, _, _ := strings.Cut(b.req.contextValue(name), ":")
	return slices.Contains([]string{"docker-image", "oci-layout", "input"}, kind)
}

// find looks up what an entry copies.
func (b *builder) find(c *copied) error {
	for i, p := range c.Exclude {
		if _, err := patternmatcher.New([]string{p}); err != nil {
			return b.spec.Problem(c.at.Join("exclude", strconv.Itoa(i)), fmt.Sprintf("%q is not a valid pattern", p))
		}
	}
	var err error
	if c.exclude, err = patternmatcher.New(c.Exclude); err != nil {
		return err
	}
	for i, src := range c.Src {
		at := c.SrcPath(c.at, i)
		name := path.Clean(strings.TrimLeft(src, "/"))
		names := []string{name}
		if hasWildcard(name) {
			if _, err := path.Match(name, ""); err != nil {
				return b.spec.Problem(at, fmt.Sprintf("%q is not a valid pattern; write [[] for a bracket that is part of a name", src))
			}
			if names, err = glob(c.from.files, name, c.from.isRoot); err != nil && !isMissing(err) {
				return b.linkProblem(c, at, src, err)
			}
			if len(names) == 0 || err != nil {
				return b.spec.Problem(at, nothingMatches(c, src))
			}
		}
		for _, n := range names {
			target, err := follow(c.from.files, n, c.from.isRoot)
			if err != nil {
				return b.linkProblem(c, at, src, err)
			}
			info, err := c.from.files.Lstat(target)
			if err != nil {
				return err
			}
			c.found = append(c.found, found{source: i, name: n, real: target, dir: info.IsDir()})
		}
	}
	if len(c.found) > 1 && !strings.HasSuffix(c.Dest, "/") {
		for _, f := range c.found {
			if !f.dir {
				return b.spec.Problem(c.at.Join("dest"), fmt.Sprintf("%s matches %d files, and of those that are copied to one name only the last would be left; write dest: %s/ to copy them into a directory",
					c.Src[f.source], len(c.found), c.Dest))
			}
		}
	}
	return nil
}

// linkProblem explains a source that does not lead to a file.
func (b *builder) linkProblem(c *copied, at spec.Path, src string, err error) error {
	if link, ok := errors.AsType[*linkError](err); ok {
		msg := link.Error()
		switch link.fault {
		case leadsOut:
			msg += "; pass a context that holds it with --build-context name=folder, and name it with from: name, or make the link relative and inside"
		case leadsNowhere:
			msg += "; " + absent(c, link.to)
		case leadsInCircles:
			msg += "; name the file itself"
		}
		return b.spec.Problem(at, msg)
	}
	if !isMissing(err) {
		return err
	}
	name := path.Clean(strings.TrimLeft(src, "/"))
	msg := fmt.Sprintf("there is nothing named %q in %s; %s", src, c.from.title, absent(c, name))
	if dir, derr := follow(c.from.files, path.Dir(name), c.from.isRoot); derr == nil {
		msg += spec.DidYouMean(path.Base(name), namesIn(c.from.files, dir))
	}
	return b.spec.Problem(at, msg)
}

// absent says why a file may be missing from a context.
func absent(c *copied, name string) string {
	if c.From != "" {
		if c.from.isRoot {
			return "see what the image holds for this platform"
		}
		return "see whether a .dockerignore in it leaves it out"
	}
	// The patterns are the frontend's own.
	if own, err := patternmatcher.New(slices.Concat(tracked, litter)); err == nil {
		if left, err := own.MatchesOrParentMatches(name); err == nil && left {
			return fmt.Sprintf("fromscratch leaves it out of the context unless .dockerignore has the line !%s", name)
		}
	}
	return "see whether .dockerignore leaves it out"
}

func nothingMatches(c *copied, src string) string {
	msg := fmt.Sprintf("nothing in %s matches %q", c.from.title, src)
	if strings.Contains(src, "**") {
		return msg + "; as in COPY, ** means no more than *, so copy a directory and leave out the rest with exclude"
	}
	return msg + "; " + absent(c, path.Clean(strings.TrimLeft(src, "/")))
}

func namesIn(fsys fs.FS, dir string) []string {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// landed is what an entry puts at a path of the image.
type landed struct {
	// name is the name of the file in its context; empty for a directory that is made
	// for what lies in it.
	name string
	mode fs.FileMode
	// uid and gid are the owner.
	uid, gid int
}

func (l *landed) isDir() bool { return l != nil && l.mode.IsDir() }

// is says in words what it is.
func (l *landed) is() string {
	switch {
	case l.mode.IsDir():
		return "a directory"
	case l.mode&fs.ModeSymlink != 0:
		return "a link"
	}
	return "a file"
}

// lands tells what the entry puts at p, an absolute path; nil when that is nothing.
// Of several sources the last counts, as it does when they are copied.
func (c *copied) lands(p string) (*landed, error) {
	dest := path.Clean(c.Dest)
	var out *landed
	if within(dest, p) {
		// Above dest, or dest itself if it must be a directory.
		if p != dest || strings.HasSuffix(c.Dest, "/") {
			out = &landed{mode: fs.ModeDir | 0o755}
		}
	}
	for _, f := range c.found {
		l, err := c.landsOf(f, dest, p)
		if err != nil {
			return nil, err
		}
		if l != nil {
			out = l
		}
	}
	return out, nil
}

func (c *copied) landsOf(f found, dest, p string) (*landed, error) {
	if !f.dir {
		target := dest
		if strings.HasSuffix(c.Dest, "/") {
			target = path.Join(dest, path.Base(f.name))
		}
		if p != target {
			return nil, nil
		}
		return c.landed(f.real, false)
	}
	if p == dest {
		return c.landed(f.real, true)
	}
	if !within(p, dest) {
		return nil, nil
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(p, dest), "/")
	left, err := c.exclude.MatchesOrParentMatches(rel)
	if err != nil {
		return nil, err
	}
	info, err := c.walk(f.real, rel)
	if err != nil || info == nil {
		return nil, err
	}
	// A directory that is left out is made all the same for what an exception of a
	// pattern takes back in.
	if left && (!info.IsDir() || !c.exclude.Exclusions()) {
		return nil, nil
	}
	return c.landed(path.Join(f.real, rel), false)
}

// walk finds what rel is in a directory, if no link is on the way: a link is copied
// as one. It is nil when there is nothing.
func (c *copied) walk(dir, rel string) (fs.FileInfo, error) {
	var info fs.FileInfo
	for elem := range strings.SplitSeq(rel, "/") {
		if info != nil && !info.IsDir() {
			return nil, nil
		}
		dir = path.Join(dir, elem)
		var err error
		if info, err = c.from.files.Lstat(dir); isMissing(err) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	return info, nil
}

// landed describes a file as it is once it is copied. Of the directory that is
// copied itself, mode and owner stay behind.
func (c *copied) landed(name string, top bool) (*landed, error) {
	info, err := c.from.files.Lstat(name)
	if err != nil {
		return nil, err
	}
	l := &landed{name: name, mode: info.Mode()}
	if st, ok := info.Sys().(*types.Stat); ok {
		l.uid, l.gid = int(st.Uid), int(st.Gid)
	}
	if top {
		l.mode, l.uid, l.gid = fs.ModeDir|0o755, 0, 0
	}
	if c.Chown != "" {
		l.uid, l.gid = c.UID, c.GID
	}
	if c.Chmod.Set && l.isDir() {
		l.mode = fs.ModeDir | fs.FileMode(rootfs.DirMode(c.Chmod.Bits)&0o777)
	}
	return l, nil
}

// within tells whether p is dir or lies in it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// above lists the directories that p lies in, from the top, without the root.
func above(p string) []string {
	var out []string
	for d := path.Dir(p); d != "/"; d = path.Dir(d) {
		out = append([]string{d}, out...)
	}
	return out
}

// checkCopy refuses an entry that would write over a binary, or that would have a
// file where there is to be a directory. Each entry is a layer of its own, and what
// COPY would find out when it is run, nobody does when layers are laid over one
// another.
func (b *builder) checkCopy(c *copied) error {
	at := c.at.Join("dest")
	for _, binary := range b.binaryPaths() {
		l, err := c.lands(binary)
		if err != nil {
			return err
		}
		cure := fmt.Sprintf("choose another dest, or give the binary another place with path: %s", beside(binary))
		switch {
		case l != nil && l.isDir():
			return b.spec.Problem(at, fmt.Sprintf("this would make a directory of the binary %s; %s", binary, cure))
		case l != nil:
			if rel := inside(c, l.name); rel != "" {
				cure = fmt.Sprintf("leave it out with exclude: %s, choose another dest, or give the binary another place with path: %s", rel, beside(binary))
			}
			return b.spec.Problem(at, fmt.Sprintf("this would write %s of %s over the binary %s; %s", l.name, c.from.title, binary, cure))
		}
		if err := b.checkDirs(c, above(binary), "the binary "+binary, cure); err != nil {
			return err
		}
	}
	for _, d := range b.neededDirs() {
		if err := b.checkDirs(c, append(above(d.path), d.path), d.why, "choose another dest"); err != nil {
			return err
		}
	}
	return b.checkEarlier(c)
}

// beside is a place for a binary that is in the way at the root.
func beside(binary string) string {
	if path.Dir(binary) == "/bin" {
		return "/usr/bin/" + path.Base(binary)
	}
	return "/bin/" + path.Base(binary)
}

// inside is the name that a file has in the copied directory which holds it, as
// exclude takes it.
func inside(c *copied, name string) string {
	for _, f := range c.found {
		if f.dir && f.real == "." {
			return name
		}
		if rel, ok := strings.CutPrefix(name, f.real+"/"); f.dir && ok {
			return rel
		}
	}
	return ""
}

// checkDirs refuses an entry that puts anything but a directory at one of dirs.
func (b *builder) checkDirs(c *copied, dirs []string, why, cure string) error {
	for _, d := range dirs {
		l, err := c.lands(d)
		if err != nil {
			return err
		}
		if l == nil || l.isDir() {
			continue
		}
		if d == c.Dest {
			cure = fmt.Sprintf("write dest: %s/ to copy it into the directory", d)
		} else if rel := inside(c, l.name); rel != "" {
			cure = fmt.Sprintf("leave it out with exclude: %s, or choose another dest", rel)
		}
		return b.spec.Problem(c.at.Join("dest"), fmt.Sprintf("%s of %s is %s, which would be at %s, and %s is a directory because of %s; %s", l.name, c.from.title, l.is(), d, d, why, cure))
	}
	return nil
}

// neededDir is a directory that the image must have, and why.
type neededDir struct{ path, why string }

// neededDirs are the directories that are in the image whatever is copied.
func (b *builder) neededDirs() []neededDir {
	t, ex := b.target, b.target.Extras
	var out []neededDir
	add := func(why string, paths ...string) {
		for _, p := range paths {
			if p != "/" {
				out = append(out, neededDir{p, why})
			}
		}
	}
	if t.Workdir != "/" {
		add("workdir", t.Workdir)
	}
	add("volumes", t.Volumes...)
	for _, d := range ex.Dirs {
		add("extras: dirs", d.Path)
	}
	for p, why := range b.extraFiles() {
		add(why, path.Dir(p))
	}
	if ex.HasTmp() {
		add("extras: tmp", "/tmp")
	}
	if ex.HasPasswd() {
		add("the home of the user", t.User.Home)
	}
	slices.SortStableFunc(out, func(x, y neededDir) int { return strings.Compare(x.path, y.path) })
	return out
}

// extraFiles are files of extras, and of which.
func (b *builder) extraFiles() map[string]string {
	ex, out := b.target.Extras, map[string]string{}
	if ex.HasCACertificates() {
		out[rootfs.BundlePath] = "extras: ca-certificates"
	}
	if ex.HasTZData() {
		out[rootfs.ZoneinfoPath+"/UTC"] = "extras: tzdata"
	}
	if ex.HasPasswd() {
		out["/etc/passwd"] = "extras: passwd"
	}
	if ex.HasNsswitch() {
		out["/etc/nsswitch.conf"] = "extras: nsswitch"
	}
	if ex.HasHosts() {
		out["/etc/hosts"] = "extras: hosts"
	}
	if ex.HasSBOM() {
		out[rootfs.SBOMPath(b.target.Name())] = "extras: sbom"
	}
	return out
}

// mounted are folders that container runtimes put their own over.
var mounted = []string{"/dev", "/proc", "/sys"}

// checkPlaces refuses a place of a binary where the image has something else.
func (b *builder) checkPlaces() error {
	files := b.extraFiles()
	for i, p := range b.binaryPaths() {
		why := ""
		for _, d := range b.neededDirs() {
			if within(d.path, p) {
				why = fmt.Sprintf("%s is a directory because of %s", p, d.why)
				break
			}
		}
		if extra, ok := files[p]; ok {
			why = fmt.Sprintf("%s has its file there", extra)
		}
		for _, d := range mounted {
			if within(p, d) {
				why = fmt.Sprintf("container runtimes mount their own over %s", d)
			}
		}
		if why != "" {
			return b.spec.Problem(b.binaryPath(i), fmt.Sprintf("the binary would be %s, and %s; give it another place with path: /bin/%s", p, why, path.Base(p)))
		}
	}
	return nil
}

// checkEarlier refuses an entry that COPY would fail at, or would place elsewhere,
// because of an entry before it.
func (b *builder) checkEarlier(c *copied) error {
	at := c.at.Join("dest")
	dest := path.Clean(c.Dest)
	mine, err := c.lands(dest)
	if err != nil || mine == nil {
		return err
	}
	for _, e := range b.copied {
		for _, d := range above(dest) {
			l, err := e.lands(d)
			if err != nil {
				return err
			}
			if l != nil && !l.isDir() {
				return b.spec.Problem(at, fmt.Sprintf("%s is %s, %s of an entry before this one, so nothing can be below it; choose another dest", d, l.is(), l.name))
			}
		}
		l, err := e.lands(dest)
		if err != nil {
			return err
		}
		switch {
		case l == nil || l.isDir() == mine.isDir():
		case l.isDir():
			return b.spec.Problem(at, fmt.Sprintf("%s is a directory, because of an entry before this one; write dest: %s/ to copy into it", dest, dest))
		default:
			return b.spec.Problem(at, fmt.Sprintf("%s is %s, %s of an entry before this one, and cannot be a directory too; choose another dest", dest, l.is(), l.name))
		}
		for _, f := range c.found {
			p := path.Join(dest, path.Base(f.name))
			if l, err = e.lands(p); err != nil {
				return err
			}
			if !f.dir && mine.isDir() && l.isDir() {
				return b.spec.Problem(at, fmt.Sprintf("%s is a directory, because of an entry before this one, and cannot be the file %s too; choose another dest", p, f.name))
			}
		}
	}
	return nil
}

// dirsOf are the directories that an entry needs below the root, from the top. Those
// that the image has from elsewhere stay as they are; dest itself, for a directory
// that is copied, has the owner and the mode that the entry says.
func (b *builder) dirsOf(c *copied) ([]rootfs.Dir, error) {
	dest := path.Clean(c.Dest)
	dirs := above(dest)
	l, err := c.lands(dest)
	if err != nil {
		return nil, err
	}
	if l.isDir() && dest != "/" {
		dirs = append(dirs, dest)
	}
	out := make([]rootfs.Dir, len(dirs))
	for i, d := range dirs {
		out[i] = rootfs.Dir{Path: d, Mode: 0o755}
		made, err := b.copiedDir(d)
		if err != nil {
			return nil, err
		}
		switch {
		case b.hasDir(d):
		case made != nil:
			out[i] = *made
		case d == dest && l.name != "":
			out[i] = rootfs.Dir{Path: d, UID: l.uid, GID: l.gid, Mode: int(l.mode.Perm())}
		}
	}
	return out, nil
}

// hasDir tells whether a layer below the copies has the directory.
func (b *builder) hasDir(d string) bool {
	for _, n := range b.neededDirs() {
		if within(n.path, d) {
			return true
		}
	}
	return false
}

// copiedDir is what the entries so far make of a directory; nil when they copy none
// to there.
func (b *builder) copiedDir(d string) (*rootfs.Dir, error) {
	for _, e := range slices.Backward(b.copied) {
		l, err := e.lands(d)
		if err != nil {
			return nil, err
		}
		if l.isDir() && l.name != "" {
			return &rootfs.Dir{Path: d, UID: l.uid, GID: l.gid, Mode: int(l.mode.Perm())}, nil
		}
	}
	return nil, nil
}

// retaken are the directories of copies that the layer of a binary, which comes on
// top, gives to root with mode 0755.
func (b *builder) retaken() ([]rootfs.Dir, error) {
	var out []rootfs.Dir
	for _, binary := range b.binaryPaths() {
		for _, p := range above(binary) {
			d, err := b.copiedDir(p)
			if err != nil {
				return nil, err
			}
			if d != nil && *d != (rootfs.Dir{Path: p, Mode: 0o755}) && !b.hasDir(p) {
				out = append(out, *d)
			}
		}
	}
	return out, nil
}

// copiesDir tells whether an entry has a directory of that name in it.
func (b *builder) copiesDir(d string) (bool, error) {
	for _, c := range b.copied {
		if l, err := c.lands(d); err != nil || l.isDir() {
			return true, err
		}
	}
	return false, nil
}
