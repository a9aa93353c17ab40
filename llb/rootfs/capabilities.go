package rootfs

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"time"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// CapabilityXattr is the extended attribute that holds the capabilities of a file.
const CapabilityXattr = "security.capability"

// FileCapabilities is the value of CapabilityXattr: struct vfs_cap_data in its
// revision 2 (include/uapi/linux/capability.h).
func FileCapabilities(caps []spec.Capability) []byte {
	const revision, effective = 0x02000000, 0x1
	magic := uint32(revision)
	var permitted uint64
	for _, c := range caps {
		permitted |= 1 << c.Number
		if c.Effective {
			magic |= effective
		}
	}
	// Each half of the permitted ones is followed by that of the inheritable ones.
	var out []byte
	for _, word := range []uint32{magic, uint32(permitted), 0, uint32(permitted >> 32), 0} {
		out = binary.LittleEndian.AppendUint32(out, word)
	}
	return out
}

// Where the files of a layer and the links to them lie until the links are left out.
const (
	staged = "/image"
	links  = "/links"
)

// Capable is the layer l with capabilities on its files at paths. No file
// operation sets an extended attribute, but unpacking an archive does, on hard
// links too: so an archive of links brings the attribute to files that are there
// already, and that nothing here has the bytes of.
func Capable(l Layer, paths []string, caps []spec.Capability, opts ...llb.ConstraintsOpt) (Layer, error) {
	archive, err := linkArchive(paths, FileCapabilities(caps))
	if err != nil {
		return Layer{}, err
	}
	const name, file = "capabilities", "/links.tar"
	from := llb.Scratch().File(llb.Mkfile(file, 0o644, archive, created), named(name+" (archive)", opts)...)
	st := llb.Scratch().File(llb.Mkdir(staged, 0o755, created).
		Copy(l.state, "/", staged, &llb.CopyInfo{CopyDirContentsOnly: true}, created).
		Copy(from, file, "/", &llb.CopyInfo{AttemptUnpack: true}, created), named(l.Name+" (capabilities)", opts)...)
	return single(l.Name, llb.Copy(st, staged, "/", &llb.CopyInfo{CopyDirContentsOnly: true}, created), opts...), nil
}

// linkArchive is an archive of links to the staged files, each with the attribute.
func linkArchive(paths []string, value []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i, p := range paths {
		err := w.WriteHeader(&tar.Header{
			Typeflag:   tar.TypeLink,
			Name:       path.Join(links, fmt.Sprint(i))[1:],
			Linkname:   path.Join(staged, p)[1:],
			Mode:       0o755,
			ModTime:    time.Unix(0, 0),
			Format:     tar.FormatPAX,
			PAXRecords: map[string]string{"SCHILY.xattr." + CapabilityXattr: string(value)},
		})
		if err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
