package rootfs

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Copy is the layer of an entry of copy, out of the context src. Its parents are
// made first, so that owner and mode go to what is copied alone.
func Copy(src llb.State, c spec.Copy, opts ...llb.ConstraintsOpt) Layer {
	info := &llb.CopyInfo{
		CreateDestPath:      true,
		CopyDirContentsOnly: true,
		AllowWildcard:       true,
		ExcludePatterns:     c.Exclude,
	}
	if c.Chmod.Set {
		info.Mode = chmod(c.Chmod.Bits)
	}
	parent := path.Dir(path.Clean(c.Dest))
	if strings.HasSuffix(c.Dest, "/") {
		parent = path.Clean(c.Dest)
	}
	action := llb.Mkdir(parent, 0o755, llb.WithParents(true), created).
		Copy(src, "/"+strings.TrimLeft(c.Src, "/"), c.Dest, info, llb.WithUIDGID(c.UID, c.GID), created)
	return several(fmt.Sprintf("copy %s to %s", c.Src, c.Dest), action, opts...)
}

// chmod is a mode for files. Directories can be entered by whoever can read them,
// which a number would take away.
func chmod(bits int) *llb.ChmodOpt {
	if bits&^0o777 != 0 {
		return &llb.ChmodOpt{Mode: os.FileMode(bits)}
	}
	clauses := []string{"a-x"}
	for i, class := range []string{"u", "g", "o"} {
		perm := bits >> (6 - 3*i)
		clause := class + "="
		for _, p := range []struct {
			bit  int
			name string
		}{{4, "r"}, {2, "w"}, {1, "x"}} {
			if perm&p.bit != 0 {
				clause += p.name
			}
		}
		if perm&5 == 4 {
			clause += "X"
		}
		clauses = append(clauses, clause)
	}
	return &llb.ChmodOpt{ModeStr: strings.Join(clauses, ",")}
}
