// Package rootfs builds the root file system of an image out of layers: one for
// each extra, the same in every image and on every platform, and one for the
// binary, so that an edit pushes one layer.
//
// Everything here is a file operation: nothing is executed, so nothing needs
// emulation.
package rootfs

import (
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// created is the time of every file. It is never the source date epoch, which
// would change every layer with every commit.
var created = llb.WithCreatedTime(time.Unix(0, 0).UTC())

// Layer is one layer of an image.
type Layer struct {
	// Name says what is in it, for vertex names: "extras: tzdata".
	Name  string
	state llb.State
	// base tells that the state is layers of its own.
	base bool
}

// Base is what other layers go on top of, and may be many layers of its own.
func Base(st llb.State) Layer { return Layer{Name: "base", state: st, base: true} }

// Moved is what l has in the directory from alone, in the directory to.
func Moved(l Layer, from, to string, opts ...llb.ConstraintsOpt) Layer {
	return single(l.Name, llb.Copy(l.state, from, to, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}, created), opts...)
}

// State is the layer alone, on an empty root.
func (l Layer) State() llb.State { return l.state }

// single makes a layer of one copy. A copy sets the times of the parents that it
// creates.
func single(name string, action *llb.FileAction, opts ...llb.ConstraintsOpt) Layer {
	return Layer{Name: name, state: llb.Scratch().File(action, named(name, opts)...)}
}

// several makes a layer of more than one operation. Each moves the time of the
// directory that it writes in, so a last copy of the whole sets them again.
func several(name string, action *llb.FileAction, opts ...llb.ConstraintsOpt) Layer {
	st := llb.Scratch().File(action, named(name+" (files)", opts)...)
	return single(name, llb.Copy(st, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}, created), opts...)
}

func named(name string, opts []llb.ConstraintsOpt) []llb.ConstraintsOpt {
	return append([]llb.ConstraintsOpt{llb.WithCustomName(name)}, opts...)
}

// Assemble stacks the layers. With MergeOp each stays a layer of its own that
// images share; a daemon without it gets copies, one on top of the other.
func Assemble(layers []Layer, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) llb.State {
	if caps.Supports(pb.CapMergeOp) == nil {
		states := make([]llb.State, len(layers))
		for i, l := range layers {
			states[i] = l.state
		}
		return llb.Merge(states, named("assemble image", opts)...)
	}
	st := llb.Scratch()
	for i, l := range layers {
		if i == 0 && l.base {
			st = l.state
			continue
		}
		st = st.File(llb.Copy(l.state, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}, created), named(l.Name, opts)...)
	}
	return st
}
