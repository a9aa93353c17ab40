package gocache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// directoryDir in a store or a seed is a cache as the go command lays it out, for
// those that have no protocol.
const directoryDir = "go"

// Directory makes a cache directory for a go command that has no protocol, and
// returns its path: a new one if the build harvests, else the store's, with a copy of
// what it lacks of the seed.
func Directory(b Build) (string, error) {
	if b.Harvest != "" {
		dir := filepath.Join(b.Harvest, directoryDir)
		return dir, os.MkdirAll(dir, 0o755)
	}
	dir := filepath.Join(b.Store, directoryDir)
	if err := os.MkdirAll(dir, 0o755); err != nil || b.Seed == "" {
		return dir, err
	}
	seed := filepath.Join(b.Seed, directoryDir)
	return dir, filepath.WalkDir(seed, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return ignoreMissing(err)
		}
		rel, err := filepath.Rel(seed, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(dest, 0o755)
		}
		if _, err := os.Lstat(dest); err == nil || filepath.Dir(rel) == "." {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		in, err := os.Open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		return create(dest, info.Size(), in)
	})
}

// SettledTime is the modification time of everything in a layer: the same content
// makes the same layer.
var SettledTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Settle gives everything below dir that time, links left out.
func Settle(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, name)
			return nil
		}
		return os.Chtimes(name, SettledTime, SettledTime)
	})
	for _, name := range dirs {
		err = errors.Join(err, os.Chtimes(name, SettledTime, SettledTime))
	}
	return err
}
