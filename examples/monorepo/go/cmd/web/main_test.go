package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWeb(t *testing.T) {
	notes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "notes got "+r.URL.Path)
	}))
	defer notes.Close()
	h, err := handler(notes.URL)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(h)
	defer web.Close()
	for path, want := range map[string]string{"/": "<!doctype html>", "/api/notes": "notes got /notes", "/healthz": "ok"} {
		resp, err := http.Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: %d %q %v", path, resp.StatusCode, text, err)
		}
	}
}
