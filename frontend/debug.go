package frontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/util/system"
	"github.com/tonistiigi/fsutil/types"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/frontend/sbom"
	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// The image of the debug variant's shell: a busybox that is linked with musl, which
// makes it static. A context of either name replaces it.
const (
	busyboxImage   = "docker.io/library/busybox:stable-musl"
	busyboxContext = "busybox"
)

// shell is what a debug variant has beside its target: busybox, and the names of the
// programs that it stands for.
type shell struct {
	state llb.State
	// program is where busybox lies in state, and applets are the names.
	program string
	applets []string
	// image is where it comes from.
	image toolchain.Image
}

// component is the shell in an SBOM.
func (s *shell) component() sbom.Component {
	return imageComponent(s.image, "the shell of the debug variant")
}

// findShell finds a busybox for the platform of the target.
func (b *builder) findShell(ctx context.Context) (*shell, error) {
	img, err := b.busybox(ctx)
	if err != nil {
		return nil, err
	}
	files, err := b.req.files(ctx, img.State)
	if err != nil {
		return nil, err
	}
	dirs := append(programDirs(img), "/busybox", "/")
	program, err := findProgram(files, dirs, []string{"busybox"})
	if err != nil {
		return nil, err
	}
	if program == "" {
		return nil, b.busyboxProblem("has no program busybox, neither in its root nor in " + spec.List(dirs[:len(dirs)-1]))
	}
	err = inspect.File(files, program[1:], b.platform)
	if bad, ok := errors.AsType[*inspect.Error](err); ok {
		return nil, b.busyboxProblem(fmt.Sprintf("is of no use: %s %s", program, bad.Detail))
	}
	if err != nil {
		return nil, err
	}
	sh := &shell{state: img.State, program: program, image: img}
	sh.applets, err = applets(files, program)
	return sh, err
}

// busybox is the image of the shell: a named context, or the frontend's default.
func (b *builder) busybox(ctx context.Context) (toolchain.Image, error) {
	named, err := reference.ParseNormalizedNamed(busyboxImage)
	if err != nil {
		return toolchain.Image{}, err
	}
	name := reference.FamiliarString(named)
	if img, err := b.req.contextImage(ctx, b.platform.OCI, busyboxContext, name); img != nil || err != nil {
		return deref(img), err
	}
	img, err := b.req.pinnedImage(ctx, named, b.platform.OCI, append(b.targetOptions(), llb.WithCustomNamef("[%s] %s", b.platform, name))...)
	if err != nil {
		return img, b.busyboxProblem(fmt.Sprintf("cannot be had (%v)", err))
	}
	return img, nil
}

func (b *builder) busyboxProblem(what string) error {
	return b.spec.ProblemAtKey(spec.Path{"targets", b.target.Name()}, fmt.Sprintf("the busybox for %s%s %s; pass one that is linked statically, for %s, with --build-context busybox=docker-image://busybox:musl, or from another registry",
		b.target.Name(), spec.DebugSuffix, what, b.platform))
}

// applets lists the names beside a busybox that stand for it: links, as images have
// them, symbolic or not. Of a busybox alone it is the shell.
func applets(files *sources.FS, program string) ([]string, error) {
	dir := strings.TrimPrefix(path.Dir(program), "/")
	if dir == "" {
		dir = "."
	}
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var size int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() == path.Base(program) {
			size = info.Size()
		}
	}
	var out []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		st, _ := info.Sys().(*types.Stat)
		symbolic := info.Mode()&fs.ModeSymlink != 0 && st != nil && path.Base(st.Linkname) == path.Base(program)
		// A hard link is a file like its other names.
		hard := info.Mode().IsRegular() && info.Size() == size
		if e.Name() != path.Base(program) && (symbolic || hard) {
			out = append(out, e.Name())
		}
	}
	if !slices.Contains(out, "sh") {
		out = append(out, "sh")
	}
	return out, nil
}

// addShell puts the shell on top of the layers of an image. What the image has under
// one of its names stays.
func (b *builder) addShell(ctx context.Context, layers []rootfs.Layer) ([]rootfs.Layer, error) {
	files, err := b.req.files(ctx, b.assemble(layers))
	if err != nil {
		return nil, err
	}
	dir, err := b.programDir(files)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	entries, err := files.ReadDir(dir)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	for _, e := range entries {
		taken[e.Name()] = true
	}
	if taken["busybox"] {
		return nil, b.spec.ProblemAtKey(spec.Path{"targets", b.target.Name()}, fmt.Sprintf("the image has a /%s/busybox of its own, so %s%s has no place for another; build %s, which has that one",
			dir, b.target.Name(), spec.DebugSuffix, b.target.Name()))
	}
	names := slices.DeleteFunc(slices.Clone(b.shell.applets), func(name string) bool { return taken[name] })
	layer := rootfs.Shell(b.shell.state, b.shell.program, "/"+dir, names, b.env.Caps, b.targetOptions()...)
	return append(layers[:len(layers):len(layers)], layer), nil
}

// programDir is the folder that /bin stands for in an image. Where it is a link to
// another folder, a folder of that name would hide what is there.
func (b *builder) programDir(files *sources.FS) (string, error) {
	noPlace := func(why string) error {
		return b.spec.ProblemAtKey(spec.Path{"targets", b.target.Name()}, why+" in the image, so there is no place for a shell")
	}
	dir, err := follow(files, "bin", true)
	if link, ok := errors.AsType[*linkError](err); ok {
		return "", noPlace(link.Error())
	}
	if isMissing(err) {
		return "bin", nil
	}
	if err != nil {
		return "", err
	}
	info, err := files.Lstat(dir)
	if err == nil && !info.IsDir() {
		return "", noPlace(fmt.Sprintf("/bin is the file /%s", dir))
	}
	return dir, err
}

// env is the environment of the image with the shell in reach. An image that says
// nothing gets what container runtimes take for it.
func (*shell) env(env []string) []string {
	env = slices.Clone(env)
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	if i < 0 {
		return append(env, "PATH="+system.DefaultPathEnvUnix)
	}
	if !slices.Contains(strings.Split(strings.TrimPrefix(env[i], "PATH="), ":"), "/bin") {
		env[i] += ":/bin"
	}
	return env
}
