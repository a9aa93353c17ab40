package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fromscratch-build/fromscratch/integration/bench/generate"
)

// Languages of programs. A program is built by the peers of its language.
const (
	Rust = "rust"
	Go   = "go"
)

// Program is something to build, and what the files of the peers have to know
// about it: those that name a program's manifests and sources are templates.
type Program struct {
	Name     string
	Language string
	// Package is the Cargo package or the Go package, Bin the name of the binary.
	Package, Bin string
	// Set is what builds of several commands build, the first ones of it. A program
	// without one has no such builds.
	Set []Command
	// Stamp is the environment variable, or the variable of a Go package, that a
	// version goes into.
	Stamp string
	// Manifests are the files that say what is compiled: a layer of its own in a
	// Dockerfile. They may be wildcards.
	Manifests []string
	// Mains and Libs are the files that a Dockerfile without cache mounts makes up
	// to compile dependencies alone.
	Mains, Libs []string

	source func(ctx context.Context, l *lab, dir string) error
	edits  map[string][]edit
	// dependency is what the revision Added adds, as Cargo and the go command take
	// it; to is what gets it: the folder of a Cargo package, or a file in Go.
	dependency, to string
}

// Command is one of the binaries of a program, and the Cargo package or the Go
// package that it is of.
type Command struct{ Package, Bin string }

// edit replaces a text that is there once.
type edit struct{ file, old, new string }

// Dependencies to add: they have none of their own, and the programs that get them
// do not have them. They ask for no newer Go, which would compile all anew.
const (
	semver = "semver@=1.0.27"
	uuid   = "github.com/google/uuid@v1.6.0"
	mux    = "github.com/gorilla/mux@v1.8.1"
)

var programs = []*Program{
	{
		Name: "rust-service", Language: Rust, Package: "rust-service", Bin: "rust-service", Stamp: "VERSION",
		Manifests: []string{"Cargo.toml", "Cargo.lock"}, Mains: []string{"src/main.rs", "build.rs"},
		source: example("rust-service"), dependency: semver, to: ".",
		edits: map[string][]edit{
			Edit:   {{"src/checks.rs", `b"written, synced and read back"`, `b"written, synced and then read back"`}},
			Branch: {{"src/main.rs", `None => "dev"`, `None => "branch"`}, {"src/checks.rs", `b"written, synced`, `b"written and synced`}},
		},
	},
	{
		Name: "ripgrep", Language: Rust, Package: "ripgrep", Bin: "rg", Stamp: "RIPGREP_BUILD_GIT_HASH",
		Manifests: []string{"Cargo.toml", "Cargo.lock", ".cargo/config.toml"},
		Mains:     []string{"crates/core/main.rs", "build.rs", "tests/tests.rs"},
		source:    published("ripgrep", "15.2.0"), dependency: semver, to: ".",
		edits: map[string][]edit{
			Edit:   {{"crates/core/main.rs", `eprintln_locked!("{:#}", err);`, `eprintln_locked!("rg: {:#}", err);`}},
			Branch: {{"crates/core/main.rs", `eprintln_locked!("{:#}", err);`, `eprintln_locked!("branch: {:#}", err);`}},
		},
	},
	{
		Name: "rust-workspace", Language: Rust, Package: "app", Bin: "app", Stamp: "VERSION",
		Manifests: []string{"Cargo.toml", "Cargo.lock", "crates/*/Cargo.toml"},
		Set:       services(10),
		Mains:     mains(10), Libs: libraries(60),
		source: locked(generate.RustWorkspace(60, 10)), dependency: semver, to: "crates/app",
		edits: map[string][]edit{
			Service: {{generate.RustServiceFile(0), "let depth = 3;", "let depth = 4;"}},
			Edit:    {{generate.RustMainFile, "let depth = 3;", "let depth = 4;"}},
			Library: {{generate.RustBaseFile, "let mut sum = SEED;\n    for item", "let mut sum = SEED + 1;\n    for item"}},
			Branch:  {{generate.RustMainFile, "let depth = 3;", "let depth = 5;"}, {generate.RustBaseFile, "let mut sum = SEED;\n    for item", "let mut sum = SEED + 2;\n    for item"}},
		},
	},
	{
		Name: "go-service", Language: Go, Package: "./cmd/go-service", Bin: "go-service", Stamp: "main.version",
		Manifests: []string{"go.mod", "go.sum"},
		source:    example("go-service"), dependency: uuid, to: "cmd/go-service/main.go",
		edits: map[string][]edit{
			Edit:   {{"cmd/go-service/main.go", `"Print the version."`, `"Print the version and stop."`}},
			Branch: {{"cmd/go-service/main.go", `"Print the version."`, `"Print the version of the branch."`}},
		},
	},
	{
		// Later releases have govc in a module of its own, without the library.
		Name: "govmomi", Language: Go, Package: "./govc", Bin: "govc", Stamp: "github.com/vmware/govmomi/govc/flags.BuildVersion",
		Manifests: []string{"go.mod", "go.sum"},
		source:    module("github.com/vmware/govmomi", "v0.46.3"), dependency: mux, to: "govc/main.go",
		edits: map[string][]edit{
			Edit:    {{"govc/main.go", "func main() {\n", "func main() {\n\tos.Args[0] = \"govc\"\n"}},
			Library: {{"vim25/client.go", `= "/sdk"`, `= "/sdk/"`}},
			Branch:  {{"govc/main.go", "func main() {\n", "func main() {\n\tos.Args[0] = \"branch\"\n"}, {"vim25/client.go", `= "/sdk"`, `= "/sdk/branch"`}},
		},
	},
	{
		Name: "go-module", Language: Go, Package: "./cmd/app00", Bin: "app00", Stamp: "main.version",
		Set:       commands(10),
		Manifests: []string{"go.mod", "go.sum"},
		source:    tidied(generate.GoModule(30, 200)), dependency: uuid, to: generate.GoMainFile,
		edits: map[string][]edit{
			Edit:    {{generate.GoMainFile, "depth := 3", "depth := 4"}},
			Service: {{generate.GoMainFile, "depth := 3", "depth := 4"}},
			Library: {{generate.GoBaseFile, "sum := Seed", "sum := Seed + 1"}},
			Branch:  {{generate.GoMainFile, "depth := 3", "depth := 5"}, {generate.GoBaseFile, "sum := Seed", "sum := Seed + 2"}},
		},
	},
}

