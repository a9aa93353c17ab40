package rust

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// view is the part of the build context that a compile sees: what is not there
// cannot make it run again.
type view struct {
	// folders and files are shown as they are.
	folders, files []string
	// stubs stand for packages of the workspace that the compile has no use for,
	// and that Cargo wants to know of.
	stubs map[string][]byte
}

// visible is what the compile of the packages in dirs sees: everything but the
// other packages of the workspace, and other projects beside the build's folder.
// It is nil when that is everything.
func (w *workspace) visible(src fs.FS, dir string, dirs []string) (*view, error) {
	needed := w.closure(dirs)
	hidden, err := neighbours(src, w.root)
	if err != nil {
		return nil, err
	}
	for _, c := range w.crates {
		hidden = append(hidden, c.dir)
	}
	keep := func(d string) bool {
		if d == "." || within(dir, d) || within(w.root, d) {
			return true
		}
		for n := range needed {
			if within(n, d) {
				return true
			}
		}
		for _, v := range w.vendored {
			if within(v, d) {
				return true
			}
		}
		return false
	}
	hidden = slices.DeleteFunc(hidden, keep)
	if len(hidden) == 0 {
		return nil, nil
	}
	v := &view{stubs: map[string][]byte{}}
	if err := v.split(src, ".", hidden); err != nil {
		return nil, err
	}
	for _, c := range w.crates {
		if slices.ContainsFunc(hidden, func(h string) bool { return within(c.dir, h) }) {
			if err := w.stub(v.stubs, c.dir, w.manifests[c.dir], nil); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// within tells whether p is dir or lies in it.
func within(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// neighbours lists the folders beside root, and beside those that root lies in,
// that hold projects of their own.
func neighbours(src fs.FS, root string) ([]string, error) {
	var out []string
	for d := root; d != "."; d = path.Dir(d) {
		entries, err := fs.ReadDir(src, path.Dir(d))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			p := path.Join(path.Dir(d), e.Name())
			if p == d || !e.IsDir() {
				continue
			}
			if toolchain.IsFile(src, path.Join(p, manifestName)) || toolchain.IsFile(src, path.Join(p, "go.mod")) || toolchain.IsFile(src, path.Join(p, "package.json")) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// split shows what is in dir and not hidden.
func (v *view) split(src fs.FS, dir string, hidden []string) error {
	entries, err := fs.ReadDir(src, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		switch {
		case slices.Contains(hidden, p):
		case !e.IsDir():
			v.files = append(v.files, p)
		case slices.ContainsFunc(hidden, func(h string) bool { return within(h, p) }):
			if err := v.split(src, p, hidden); err != nil {
				return err
			}
		default:
			v.folders = append(v.folders, p)
		}
	}
	return nil
}

// mounts shows the view to an exec, below toolchain.SourceDir.
func (v *view) mounts(e toolchain.Env) []llb.RunOption {
	if v == nil {
		return []llb.RunOption{llb.AddMount(toolchain.SourceDir, e.Source, llb.Readonly)}
	}
	base := filesState(v.stubs, v.folders, "[sources] files and manifests")
	var action *llb.FileAction
	for _, file := range v.files {
		info := &llb.CopyInfo{CreateDestPath: true}
		if action == nil {
			action = llb.Copy(e.Source, "/"+file, "/"+file, info, created)
		} else {
			action = action.Copy(e.Source, "/"+file, "/"+file, info, created)
		}
	}
	if action != nil {
		base = base.File(action, llb.WithCustomName("[sources] files and manifests"))
	}
	opts := []llb.RunOption{llb.AddMount(toolchain.SourceDir, base, llb.Readonly)}
	for _, dir := range v.folders {
		opts = append(opts, llb.AddMount(path.Join(toolchain.SourceDir, dir), e.Source, llb.SourcePath("/"+dir), llb.Readonly))
	}
	return opts
}
