package main

import (
	"reflect"
	"slices"
)

// Revisions of a program, each a few files over those of Main.
const (
	Main    = "main"    // as it is
	Edit    = "edit"    // one line of the program's own crate or command
	Library = "library" // one line of a crate or package that everything uses
	Added   = "added"   // one more dependency
	Branch  = "branch"  // other lines, as on another branch
	Service = "service" // one line of the first command of the program's Set
)

// native is the platform that most scenarios build for; both is for the others.
var (
	native = []string{"linux/amd64"}
	both   = []string{"linux/amd64", "linux/arm64"}
)

// Build is one build of a program.
type Build struct {
	Revision  string
	Platforms []string
	// Version is what is stamped into the binary, dev if it is empty.
	Version string
	// CacheFrom has the builder import what it exported to the registry.
	CacheFrom bool
	// CacheTo has the builder export its cache to the registry.
	CacheTo bool
	// Commands builds so many commands of the program's Set, all at once, instead of
	// the one that it is about.
	Commands int
}

// Scenario is what happens to a builder before a build, and that build.
type Scenario struct {
	Name  string
	About string
	// Language restricts it to programs of one language; empty for all.
	Language string
	// Start is the one build that a new builder has done; nil if it has done none.
	Start *Build
	// Detour is a further build before the timed one.
	Detour *Build
	// Prune empties the cache mounts.
	Prune bool
	// Evict removes the image of the frontend.
	Evict bool
	// Timed is what the clock runs for.
	Timed Build
}

var (
	done    = &Build{Revision: Main, Platforms: native}
	tenDone = &Build{Revision: Main, Platforms: native, Commands: 10}
)

var scenarios = []*Scenario{
	{
		Name: "cold", About: "a new builder that has nothing but the images",
		Timed: Build{Revision: Main, Platforms: native},
	},
	{
		Name: "no-change", About: "the same build again", Start: done,
		Timed: Build{Revision: Main, Platforms: native},
	},
	{
		// The builder has just built: what it needs is in memory.
		Name: "edit", About: "one line of the program's own crate or command, after another edit", Start: done,
		Detour: &Build{Revision: Branch, Platforms: native},
		Timed:  Build{Revision: Edit, Platforms: native},
	},
	{
		Name: "frontend-cold", About: "the same build again, with a frontend that is not there any more", Start: done, Evict: true,
		Timed: Build{Revision: Main, Platforms: native},
	},
	{
		Name: "edit-library", About: "one line of a library that everything uses", Start: done,
		Timed: Build{Revision: Library, Platforms: native},
	},
	{
		Name: "dependency-added", About: "one more dependency, in manifest and lock", Start: done,
		Timed: Build{Revision: Added, Platforms: native},
	},
	{
		Name: "dependency-removed", About: "one dependency less", Start: &Build{Revision: Added, Platforms: native},
		Timed: Build{Revision: Main, Platforms: native},
	},
	{
		Name: "platform-added", About: "amd64 was built, now amd64 and arm64", Start: done,
		Timed: Build{Revision: Main, Platforms: both},
	},
	{
		Name: "edit-two-platforms", About: "one line, after a build for both platforms", Start: &Build{Revision: Main, Platforms: both},
		Timed: Build{Revision: Edit, Platforms: both},
	},
	{
		Name: "edit-after-prune", About: "one line, after the cache mounts were pruned", Start: done, Prune: true,
		Timed: Build{Revision: Edit, Platforms: native},
	},
	{
		Name:  "registry-cache",
		About: "a new builder that imports a cache from the registry; nothing changed",
		Timed: Build{Revision: Main, Platforms: native, CacheFrom: true},
	},
	{
		Name:  "registry-cache-edit",
		About: "a new builder that imports a cache from the registry; one line",
		Timed: Build{Revision: Edit, Platforms: native, CacheFrom: true},
	},
	{
		Name: "version", About: "another version is stamped in", Start: done,
		Timed: Build{Revision: Main, Platforms: native, Version: "2.0.0"},
	},
	{
		Name: "branch-and-back", About: "another branch was built in between", Start: done,
		Detour: &Build{Revision: Branch, Platforms: native},
		Timed:  Build{Revision: Main, Platforms: native},
	},
	{
		Name: "branch-and-back-edit", About: "another branch was built in between; then one line", Start: done,
		Detour: &Build{Revision: Branch, Platforms: native},
		Timed:  Build{Revision: Edit, Platforms: native},
	},
	{
		// For Rust, ten say the same, and take long enough.
		Name: "six-commands", About: "a new builder, and six commands of the program in one call", Language: Go,
		Timed: Build{Revision: Main, Platforms: native, Commands: 6},
	},
	{
		Name: "ten-services", About: "a new builder, and ten commands of the program in one call",
		Timed: *tenDone,
	},
	{
		Name: "ten-services-edit", About: "all ten again, after one line of one of them", Start: tenDone,
		Timed: Build{Revision: Service, Platforms: native, Commands: 10},
	},
}

func findScenario(name string) *Scenario {
	i := slices.IndexFunc(scenarios, func(s *Scenario) bool { return s.Name == name })
	return scenarios[i]
}

// builds lists all builds of the scenario.
func (s *Scenario) builds() []Build {
	all := []Build{s.Timed}
	for _, b := range []*Build{s.Start, s.Detour} {
		if b != nil {
			all = append(all, *b)
		}
	}
	return all
}

// applies tells whether a program has the revisions and the commands for the
// scenario, and the builder what it is about.
func (s *Scenario) applies(p *Program, b *Peer) bool {
	if s.Language != "" && s.Language != p.Language {
		return false
	}
	for _, build := range s.builds() {
		if !p.has(build.Revision) || build.Commands > len(p.Set) || !b.can(build) {
			return false
		}
	}
	if s.Evict && b.frontend(Environment{}) == "" {
		return false
	}
	return !s.Prune || !b.local()
}

// leaves is the build that a new builder has done when the scenario is over;
// nil if it has done more or other things, or if no scenario starts with it.
func (s *Scenario) leaves() *Build {
	if s.Start != nil || s.Detour != nil {
		return nil
	}
	for _, other := range scenarios {
		if other.Start != nil && reflect.DeepEqual(*other.Start, s.Timed) {
			return &s.Timed
		}
	}
	return nil
}
