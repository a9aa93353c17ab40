package gocache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Store is a directory of compiled things. Any number of processes may use it at
// once: files come into being whole, and under names that tell their content.
type Store struct{ dir string }

// Open returns the store at dir. Nothing needs to be there.
func Open(dir string) Store { return Store{dir} }

// Entry is what an action left.
type Entry struct {
	// Output is the name that the go command gives the content.
	Output []byte
	// Size is how many bytes the content has, and File where it is.
	Size int64
	File string
}

// Parts of a store: what actions left, and the contents.
const (
	actionsDir = "actions"
	outputsDir = "outputs"
)

func (s Store) path(part string, id []byte) string {
	name := hex.EncodeToString(id)
	return filepath.Join(s.dir, part, name[:min(2, len(name))], name)
}

// Get finds what an action left. ok is false when that is not here, or not whole.
func (s Store) Get(action []byte) (e Entry, ok bool) {
	line, err := os.ReadFile(s.path(actionsDir, action))
	if err != nil {
		return e, false
	}
	var output string
	if _, err := fmt.Sscanf(string(line), "%s %d\n", &output, &e.Size); err != nil {
		return e, false
	}
	if e.Output, err = hex.DecodeString(output); err != nil {
		return e, false
	}
	e.File = s.path(outputsDir, e.Output)
	info, err := os.Stat(e.File)
	return e, err == nil && info.Size() == e.Size
}

// Put keeps what an action left: size bytes from body. It returns where they are.
func (s Store) Put(action, output []byte, size int64, body io.Reader) (file string, err error) {
	file = s.path(outputsDir, output)
	if info, err := os.Stat(file); err != nil || info.Size() != size {
		if err := create(file, size, body); err != nil {
			return "", err
		}
	}
	line := fmt.Sprintf("%x %d\n", output, size)
	return file, create(s.path(actionsDir, action), int64(len(line)), strings.NewReader(line))
}

// copyTo puts e, which the store has, into another.
func (s Store) copyTo(to Store, action []byte, e Entry) error {
	in, err := os.Open(e.File)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = to.Put(action, e.Output, e.Size, in)
	return err
}

// create writes a file that is there whole or not at all.
func create(name string, size int64, body io.Reader) error {
	dir := filepath.Dir(name)
	temp, err := os.CreateTemp(dir, ".new-")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		temp, err = os.CreateTemp(dir, ".new-")
	}
	if err != nil {
		return err
	}
	n, err := io.Copy(temp, body)
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes came, and not %d", n, size)
	}
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // The first error says what is wrong.
	}
	return err
}

// The go command's own rule: what nobody has used for five days goes, and that is
// looked after once a day ("go help cache").
const (
	unusedFor   = 5 * 24 * time.Hour
	trimEvery   = 24 * time.Hour
	touchAfter  = time.Hour
	trimmedFile = "trimmed"
)

// touch notes that an entry is in use.
func (s Store) touch(action []byte, e Entry, now time.Time) {
	name := s.path(actionsDir, action)
	info, err := os.Stat(name)
	if err != nil || now.Sub(info.ModTime()) < touchAfter {
		return
	}
	// Whoever removed it meanwhile only made work for the next build.
	_ = os.Chtimes(name, now, now)
	_ = os.Chtimes(e.File, now, now)
}

// Trim removes what was not used for long, unless that was done lately. It tells how
// many bytes it removed.
func (s Store) Trim(now time.Time) (removed int64, err error) {
	mark := filepath.Join(s.dir, trimmedFile)
	if info, err := os.Stat(mark); err == nil && now.Sub(info.ModTime()) < trimEvery && !info.ModTime().After(now) {
		return 0, nil
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		return 0, err
	}
	if err := os.Chtimes(mark, now, now); err != nil {
		return 0, err
	}
	err = filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || name == mark {
			// Others may be removing the same.
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil || now.Sub(info.ModTime()) < unusedFor {
			return ignoreMissing(err)
		}
		removed += info.Size()
		return ignoreMissing(os.Remove(name))
	})
	return removed, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
