package builds_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// TestDisguise: what the copy holds is the same, and all else of it is not.
func TestDisguise(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, os.MkdirAll(filepath.Join(from, "dir"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(from, "dir", "run"), []byte("text"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(from, "dir", "file"), []byte("text"), 0o644))
	require.NoError(t, os.Symlink("run", filepath.Join(from, "dir", "link")))
	require.NoError(t, builds.Disguise(from, to))
	for name, want := range map[string]os.FileMode{"dir": 0o700 | os.ModeDir, "dir/run": 0o700, "dir/file": 0o600} {
		info, err := os.Stat(filepath.Join(to, name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), name)
		require.Equal(t, uint32(1234), info.Sys().(*syscall.Stat_t).Uid)
		require.WithinDuration(t, time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC), info.ModTime(), 48*time.Hour)
	}
	link, err := os.Readlink(filepath.Join(to, "dir", "link"))
	require.NoError(t, err)
	require.Equal(t, "run", link)
	data, err := os.ReadFile(filepath.Join(to, "dir", "file"))
	require.NoError(t, err)
	require.Equal(t, "text", string(data))
}
