package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

func TestPeersAreWellFormed(t *testing.T) {
	for _, b := range peers {
		for _, p := range programs {
			if b.Language != p.Language {
				continue
			}
			if b.File != "" {
				checkRecipe(t, b, b.File, p, []Command{{p.Package, p.Bin}})
			}
			if b.Set != "" && len(p.Set) > 0 {
				checkRecipe(t, b, b.Set, p, p.Set)
				checkRecipe(t, b, b.Set, p.with(6), p.Set[:6])
			}
		}
	}
}

func checkRecipe(t *testing.T, b *Peer, file string, p *Program, commands []Command) {
	t.Helper()
	text, err := b.render(file, p, Environment{Frontend: "sha256:0", Dockerfile: "sha256:1"})
	if err != nil {
		t.Fatal(err)
	}
	lacks := func(want string) {
		if !strings.Contains(text, want) {
			t.Errorf("%s for %s lacks %q:\n%s", file, p.Name, want, text)
		}
	}
	switch {
	case b.Ko:
		lacks("-X " + p.Stamp + "={{.Env.VERSION}}\n")
		return
	case b.family() == fromscratch:
		if !strings.HasPrefix(text, "# syntax=fromscratch/frontend:1@sha256:0\n") {
			t.Errorf("%s for %s:\n%s", file, p.Name, text)
		}
		parsed, err := spec.Parse("fromscratch.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s for %s: %v\n%s", file, p.Name, err, text)
		}
		for _, c := range commands {
			if target := parsed.Targets[c.Bin]; target == nil || !slices.Equal(target.Build.Package, []string{c.Package}) {
				t.Errorf("%s for %s has no target for %s:\n%s", file, p.Name, c.Bin, text)
			}
		}
		if len(parsed.Targets) != len(commands) {
			t.Errorf("%s for %s has %d targets, want %d", file, p.Name, len(parsed.Targets), len(commands))
		}
		return
	}
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s for %s: %v\n%s", file, p.Name, err, text)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatalf("%s for %s: %v\n%s", file, p.Name, err, text)
	}
	for _, want := range []string{"FROM --platform=$BUILDPLATFORM ", "USER 65532:65532\n", p.Stamp + "=$VERSION", "ARG "} {
		lacks(want)
	}
	for _, c := range commands {
		lacks(c.Package)
		lacks("ENTRYPOINT [\"/" + c.Bin + "\"]")
		_, named := instructions.HasStage(stages, c.Bin)
		if last := stages[len(stages)-1]; !named && (len(commands) > 1 || last.BaseName != "scratch") {
			t.Errorf("%s for %s has no target %s:\n%s", file, p.Name, c.Bin, text)
		}
	}
}

func TestBakeFile(t *testing.T) {
	p := findProgram("go-module")
	var images []string
	for _, c := range p.Set {
		images = append(images, setImage(p, findPeer("expert-group", Go), c))
	}
	text, err := bakeFile(p, "/peers/Dockerfile", "/context", "localhost:5000", images, findScenario("six-commands").Timed)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Group  map[string]struct{ Targets []string }
		Target map[string]bakeTarget
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if want := []string{"app00", "app01", "app02", "app03", "app04", "app05"}; !slices.Equal(got.Group["default"].Targets, want) || len(got.Target) != len(want) {
		t.Errorf("got %+v", got)
	}
	want := bakeTarget{"/context", "/peers/Dockerfile", "app05", map[string]string{"VERSION": "dev"}, native, []string{"localhost:5000/bench/go-module-expert-group/app05:latest"}}
	if !reflect.DeepEqual(got.Target["app05"], want) {
		t.Errorf("got %+v, want %+v", got.Target["app05"], want)
	}
	// The others of the set are for scenarios with more commands.
	if len(p.Set) != 10 || len(p.commands(findScenario("ten-services").Timed)) != 10 {
		t.Errorf("%s has %d commands", p.Name, len(p.Set))
	}
}
