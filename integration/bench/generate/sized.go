package generate

import (
	"fmt"
	"strings"
)

// Sized is a program that is large in one respect, and otherwise as small as it can be,
// so that what it costs is that of its size.
type Sized struct {
	// Files are those of the build context, by their names, without a spec.
	Files map[string]string
	// Targets are the names of targets, each with the package that it is built from.
	Targets []SizedTarget
	// Rust tells that it is built by Cargo.
	Rust bool
}

// SizedTarget is a target and the package that it is built from.
type SizedTarget struct{ Name, Package string }

// sizedLine is the first line of specs.
const sizedLine = "# syntax=fromscratch/frontend:1\n"

// Spec is the fromscratch.yaml of the program.
func (p *Sized) Spec() string {
	var s strings.Builder
	s.WriteString(sizedLine)
	if p.Rust {
		s.WriteString("toolchain: {name: rust-musl, image: \"rust:1.96-bookworm\"}\n")
	} else {
		s.WriteString("toolchain: {name: go-cgo0, image: \"golang:1.26-bookworm\"}\n")
	}
	s.WriteString("extras: none\ntargets:\n")
	for _, t := range p.Targets {
		fmt.Fprintf(&s, "  %s: {build: {package: %s}}\n", t.Name, t.Package)
	}
	return s.String()
}

// Dockerfile is what an expert writes for the same: caches are mounts, the sources a
// bind mount, and each target has a stage.
func (p *Sized) Dockerfile() string {
	var s strings.Builder
	for _, t := range p.Targets {
		if p.Rust {
			fmt.Fprintf(&s, `FROM --platform=$BUILDPLATFORM rust:1.96-bookworm AS build-%[1]s
WORKDIR /src
ENV CARGO_HOME=/cargo CARGO_TARGET_DIR=/target CARGO_PROFILE_RELEASE_STRIP=symbols
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/cargo,sharing=shared \
    --mount=type=cache,target=/target,sharing=locked \
    cargo build --release --locked --target x86_64-unknown-linux-musl --package %[2]s && \
    install -D /target/x86_64-unknown-linux-musl/release/%[1]s /out/%[1]s
`, t.Name, t.Package)
		} else {
			fmt.Fprintf(&s, `FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build-%[1]s
WORKDIR /src
ARG TARGETOS TARGETARCH
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/%[1]s %[2]s
`, t.Name, t.Package)
		}
		fmt.Fprintf(&s, "FROM scratch AS %[1]s\nCOPY --from=build-%[1]s /out/%[1]s /%[1]s\nUSER 65532:65532\nENTRYPOINT [\"/%[1]s\"]\n", t.Name)
	}
	return s.String()
}

const goModLine = "module example.com/sized\n\ngo 1.26\n"

func goMain(text string) string {
	return fmt.Sprintf("package main\n\nfunc main() { println(%q) }\n", text)
}

// Targets is a Go module of n commands that share nothing, with a target for each.
func Targets(n int) *Sized {
	p := &Sized{Files: map[string]string{"go.mod": goModLine}}
	for i := range n {
		name := fmt.Sprintf("app%03d", i)
		p.Files["cmd/"+name+"/main.go"] = goMain(name)
		p.Targets = append(p.Targets, SizedTarget{name, "./cmd/" + name})
	}
	return p
}

// OtherFiles is a command beside n files of 200 bytes or so that are no part of it, a
// hundred in each folder.
func OtherFiles(n int) *Sized {
	p := Targets(1)
	for i := range n {
		p.Files[fmt.Sprintf("assets/%03d/file%05d.txt", i/100, i)] = strings.Repeat(fmt.Sprintf("asset %05d\n", i), 17)
	}
	return p
}

// GoPackages is a command over n packages of its own module, which it imports itself.
func GoPackages(n int) *Sized {
	p := Targets(1)
	var imports, calls strings.Builder
	for i := range n {
		fmt.Fprintf(&imports, "\t\"example.com/sized/internal/unit%03d\"\n", i)
		fmt.Fprintf(&calls, "\tunit%03d.Run()\n", i)
		p.Files[fmt.Sprintf("internal/unit%03d/unit.go", i)] = fmt.Sprintf("package unit%03d\n\nfunc Run() { println(%d) }\n", i, i)
	}
	p.Files["cmd/app000/main.go"] = fmt.Sprintf("package main\n\nimport (\n%s)\n\nfunc main() {\n%s}\n", imports.String(), calls.String())
	return p
}

// GoModules is a command that requires n modules, which lie beside it and replace those
// of a proxy.
func GoModules(n int) *Sized {
	p := Targets(1)
	var requires, replaces, imports, calls strings.Builder
	for i := range n {
		fmt.Fprintf(&requires, "\texample.com/unit%03d v0.0.0\n", i)
		fmt.Fprintf(&replaces, "\texample.com/unit%03d => ./modules/unit%03d\n", i, i)
		fmt.Fprintf(&imports, "\t\"example.com/unit%03d\"\n", i)
		fmt.Fprintf(&calls, "\tunit%03d.Run()\n", i)
		p.Files[fmt.Sprintf("modules/unit%03d/go.mod", i)] = fmt.Sprintf("module example.com/unit%03d\n\ngo 1.26\n", i)
		p.Files[fmt.Sprintf("modules/unit%03d/unit.go", i)] = fmt.Sprintf("package unit%03d\n\nfunc Run() { println(%d) }\n", i, i)
	}
	p.Files["go.mod"] = goModLine + "\nrequire (\n" + requires.String() + ")\n\nreplace (\n" + replaces.String() + ")\n"
	p.Files["cmd/app000/main.go"] = fmt.Sprintf("package main\n\nimport (\n%s)\n\nfunc main() {\n%s}\n", imports.String(), calls.String())
	return p
}

// Crates is a program that depends on n crates of its own workspace, with the lock file
// that Cargo writes for it.
func Crates(n int) *Sized {
	p := &Sized{Rust: true, Targets: []SizedTarget{{"app", "app"}}, Files: map[string]string{
		"Cargo.toml": "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n",
	}}
	var deps, calls, locked, lock strings.Builder
	for i := range n {
		name := fmt.Sprintf("unit%03d", i)
		fmt.Fprintf(&deps, "%[1]s = { path = \"../%[1]s\" }\n", name)
		fmt.Fprintf(&calls, "    %s::run();\n", name)
		fmt.Fprintf(&locked, " \"%s\",\n", name)
		fmt.Fprintf(&lock, "\n[[package]]\nname = \"%s\"\nversion = \"0.1.0\"\n", name)
		p.Files["crates/"+name+"/Cargo.toml"] = fmt.Sprintf("[package]\nname = \"%s\"\nversion = \"0.1.0\"\nedition = \"2021\"\n", name)
		p.Files["crates/"+name+"/src/lib.rs"] = fmt.Sprintf("pub fn run() {\n    println!(\"%d\");\n}\n", i)
	}
	p.Files["crates/app/Cargo.toml"] = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n" + deps.String()
	p.Files["crates/app/src/main.rs"] = "fn main() {\n" + calls.String() + "}\n"
	p.Files["Cargo.lock"] = "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n" +
		locked.String() + "]\n" + lock.String()
	return p
}
