// Command feed publishes the notes of the service at NOTES_URL as a JSON feed:
// GET /feed.
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"

	"example.com/monorepo/internal/note"
	"example.com/monorepo/internal/service"
)

// Set by the linker: build.stamp in the spec.
var version = "dev"

func main() { service.Main(handler(os.Getenv("NOTES_URL"))) }

type item struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"content_text"`
}

func handler(notes string) http.Handler {
	r := service.Router("feed", version)
	r.Get("/feed", func(w http.ResponseWriter, r *http.Request) {
		list, err := note.List(r.Context(), notes)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		items := []item{}
		for _, n := range list {
			items = append(items, item{strconv.Itoa(n.ID), n.Title, n.Text})
		}
		w.Header().Set("Content-Type", "application/feed+json")
		// The client is gone when this fails.
		_ = json.NewEncoder(w).Encode(map[string]any{
			"version": "https://jsonfeed.org/version/1.1", "title": "Notes", "items": items,
		})
	})
	return r
}
