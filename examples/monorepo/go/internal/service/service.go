// Package service is what the services of this module have in common: a server
// that lets requests finish when it is asked to stop, and a check of its health.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/errgroup"
)

// Router returns a router that answers /healthz and /version.
func Router(name, version string) *chi.Mux {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	r.Get("/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s %s\n", name, version) })
	return r
}

// Main is the main function of a service: without arguments it serves at ADDR,
// :8080 by default, and with "health" it asks the one that does.
func Main(h http.Handler) {
	// SIGTERM is how a container is asked to stop.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	addr := os.Getenv("ADDR")
	if addr == "" {
		addr = ":8080"
	}
	if err := run(ctx, addr, h, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, h http.Handler, args []string) error {
	switch {
	case len(args) == 0:
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		return serve(ctx, l, h)
	case len(args) == 1 && args[0] == "health":
		return health(ctx, addr)
	}
	return fmt.Errorf("unknown arguments %q: there is health, or nothing to serve", args)
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		// Docker kills a container ten seconds after asking it to stop.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 8*time.Second)
		defer cancel()
		return srv.Shutdown(end)
	})
	return g.Wait()
}

func health(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answered %d", resp.StatusCode)
	}
	return nil
}
