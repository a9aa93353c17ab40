//go:build integration

package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// TestRunning: a container is healthy and unhealthy by what its program says, and a
// volume belongs to the user and outlives it.
func TestRunning(t *testing.T) {
	const program = `package main

import (
	"os"
	"time"
)

const ready = "/data/ready"

func main() {
	var err error
	switch os.Args[1] {
	case "serve":
		if err = os.WriteFile(ready, []byte("kept"), 0o644); err == nil {
			time.Sleep(time.Hour)
		}
	case "health":
		_, err = os.Stat(ready)
	case "hide":
		err = os.Rename(ready, "/data/hidden")
	case "show":
		var text []byte
		text, err = os.ReadFile("/data/hidden")
		os.Stdout.Write(text)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}
`
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": syntax + "toolchain: prebuilt\ntargets:\n  app:\n    build: program\n    cmd: [serve]\n    volumes: [/data]\n" +
		"    healthcheck: {test: [/app, health], interval: 300ms, timeout: 5s, retries: 2}\n"})
	compileHere(t, program, filepath.Join(dir, "program"), "amd64")
	image, name := bed.Registry+"/test/running", fmt.Sprint("running-", time.Now().UnixNano())
	builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, Push: image}.OK(t, builds.Image)
	run := func(args ...string) string {
		t.Helper()
		out, err := docker(t.Context(), t, args...)
		require.NoError(t, err, out)
		return strings.TrimSpace(out)
	}
	run("pull", "-q", image)
	t.Cleanup(func() {
		// What was not made cannot be removed.
		_, _ = docker(context.Background(), t, "rm", "-f", name)
		_, _ = docker(context.Background(), t, "volume", "rm", name)
	})
	run("run", "-d", "--network", "none", "--name", name, "-v", name+":/data", image)
	status := func() string { return run("inspect", "-f", "{{.State.Health.Status}}", name) }
	require.Eventually(t, func() bool { return status() == "healthy" }, time.Minute, 200*time.Millisecond)
	run("exec", name, "/app", "hide")
	require.Eventually(t, func() bool { return status() == "unhealthy" }, time.Minute, 200*time.Millisecond)
	run("rm", "-f", name)
	require.Equal(t, "kept", run("run", "--rm", "--network", "none", "-v", name+":/data", image, "show"))
}
