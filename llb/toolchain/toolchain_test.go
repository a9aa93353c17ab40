package toolchain_test

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	apicapspb "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// TestLayerMount: a BuildKit that cannot leave the content of a mount out of a key gets a
// graph that it understands.
func TestLayerMount(t *testing.T) {
	without := func() apicaps.CapSet {
		all := pb.Caps.All()
		some := make([]*apicapspb.APICap, 0, len(all))
		for _, c := range all {
			if c.ID != string(pb.CapExecMountContentCache) {
				some = append(some, c)
			}
		}
		return pb.Caps.CapSet(some)
	}
	for name, tc := range map[string]struct {
		caps apicaps.CapSet
		want pb.MountContentCache
	}{
		"today": {pb.Caps.CapSet(pb.Caps.All()), pb.MountContentCache_OFF},
		"older": {without(), pb.MountContentCache_DEFAULT},
	} {
		t.Run(name, func(t *testing.T) {
			e := toolchain.Env{Image: toolchain.Image{State: llb.Image("golang:1.26")}, Caps: tc.caps}
			st := e.Image.State.Run(llb.Args([]string{"true"}), e.LayerMount("/layer", llb.Image("layer"), llb.Readonly)).Root()
			m := llbtest.Marshal(t, st, llb.LinuxAmd64, llb.WithCaps(tc.caps)).OneExec(t).Mounts["/layer"]
			require.True(t, m.Readonly)
			require.Equal(t, tc.want, m.ContentCache)
		})
	}
}
