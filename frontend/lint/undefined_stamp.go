package lint

import (
	"maps"
	"slices"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/golang"
)

// The Go linker says nothing of a variable that it does not find or cannot set, and
// the program goes out without its version.
var undefinedStamp = &Rule{
	Name:        "UndefinedStamp",
	Description: "The Go linker is silent about a variable that it cannot set, so the program goes without the value.",
	each: func(p *pass, t *spec.Target) {
		if t.Toolchain.Name != spec.GoCGO0 || len(t.Build.Stamp) == 0 || p.src.fsys == nil {
			return
		}
		v, err := golang.NewVariables(p.spec, t, p.src.fsys)
		if err != nil {
			return // It is for the build to complain about.
		}
		for _, name := range slices.Sorted(maps.Keys(t.Build.Stamp)) {
			if why := v.Stampable(name); why != "" {
				p.report(p.keyRange(pathOf(t, "build", "stamp", name)), "%s: the linker would ignore it without a word; %s", name, why)
			}
		}
	},
}
