// Command notes keeps notes, until it ends: GET and POST /notes.
package main

import (
	"encoding/json"
	"net/http"
	"sync"

	"example.com/monorepo/internal/note"
	"example.com/monorepo/internal/service"
)

// Set by the linker: build.stamp in the spec.
var version = "dev"

func main() { service.Main(handler()) }

func handler() http.Handler {
	var mu sync.Mutex
	notes := []note.Note{}
	r := service.Router("notes", version)
	r.Get("/notes", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reply(w, http.StatusOK, notes)
	})
	r.Post("/notes", func(w http.ResponseWriter, r *http.Request) {
		var n note.Note
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&n)
		if err == nil {
			err = n.Check()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		n.ID = len(notes) + 1
		notes = append(notes, n)
		reply(w, http.StatusCreated, n)
	})
	return r
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone when this fails.
	_ = json.NewEncoder(w).Encode(v)
}
