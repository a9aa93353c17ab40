// Package dockerfile writes a Dockerfile that does what a build of the frontend does, as
// far as a Dockerfile can say it; what it cannot is said in a comment at its place. It is
// text alone: what to write comes from the spec, the sources and the functions that the
// graph is made of.
package dockerfile

import (
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// Form says for which builders a Dockerfile is.
type Form string

const (
	// BuildKit is for the stock frontend of BuildKit: cache mounts, and several platforms.
	BuildKit Form = "buildkit"
	// Plain is for every builder: the classic one of Docker Engine, and buildah. It is
	// for one platform.
	Plain Form = "plain"
)

// Forms lists the forms.
var Forms = []string{string(BuildKit), string(Plain)}

// Input is what a Dockerfile is written from. Values may have variables as
// [spec.Segments] finds them.
type Input struct {
	Form Form
	// Spec is the name of the spec, and Target what was asked for.
	Spec, Target string
	// Args are the arguments that values refer to, and Fixed those that the spec uses
	// where a Dockerfile has no variables, with the values that they had.
	Args  []Arg
	Fixed map[string]string
	// Platforms are those of the image, and BuildPlatform that of the builder.
	Platforms     []platform.Platform
	BuildPlatform platform.Platform
	// Tools is the image of the frontend, which has certificates and time zones;
	// ToolsGuessed is set when the frontend does not run from it.
	Tools        string
	ToolsGuessed bool
	// Ignored are patterns of what the frontend leaves out of the build context.
	Ignored []string
	// Contexts maps the named contexts that are in use to what they are: the reference of
	// an image, or nothing.
	Contexts map[string]string
	// Images are the targets to compile: one, or all for a Dockerfile of binaries.
	Images []Image
	// Binaries is set where nothing but the binaries is wanted; Labels are for them.
	Binaries bool
	Labels   map[string]string
}

// Arg is an argument with its default, nil for none.
type Arg struct {
	Name    string
	Default *string
}

// Image is one target.
type Image struct {
	// Target is what the spec says of it, and Others are the targets that are compiled
	// by the same run of the compiler.
	Target *spec.Target
	Others []string
	// Compiler is the image of the toolchain, Digest what it is now, and Asked where the
	// sources ask for it. CompilerContext is set when it is a named context.
	Compiler, Digest, Asked string
	CompilerContext         bool
	// Recipes are the compiles, one a platform; none for finished binaries.
	Recipes []toolchain.Recipe
	// Src are the finished binaries, relative to their context.
	Src []string
	// Files are the names of the binaries, and Paths where they go in the image.
	Files, Paths []string
	// Pack is the argument vector of UPX for each binary, and where it leaves it; nil for
	// none.
	Pack []Packed
	// Config is the config of the image, and Inherited that of its base.
	Config, Inherited *dockerspec.DockerOCIImage
	// Bundle is where the certificates go, Link what leads there and Zoneinfo where time
	// zones go; empty for none.
	Bundle, Link, Zoneinfo string
	// Written are files with their contents.
	Written map[string]string
	// Parents are directories of root's with mode 0755, and Dirs those with another owner
	// or mode, which come after the copies.
	Parents []string
	Dirs    []rootfs.Dir
	Copies  []Copy
	// Shell is the busybox of a debug variant, nil for none.
	Shell *Shell
}

// Packed is a binary that UPX packs.
type Packed struct {
	Args      []string
	Dir, File string
}

// Copy is an entry of copy, and the directories to make for it.
type Copy struct {
	spec.Copy
	Dirs []rootfs.Dir
}

// Shell is a busybox in an image.
type Shell struct {
	// Image is where it comes from, and Program where it lies in it.
	Image, Program string
	// Applets are the names of links to it.
	Applets []string
}
