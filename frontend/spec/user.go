package spec

import (
	"fmt"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// User runs the program. It is always a number in the image, because Kubernetes
// refuses runAsNonRoot for an image whose user is a name.
type User struct {
	// Name is the name in /etc/passwd.
	Name string `yaml:"name"`
	// UID is the number of the user.
	UID int `yaml:"uid"`
	// GID is the number of the group. Default: the uid.
	GID int `yaml:"gid"`
	// Home is the home directory, created and owned by the user. Default: /home/<name>.
	Home string `yaml:"home"`

	set bool
}

// maxID is the highest uid and gid that every part of the container stack
// takes: the highest value of a signed 32-bit number.
const maxID = 1<<31 - 1

var (
	// Nonroot is the default user; distroless images made its number known.
	Nonroot = User{Name: "nonroot", UID: 65532, GID: 65532, Home: "/home/nonroot", set: true}
	// Root is the superuser.
	Root = User{Name: "root", Home: "/root", set: true}

	userName   = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	userNumber = regexp.MustCompile(`^([0-9]+)(?::([0-9]+))?$`)
)

// Numeric is the user as the image configuration has it: "uid:gid".
func (u User) Numeric() string { return fmt.Sprintf("%d:%d", u.UID, u.GID) }

func (u *User) decode(d *decoder, n *yaml.Node, path Path) {
	u.set = true
	switch n.Kind {
	case yaml.ScalarNode:
		if s, ok := d.scalar(n, path); ok {
			u.word(d, n, s)
		}
	case yaml.MappingNode:
		before := d.mistakes
		d.mapping(n, path, reflect.ValueOf(u).Elem())
		if d.mistakes == before {
			u.validate(d, n, path)
		}
	default:
		d.wrongKind(n, path, "a single value such as 1000:1000, or a mapping such as {name: app, uid: 10001}")
	}
}

func (u *User) word(d *decoder, n *yaml.Node, s string) {
	switch s {
	case Nonroot.Name:
		*u = Nonroot
		return
	case Root.Name, "0", "0:0":
		*u = Root
		return
	}
	m := userNumber.FindStringSubmatch(s)
	if m == nil && userName.MatchString(s) {
		d.problem(n, "user %s has no number: write {name: %s, uid: 10001}, because Kubernetes answers \"container has runAsNonRoot and image has non-numeric user\" to a name", quote(s), s)
		return
	}
	if m == nil {
		d.problem(n, "%s is not a user; write nonroot, root, a number such as 1000 or 1000:1000, or {name: app, uid: 10001}", quote(s))
		return
	}
	uid, err := strconv.Atoi(m[1])
	gid := uid
	if err == nil && m[2] != "" {
		gid, err = strconv.Atoi(m[2])
	}
	if err != nil || uid > maxID || gid > maxID {
		d.problem(n, "user %s is out of range; ids go up to %d", quote(s), maxID)
		return
	}
	u.UID, u.GID = uid, gid
	u.Name, u.Home = "user", "/home/user"
	if uid == Nonroot.UID {
		u.Name, u.Home = Nonroot.Name, Nonroot.Home
	}
	if uid == 0 {
		u.Name, u.Home = Root.Name, Root.Home
	}
}

func (u *User) validate(d *decoder, n *yaml.Node, p Path) {
	written := func(key string) bool {
		_, ok := d.at.keys[p.Join(key).id()]
		return ok
	}
	if !written("uid") {
		switch {
		case u.Name == Root.Name || u.Name == Nonroot.Name:
			d.problem(n, "user needs a number; for the usual one, write user: %s", u.Name)
		case userName.MatchString(u.Name):
			d.problem(n, "user needs a number: write {name: %s, uid: 10001}", u.Name)
		default:
			d.problem(n, "user needs a number: write {name: app, uid: 10001}")
		}
		return
	}
	if !written("gid") {
		u.GID = u.UID
	}
	for _, id := range []struct {
		key   string
		value int
	}{{"uid", u.UID}, {"gid", u.GID}} {
		if written(id.key) && (id.value < 0 || id.value > maxID) {
			d.problemAt(d.at.value(p.Join(id.key)), "%s is out of range; ids go from 0 to %d", id.key, maxID)
		}
	}
	if u.Name == "" {
		u.Name = "user"
		if u.UID == 0 {
			u.Name = Root.Name
		}
	}
	if !userName.MatchString(u.Name) {
		d.problemAt(d.at.value(p.Join("name")), "%s cannot be the name of a user; use up to 32 lower-case letters, digits, '_' and '-', of which a letter or '_' comes first", quote(u.Name))
	}
	if (u.Name == Root.Name) != (u.UID == 0) {
		d.problemAt(d.at.value(p), "root is the user with uid 0, and no other may take its name or its number; write user: root, or change the name or the uid")
	}
	if u.Home == "" {
		u.Home = "/home/" + u.Name
		if u.UID == 0 {
			u.Home = Root.Home
		}
	}
	if !path.IsAbs(u.Home) || strings.ContainsAny(u.Home, ":\n") {
		d.problemAt(d.at.value(p.Join("home")), "home must be an absolute path without a colon, such as /home/%s", clip(u.Name))
	}
	u.Home = path.Clean(u.Home)
}
