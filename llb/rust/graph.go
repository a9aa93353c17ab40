package rust

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// Places in the build container. They are the same in every vertex: paths are part
// of what Cargo remembers.
const (
	cargoHome = "/fromscratch/cargo"
	// workDir is the cache mount that holds the mirror of the sources and the
	// target directory. They are one mount, because a mirror without its target
	// directory, or the other way round, would be of no use.
	workDir   = "/fromscratch/project"
	targetDir = workDir + "/target"
	helper    = "/fromscratch/sourcesync"
	// seedDir is where compiled dependencies lie.
	seedDir = "/fromscratch/dependencies"
	// storeDir is the cache mount with everything that was ever downloaded.
	storeDir = "/fromscratch/downloads"
)

// layers are what a compile builds on.
type layers struct {
	// fetched is a Cargo home with the sources of the dependencies, compiled a seed
	// with what they were compiled to.
	fetched, compiled llb.State
}

// fetch adds the download of the dependencies to the graph. It serves all targets
// of the workspace and, but for rare ones, all platforms.
func (p *Plan) fetch(e toolchain.Env, pf platform.Platform) llb.State {
	args := sourcesync.Fetch{Helper: helper, Source: toolchain.SourceDir, Dir: p.workspace.root, Home: cargoHome, Store: storeDir, Run: p.fetchCommand(pf)}
	opts := []llb.RunOption{
		llb.Args(args.Args()),
		llb.Dir("/"),
		llb.AddMount(helper, e.Tools, llb.Readonly, llb.SourcePath(sourcesync.Path)),
		e.CacheMount(storeDir, "cargo/downloads", llb.CacheMountLocked),
		llb.WithCustomName("[dependencies] cargo fetch"),
		e.BuildLocation,
	}
	opts = append(opts, p.manifests(e)...)
	opts = append(append(opts, e.Run...), p.credentials()...)
	if v := e.Image.Getenv("RUST_VERSION"); v != "" {
		opts = append(opts, llb.AddEnv("RUSTUP_TOOLCHAIN", v))
	}
	return e.WithPackages(p.target.Toolchain.Packages).Run(opts...).AddMount(cargoHome, llb.Scratch())
}

// fetchCommand downloads the dependencies. Without a target, Cargo downloads what is for
// Windows too.
func (p *Plan) fetchCommand(pf platform.Platform) []string {
	run := []string{"cargo", "fetch"}
	if p.locked() {
		run = append(run, "--locked")
	}
	for _, triple := range triples(pf) {
		run = append(run, "--target", triple)
	}
	return run
}

// triples lists the platforms that dependencies are downloaded for: those that are
// compiled for most, on any builder.
func triples(pf platform.Platform) []string {
	return unique([]string{"x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu", pf.Rust.Triple})
}

// dependencies adds the compile of the dependencies to the graph: of all targets
// that share them, one after the other, so that each gets them with the features
// that it asks for, and what they have in common is compiled once.
func (p *Plan) dependencies(e toolchain.Env, pf platform.Platform, fetched llb.State) llb.State {
	args := sourcesync.Command{Helper: helper, Source: toolchain.SourceDir, Work: workDir, Dir: p.target.Build.Dir, Harvest: seedDir}
	for _, sel := range p.family {
		run := append(p.command(e, pf, sel), "--offline", "--keep-going")
		if !slices.ContainsFunc(args.Run, func(other []string) bool { return slices.Equal(run, other) }) {
			args.Run = append(args.Run, run)
		}
	}
	opts := p.manifests(e)
	opts = append(opts, llb.WithCustomNamef("[%s] cargo build %s (dependencies)", pf, p.profileFlag()),
		// The platforms share what is compiled for the builder itself.
		p.workMount(e, "dependencies", p.familyID(), pf.Rust.CPU))
	return p.cargo(e, pf, args, fetched, opts...).AddMount(seedDir, llb.Scratch())
}

