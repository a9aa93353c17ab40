package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/moby/buildkit/client"
)

// Counts is the work of a build, as its progress tells it.
type Counts struct {
	// Compiled is the number of units that Cargo compiled.
	Compiled int `json:"compiled"`
	// Executed is the number of vertices that ran, Cached of those that did not
	// have to. Vertices of BuildKit's own, such as loading the context, are in
	// neither.
	Executed int `json:"executed"`
	Cached   int `json:"cached"`
}

// internal matches the names of vertices that are no step of a build: what BuildKit
// does around it, and images, which are there already.
var internal = regexp.MustCompile(`^(\[internal\]|\[auth\]|exporting|importing|resolve image config|preparing|writing|sending|merging|docker-image://|local://)` +
	`|^\[[^]]*\] FROM |^\[toolchain\] [a-z0-9./@:_-]+$`)

// readProgress counts in the output of --progress=rawjson, and returns what is
// in it for people. Lines that are no JSON are taken as they are: errors are.
func readProgress(out io.Reader) (Counts, string, error) {
	vertices := map[string]*client.Vertex{}
	logs := map[string][]byte{}
	var text strings.Builder
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var status client.SolveStatus
			if json.Unmarshal(line, &status) != nil {
				text.Write(line)
			}
			for _, v := range status.Vertexes {
				vertices[v.Digest.String()] = v
			}
			for _, l := range status.Logs {
				logs[l.Vertex.String()] = append(logs[l.Vertex.String()], l.Data...)
				text.Write(l.Data)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Counts{}, "", fmt.Errorf("read progress: %w", err)
		}
	}
	var c Counts
	for _, v := range vertices {
		switch {
		case v.Completed == nil || internal.MatchString(v.Name):
		case v.Cached:
			c.Cached++
		default:
			c.Executed++
		}
	}
	for _, l := range logs {
		c.Compiled += compiled(l)
	}
	return c, text.String(), nil
}

// compiled counts the units that Cargo says it compiles.
func compiled(log []byte) int {
	n := 0
	for line := range bytes.Lines(log) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("Compiling ")) {
			n++
		}
	}
	return n
}
