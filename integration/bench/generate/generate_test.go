package generate_test

import (
	"fmt"
	"go/format"
	"maps"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/mod/modfile"

	"github.com/fromscratch-build/fromscratch/integration/bench/generate"
)

func TestSameNumbersGiveTheSameFiles(t *testing.T) {
	for name, program := range map[string]func() map[string]string{
		"rust": func() map[string]string { return generate.RustWorkspace(60, 10) },
		"go":   func() map[string]string { return generate.GoModule(30, 200) },
	} {
		if !maps.Equal(program(), program()) {
			t.Errorf("%s: two calls differ", name)
		}
	}
}

func TestRustWorkspace(t *testing.T) {
	files := generate.RustWorkspace(60, 10)
	crates := 0
	for name, text := range files {
		if !strings.HasSuffix(name, "Cargo.toml") {
			continue
		}
		var m struct {
			Package      struct{ Name string }
			Dependencies map[string]any
		}
		if err := toml.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Package.Name == "" {
			continue
		}
		crates++
		var own int
		for dep := range m.Dependencies {
			var i int
			if _, err := fmt.Sscanf(dep, "unit%d", &i); err == nil {
				own++
				if _, ok := files[fmt.Sprintf("crates/%s/src/lib.rs", dep)]; !ok {
					t.Errorf("%s depends on %s, which is not there", name, dep)
				}
			}
		}
		if m.Package.Name != generate.Base && own == 0 {
			t.Errorf("%s stands alone in the graph", name)
		}
		if _, ok := m.Dependencies[generate.Base]; !ok && m.Package.Name != generate.Base {
			t.Errorf("%s does not use %s", name, generate.Base)
		}
	}
	if crates != 71 {
		t.Errorf("got %d crates, want 60 libraries, the program and 10 services", crates)
	}
	for _, name := range []string{generate.RustBaseFile, generate.RustMainFile, generate.RustServiceFile(0), generate.RustServiceFile(9)} {
		if files[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestGoModule(t *testing.T) {
	files := generate.GoModule(30, 200)
	if len(files) != 231 {
		t.Errorf("got %d files", len(files))
	}
	for name, text := range files {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		if _, err := format.Source([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{generate.GoBaseFile, generate.GoMainFile} {
		if files[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	// Each direct dependency is used, or the go command would take it out of go.mod.
	mod, err := modfile.Parse("go.mod", []byte(files["go.mod"]), nil)
	if err != nil || len(mod.Require) == 0 {
		t.Fatalf("%v\n%s", err, files["go.mod"])
	}
	for _, r := range mod.Require {
		used := false
		for name, text := range files {
			used = used || strings.HasSuffix(name, ".go") && strings.Contains(text, "\t\""+r.Mod.Path)
		}
		if !used {
			t.Errorf("nothing imports %s", r.Mod.Path)
		}
	}
}
