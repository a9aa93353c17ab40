package gocache

import (
	"errors"
	"flag"
	"io"
	"slices"
)

// Path is where the helper lies in the image of the frontend.
const Path = "/gocache"

// ProxySecret is the variable that the helper takes GOPROXY from, if it has a value.
const ProxySecret = "FROMSCRATCH_GOPROXY"

// Verbs of the helper.
const (
	verbDownload = "download"
	verbBuild    = "build"
	verbServe    = "serve"
)

// Download fills a module cache with the modules of a project.
type Download struct {
	// Helper is where the helper is mounted.
	Helper string
	// Source has the manifests of the project: go.mod, go.sum, go.work and the like.
	Source string
	// Dir is the working directory of the go command, relative to Source.
	Dir string
	// Home is where to leave the module cache. A go.work.sum that the go command
	// added to lies in it too, as WorkSum says.
	Home string
	// Work is the folder of the go.work, relative to Source; empty without one.
	Work string
	// Store is a locked cache mount with what was downloaded before.
	Store string
	// Facts is where to leave what the downloaded modules say of those in Local,
	// the paths of the modules of the sources. Empty for not at all.
	Facts string
	Local []string
	// Run is the argument vector of the go command.
	Run []string
}

// RequiredFile is the file in the facts of a Download which lists, a line each, the
// modules of the sources that downloaded ones require.
const RequiredFile = "required"

// WorkSum is the go.work.sum in a module cache that Download left.
const WorkSum = "go.work.sum"

// Build is one or more runs of the go command over what was compiled before.
type Build struct {
	// Helper is where the helper is mounted.
	Helper string
	// Seed is where compiled dependencies lie that another build harvested. Empty
	// for none.
	Seed string
	// Store is a cache mount with everything that was compiled before. Builds may
	// share it at the same time.
	Store string
	// Harvest is where to leave what the build used and compiled. A build that
	// harvests does so also when a command fails: what is missing is compiled by
	// those that it is for, who then tell what is wrong with it. Empty for none.
	Harvest string
	// Run holds the argument vectors.
	Run [][]string
}

// Serve speaks with the go command, as its GOCACHEPROG.
type Serve struct {
	Helper, Seed, Store, Harvest string
}

// separator goes between two commands to run. The go command does not take it for
// its own.
const separator = "--and--"

// Args is the argument vector that runs the helper.
func (d Download) Args() []string {
	args := []string{d.Helper, verbDownload, "-source", d.Source, "-dir", d.Dir, "-home", d.Home, "-store", d.Store}
	if d.Work != "" {
		args = append(args, "-work", d.Work)
	}
	if d.Facts != "" {
		args = append(args, "-facts", d.Facts)
	}
	for _, path := range d.Local {
		args = append(args, "-local", path)
	}
	return append(append(args, "--"), d.Run...)
}

// Args is the argument vector that runs the helper.
func (b Build) Args() []string {
	args := append([]string{b.Helper, verbBuild}, flags(b.Seed, b.Store, b.Harvest)...)
	for i, run := range b.Run {
		mark := separator
		if i == 0 {
			mark = "--"
		}
		args = append(append(args, mark), run...)
	}
	return args
}

// Args is the argument vector that runs the helper.
func (s Serve) Args() []string {
	return append([]string{s.Helper, verbServe}, flags(s.Seed, s.Store, s.Harvest)...)
}

func flags(seed, store, harvest string) []string {
	var args []string
	for _, f := range []struct{ name, value string }{{"-seed", seed}, {"-store", store}, {"-harvest", harvest}} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	return args
}

var errUsage = errors.New("usage: gocache download|build FLAG... -- COMMAND ARG, or gocache serve FLAG")

// ParseArgs reads back what Args wrote; args begins with the helper's own name. What
// it returns is a Download, a Build, a Serve, or an error that says how the helper
// is used.
func ParseArgs(args []string) (any, error) {
	if len(args) < 2 {
		return nil, errUsage
	}
	set := flag.NewFlagSet(args[1], flag.ContinueOnError)
	set.SetOutput(io.Discard)
	var seed, store, harvest string
	set.StringVar(&store, "store", "", "")
	switch args[1] {
	case verbDownload:
		d := Download{Helper: args[0]}
		set.StringVar(&d.Source, "source", "", "")
		set.StringVar(&d.Dir, "dir", "", "")
		set.StringVar(&d.Home, "home", "", "")
		set.StringVar(&d.Work, "work", "", "")
		set.StringVar(&d.Facts, "facts", "", "")
		set.Func("local", "", func(path string) error {
			d.Local = append(d.Local, path)
			return nil
		})
		if set.Parse(args[2:]) != nil || d.Source == "" || d.Home == "" || store == "" || set.NArg() == 0 {
			return nil, errUsage
		}
		d.Store, d.Run = store, set.Args()
		return d, nil
	case verbBuild, verbServe:
		set.StringVar(&seed, "seed", "", "")
		set.StringVar(&harvest, "harvest", "", "")
		if set.Parse(args[2:]) != nil || store == "" {
			return nil, errUsage
		}
		if args[1] == verbServe {
			return Serve{args[0], seed, store, harvest}, nil
		}
		b := Build{Helper: args[0], Seed: seed, Store: store, Harvest: harvest}
		for rest := set.Args(); ; {
			i := slices.Index(rest, separator)
			if i < 0 {
				i = len(rest)
			}
			if i == 0 {
				return nil, errUsage
			}
			b.Run = append(b.Run, rest[:i])
			if i == len(rest) {
				return b, nil
			}
			rest = rest[i+1:]
		}
	}
	return nil, errUsage
}
