package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// The commands of an image are not checked against what is in it, for that may
// come from anywhere. A name without a folder is looked up in PATH, though, where an
// image from scratch has nothing but what its spec puts there.
//
// cmd is left alone: entrypoint is never empty, so that cmd holds arguments.
var relativePath = &Rule{
	Name:        "RelativePath",
	Description: "A program without a folder in its name is not found, because no folder of PATH has it.",
	each: func(p *pass, t *spec.Target) {
		if len(t.Entrypoint) > 0 {
			p.checkProgram(t, t.Entrypoint[0], pathOf(t, "entrypoint", "0"))
		}
		if h := t.Healthcheck; h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
			at := pathOf(t, "healthcheck", "test")
			i := "0"
			// A CMD in front was taken off the test and is still in the spec.
			if n := strconv.Itoa(len(h.Test)); p.valueRange(at.Join(n)) != p.valueRange(at) {
				i = "1"
			}
			p.checkProgram(t, h.Test[0], at.Join(i))
		}
	},
}

// imagePath are the folders of the PATH that an image has unless its spec says another.
var imagePath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func (p *pass) checkProgram(t *spec.Target, program string, at spec.Path) {
	if program == "" || strings.Contains(program, "/") || t.Env["PATH"] != "" || t.Base != "" {
		return
	}
	better := "/" + program
	for _, b := range binaryPaths(t) {
		if path.Base(b) != program {
			continue
		}
		if slices.Contains(imagePath, path.Dir(b)) {
			return
		}
		better = b
	}
	// What is copied to one of the usual folders can be what is meant.
	for _, c := range t.Copy {
		dest := path.Clean(c.Dest)
		for _, dir := range imagePath {
			if dest == "/" || dest == dir || strings.HasPrefix(dir, dest+"/") || strings.HasPrefix(dest, dir+"/") {
				return
			}
		}
	}
	p.report(p.valueRange(at), "%q has no folder, and is in none of those that PATH has; write %s", program, better)
}
