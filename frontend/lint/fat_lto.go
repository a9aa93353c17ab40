package lint

import (
	"slices"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Fat LTO makes one piece of the whole program, which only one core can optimize,
// and does so again for a change of one line. Whoever asks for it with
// build.optimize knows what it is for.
var fatLTO = &Rule{
	Name:        "FatLTO",
	Description: "Fat LTO optimizes the whole program as one piece after every edit, where thin LTO takes less time for nearly the same.",
	each: func(p *pass, t *spec.Target) {
		if t.Toolchain.Name != spec.RustMusl || t.Build.Optimize != "" {
			return
		}
		s, ok := p.setting(t, "lto", func(of profile) any { return of.LTO })
		if !ok || !slices.Contains([]string{"true", "fat"}, s.value) {
			return
		}
		thin := `lto = "thin"`
		if !s.shared {
			thin = "thin"
		}
		p.reportSetting(s, "so after every edit the whole program, with all of its dependencies, is optimized again as one piece and on one core; "+
			"write "+thin+", which uses all cores and less memory, for a program that is about as fast and somewhat larger")
	},
}
