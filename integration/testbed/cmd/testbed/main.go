// Command testbed brings the project's test bed up and down. It is what the
// Makefile's testbed targets run.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

const usage = `usage: testbed up           bring everything up, and fill the registry
       testbed down         end all daemons
       testbed clean        end all daemons, and remove all state
       testbed docker-up    start the Docker Engine, and print its address
       testbed tool NAME    build a pinned tool, and print its path`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	root, err := testbed.FindRoot(".")
	if err != nil {
		return err
	}
	switch {
	case command == "up" && len(args) == 1:
		b, err := testbed.Up(ctx, root, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "testbed: up: registry %s, builder %s; use it with: . .testbed/env\n", b.Registry, b.Builder)
	case command == "down" && len(args) == 1:
		return testbed.Down(ctx, root, os.Stderr)
	case command == "clean" && len(args) == 1:
		return testbed.Clean(ctx, root, os.Stderr)
	case command == "docker-up" && len(args) == 1:
		b, err := testbed.Open()
		if err != nil {
			return err
		}
		host, err := b.Docker(ctx)
		if err != nil {
			return err
		}
		fmt.Println(host)
	case command == "tool" && len(args) == 2:
		path, err := testbed.BuildTool(ctx, root, args[1], os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(path)
	default:
		return fmt.Errorf("unknown command\n%s", usage)
	}
	return nil
}
