package rootfs

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Binary is the layer of the programs compiled for pf. compiled holds them at
// its root.
func Binary(compiled llb.State, names []string, pf platform.Platform, opts ...llb.ConstraintsOpt) Layer {
	var action *llb.FileAction
	for _, name := range names {
		info := &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o755}}
		owner := llb.WithUIDGID(0, 0)
		if action == nil {
			action = llb.Copy(compiled, "/"+name, BinaryPath(name), info, owner, created)
		} else {
			action = action.Copy(compiled, "/"+name, BinaryPath(name), info, owner, created)
		}
	}
	return single(fmt.Sprintf("[%s] binary %s", pf, strings.Join(names, ", ")), action, opts...)
}

// BinaryPath is where a binary lies in the image.
func BinaryPath(name string) string { return path.Join("/", name) }
