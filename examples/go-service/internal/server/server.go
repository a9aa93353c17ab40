// Package server is the HTTP side of the service.
package server

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/errgroup"

	"example.com/go-service/internal/probe"
)

const (
	maxUpload = 10 << 20
	// Docker kills a container ten seconds after asking it to stop; be done
	// before that.
	stopTimeout = 8 * time.Second
)

//go:embed greetings.txt
var greetings string

// Handler returns the service's routes.
func Handler(version string) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s from go-service %s (%s/%s)\n",
			greeting(r.URL.Query().Get("lang")), version, runtime.GOOS, runtime.GOARCH)
	})
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok")
	})
	r.Get("/time", getTime)
	r.Get("/fetch", getFetch)
	r.Post("/upload", postUpload)
	r.Get("/whoami", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, probe.WhoAmI())
	})
	return r
}

// greeting falls back to the first line of the file.
func greeting(lang string) string {
	first := ""
	for line := range strings.Lines(greetings) {
		code, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		if code == lang {
			return word
		}
		if first == "" {
			first = word
		}
	}
	return first
}

func getTime(w http.ResponseWriter, r *http.Request) {
	zone := r.URL.Query().Get("zone")
	loc, err := probe.Zone(zone)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	reply(w, http.StatusOK, struct {
		Zone string `json:"zone"`
		Time string `json:"time"`
	}{zone, time.Now().In(loc).Format("2006-01-02T15:04:05-07:00")})
}

// getFetch lets any caller make this host send requests. That is its purpose
// here, and a reason not to copy it into a service that strangers can reach.
func getFetch(w http.ResponseWriter, r *http.Request) {
	fetched, err := probe.Fetch(r.Context(), r.URL.Query().Get("url"))
	switch {
	case errors.Is(err, probe.ErrNotHTTPS):
		fail(w, http.StatusBadRequest, err)
	case err != nil:
		fail(w, http.StatusBadGateway, err)
	default:
		reply(w, http.StatusOK, fetched)
	}
}

func postUpload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, status, err)
		return
	}
	stored, err := probe.RoundTrip(body)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, http.StatusOK, stored)
}

func fail(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	// Error messages hold URLs, which are easier to read as they are.
	enc.SetEscapeHTML(false)
	// The only error left is a caller who has gone away.
	_ = enc.Encode(v)
}

// Run serves until ctx is done, then lets requests under way finish.
func Run(ctx context.Context, addr, version string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: Handler(version), ReadHeaderTimeout: 5 * time.Second}
	log.Printf("go-service %s listens on %s", version, ln.Addr())

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		log.Print("stopping")
		// ctx is done already, so it cannot carry the deadline.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return srv.Shutdown(stop)
	})
	return g.Wait()
}
