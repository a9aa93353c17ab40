package sourcesync

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Layout of the cache mount.
const (
	// MirrorDir holds the mirror of the sources.
	MirrorDir = "src"
	// TargetDir is Cargo's target directory.
	TargetDir = "target"
	tableFile = "table"
)

// Report says what Sync found.
type Report struct {
	// Changed counts the files, links and directories that got a new time.
	Changed int
	// Total counts all of them.
	Total int
	// Emptied tells whether the target directory was emptied, or there was none.
	Emptied bool
	// Foreign is a path of the mirror that is not what Sync left there; it is why
	// the target directory was emptied. Empty when there is none.
	Foreign string
}

// Sync brings the mirror below work in line with source.
//
// A mirror is only trusted with the table that describes it. Where the two
// differ, because a build script wrote into the source tree or a former run was
// cut off, the target directory is emptied: nobody can tell what was compiled
// from what. So it is when something changed that Cargo cannot see by times at
// all. That costs time, and never yields a binary of other bytes than a clean
// build gives.
func Sync(source, work string) (Report, error) { return SyncStamped(source, work, Stamps{}) }

// SyncStamped is Sync for a build with stamps.
func SyncStamped(source, work string, stamps Stamps) (Report, error) {
	mirror, target, tableName := filepath.Join(work, MirrorDir), filepath.Join(work, TargetDir), filepath.Join(work, tableFile)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return Report{}, err
	}
	now, err := scan(source)
	if err != nil {
		return Report{}, err
	}
	report := Report{Total: len(now)}
	old, trust := readTable(tableName)
	turn := old.turnTo(now, stamps.sum())
	if trust {
		report.Foreign = compare(mirror, old)
		trust = report.Foreign == "" && !invisible(turn.before, turn.shown(now))
	}
	var stamp time.Time
	if trust {
		if stamp, trust, err = nextStamp(work, target, old.last); err != nil {
			return report, err
		}
	}
	if !trust {
		report.Emptied, old = true, table{}
		turn = old.turnTo(now, stamps.sum())
		// The table goes first: with it, a run that is cut off here would leave a
		// target directory that lacks some files and looks sound.
		for _, name := range []string{tableName, target, mirror} {
			if err := os.RemoveAll(name); err != nil {
				return report, err
			}
		}
		if stamp, _, err = nextStamp(work, target, time.Time{}); err != nil {
			return report, err
		}
	}
	var stale []string
	stamped := map[string]bool{}
	switch {
	case !trust:
	case !strings.HasPrefix(old.stamps, stamps.names()):
		// Which packages read a stamp that is gone is not known any more.
		stamped = packagesOf(now).own
	case old.stamps != stamps.sum():
		if stamped, err = stamps.readers(source, now); err != nil {
			return report, err
		}
	}
	if report.Changed, stale, err = assign(source, old.entries, turn, now, stamp, stamped); err != nil {
		return report, err
	}
	if err := apply(source, mirror, old.entries, now); err != nil {
		return report, err
	}
	// Before the table, or a run that is cut off in between would not do it again.
	if err := forgetScripts(mirror, target, stale); err != nil {
		return report, err
	}
	return report, table{last: stamp, stamps: stamps.sum(), entries: now, hidden: turn.kept}.write(tableName)
}

// invisible tells whether something changed that Cargo does not see, whatever
// time it gets: a symbolic link, which it looks through at the time of what it
// points to, or a file of a vendored crate, which it knows by its version only.
func invisible(old, now map[string]entry) bool {
	before := packagesOf(old).own
	differ := func(a, b map[string]entry, unknown func(dir string) bool) bool {
		packages := packagesOf(a)
		for name, e := range a {
			unseen := e.mode == fs.ModeSymlink && !unknown(packages.of(name)) || !e.mode.IsDir() && packages.vendored[packages.of(name)]
			if unseen && !e.same(b[name]) {
				return true
			}
		}
		return false
	}
	// All of a package that was not there is new, and is compiled.
	return differ(old, now, func(string) bool { return false }) || differ(now, old, func(dir string) bool { return dir != "." && !before[dir] })
}

