package sourcesync

import (
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// assign gives each path of now its time: the one it had before if it holds the
// same, and stamp otherwise. It returns how many got stamp, and the packages that
// count as changed throughout. mirror is what the mirror holds.
//
// Cargo learns from the compiler which files went into a crate, but a macro that
// reads a folder (embedded assets, migrations, templates) leaves no trace of the
// files that were not there yet, and a build script may read more than it names.
// So when a file other than Rust source changes, and when anything comes or goes,
// all files of the packages that may read it count as changed too. So do those of
// readers, whatever changed.
func assign(source string, mirror map[string]entry, t turn, now map[string]entry, stamp time.Time, readers map[string]bool) (changed int, stale []string, err error) {
	packages := packagesOf(now)
	words := map[string]bool{}
	old := t.before
	for name, e := range now {
		o, known := old[name]
		e.mtime = stamp
		if ownerOf(t.away, name) != "" {
			// Nobody compiles it.
			if o, ok := mirror[name]; ok && o.same(e) {
				e.mtime = o.mtime
			}
			now[name] = e
			continue
		}
		if packages.vendored[name] || packages.vendored[packages.of(name)] {
			// Cargo knows them by their version, and when anything of them changes there
			// is nothing left that was compiled. What is left may come from a seed.
			if e.mtime = SeedTime; !known || !o.same(e) {
				changed++
			}
			now[name] = e
			continue
		}
		if known && o.same(e) {
			e.mtime = o.mtime
		} else {
			changed++
			// The names in a directory are its content, and have their own say.
			if !known || !e.mode.IsDir() && !plainRust(name) {
				packages.readersOf(name, readers, words)
			}
		}
		now[name] = e
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			packages.readersOf(name, readers, words)
		}
	}
	for _, name := range t.moved {
		// The package itself is as it was; those that read it see more or less of it.
		others := map[string]bool{}
		packages.readersOf(name, others, words)
		delete(others, packages.of(name))
		maps.Copy(readers, others)
	}
	if len(readers)+len(words) == 0 || len(old) == 0 {
		return changed, nil, nil
	}
	if err := packages.mentioning(source, now, words, readers); err != nil {
		return changed, nil, err
	}
	for name, e := range now {
		if e.mode.IsRegular() && !e.mtime.Equal(stamp) && readers[packages.of(name)] {
			e.mtime = stamp
			now[name] = e
			changed++
		}
	}
	for name := range readers {
		stale = append(stale, name)
	}
	return changed, stale, nil
}

// plainRust tells whether a file is Rust source that the compiler reads, and
// reports to Cargo, wherever it counts. A build script counts by what it leaves.
func plainRust(name string) bool {
	return strings.HasSuffix(name, ".rs") && path.Base(name) != "build.rs"
}

// packages knows the folders that have a manifest.
type packages struct {
	own      map[string]bool // those of the project
	vendored map[string]bool // those that Cargo takes for copies from a registry
}

func packagesOf(entries map[string]entry) packages {
	p := packages{own: map[string]bool{}, vendored: map[string]bool{}}
	for name := range entries {
		switch path.Base(name) {
		case "Cargo.toml":
			p.own[path.Dir(name)] = true
		case ".cargo-checksum.json":
			p.vendored[path.Dir(name)] = true
		}
	}
	for name := range p.vendored {
		delete(p.own, name)
	}
	return p
}

// of is the package that a path belongs to: that of the nearest manifest above it.
func (p packages) of(name string) string {
	dir := path.Dir(name)
	for dir != "." && !p.own[dir] && !p.vendored[dir] {
		dir = path.Dir(dir)
	}
	return dir
}

// readersOf adds to readers the packages whose macros may read the file name: its
// own, and, for a file outside the sources of its package, those below it, since
// a workspace keeps what its members share at its root. Any other package has to
// write down where the file lies, so readersOf adds to words what its sources
// would have to contain.
func (p packages) readersOf(name string, readers, words map[string]bool) {
	if bystander(name) {
		return
	}
	own := p.of(name)
	readers[own] = true
	rel := name
	if own != "." {
		rel = strings.TrimPrefix(name, own+"/")
		base := path.Base(own)
		words[base+"/"], words["/"+base], words[`"`+base+`"`] = true, true, true
	}
	if strings.HasPrefix(rel, "src/") {
		words["../src"] = true
		return
	}
	for other := range p.own {
		if own == "." || strings.HasPrefix(other, own+"/") {
			readers[other] = true
		}
	}
}

// mentioning adds to readers the packages whose sources contain one of words.
// Manifests do not count: whoever depends on a package is compiled after it
// anyway.
func (p packages) mentioning(source string, now map[string]entry, words, readers map[string]bool) error {
	for name, e := range now {
		own := p.of(name)
		if readers[own] || !p.own[own] || !e.mode.IsRegular() || path.Base(name) == "Cargo.toml" ||
			path.Ext(name) != ".rs" && path.Ext(name) != ".toml" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		for word := range words {
			if bytes.Contains(content, []byte(word)) {
				readers[own] = true
				break
			}
		}
	}
	return nil
}

// bystander tells whether a file is one of those that every project has at the
// root beside its sources and no macro reads a folder for: without this, a new
// label in the spec or a word in the read-me would recompile a whole workspace.
func bystander(name string) bool {
	top, _, nested := strings.Cut(name, "/")
	switch top {
	case ".circleci", ".devcontainer", ".github", ".gitlab", ".idea", ".vscode":
		return true
	}
	if nested {
		return false
	}
	switch path.Ext(name) {
	case ".md", ".hcl", ".dockerignore":
		return true
	}
	for _, prefix := range []string{
		".editorconfig", ".gitattributes", ".gitignore", ".gitlab-ci", ".gitmodules", ".pre-commit",
		"CHANGELOG", "Dockerfile", "LICENSE", "Makefile", "README",
		"compose.", "docker-compose", "fromscratch.", "justfile",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
