// Command go-service is a small HTTP service that uses what an image made from
// scratch tends to lack: time zones, CA certificates, /tmp and a user.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"example.com/go-service/internal/checks"
	"example.com/go-service/internal/server"
)

// Set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

type cli struct {
	Addr string `env:"ADDR" default:":8080" help:"Address to listen on, or to ask for its health."`

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve HTTP (the default)."`
	Health  healthCmd  `cmd:"" help:"Exit 0 if the server answers, for a HEALTHCHECK without a shell or curl."`
	Check   checkCmd   `cmd:"" help:"Check what the image provides, without a server."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

type serveCmd struct{}

func (serveCmd) Run(ctx context.Context, c *cli) error {
	return server.Run(ctx, c.Addr, version)
}

type healthCmd struct{}

func (healthCmd) Run(ctx context.Context, c *cli) error {
	return checks.Health(ctx, c.Addr)
}

type checkCmd struct {
	URL string `name:"url" env:"CHECK_URL" placeholder:"https://..." help:"Also check TLS with a request to this URL."`
}

func (c checkCmd) Run(ctx context.Context) error {
	return checks.Run(ctx, os.Stdout, c.URL)
}

type versionCmd struct{}

func (versionCmd) Run() error {
	_, err := fmt.Println(version)
	return err
}

func main() {
	// SIGTERM is how a container is asked to stop.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var c cli
	k := kong.Parse(&c,
		kong.Name("go-service"),
		kong.Description("A small service to run in an image made from scratch."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run(&c))
}
