package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// TestResolveSymbols: what is kept is found again with its form, and all else has its
// value.
func TestResolveSymbols(t *testing.T) {
	const text = "toolchain: go-cgo0\nargs: {V: '1', W: , X: x}\ntargets:\n  app:\n    build: {package: ., tags: [$V]}\n" +
		"    labels: {a: 'v$V, ${W:-${V}.0}${X:+$X!} $$ ${TARGET}'}\n"
	doc, err := spec.Read("fromscratch.yaml", []byte(text))
	require.NoError(t, err)
	s, err := doc.ResolveSymbols(nil, func(at spec.Path, name string) bool { return at[2] == "labels" && name != "X" })
	require.NoError(t, err)
	app := s.Targets["app"]
	require.Equal(t, spec.Words{"1"}, app.Build.Tags)
	require.Equal(t, []spec.Segment{
		{Text: "v"},
		{Name: "V"},
		{Text: ", "},
		{Name: "W", Form: ":-", Word: []spec.Segment{{Name: "V"}, {Text: ".0"}}},
		{Text: "x! $ app"},
	}, spec.Segments(app.Labels["a"]))

	doc, err = spec.Read("fromscratch.yaml", []byte(text+"    description: \"\ue000\"\n"))
	require.NoError(t, err)
	s, err = doc.ResolveSymbols(nil, func(spec.Path, string) bool { return true })
	require.NoError(t, err)
	require.Equal(t, "v1, 1.0x! $ app", s.Targets["app"].Labels["a"], "a spec that has the marks keeps nothing")
}
