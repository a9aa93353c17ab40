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
