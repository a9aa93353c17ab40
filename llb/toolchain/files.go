package toolchain

import (
	"maps"
	"path"
	"slices"
	"time"

	"github.com/moby/buildkit/client/llb"
)

// Created is the time of what the graph makes by itself, so that it depends on
// nothing else.
var Created = llb.WithCreatedTime(time.Unix(0, 0))

// FilesState is a file system with the given files, and empty folders as places
// for mounts.
func FilesState(files map[string][]byte, folders []string, name string, opts ...llb.ConstraintsOpt) llb.State {
	action := filesAction(files, folders)
	if action == nil {
		return llb.Scratch()
	}
	return llb.Scratch().File(action, append(opts, llb.WithCustomName(name))...)
}

// filesAction makes files and empty folders; it is nil when there are none.
func filesAction(files map[string][]byte, folders []string) *llb.FileAction {
	made := map[string]bool{".": true}
	var action *llb.FileAction
	mkdir := func(dir string) {
		if made[dir] {
			return
		}
		for d := dir; d != "."; d = path.Dir(d) {
			made[d] = true
		}
		if action == nil {
			action = llb.Mkdir("/"+dir, 0o755, llb.WithParents(true), Created)
		} else {
			action = action.Mkdir("/"+dir, 0o755, llb.WithParents(true), Created)
		}
	}
	for _, dir := range folders {
		mkdir(path.Clean(dir))
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		mkdir(path.Dir(file))
		if action == nil {
			action = llb.Mkfile("/"+file, 0o644, files[file], Created)
		} else {
			action = action.Mkfile("/"+file, 0o644, files[file], Created)
		}
	}
	return action
}
