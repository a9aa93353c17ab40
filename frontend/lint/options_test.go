package lint_test

import (
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/lint"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

func TestParseOptions(t *testing.T) {
	two := map[string]bool{"RunsAsRoot": true, "UnusedArg": true}
	for text, want := range map[string]lint.Options{
		"":                   {},
		"toolchain: go-cgo0": {},
		"# syntax=x\n# a comment\ntoolchain: go-cgo0\n":             {},
		"# syntax=x\n# check=skip=RunsAsRoot,UnusedArg\n":           {Skip: two},
		"# check=skip=RunsAsRoot, UnusedArg\n# syntax=x\n":          {Skip: two},
		"#check = skip = RunsAsRoot,UnusedArg;error=true\n":         {Skip: two, Error: true},
		"\uFEFF# syntax=x\r\n# check=skip=all\r\n":                  {SkipAll: true},
		"#!/x\n# syntax=x\n# check=error=true\n":                    {Error: true},
		"# syntax=x\n# check=error=true # as in CI\n":               {Error: true},
		"# syntax=x\n\ntargets: {}\n# check=skip=all is a remark\n": {},
	} {
		got, err := lint.ParseOptions("fromscratch.yaml", []byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseOptionsErrors(t *testing.T) {
	const rules = "RunsAsRoot, FloatingToolchain, SecretInArgs, UnusedArg, DuplicateDestination, RelativePath, NumericUserWithoutPasswd, MissingCertificates, UndefinedStamp, VendoredOpenSSL, MuslAllocator, LargeDebugInfo and FatLTO"
	for _, tc := range []struct{ text, want string }{
		{"# syntax=x\n# check=skip=RunAsRoot\n", `f.yaml:2:1: there is no rule "RunAsRoot", only ` + rules + `; did you mean "RunsAsRoot"?`},
		{"# check=skip=runsasroot", `f.yaml:1:1: there is no rule "runsasroot", only ` + rules + `; did you mean "RunsAsRoot"?`},
		{"# check=skip=JSONArgsRecommended", `f.yaml:1:1: there is no rule "JSONArgsRecommended", only ` + rules},
		{"# check=skip=UnusedArg,", "f.yaml:1:1: skip names no rule; write names with commas between them, or all"},
		{"# check=RunsAsRoot", `f.yaml:1:1: invalid check option "RunsAsRoot"; write # check=skip=RunsAsRoot,UnusedArg, # check=skip=all or # check=error=true`},
		{"# check=error=maybe", `f.yaml:1:1: failed to parse check option "error=maybe": strconv.ParseBool: parsing "maybe": invalid syntax; write # check=skip=RunsAsRoot,UnusedArg, # check=skip=all or # check=error=true`},
		{"# check=experimental=all", "f.yaml:1:1: there are no experimental rules; remove experimental"},
		{"# check=error=true\n# check=skip=all\n", "f.yaml:2:1: there is a check directive on line 1 already, and only one is read; join them: # check=skip=A,B;error=true"},
		{"# syntax=x\n# my service\n# check=skip=all\n", "f.yaml:3:1: a check directive is read only directly below the syntax line, before any other comment or empty line; move it there"},
		{"# syntax=x\n\n# check=skip=all\n", "f.yaml:3:1: a check directive is read only directly below the syntax line, before any other comment or empty line; move it there"},
	} {
		_, err := lint.ParseOptions("f.yaml", []byte(tc.text))
		require.EqualError(t, err, tc.want)
		require.Len(t, spec.ProblemsOf(err), 1, "shown at its line")
	}
}

func TestMerge(t *testing.T) {
	o := lint.Options{Skip: map[string]bool{"RunsAsRoot": true}, Error: true}
	require.Equal(t, o, o.Merge(nil))
	require.Equal(t, lint.Options{SkipAll: true}, o.Merge(&linter.Config{SkipAll: true}))
	require.Equal(t, lint.Options{Skip: map[string]bool{"JSONArgsRecommended": true, "UnusedArg": true}},
		o.Merge(&linter.Config{SkipRules: []string{"JSONArgsRecommended", "UnusedArg"}}), "rules of Dockerfiles are no mistake")
	require.Equal(t, lint.Options{Error: true}, lint.Options{}.Merge(&linter.Config{ReturnAsError: true}))
}