// nextStamp is a time for changed content: now, and later than every time that
// was assigned before and than everything Cargo compares sources with. ok is
// false when the clock went back since the last run. Cargo compares the times of
// what it compiled with each other too, and until the clock has caught up, a
// library that was just compiled is older than the program that has to link it.
func nextStamp(work, target string, last time.Time) (stamp time.Time, ok bool, err error) {
	newest, err := newestStamp(target)
	if err != nil {
		return time.Time{}, false, err
	}
	// The kernel gives files a coarser time than the clock has. A source stamped by
	// the finer one can be later than a compile that starts right after.
	probe := filepath.Join(work, "clock")
	defer os.Remove(probe)
	now, err := touch(probe, time.Time{})
	if err != nil {
		return time.Time{}, false, err
	}
	// Runs within one tick of that clock are told apart by a nanosecond each.
	const tick = 10 * time.Millisecond
	if late := now.Add(tick); late.Before(newest) || late.Before(last) {
		return time.Time{}, false, nil
	}
	floor := last
	if newest.After(floor) {
		floor = newest
	}
	if now.After(floor) {
		return now, true, nil
	}
	// Some file systems round times down, to a second or two.
	for _, step := range []time.Duration{1, time.Second, 2 * time.Second} {
		if stamp, err = touch(probe, floor.Add(step)); err != nil || stamp.After(floor) {
			return stamp, true, err
		}
	}
	return stamp, false, nil
}