func findProgram(name string) *Program {
	for _, p := range programs {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func libraries(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("crates/unit%02d/src/lib.rs", i))
	}
	return out
}

// commands are the first ones of the generated Go module.
func commands(n int) []Command {
	var out []Command
	for i := range n {
		name := fmt.Sprintf("app%02d", i)
		out = append(out, Command{Package: "./cmd/" + name, Bin: name})
	}
	return out
}

// services are those of the generated workspace.
func services(n int) []Command {
	var out []Command
	for i := range n {
		name := generate.RustService(i)
		out = append(out, Command{Package: name, Bin: name})
	}
	return out
}

// mains are the files of the programs of the generated workspace.
func mains(services int) []string {
	out := []string{generate.RustMainFile}
	for i := range services {
		out = append(out, generate.RustServiceFile(i))
	}
	return out
}

// commands are those that a build builds.
func (p *Program) commands(b Build) []Command {
	if b.Commands > 0 {
		return p.Set[:b.Commands]
	}
	return []Command{{p.Package, p.Bin}}
}

// with is the program with so many commands in its set, for the files of peers.
func (p *Program) with(commands int) *Program {
	other := *p
	other.Set = p.Set[:commands]
	return &other
}

func (p *Program) has(revision string) bool {
	switch revision {
	case Main:
		return true
	case Added:
		return p.dependency != ""
	}
	return len(p.edits[revision]) > 0
}

// example takes an example of the project, without what Cargo may have left there.
func example(name string) func(context.Context, *lab, string) error {
	return func(_ context.Context, l *lab, dir string) error {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(l.bed.Root, "examples", name))); err != nil {
			return err
		}
		return os.RemoveAll(filepath.Join(dir, "target"))
	}
}

// tidied writes files and has the go command add what go.mod lacks, and go.sum.
func tidied(text map[string]string) func(context.Context, *lab, string) error {
	return func(ctx context.Context, _ *lab, dir string) error {
		if err := writeFiles(dir, text); err != nil {
			return err
		}
		_, err := output(ctx, dir, "go", "mod", "tidy")
		return err
	}
}

// locked writes files and has Cargo make the lock file for them.
func locked(text map[string]string) func(context.Context, *lab, string) error {
	return func(ctx context.Context, _ *lab, dir string) error {
		if err := writeFiles(dir, text); err != nil {
			return err
		}
		_, err := output(ctx, dir, "cargo", "generate-lockfile")
		return err
	}
}

