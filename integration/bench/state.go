package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// state keeps what a builder has on disk, so that every run begins with the same.
type state struct {
	// dir holds the states that were put away, by name.
	dir string
	// live is where the builder has its state while it runs.
	live string
	// immutable tells files that the builder never writes to again: they are
	// linked, not copied.
	immutable func(name string) bool
}

func (s *state) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil
}

// save puts the live state away. States take gigabytes, so it takes the place of
// one that differs in its inputs alone, which names end with.
func (s *state) save(name string) error {
	tmp := filepath.Join(s.dir, "tmp")
	to := filepath.Join(s.dir, name)
	old, err := filepath.Glob(filepath.Join(s.dir, name[:strings.LastIndexByte(name, '_')+1]+"*"))
	if err != nil {
		return err
	}
	for _, path := range append(old, tmp) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := copyTree(s.live, tmp, s.immutable); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

// restore makes a state that was put away the live one.
func (s *state) restore(name string) error {
	if err := os.RemoveAll(s.live); err != nil {
		return err
	}
	return copyTree(filepath.Join(s.dir, name), s.live, s.immutable)
}

// clear makes the live state none at all.
func (s *state) clear() error {
	if err := os.RemoveAll(s.live); err != nil {
		return err
	}
	return os.MkdirAll(s.live, 0o755)
}

// copyTree copies a folder with all that cp -a keeps and builders look at. Files
// that link tells are the same file afterwards.
func copyTree(from, to string, link func(name string) bool) error {
	type dirTimes struct {
		path string
		info fs.FileInfo
	}
	var dirs []dirTimes
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, from), "/")
		dest := filepath.Join(to, name)
		st := info.Sys().(*syscall.Stat_t)
		switch mode := info.Mode(); {
		case mode.IsDir():
			dirs = append(dirs, dirTimes{dest, info})
			if err := os.MkdirAll(dest, 0o700); err != nil {
				return err
			}
		case mode&fs.ModeSocket != 0:
			return nil
		case mode.IsRegular() && link != nil && link(name):
			return os.Link(path, dest)
		case mode.IsRegular():
			if err := copyFile(path, dest); err != nil {
				return err
			}
		case mode&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			if err := os.Symlink(target, dest); err != nil {
				return err
			}
			return os.Lchown(dest, int(st.Uid), int(st.Gid))
		default:
			if err := syscall.Mknod(dest, st.Mode, int(st.Rdev)); err != nil {
				return &fs.PathError{Op: "mknod", Path: dest, Err: err}
			}
		}
		if err := os.Lchown(dest, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
		// By number: the mode of Go's own type has the set-user-ID bits elsewhere.
		if err := syscall.Chmod(dest, st.Mode&0o7777); err != nil {
			return &fs.PathError{Op: "chmod", Path: dest, Err: err}
		}
		if err := copyOpaque(path, dest, info.Mode()); err != nil {
			return err
		}
		return os.Chtimes(dest, info.ModTime(), info.ModTime())
	})
	if err != nil {
		return err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := os.Chtimes(dirs[i].path, dirs[i].info.ModTime(), dirs[i].info.ModTime()); err != nil {
			return err
		}
	}
	return nil
}

// opaque marks a folder of an overlay that hides those below it.
const opaque = "trusted.overlay.opaque"

func copyOpaque(from, to string, kind fs.FileMode) error {
	if !kind.IsDir() {
		return nil
	}
	var value [8]byte
	n, err := syscall.Getxattr(from, opaque, value[:])
	if errors.Is(err, syscall.ENODATA) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "getxattr", Path: from, Err: err}
	}
	return syscall.Setxattr(to, opaque, value[:n], 0)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}
