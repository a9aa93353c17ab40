package rootfs

import (
	"archive/tar"
	"bytes"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// symlink is a symbolic link at name, which leads to target.
type symlink struct{ name, target string }

// symlinks adds links to what action makes. BuildKit before 0.19 has no operation for
// that, and takes them out of an archive.
func symlinks(action *llb.FileAction, caps apicaps.CapSet, links ...symlink) *llb.FileAction {
	if len(links) == 0 {
		return action
	}
	if caps.Supports(pb.CapFileSymlinkCreate) == nil {
		for _, l := range links {
			action = action.Symlink(l.target, l.name, created)
		}
		return action
	}
	const name = "/links.tar"
	archive := llb.Scratch().File(llb.Mkfile(name, 0o644, archived(links), created), llb.WithCustomName("[internal] links"))
	return action.Copy(archive, name, "/", &llb.CopyInfo{AttemptUnpack: true}, created)
}

// archived is an archive of links.
func archived(links []symlink) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, l := range links {
		// A buffer takes everything, and links hold no data that a header could be at odds with.
		_ = w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeSymlink,
			Name:     strings.TrimPrefix(l.name, "/"),
			Linkname: l.target,
			Mode:     0o777,
			ModTime:  time.Unix(0, 0),
		})
	}
	_ = w.Close()
	return out.Bytes()
}
