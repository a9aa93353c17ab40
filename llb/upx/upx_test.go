package upx_test

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/upx"
)

var packer = upx.Packer{Image: llb.Image("upx"), Program: "/usr/bin/upx"}

// TestPack: one exec a file, on the builder, without a network, that cannot write to
// what it packs.
func TestPack(t *testing.T) {
	arm := llbtest.Platform(t, "linux/arm64")
	x := llbtest.Marshal(t, packer.Pack(llb.Image("compiled"), []string{"app"}, arm), llb.LinuxAmd64).OneExec(t)
	require.Equal(t, "[linux/arm64] upx -7 app", x.Name)
	require.Equal(t, []string{"/usr/bin/upx", "-q", "-7", "--no-color", "--no-progress", "-o", "/fromscratch/packed/app", "/fromscratch/programs/app"}, x.Args)
	require.Equal(t, "amd64", x.Platform.Architecture)
	require.Equal(t, pb.NetMode_NONE, x.GetExec().Network)
	require.True(t, x.Mounts["/fromscratch/programs"].Readonly)
	require.NotEqual(t, int64(pb.SkipOutput), x.Mounts["/fromscratch/packed"].Output)
	for dest, m := range x.Mounts {
		require.Equal(t, pb.MountType_BIND, m.MountType, "%s: nothing outlives the exec but its output", dest)
	}
}

// TestPackFolders: files keep their names, also those in folders.
func TestPackFolders(t *testing.T) {
	g := llbtest.Marshal(t, packer.Pack(llb.Image("compiled"), []string{"api/api", "api/worker"}, llbtest.Platform(t, "linux/amd64")), llb.LinuxAmd64)
	require.Len(t, g.Execs(), 2)
	var copied []string
	for _, a := range g.FileActions() {
		copied = append(copied, a.GetCopy().Src+" "+a.GetCopy().Dest)
	}
	require.Equal(t, []string{"/api /api/api", "/worker /api/worker"}, copied)
}
