package spec

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/moby/sys/signal"
	"go.yaml.in/yaml/v3"
)

// Spec is what a fromscratch.yaml says, defaults filled in.
type Spec struct {
	// Toolchain compiles every target that does not name one itself.
	Toolchain Toolchain `yaml:"toolchain"`
	// Args declares the build arguments that the spec takes, with their defaults: a
	// mapping of names to values, or a list of names that have none.
	Args args `yaml:"args"`
	// Targets are the images that the spec describes, by name.
	Targets map[string]*Target `yaml:"targets"`
	// Extras is what every image gets besides its binary.
	Extras Extras `yaml:"extras"`
	// Base is the image that every target is built on, or the name of a build context.
	// Default: scratch.
	Base string `yaml:"base"`

	file string
	at   positions
}

// Target is one image.
type Target struct {
	// Description says what the target is, for docker buildx build --call targets.
	Description string `yaml:"description"`
	// Default marks the target of a build that names none.
	Default bool `yaml:"default"`
	// Build says what to compile.
	Build Build `yaml:"build"`
	// Toolchain replaces the toolchain of the top level.
	Toolchain Toolchain `yaml:"toolchain"`
	// Path is where the binary goes in the image. Default: /<name of the target>.
	Path string `yaml:"path"`
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
	// Volumes are directories for data from outside the image, created and owned by
	// the user.
	Volumes []string `yaml:"volumes"`
	// StopSignal is what asks the program to end, such as SIGINT. Default: SIGTERM.
	StopSignal string `yaml:"stopsignal"`
	// Healthcheck tells whether the program is well.
	Healthcheck *Healthcheck `yaml:"healthcheck"`
	// Labels are the labels of the image.
	Labels map[string]string `yaml:"labels"`
	// Annotations are the annotations of the image's manifest. They win over those of
	// --annotation, which a frontend cannot see.
	Annotations map[string]string `yaml:"annotations"`
	// Metadata describes the image in the terms of the OCI: each becomes a label and
	// an annotation of the manifest, and of the index when there is one.
	Metadata Metadata `yaml:"metadata"`
	// Copy lists what else goes into the image.
	Copy []Copy `yaml:"copy"`
	// Compress packs the binary so that it unpacks itself when it starts: upx, which the
	// named context upx has (--build-context upx=docker-image://…). It starts slower and
	// takes more memory, and a pushed image, whose layers are compressed, is hardly
	// smaller.
	Compress string `yaml:"compress"`
	// Extras comes on top of the extras of the top level.
	Extras Extras `yaml:"extras"`
	// Base is the image that the target is built on, or the name of a build context.
	// Default: what the top level says.
	Base string `yaml:"base"`
	// Capabilities are Linux capabilities that the binaries have as files, so that a
	// program needs no root for them: net_bind_service.
	Capabilities []Capability `yaml:"capabilities"`

	name string
}

// CompressUPX is the value of Target.Compress.
const CompressUPX = "upx"

// Name is the name of the target in the spec.
func (t *Target) Name() string { return t.name }

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

// ProblemAtKey is Problem for what is wrong with all of a value that takes many
// lines: it points at its key.
func (s *Spec) ProblemAtKey(path Path, message string) *Problem {
	return &Problem{File: s.file, Range: s.at.key(path), Message: message}
}

// File is the name of the spec as the user gave it.
func (s *Spec) File() string { return s.file }

// TargetNames lists the targets in the order of their names.
func (s *Spec) TargetNames() []string {
	return slices.Sorted(maps.Keys(s.Targets))
}

// Target finds the target that a request names: the one called name or, with no
// name, the only one or the one that is marked as the default.
func (s *Spec) Target(name string) (*Target, error) {
	names := s.TargetNames()
	if name == "" {
		if len(names) == 1 {
			return s.Targets[names[0]], nil
		}
		for _, name := range names {
			if s.Targets[name].Default {
				return s.Targets[name], nil
			}
		}
		return nil, &Problem{File: s.file, Range: s.at.key(Path{"targets"}),
			Message: "the spec has several targets: " + List(names) + "; name one with --target, or mark one with default: true"}
	}
	if t, ok := s.Targets[name]; ok {
		return t, nil
	}
	like := append(slices.Clone(names), BinariesTarget)
	for _, other := range names {
		like = append(like, other+DebugSuffix)
	}
	return nil, &Problem{File: s.file, Range: s.at.key(Path{"targets"}),
		Message: "there is no target " + quote(name) + ", only " + List(names) + DidYouMean(name, like)}
}

// targetName is what --target, bake and file names all take.
var targetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// envName is what the environment of a process can hold. POSIX asks for less,
// the image specification for no more than the absence of "=".
var envName = regexp.MustCompile(`^[^=\x00\s]([^=\x00]*[^=\x00\s])?$`)

func (d *decoder) validate(s *Spec) {
	if _, wrote := d.at.keys[Path{"targets"}.id()]; !wrote {
		if !d.unknown[Path{}.id()] {
			d.problemAt(firstColumn, "the spec has no targets; add at least one, such as targets: {app: {build: ./cmd/app}}")
		}
	} else if s.Targets != nil && len(s.Targets) == 0 {
		d.problemAt(d.at.key(Path{"targets"}), "targets is empty; add at least one, such as app: {build: ./cmd/app}")
	}
	var first *Target
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
		if base, ok := s.reserved(name); ok {
			d.problemAt(d.at.key(p), "%s is reserved for %s; choose another name", quote(name), base)
		}
		d.validateTarget(s, t, p)
		if !t.Default {
			continue
		}
		if first == nil {
			first = t
			continue
		}
		if at := d.at.key(p.Join("default")).Start; at.before(d.defaultAt(first).Start) {
			first, t = t, first
		}
		d.problemAt(d.defaultAt(t), "target %s is the default already; only one can be", quote(first.name))
	}
	d.validateGroups(s)
}

