package spec

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Spec is what a fromscratch.yaml says, defaults filled in.
type Spec struct {
	// Toolchain compiles every target that does not name one itself.
	Toolchain Toolchain `yaml:"toolchain"`
	// Targets are the images that the spec describes, by name.
	Targets map[string]*Target `yaml:"targets"`
	// Extras is what every image gets besides its binary.
	Extras Extras `yaml:"extras"`

	file string
	at   positions
}

func (*Spec) planned() []string { return []string{"args"} }

// Target is one image.
type Target struct {
	// Build says what to compile.
	Build Build `yaml:"build"`
	// Toolchain replaces the toolchain of the top level.
	Toolchain Toolchain `yaml:"toolchain"`
	// Entrypoint is the command of the image, in exec form. Default: the binary.
	Entrypoint Command `yaml:"entrypoint"`
	// Cmd holds the default arguments of the entrypoint, in exec form.
	Cmd Command `yaml:"cmd"`
	// Env is the environment of the image.
	Env map[string]string `yaml:"env"`
	// Expose lists the ports that the program listens on: 8080, 53/udp or 8000-8010.
	Expose []Port `yaml:"expose"`
	// User runs the program. Default: nonroot, 65532:65532.
	User User `yaml:"user"`
	// Workdir is the working directory, created and owned by the user. Default: /.
	Workdir string `yaml:"workdir"`
	// Labels are the labels of the image.
	Labels map[string]string `yaml:"labels"`
	// Extras comes on top of the extras of the top level.
	Extras Extras `yaml:"extras"`

	name string
}

func (*Target) planned() []string {
	return []string{"description", "default", "path", "volumes", "stopsignal", "healthcheck", "annotations",
		"metadata", "capabilities", "copy", "compress", "base"}
}

// Name is the name of the target in the spec.
func (t *Target) Name() string { return t.name }

// Parse reads a spec. file names it in messages. The error is a Problems that
// lists every mistake found.
func Parse(file string, data []byte) (*Spec, error) {
	text := strings.TrimPrefix(string(data), "\uFEFF")
	d := newDecoder(file, text)
	s := &Spec{file: file}
	if root := d.parseYAML(text); root != nil && d.root(root, s) && !d.overflow {
		d.validate(s)
	}
	s.at = d.at
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	return s, nil
}

// root decodes the document. Where it is no mapping, nothing in it can be
// missing.
func (d *decoder) root(n *yaml.Node, s *Spec) bool {
	switch {
	case isNull(n):
		d.problem(n, emptySpec)
		return false
	case n.Kind != yaml.MappingNode:
		d.wrongKind(n, nil, "a mapping with the keys toolchain and targets")
		return false
	}
	d.value(n, nil, reflect.ValueOf(s).Elem())
	return true
}

// ValueRange tells where the value at path was written, or, when it is a
// default, its nearest ancestor that was.
func (s *Spec) ValueRange(path ...string) Range { return s.at.value(path) }

// KeyRange tells where the key at path was written, or its nearest ancestor.
func (s *Spec) KeyRange(path ...string) Range { return s.at.key(path) }

// Wrote tells whether the key at path is in the spec.
func (s *Spec) Wrote(path Path) bool {
	_, ok := s.at.keys[path.id()]
	return ok
}

// ToolchainPath is where the toolchain of t was written.
func (s *Spec) ToolchainPath(t *Target) Path {
	if p := (Path{"targets", t.name, "toolchain"}); s.Wrote(p) {
		return p
	}
	return Path{"toolchain"}
}

// BuildRange tells where the build of target was written: the line that a
// failing compile points at.
func (s *Spec) BuildRange(target string) Range {
	return s.at.key(Path{"targets", target, "build"})
}

// Problem makes an error about the value at path, for what only the sources or
// the builder can tell to be wrong.
func (s *Spec) Problem(path Path, message string) *Problem {
	return &Problem{File: s.file, Range: s.at.value(path), Message: message}
}

// File is the name of the spec as the user gave it.
func (s *Spec) File() string { return s.file }

