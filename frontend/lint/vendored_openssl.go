package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// openssl-sys links an OpenSSL that is there or, with its feature vendored, one
// that it compiles from openssl-src. No toolchain image has one for musl, so the
// compile fails, after minutes, with a message about pkg-config.
var vendoredOpenSSL = &Rule{
	Name:        "VendoredOpenSSL",
	Description: "The crate openssl-sys needs an OpenSSL for musl, which the toolchain image does not have.",
	each: func(p *pass, t *spec.Target) {
		if t.Toolchain.Name != spec.RustMusl || !officialRust(t.Toolchain.Image) {
			return
		}
		// The project says where its OpenSSL is.
		for name := range t.Build.Env {
			if strings.Contains(name, "OPENSSL") || strings.Contains(name, "PKG_CONFIG") {
				return
			}
		}
		w := p.src.workspace(t.Build.Dir)
		if w == nil || len(w.locked["openssl-src"]) > 0 || p.src.configMentions(t.Build.Dir, "OPENSSL") {
			return
		}
		by, ok := w.compiled(t)["openssl-sys"]
		if !ok {
			return
		}
		through := ""
		if !slices.Contains([]string{"openssl", "openssl-sys", "native-tls"}, by) {
			through = fmt.Sprintf(" (through %s)", by)
		}
		p.report(p.spec.BuildRange(t.Name()), "Cargo.lock has openssl-sys%s but not openssl-src, and the toolchain image has no OpenSSL for musl to link; "+
			"%s, or compile OpenSSL with the program: cargo add openssl --features vendored", through, rustlsInstead(by))
	},
}

// officialRust tells whether the image of a toolchain is the official one.
// Others may have an OpenSSL.
func officialRust(image string) bool {
	if image == "" {
		return true
	}
	named, err := reference.ParseNormalizedNamed(image)
	return err == nil && reference.FamiliarName(named) == "rust"
}

// rustlsInstead says how a project does without OpenSSL.
func rustlsInstead(dependency string) string {
	switch dependency {
	case "openssl", "openssl-sys", "native-tls":
		return "use rustls instead"
	}
	return "switch " + dependency + " to rustls with its features"
}
