package sourcesync

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is what the table knows of one path.
type entry struct {
	mode  fs.FileMode
	sum   string // of the content; of a link its target, of a directory its entries
	size  int64
	mtime time.Time
}

// same tells whether two entries hold the same, whatever their times.
func (e entry) same(o entry) bool {
	return e.mode == o.mode && e.sum == o.sum && e.size == o.size
}

// table maps each path of the mirror to what it holds. The root is ".".
type table struct {
	// last is the latest time ever assigned.
	last time.Time
	// stamps is the sum of the stamps of the last build.
	stamps  string
	entries map[string]entry
	// hidden is what there is in the place of other entries, by folder.
	hidden map[string]hidden
}

// header names the format; a table of another format is no table.
const header = "fromscratch source table 4"

// readTable reads what write wrote. ok is false when there is no usable table,
// because it was never written, or is damaged, or is of another version. Then the
// mirror cannot be trusted, and what the reason is makes no difference.
func readTable(name string) (t table, ok bool) {
	content, err := os.ReadFile(name)
	if err != nil {
		return table{}, false
	}
	first, rest, _ := strings.Cut(string(content), "\n")
	checksum, body, _ := strings.Cut(rest, "\n")
	// A wrong time would be believed, so the body has a checksum.
	if first != header || checksum != sum(body) {
		return table{}, false
	}
	t.entries = map[string]entry{}
	last, body, _ := strings.Cut(body, "\n")
	ns, err := strconv.ParseInt(last, 10, 64)
	if err != nil {
		return table{}, false
	}
	t.last = time.Unix(0, ns)
	t.stamps, body, _ = strings.Cut(body, "\n")
	t.hidden = map[string]hidden{}
	entries := t.entries
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, hiddenMark); ok {
			stamps, quoted, _ := strings.Cut(rest, " ")
			dir, err := strconv.Unquote(quoted)
			if err != nil {
				return table{}, false
			}
			entries = map[string]entry{}
			t.hidden[dir] = hidden{stamps, entries}
			continue
		}
		name, e, ok := parseEntry(line)
		if !ok {
			return table{}, false
		}
		entries[name] = e
	}
	return t, true
}

// hiddenMark begins a line before the entries of what is hidden.
const hiddenMark = "hidden "

func parseEntry(line string) (string, entry, bool) {
	f := strings.SplitN(line, " ", 5)
	if len(f) != 5 {
		return "", entry{}, false
	}
	mode, err1 := strconv.ParseUint(f[0], 8, 32)
	size, err2 := strconv.ParseInt(f[2], 10, 64)
	mtime, err3 := strconv.ParseInt(f[3], 10, 64)
	name, err4 := strconv.Unquote(f[4])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return "", entry{}, false
	}
	return name, entry{mode: fs.FileMode(mode), sum: f[1], size: size, mtime: time.Unix(0, mtime)}, true
}

// write replaces the table in one step, so that there is always a whole one.
func (t table) write(name string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n%s\n", t.last.UnixNano(), t.stamps)
	list := func(entries map[string]entry) {
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			e := entries[name]
			fmt.Fprintf(&b, "%o %s %d %d %s\n", uint32(e.mode), e.sum, e.size, e.mtime.UnixNano(), strconv.Quote(name))
		}
	}
	list(t.entries)
	for _, dir := range slices.Sorted(maps.Keys(t.hidden)) {
		h := t.hidden[dir]
		fmt.Fprintf(&b, "%s%s %s\n", hiddenMark, h.stamps, strconv.Quote(dir))
		list(h.entries)
	}
	// The name is always the same, so that runs that were cut off leave no litter.
	if err := os.WriteFile(name+".new", []byte(header+"\n"+sum(b.String())+"\n"+b.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
