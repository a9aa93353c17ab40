package lint

import (
	"slices"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Binaries are stripped, whatever the profile says. Line tables are cheap, so that
// they are left alone: what is worth a word is debug info that is larger than the
// program itself.
var largeDebugInfo = &Rule{
	Name:        "LargeDebugInfo",
	Description: "Debug info takes time to compile and space in the cache, and is stripped from the binary in the end.",
	each: func(p *pass, t *spec.Target) {
		if t.Toolchain.Name != spec.RustMusl {
			return
		}
		s, ok := p.setting(t, "debug", func(of profile) any { return of.Debug })
		if !ok || !slices.Contains([]string{"true", "2", "full", "1", "limited"}, s.value) {
			return
		}
		cure := "remove it"
		if s.shared {
			cure = "write debug = false, or, to keep it elsewhere, build: {env: {" + profileVariable(profileOf(t), "debug") + ": false}}"
		}
		p.reportSetting(s, "which is compiled and cached and never reaches the image, since the binary is stripped; "+cure)
	},
}
