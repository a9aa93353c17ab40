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
	from := llb.Scratch().File(llb.Mkfile(name, 0o644, archived(links), created), llb.WithCustomName("[internal] links"))
	return action.Copy(from, name, "/", &llb.CopyInfo{AttemptUnpack: true}, created)
}

// archived is an archive of links.
func archived(links []symlink) []byte {
	headers := make([]tar.Header, len(links))
	for i, l := range links {
		headers[i] = tar.Header{Typeflag: tar.TypeSymlink, Name: strings.TrimPrefix(l.name, "/"), Linkname: l.target, Mode: 0o777}
	}
	return archive(headers)
}

// archive is an archive of what has no data.
func archive(headers []tar.Header) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := range headers {
		headers[i].ModTime = time.Unix(0, 0)
		// A buffer takes everything, and there is no data that a header could be at odds with.
		_ = w.WriteHeader(&headers[i])
	}
	_ = w.Close()
	return out.Bytes()
}

// unpackedDir adds a directory to what action makes, by way of an archive: in a copy,
// BuildKit 0.11 drops what a mode has beyond 0777.
func unpackedDir(action *llb.FileAction, d Dir) *llb.FileAction {
	const name = "/directory.tar"
	data := archive([]tar.Header{{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(d.Path, "/") + "/", Mode: int64(d.Mode), Uid: d.UID, Gid: d.GID}})
	from := llb.Scratch().File(llb.Mkfile(name, 0o644, data, created), llb.WithCustomName("[internal] directory"))
	info := &llb.CopyInfo{AttemptUnpack: true}
	if action == nil {
		return llb.Copy(from, name, "/", info, created)
	}
	return action.Copy(from, name, "/", info, created)
}
