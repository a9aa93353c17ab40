package frontend_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	capspb "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// TestTooOld: a BuildKit that does not tell a frontend its image is named before the
// build context is transferred.
func TestTooOld(t *testing.T) {
	c := newClient(t, goSpec, nil)
	_, err := frontend.Frontend{}.Build(t.Context(), c)
	require.ErrorContains(t, err, "fromscratch needs BuildKit 0.11, Docker Engine 24.0 or later")
	for _, op := range c.Ops(t) {
		if src := op.GetSource(); src != nil && src.Identifier == "local://context" {
			require.Contains(t, src.Attrs[pb.AttrFollowPaths]+src.Attrs[pb.AttrIncludePatterns], ".dockerignore", "that file alone")
		}
	}
}

// oldClient is a client of a BuildKit that lacks capabilities.
type oldClient struct {
	*gatewaytest.Client
	lacks []apicaps.CapID
}

func (c oldClient) BuildOpts() client.BuildOpts {
	opts := c.Client.BuildOpts()
	opts.LLBCaps = pb.Caps.CapSet(slices.DeleteFunc(pb.Caps.All(), func(have *capspb.APICap) bool { return slices.Contains(c.lacks, apicaps.CapID(have.ID)) }))
	return opts
}

// TestModesOfOld: where a mode would be lost, or would lock a directory, the build stops.
func TestModesOfOld(t *testing.T) {
	for entry, want := range map[string]string{
		"{src: conf, dest: /c, chmod: 0640}":   "fromscratch.yaml:5:41: this BuildKit cannot give the files of a directory another mode than the directory; it takes BuildKit 0.19 or later",
		"{src: go.mod, dest: /c, chmod: 0640}": "",
		"{src: conf, dest: /c, chmod: 02750}":  "",
		"{src: conf, dest: /c}":                "",
	} {
		c := newClient(t, "toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n    copy: ["+entry+"]\n", nil)
		for name, f := range copyable {
			c.Files.(fstest.MapFS)[name] = f
		}
		_, err := build(oldClient{c, []apicaps.CapID{pb.CapFileSymlinkCreate}})
		if want == "" {
			require.NoError(t, err, entry)
			continue
		}
		require.ErrorContains(t, err, want)
		require.False(t, strings.Contains(err.Error(), "\n"))
	}
}
