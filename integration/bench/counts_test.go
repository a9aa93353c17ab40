package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

func TestCounts(t *testing.T) {
	now := time.Now()
	step, context, cached := digest.FromString("step"), digest.FromString("context"), digest.FromString("cached")
	var out bytes.Buffer
	for _, s := range []client.SolveStatus{
		{Vertexes: []*client.Vertex{{Digest: step, Name: "[build 1/1] RUN cargo build", Started: &now}}},
		// A line may come in parts.
		{Logs: []*client.VertexLog{{Vertex: step, Data: []byte("    Updating index\n   Compi")}, {Vertex: context, Data: []byte("x\n")}}},
		{Logs: []*client.VertexLog{{Vertex: step, Data: []byte("ling serde v1.0.0\n   Compiling app v0.1.0\nwarning: Compiling\n")}}},
		{Vertexes: []*client.Vertex{
			{Digest: step, Name: "[build 1/1] RUN cargo build", Started: &now, Completed: &now},
			{Digest: context, Name: "[internal] load build context", Completed: &now},
			{Digest: cached, Name: "[build 0/1] COPY", Completed: &now, Cached: true},
		}},
	} {
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	out.WriteString("ERROR: in words")
	got, text, err := readProgress(&out)
	if want := (Counts{Compiled: 2, Executed: 1, Cached: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if !strings.Contains(text, "Compiling app") || !strings.HasSuffix(text, "ERROR: in words") {
		t.Errorf("text for people: %q", text)
	}
}

func TestPackagesOfGo(t *testing.T) {
	now := time.Now()
	step, other := digest.FromString("step"), digest.FromString("other")
	// A build of two targets is told everything about what they share twice.
	first := &client.VertexLog{Vertex: step, Timestamp: now, Data: []byte("go: downloading github.com/a/b v1.0.0\ninternal/abi\ngithub.com/a/b/v2.x\n")}
	second := &client.VertexLog{Vertex: step, Timestamp: now.Add(1), Data: []byte("example.com/app/cmd/app\n# example.com/app\n./main.go:1:2: wrong\n\n")}
	var out bytes.Buffer
	for _, s := range []client.SolveStatus{
		{Vertexes: []*client.Vertex{{Digest: step, Name: "[app00 linux/amd64] go build (dependencies)", Completed: &now}, {Digest: other, Name: "[app00] exporting to image", Completed: &now}}},
		{Logs: []*client.VertexLog{first, first, second}},
		{Logs: []*client.VertexLog{second, {Vertex: other, Data: []byte("word\n")}}},
	} {
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	got, text, err := readProgress(&out)
	if want := (Counts{Compiled: 3, Executed: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if n := strings.Count(text, "internal/abi"); n != 1 {
		t.Errorf("the text for people has a line %d times", n)
	}
}

func TestWhatIsNoStep(t *testing.T) {
	for name, want := range map[string]bool{
		"[internal] load build context":                           true,
		"[build 1/3] FROM docker.io/library/rust:1.96@sha256:0":   true,
		"[toolchain] rust:1.96-bookworm":                          true,
		"exporting to image":                                      true,
		"[toolchain] C compiler for x86_64-linux-musl":            false,
		"[toolchain] rustup target add x86_64-unknown-linux-musl": false,
		"[linux/amd64] go build ./cmd/app00":                      false,
		"[build 2/3] WORKDIR /src":                                false,
		"[stage-1 1/1] COPY --from=build /out/app /app":           false,
		"[app00 internal] load build context":                     true,
		"[app00 build 1/3] FROM docker.io/library/golang:1.26":    true,
		"[app00 toolchain] golang:1.26-bookworm":                  true,
		"[app00] exporting to image":                              true,
		"[app00 linux/amd64] go build ./cmd/app00":                false,
		"[app00 app00 1/1] COPY --from=build /out/app00 /app00":   false,
	} {
		if got := internal.MatchString(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
