// Command sourcesync runs Cargo on a mirror of the sources whose modification
// times can be trusted, and downloads what Cargo needs; see package sourcesync. It
// runs inside build containers, as the first process.
package main

import (
	"errors"
	"fmt"
	"os"

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
	if failed, ok := errors.AsType[*commandError](err); ok {
		os.Exit(failed.status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sourcesync:", err)
		os.Exit(1)
	}
}
