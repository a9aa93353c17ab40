package docs_test

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// TestSpecAsDockerfile: who takes a spec for a Dockerfile says what the page has.
func TestSpecAsDockerfile(t *testing.T) {
	readme, err := docs.Read(root, "README.md")
	require.NoError(t, err)
	page, err := docs.Read(root, "docs/faq.md")
	require.NoError(t, err)
	for _, b := range readme.Blocks {
		if b.Language != "yaml" {
			continue
		}
		file, err := parser.Parse(strings.NewReader(b.Text))
		require.NoError(t, err)
		_, _, err = instructions.Parse(file.AST, nil)
		require.Error(t, err)
		require.Contains(t, page.Text, "### "+err.Error()+"\n")
		return
	}
	t.Fatal("the README has no spec")
}
