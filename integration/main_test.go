//go:build integration

// Package integration tests the frontend as users meet it: on the test bed, with
// a real buildkitd, docker buildx, a registry and a Docker Engine. The same cases
// run with the frontend as an image and in process.
package integration

import (
	"fmt"
	"os"
	"testing"

	"github.com/containerd/log"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

var bed *testbed.Bed

// full tells whether everything is to be tested, as by make test-full.
func full() bool { return os.Getenv("FROMSCRATCH_LONG") != "" }

// long marks a test that compiles much: make test-full runs it.
func long(t *testing.T) {
	t.Helper()
	if !full() {
		t.Skip("compiles for long: make test-full runs it")
	}
}

// each is builds.Each for tests that compile much: without make test-full, the
// frontend is reached as users reach it and no other way.
func each(t *testing.T, f func(t *testing.T, via builds.Via)) {
	if full() {
		builds.Each(t, f)
		return
	}
	t.Run(string(builds.Image), func(t *testing.T) { f(t, builds.Image) })
}

func TestMain(m *testing.M) {
	// The content store warns of every folder whose file system lacks fs-verity.
	err := log.SetLevel("error")
	if err != nil {
		panic(err)
	}
	if bed, err = testbed.Open(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