// TargetNames lists the targets in the order of their names.
func (s *Spec) TargetNames() []string {
	return slices.Sorted(maps.Keys(s.Targets))
}

// Target finds the target that a request names: the one called name or, with no
// name, the only one.
func (s *Spec) Target(name string) (*Target, error) {
	names := s.TargetNames()
	if name == "" {
		if len(names) == 1 {
			return s.Targets[names[0]], nil
		}
		return nil, &Problem{File: s.file, Range: s.at.key(Path{"targets"}),
			Message: "the spec has several targets, so name one with --target: " + List(names)}
	}
	if t, ok := s.Targets[name]; ok {
		return t, nil
	}
	return nil, &Problem{File: s.file, Range: s.at.key(Path{"targets"}),
		Message: "there is no target " + quote(name) + ", only " + List(names) + DidYouMean(name, names)}
}

// targetName is what --target, bake and file names all take.
var targetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// envName is what the environment of a process can hold. POSIX asks for less,
// the image specification for no more than the absence of "=".
var envName = regexp.MustCompile(`^[^=\x00]+$`)

func (d *decoder) validate(s *Spec) {
	if _, wrote := d.at.keys[Path{"targets"}.id()]; !wrote {
		if !d.unknown[Path{}.id()] {
			d.problemAt(firstColumn, "the spec has no targets; add at least one, such as targets: {app: {build: ./cmd/app}}")
		}
	} else if s.Targets != nil && len(s.Targets) == 0 {
		d.problemAt(d.at.key(Path{"targets"}), "targets is empty; add at least one, such as app: {build: ./cmd/app}")
	}
	for _, name := range s.TargetNames() {
		t := s.Targets[name]
		p := Path{"targets", name}
		if t == nil {
			continue
		}
		t.name = name
		if !targetName.MatchString(name) {
			d.problemAt(d.at.key(p), "%s cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit", quote(name))
		}
		d.validateTarget(s, t, p)
	}
}

func (d *decoder) validateTarget(s *Spec, t *Target, p Path) {
	if t.Toolchain.Name == "" {
		at := t.Toolchain
		t.Toolchain = s.Toolchain
		t.Toolchain.failed = t.Toolchain.failed || at.failed || d.unknown[Path{}.id()] || d.unknown[p.id()]
		if at.Version != "" {
			t.Toolchain.Version, t.Toolchain.Image = at.Version, at.Image
		}
		if at.Image != "" {
			t.Toolchain.Image = at.Image
		}
	}
	_, own := d.at.keys[p.Join("toolchain").id()]
	_, top := d.at.keys[Path{"toolchain"}.id()]
	switch {
	case t.Toolchain.Name != "" || t.Toolchain.failed:
	case top:
		d.problemAt(d.at.key(Path{"toolchain"}), "toolchain has no name; add name: %s", strings.Join(Toolchains, " or name: "))
	case own:
		d.problemAt(d.at.key(p.Join("toolchain")), "toolchain has no name, and there is none at the top level; add name: %s", strings.Join(Toolchains, " or name: "))
	default:
		d.problemAt(d.at.key(p), "target %s has no toolchain; write toolchain: %s at the top level", quote(t.name), strings.Join(Toolchains, " or toolchain: "))
	}
	d.validateBuild(t, p.Join("build"))
	for _, k := range slices.Sorted(maps.Keys(t.Env)) {
		if !envName.MatchString(k) {
			d.problemAt(d.at.key(p.Join("env", k)), "%s cannot be the name of an environment variable; write NAME: value, and no = in the name", quote(k))
		}
	}
	if t.Workdir != "" && !path.IsAbs(t.Workdir) {
		d.problemAt(d.at.value(p.Join("workdir")), "workdir must start with a slash: write %s", clip(path.Clean("/"+t.Workdir)))
	}
	if t.Workdir == "" {
		t.Workdir = "/"
	}
	t.Workdir = path.Clean(t.Workdir)
	if !t.User.set {
		t.User = Nonroot
	}
	t.Extras = s.Extras.with(t.Extras)
}
