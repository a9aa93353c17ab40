package main

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
)

//go:embed peers
var peerFiles embed.FS

// Peer is a way to build the programs of a language.
type Peer struct {
	Name     string
	Language string
	// Of is the builder that this is a variant of, which is no peer of it: they
	// begin with the same state.
	Of string
	// File is the Dockerfile, spec or configuration, a template over Program, below
	// peers/; Set is the one for builds of several commands, with a target for each.
	// A peer does not do what it has no file for.
	File, Set string
	// Host builds on this machine, and makes no image.
	Host bool
	// Ko builds on this machine too, and makes images.
	Ko bool
	// Image is a Dockerfile below peers/ of an image that File builds on, made
	// before anything is timed, and Tag its name on Docker Hub.
	Image, Tag string
	// Toolchain is the image of the compiler.
	Toolchain string
	// Syntax has the frontend of the Dockerfile come from its image.
	Syntax bool
}

const (
	rustImage = "rust:1.96-bookworm"
	goImage   = "golang:1.26-bookworm"
	// frontendImage is the name that specs give the frontend.
	frontendImage = "fromscratch/frontend:1"
)

var peers = []*Peer{
	{Name: fromscratch, Language: Rust, File: "rust/fromscratch.yaml", Set: "rust/fromscratch-set.yaml", Toolchain: rustImage},
	{Name: "dummy", Language: Rust, File: "rust/dummy.Dockerfile", Set: "rust/dummy-set.Dockerfile", Toolchain: rustImage},
	{Name: "mounts", Language: Rust, File: "rust/mounts.Dockerfile", Set: "rust/mounts-set.Dockerfile", Toolchain: rustImage},
	{Name: "mounts-image", Language: Rust, File: "rust/mounts.Dockerfile", Set: "rust/mounts-set.Dockerfile", Toolchain: rustImage, Syntax: true},
	{Name: "chef", Language: Rust, File: "rust/chef.Dockerfile", Set: "rust/chef-set.Dockerfile", Toolchain: rustImage,
		Image: "rust/chef-image.Dockerfile", Tag: "lukemathwalker/cargo-chef:0.1.78-rust-1.96-bookworm"},
	{Name: fromscratch + "-group", Language: Rust, Of: fromscratch, Set: "rust/fromscratch-group.yaml", Toolchain: rustImage},
	{Name: "mounts-group", Language: Rust, Of: "mounts", Set: "rust/mounts-group.Dockerfile", Toolchain: rustImage},
	{Name: fromscratch, Language: Go, File: "go/fromscratch.yaml", Set: "go/fromscratch-set.yaml", Toolchain: goImage},
	{Name: "common", Language: Go, File: "go/common.Dockerfile", Set: "go/common-set.Dockerfile", Toolchain: goImage},
	{Name: "expert", Language: Go, File: "go/expert.Dockerfile", Set: "go/expert-set.Dockerfile", Toolchain: goImage},
	{Name: "expert-image", Language: Go, File: "go/expert.Dockerfile", Set: "go/expert-set.Dockerfile", Toolchain: goImage, Syntax: true},
	{Name: "ko", Language: Go, File: "go/ko.yaml", Ko: true, Image: "go/ko-base.Dockerfile", Tag: "bench/ko-base:1"},
	{Name: fromscratch + "-group", Language: Go, Of: fromscratch, Set: "go/fromscratch-group.yaml", Toolchain: goImage},
	{Name: "expert-group", Language: Go, Of: "expert", Set: "go/expert-group.Dockerfile", Toolchain: goImage},
	{Name: floor, Language: Rust, Host: true},
	{Name: floor, Language: Go, Host: true},
}

func findPeer(name, language string) *Peer {
	for _, p := range peers {
		if p.Name == name && p.Language == language {
			return p
		}
	}
	return nil
}

// family is the builder that this is a variant of, or itself.
func (b *Peer) family() string {
	if b.Of != "" {
		return b.Of
	}
	return b.Name
}

// familyOf is that of the builder with this name.
func familyOf(name string) string {
	for _, p := range peers {
		if p.Name == name {
			return p.family()
		}
	}
	return name
}

// local tells whether the peer has the caches of a user, and neither a builder nor
// cache mounts nor a cache in the registry.
func (b *Peer) local() bool { return b.Host || b.Ko }

// can tells whether the peer has what a build is about.
func (b *Peer) can(build Build) bool {
	switch {
	case b.local() && (build.CacheFrom || build.CacheTo):
		return false
	case b.Host:
		return slices.Equal(build.Platforms, native)
	case b.Ko:
		return true
	case build.Commands > 0:
		return b.Set != ""
	}
	return b.File != ""
}

// peerOrder is the place of a builder among the columns of a table.
func peerOrder(name string) int {
	for i, p := range peers {
		if p.Name == name {
			return i
		}
	}
	return len(peers)
}

// render is one of the peer's files for a program. Frontends are taken by their
// digests, since a tag moves while somebody works on it.
func (b *Peer) render(file string, p *Program, e Environment) (string, error) {
	text, err := peerFiles.ReadFile(path.Join("peers", file))
	if err != nil {
		return "", err
	}
	t, err := template.New(file).Funcs(template.FuncMap{"join": func(s []string) string { return strings.Join(s, " ") }}).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("peer %s: %w", b.Name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return "", fmt.Errorf("peer %s: %w", b.Name, err)
	}
	if b.Syntax {
		return "# syntax=" + dockerfileImage + "@" + e.Dockerfile + "\n" + out.String(), nil
	}
	return strings.Replace(out.String(), "# syntax="+frontendImage+"\n", "# syntax="+frontendImage+"@"+e.Frontend+"\n", 1), nil
}

// frontend is the image that the peer's builds start, by its digest; empty for what
// BuildKit has built in.
func (b *Peer) frontend(e Environment) string {
	switch {
	case b.Syntax:
		return dockerfileImage + "@" + e.Dockerfile
	case b.family() == fromscratch:
		return frontendImage + "@" + e.Frontend
	}
	return ""
}