// touch makes the file name, sets its time unless at is zero, and returns the
// time that the file system remembers.
func touch(name string, at time.Time) (time.Time, error) {
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		return time.Time{}, err
	}
	if !at.IsZero() {
		if err := os.Chtimes(name, at, at); err != nil {
			return time.Time{}, err
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// newestStamp finds the latest time that Cargo may compare a source with: those
// of the fingerprints, and of what build scripts left.
func newestStamp(target string) (time.Time, error) {
	var newest time.Time
	err := filepath.WalkDir(target, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if d.IsDir() {
			switch {
			case d.Name() == "deps" || d.Name() == "incremental" || d.Name() == "examples" || d.Name() == "out":
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return nil
	})
	return newest, err
}

// scan reads a source tree: what each path is, and the sum of what it holds.
func scan(root string) (map[string]entry, error) {
	out := map[string]entry{}
	var files []string
	names := map[string]*strings.Builder{} // of the entries of each directory, in order
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if rel != "." {
			fmt.Fprintf(names[filepath.Dir(rel)], "%v%s\x00", d.Type(), d.Name())
		}
		e := entry{mode: info.Mode() & (fs.ModeType | fs.ModePerm)}
		switch {
		case d.IsDir():
			// The helper writes below it, and need not be root.
			e.mode |= 0o700
			names[rel] = &strings.Builder{}
		case e.mode.IsRegular():
			e.size = info.Size()
			files = append(files, rel)
		case e.mode&fs.ModeType == fs.ModeSymlink:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			e.mode = fs.ModeSymlink
			e.sum = sum(link)
		default:
			// Sockets, pipes and devices are no sources.
			return nil
		}
		out[rel] = e
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, list := range names {
		e := out[name]
		e.sum = sum(list.String())
		out[name] = e
	}
	sums, err := sumFiles(root, files)
	for i, name := range files {
		e := out[name]
		e.sum = sums[i]
		out[name] = e
	}
	return out, err
}

// sumFiles reads every file: neither its size nor its time tells whether its
// content is the same.
func sumFiles(root string, names []string) ([]string, error) {
	sums := make([]string, len(names))
	errs := make([]error, runtime.GOMAXPROCS(0))
	next := make(chan int)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			buf := make([]byte, 128<<10)
			for i := range next {
				if errs[w] == nil {
					sums[i], errs[w] = sumFile(filepath.Join(root, names[i]), buf)
				}
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	return sums, errors.Join(errs...)
}

func sumFile(name string, buf []byte) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, buf); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// compare finds a path where the mirror is not what the table says. It trusts
// sizes and times here: the mirror's are of the helper's own making, and nothing
// restores them by accident. A file that was written again with the content that
// it had gets its time back.
func compare(mirror string, t table) (foreign string) {
	seen := map[string]bool{}
	// The function takes every error for foreign content, and returns none.
	_ = filepath.WalkDir(mirror, func(name string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(mirror, name)
		e, ok := t.entries[rel]
		// What cannot be read is not what the helper left.
		if err != nil || relErr != nil || !ok || !e.describes(name, d) {
			foreign = rel
			return fs.SkipAll
		}
		seen[rel] = true
		return nil
	})
	if foreign == "" && len(seen) != len(t.entries) {
		for name := range t.entries {
			if !seen[name] && (foreign == "" || name < foreign) {
				foreign = name
			}
		}
	}
	return foreign
}

// describes tells whether the path name of the mirror is what the table has. The
// time of a directory is not looked at: it moves whenever a build script makes a
// file in it, even one that it removes again.
func (e entry) describes(name string, d fs.DirEntry) bool {
	info, err := d.Info()
	if err != nil {
		return false
	}
	switch info.Mode().Type() {
	case fs.ModeSymlink:
		link, err := os.Readlink(name)
		return err == nil && e.mode == fs.ModeSymlink && e.sum == sum(link)
	case fs.ModeDir:
		return e.mode == info.Mode()&(fs.ModeType|fs.ModePerm)
	}
	if e.mode != info.Mode()&(fs.ModeType|fs.ModePerm) || e.size != info.Size() {
		return false
	}
	if e.mtime.Equal(info.ModTime()) {
		return true
	}
	content, err := sumFile(name, make([]byte, 128<<10))
	return err == nil && content == e.sum && os.Chtimes(name, e.mtime, e.mtime) == nil
}

// apply makes the mirror what now says, where it is what old says.
func apply(source, mirror string, old, now map[string]entry) error {
	// Some names sort before ".".
	if err := os.MkdirAll(mirror, 0o755); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(now))
	for name, o := range old {
		if n, ok := now[name]; !ok || n.mode.Type() != o.mode.Type() {
			if err := os.RemoveAll(filepath.Join(mirror, name)); err != nil {
				return err
			}
		}
	}
	buf := make([]byte, 128<<10)
	for _, name := range names {
		e, dest := now[name], filepath.Join(mirror, name)
		if o, ok := old[name]; ok && o.same(e) && !e.mode.IsDir() {
			if !o.mtime.Equal(e.mtime) && e.mode.IsRegular() {
				if err := os.Chtimes(dest, e.mtime, e.mtime); err != nil {
					return err
				}
			}
			continue
		}
		if err := put(filepath.Join(source, name), dest, e, buf); err != nil {
			return err
		}
	}
	// The entries of a directory move its time, so directories come last, and
	// those inside before those around.
	slices.Reverse(names)
	for _, name := range names {
		if e := now[name]; e.mode.IsDir() {
			if err := os.Chtimes(filepath.Join(mirror, name), e.mtime, e.mtime); err != nil {
				return err
			}
		}
	}
	return nil
}

func put(from, to string, e entry, buf []byte) error {
	switch {
	case e.mode.IsDir():
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(to, e.mode.Perm()); err != nil {
			return err
		}
	case e.mode.Type() == fs.ModeSymlink:
		link, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		return os.Symlink(link, to)
	default:
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := CopyFile(from, to, e.mode.Perm(), buf); err != nil {
			return err
		}
	}
	return os.Chtimes(to, e.mtime, e.mtime)
}

// CopyFile copies the file from to a new file to. buf may be nil.
func CopyFile(from, to string, mode fs.FileMode, buf []byte) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if buf == nil {
		_, err = io.Copy(out, in)
	} else {
		_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, buf)
	}
	// The umask takes bits from the mode of a new file, never from a chmod.
	return errors.Join(err, out.Chmod(mode), out.Close())
}
