// Package docs reads the documentation of the project, for the tests that hold
// each page to what it says.
//
// Every block of code has a language. What a reader does not have to see about a
// block stands behind the language, where Markdown shows nothing:
//
//	yaml                a whole spec, with its syntax line
//	yaml go-cgo0        the keys of a target, for that toolchain
//	yaml part           keys of the top level; what a spec needs besides them is added
//	yaml <file>         another file, such as compose.yaml or .github/workflows/ci.yml
//	yaml wrong          a whole spec that is refused; the next block of text says how
//	dockerfile          a whole Dockerfile; with a file name behind it too
//	sh                  commands
//	console             commands behind "$ " or "# ", and what they print
//	text                what a program prints, and drawings
//	text <file>         a file in a format that has no other check
//	hcl, json, toml     files; with a file name behind it too
//	hcl part            blocks of a bake file whose other blocks stand elsewhere
//
// A block with the path of a file of the checkout behind its language is made of
// parts of that file, with empty lines between them.
//
// Text that quotes an error of the frontend is preceded by a comment, which says
// how to come by it: <!-- error: "./cmd/ap" for "./cmd/api" --> is what the spec
// above says with one text in the place of another.
package docs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is a file of Markdown.
type Page struct {
	// Path is relative to the root of the checkout, with slashes.
	Path string
	// Text is the page as it was written.
	Text   string
	Blocks []Block
	Links  []Link
	// Anchors are the names of its headings, as links have them behind a #.
	Anchors []string
}

// Block is a block of code.
type Block struct {
	// Page is the path of its page, and Line that of its first line of code.
	Page string
	Line int
	// Section is the anchor of the heading that it stands below.
	Section string
	// Language is the first word behind the fence, and Attribute the second, if any.
	Language, Attribute string
	Text                string
	// Before is the HTML comment that precedes it, without its marks, if any.
	Before string
}

// String is where a reader finds the block.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// File tells whether the block is the file that its attribute names.
func (b Block) File() bool {
	return strings.ContainsAny(b.Attribute, "./") || b.Attribute == "Dockerfile"
}

// Link is a link or a picture.
type Link struct {
	// Line is that of the paragraph around it.
	Line int
	// To is the address as it was written.
	To string
}

// Pages reads the pages of the checkout at root, but for the changelog, by path.
func Pages(root string) ([]*Page, error) {
	var pages []*Page
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "target" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || path.Ext(name) != ".md" || name == "CHANGELOG.md":
			return nil
		}
		p, err := Read(root, filepath.ToSlash(name))
		pages = append(pages, p)
		return err
	})
	return pages, err
}

// Read reads the page at name, a path relative to root.
func Read(root, name string) (*Page, error) {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	return parse(name, data), nil
}

var comment = regexp.MustCompile(`(?s)^<!--\s*(.*?)\s*-->\s*$`)

func parse(name string, data []byte) *Page {
	p := &Page{Path: name, Text: string(data)}
	lineOf := func(offset int) int { return bytes.Count(data[:offset], []byte("\n")) + 1 }
	before, section := "", ""
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(data))
	// The walk ends with an error only if its function gives one.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			section = p.anchor(plain(n, data))
		case *ast.HTMLBlock:
			if m := comment.FindSubmatch(n.Lines().Value(data)); m != nil {
				before = string(m[1])
			}
			return ast.WalkContinue, nil
		case *ast.CodeBlock:
			p.Blocks = append(p.Blocks, Block{Page: name, Line: lineOf(n.Lines().At(0).Start), Section: section, Text: string(n.Lines().Value(data))})
		case *ast.FencedCodeBlock:
			b := Block{Page: name, Section: section, Before: before, Text: string(n.Lines().Value(data))}
			if n.Lines().Len() > 0 {
				b.Line = lineOf(n.Lines().At(0).Start)
			}
			if n.Info != nil {
				words := strings.Fields(string(n.Info.Value(data)))
				b.Language, b.Attribute = words[0], strings.Join(words[1:], " ")
			}
			p.Blocks = append(p.Blocks, b)
		case *ast.Link:
			p.Links = append(p.Links, Link{Line: lineOf(offset(n)), To: string(n.Destination)})
		case *ast.Image:
			p.Links = append(p.Links, Link{Line: lineOf(offset(n)), To: string(n.Destination)})
		}
		if n.Type() == ast.TypeBlock {
			before = ""
		}
		return ast.WalkContinue, nil
	})
	return p
}

// plain is the text of a heading without its markup.
func plain(n ast.Node, data []byte) string {
	var out strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			out.Write(t.Value(data))
		} else {
			out.WriteString(plain(c, data))
		}
	}
	return out.String()
}

// offset is where the block around an inline node starts.
func offset(n ast.Node) int {
	for ; n != nil; n = n.Parent() {
		if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
			return n.Lines().At(0).Start
		}
	}
	return 0
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor makes the name of a heading as GitHub does: in lower case, without
// punctuation, with hyphens for spaces, and a number when it is not the first.
func (p *Page) anchor(heading string) string {
	name := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
	unique := name
	for i := 1; slices.Contains(p.Anchors, unique); i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	p.Anchors = append(p.Anchors, unique)
	return unique
}

// In lists the blocks below the heading with the given anchor.
func (p *Page) In(section string) []Block {
	var out []Block
	for _, b := range p.Blocks {
		if b.Section == section {
			out = append(out, b)
		}
	}
	return out
}
