package spec

import (
	"errors"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Healthcheck is how a container runtime finds out whether the program is well.
// It is Docker's; Kubernetes has probes of its own and ignores it.
type Healthcheck struct {
	// Test is the command, in exec form: exit status 0 is well. [NONE] switches off
	// what is checked otherwise.
	Test Command `yaml:"test"`
	// Interval is the time between two checks, such as 30s. Default: 30s.
	Interval Duration `yaml:"interval"`
	// Timeout is how long a check may take. Default: 30s.
	Timeout Duration `yaml:"timeout"`
	// StartPeriod is how long failures do not count after the start. Default: none.
	StartPeriod Duration `yaml:"start-period"`
	// StartInterval is the time between two checks during the start period. Default: 5s.
	StartInterval Duration `yaml:"start-interval"`
	// Retries is how many failures in a row make the program unwell. Default: 3.
	Retries int `yaml:"retries"`
}

func (h *Healthcheck) decode(d *decoder, n *yaml.Node, p Path) {
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, p, "a mapping such as {test: [/app, health], interval: 30s}")
		return
	}
	before := d.mistakes
	d.mapping(n, p, reflect.ValueOf(h).Elem())
	if d.mistakes > before {
		return
	}
	at := d.at.value(p.Join("test"))
	switch {
	case len(h.Test) == 0:
		d.problemAt(d.at.key(p), "healthcheck has no test; write test: [/app, health]")
		return
	case h.Test[0] == "CMD-SHELL":
		d.problemAt(at, "CMD-SHELL needs a shell, and an image from scratch has none; write the program and its arguments: [/app, health]")
	case h.Test[0] == "NONE" && (len(h.Test) > 1 || h.timed()):
		d.problemAt(at, "NONE means that nothing is checked, so there is nothing to say beside it; write healthcheck: {test: [NONE]}")
	case h.Test[0] == "CMD" && len(h.Test) == 1, h.Test[0] == "", h.Test[0] == "CMD" && h.Test[1] == "":
		d.problemAt(at, "test names no program; write [/app, health]")
	case h.Test[0] == "CMD":
		h.Test = h.Test[1:]
	}
	if h.Retries < 0 {
		d.problemAt(d.at.value(p.Join("retries")), "retries must not be negative")
	}
}

// timed tells whether anything is said of when to check.
func (h *Healthcheck) timed() bool {
	return h.Interval != 0 || h.Timeout != 0 || h.StartPeriod != 0 || h.StartInterval != 0 || h.Retries != 0
}

// Duration is a length of time such as 30s or 1m30s.
type Duration time.Duration

func (v *Duration) decode(d *decoder, n *yaml.Node, p Path) {
	s, ok := d.scalar(n, p)
	if !ok {
		return
	}
	t, err := time.ParseDuration(s)
	switch {
	case err != nil:
		hint := "30s, 1m30s or 500ms"
		if _, err := strconv.ParseUint(s, 10, 32); err == nil {
			hint = s + "s"
		}
		d.problem(n, "%s is not a length of time; write one such as %s", quote(s), hint)
	case t != 0 && t < time.Millisecond:
		d.problem(n, "%s is too short; Docker takes no less than 1ms", quote(s))
	}
	*v = Duration(t)
}

// Metadata describes an image with the keys of the OCI image specification
// (annotations.md), without their prefix.
type Metadata struct {
	// Title is the name of the image for people.
	Title string `yaml:"title"`
	// Description says what is in the image.
	Description string `yaml:"description"`
	// Source is the URL of the source code.
	Source string `yaml:"source"`
	// URL is where to find more about the image.
	URL string `yaml:"url"`
	// Documentation is the URL of the documentation.
	Documentation string `yaml:"documentation"`
	// Version is the version of the program.
	Version string `yaml:"version"`
	// Revision is the revision of the source code.
	Revision string `yaml:"revision"`
	// Licenses is an SPDX licence expression.
	Licenses string `yaml:"licenses"`
	// Vendor is who distributes the image.
	Vendor string `yaml:"vendor"`
	// Authors are whom to ask about the image.
	Authors string `yaml:"authors"`
}

// Annotations are the entries that were written, under their full names.
func (m Metadata) Annotations() map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(m)
	for name, i := range fieldsOf(v.Type()) {
		if s := v.Field(i).String(); s != "" {
			out["org.opencontainers.image."+name] = s
		}
	}
	return out
}

// Copy puts files into the image, in the words of a Dockerfile's COPY.
type Copy struct {
	// Src is the file or directory to copy, relative to its context; a wildcard
	// matches several. Of a directory its contents are copied.
	Src Words `yaml:"src"`
	// Dest is where it goes. A slash at its end makes it a directory.
	Dest string `yaml:"dest"`
	// From is the named context to copy out of. Default: the build context.
	From string `yaml:"from"`
	// Exclude lists patterns, as in .dockerignore, of what not to copy out of a
	// directory, relative to it.
	Exclude Words `yaml:"exclude"`
	// Chown is the owner: nonroot, root, the user's name, or numbers such as
	// 1000:1000; a group may follow a name too. Default: root, or as it is in an
	// image.
	Chown string `yaml:"chown"`
	// Chmod is the mode of the files, in octal: 0644. Directories can be entered by
	// those who may read them. Default: as they are.
	Chmod Mode `yaml:"chmod"`

	// UID and GID are the owner that Chown names.
	UID, GID int
}

// Dir is a directory to create in the image.
type Dir struct {
	// Path is where it goes.
	Path string `yaml:"path"`
	// Chmod is its mode, in octal. Default: 0755.
	Chmod Mode `yaml:"chmod"`
	// Chown is its owner, as in copy. Default: the user of the image.
	Chown string `yaml:"chown"`

	// UID and GID are the owner that Chown names.
	UID, GID int
}

