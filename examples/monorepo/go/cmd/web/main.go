// Command web serves the pages of the user interface, which are in it, and passes
// what they ask for under /api on to the service of the notes at NOTES_URL.
package main

import (
	"embed"
	"io/fs"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"example.com/monorepo/internal/service"
)

// Set by the linker: build.stamp in the spec.
var version = "dev"

// The folder has a placeholder; build.inputs in the spec fills it.
//
//go:embed all:dist
var dist embed.FS

func main() {
	h, err := handler(os.Getenv("NOTES_URL"))
	if err != nil {
		log.Fatal(err)
	}
	service.Main(h)
}

func handler(notes string) (http.Handler, error) {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	backend, err := url.Parse(notes)
	if err != nil {
		return nil, err
	}
	r := service.Router("web", version)
	r.Handle("/api/*", http.StripPrefix("/api", &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(backend) },
	}))
	r.Handle("/*", http.FileServerFS(pages))
	return r, nil
}
