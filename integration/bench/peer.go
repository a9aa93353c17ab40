package main

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"
	"text/template"
)

//go:embed peers
var peerFiles embed.FS

// Peer is a way to build the programs of a language.
type Peer struct {
	Name     string
	Language string
	// File is the Dockerfile or spec, a template over Program, below peers/.
	File string
	// Host builds on this machine, and makes no image.
	Host bool
	// Image is a Dockerfile below peers/ of an image that File builds on, made
	// before anything is timed, and Tag its name on Docker Hub.
	Image, Tag string
	// Toolchain is the image of the compiler.
	Toolchain string
}

const (
	rustImage = "rust:1.96-bookworm"
	goImage   = "golang:1.26-bookworm"
	// frontendImage is the name that specs give the frontend.
	frontendImage = "fromscratch/frontend:1"
)

var peers = []*Peer{
	{Name: fromscratch, Language: Rust, File: "rust/fromscratch.yaml", Toolchain: rustImage},
	{Name: "dummy", Language: Rust, File: "rust/dummy.Dockerfile", Toolchain: rustImage},
	{Name: "mounts", Language: Rust, File: "rust/mounts.Dockerfile", Toolchain: rustImage},
	{Name: "chef", Language: Rust, File: "rust/chef.Dockerfile", Toolchain: rustImage,
		Image: "rust/chef-image.Dockerfile", Tag: "lukemathwalker/cargo-chef:0.1.78-rust-1.96-bookworm"},
	{Name: fromscratch, Language: Go, File: "go/fromscratch.yaml", Toolchain: goImage},
	{Name: "common", Language: Go, File: "go/common.Dockerfile", Toolchain: goImage},
	{Name: "expert", Language: Go, File: "go/expert.Dockerfile", Toolchain: goImage},
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

// peerOrder is the place of a builder among the columns of a table.
func peerOrder(name string) int {
	for i, p := range peers {
		if p.Name == name {
			return i
		}
	}
	return len(peers)
}

// render is the peer's file for a program. The frontend is taken by its digest,
// since its tag moves while somebody works on it.
func (b *Peer) render(p *Program, frontend string) (string, error) {
	text, err := peerFiles.ReadFile(path.Join("peers", b.File))
	if err != nil {
		return "", err
	}
	t, err := template.New(b.File).Funcs(template.FuncMap{"join": func(s []string) string { return strings.Join(s, " ") }}).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("peer %s: %w", b.Name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return "", fmt.Errorf("peer %s: %w", b.Name, err)
	}
	return strings.Replace(out.String(), "# syntax="+frontendImage+"\n", "# syntax="+pinned(frontend)+"\n", 1), nil
}

func pinned(frontend string) string { return frontendImage + "@" + frontend }
