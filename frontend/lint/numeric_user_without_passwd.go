package lint

import (
	"path"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Without an entry in /etc/passwd a number has no name and no home. The default
// user is left alone: whoever takes everything out of an image and gives no user
// has asked for nothing that the image does not have.
var numericUserWithoutPasswd = &Rule{
	Name:        "NumericUserWithoutPasswd",
	Description: "A user that /etc/passwd does not list has neither a name nor a home directory.",
	each: func(p *pass, t *spec.Target) {
		at := pathOf(t, "user")
		if t.Extras.HasPasswd() || t.Base != "" || !p.spec.Wrote(at) || t.User.UID == 0 || t.User.UID == spec.Nonroot.UID {
			return
		}
		// These are where programs look first.
		if t.Env["HOME"] != "" && (t.Env["USER"] != "" || t.Toolchain.Name != spec.GoCGO0) {
			return
		}
		for _, c := range t.Copy {
			// A passwd of the project's own, or a directory that may hold one.
			switch path.Clean(c.Dest) {
			case "/", "/etc", "/etc/passwd":
				return
			}
		}
		fails, env := "HOME is /, which the user cannot write to", "env: {HOME: /data}"
		if t.Toolchain.Name == spec.GoCGO0 {
			fails, env = "Go's user.Current() fails and "+fails, "env: {USER: app, HOME: /data}"
		}
		p.report(p.valueRange(at), "the user %s is not in /etc/passwd, because the extra passwd is off, so that %s; turn it on with extras: {passwd: true}, or write %s",
			t.User.Numeric(), fails, env)
	},
}
