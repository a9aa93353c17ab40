package sourcesync

import (
	"bufio"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Units are what Cargo compiled or found up to date, by the hash that it has in
// the names of all its files ("Build cache" in the Cargo book: a compile of one
// crate, or a run of one build script).
type Units struct {
	// All holds every unit, and Shared those of packages from a registry or from
	// git, which hold nothing of the project.
	All, Shared map[string]bool
	// Files are what was compiled, but for build scripts, and the ids of the packages
	// that it is of.
	Files map[string]string
}

// ReadUnits reads the messages of cargo build --message-format=json. What is not a
// message goes to rest.
func ReadUnits(r io.Reader, u *Units, rest io.Writer) error {
	if u.All == nil {
		u.All, u.Shared, u.Files = map[string]bool{}, map[string]bool{}, map[string]string{}
	}
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if !u.add(line) {
			// Whoever reads it may be gone, and the build goes on.
			_, _ = rest.Write(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (u *Units) add(line []byte) (ok bool) {
	var m struct {
		Reason    string   `json:"reason"`
		Package   string   `json:"package_id"`
		Filenames []string `json:"filenames"`
		OutDir    string   `json:"out_dir"`
		Target    struct{ Kind []string }
	}
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &m) != nil || m.Reason == "" {
		return false
	}
	if !slices.Contains(m.Target.Kind, "custom-build") {
		for _, name := range m.Filenames {
			u.Files[name] = m.Package
		}
	}
	// The output folder of a build script is the unit's own or one below it.
	names := m.Filenames
	if m.OutDir != "" {
		names = append(names, m.OutDir)
	}
	for _, name := range names {
		hash := unitOf(filepath.Base(name))
		if hash == "" {
			hash = unitOf(filepath.Base(filepath.Dir(name)))
		}
		if hash == "" {
			continue
		}
		u.All[hash] = true
		// Before Cargo 1.77: "name 0.1.0 (path+file:///…)".
		if !strings.Contains(m.Package, "path+file:") {
			u.Shared[hash] = true
		}
	}
	return true
}

var unitName = regexp.MustCompile(`(?:^|-)([0-9a-f]{16})(?:\.[\w.-]+)?$`)

// unitOf is the hash in the name of a file or folder, empty when there is none.
func unitOf(base string) string {
	if m := unitName.FindStringSubmatch(base); m != nil {
		return m[1]
	}
	return ""
}

// walkUnits calls do for each file and folder of the target directory that belongs
// to a unit as a whole; rel is its path below target.
func walkUnits(target string, do func(rel, hash string) error) error {
	return filepath.WalkDir(target, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		if d.IsDir() && d.Name() == "incremental" {
			return fs.SkipDir
		}
		hash := unitOf(d.Name())
		if hash == "" {
			return nil
		}
		rel, err := filepath.Rel(target, name)
		if err != nil {
			return err
		}
		if err := do(rel, hash); err != nil {
			return err
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// Sweep removes from the target directory below work what is not in keep, if it
// holds more than limit bytes: Cargo never removes what it no longer uses. It tells
// how many bytes are left and how many were removed.
func Sweep(work string, keep map[string]bool, limit int64) (left, removed int64, err error) {
	target := filepath.Join(work, TargetDir)
	size := func(name string) (n int64) {
		// What cannot be read is not counted; this is an estimate.
		_ = filepath.WalkDir(name, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // see above
			}
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				n += info.Size()
			}
			return nil
		})
		return n
	}
	if left = size(target); left <= limit || len(keep) == 0 {
		return left, 0, nil
	}
	err = walkUnits(target, func(rel, hash string) error {
		if keep[hash] {
			return nil
		}
		name := filepath.Join(target, rel)
		n := size(name)
		left, removed = left-n, removed+n
		return os.RemoveAll(name)
	})
	return left, removed, err
}
