package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestFeed(t *testing.T) {
	notes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"id": 1, "title": "milk", "text": "two bottles"}]`)
	}))
	feed := httptest.NewServer(handler(notes.URL))
	defer feed.Close()
	get := func() (int, string) {
		resp, err := http.Get(feed.URL + "/feed")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	const want = `{"items":[{"id":"1","title":"milk","content_text":"two bottles"}],"title":"Notes","version":"https://jsonfeed.org/version/1.1"}` + "\n"
	if status, text := get(); status != http.StatusOK || text != want {
		t.Errorf("%d %s", status, text)
	}
	notes.Close()
	if status, _ := get(); status != http.StatusBadGateway {
		t.Errorf("%d without notes", status)
	}
}
