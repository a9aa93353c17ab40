// Package toolchain is what the graph knows of a compiler: one small interface
// that every toolchain fills, and what each of them is given.
package toolchain

import (
	"io/fs"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Plan is what a toolchain will do for one target. It is made once, from the
// spec and from what the sources say, and serves every platform.
type Plan interface {
	// Image names the image that the compiler comes from.
	Image() string
	// Resolve looks at what of the sources is compiled for p. Compile for p comes
	// after it. The error is a *spec.Problem when the sources are at fault.
	Resolve(p platform.Platform) error
	// Supports tells whether the toolchain builds for p. The error is a
	// *platform.UnsupportedError.
	Supports(p platform.Platform) error
	// Binaries names the binaries of the target, and Files, in the same order,
	// where they are in what Compile returns.
	Binaries() []string
	Files() []string
	// Compile adds the compile for one platform to the graph. The state it
	// returns holds the binaries, and those of targets that are compiled with it.
	Compile(e Env, p platform.Platform) llb.State
	// Title says what is compiled, for messages: "go build ./cmd/api".
	Title() string
}

// Learner is a plan that wants to know something before it compiles, which a vertex of
// the graph finds out.
type Learner interface {
	// Facts is the state to read, for any platform. ok is false when nothing is to be
	// learned.
	Facts(e Env) (st llb.State, ok bool)
	// Learn takes the files of that state. again tells whether it changes what Resolve
	// has found, which is to be done anew then.
	Learn(facts fs.FS) (again bool, err error)
}

// Env is what a compile needs beyond its plan. It is the same for all platforms.
type Env struct {
	// Target is the name of the target.
	Target string
	// Source is the build context.
	Source llb.State
	// Image is the toolchain image.
	Image Image
	// Tools is the image of the frontend itself, for the helper that runs beside
	// the compiler.
	Tools llb.State
	// CacheNamespace goes before the id of every cache mount, so that tenants of
	// one builder can be kept apart (BUILDKIT_CACHE_MOUNT_NS).
	CacheNamespace string
	// BuildArch is the architecture of the builder, as GOARCH has it.
	BuildArch string
	// Caps are what the builder knows of LLB.
	Caps apicaps.CapSet
	// Run holds what the request asks of every exec: network, hosts, limits and
	// proxies.
	Run []llb.RunOption
	// BuildLocation is the line of the spec that a compile points at, and
	// ToolchainLocation the one that what prepares the image points at.
	BuildLocation, ToolchainLocation llb.ConstraintsOpt
}

// Image is a resolved toolchain image.
type Image struct {
	// State is the root file system with the environment of the image's config.
	State llb.State
	// Config is the config of the image; its environment tells of the tools inside.
	Config dockerspec.DockerOCIImage
	// Digest is the content of the image, empty for a local or git context.
	Digest string
	// Name is what the image was looked up by, or the name of the context that it is;
	// the latter only where Context is set, which then is no image of a registry.
	Name    string
	Context bool
}

// Getenv is the value of a variable in the image's environment.
func (i Image) Getenv(name string) string {
	for _, kv := range i.Config.Config.Env {
		if len(kv) > len(name) && kv[:len(name)] == name && kv[len(name)] == '=' {
			return kv[len(name)+1:]
		}
	}
	return ""
}

// CacheMount is a persistent cache mount at dest. id names what is in it and
// must tell apart everything that may not mix. A cache id is not part of the
// key that BuildKit caches an exec by, so what it tells apart must be in the
// arguments or the environment of the exec too.
func (e Env) CacheMount(dest, id string, sharing llb.CacheMountSharingMode) llb.RunOption {
	id = "fromscratch/" + id
	if e.CacheNamespace != "" {
		id = e.CacheNamespace + "/" + id
	}
	return llb.AddMount(dest, llb.Scratch(), llb.AsPersistentCacheDir(id, sharing))
}

// LayerMount mounts what another exec of the graph left, which is large. Whatever makes
// that exec run again makes this one run again too, so BuildKit need not find out
// whether what it left is the same as before: reading thousands of files for it takes
// up to a second whenever a dependency changes, and on every new builder.
func (e Env) LayerMount(dest string, layer llb.State, opts ...llb.MountOption) llb.RunOption {
	if e.Caps.Supports(pb.CapExecMountContentCache) == nil {
		opts = append(opts, llb.ContentCache(llb.MountContentCacheOff))
	}
	return llb.AddMount(dest, layer, opts...)
}

// SourceDir is where the build context is mounted in every compile.
const SourceDir = "/src"

// OutDir is where every compile leaves its binaries.
const OutDir = "/out"
