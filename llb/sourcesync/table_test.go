package sourcesync

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func someTable() table {
	at := func(ns int64) time.Time { return time.Unix(1700000000, ns) }
	return table{last: at(999999999), stamps: "sum", entries: map[string]entry{
		".":                {mode: fs.ModeDir | 0o755, sum: sum("x"), mtime: at(1)},
		"a.rs":             {mode: 0o644, sum: sum("a"), size: 1 << 40, mtime: at(2)},
		"empty":            {mode: 0o600, sum: sum(""), mtime: time.Unix(0, 0)},
		"link":             {mode: fs.ModeSymlink, sum: sum("a.rs"), mtime: time.Unix(-5, 3)},
		"two words":        {mode: 0o755, sum: sum("b"), mtime: at(3)},
		"line\nbreak":      {mode: 0o644, sum: sum("c"), mtime: at(4)},
		"tab\tquote\"\\":   {mode: 0o644, sum: sum("d"), mtime: at(5)},
		"\xff not unicode": {mode: 0o644, sum: sum("e"), mtime: at(6)},
		"ünï/-dash":        {mode: 0o644, sum: sum("f"), mtime: at(7)},
	}, hidden: map[string]hidden{
		"away \"1\"": {stamps: "s", entries: map[string]entry{"away \"1\"/a.rs": {mode: 0o644, sum: sum("g"), mtime: at(8)}}},
		"empty":      {stamps: "t", entries: map[string]entry{}},
	}}
}

func TestTableRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]table{
		"many":  someTable(),
		"empty": {last: time.Unix(7, 8), entries: map[string]entry{}, hidden: map[string]hidden{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "table")
			for range 2 { // The second replaces the first.
				if err := want.write(file); err != nil {
					t.Fatal(err)
				}
				got, ok := readTable(file)
				if !ok || !got.last.Equal(want.last) || got.stamps != want.stamps || !maps.Equal(got.entries, want.entries) || !reflect.DeepEqual(got.hidden, want.hidden) {
					t.Errorf("read %v %+v", ok, got)
				}
			}
			if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestTableIsDeterministic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := someTable().write(a); err != nil {
		t.Fatal(err)
	}
	if err := someTable().write(b); err != nil {
		t.Fatal(err)
	}
	x, _ := os.ReadFile(a)
	y, _ := os.ReadFile(b)
	if len(x) == 0 || !bytes.Equal(x, y) {
		t.Error("equal tables were written differently")
	}
}

// TestTableDamaged changes every byte of a table, and cuts it at every length.
func TestTableDamaged(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "table")
	if err := someTable().write(file); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, at int, content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := readTable(file); ok {
			t.Errorf("a table %s at byte %d was believed", what, at)
		}
	}
	for i := range whole {
		try("cut", i, whole[:i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		try("flipped", i, flipped)
	}
	try("with a tail", len(whole), append(bytes.Clone(whole), '\n'))
	try("of zeros", 0, make([]byte, len(whole)))
	try("of an older format", 0, bytes.Replace(whole, []byte(header), []byte(strings.Replace(header, "4", "3", 1)), 1))
	for _, body := range []string{
		"", "x\n", "1\n\nx\n", "1\n\n644 x 1 1\n", "1\n\n9 x 1 1 \"a\"\n", "1\n\n644 x y 1 \"a\"\n", "1\n\n644 x 1 y \"a\"\n", "1\n\n644 x 1 1 a\n", "1\n\n\n",
	} {
		try("with a matching sum and the body "+body, 0, []byte(header+"\n"+sum(body)+"\n"+body))
	}
}

func TestTableUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, ok := readTable(filepath.Join(dir, "none")); ok {
		t.Error("no table was believed")
	}
	if _, ok := readTable(dir); ok {
		t.Error("a directory was taken for a table")
	}
}
