package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func testTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{main: filepath.Join(t.TempDir(), "main"), changed: map[string]map[string]string{
		Edit: {"a": "edited"}, Branch: {"a": "branch", "b": "branch"},
	}}
	if err := writeFiles(tr.main, map[string]string{"a": "main", "b": "main", "dir/c": "main"}); err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestRevisionsChangeAsGitDoes(t *testing.T) {
	tr := testTree(t)
	dir := filepath.Join(t.TempDir(), "context")
	if err := tr.checkout(dir); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		from, to string
		a, b     string
		written  []string
	}{
		{Main, Branch, "branch", "branch", []string{"a", "b"}},
		{Branch, Edit, "edited", "main", []string{"a", "b"}},
		{Edit, Edit, "edited", "main", nil},
		{Edit, Main, "main", "main", []string{"a"}},
	} {
		if err := setTimes(dir, longAgo); err != nil {
			t.Fatal(err)
		}
		if err := tr.change(dir, step.from, step.to); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"a": step.a, "b": step.b, "dir/c": "main"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || string(text) != want {
				t.Errorf("%s to %s: %s is %q, %v", step.from, step.to, name, text, err)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if written := !info.ModTime().Equal(longAgo); written != slices.Contains(step.written, name) {
				t.Errorf("%s to %s: %s was written: %v", step.from, step.to, name, written)
			}
		}
	}
}

func TestEditsHaveToFit(t *testing.T) {
	dir := t.TempDir()
	if err := writeFiles(dir, map[string]string{"f": "one two two"}); err != nil {
		t.Fatal(err)
	}
	got, err := apply(dir, []edit{{"f", "one", "1"}, {"f", "1 ", "2 "}})
	if err != nil || got["f"] != "2 two two" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, old := range []string{"two", "three"} {
		if _, err := apply(dir, []edit{{"f", old, "x"}}); err == nil {
			t.Errorf("%q is replaced", old)
		}
	}
}
