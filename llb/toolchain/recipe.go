package toolchain

import "github.com/fromscratch-build/fromscratch/llb/platform"

// Recipe is a compile in the words of a Dockerfile: command lines, variables and files
// of the same functions that the graph is made of. What only the helper does is not in
// it: what was compiled before is kept in cache mounts, or not at all.
type Recipe struct {
	// Prepare lists what adds to the toolchain image what it may lack, in this order.
	Prepare []Script
	// Files are programs and settings to write into the image, by absolute path, and
	// Folders empty folders. All are for everyone to read and to run.
	Files   map[string]string
	Folders []string
	// Env is the environment of everything that follows.
	Env [][2]string
	// Source is where the sources go, and Dir the working directory in them. Writable
	// tells whether the compiler writes beside them.
	Source, Dir string
	Writable    bool
	// Manifests are the files that Download needs, relative to the sources; empty when
	// it needs all of them. Download is the command that downloads dependencies, empty
	// when there is nothing to download, or nobody knows what before it is compiled.
	Manifests []string
	Download  []string
	// Command compiles, and Offline is what to add where everything was downloaded
	// before. Stamps are variables for this command alone.
	Command, Offline []string
	Stamps           [][2]string
	// Compares tells whether the compiler takes the times of files for their contents.
	Compares bool
	// Downloads and Compiled are the folders that a cache may keep.
	Downloads, Compiled Cache
	// Programs are the binaries of the target, in the order of the plan, where the
	// command leaves them.
	Programs []string
	// Machine is the word in commands and paths that says which platform is compiled
	// for, under the name of a variable that can stand for it; empty for none.
	Machine [2]string
	// BuildArch is the architecture of the builder, as GOARCH has it, where the recipe
	// is for no other; else empty.
	BuildArch string
}

// Script is one step that prepares a toolchain image.
type Script struct {
	// Title says what it adds.
	Title string
	// Args is the argument vector. Where it is a shell's, with -c, the script comes third.
	Args []string
}

// Cache is a folder whose content is worth keeping between compiles. The empty Path is
// none.
type Cache struct {
	Path string
	// ID tells apart what may not mix, but for the platforms, which may not either where
	// it is set; empty for what may.
	ID string
	// Locked is for a folder that one compile at a time may use.
	Locked bool
}

// Describer is a plan that compiles something.
type Describer interface {
	// Recipe is the compile for pf, after Resolve.
	Recipe(e Env, pf platform.Platform) Recipe
}
