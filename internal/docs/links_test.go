package docs_test

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// links follows the links and pictures of a page that stay in the checkout.
func links(p *docs.Page) (found []string) {
	say := func(l docs.Link, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s:%d: ", p.Path, l.Line)+fmt.Sprintf(format, args...))
	}
	for _, l := range p.Links {
		u, err := url.Parse(l.To)
		if err != nil {
			say(l, "%v", err)
			continue
		}
		if u.Scheme != "" {
			continue
		}
		to, name := p, p.Path
		if u.Path != "" {
			name = path.Join(path.Dir(p.Path), u.Path)
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				say(l, "there is no %s", name)
				continue
			}
		}
		if u.Fragment == "" {
			continue
		}
		if u.Path != "" {
			if to, err = docs.Read(root, name); err != nil {
				say(l, "%v", err)
				continue
			}
		}
		if !slices.Contains(to.Anchors, u.Fragment) {
			say(l, "%s has no section %s", name, u.Fragment)
		}
	}
	return found
}
