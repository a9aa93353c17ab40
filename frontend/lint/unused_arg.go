package lint

import (
	"maps"
	"slices"
)

// The counterpart, a reference to an argument that is not declared, is an error.
var unusedArg = &Rule{
	Name:        "UnusedArg",
	Description: "An argument that nothing refers to has no effect when it is passed.",
	whole: func(p *pass) {
		for _, name := range slices.Sorted(maps.Keys(p.spec.Args)) {
			if a := p.spec.Args[name]; !a.Used {
				p.report(a.Range, "nothing refers to the argument %s, so that --build-arg %s=… has no effect; write ${%s} where its value belongs, or remove it", name, name, name)
			}
		}
	},
}
