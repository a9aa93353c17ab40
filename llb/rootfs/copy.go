package rootfs

import (
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Copy is the layer of an entry of copy, out of the context src.
func Copy(src llb.State, c spec.Copy, opts ...llb.ConstraintsOpt) Layer {
	info := &llb.CopyInfo{
		CreateDestPath:      true,
		CopyDirContentsOnly: true,
		AllowWildcard:       true,
		ExcludePatterns:     c.Exclude,
	}
	if c.Chmod.Set {
		info.Mode = &llb.ChmodOpt{Mode: os.FileMode(c.Chmod.Bits)}
	}
	from := "/" + strings.TrimLeft(c.Src, "/")
	action := llb.Copy(src, from, c.Dest, info, llb.WithUIDGID(c.UID, c.GID), created)
	return several(fmt.Sprintf("copy %s to %s", c.Src, c.Dest), action, opts...)
}
