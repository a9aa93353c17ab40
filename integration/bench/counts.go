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
	// Compiled is the number of units that Cargo compiled, or of packages that the
	// go command did.
	Compiled int `json:"compiled"`
	// Executed is the number of vertices that ran, Cached of those that did not
	// have to. Vertices of BuildKit's own, such as loading the context, are in
	// neither.
	Executed int `json:"executed"`
	Cached   int `json:"cached"`
}

// internal matches the names of vertices that are no step of a build: what BuildKit
// does around it, and images, which are there already. A build of several targets
// puts the target before the name.
var internal = regexp.MustCompile(`^(\[([^] ]+ )?(internal|auth)\]|(\[[^] ]+\] )?(exporting|importing|resolve image config|preparing|writing|sending|merging|docker-image://|local://))` +
	`|^\[[^]]*\] FROM |^\[([^] ]+ )?toolchain\] [a-z0-9./@:_-]+$`)

// readProgress counts in the output of --progress=rawjson, and returns what is
// in it for people. Lines that are no JSON are taken as they are: errors are.
func readProgress(out io.Reader) (Counts, string, error) {
	vertices := map[string]*client.Vertex{}
	logs := map[string][]byte{}
	seen := map[chunk]bool{}
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
				// A vertex that several targets need tells each of them.
				c := chunk{l.Vertex.String(), l.Timestamp.UnixNano(), string(l.Data)}
				if seen[c] {
					continue
				}
				seen[c] = true
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
	for digest, l := range logs {
		if v := vertices[digest]; v != nil && goBuild.MatchString(v.Name) {
			c.Compiled += goPackages(l)
		} else {
			c.Compiled += cargoUnits(l)
		}
	}
	return c, text.String(), nil
}

// chunk is a piece of a log.
type chunk struct {
	vertex string
	time   int64
	data   string
}

// goBuild matches the names of steps that run the go command to compile.
var goBuild = regexp.MustCompile(`\bgo build\b`)

// importPath is all that a line of go build -v has: what it says beside that has
// more words.
var importPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.~/+-]*$`)

// goPackages counts the packages that go build -v says it compiles.
func goPackages(log []byte) int {
	n := 0
	for line := range bytes.Lines(log) {
		if importPath.Match(bytes.TrimRight(line, "\r\n")) {
			n++
		}
	}
	return n
}

// cargoUnits counts the units that Cargo says it compiles.
func cargoUnits(log []byte) int {
	n := 0
	for line := range bytes.Lines(log) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("Compiling ")) {
			n++
		}
	}
	return n
}
