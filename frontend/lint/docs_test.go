package lint_test

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/lint"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

var codeBlock = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// TestDocumentation runs the examples of docs/rules.md, each with the files that
// come before it: of each rule, the first gives one finding, of that rule, and the
// second none.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/rules.md")
	require.NoError(t, err)
	sections := map[string]string{}
	var order []string
	for _, section := range strings.Split(string(data), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections[name] = text
		if name != "Turning rules off" {
			order = append(order, name)
		}
	}
	var names []string
	for _, rule := range lint.Rules() {
		names = append(names, rule.Name)
	}
	require.Equal(t, names, order, "headings are the rules, in their order")

	for _, rule := range lint.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			require.Equal(t, "https://fromscratch.build/rules/#"+strings.ToLower(rule.Name), rule.URL)
			require.Regexp(t, `^[A-Z].*[^.]\.$`, rule.Description)
			text := sections[rule.Name]
			require.Contains(t, text, "# check=skip="+rule.Name)
			require.Contains(t, string(data), "| ["+rule.Name+"](#"+strings.ToLower(rule.Name)+") |")

			src := fstest.MapFS{}
			var examples []string
			var sources []fstest.MapFS
			for _, m := range codeBlock.FindAllStringSubmatch(text, -1) {
				if m[2] != "" {
					src[m[2]] = &fstest.MapFile{Data: []byte(m[3])}
				} else if m[1] == "yaml" {
					examples, sources = append(examples, m[3]), append(sources, maps.Clone(src))
				}
			}
			require.Len(t, examples, 2)
			bad := check(t, examples[0], sources[0])
			require.Len(t, bad, 1)
			require.Same(t, rule, bad[0].Rule)
			require.Empty(t, check(t, examples[1], sources[1]))

			skipped := "# syntax=fromscratch/frontend:1\n# check=skip=" + rule.Name + "\n" + examples[0]
			require.Empty(t, check(t, skipped, sources[0]))
		})
	}
	t.Run("how to skip", func(t *testing.T) {
		m := codeBlock.FindStringSubmatch(sections["Turning rules off"])
		require.Empty(t, check(t, m[3], nil))
		require.Len(t, check(t, strings.Replace(m[3], "check=", "", 1), nil), 1)
	})
}

// check lints a spec with the options that are in it.
func check(t *testing.T, text string, src fs.FS, targets ...string) []lint.Finding {
	t.Helper()
	s, err := spec.Parse("fromscratch.yaml", []byte(text))
	require.NoError(t, err)
	opts, err := lint.ParseOptions("fromscratch.yaml", []byte(text))
	require.NoError(t, err)
	return lint.Check(s, targets, src, opts)
}
