package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// program is what a build is made of.
type program struct {
	// name is that of the program, and example the folder of examples.
	name, example string
	// main is the file that is edited, and line what is put at its end.
	main, line string
	// peer tells that it is built from a Dockerfile, which is recipe.
	peer   bool
	recipe string
}

var programs = []program{
	{name: "go-service", example: "go-service", main: "cmd/go-service/main.go", line: "func edited() string { return %q }\n"},
	{name: "rust-service", example: "rust-service", main: "src/main.rs", line: "#[allow(dead_code)]\nfn edited() -> &'static str {\n    %q\n}\n"},
	{name: "go-service, Dockerfile", example: "go-service", main: "cmd/go-service/main.go", line: "func edited() string { return %q }\n", peer: true, recipe: goRecipe},
}

// goRecipe is the Dockerfile of an expert: caches are mounts.
const goRecipe = `FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
ARG TARGETOS TARGETARCH
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/app ./cmd/go-service
FROM scratch
COPY --from=build /out/app /app
USER 65532:65532
ENTRYPOINT ["/app"]
`

// checkout copies the program to a folder, and returns the arguments that build it.
func (p *program) checkout(root, dir string) ([]string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", p.example))); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "fromscratch.yaml")
	if p.peer {
		file = filepath.Join(dir, "Dockerfile")
		if err := os.WriteFile(file, []byte(p.recipe), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{"--file", file, "--platform", "linux/amd64", dir}, nil
}

// edit makes the program another one.
func (p *program) edit(root, dir string) error {
	text, err := os.ReadFile(filepath.Join(root, "examples", p.example, p.main))
	if err != nil {
		return err
	}
	text = fmt.Appendf(text, "\n"+p.line, time.Now().Format(time.RFC3339Nano))
	return os.WriteFile(filepath.Join(dir, p.main), text, 0o644)
}

// slug is the name as part of another.
func (p *program) slug() string {
	return strings.ToLower(strings.NewReplacer(",", "", " ", "-").Replace(p.name))
}