// compile adds the compile of the program to the graph. Cargo trusts the
// modification times of sources, so it never sees those of the build context: it
// builds in the mirror that the helper keeps, see package sourcesync.
func (p *Plan) compile(e toolchain.Env, pf platform.Platform, built *layers) llb.State {
	args := sourcesync.Command{Helper: helper, Source: toolchain.SourceDir, Work: workDir, Dir: p.target.Build.Dir}
	run := p.command(e, pf, p.together...)
	opts := append(p.view.Mounts(e), llb.WithCustomNamef("[%s] %s", pf, p.Title()))
	for _, name := range slices.Sorted(maps.Keys(p.target.Build.Stamp)) {
		args.Stamps = append(args.Stamps, name)
		opts = append(opts, llb.AddEnv(name, p.target.Build.Stamp[name]))
	}
	mode := "mounts"
	fetched := llb.Scratch()
	if built != nil {
		mode, fetched, run = "layers", built.fetched, append(run, "--offline")
		args.Seed = seedDir
		opts = append(opts, e.LayerMount(seedDir, built.compiled, llb.Readonly))
	}
	if len(args.Stamps) > 0 {
		// Of others too: a program that was compiled with other values is still there.
		for _, sel := range p.family {
			args.Final = append(args.Final, sel.dirs...)
		}
	}
	for _, sel := range p.together {
		for i, bin := range sel.bins {
			args.Copy = append(args.Copy, sourcesync.Copy{
				From: p.left(pf, bin),
				To:   path.Join(toolchain.OutDir, sel.target.Name(), sel.binaries[i]),
			})
		}
	}
	args.Final = unique(args.Final)
	args.Run = [][]string{run}
	args.Metadata, args.Auditable = p.metadata(e, pf), p.target.Build.Auditable
	if built != nil {
		args.Metadata = append(args.Metadata, "--offline")
	}
	opts = append(opts, p.workMount(e, mode, p.id(), pf.Rust.Triple+pf.Rust.CPU))
	if built != nil {
		return p.cargo(e, pf, args, fetched, opts...).AddMount(toolchain.OutDir, llb.Scratch())
	}
	// One mount for the whole home: Cargo's lock lies at its root.
	opts = append(append(opts, e.CacheMount(cargoHome, "cargo/home", llb.CacheMountShared)), p.credentials()...)
	return p.run(e, pf, args, opts...).AddMount(toolchain.OutDir, llb.Scratch())
}

// left is where Cargo leaves a binary.
func (p *Plan) left(pf platform.Platform, bin string) string {
	return path.Join(targetDir, pf.Rust.Triple, p.profileDir(), bin)
}

// cargo runs the helper with the Cargo home that was fetched. Some build scripts
// write beside their sources; what they write is gone afterwards.
func (p *Plan) cargo(e toolchain.Env, pf platform.Platform, args sourcesync.Command, fetched llb.State, opts ...llb.RunOption) llb.ExecState {
	opts = append(opts, e.LayerMount(cargoHome, fetched, llb.ForceNoOutput))
	if p.target.Build.Network != "" {
		opts = append(opts, llb.Network(pb.NetMode_NONE))
	}
	return p.run(e, pf, args, opts...)
}

func (p *Plan) run(e toolchain.Env, pf platform.Platform, args sourcesync.Command, opts ...llb.RunOption) llb.ExecState {
	all := append([]llb.RunOption{
		llb.Args(args.Args()),
		llb.Dir("/"),
		llb.AddMount(helper, e.Tools, llb.Readonly, llb.SourcePath(sourcesync.Path)),
		e.BuildLocation,
	}, e.Run...)
	for _, kv := range p.environment(e, pf) {
		all = append(all, llb.AddEnv(kv[0], kv[1]))
	}
	all = append(append(all, toolchain.Secrets(&p.target.Build)...), opts...)
	return p.prepared(e, pf).Run(all...)
}

// workMount is the cache mount of a compile. What its id tells apart is in the
// environment and the arguments of the exec too.
func (p *Plan) workMount(e toolchain.Env, kind, project, machine string) llb.RunOption {
	return e.CacheMount(workDir, strings.Join([]string{"cargo", kind, project, cmp.Or(machine, "any"), p.profile() + p.target.Build.Optimize, p.environmentID(), p.toolchainID(e)}, "/"), llb.CacheMountLocked)
}

// id identifies the sources among all that a builder compiles. Two checkouts of
// one project share it: the mirror tells their files apart. So do all targets that
// share their dependencies, one after the other, so that what they have in common of
// the workspace is compiled once. Those that have other stamps than the first of them
// stay away from it: each would compile anew what the other has compiled.
func (p *Plan) id() string {
	var apart []string
	first := p.family[0].target
	if p.families > 1 {
		apart = append(apart, first.Name())
	}
	if names := slices.Sorted(maps.Keys(p.target.Build.Stamp)); !slices.Equal(names, slices.Sorted(maps.Keys(first.Build.Stamp))) {
		apart = append(apart, "stamps")
		apart = append(apart, names...)
	}
	return strings.Join(append([]string{p.familyID()}, apart...), "+")
}

// familyID names a workspace, for which any of its packages is a better name than its
// folder.
func (p *Plan) familyID() string {
	name := "workspace"
	if len(p.workspace.crates) > 0 {
		name = p.workspace.crates[0].name
	}
	return name + "@" + p.target.Build.Dir
}

// manifests mounts the project without its code, and the dependencies that lie in
// the build context.
func (p *Plan) manifests(e toolchain.Env) []llb.RunOption {
	opts := []llb.RunOption{llb.AddMount(toolchain.SourceDir, toolchain.FilesState(p.skeleton, p.workspace.vendored, "[dependencies] manifests", e.BuildLocation), llb.Readonly)}
	for _, dir := range p.workspace.vendored {
		opts = append(opts, llb.AddMount(path.Join(toolchain.SourceDir, dir), e.Source, llb.SourcePath("/"+dir), llb.Readonly))
	}
	return opts
}
