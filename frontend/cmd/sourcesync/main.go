// Command sourcesync runs Cargo on a mirror of the sources whose modification
// times can be trusted, and downloads what Cargo needs; see package sourcesync. It
// runs inside build containers, as the first process.
package main

import (
	"fmt"
	"os"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

func main() {
	c, err := sourcesync.ParseArgs(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	switch c := c.(type) {
	case sourcesync.Command:
		err = build(c)
	case sourcesync.Fetch:
		err = fetch(c)
	}
	step.Exit("sourcesync", err)
}
