package golang

import (
	"cmp"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/llb/gocache"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// Places in the build container.
const (
	helper   = "/fromscratch/gocache"
	modCache = "/fromscratch/go/mod"
	// storeDir is the cache mount with everything that was compiled, and seedDir the
	// layer with the dependencies.
	storeDir = "/fromscratch/go/compiled"
	seedDir  = "/fromscratch/dependencies"
	// downloadsDir is the cache mount with everything that was downloaded.
	downloadsDir = "/fromscratch/downloads"
	factsDir     = "/fromscratch/facts"
)

// layers are what a compile builds on. Each may be nil.
type layers struct {
	// modules is a module cache with the dependencies, and compiled a seed with what
	// they were compiled to.
	modules, compiled *llb.State
}

// downloadCommand downloads the dependencies.
var downloadCommand = []string{"go", "mod", "download"}

// download adds the download of the dependencies to the graph. It serves all targets
// of the module or workspace and all platforms. What the modules say of those of the
// sources is a small state of its own, which can be read without the modules.
func (p *Plan) download(e toolchain.Env) (modules, facts llb.State) {
	args := gocache.Download{
		Helper: helper, Source: toolchain.SourceDir, Dir: p.project.dir, Home: modCache, Store: downloadsDir, Facts: factsDir,
		Run: downloadCommand,
	}
	for _, m := range p.project.modules {
		args.Local = append(args.Local, m.path)
	}
	if p.project.workspace {
		args.Work = p.project.root
	}
	opts := []llb.RunOption{
		llb.Args(args.Args()),
		llb.Dir("/"),
		llb.AddMount(toolchain.SourceDir, toolchain.FilesState(p.project.manifests, nil, "[dependencies] manifests", e.BuildLocation), llb.Readonly),
		e.CacheMount(downloadsDir, "go/downloads", llb.CacheMountLocked),
		llb.WithCustomName("[dependencies] go mod download"),
	}
	opts = append(append(opts, p.common(e)...), credentials()...)
	for _, kv := range p.settings() {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	x := e.WithPackages(p.target.Toolchain.Packages).Run(opts...)
	return x.AddMount(modCache, llb.Scratch()), x.AddMount(factsDir, llb.Scratch())
}

// dependencies adds the compile of the dependencies to the graph: of all targets that
// share them.
func (p *Plan) dependencies(e toolchain.Env, pf platform.Platform, r *resolved, built *layers) llb.State {
	folders := []string{}
	if p.project.vendor != "" {
		folders = append(folders, p.project.vendor)
	}
	view := &toolchain.View{Stubs: p.project.manifests, Folders: folders, Over: p.workSum(built)}
	if r.profile != "" {
		view.Files = []string{r.profile}
	}
	build := gocache.Build{Helper: helper, Store: storeDir, Harvest: seedDir, Run: [][]string{p.libraries(r)}}
	opts := append(view.Mounts(e), llb.WithCustomNamef("[%s] go build (dependencies)", pf))
	return p.run(e, pf, build, built, opts...).AddMount(seedDir, llb.Scratch())
}

// compile adds the compile of the programs to the graph. built is nil when nothing is
// kept as a layer.
func (p *Plan) compile(e toolchain.Env, pf platform.Platform, r *resolved, built *layers) llb.State {
	view := r.view
	if view != nil {
		shown := *view
		shown.Over = p.workSum(built)
		view = &shown
	} else if over := p.workSum(built); over != nil {
		e.Source = over.Onto(e)
	}
	build := gocache.Build{Helper: helper, Store: storeDir, Run: [][]string{p.programs(r)}}
	opts := append(view.Mounts(e), llb.WithCustomNamef("[%s] %s", pf, p.Title()))
	if built != nil && built.compiled != nil {
		build.Seed = seedDir
		opts = append(opts, e.LayerMount(seedDir, *built.compiled, llb.Readonly))
	}
	if built == nil {
		opts = append(append(opts, e.CacheMount(modCache, "go/mod/"+p.id(), llb.CacheMountShared)), credentials()...)
	}
	return p.run(e, pf, build, built, opts...).AddMount(toolchain.OutDir, llb.Scratch())
}

// workSum lays a go.work.sum that has everything over that of the sources, or over
// none: the go command would want to add to it, and the sources are read only.
func (p *Plan) workSum(built *layers) *toolchain.Overlay {
	if !p.project.workspace || built == nil || built.modules == nil {
		return nil
	}
	return &toolchain.Overlay{State: *built.modules, From: gocache.WorkSum, To: path.Join(p.project.root, workSumName)}
}

// run runs the helper with what was compiled before in reach.
func (p *Plan) run(e toolchain.Env, pf platform.Platform, build gocache.Build, built *layers, opts ...llb.RunOption) llb.ExecState {
	all := append([]llb.RunOption{
		llb.Args(build.Args()),
		llb.Dir(path.Join(toolchain.SourceDir, p.project.dir)),
		// Addressed by content, so all projects share it, and with it the standard library.
		e.CacheMount(storeDir, "go/compiled", llb.CacheMountShared),
	}, p.common(e)...)
	for _, kv := range p.environment(pf) {
		all = append(all, llb.AddEnv(kv[0], kv[1]))
	}
	if built != nil && built.modules != nil {
		all = append(all, e.LayerMount(modCache, *built.modules, llb.ForceNoOutput))
	}
	if p.target.Build.Network != "" {
		all = append(all, llb.Network(pb.NetMode_NONE))
	}
	all = append(append(all, toolchain.Secrets(&p.target.Build)...), opts...)
	return e.WithPackages(p.target.Toolchain.Packages).Run(all...)
}

func (p *Plan) common(e toolchain.Env) []llb.RunOption {
	return append([]llb.RunOption{
		llb.AddMount(helper, e.Tools, llb.Readonly, llb.SourcePath(gocache.Path)),
		e.BuildLocation,
	}, e.Run...)
}

// id names the project among all that a builder compiles.
func (p *Plan) id() string {
	first := ""
	if len(p.project.modules) > 0 {
		first = p.project.modules[0].path
	}
	return cmp.Or(p.project.module, first, p.project.dir)
}

// credentials shows the vertex that downloads what the build was given to authenticate
// with.
func credentials() []llb.RunOption {
	return slices.Concat(toolchain.Credentials(), toolchain.SSH(), []llb.RunOption{toolchain.OptionalEnv(gocache.ProxySecret, "goproxy")})
}
