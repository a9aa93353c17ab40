package golang

import (
	"maps"
	"path"
	"slices"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

var _ toolchain.Describer = (*Plan)(nil)

// cacheDir is the cache of the go command itself, which a Dockerfile has in place of the
// helper's.
const cacheDir = "/fromscratch/go/cache"

// Recipe is the compile in the words of a Dockerfile.
func (p *Plan) Recipe(_ toolchain.Env, pf platform.Platform) toolchain.Recipe {
	r := p.resolved[pf.String()]
	if r == nil {
		r = &resolved{}
	}
	out := toolchain.Recipe{
		Env:      append(p.environment(pf), [2]string{"GOCACHE", cacheDir}),
		Source:   toolchain.SourceDir,
		Dir:      p.project.dir,
		Writable: p.project.workspace, // The go command may add to go.work.sum.
		Command:  p.programs(r),
		Compiled: toolchain.Cache{Path: cacheDir},
	}
	if names := p.target.Toolchain.Packages; len(names) > 0 {
		out.Prepare = []toolchain.Script{toolchain.Packages(names)}
	}
	if p.project.vendor == "" {
		out.Downloads = toolchain.Cache{Path: modCache}
	}
	if p.project.vendor == "" && p.project.unusual == "" && len(p.project.requires) > 0 {
		out.Download = downloadCommand
		out.Manifests = slices.Sorted(maps.Keys(p.project.manifests))
	}
	for _, name := range p.own.files {
		out.Programs = append(out.Programs, path.Join(toolchain.OutDir, name))
	}
	return out
}
