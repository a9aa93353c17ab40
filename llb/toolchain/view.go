package toolchain

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// View is the part of the build context that a compile sees: what is not there
// cannot make it run again. The nil view is all of it.
type View struct {
	// Folders and Files are shown as they are.
	Folders, Files []string
	// Stubs are files that stand for what is not shown, such as the manifests of other
	// packages.
	Stubs map[string][]byte
	// Over is laid over the files: a state and the paths in it, by the path that each
	// gets in the sources.
	Over *Overlay
}

// Overlay is a file that another vertex made for the sources.
type Overlay struct {
	State    llb.State
	From, To string
}

// Onto is the whole build context with the file laid over it.
func (o *Overlay) Onto(e Env) llb.State {
	return e.Source.File(llb.Copy(o.State, "/"+o.From, "/"+o.To, &llb.CopyInfo{CreateDestPath: true}, Created),
		llb.WithCustomNamef("[sources] %s", o.To), e.BuildLocation)
}

// maxMounts is how many folders are mounted one by one. What goes beyond it is
// copied instead: a mount costs less than a copy, unless there are hundreds.
const maxMounts = 48

// Within tells whether p is dir or lies in it.
func Within(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// Hide adds what is in dir to the view, but for the folders in hidden.
func (v *View) Hide(src fs.FS, dir string, hidden []string) error {
	entries, err := fs.ReadDir(src, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		switch {
		case slices.Contains(hidden, p):
		case !e.IsDir():
			v.Files = append(v.Files, p)
		case slices.ContainsFunc(hidden, func(h string) bool { return Within(h, p) }):
			if err := v.Hide(src, p, hidden); err != nil {
				return err
			}
		default:
			v.Folders = append(v.Folders, p)
		}
	}
	return nil
}

// Mounts shows the view to an exec, below SourceDir.
func (v *View) Mounts(e Env) []llb.RunOption {
	if v == nil {
		return []llb.RunOption{llb.AddMount(SourceDir, e.Source, llb.Readonly)}
	}
	mounted, copied := v.Folders, v.Files
	if len(mounted) > maxMounts {
		mounted, copied = nil, slices.Concat(v.Files, v.Folders)
	}
	action := filesAction(v.Stubs, mounted)
	add := func(from llb.State, src, dest string, info *llb.CopyInfo) {
		if action == nil {
			action = llb.Copy(from, src, dest, info, Created)
		} else {
			action = action.Copy(from, src, dest, info, Created)
		}
	}
	for _, name := range copied {
		add(e.Source, "/"+name, "/"+name, &llb.CopyInfo{CreateDestPath: true, CopyDirContentsOnly: true})
	}
	if v.Over != nil {
		add(v.Over.State, "/"+v.Over.From, "/"+v.Over.To, &llb.CopyInfo{CreateDestPath: true})
	}
	base := llb.Scratch()
	if action != nil {
		base = base.File(action, llb.WithCustomName("[sources] files and manifests"), e.BuildLocation)
	}
	opts := []llb.RunOption{llb.AddMount(SourceDir, base, llb.Readonly)}
	for _, dir := range mounted {
		opts = append(opts, llb.AddMount(path.Join(SourceDir, dir), e.Source, llb.SourcePath("/"+dir), llb.Readonly))
	}
	return opts
}