// Names that a request may give as its target, and that no target can have.
const (
	// BinariesTarget stands for the binaries of all targets.
	BinariesTarget = "binaries"
	// DebugSuffix goes behind the name of a target for its image with a shell.
	DebugSuffix = "-debug"
)

// reserved tells what a name stands for that no target can have.
func (s *Spec) reserved(name string) (what string, ok bool) {
	if name == BinariesTarget {
		return "the binaries of all targets", true
	}
	base, ok := strings.CutSuffix(name, DebugSuffix)
	return "target " + base + " with a shell beside its binary", ok && s.Targets[base] != nil
}

func (d *decoder) defaultAt(t *Target) Range { return d.at.key(Path{"targets", t.name, "default"}) }

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
		if len(at.Packages) > 0 {
			t.Toolchain.Packages = at.Packages
		}
		if at.Jobs != 0 {
			t.Toolchain.Jobs = at.Jobs
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
	d.validateBase(s, t, p)
	d.validateCapabilities(t, p.Join("capabilities"))
	d.validateEnv(t.Env, p.Join("env"))
	d.validatePaths(t, p)
	d.validateSignal(t, p)
	if t.Compress != "" && t.Compress != CompressUPX {
		hint := DidYouMean(t.Compress, []string{CompressUPX})
		if hint == "" {
			hint = "; the layers of an image are compressed in any case"
		}
		d.problemAt(d.at.value(p.Join("compress")), "compress must be %s, not %s%s", CompressUPX, quote(t.Compress), hint)
	}
	d.validateNames(t.Labels, p.Join("labels"))
	d.validateNames(t.Annotations, p.Join("annotations"))
	if !t.User.set {
		t.User = Nonroot
	}
	extras := Path{"extras"}
	if t.Extras.Dirs != nil {
		extras = p.Join("extras")
	}
	t.Extras = s.Extras.with(t.Extras)
	d.ownDirs(t, extras)
	for i := range t.Copy {
		c := &t.Copy[i]
		c.UID, c.GID = d.owner(t, c.Chown, p.Join("copy", strconv.Itoa(i), "chown"))
	}
}

func (d *decoder) validateEnv(env map[string]string, p Path) {
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if !envName.MatchString(k) {
			d.problemAt(d.at.key(p.Join(k)), "%s cannot be the name of an environment variable; write NAME: value, and no = in the name", quote(k))
		}
	}
}

func (d *decoder) validatePaths(t *Target, p Path) {
	if t.Path != "" {
		clean := path.Clean("/" + t.Path)
		if clean == "/" || strings.HasSuffix(t.Path, "/") || slices.Contains([]string{".", ".."}, path.Base(t.Path)) {
			d.problemAt(d.at.value(p.Join("path")), "path names the binary itself, not its folder: write %s", clip(path.Join(clean, t.name)))
		} else {
			d.absolute("path", &t.Path, p.Join("path"))
		}
		t.Path = clean
	}
	d.absolute("workdir", &t.Workdir, p.Join("workdir"))
	if t.Workdir == "" {
		t.Workdir = "/"
	}
	t.Workdir = path.Clean(t.Workdir)
	for i := range t.Volumes {
		at := p.Join("volumes", strconv.Itoa(i))
		switch v := t.Volumes[i]; {
		case strings.Contains(v, ":"):
			d.problemAt(d.at.value(at), "a volume is a folder in the image, without a colon; what is mounted there is up to docker run -v %s", clip(v))
			continue
		case v == "" && d.faulty(d.at.value(at)):
			continue
		case v == "", path.Clean("/"+v) == "/":
			d.problemAt(d.at.value(at), "a volume is a folder below the root: write one such as /data")
			continue
		}
		d.absolute("a volume", &t.Volumes[i], at)
		t.Volumes[i] = path.Clean(t.Volumes[i])
	}
}

func (d *decoder) absolute(what string, s *string, at Path) {
	if *s != "" && !path.IsAbs(*s) {
		d.problemAt(d.at.value(at), "%s must start with a slash: write %s", what, clip(path.Clean("/"+*s)))
	}
	if strings.ContainsFunc(*s, unicode.IsControl) {
		d.problemAt(d.at.value(at), "%s contains a line break or another character that cannot be seen; remove it", what)
	}
}

func (d *decoder) validateSignal(t *Target, p Path) {
	if t.StopSignal == "" {
		return
	}
	n, err := signal.ParseSignal(t.StopSignal)
	if err != nil || n < 1 || n > 64 {
		d.problemAt(d.at.value(p.Join("stopsignal")), "there is no signal %s; write one such as SIGTERM, SIGINT or SIGQUIT", quote(t.StopSignal))
	}
}

// validateNames refuses names of labels and annotations that can only be
// mistakes.
func (d *decoder) validateNames(names map[string]string, p Path) {
	for _, k := range slices.Sorted(maps.Keys(names)) {
		if strings.TrimSpace(k) != k || strings.ContainsFunc(k, unicode.IsControl) {
			d.problemAt(d.at.key(p.Join(k)), "%s has a blank at its start or end, or a control character; write a name such as org.example.team", quote(k))
		}
	}
}
