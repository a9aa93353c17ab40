package frontend_test

import (
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/stretchr/testify/require"
)

// TestIgnoreFile: a pattern that means nothing is an error at its line, of the file
// that it is in.
func TestIgnoreFile(t *testing.T) {
	const bracket = " is not a pattern: a bracket that is not closed, a range that runs backwards, or a backslash with nothing after it makes it none; write \\[ for the bracket itself"
	for _, tc := range []struct {
		name, file, text, want string
		line                   int32
	}{
		{"a bracket", ".dockerignore", "# comment\n\n*.log\n  [abc \n[\n", `.dockerignore:4: "[abc"` + bracket, 4},
		{"after an exclamation mark", ".dockerignore", "!a[\r\n", `.dockerignore:1: "!a["` + bracket, 1},
		{"a backslash", ".dockerignore", "a\nb\\", `.dockerignore:2: "b\\"` + bracket, 2},
		{"a range of nothing", ".dockerignore", "a/[z-a]/b\n", `.dockerignore:1: "a/[z-a]/b"` + bracket, 1},
		{"nothing to take back", ".dockerignore", "*\n! \n", `.dockerignore:2: "!" is not a pattern: after ! comes what to take back into the build context`, 2},
		{"beside the spec", "fromscratch.yaml.dockerignore", "x\n[\n", `fromscratch.yaml.dockerignore:2: "["` + bracket, 2},
		{"good ones", ".dockerignore", "**/*.[ch]\n!a/**/b\n\\[x\n/\n#[\na?[^b]\n", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, goSpec, nil)
			c.Files.(fstest.MapFS)[tc.file] = &fstest.MapFile{Data: []byte(tc.text)}
			_, err := build(c)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
			sources := errdefs.Sources(err)
			require.Len(t, sources, 1)
			require.Equal(t, tc.file, sources[0].Info.Filename)
			require.Equal(t, tc.text, string(sources[0].Info.Data))
			require.Equal(t, tc.line, sources[0].Ranges[0].Start.Line)
		})
	}
}
