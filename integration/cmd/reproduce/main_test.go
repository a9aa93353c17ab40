package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFolder(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"go-service", "other"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, "examples", name), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, "examples", name, "fromscratch.yaml"), nil, 0o644))
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, filepath.Join(root, "examples", "go-service")},
		{[]string{"other"}, filepath.Join(root, "examples", "other")},
		{[]string{filepath.Join(root, "examples", "other")}, filepath.Join(root, "examples", "other")},
	} {
		got, err := folder(root, tc.args)
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
	_, err := folder(root, []string{"x"})
	require.ErrorContains(t, err, "x is neither an example (go-service, rust-service) nor frontend nor the path of a folder with a spec")
	_, err = folder(root, []string{"a", "b"})
	require.ErrorContains(t, err, "one folder is built at a time, not a b")
}
