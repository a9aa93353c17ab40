package gocache

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/modfile"
)

// Parts of a module cache ("Module cache" in the Go modules reference). It holds
// modules unpacked, at its root, and below here as they came.
const (
	downloads    = "cache/download"
	repositories = "cache/vcs"
)

// archive is the suffix of the large one of the files that are kept of a version of a
// module. The go command unpacks it, and from then on only wants to see its hash.
const archive = ".zip"

// Lend puts into the module cache home what store has of the modules that the sum
// files in dir name. Archives are lent as links.
func Lend(dir, home, store string) error {
	versions, err := sums(dir)
	if err != nil {
		return err
	}
	for v, want := range versions {
		from, to := filepath.Join(store, downloads, v), filepath.Join(home, downloads, v)
		// Two servers may have different things under one name, and tags are moved: only
		// what this project has the sums of is of use to it.
		lent := []string{".info"}
		if mod, err := os.ReadFile(from + ".mod"); err == nil && modSum(mod) == want.mod {
			lent = append(lent, ".mod")
		}
		content, err := os.ReadFile(from + ".ziphash")
		whole := err == nil && strings.TrimSpace(string(content)) == want.archive
		if whole {
			lent = append(lent, ".ziphash")
		}
		for _, suffix := range lent {
			if err := copyFile(from+suffix, to+suffix); err != nil {
				return err
			}
		}
		if _, err := os.Stat(from + archive); err != nil || !whole {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(from+archive, to+archive); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// Return takes out of the module cache home what was lent, and everything that
// compiles do without. What is new goes to store.
func Return(home, store string) error {
	root := filepath.Join(home, downloads)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		rel, err := filepath.Rel(home, name)
		if err != nil {
			return err
		}
		switch filepath.Ext(name) {
		case archive:
			if d.Type().IsRegular() {
				if err := replaceFile(name, filepath.Join(store, rel)); err != nil {
					return err
				}
			}
			return os.Remove(name)
		case ".info", ".mod", ".ziphash":
			return replaceFile(name, filepath.Join(store, rel))
		}
		// Locks, and lists of versions.
		return os.Remove(name)
	})
	// Repositories are cloned anew for a version that is new: in an old clone, a tag may
	// be where it was before somebody moved it.
	for _, name := range []string{repositories, "cache/lock", downloads + "/sumdb"} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(home, name)))
	}
	return err
}

// Required lists those of the modules local that a module in the module cache home
// requires. What it says of modules that are not part of the build may be too much.
func Required(home string, local []string) ([]string, error) {
	found := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(home, downloads), func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".mod" || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		mod, err := modfile.ParseLax(name, data, nil)
		if err != nil {
			return nil // The go command has read it, or never will.
		}
		for _, r := range mod.Require {
			if slices.Contains(local, r.Mod.Path) {
				found[r.Mod.Path] = true
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(found)), err
}

// replaceFile copies a file to where it is not, or where another one is.
func replaceFile(from, to string) error {
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	if b, err := os.Stat(to); err == nil && a.Size() == b.Size() && a.Size() < 1<<20 {
		x, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if y, err := os.ReadFile(to); err == nil && bytes.Equal(x, y) {
			return nil
		}
	}
	return copyFile(from, to)
}

// copyFile copies a file, if it is there.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return ignoreMissing(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return create(to, info.Size(), in)
}

// sum is what a sum file says of a version of a module: the sums of its archive and of
// its go.mod, empty if it has none.
type sum struct{ archive, mod string }

// modSum is the sum of a go.mod, as sum files have it ("go.sum files" in the
// reference): the hash of a list of files that it is the only one in.
func modSum(mod []byte) string {
	list := sha256.Sum256(fmt.Appendf(nil, "%x  go.mod\n", sha256.Sum256(mod)))
	return "h1:" + base64.StdEncoding.EncodeToString(list[:])
}

// sums is what the sum files below dir say, by paths in a module cache without their
// suffix.
func sums(dir string) (map[string]sum, error) {
	out := map[string]sum{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "go.sum" && d.Name() != WorkSum {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			words := strings.Fields(lines.Text())
			if len(words) != 3 {
				continue
			}
			version, mod := strings.CutSuffix(words[1], "/go.mod")
			v := filepath.Join(escape(words[0]), "@v", escape(version))
			if !filepath.IsLocal(v) {
				continue
			}
			s := out[v]
			if mod {
				s.mod = words[2]
			} else {
				s.archive = words[2]
			}
			out[v] = s
		}
		return nil
	})
	return out, err
}

// escape is how a module cache writes a path or a version, on disks that take two
// cases of a letter for one ("Module paths and versions" in the reference).
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
