package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/monorepo/internal/note"
)

func TestNotes(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	for body, want := range map[string]int{
		`{"title": "milk", "text": "two bottles"}`: http.StatusCreated,
		`{"text": "no title"}`:                     http.StatusBadRequest,
		`{`:                                        http.StatusBadRequest,
	} {
		resp, err := http.Post(srv.URL+"/notes", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, resp.StatusCode, want)
		}
	}
	got, err := note.List(t.Context(), srv.URL)
	if err != nil || len(got) != 1 || got[0] != (note.Note{ID: 1, Title: "milk", Text: "two bottles"}) {
		t.Errorf("%+v %v", got, err)
	}
}
