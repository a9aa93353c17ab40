package rootfs

import (
	"bytes"
	"fmt"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// noLogin is the shell of every account: there is none in the image.
const noLogin = "/sbin/nologin"

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
