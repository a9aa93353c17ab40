//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// TestCompose: docker compose builds the monorepo, and loads the images into a
// Docker Engine that is too old to build them itself.
func TestCompose(t *testing.T) {
	long(t)
	program, err := testbed.BuildTool(t.Context(), bed.Root, "compose", t.Output())
	require.NoError(t, err)
	_, err = bed.Docker(t.Context())
	require.NoError(t, err)
	// Another project than that of somebody who tries the example here.
	project := "test-compose"
	images := []string{"web", "notes", "feed", "words", "slugs", "ui"}
	t.Cleanup(func() {
		for _, name := range images {
			// What was not made cannot be removed.
			_, _ = docker(context.Background(), t, "rmi", "-f", project+"-"+name)
		}
	})
	dir := monorepo(t).Dir
	compose := func(args ...string) *exec.Cmd {
		cmd := bed.Command(t.Context(), program, append([]string{"-p", project}, args...)...)
		cmd.Dir = dir
		return cmd
	}

	out, err := compose("build").CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range images[:5] {
		out, err := docker(t.Context(), t, "image", "inspect", "-f", "{{json .Config}}", project+"-"+name)
		require.NoError(t, err, out)
		var cfg struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
		}
		require.NoError(t, json.Unmarshal([]byte(out), &cfg))
		require.Equal(t, "65532:65532", cfg.User)
		require.Equal(t, []string{"/" + name}, cfg.Entrypoint)
		require.Equal(t, project, cfg.Labels["com.docker.compose.project"], "labels of compose's own")
	}

	t.Run("runs", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		addr := l.Addr().String()
		require.NoError(t, l.Close())
		id, err := docker(t.Context(), t, "run", "-d", "--rm", "--network", "host", "-e", "ADDR="+addr, project+"-web")
		require.NoError(t, err, id)
		id = strings.TrimSpace(id)
		t.Cleanup(func() {
			out, err := docker(context.Background(), t, "rm", "-f", id)
			require.NoError(t, err, out)
		})
		require.Eventually(t, func() bool {
			_, err := docker(t.Context(), t, "exec", id, "/web", "health")
			return err == nil
		}, time.Minute, 200*time.Millisecond)
		require.Equal(t, "{\"ui\": \"dev\"}\n", ask(t, "http://"+addr+"/version.json", ""), "what the service ui of compose.yaml made")
	})
	t.Run("a spec beside the service", func(t *testing.T) {
		rewrite(t, dir, "compose.yaml", "build: {<<: *build, target: notes}", "build: {context: ., dockerfile: go/cmd/notes/fromscratch.yaml}")
		out, err := compose("build", "notes").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	t.Run("the engine's own builder", func(t *testing.T) {
		cmd := compose("build", "feed")
		// Without a configuration there is neither a plugin nor a builder of buildx's.
		cmd.Env = append(cmd.Env, "BUILDX_BUILDER=", "BUILDX_CONFIG="+t.TempDir(), "DOCKER_CONFIG="+t.TempDir())
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "fromscratch needs BuildKit 0.11, Docker Engine 24.0 or later")
	})
	t.Run("a mistake is shown at its line", func(t *testing.T) {
		rewrite(t, dir, "fromscratch.yaml", "dir: go ", "dir: golang ")
		out, err := compose("build", "feed").CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "there is no folder golang in the build context")
	})
}
