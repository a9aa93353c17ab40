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
	"syscall"
	"time"
)

// A seed is a directory with the part of a target directory that belongs to
// dependencies, and a list of its units with the sum of what each holds. It is
// made by one build, kept as a layer, and planted into the target directories of
// others, which then compile nothing but the project's own code.
const (
	seedFile = "units"
	// plantedFile in a work directory lists the units of seeds that its target
	// directory has.
	plantedFile = "planted"
	seedHeader  = "fromscratch compiled dependencies 1"
)

// SeedTime is the modification time of everything in a seed. Cargo recompiles what
// is older than what it was made of, so one time for all is as good as the true
// ones; and they are lost anyway when a layer goes through a registry, which keeps
// whole seconds. It is older than any source.
var SeedTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Harvest copies the units from the target directory below work to the new
// directory seed. It reports how many files and bytes they are.
func Harvest(work, seed string, units map[string]bool) (files int, bytes int64, err error) {
	target := filepath.Join(work, TargetDir)
	sums := map[string][]string{}
	c := copier{from: target, to: filepath.Join(seed, TargetDir), names: map[uint64]string{}, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if err := os.MkdirAll(c.to, 0o755); err != nil {
		return 0, 0, err
	}
	if err := walkUnits(target, func(rel, hash string) error {
		if !units[hash] {
			return nil
		}
		return c.copy(rel, func(line string) { sums[hash] = append(sums[hash], line) })
	}); err != nil {
		return 0, 0, errors.Join(err, c.end())
	}
	// What rustc said of itself, so that Cargo need not ask again.
	err = c.copy(".rustc_info.json", func(string) {})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, c.end()); err != nil {
		return 0, 0, err
	}
	var b strings.Builder
	fmt.Fprintln(&b, seedHeader)
	for _, hash := range slices.Sorted(maps.Keys(sums)) {
		slices.Sort(sums[hash])
		fmt.Fprintln(&b, hash, sum(strings.Join(sums[hash], "\n")))
	}
	if err := os.WriteFile(filepath.Join(seed, seedFile), []byte(b.String()), 0o644); err != nil {
		return 0, 0, err
	}
	return c.files, c.bytes, SetTimes(seed, SeedTime)
}

// copier copies parts of a tree, several files at a time. Files with two names in it
// have two in the copy.
type copier struct {
	from, to string
	// names are the copies of files that have further names, by their inodes, and
	// links those names with that of the copy.
	names map[uint64]string
	links [][2]string
	files int
	bytes int64
	// slots has room for the copies that are made at a time.
	slots  chan struct{}
	work   sync.WaitGroup
	mu     sync.Mutex
	failed error
}

// end waits for the copies.
func (c *copier) end() error {
	c.work.Wait()
	if c.failed != nil {
		return c.failed
	}
	for _, l := range c.links {
		if err := os.Link(l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}

// copy copies the file or folder rel, and says a line for each file, with the sum of
// its content. It is done at the end.
func (c *copier) copy(rel string, say func(line string)) error {
	if err := os.MkdirAll(filepath.Join(c.to, filepath.Dir(rel)), 0o755); err != nil {
		return err
	}
	locked := func(line string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		say(line)
	}
	return filepath.WalkDir(filepath.Join(c.from, rel), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(c.from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(c.to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch info.Mode().Type() {
		case fs.ModeDir:
			return os.MkdirAll(dest, 0o755)
		case fs.ModeSymlink:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			locked(rel + " -> " + link)
			return os.Symlink(link, dest)
		case 0:
			if strings.Contains(rel, "/out/") && filepath.Ext(rel) == ".o" {
				// It went into an archive, and that into the library: nobody links it again.
				return nil
			}
		default:
			return nil // Sockets and the like are no results.
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
			if first, ok := c.names[st.Ino]; ok {
				locked(rel)
				c.links = append(c.links, [2]string{first, dest})
				return nil
			}
			c.names[st.Ino] = dest
		}
		c.files, c.bytes = c.files+1, c.bytes+info.Size()
		c.slots <- struct{}{}
		c.work.Go(func() {
			defer func() { <-c.slots }()
			content, err := copyAndSum(name, dest, info.Mode().Perm())
			locked(rel + " " + content)
			c.mu.Lock()
			c.failed = errors.Join(c.failed, err)
			c.mu.Unlock()
		})
		return nil
	})
}

func copyAndSum(from, to string, mode fs.FileMode) (string, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.CopyBuffer(io.MultiWriter(out, h), struct{ io.Reader }{in}, make([]byte, 1<<20))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Chmod(mode), out.Close())
}

// SetTimes gives everything below root one modification time, links left out.
func SetTimes(root string, t time.Time) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		return os.Chtimes(name, t, t)
	})
}

