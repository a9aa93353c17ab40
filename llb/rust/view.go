package rust

import (
	"io/fs"
	"path"
	"slices"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// visible is what the compile of the packages in dirs sees: everything but the
// other packages of the workspace, and other projects beside the build's folder.
// It is nil when that is everything.
func (w *workspace) visible(src fs.FS, dir string, dirs []string) (*toolchain.View, error) {
	needed := w.closure(dirs)
	hidden, err := neighbours(src, w.root)
	if err != nil {
		return nil, err
	}
	for _, c := range w.crates {
		hidden = append(hidden, c.dir)
	}
	keep := func(d string) bool {
		if d == "." || toolchain.Within(dir, d) || toolchain.Within(w.root, d) {
			return true
		}
		for n := range needed {
			if toolchain.Within(n, d) {
				return true
			}
		}
		for _, v := range w.vendored {
			if toolchain.Within(v, d) {
				return true
			}
		}
		return false
	}
	hidden = slices.DeleteFunc(hidden, keep)
	if len(hidden) == 0 {
		return nil, nil
	}
	v := &toolchain.View{Stubs: map[string][]byte{}}
	if err := v.Hide(src, ".", hidden); err != nil {
		return nil, err
	}
	for _, c := range w.crates {
		if slices.ContainsFunc(hidden, func(h string) bool { return toolchain.Within(c.dir, h) }) {
			if err := w.stub(v.Stubs, c.dir, w.manifests[c.dir], nil); err != nil {
				return nil, err
			}
			v.Stubs[path.Join(c.dir, sourcesync.HiddenFile)] = nil
		}
	}
	return v, nil
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
