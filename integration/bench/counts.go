package main

import (
	"bytes"
	"io"
	"regexp"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/fromscratch-build/fromscratch/integration/builds"
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
// in it for people.
func readProgress(out io.Reader) (Counts, string, error) {
	vertices := map[digest.Digest]*client.Vertex{}
	logs := map[digest.Digest][]byte{}
	text, err := builds.ReadProgress(out, func(status *client.SolveStatus) {
		for _, v := range status.Vertexes {
			vertices[v.Digest] = v
		}
		for _, l := range status.Logs {
			logs[l.Vertex] = append(logs[l.Vertex], l.Data...)
		}
	})
	if err != nil {
		return Counts{}, "", err
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
	for vertex, l := range logs {
		if v := vertices[vertex]; v != nil && goBuild.MatchString(v.Name) {
			c.Compiled += goPackages(l)
		} else {
			c.Compiled += cargoUnits(l)
		}
	}
	return c, text, nil
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
