package rootfs

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/util/apicaps"
)

// Shell is the layer of a busybox, which lies in src as program: it goes to dir, with
// links for the programs that it stands for.
func Shell(src llb.State, program, dir string, applets []string, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	action := llb.Mkdir(dir, 0o755, llb.WithParents(true), created).
		Copy(src, program, path.Join(dir, "busybox"), &llb.CopyInfo{FollowSymlinks: true, Mode: &llb.ChmodOpt{Mode: 0o755}}, llb.WithUIDGID(0, 0), created)
	links := make([]symlink, len(applets))
	for i, name := range applets {
		links[i] = symlink{path.Join(dir, name), "busybox"}
	}
	return several("busybox", symlinks(action, caps, links...), opts...)
}
