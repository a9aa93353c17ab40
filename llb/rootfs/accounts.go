package rootfs

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// noLogin is the shell of every account: there is none in the image.
const noLogin = "/sbin/nologin"

// NewAccounts are those of an image that has root and the user.
func NewAccounts(u spec.User) *Accounts { return ReadAccounts(accounts(u)) }

// accounts is the content of /etc/passwd and /etc/group for root and the user.
func accounts(u spec.User) (passwd, group []byte) {
	var p, g bytes.Buffer
	add := func(u spec.User) {
		fmt.Fprintf(&p, "%s:x:%d:%d:%s:%s:%s\n", u.Name, u.UID, u.GID, u.Name, u.Home, noLogin)
	}
	add(spec.Root)
	fmt.Fprintf(&g, "%s:x:0:\n", spec.Root.Name)
	if u.UID != 0 {
		add(u)
	}
	if u.GID != 0 {
		fmt.Fprintf(&g, "%s:x:%d:\n", u.Name, u.GID)
	}
	return p.Bytes(), g.Bytes()
}

// Accounts are /etc/passwd and /etc/group of an image, to which users are added.
type Accounts struct {
	passwd, group []string
}

// ReadAccounts reads the two files.
func ReadAccounts(passwd, group []byte) *Accounts {
	lines := func(data []byte) []string {
		if len(data) == 0 {
			return nil
		}
		return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
	return &Accounts{lines(passwd), lines(group)}
}

// field finds the line whose field i is value, and gives its fields.
func field(lines []string, i int, value string) ([]string, bool) {
	for _, l := range lines {
		if f := strings.Split(l, ":"); len(f) > i && f[i] == value {
			return f, true
		}
	}
	return nil, false
}

// User is the uid that name has, if there is one.
func (a *Accounts) User(name string) (uid int, ok bool) {
	f, ok := field(a.passwd, 0, name)
	if !ok || len(f) < 3 {
		return 0, false
	}
	uid, err := strconv.Atoi(f[2])
	return uid, err == nil
}

// Home is the home directory of a uid, if it has an account.
func (a *Accounts) Home(uid int) (home string, ok bool) {
	f, ok := field(a.passwd, 2, strconv.Itoa(uid))
	if !ok || len(f) < 6 || f[5] == "" {
		return "/", ok
	}
	return f[5], true
}

// Add adds the user and its group, as far as their numbers have no entry. A name that
// is taken gets its number behind it. It tells whether anything was added.
func (a *Accounts) Add(u spec.User) bool {
	added := false
	free := func(lines []string, id int) string {
		if _, taken := field(lines, 0, u.Name); taken {
			return u.Name + strconv.Itoa(id)
		}
		return u.Name
	}
	if _, ok := field(a.passwd, 2, strconv.Itoa(u.UID)); !ok {
		name := free(a.passwd, u.UID)
		a.passwd = append(slices.Clip(a.passwd), fmt.Sprintf("%s:x:%d:%d:%s:%s:%s", name, u.UID, u.GID, name, u.Home, noLogin))
		added = true
	}
	if _, ok := field(a.group, 2, strconv.Itoa(u.GID)); !ok {
		a.group = append(slices.Clip(a.group), fmt.Sprintf("%s:x:%d:", free(a.group, u.GID), u.GID))
		added = true
	}
	return added
}

// Files are the contents of /etc/passwd and /etc/group.
func (a *Accounts) Files() (passwd, group []byte) {
	return []byte(strings.Join(a.passwd, "\n") + "\n"), []byte(strings.Join(a.group, "\n") + "\n")
}
