package spec

import (
	"reflect"
	"regexp"
	"slices"

	"github.com/distribution/reference"
	"go.yaml.in/yaml/v3"
)

// Names of the toolchains.
const (
	// GoCGO0 compiles Go without cgo.
	GoCGO0 = "go-cgo0"
	// RustMusl compiles Rust for a musl target.
	RustMusl = "rust-musl"
	// Prebuilt compiles nothing: the binary is in the build context already.
	Prebuilt = "prebuilt"
)

// Toolchains lists the names that toolchain takes.
var Toolchains = []string{GoCGO0, RustMusl, Prebuilt}

// version is what the tag of an image can begin with.
var version = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// debianPackage is a package with its architecture and version ("Source control
// fields" in Debian's policy, and apt-get(8), to which a name that ends in a hyphen
// means to remove the package).
var debianPackage = regexp.MustCompile(`^[a-z0-9]([a-z0-9+.-]*[a-z0-9+.])?(:[a-z0-9]+)?(=[0-9A-Za-z][0-9A-Za-z.+:~-]*)?$`)

// Toolchain is the compiler, or prebuilt for a binary that another one made. The name alone is short for {name: …}.
type Toolchain struct {
	// Name is go-cgo0, rust-musl or prebuilt.
	Name string `yaml:"name"`
	// Version is the version of the compiler, such as 1.26. Default: what the
	// project asks for.
	Version string `yaml:"version"`
	// Image replaces the official image of the compiler.
	Image string `yaml:"image"`
	// Jobs is how many things the compiler does at once. Default: one a processor.
	Jobs int `yaml:"jobs"`
	// Packages are Debian packages to install beside the compiler, for what a build
	// runs or reads, such as protobuf-compiler. A version or an architecture may
	// follow the name: cmake=3.25.1-1, zlib1g-dev:arm64.
	Packages Words `yaml:"packages"`

	// failed is set when the name was written and is wrong, so that it is not
	// also said to be missing.
	failed bool
}

func (t *Toolchain) decode(d *decoder, n *yaml.Node, path Path) {
	at, before := path, d.mistakes
	switch n.Kind {
	case yaml.ScalarNode:
		if s, ok := d.scalar(n, path); ok {
			t.Name = s
			d.nonEmpty(n, path, s)
		}
	case yaml.MappingNode:
		d.mapping(n, path, reflect.ValueOf(t).Elem())
		at = path.Join("name")
	default:
		d.wrongKind(n, path, "the name of a toolchain, or a mapping with the keys "+List(keysOf(reflect.TypeFor[Toolchain]())))
	}
	t.failed = d.mistakes > before
	if t.Name != "" && !slices.Contains(Toolchains, t.Name) {
		hint := toolchainHint(t.Name)
		if hint == "" {
			hint = DidYouMean(t.Name, Toolchains)
		}
		d.problemAt(d.at.value(at), "there is no toolchain %s, only %s%s", quote(t.Name), List(Toolchains), hint)
		t.Name, t.failed = "", true
	}
	if t.Image != "" {
		if _, err := reference.ParseNormalizedNamed(t.Image); err != nil {
			d.problemAt(d.at.value(path.Join("image")), "%s is not the name of an image; write one such as golang:1.26 or registry.example/golang@sha256:…, in lower case", quote(t.Image))
		}
	}
	if _, ok := d.at.keys[path.Join("jobs").id()]; ok && (t.Jobs < 1 || t.Jobs > 1024) && !t.failed {
		d.problemAt(d.at.value(path.Join("jobs")), "jobs must be a number from 1 to 1024")
	}
	for i, name := range t.Packages {
		if !debianPackage.MatchString(name) && name != "" {
			d.problemAt(d.at.value(path.Join("packages", index(i, t.Packages))), "%s is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]", quote(name))
		}
	}
	if t.Version != "" && !version.MatchString(t.Version) {
		d.problemAt(d.at.value(path.Join("version")), "%s is not a version; write one such as 1.26", quote(t.Version))
	}
}

// toolchainHint answers the words that people try first.
func toolchainHint(name string) string {
	switch name {
	case "go", "golang":
		return `; Go programs for scratch are compiled without cgo, which is what go-cgo0 does`
	case "rust", "cargo":
		return `; Rust programs for scratch are linked with musl, which is what rust-musl does`
	}
	return ""
}