// Planted says what Plant did.
type Planted struct {
	// New counts the units that were planted, and Gone those of a former seed that
	// were removed.
	New, Gone int
	// Emptied tells whether the target directory was emptied, because a unit of
	// the seed is not what it was when the project was compiled with it.
	Emptied bool
}

// Plant makes the units of a seed part of the target directory below work, where
// an earlier build may have left others, and the project's own. What is large is
// linked to, so seed must be where it is for as long as the build runs. Sync comes
// first.
func Plant(seed, work string) (Planted, error) {
	var done Planted
	now, ok := readUnitList(filepath.Join(seed, seedFile))
	if !ok {
		return done, fmt.Errorf("%s holds no compiled dependencies", seed)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return done, err
	}
	target, record := filepath.Join(work, TargetDir), filepath.Join(work, plantedFile)
	old, _ := readUnitList(record)
	if _, err := os.Lstat(target); err != nil {
		old = nil
	}
	// A unit of the same name and other content: the project's own code was linked
	// with the former, and Cargo would not see it by the time.
	for hash, s := range old {
		if n, ok := now[hash]; ok && n != s {
			old, done.Emptied = nil, true
			// The record goes last: with no target directory it is not believed.
			if err := os.RemoveAll(target); err != nil {
				return done, err
			}
			break
		}
	}
	present := map[string]bool{}
	if err := walkUnits(target, func(rel, hash string) error {
		_, was := old[hash]
		switch _, is := now[hash]; {
		case was && !is:
			done.Gone++
			return os.RemoveAll(filepath.Join(target, rel))
		case !was && is:
			// Compiled here, when no seed had it. What else is in the seed was
			// compiled with the seed's.
			done.Emptied = true
		}
		present[hash] = true
		return nil
	}); err != nil {
		return done, err
	}
	if done.Emptied {
		present = map[string]bool{}
		if err := os.RemoveAll(target); err != nil {
			return done, err
		}
	}
	// Recorded before it is done. A unit that is recorded and lacks a file is
	// compiled again; one that is there unrecorded would be taken for one that was
	// compiled here.
	if err := writeUnitList(record, now); err != nil {
		return done, err
	}
	p := planter{from: filepath.Join(seed, TargetDir), to: target}
	var fingerprints []string
	if err := walkUnits(p.from, func(rel, hash string) error {
		if present[hash] {
			return nil
		}
		done.New++
		// A fingerprint says that the rest is there.
		if strings.Contains(rel, ".fingerprint/") {
			fingerprints = append(fingerprints, rel)
			return nil
		}
		return p.plant(rel)
	}); err != nil {
		return done, err
	}
	for _, rel := range fingerprints {
		if err := p.plant(rel); err != nil {
			return done, err
		}
	}
	if _, err := os.Lstat(filepath.Join(target, ".rustc_info.json")); err != nil {
		if err := p.plant(".rustc_info.json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return done, err
		}
	}
	return done, nil
}

type planter struct{ from, to string }

// plant copies the file or folder rel. Libraries and build scripts are large, are
// read only, and are replaced rather than written to, so these are linked.
func (p planter) plant(rel string) error {
	if err := os.MkdirAll(filepath.Join(p.to, filepath.Dir(rel)), 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(p.from, rel), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(p.from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(p.to, rel)
		if d.IsDir() {
			return os.MkdirAll(dest, 0o755)
		}
		// Left by a run that was cut off.
		if err := os.RemoveAll(dest); err != nil {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, dest)
		}
		if linkable(rel) {
			return os.Symlink(name, dest)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := CopyFile(name, dest, info.Mode().Perm(), nil); err != nil {
			return err
		}
		return os.Chtimes(dest, info.ModTime(), info.ModTime())
	})
}

func linkable(rel string) bool {
	// A build script writes to its own output folder again when it runs again.
	if strings.Contains(rel, "/out/") {
		return false
	}
	switch filepath.Ext(rel) {
	case ".rlib", ".rmeta", ".so":
		return true
	}
	base := filepath.Base(rel)
	return strings.Contains(rel, "/build/") && (strings.HasPrefix(base, "build-script-") || strings.HasPrefix(base, "build_script_")) && filepath.Ext(base) == ""
}

// readUnitList reads a list of units. ok is false when there is none.
func readUnitList(name string) (units map[string]string, ok bool) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	first, rest, _ := strings.Cut(string(content), "\n")
	if first != seedHeader {
		return nil, false
	}
	units = map[string]string{}
	for line := range strings.Lines(rest) {
		hash, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
		units[hash] = sum
	}
	return units, true
}

func writeUnitList(name string, units map[string]string) error {
	var b strings.Builder
	fmt.Fprintln(&b, seedHeader)
	for _, hash := range slices.Sorted(maps.Keys(units)) {
		fmt.Fprintln(&b, hash, units[hash])
	}
	if err := os.WriteFile(name+".new", []byte(b.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
