package dockerfile

import (
	"strconv"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// For tests that have a shell and BuildKit read what is written.
var (
	Command     = command
	Pair        = pair
	Paths       = paths
	StaticCheck = staticCheck
	RunScript   = runScript
)

// Machine is what a stage says of its platform.
func Machine(pf platform.Platform) string { return strconv.Itoa(int(pf.ELF.Machine)) }
