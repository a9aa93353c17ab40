// Package note is what the service of the notes and its clients agree on.
package note

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Note is a note as JSON has it.
type Note struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Check returns an error for a note that has no title.
func (n Note) Check() error {
	if strings.TrimSpace(n.Title) == "" {
		return errors.New("a note needs a title")
	}
	return nil
}

// List asks the service at url for all notes.
func List(ctx context.Context, url string) ([]Note, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/notes", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", req.URL, resp.StatusCode)
	}
	var notes []Note
	return notes, json.NewDecoder(resp.Body).Decode(&notes)
}
