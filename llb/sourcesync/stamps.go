package sourcesync

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Stamps are variables of the environment whose values may change without
// everything being compiled anew. Cargo sees to crates that read one by env!, and
// to build scripts that say that they read one. The others are compiled anew when
// a value changes: those of the project that mention one, those that have a build
// script, and those of Final.
type Stamps struct {
	// Values are the values by name.
	Values map[string]string
	// Final lists the folders of the packages that make the binaries, relative to
	// the source tree.
	Final []string
}

func (s Stamps) sum() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		fmt.Fprintf(&b, "%q=%q\n", name, s.Values[name])
	}
	return s.names() + sum(b.String())
}

// names is the part of sum that tells which stamps there are.
func (s Stamps) names() string {
	return sum(strings.Join(slices.Sorted(maps.Keys(s.Values)), " "))
}

var buildKey = regexp.MustCompile(`(?m)^\s*build\s*=\s*["']`)

// readers finds the packages that may read a stamp.
func (s Stamps) readers(source string, now map[string]entry) (map[string]bool, error) {
	packages := packagesOf(now)
	readers, words := map[string]bool{}, map[string]bool{}
	for _, dir := range s.Final {
		readers[path.Clean(dir)] = true
	}
	for name := range s.Values {
		words[name] = true
	}
	for name := range now {
		dir := path.Dir(name)
		switch {
		case !packages.own[dir]:
		case path.Base(name) == "build.rs":
			readers[dir] = true
		case path.Base(name) == "Cargo.toml":
			content, err := os.ReadFile(filepath.Join(source, name))
			if err != nil {
				return nil, err
			}
			if buildKey.Match(content) {
				readers[dir] = true
			}
		}
	}
	return readers, packages.mentioning(source, now, words, readers)
}
