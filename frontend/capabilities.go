package frontend

import (
	"bytes"
	"context"
	"fmt"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// capable gives the binaries in l the capabilities that the target asks for.
func (b *builder) capable(l rootfs.Layer) (rootfs.Layer, error) {
	caps := b.target.Capabilities
	if len(caps) == 0 {
		return l, nil
	}
	return rootfs.Capable(l, b.binaryPaths(), caps, b.layerOptions(spec.Path{"targets", b.target.Name(), "capabilities"})...)
}

// keptCapabilities refuses an image whose binaries have lost their capabilities on
// the way: BuildKit only logs an extended attribute that cannot be set.
func (b *builder) keptCapabilities(ctx context.Context, image client.Reference) error {
	caps := b.target.Capabilities
	if len(caps) == 0 {
		return nil
	}
	files, want := sources.New(ctx, image), rootfs.FileCapabilities(caps)
	for _, p := range b.binaryPaths() {
		info, err := files.Stat(p[1:])
		if err != nil {
			return err
		}
		var got []byte
		if stat, ok := info.Sys().(*types.Stat); ok {
			got = stat.Xattrs[rootfs.CapabilityXattr]
		}
		if bytes.Equal(got, want) {
			continue
		}
		how := "did not keep the capabilities of " + p
		if got != nil {
			how = fmt.Sprintf("changed the capabilities of %s: its attribute %s is %x and should be %x", p, rootfs.CapabilityXattr, got, want)
		}
		return b.spec.Problem(spec.Path{"targets", b.target.Name(), "capabilities"}, "the builder "+how+
			". It must be allowed to set them, as a rootless one or one in a user namespace is not, and its snapshotter and file system must have extended attributes; "+
			"use another builder, or remove capabilities and let the program listen on a port from 1024 on")
	}
	return nil
}
