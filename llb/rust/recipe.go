package rust

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

var _ toolchain.Describer = (*Plan)(nil)

// notInID is what goes into no id of a cache in a Dockerfile, where commas and dollar
// signs mean something.
var notInID = regexp.MustCompile(`[^A-Za-z0-9._+@/-]`)

// Recipe is the compile in the words of a Dockerfile. Its places are those of the graph,
// since rustc writes some of them into programs.
func (p *Plan) Recipe(e toolchain.Env, pf platform.Platform) toolchain.Recipe {
	r := toolchain.Recipe{
		Files:     map[string]string{},
		Folders:   []string{path.Join(toolsDir(pf), emptyLibs)},
		Source:    path.Join(workDir, sourcesync.MirrorDir),
		Dir:       p.target.Build.Dir,
		Writable:  true,
		Download:  p.fetchCommand(pf),
		Offline:   []string{"--offline"},
		Compares:  true,
		Downloads: toolchain.Cache{Path: cargoHome},
		Compiled: toolchain.Cache{Path: targetDir, Locked: true,
			ID: notInID.ReplaceAllString(strings.Join([]string{"cargo-target", p.familyID(), p.profile() + p.target.Build.Optimize, p.environmentID()}, "/"), "-")},
		Machine:   [2]string{"RUST_TARGET", pf.Rust.Triple},
		BuildArch: e.BuildArch,
	}
	if names := p.target.Toolchain.Packages; len(names) > 0 {
		r.Prepare = append(r.Prepare, toolchain.Packages(names))
	}
	r.Prepare = append(r.Prepare, p.additions(e, pf)...)
	for name, text := range p.toolsFor(pf, e.BuildArch) {
		r.Files[path.Join(toolsDir(pf), name)] = text
	}
	for _, kv := range p.environment(e, pf) {
		// It is there for the keys of the graph.
		if kv[0] != toolchainVariable {
			r.Env = append(r.Env, kv)
		}
	}
	r.Env = append(r.Env, [2]string{"CARGO_BUILD_BUILD_DIR", targetDir})
	// The messages are for the helper.
	r.Command = slices.DeleteFunc(p.command(e, pf, p.together...), func(arg string) bool { return arg == messageFormat })
	for _, name := range slices.Sorted(maps.Keys(p.target.Build.Stamp)) {
		r.Stamps = append(r.Stamps, [2]string{name, p.target.Build.Stamp[name]})
	}
	for _, bin := range p.own.bins {
		r.Programs = append(r.Programs, p.left(pf, bin))
	}
	return r
}
