package builds

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Disguise copies a folder as somebody else would have it who checked it out: with
// other owners, an umask that keeps it from all others, and other times.
func Disguise(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	const umask, uid, gid = 0o077, 1234, 5678
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	var names []string
	if err := filepath.WalkDir(to, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	}); err != nil {
		return err
	}
	// A folder comes after what is in it, which would change its time.
	for _, name := range slices.Backward(names) {
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		if err := os.Lchown(name, uid, gid); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			continue
		}
		if err := os.Chmod(name, info.Mode().Perm()&^umask); err != nil {
			return err
		}
		at = at.Add(time.Hour)
		if err := os.Chtimes(name, at, at); err != nil {
			return err
		}
	}
	return nil
}
