package spec

import "github.com/distribution/reference"

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
	if _, err := reference.ParseNormalizedNamed(t.Base); err != nil && t.Base != "" {
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
