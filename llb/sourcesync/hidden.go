package sourcesync

import (
	"maps"
	"path"
)

// HiddenFile lies in the folder of a package that a build is not shown, beside what
// stands for its sources. Builds of several programs of a workspace take turns in one
// mount, and what is hidden from one of them has not changed for the others: when it
// is back, it has the times that it had.
const HiddenFile = ".fromscratch-hidden"

// hidden is what the table knows of a package that the last build was not shown.
type hidden struct {
	// stamps is the sum of the stamps when it was shown last.
	stamps  string
	entries map[string]entry
}

// hiddenIn lists the folders that are hidden in a tree.
func hiddenIn(entries map[string]entry) map[string]bool {
	out := map[string]bool{}
	for name := range entries {
		if path.Base(name) == HiddenFile {
			out[path.Dir(name)] = true
		}
	}
	return out
}

// ownerOf is the one of dirs that a path lies in, the innermost; empty for none.
func ownerOf(dirs map[string]bool, name string) string {
	for d := name; d != "."; d = path.Dir(d) {
		if dirs[d] {
			return d
		}
	}
	return ""
}

// below lists what of entries belongs to each of dirs.
func below(dirs map[string]bool, entries map[string]entry) map[string]map[string]entry {
	out := map[string]map[string]entry{}
	if len(dirs) == 0 {
		return out
	}
	for name, e := range entries {
		if d := ownerOf(dirs, name); d != "" {
			if out[d] == nil {
				out[d] = map[string]entry{}
			}
			out[d][name] = e
		}
	}
	return out
}

// turn is what a build has to know of the one before it, which may have been one of
// another program.
type turn struct {
	// before are the sources as they were when each of them was shown last, but for
	// what is hidden now.
	before map[string]entry
	// away are the folders that are hidden now, and moved the paths that one of the two
	// builds is shown and the other is not.
	away  map[string]bool
	moved []string
	// kept is what the next build has to know of those that are hidden now.
	kept map[string]hidden
}

// turnTo compares the last build with one of the sources now, with these stamps.
func (t table) turnTo(now map[string]entry, stamps string) turn {
	was, is := hiddenIn(t.entries), hiddenIn(now)
	out := turn{before: maps.Clone(t.entries), away: is, kept: map[string]hidden{}}
	if len(was)+len(is) == 0 {
		return out
	}
	// What stood for sources is no older version of them. The folder itself was there.
	for dir, entries := range below(was, t.entries) {
		for name := range entries {
			if name != dir {
				delete(out.before, name)
			}
		}
	}
	for dir := range was {
		if is[dir] {
			continue
		}
		// With other stamps nobody knows what was compiled of it.
		if h, ok := t.hidden[dir]; ok && h.stamps == stamps {
			maps.Copy(out.before, h.entries)
		}
	}
	for dir, entries := range below(is, out.before) {
		if was[dir] {
			continue
		}
		out.kept[dir] = hidden{t.stamps, entries}
		for name := range entries {
			delete(out.before, name)
			if name != dir {
				out.moved = append(out.moved, name)
			}
		}
	}
	for dir := range is {
		if h, ok := t.hidden[dir]; ok && was[dir] {
			out.kept[dir] = h
		}
	}
	for name := range now {
		if dir := ownerOf(was, name); dir != "" && dir != name && ownerOf(is, name) == "" {
			out.moved = append(out.moved, name)
		}
	}
	return out
}

// shown are the sources that are not hidden.
func (t turn) shown(now map[string]entry) map[string]entry {
	if len(t.away) == 0 {
		return now
	}
	out := maps.Clone(now)
	maps.DeleteFunc(out, func(name string, _ entry) bool { return ownerOf(t.away, name) != "" })
	return out
}
