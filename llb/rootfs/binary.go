package rootfs

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Binary is the layer of the programs compiled for pf. files, in compiled, are the
// programs, and paths, in the same order, where each goes.
func Binary(compiled llb.State, files, paths []string, pf platform.Platform, opts ...llb.ConstraintsOpt) Layer {
	var action *llb.FileAction
	var titles []string
	for i, name := range files {
		titles = append(titles, path.Base(name))
		info := &llb.CopyInfo{CreateDestPath: true, Mode: &llb.ChmodOpt{Mode: 0o755}}
		owner := llb.WithUIDGID(0, 0)
		if action == nil {
			action = llb.Copy(compiled, "/"+name, paths[i], info, owner, created)
		} else {
			action = action.Copy(compiled, "/"+name, paths[i], info, owner, created)
		}
	}
	title := fmt.Sprintf("[%s] binary %s", pf, strings.Join(titles, ", "))
	if len(files) == 1 && path.Dir(paths[0]) == "/" {
		return single(title, action, opts...)
	}
	return several(title, action, opts...)
}

// BinaryPath is where a binary lies in the image when the spec does not say.
func BinaryPath(name string) string { return path.Join("/", name) }
