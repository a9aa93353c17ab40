// Command gocache runs the go command with what was compiled before in reach, and
// downloads modules; see package gocache. It runs inside build containers, as the
// first process, and once more as the cache that the go command talks to.
package main

import (
	"fmt"
	"os"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

func main() {
	c, err := gocache.ParseArgs(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	switch c := c.(type) {
	case gocache.Download:
		err = download(c)
	case gocache.Build:
		err = build(c)
	case gocache.Serve:
		err = c.Run(os.Stdin, os.Stdout)
	}
	step.Exit("gocache", err)
}
