package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/integration/bench/generate"
)

// TestEditsOfTheWorkspace: each edit of the generated workspace is there once, and
// the files that peers make up are those that it has.
func TestEditsOfTheWorkspace(t *testing.T) {
	p := findProgram("rust-workspace")
	dir := t.TempDir()
	if err := writeFiles(dir, generate.RustWorkspace(60, len(p.Set))); err != nil {
		t.Fatal(err)
	}
	for revision, edits := range p.edits {
		if _, err := apply(dir, edits); err != nil {
			t.Errorf("revision %s: %v", revision, err)
		}
	}
	made := map[string]bool{}
	for _, file := range append(p.Mains, p.Libs...) {
		made[file] = true
	}
	sources, err := filepath.Glob(filepath.Join(dir, "crates", "*", "src", "*.rs"))
	if err != nil || len(sources) != len(made) {
		t.Errorf("%d sources, %d made up, %v", len(sources), len(made), err)
	}
	for _, file := range sources {
		if name, err := filepath.Rel(dir, file); err != nil || !made[name] {
			t.Errorf("nobody makes up %s, %v", name, err)
		}
	}
	for _, c := range p.Set {
		if _, err := os.Stat(filepath.Join(dir, "crates", c.Package, "src", "main.rs")); err != nil {
			t.Error(err)
		}
	}
	if edited := p.edits[Service][0].file; edited != generate.RustServiceFile(0) || p.Set[0].Bin != generate.RustService(0) {
		t.Errorf("an edit of a service is one of %s, the first is %s", edited, p.Set[0].Bin)
	}
}

// TestEditsOfGo: what the edits make of programs that need no download is Go.
func TestEditsOfGo(t *testing.T) {
	module := t.TempDir()
	if err := writeFiles(module, generate.GoModule(30, 200)); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"go-service": filepath.Join("..", "..", "examples", "go-service"), "go-module": module} {
		p := findProgram(name)
		revisions := map[string][]edit{Added: {p.imports()}}
		for revision, edits := range p.edits {
			revisions[revision] = edits
		}
		for revision, edits := range revisions {
			files, err := apply(dir, edits)
			if err != nil {
				t.Errorf("%s, revision %s: %v", name, revision, err)
			}
			for file, text := range files {
				if old, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(old) == text {
					t.Errorf("%s, revision %s: %s stays as it is, %v", name, revision, file, err)
				}
				if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.AllErrors); err != nil {
					t.Errorf("%s, revision %s: %v", name, revision, err)
				}
			}
		}
		for _, c := range p.Set {
			if _, err := os.Stat(filepath.Join(dir, strings.TrimPrefix(c.Package, "./"))); err != nil {
				t.Error(err)
			}
		}
	}
}
