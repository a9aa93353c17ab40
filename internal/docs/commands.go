package docs

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Command is a command in a block of sh or console.
type Command struct {
	// Block is where it stands.
	Block Block
	// Dir is where a cd before it leads, seen from the folder that the page is for.
	// One that is joined to other commands is for these alone.
	Dir string
	// Words are the program and its arguments. What the shell would put in the place
	// of a variable or a substitution is left as it was written.
	Words []string
}

// String is the command as it would be typed, and where.
func (c Command) String() string { return c.Block.String() + ": " + strings.Join(c.Words, " ") }

// Commands lists the commands of a block of sh or console, also those within
// pipes, lists and substitutions. An error says where the shell would complain.
func (b Block) Commands() ([]Command, error) {
	script := b.Text
	if b.Language == "console" {
		script = typed(b.Text)
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), b.Page)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b, err)
	}
	var out []Command
	stay := "."
	for _, stmt := range file.Stmts {
		dir := stay
		syntax.Walk(stmt, func(n syntax.Node) bool {
			call, ok := n.(*syntax.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			c := Command{Block: b, Dir: dir}
			for _, w := range call.Args {
				c.Words = append(c.Words, word(w))
			}
			if c.Words[0] == "cd" && len(c.Words) == 2 {
				dir = path.Join(dir, c.Words[1])
			}
			out = append(out, c)
			return true
		})
		if _, alone := stmt.Cmd.(*syntax.CallExpr); alone {
			stay = dir
		}
	}
	return out, nil
}

// typed is what follows a prompt, and the lines that a backslash continues.
func typed(text string) string {
	var out strings.Builder
	more := false
	for line := range strings.Lines(text) {
		command, prompt := strings.CutPrefix(line, "$ ")
		if !prompt {
			command, prompt = strings.CutPrefix(line, "# ")
		}
		if prompt || more {
			out.WriteString(command)
			more = strings.HasSuffix(command, "\\\n")
		}
	}
	return out.String()
}

// word is a word without its quotes.
func word(w *syntax.Word) string {
	var out strings.Builder
	var parts func([]syntax.WordPart)
	parts = func(list []syntax.WordPart) {
		for _, p := range list {
			switch p := p.(type) {
			case *syntax.Lit:
				out.WriteString(p.Value)
			case *syntax.SglQuoted:
				out.WriteString(p.Value)
			case *syntax.DblQuoted:
				parts(p.Parts)
			default:
				// Printing to memory does not fail.
				_ = syntax.NewPrinter().Print(&out, p)
			}
		}
	}
	parts(w.Parts)
	return out.String()
}
