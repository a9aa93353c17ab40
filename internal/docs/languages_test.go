package docs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// known lists the languages with the words that may stand behind them, besides
// names of files. Fragments of rust are quotes, which nothing compiles.
var known = map[string][]string{
	"yaml": append([]string{docs.Part, docs.Wrong}, spec.Toolchains...), "dockerfile": nil, "sh": nil, "console": nil, "text": nil,
	"hcl": {docs.Part}, "json": nil, "toml": nil, "go": nil, "rust": nil,
}

func languages(p *docs.Page) (found []string) {
	for _, b := range p.Blocks {
		words, ok := known[b.Language]
		switch {
		case b.Language == "":
			found = append(found, fmt.Sprintf("%s: a block of code without a language: sh for commands, text for what they print", b))
		case !ok:
			found = append(found, fmt.Sprintf("%s: no check knows the language %q", b, b.Language))
		case b.Attribute != "" && !b.File() && !slices.Contains(words, b.Attribute):
			found = append(found, fmt.Sprintf("%s: %q says nothing behind %s", b, b.Attribute, b.Language))
		case b.Language == "text" && !quoted(p, b) && (strings.Contains(b.Text, "ERROR") || strings.Contains(b.Text, "WARNING")):
			found = append(found, fmt.Sprintf("%s: an error that is not compared with what the frontend says; precede it with <!-- error: … -->, or with a spec that is wrong", b))
		}
	}
	return found
}

// files checks the blocks that are files, each by its format.
func files(p *docs.Page) (found []string) {
	for _, b := range p.Blocks {
		var err error
		switch b.Language {
		case "yaml":
			var v any
			err = yaml.NewDecoder(strings.NewReader(b.Text)).Decode(&v)
		case "json":
			var v any
			err = json.Unmarshal([]byte(b.Text), &v)
		case "toml":
			var v any
			err = toml.NewDecoder(bytes.NewReader([]byte(b.Text))).Decode(&v)
		case "go":
			_, err = parser.ParseFile(token.NewFileSet(), b.Attribute, b.Text, parser.AllErrors)
		}
		if text, err := os.ReadFile(filepath.Join(root, b.Attribute)); strings.Contains(b.Attribute, "/") && err == nil {
			for part := range strings.SplitSeq(strings.TrimSpace(b.Text), "\n\n") {
				if !strings.Contains(string(text), part) {
					found = append(found, fmt.Sprintf("%s: %s does not have:\n%s", b, b.Attribute, part))
				}
			}
		}
		// A file of comments alone is one.
		if err != nil && !errors.Is(err, io.EOF) {
			found = append(found, fmt.Sprintf("%s: %v", b, err))
		}
	}
	return found
}
