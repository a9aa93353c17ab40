package frontend

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/util/system"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
	"github.com/fromscratch-build/fromscratch/llb/upx"
)

// upxContext is the named context that UPX comes from.
const upxContext = "upx"

func (b *builder) compressPath() spec.Path {
	return spec.Path{"targets", b.target.Name(), "compress"}
}

// findPacker finds UPX in the image, or the folder, that the request names. The
// frontend has no image of its own for it.
func (b *builder) findPacker(ctx context.Context) error {
	if b.target.Compress == "" {
		return nil
	}
	img, err := b.req.contextImage(ctx, b.req.BuildPlatforms[0], upxContext)
	if err != nil {
		return err
	}
	if img == nil {
		return b.spec.Problem(b.compressPath(), "compress: upx needs an image with upx in it, and there is no context named upx; "+
			"pass one with --build-context upx=docker-image://… (or a folder: --build-context upx=./tools), or remove compress")
	}
	files, err := b.req.files(ctx, img.State)
	if err != nil {
		return err
	}
	dirs := append(programDirs(*img), "/")
	program, err := findProgram(files, dirs, upx.Name)
	if err != nil {
		return err
	}
	if program == "" {
		return b.spec.Problem(b.compressPath(), fmt.Sprintf("there is no program upx in the context upx, neither in its root nor in %s; pass an image, or a folder, that has one",
			spec.List(dirs[:len(dirs)-1])))
	}
	b.packer = &upx.Packer{Image: img.State, Program: program}
	return nil
}

// programDirs are the folders in the PATH of an image.
func programDirs(img toolchain.Image) []string {
	list := img.Getenv("PATH")
	if list == "" {
		list = system.DefaultPathEnvUnix
	}
	return slices.DeleteFunc(strings.Split(list, ":"), func(dir string) bool { return !path.IsAbs(dir) })
}

// findProgram is the path of the first program with one of names, empty when there is
// none.
func findProgram(files *sources.FS, dirs, names []string) (string, error) {
	for _, dir := range dirs {
		for _, name := range names {
			p := path.Join(dir, name)
			info, err := files.Stat(strings.TrimPrefix(p, "/"))
			switch {
			case isMissing(err):
			case err != nil:
				return "", err
			case !info.IsDir():
				return p, nil
			}
		}
	}
	return "", nil
}

// pack packs the binaries in compiled, and looks at what came of them: a packed
// program is static and for the same machine.
func (b *builder) pack(ctx context.Context, compiled llb.State) (llb.State, *sources.FS, error) {
	opts := []llb.RunOption{b.req.location(b.spec.KeyRange(b.compressPath()...))}
	if b.req.IsNoCache(b.target.Name()) {
		opts = append(opts, llb.IgnoreCache)
	}
	packed := b.packer.Pack(compiled, b.plan.Files(), b.platform, opts...)
	files, err := b.req.files(ctx, packed)
	if err != nil {
		return packed, nil, b.packFailed(err)
	}
	for i, name := range b.plan.Binaries() {
		err := inspect.File(files, b.plan.Files()[i], b.platform)
		if bad, ok := errors.AsType[*inspect.Error](err); ok {
			return packed, nil, b.spec.Problem(b.compressPath(), fmt.Sprintf("%s for %s %s, since upx packed it; pass another version of upx, or remove compress", name, b.platform, bad.Detail))
		}
		if err != nil {
			return packed, nil, b.packFailed(err)
		}
	}
	return packed, files, nil
}

// packFailed turns the failure of UPX into words.
func (b *builder) packFailed(err error) error {
	if errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "did not complete successfully") {
		return err
	}
	return b.spec.Problem(b.compressPath(), fmt.Sprintf("upx could not pack the binary of target %q for %s; what it said is above. "+
		"Not every upx knows every platform; pass another version, or remove compress", b.target.Name(), b.platform))
}
