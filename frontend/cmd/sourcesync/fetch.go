package main

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/cause"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// Parts of a Cargo home ("Cargo Home" in the Cargo book).
const (
	archives  = "registry/cache"
	indices   = "registry/index"
	databases = "git/db"
)

// fetch fills a Cargo home with what a lock file names and nothing else. What was
// downloaded before comes from the store, and goes there.
func fetch(f sourcesync.Fetch) error {
	lock, err := readLock(filepath.Join(f.Source, f.Dir, "Cargo.lock"))
	if err != nil {
		return err
	}
	wanted := map[string]func(rel string) bool{
		archives: func(rel string) bool { return lock.archives[filepath.Base(rel)] },
		// Beside the entries of crates, an index has its own config.
		indices:   func(rel string) bool { return lock.names[filepath.Base(rel)] || !strings.Contains(rel, "/.cache/") },
		databases: func(string) bool { return lock.git },
	}
	for part, want := range wanted {
		if err := copyNew(filepath.Join(f.Store, part), filepath.Join(f.Home, part), want); err != nil {
			return err
		}
	}
	env := []string{"CARGO_HOME=" + f.Home}
	ca, err := step.Certificates()
	if err != nil {
		return err
	}
	dir := filepath.Join(f.Source, f.Dir)
	err = run(f.Run, dir, append(env, ca...), nil, nil)
	if failed, ok := errors.AsType[*step.Error](err); ok && failed.Status == cause.LockFile {
		// What is fetched for is less than the project. Whether the lock file fits that
		// is for the compile to say; here it is taken as far as it goes.
		if dir, err = unlocked(&f); err == nil {
			err = run(f.Run, dir, append(env, ca...), nil, nil)
		}
	}
	if err != nil {
		return err
	}
	for part := range wanted {
		if err := copyNew(filepath.Join(f.Home, part), filepath.Join(f.Store, part), func(string) bool { return true }); err != nil {
			return err
		}
	}
	if err := hollow(f, dir, env); err != nil {
		return err
	}
	litter, err := filepath.Glob(filepath.Join(f.Home, ".*"))
	if err != nil {
		return err
	}
	for _, name := range litter {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	// Build scripts run again when what they read is newer than what they left.
	return sourcesync.SetTimes(f.Home, sourcesync.SeedTime)
}

// unlocked makes a copy of the sources whose lock file Cargo may change, and returns
// the folder to run in.
func unlocked(f *sourcesync.Fetch) (dir string, err error) {
	f.Run = slices.DeleteFunc(slices.Clone(f.Run), func(arg string) bool { return arg == "--locked" })
	if dir, err = os.MkdirTemp("", "unlocked"); err != nil {
		return "", err
	}
	return filepath.Join(dir, f.Dir), os.CopyFS(dir, os.DirFS(f.Source))
}

// hollow takes the content out of archives, which lie unpacked beside them: Cargo
// only wants to see that they are there. If this Cargo wants more, they stay.
func hollow(f sourcesync.Fetch, dir string, env []string) error {
	cache := filepath.Join(f.Home, archives)
	if _, err := os.Stat(cache); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	full := cache + ".full"
	if err := os.Rename(cache, full); err != nil {
		return err
	}
	err := filepath.WalkDir(full, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dest := cache + strings.TrimPrefix(name, full)
		if d.IsDir() {
			return os.MkdirAll(dest, 0o755)
		}
		return os.WriteFile(dest, []byte("unpacked\n"), 0o644)
	})
	if err != nil {
		return err
	}
	check := exec.Command(f.Run[0], append(f.Run[1:len(f.Run):len(f.Run)], "--offline", "--quiet")...)
	check.Dir = dir
	check.Env = append(check.Environ(), env...)
	if err := check.Run(); err != nil {
		if err := os.RemoveAll(cache); err != nil {
			return err
		}
		return os.Rename(full, cache)
	}
	return os.RemoveAll(full)
}

// locked is what a lock file says of downloads.
type locked struct {
	// archives holds the file names of crates, and names their names in lower
	// case, as indices have them.
	archives, names map[string]bool
	// git is set when a dependency comes from a git repository.
	git bool
}

var lockLine = regexp.MustCompile(`^(name|version|source) = "(.*)"$`)

// readLock reads a Cargo.lock as Cargo writes it: one value a line. What it
// overlooks is downloaded again.
func readLock(name string) (locked, error) {
	l := locked{archives: map[string]bool{}, names: map[string]bool{}}
	file, err := os.Open(name)
	if err != nil {
		return l, err
	}
	defer file.Close()
	crate := ""
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		switch m := lockLine.FindStringSubmatch(in.Text()); {
		case m == nil:
		case m[1] == "name":
			crate = m[2]
		case m[1] == "version":
			l.archives[crate+"-"+m[2]+".crate"], l.names[strings.ToLower(crate)] = true, true
		case strings.HasPrefix(m[2], "git+"):
			l.git = true
		}
	}
	return l, in.Err()
}

// copyNew copies the files of the tree from that to lacks. A file is there whole
// or not at all.
func copyNew(from, to string, want func(rel string) bool) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(to, rel)
		if d.IsDir() && want("/"+filepath.ToSlash(rel)) {
			// Git takes no folder for a repository that lacks its empty ones.
			return os.MkdirAll(dest, 0o755)
		}
		if !d.Type().IsRegular() || !want("/"+filepath.ToSlash(rel)) {
			return nil
		}
		have, err := os.Stat(dest)
		info, infoErr := d.Info()
		if infoErr != nil {
			return infoErr
		}
		// Index entries grow, and git changes its databases in place.
		if err == nil && have.Size() == info.Size() && !info.ModTime().After(have.ModTime()) {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
			return err
		}
		if err := replace(name, dest, info); err != nil {
			return err
		}
		return nil
	})
}

func replace(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	temp := to + ".new"
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close(), os.Chtimes(temp, info.ModTime(), info.ModTime())); err != nil {
		return err
	}
	return os.Rename(temp, to)
}
