package lint

import (
	"regexp"

	"github.com/distribution/reference"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// A toolchain floats when neither the project nor the spec says which release it
// is: the same commit is compiled by another compiler one day, without anybody
// having changed anything. That a patch release changes is fine.
var floatingToolchain = &Rule{
	Name:        "FloatingToolchain",
	Description: "Without a version, the same sources are compiled by another compiler some day.",
	each: func(p *pass, t *spec.Target) {
		switch tc := t.Toolchain; {
		case tc.Image != "":
			p.floatingImage(t)
		case tc.Version != "":
			if floatingTag.MatchString(tc.Version) {
				p.report(p.valueRange(p.toolchainPath(t, "version")),
					"version %s names no release, so the compiler changes when its image is updated; write one such as %s", tc.Version, exampleVersion(tc.Name))
			}
		case tc.Name == spec.RustMusl && p.src.rustFloats(t.Build.Dir):
			p.report(p.valueRange(p.toolchainPath(t, "name")),
				"nothing says which Rust compiles this, so a new release of the frontend brings another one; "+
					"add a rust-toolchain.toml with a version as its channel, or write toolchain: {name: rust-musl, version: %s}", exampleVersion(tc.Name))
		case tc.Name == spec.GoCGO0 && p.src.goFloats(t.Build.Dir):
			p.report(p.valueRange(p.toolchainPath(t, "name")),
				"go.mod has no go line, so nothing says which Go compiles this, and a new release of the frontend brings another one; run go mod edit -go=%s, "+
					"or write toolchain: {name: go-cgo0, version: %s}", exampleVersion(tc.Name), exampleVersion(tc.Name))
		}
	},
}

// floatingTag matches tags that move on from one release to the next: latest,
// alpine, nightly, 1, 1-bookworm; but not 1.26 or alpine3.22.
var floatingTag = regexp.MustCompile(`^[0-9]?[A-Za-z_-]*$`)

func (p *pass) floatingImage(t *spec.Target) {
	named, err := reference.ParseNormalizedNamed(t.Toolchain.Image)
	if err != nil {
		return
	}
	if _, ok := named.(reference.Digested); ok {
		return
	}
	at, name := p.valueRange(p.toolchainPath(t, "image")), reference.FamiliarName(named)
	tagged, ok := named.(reference.Tagged)
	official := name == "golang" || name == "rust"
	switch {
	case !ok:
		p.report(at, "the image %s has no tag, so the compiler changes whenever the image does; %s", name, pinImage(t.Toolchain.Name, official))
	case tagged.Tag() == "latest", official && floatingTag.MatchString(tagged.Tag()):
		// What a tag of somebody else's image means is theirs to say.
		p.report(at, "the tag %s names no release, so the compiler changes whenever the image does; %s", tagged.Tag(), pinImage(t.Toolchain.Name, official))
	}
}

func pinImage(toolchain string, official bool) string {
	if official {
		return "write version: " + exampleVersion(toolchain) + " instead of image, or add a digest: @sha256:…"
	}
	return "add the tag of a release, or a digest: @sha256:…"
}

func exampleVersion(toolchain string) string {
	if toolchain == spec.RustMusl {
		return "1.96"
	}
	return "1.26"
}