// Mode is permission bits. Numbers are taken as written, so 0644 and 644 are the
// same octal mode.
type Mode struct {
	// Bits are the permissions, with setuid, setgid and the sticky bit as in chmod(1).
	Bits int
	// Set tells whether a mode was written.
	Set bool
}

func (m *Mode) decode(d *decoder, n *yaml.Node, p Path) {
	s, ok := d.scalar(n, p)
	if !ok {
		return
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || bits > 0o7777 {
		d.problem(n, "%s is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories", quote(s))
		return
	}
	m.Bits, m.Set = int(bits), true
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@-]*$`)

func (c *Copy) decode(d *decoder, n *yaml.Node, p Path) {
	before := d.mistakes
	d.mapping(n, p, reflect.ValueOf(c).Elem())
	if d.mistakes > before {
		return
	}
	if len(c.Src) == 0 || c.Dest == "" {
		d.problemAt(d.at.value(p), "an entry of copy needs src and dest: write {src: config/, dest: /etc/app/}")
		return
	}
	for i, s := range c.Src {
		switch src := d.at.value(c.SrcPath(p, i)); {
		case strings.Contains(s, "\\"):
			d.problemAt(src, "src is written with slashes: write %s", quote(strings.ReplaceAll(s, "\\", "/")))
		case strings.Contains(s, "://"), strings.HasPrefix(s, "git@"):
			d.problemAt(src, "copy downloads nothing; pass %s with --build-context name=%s, and name it with from: name", quote(s), clip(s))
		case leavesContext(strings.TrimLeft(s, "/")):
			d.problemAt(src, "%s lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with from: name", quote(s))
		}
	}
	c.destination(d, p)
	if c.From != "" && !contextName.MatchString(c.From) {
		d.problemAt(d.at.value(p.Join("from")), "%s cannot be the name of a context; write one as given to --build-context, such as assets", quote(c.From))
	}
}

// destination cleans dest, of which a slash at the end stays.
func (c *Copy) destination(d *decoder, p Path) {
	at := d.at.value(p.Join("dest"))
	dir := strings.HasSuffix(c.Dest, "/") || strings.HasSuffix(c.Dest, "/.")
	switch clean := path.Clean("/" + c.Dest); {
	case !path.IsAbs(c.Dest):
		d.problemAt(at, "dest must start with a slash: write %s", clip("/"+strings.TrimPrefix(c.Dest, "./")))
	case strings.ContainsFunc(c.Dest, unicode.IsControl):
		d.problemAt(at, "dest contains a line break or another character that cannot be seen; remove it")
	case len(c.Src) > 1 && !dir:
		d.problemAt(at, "several sources need a directory to go to: write dest: %s", clip(strings.TrimSuffix(clean, "/")+"/"))
	case dir && clean != "/":
		c.Dest = clean + "/"
	default:
		c.Dest = clean
	}
}

// SrcPath is where the i-th source of the entry at p was written.
func (c *Copy) SrcPath(p Path, i int) Path { return p.Join("src", strconv.Itoa(i)) }

func (dir *Dir) decode(d *decoder, n *yaml.Node, p Path) {
	before := d.mistakes
	d.mapping(n, p, reflect.ValueOf(dir).Elem())
	if d.mistakes > before {
		return
	}
	if path.Clean("/"+dir.Path) == "/" {
		d.problemAt(d.at.value(p), "an entry of dirs needs a path below the root: write {path: /data}")
		return
	}
	d.absolute("path", &dir.Path, p.Join("path"))
	dir.Path = path.Clean(dir.Path)
}

// ownDirs gives t directories of its own, of which it settles the owners. p is
// where the extras were written.
func (d *decoder) ownDirs(t *Target, p Path) {
	if d.nodes += len(t.Extras.Dirs); d.nodes > maxNodes {
		if !d.overflow {
			d.overflow = true
			d.problemAt(d.at.value(p.Join("dirs")), "the spec has more than %d values once every target has these directories; a spec that large is refused", maxNodes)
		}
		return
	}
	t.Extras.Dirs = slices.Clone(t.Extras.Dirs)
	for i := range t.Extras.Dirs {
		dir := &t.Extras.Dirs[i]
		dir.UID, dir.GID = t.User.UID, t.User.GID
		if dir.Chown != "" {
			dir.UID, dir.GID = d.owner(t, dir.Chown, p.Join("dirs", strconv.Itoa(i), "chown"))
		}
	}
}

// owner turns the word of chown into numbers. Names are those that /etc/passwd and
// /etc/group of the image have.
func (d *decoder) owner(t *Target, word string, p Path) (uid, gid int) {
	if word == "" {
		return 0, 0
	}
	known := []User{t.User, Nonroot, Root}
	number := func(s string, of func(User) int) (int, bool) {
		for _, u := range known {
			if s == u.Name {
				return of(u), true
			}
		}
		n, err := strconv.ParseUint(s, 10, 31)
		if errors.Is(err, strconv.ErrRange) {
			d.problemAt(d.at.value(p), "%s is out of range; ids go up to %d", quote(word), maxID)
			return 0, true
		}
		return int(n), err == nil
	}
	user, group, both := strings.Cut(word, ":")
	uid, ok := number(user, func(u User) int { return u.UID })
	if ok && !both {
		gid, ok = number(user, func(u User) int { return u.GID })
	} else if ok {
		gid, ok = number(group, func(u User) int { return u.GID })
	}
	if !ok && t.User.Name != "" { // Else the user is wrong itself.
		d.problemAt(d.at.value(p), "there is no user %s in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base", quote(word))
	}
	return uid, gid
}
