package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

const message = `{"reason":"compiler-artifact","package_id":"registry+x#a@1.0.0","filenames":["/t/deps/liba-0123456789abcdef.rlib"],"target":{"kind":["lib"]}}`

// TestFirst: what runs beside a build begins when the build has found out what to
// compile, which its first message tells, and not before.
func TestFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		calls  int
	}{
		"messages":   {"echo '" + message + "'; until [ -e begun ]; do sleep 0.01; done; echo '" + message + "'", 1},
		"no message": {"true", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var units sourcesync.Units
			calls := 0
			first := func() {
				calls++
				if err := os.WriteFile(filepath.Join(dir, "begun"), nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			// The build ends when first was called while it ran.
			if err := run([]string{"timeout", "20", "sh", "-c", tc.script}, dir, nil, &units, first); err != nil {
				t.Fatal(err)
			}
			if calls != tc.calls {
				t.Errorf("called %d times, want %d", calls, tc.calls)
			}
			if tc.calls > 0 && !units.All["0123456789abcdef"] {
				t.Errorf("the message was not read: %v", units.All)
			}
		})
	}
}

// TestListing: cargo metadata runs once, beside the build or when it is asked for.
func TestListing(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		early bool
	}{
		"nothing to change":  {[]string{"--locked", "--offline"}, true},
		"may still download": {[]string{"--locked"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := sourcesync.Command{Metadata: append([]string{"sh", "-c", "echo ran >> log; cat log"}, tc.args...), Copy: []sourcesync.Copy{{}}}
			l := list(c, dir, nil)
			if l.early != tc.early {
				t.Errorf("early is %t", l.early)
			}
			l.beside()
			for range 2 {
				if err := l.run(); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.out.String(); got != "ran\n" {
				t.Errorf("it said %q", got)
			}
		})
	}
	if l := list(sourcesync.Command{}, "", nil); l != nil {
		t.Error("nobody asked for it")
	}
	var none *listing
	none.beside()
}
