package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func TestWhatWasPushedIsAPartOfTheState(t *testing.T) {
	l := &lab{bed: &testbed.Bed{Root: t.TempDir()}}
	l.dir = filepath.Join(l.bed.Root, "bench")
	r := newRunner(l, nil)
	b := &ko{lab: l, peer: findPeer("ko", Go), prog: findProgram("go-service")}
	links := func(want ...string) {
		t.Helper()
		dir := l.repository(b.pushes())
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(found) != len(want) {
			t.Fatalf("got %q, %v, want %q", found, err, want)
		}
		for _, name := range want {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	push := func(name string) {
		t.Helper()
		if err := writeFiles(l.repository(b.pushes()), map[string]string{name + "/link": "sha256:0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.disk().clear(); err != nil {
		t.Fatal(err)
	}
	if err := b.disk().save("pristine_1"); err != nil {
		t.Fatal(err)
	}
	push("first")
	if err := r.save(b, "p_1"); err != nil {
		t.Fatal(err)
	}
	push("second")
	if err := r.restore(b, "p_1"); err != nil {
		t.Fatal(err)
	}
	links("first")
	if !r.has(b, "p_1") {
		t.Error("the state is not there")
	}
	// A state of which nobody knows what was pushed is none; a new builder has pushed
	// nothing.
	if r.has(b, "pristine_1") {
		t.Error("a state without what was pushed is taken")
	}
	if err := r.restore(b, "pristine_1"); err != nil {
		t.Fatal(err)
	}
	links()
	// What belongs to a state goes with it.
	push("third")
	if err := r.save(b, "p_2"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pushedWith(b, "p_1")); err == nil {
		t.Error("what was pushed with an older state is kept")
	}
}
