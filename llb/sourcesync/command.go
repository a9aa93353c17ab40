// Package sourcesync keeps Cargo from linking stale code.
//
// Cargo compares the modification time of a source with that of what it last
// compiled, and never looks at the content. A target directory that outlives one
// build therefore links old code as soon as a time goes back or stands still: a
// branch switch, a git context with normalised times, two checkouts that share a
// cache. So Cargo never sees the times of the build context. The helper keeps a
// mirror of the sources beside the target directory, in the same locked cache
// mount, and a table of the content that each file had and the time it was given.
// Changed content gets a time later than anything in the target directory;
// unchanged content keeps the time it has. Then the helper runs the compiler and
// copies out what it left, all in one step.
//
// Dependencies are compiled by a build of their own, which harvests them into a
// seed; the builds of programs plant it into their target directories.
//
// The work directory must be locked, and the source tree must not change, while
// the helper runs. What then can still go stale, as it does with Cargo alone:
//
//   - what a macro or a build script takes from outside the tree, such as the
//     network or a variable of the environment that it does not tell Cargo of;
//   - what a macro or a build script takes, untold, from the content of Rust
//     sources that are no modules of its crate;
//   - what a macro takes from a folder of another package that its own package
//     writes down nowhere, or from the files that bystander lists;
//   - a crate whose root lies outside the folder of its package, when a macro in
//     it reads a folder;
//   - what a build script writes outside of its OUT_DIR and of the tree, and what
//     it leaves in OUT_DIR although nothing but its build dependencies changed;
//   - everything, when the machine loses power while Cargo writes: neither Cargo
//     nor the helper waits for the disk.
//
// The package uses nothing but the standard library: the bytes of the helper are
// part of the key of every compile, and must not change when a dependency does.
package sourcesync

import (
	"errors"
	"flag"
	"io"
	"slices"
)

// Path is where the helper lies in the image of the frontend.
const Path = "/sourcesync"

// Verbs of the helper.
const (
	verbBuild = "build"
	verbFetch = "fetch"
)

// Command is one build by the helper.
type Command struct {
	// Helper is where the helper is mounted.
	Helper string
	// Source is the read-only source tree.
	Source string
	// Work is the cache mount; it holds the mirror, the table and the target
	// directory.
	Work string
	// Dir is the working directory of the compiler, relative to the source tree.
	Dir string
	// Seed is where compiled dependencies lie that another build harvested.
	// Empty for none. It must be at the same place in every build that shares Work.
	Seed string
	// Harvest is where to leave the compiled dependencies. A build that harvests
	// does so also when a command fails: what is missing is compiled by those that
	// it is for, who then tell what is wrong with it. Empty for none.
	Harvest string
	// Stamps names the variables of the environment that may change without
	// everything being compiled anew, and Final the folders of the packages,
	// relative to the source tree, that always are when one does.
	Stamps, Final []string
	// Copy lists what to copy out once the compiler has succeeded.
	Copy []Copy
	// Metadata is the argument vector of cargo metadata, for a list of the packages that
	// it was compiled from beside every file that is copied out. The compiler must be
	// Cargo, and tell of what it compiles as JSON. Empty for none.
	Metadata []string
	// Auditable has every file that is copied out carry the list too, and the build fail
	// when there is none. It takes Metadata.
	Auditable bool
	// Run holds the argument vectors of the compiler, run one after the other.
	Run [][]string
}

// Copy is one file that leaves the mount.
type Copy struct {
	From string
	To   string
}

// Fetch downloads the dependencies of a project.
type Fetch struct {
	// Helper is where the helper is mounted.
	Helper string
	// Source is the source tree, or what of it Cargo needs to resolve dependencies.
	Source string
	// Dir is the working directory of Cargo, relative to the source tree. It has
	// the Cargo.lock.
	Dir string
	// Home is where to leave a Cargo home that has all dependencies and no others.
	Home string
	// Store is a locked cache mount with what was downloaded before.
	Store string
	// Run is the argument vector of Cargo.
	Run []string
}

// separator goes between two commands to run. No compiler takes it for its own.
const separator = "--and--"

// Args is the argument vector that runs the helper.
func (c Command) Args() []string {
	args := []string{c.Helper, verbBuild, "-source", c.Source, "-work", c.Work, "-dir", c.Dir}
	for _, f := range []struct{ name, value string }{{"-seed", c.Seed}, {"-harvest", c.Harvest}} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	for _, name := range c.Stamps {
		args = append(args, "-stamp", name)
	}
	for _, dir := range c.Final {
		args = append(args, "-final", dir)
	}
	for _, cp := range c.Copy {
		args = append(args, "-from", cp.From, "-to", cp.To)
	}
	for _, arg := range c.Metadata {
		args = append(args, "-metadata", arg)
	}
	if c.Auditable {
		args = append(args, "-auditable")
	}
	for i, run := range c.Run {
		mark := separator
		if i == 0 {
			mark = "--"
		}
		args = append(append(args, mark), run...)
	}
	return args
}

// Args is the argument vector that runs the helper.
func (f Fetch) Args() []string {
	return append([]string{f.Helper, verbFetch, "-source", f.Source, "-dir", f.Dir, "-home", f.Home, "-store", f.Store, "--"}, f.Run...)
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return "" }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

var errUsage = errors.New("usage: sourcesync build|fetch FLAG... -- COMMAND ARG")

// ParseArgs reads back what Args wrote, without the name of the helper. What it
// returns is a Command, a Fetch, or an error that says how the helper is used.
func ParseArgs(args []string) (any, error) {
	if len(args) == 0 {
		return nil, errUsage
	}
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	set.SetOutput(io.Discard)
	switch args[0] {
	case verbBuild:
		var c Command
		var stamps, final, from, to, metadata list
		set.StringVar(&c.Source, "source", "", "")
		set.StringVar(&c.Work, "work", "", "")
		set.StringVar(&c.Dir, "dir", "", "")
		set.StringVar(&c.Seed, "seed", "", "")
		set.StringVar(&c.Harvest, "harvest", "", "")
		set.Var(&stamps, "stamp", "")
		set.Var(&final, "final", "")
		set.Var(&from, "from", "")
		set.Var(&to, "to", "")
		set.Var(&metadata, "metadata", "")
		set.BoolVar(&c.Auditable, "auditable", false, "")
		if set.Parse(args[1:]) != nil || c.Source == "" || c.Work == "" || len(from) != len(to) || c.Auditable && len(metadata) == 0 {
			return nil, errUsage
		}
		c.Stamps, c.Final, c.Metadata = stamps, final, metadata
		for i := range from {
			c.Copy = append(c.Copy, Copy{From: from[i], To: to[i]})
		}
		for rest := set.Args(); ; {
			i := slices.Index(rest, separator)
			if i < 0 {
				i = len(rest)
			}
			if i == 0 {
				return nil, errUsage
			}
			c.Run = append(c.Run, rest[:i])
			if i == len(rest) {
				return c, nil
			}
			rest = rest[i+1:]
		}
	case verbFetch:
		var f Fetch
		set.StringVar(&f.Source, "source", "", "")
		set.StringVar(&f.Dir, "dir", "", "")
		set.StringVar(&f.Home, "home", "", "")
		set.StringVar(&f.Store, "store", "", "")
		if set.Parse(args[1:]) != nil || f.Source == "" || f.Home == "" || f.Store == "" || set.NArg() == 0 {
			return nil, errUsage
		}
		f.Run = set.Args()
		return f, nil
	}
	return nil, errUsage
}
