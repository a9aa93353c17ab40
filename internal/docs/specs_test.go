package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/internal/docs"
	"github.com/fromscratch-build/fromscratch/internal/elftest"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// ask puts a question about a spec to the frontend, with the files of a small
// project beside it. What it says is what docker buildx build shows of an error.
func ask(spec, question string) string {
	c := &gatewaytest.Client{Opts: map[string]string{"filename": "fromscratch.yaml"}, Files: fstest.MapFS{
		"fromscratch.yaml": {Data: []byte(spec)},
		"go.mod":           {Data: []byte("module example.com/app\n\ngo 1.26\n")},
		"cmd/api/main.go":  {Data: []byte("package main\n\nfunc main() {}\n")},
		// A program that is built already.
		"api": {Data: elftest.File{}.Bytes()},
	}}
	if question != "" {
		c.Opts["requestid"] = question
	}
	tools := llb.Image("fromscratch/frontend:1")
	_, err := frontend.Frontend{Tools: &tools}.Build(context.Background(), c)
	if err == nil {
		return ""
	}
	var out bytes.Buffer
	for _, s := range errdefs.Sources(err) {
		if err := s.Print(&out); err != nil {
			return err.Error()
		}
	}
	fmt.Fprintf(&out, "ERROR: failed to build: failed to solve: %v\n", err)
	return out.String()
}

// specs has the frontend read every spec of a page.
func specs(p *docs.Page) (found []string) {
	for _, b := range p.Blocks {
		text, ok, err := b.Spec()
		if err != nil {
			found = append(found, fmt.Sprintf("%s: %v", b, err))
		}
		if !ok || err != nil || b.Attribute == docs.Wrong {
			continue
		}
		if syntax, _, _, ok := parser.DetectSyntax([]byte(text)); text == b.Text && b.Page != rules && (!ok || syntax != "fromscratch/frontend:1") {
			found = append(found, fmt.Sprintf("%s: BuildKit finds no syntax line; a part of a spec is yaml part, or yaml with the name of a toolchain", b))
		}
		// Every target is resolved for that.
		if said := ask(text, "frontend.targets"); said != "" {
			found = append(found, fmt.Sprintf("%s: %s", b, said))
		}
	}
	return found
}

// rules is a page whose specs have no syntax line, since they are short and many.
const rules = "docs/rules.md"

var replaced = regexp.MustCompile(`^error: "(.*)" for "(.*)"$`)

// quoted tells whether a block is compared with what the frontend says.
func quoted(p *docs.Page, b docs.Block) bool {
	i := slices.Index(p.Blocks, b)
	return replaced.MatchString(b.Before) || i > 0 && p.Blocks[i-1].Attribute == docs.Wrong
}

// mistakes compares the errors that a page shows with what the frontend says.
func mistakes(p *docs.Page) (found []string) {
	spec := ""
	for i, b := range p.Blocks {
		if text, ok, err := b.Spec(); ok && err == nil && b.Attribute != docs.Wrong {
			spec = text
		}
		if m := replaced.FindStringSubmatch(b.Before); m != nil {
			if !strings.Contains(spec, m[2]) {
				found = append(found, fmt.Sprintf("%s: no spec above has %q", b, m[2]))
				continue
			}
			found = append(found, compare(b, ask(strings.Replace(spec, m[2], m[1], 1), ""))...)
		}
		if b.Attribute != docs.Wrong {
			continue
		}
		said := ask(b.Text, "")
		switch {
		case said == "":
			found = append(found, fmt.Sprintf("%s: this builds", b))
		case i+1 == len(p.Blocks) || p.Blocks[i+1].Language != "text":
			found = append(found, fmt.Sprintf("%s: no text below says how this is refused, which is:\n%s", b, said))
		default:
			found = append(found, compare(p.Blocks[i+1], said)...)
		}
	}
	return found
}

func compare(b docs.Block, said string) []string {
	if !strings.Contains(said, b.Text) {
		return []string{fmt.Sprintf("%s: the frontend says something else:\n%s", b, said)}
	}
	return nil
}
