package spec

import (
	"path"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Build says what to compile. A single value is short for {package: …}.
type Build struct {
	// Dir is the root of the module or workspace, relative to the context.
	// Default: ".".
	Dir string `yaml:"dir"`
	// Package is the package to compile: for Go one or more package paths, by
	// default ./cmd/<target> if it exists, else "."; for Rust one or more Cargo
	// packages, by default the one named like the target.
	Package Words `yaml:"package"`
	// Bin is the binary target of a Rust package, or several.
	Bin Words `yaml:"bin"`

	// short is set when the build was written as a single value.
	short bool
}

func (*Build) planned() []string {
	return []string{"features", "default-features", "profile", "locked", "auditable", "tags", "ldflags", "gcflags",
		"tzdata", "stamp", "env", "group", "optimize", "inputs", "network", "cache", "secrets"}
}

func (b *Build) decode(d *decoder, n *yaml.Node, path Path) {
	switch n.Kind {
	case yaml.ScalarNode:
		b.short = true
		if s, ok := d.scalar(n, path); ok {
			b.Package = Words{s}
			d.nonEmpty(n, path, s)
		}
		return
	case yaml.SequenceNode:
		d.wrongKind(n, path, "one package or a mapping such as {package: [./cmd/a, ./cmd/b]}")
		return
	}
	d.mapping(n, path, reflect.ValueOf(b).Elem())
}

// PackagePath is the path of the build's package in the spec, whichever form it
// was written in.
func (t *Target) PackagePath() Path {
	if t.Build.short {
		return Path{"targets", t.name, "build"}
	}
	return Path{"targets", t.name, "build", "package"}
}

func (d *decoder) validateBuild(t *Target, p Path) {
	b := &t.Build
	if b.Dir == "" {
		b.Dir = "."
	}
	at := d.at.value(p.Join("dir"))
	switch {
	case path.IsAbs(b.Dir):
		d.problemAt(at, "dir is relative to the build context: write %s", quote(path.Clean(strings.TrimLeft(b.Dir, "/"))))
	case strings.Contains(b.Dir, "\\"):
		d.problemAt(at, "dir is written with slashes: write %s", quote(strings.ReplaceAll(b.Dir, "\\", "/")))
	case leavesContext(b.Dir):
		d.problemAt(at, "%s lies outside the build context; pass a context that holds it, such as docker buildx build -f %s ..", quote(b.Dir), d.file)
	}
	b.Dir = path.Clean(b.Dir)

	switch t.Toolchain.Name {
	case GoCGO0:
		if len(b.Bin) > 0 {
			d.problemAt(d.at.key(p.Join("bin")), "bin belongs to rust-musl; for Go write package: ./cmd/%s", b.Bin[0])
		}
	case RustMusl:
		for i, pkg := range b.Package {
			if strings.ContainsAny(pkg, "/\\") || pkg == "." {
				d.problemAt(d.wordAt(t, i), "%s is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: %s}",
					quote(pkg), clip(path.Clean(strings.TrimLeft(strings.ReplaceAll(pkg, "\\", "/"), "/"))))
			}
		}
	}
	for i, pkg := range b.Package {
		if strings.HasPrefix(pkg, "-") {
			d.problemAt(d.wordAt(t, i), "%s looks like a flag, and package takes names only; write %s", quote(pkg), packageExample(t.Toolchain.Name))
		}
	}
	for i, bin := range b.Bin {
		if strings.HasPrefix(bin, "-") || strings.ContainsAny(bin, "/\\") {
			d.problemAt(d.at.value(p.Join("bin", index(i, b.Bin))), "%s cannot be the name of a binary; write it as in Cargo.toml, without a folder", quote(bin))
		}
	}
}

func packageExample(toolchain string) string {
	if toolchain == RustMusl {
		return "one as in Cargo.toml"
	}
	return "one such as ./cmd/app"
}

// wordAt is where the i-th package of t was written.
func (d *decoder) wordAt(t *Target, i int) Range {
	return d.at.value(t.PackagePath().Join(index(i, t.Build.Package)))
}

func leavesContext(p string) bool {
	p = path.Clean(p)
	return p == ".." || strings.HasPrefix(p, "../")
}
