package gocache_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

func put(t *testing.T, s gocache.Store, action, output, content string) {
	t.Helper()
	_, err := s.Put([]byte(action), []byte(output), int64(len(content)), strings.NewReader(content))
	require.NoError(t, err)
}

func content(t *testing.T, s gocache.Store, action string) (string, bool) {
	t.Helper()
	e, ok := s.Get([]byte(action))
	if !ok {
		return "", false
	}
	data, err := os.ReadFile(e.File)
	require.NoError(t, err)
	return string(data), true
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s := gocache.Open(filepath.Join(dir, "not", "there"))
	_, ok := content(t, s, "a")
	require.False(t, ok)
	put(t, s, "a", "1", "one")
	put(t, s, "b", "1", "one")
	put(t, s, "c", "0", "")
	for action, want := range map[string]string{"a": "one", "b": "one", "c": ""} {
		got, ok := content(t, s, action)
		require.True(t, ok, action)
		require.Equal(t, want, got)
	}
	_, err := s.Put([]byte("d"), []byte("2"), 5, strings.NewReader("four"))
	require.ErrorContains(t, err, "4 bytes came, and not 5")
	_, ok = content(t, s, "d")
	require.False(t, ok, "what did not come whole is not there")
	left, err := filepath.Glob(filepath.Join(dir, "not", "there", "*", "*", ".new-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestDamagedStore: a machine that lost power may leave files without their end.
func TestDamagedStore(t *testing.T) {
	for _, part := range []string{"actions", "outputs"} {
		t.Run(part, func(t *testing.T) {
			dir := t.TempDir()
			s := gocache.Open(dir)
			put(t, s, "a", "1", "one")
			files, err := filepath.Glob(filepath.Join(dir, part, "*", "*"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			require.NoError(t, os.Truncate(files[0], 2))
			_, ok := content(t, s, "a")
			require.False(t, ok)
			put(t, s, "a", "1", "one")
			got, ok := content(t, s, "a")
			require.True(t, ok, "the next build mends it")
			require.Equal(t, "one", got)
		})
	}
}

func TestStoreOfMany(t *testing.T) {
	s := gocache.Open(t.TempDir())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				put(t, s, "a", "1", strings.Repeat("x", 1<<12))
				if got, ok := content(t, s, "a"); !ok || len(got) != 1<<12 {
					t.Error("a file that others write was seen without its end")
				}
			}
		})
	}
	wg.Wait()
}

// TestTrim: what nobody has used for days goes, once a day.
func TestTrim(t *testing.T) {
	dir := t.TempDir()
	s := gocache.Open(dir)
	put(t, s, "old", "1", "one")
	put(t, s, "new", "2", "two")
	now := time.Now()
	for _, pattern := range []string{"actions/6f/*", "outputs/31/*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		require.Len(t, files, 1)
		old := now.Add(-6 * 24 * time.Hour)
		require.NoError(t, os.Chtimes(files[0], old, old))
	}
	removed, err := s.Trim(now)
	require.NoError(t, err)
	require.Positive(t, removed)
	_, ok := s.Get([]byte("old"))
	require.False(t, ok)
	_, ok = s.Get([]byte("new"))
	require.True(t, ok)
	removed, err = s.Trim(now.Add(time.Hour))
	require.NoError(t, err)
	require.Zero(t, removed)
	removed, err = s.Trim(now.Add(7 * 24 * time.Hour))
	require.NoError(t, err)
	require.Positive(t, removed)
}
