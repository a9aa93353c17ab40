package frontend

import (
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/stretchr/testify/require"
)

// For tests of what a build shows at its end alone.
var (
	Cures  = cures
	Follow = follow
	Glob   = glob
)

// PublicURL is what an image says of a git context.
func PublicURL(t *testing.T, context string) string {
	t.Helper()
	ref, _, err := dfgitutil.ParseGitRef(context)
	require.NoError(t, err)
	return publicURL(ref)
}
