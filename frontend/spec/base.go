package spec

import (
	"strings"

	"github.com/distribution/reference"
)

// Scratch is the base that is no image.
const Scratch = "scratch"

// validateBase settles what the target is built on: empty for nothing.
func (d *decoder) validateBase(s *Spec, t *Target, p Path) {
	at := p.Join("base")
	if t.Base == "" {
		t.Base, at = s.Base, Path{"base"}
	}
	if t.Base == Scratch {
		t.Base = ""
	}
	switch _, err := reference.ParseNormalizedNamed(t.Base); {
	case err == nil || t.Base == "":
	case strings.Contains(t.Base, "://") || strings.HasPrefix(t.Base, ".") || strings.HasPrefix(t.Base, "/"):
		d.problemAt(d.at.value(at), "%s is a place, and base takes the name of an image or of a context; pass it with --build-context below=%s and write base: below", quote(t.Base), t.Base)
	default:
		d.problemAt(d.at.value(at), "%s is not the name of an image; write one such as gcr.io/distroless/static, debian:12-slim or registry.example/base@sha256:…, in lower case", quote(t.Base))
	}
}

// BasePath is where the base of t was written.
func (s *Spec) BasePath(t *Target) Path {
	if p := (Path{"targets", t.name, "base"}); s.Wrote(p) {
		return p
	}
	return Path{"base"}
}
