package builds_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

func TestReadSteps(t *testing.T) {
	const progress = `{"vertexes":[{"digest":"sha256:1","name":"[api] go build ./cmd/api","started":"2026-01-01T00:00:00Z"}]}
{"vertexes":[{"digest":"sha256:2","name":"[api] go mod download","completed":"2026-01-01T00:00:01Z","cached":true}]}
{"vertexes":[{"digest":"sha256:1","name":"[api] go build ./cmd/api","completed":"2026-01-01T00:00:02Z"}],"logs":[{"vertex":"sha256:1","data":"c3lzdGVtIHNheXMgaGkK"}]}
{"vertexes":[{"digest":"sha256:1","name":"[api] go build ./cmd/api","completed":"2026-01-01T00:00:02Z","cached":true}]}
{"vertexes":[{"digest":"sha256:2","name":"[web] go mod download","completed":"2026-01-01T00:00:01Z","cached":true}]}
{"vertexes":[{"digest":"sha256:4","name":"[web] toolchain","started":"2025-12-31T23:59:59Z","completed":"2026-01-01T00:00:01Z"}]}
{"vertexes":[{"digest":"sha256:3","name":"[web] go build ./cmd/web","started":"2026-01-01T00:00:02Z"}]}
ERROR: it failed
`
	var done []string
	s, text, err := builds.ReadSteps(strings.NewReader(progress), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), func(v *client.Vertex) { done = append(done, v.Name) })
	require.NoError(t, err)
	compiles := regexp.MustCompile(`go build`)
	require.Equal(t, []string{"[api] go build ./cmd/api"}, s.Ran(compiles), "it ran once, whatever came later; what did not finish is no step")
	require.Equal(t, s.Ran(compiles), done, "told of once")
	require.Empty(t, s.Cached(compiles))
	require.Equal(t, []string{"[api] go mod download", "[web] go mod download", "[web] toolchain"}, s.Cached(regexp.MustCompile("")),
		"what another build is to blame for did not run here")
	require.Equal(t, 1, s.Distinct(regexp.MustCompile("download")), "two targets share it")
	require.Equal(t, "system says hi\nERROR: it failed\n", text)
}
