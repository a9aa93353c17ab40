package frontend

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxLinks bounds the symbolic links that are followed to one file, as Linux does
// (path_resolution(7)).
const maxLinks = 40

// A linkError is a symbolic link that leads to nothing that can be copied.
type linkError struct {
	// link is the name of the link, and to where it leads.
	link, to string
	// fault says what is wrong with that.
	fault linkFault
}

type linkFault int

const (
	// leadsOut is a link to what lies outside of its context.
	leadsOut linkFault = iota
	// leadsNowhere is a link to what is not there.
	leadsNowhere
	// leadsInCircles is a link that leads to itself, by way of others perhaps.
	leadsInCircles
)

func (e *linkError) Error() string {
	switch e.fault {
	case leadsOut:
		return fmt.Sprintf("the link %s leads to %s, which is outside of the context", e.link, e.to)
	case leadsInCircles:
		return fmt.Sprintf("the link %s leads in circles", e.link)
	}
	return fmt.Sprintf("the link %s leads to %s, which is not there", e.link, e.to)
}

// follow gives the name that a file has without any symbolic link in it. In a root
// file system an absolute link starts at the root, and no link leads above it. In
// other trees both are links to what lies outside, a linkError, though BuildKit
// would look inside. Of a file that is not there the error is fs.ErrNotExist.
func follow(fsys fs.FS, name string, isRoot bool) (string, error) {
	at := "."
	rest := strings.Split(path.Clean(name), "/")
	var last *linkError
	for links := 0; len(rest) > 0; {
		elem := rest[0]
		rest = rest[1:]
		switch elem {
		case "", ".":
			continue
		case "..":
			if at != "." {
				at = path.Dir(at)
				continue
			}
			if !isRoot && last != nil {
				last.fault = leadsOut
				return "", last
			}
			continue
		}
		next := path.Join(at, elem)
		info, err := fs.Lstat(fsys, next)
		if isMissing(err) && last != nil {
			last.fault = leadsNowhere
			return "", last
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		to, err := fs.ReadLink(fsys, next)
		if err != nil {
			return "", err
		}
		last = &linkError{link: next, to: to}
		if links++; links > maxLinks {
			last.fault = leadsInCircles
			return "", last
		}
		if path.IsAbs(to) {
			if !isRoot {
				last.fault = leadsOut
				return "", last
			}
			at = "."
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return at, nil
}

// glob finds what a pattern matches, as BuildKit does: element by element, behind
// links in front of the first wildcard only. Each file has the name that the pattern
// matched. The pattern must be valid.
func glob(fsys fs.FS, pattern string, isRoot bool) ([]string, error) {
	elems := strings.Split(path.Clean(pattern), "/")
	first := 0
	for first < len(elems) && !hasWildcard(elems[first]) {
		first++
	}
	dir, err := follow(fsys, path.Join(elems[:first]...), isRoot)
	if err != nil || first == len(elems) {
		return []string{dir}, err
	}
	return globBelow(fsys, dir, elems[first:])
}

func globBelow(fsys fs.FS, dir string, elems []string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if ok, err := path.Match(elems[0], e.Name()); !ok || err != nil {
			continue
		}
		name := path.Join(dir, e.Name())
		if len(elems) == 1 {
			out = append(out, name)
			continue
		}
		if e.IsDir() {
			more, err := globBelow(fsys, name, elems[1:])
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?[") }
