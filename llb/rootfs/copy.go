package rootfs

import (
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Copy is the layer of an entry of copy, out of the context src. dirs are the
// directories that the entry needs, from the top: they are made first, so that owner
// and mode go to what is copied alone. Where caps say that CopiesModes is false, a mode
// is right for files alone.
func Copy(src llb.State, c spec.Copy, dirs []Dir, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	var action *llb.FileAction
	for _, d := range dirs {
		action = mkdir(action, d.Path, os.FileMode(d.Mode)&os.ModePerm, llb.WithUIDGID(d.UID, d.GID), created)
	}
	// All but the rights is what a Dockerfile's COPY asks of BuildKit.
	info := &llb.CopyInfo{
		FollowSymlinks:      true,
		CopyDirContentsOnly: true,
		AllowWildcard:       true,
		CreateDestPath:      true,
		ExcludePatterns:     c.Exclude,
	}
	if c.Chmod.Set {
		info.Mode = chmod(c.Chmod.Bits, caps)
	}
	copyOpts := []llb.CopyOption{info, created}
	if c.Chown != "" {
		copyOpts = append(copyOpts, llb.WithUIDGID(c.UID, c.GID))
	}
	for _, s := range c.Src {
		s = "/" + strings.TrimLeft(s, "/")
		if action == nil {
			action = llb.Copy(src, s, c.Dest, copyOpts...)
		} else {
			action = action.Copy(src, s, c.Dest, copyOpts...)
		}
	}
	return several(fmt.Sprintf("copy %s to %s", strings.Join(c.Src, " "), c.Dest), action, opts...)
}

// CopiesModes tells whether a copy can give files and directories a mode of their own.
// BuildKit before 0.17 takes the words for that as nothing at all. No BuildKit says that
// it knows them (file.copy.modestring is not in the list of its capabilities), so one of
// 0.19 stands for it.
func CopiesModes(caps apicaps.CapSet) bool {
	return caps.Supports(pb.CapFileSymlinkCreate) == nil
}

// chmod is a mode for files. Directories can be entered by whoever can read them,
// which a number would take away.
func chmod(bits int, caps apicaps.CapSet) *llb.ChmodOpt {
	if bits&^0o777 != 0 || !CopiesModes(caps) {
		return &llb.ChmodOpt{Mode: os.FileMode(bits)}
	}
	return &llb.ChmodOpt{ModeStr: ChmodWord(bits)}
}

// ChmodWord is the mode of an entry of copy as chmod(1) and COPY --chmod take it.
func ChmodWord(bits int) string {
	if bits&^0o777 != 0 {
		return fmt.Sprintf("%04o", bits)
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
	return strings.Join(clauses, ",")
}

// DirMode is what becomes of the mode bits for a directory: who may read it may
// enter it. A mode beyond 0777 is taken as it is.
func DirMode(bits int) int {
	if bits&^0o777 != 0 {
		return bits
	}
	return bits | bits&0o444>>2
}
