// Package upx packs programs with UPX, so that they unpack themselves when they
// start. It runs on the builder, whatever platform the programs are for.
package upx

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Places in the container.
const (
	inDir = "/fromscratch/programs"
	// OutDir is where UPX leaves what it packs.
	OutDir = "/fromscratch/packed"
)

// Name is what the program is called, with the name that Debian gives it.
var Name = []string{"upx", "upx-ucl"}

// Packer is a UPX.
type Packer struct {
	// Image is the root file system that UPX runs in, for the builder's platform.
	Image llb.State
	// Program is the path of UPX in it.
	Program string
}

// Args is the argument vector that packs one file, out of one folder into another. Level 7 is what UPX takes for files of
// more than 512 KB: levels 8 and 9 take three to four times as long for one percent.
// What UPX does at a level depends on the file and its version alone.
func (p Packer) Args(file string) []string {
	return []string{p.Program, "-q", "-7", "--no-color", "--no-progress", "-o", path.Join(OutDir, path.Base(file)), path.Join(inDir, file)}
}

// Title begins the name of every vertex that packs.
const Title = "upx -7"

// Pack packs files, which lie in programs and are for pf. The state that it returns
// has them under their old names. opts go to every exec.
func (p Packer) Pack(programs llb.State, files []string, pf platform.Platform, opts ...llb.RunOption) llb.State {
	var action *llb.FileAction
	var last []llb.ConstraintsOpt
	for _, file := range files {
		run := append([]llb.RunOption{
			llb.Args(p.Args(file)),
			llb.Dir("/"),
			llb.AddMount(inDir, programs, llb.Readonly),
			// It reads one file and writes another.
			llb.Network(pb.NetMode_NONE),
		}, opts...)
		run = append(run, llb.WithCustomNamef("[%s] %s %s", pf, Title, path.Base(file)))
		packed := p.Image.Run(run...).AddMount(OutDir, llb.Scratch())
		if len(files) == 1 && path.Base(file) == file {
			return packed
		}
		info := &llb.CopyInfo{CreateDestPath: true}
		if action == nil {
			action = llb.Copy(packed, "/"+path.Base(file), "/"+file, info)
		} else {
			action = action.Copy(packed, "/"+path.Base(file), "/"+file, info)
		}
		last = []llb.ConstraintsOpt{llb.WithCustomNamef("[%s] packed programs", pf)}
	}
	return llb.Scratch().File(action, last...)
}