// published takes the sources of a crate as they were published, from where
// Cargo on this machine has crates from.
func published(name, version string) func(context.Context, *lab, string) error {
	return func(ctx context.Context, _ *lab, dir string) error {
		tmp, err := os.MkdirTemp("", "fromscratch-bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		err = writeFiles(tmp, map[string]string{
			"src/lib.rs": "",
			"Cargo.toml": fmt.Sprintf("[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n%s = \"=%s\"\n", name, version),
		})
		if err != nil {
			return err
		}
		if _, err := output(ctx, tmp, "cargo", "vendor", "--quiet", "--versioned-dirs", "vendor"); err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(tmp, "vendor", name+"-"+version))); err != nil {
			return err
		}
		return os.Remove(filepath.Join(dir, ".cargo-checksum.json"))
	}
}

// module takes the sources of a released Go module, from where the go command of
// this machine has modules from.
func module(path, version string) func(context.Context, *lab, string) error {
	return func(ctx context.Context, _ *lab, dir string) error {
		text, err := output(ctx, os.TempDir(), "go", "mod", "download", "-json", path+"@"+version)
		if err != nil {
			return err
		}
		var found struct{ Dir string }
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			return fmt.Errorf("go mod download: %w", err)
		}
		return os.CopyFS(dir, os.DirFS(found.Dir))
	}
}

// tree is a program on disk.
type tree struct {
	program *Program
	// main is the folder of the revision Main.
	main string
	// changed holds, of the other revisions, the files that differ from it.
	changed map[string]map[string]string
	// digest names the content of all of it.
	digest string
}

// prepare lays a program down. It does so for every run of the benchmark: it
// takes no time, and what is on disk is never an old version.
func (p *Program) prepare(ctx context.Context, l *lab) (*tree, error) {
	t := &tree{program: p, main: filepath.Join(l.dir, "programs", p.Name), changed: map[string]map[string]string{}}
	if err := os.RemoveAll(t.main); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(t.main, 0o755); err != nil {
		return nil, err
	}
	if err := p.source(ctx, l, t.main); err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name, err)
	}
	if err := setTimes(t.main, longAgo); err != nil {
		return nil, err
	}
	for revision, edits := range p.edits {
		files, err := apply(t.main, edits)
		if err != nil {
			return nil, fmt.Errorf("program %s, revision %s: %w", p.Name, revision, err)
		}
		t.changed[revision] = files
	}
	if p.dependency != "" {
		files, err := p.addDependency(ctx, t.main)
		if err != nil {
			return nil, fmt.Errorf("program %s, revision %s: %w", p.Name, Added, err)
		}
		t.changed[Added] = files
	}
	var err error
	t.digest, err = t.sum()
	return t, err
}

// apply returns what edits make of files.
func apply(dir string, edits []edit) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range edits {
		text, ok := files[e.file]
		if !ok {
			data, err := os.ReadFile(filepath.Join(dir, e.file))
			if err != nil {
				return nil, err
			}
			text = string(data)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has %q %d times", e.file, e.old, n)
		}
		files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return files, nil
}

// addDependency has Cargo or the go command add the dependency to a copy, and
// returns the files that changed.
func (p *Program) addDependency(ctx context.Context, dir string) (map[string]string, error) {
	tmp, err := os.MkdirTemp("", "fromscratch-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, os.DirFS(dir)); err != nil {
		return nil, err
	}
	if p.Language == Go {
		return p.addModule(ctx, tmp)
	}
	if _, err := output(ctx, filepath.Join(tmp, p.to), "cargo", "add", "--quiet", p.dependency); err != nil {
		return nil, err
	}
	// Unlike generate-lockfile, this leaves all other versions as they are.
	if _, err := output(ctx, tmp, "cargo", "metadata", "--quiet", "--format-version", "1"); err != nil {
		return nil, err
	}
	return readFiles(tmp, filepath.Join(p.to, "Cargo.toml"), "Cargo.lock")
}

// addModule imports the dependency in a file, and has the go command require it.
func (p *Program) addModule(ctx context.Context, dir string) (map[string]string, error) {
	imported, err := apply(dir, []edit{p.imports()})
	if err != nil {
		return nil, err
	}
	if err := writeFiles(dir, imported); err != nil {
		return nil, err
	}
	if _, err := output(ctx, dir, "go", "get", p.dependency); err != nil {
		return nil, err
	}
	return readFiles(dir, "go.mod", "go.sum", p.to)
}

// imports is the edit that uses the dependency of a Go program.
func (p *Program) imports() edit {
	path, _, _ := strings.Cut(p.dependency, "@")
	return edit{p.to, "package main\n", "package main\n\nimport _ \"" + path + "\"\n"}
}

func readFiles(dir string, names ...string) (map[string]string, error) {
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}
