package main

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func TestPeersAreWellFormed(t *testing.T) {
	for _, b := range peers {
		for _, p := range programs {
			if b.Host || b.Language != p.Language {
				continue
			}
			text, err := b.render(p, "sha256:0")
			if err != nil {
				t.Fatal(err)
			}
			if b.Name == fromscratch {
				if !strings.HasPrefix(text, "# syntax=fromscratch/frontend:1@sha256:0\n") {
					t.Errorf("%s for %s:\n%s", b.File, p.Name, text)
				}
				continue
			}
			if _, err := parser.Parse(strings.NewReader(text)); err != nil {
				t.Errorf("%s for %s: %v\n%s", b.File, p.Name, err, text)
			}
			for _, want := range []string{"FROM --platform=$BUILDPLATFORM ", "FROM scratch\n", "USER 65532:65532\n", p.Stamp + "=$VERSION", "ARG "} {
				if !strings.Contains(text, want) {
					t.Errorf("%s for %s lacks %q", b.File, p.Name, want)
				}
			}
		}
	}
}
