package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStateIsTheSameAgain(t *testing.T) {
	dir := t.TempDir()
	s := &state{dir: filepath.Join(dir, "states"), live: filepath.Join(dir, "live"), immutable: func(name string) bool { return strings.HasPrefix(name, "blobs/") }}
	write := func(files map[string]string) {
		t.Helper()
		if err := writeFiles(s.live, files); err != nil {
			t.Fatal(err)
		}
	}
	write(map[string]string{"db": "first", "blobs/b": "blob", "target/f": "old"})
	if err := os.Chmod(filepath.Join(s.live, "target"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(s.live, "link")); err != nil {
		t.Fatal(err)
	}
	if err := setTimes(s.live, longAgo); err != nil {
		t.Fatal(err)
	}
	if err := s.save("p_1"); err != nil {
		t.Fatal(err)
	}
	write(map[string]string{"db": "second", "target/f": "new", "target/g": "more"})
	if err := s.restore("p_1"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"db": "first", "blobs/b": "blob", "target/f": "old"} {
		text, err := os.ReadFile(filepath.Join(s.live, name))
		if err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
	for _, name := range []string{"target", "target/f", "db"} {
		if info, err := os.Stat(filepath.Join(s.live, name)); err != nil || !info.ModTime().Equal(longAgo) {
			t.Errorf("%s: time %v, %v", name, info.ModTime(), err)
		}
	}
	if info, err := os.Stat(filepath.Join(s.live, "target")); err != nil || info.Mode()&os.ModeSticky == 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if link, err := os.Readlink(filepath.Join(s.live, "link")); err != nil || link != "gone" {
		t.Errorf("link to %q, %v", link, err)
	}
	if _, err := os.Stat(filepath.Join(s.live, "target/g")); err == nil {
		t.Error("a file of later is there")
	}
	if err := s.save("p_2"); err != nil {
		t.Fatal(err)
	}
	if s.has("p_1") || !s.has("p_2") {
		t.Error("a state with other inputs is kept")
	}
}
