package rootfs_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// TestFileCapabilities has values that setcap(8) wrote.
func TestFileCapabilities(t *testing.T) {
	require.Equal(t, []byte("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		rootfs.FileCapabilities([]spec.Capability{{Number: 10, Effective: true}}), "cap_net_bind_service=ep")
	require.Equal(t, []byte("\x00\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
		rootfs.FileCapabilities([]spec.Capability{{Number: 13}, {Number: 40}}), "cap_net_raw,cap_checkpoint_restore=p")
}

// TestCapable: nothing runs, every binary is linked with the attribute, and the
// links are left behind.
func TestCapable(t *testing.T) {
	paths := []string{"/api", "/bin/worker"}
	caps := []spec.Capability{{Number: 10, Effective: true}}
	l, err := rootfs.Capable(rootfs.Binary(llb.Image("compiled"), []string{"api", "worker"}, paths, arm64), paths, caps)
	require.NoError(t, err)
	require.Equal(t, "[linux/arm64] binary api, worker", l.Name)
	g := llbtest.Marshal(t, l.State(), llb.LinuxAmd64)
	require.Empty(t, g.Execs())
	unpacked, left := false, false
	for _, a := range g.FileActions() {
		require.Zero(t, timestamp(t, a), "%v", a)
		if c := a.GetCopy(); c != nil {
			unpacked = unpacked || c.AttemptUnpackDockerCompatibility
			left = left || c.Src == "/image" && c.Dest == "/" && c.DirCopyContents
		}
		f := a.GetMkfile()
		if f == nil {
			continue
		}
		var links []string
		for tr := tar.NewReader(bytes.NewReader(f.Data)); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.Equal(t, byte(tar.TypeLink), h.Typeflag)
			require.Zero(t, h.ModTime.Unix())
			require.Equal(t, string(rootfs.FileCapabilities(caps)), h.PAXRecords["SCHILY.xattr.security.capability"])
			links = append(links, h.Linkname)
		}
		require.Equal(t, []string{"image/api", "image/bin/worker"}, links)
	}
	require.True(t, unpacked)
	require.True(t, left)
}

// TestAccounts: accounts that are there stay, and the user is added once.
func TestAccounts(t *testing.T) {
	read := func() *rootfs.Accounts {
		return rootfs.ReadAccounts([]byte("root:x:0:0:root:/root:/bin/sh\napp:x:5:5::/srv:/bin/sh\nodd\n"), []byte("root:x:0:\nusers:x:100:\n"))
	}
	for name, tc := range map[string]struct {
		user          spec.User
		added         bool
		passwd, group string
	}{
		"root":           {spec.Root, false, "", ""},
		"a new one":      {spec.Nonroot, true, "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n", "nonroot:x:65532:\n"},
		"a known number": {spec.User{Name: "user", UID: 5, GID: 100, Home: "/home/user"}, false, "", ""},
		"a known name":   {spec.User{Name: "app", UID: 7, GID: 100, Home: "/home/app"}, true, "app7:x:7:100:app7:/home/app:/sbin/nologin\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := read()
			require.Equal(t, tc.added, a.Add(tc.user))
			files := map[string]string{}
			for _, act := range llbtest.Marshal(t, rootfs.Passwd(a, tc.user, false).State(), llb.LinuxAmd64).FileActions() {
				if f := act.GetMkfile(); f != nil {
					files[f.Path] = string(f.Data)
				}
				require.NotEqual(t, tc.user.Home, act.GetMkdir().GetPath())
			}
			require.Equal(t, "root:x:0:0:root:/root:/bin/sh\napp:x:5:5::/srv:/bin/sh\nodd\n"+tc.passwd, files["/etc/passwd"])
			require.Equal(t, "root:x:0:\nusers:x:100:\n"+tc.group, files["/etc/group"])
		})
	}
	home, ok := read().Home(5)
	require.True(t, ok)
	require.Equal(t, "/srv", home)
	_, ok = read().Home(6)
	require.False(t, ok)
}

// TestBaseWithoutMerge: a daemon that cannot merge keeps the layers of the base.
func TestBaseWithoutMerge(t *testing.T) {
	layers := []rootfs.Layer{rootfs.Base(llb.Image("debian:12")), rootfs.Tmp(caps), rootfs.Hosts()}
	g := llbtest.Marshal(t, rootfs.Assemble(layers, pb.Caps.CapSet(nil)), llb.LinuxAmd64)
	require.Contains(t, fmt.Sprint(g.Ops), "docker.io/library/debian:12")
	for _, op := range g.Ops {
		require.NotEqual(t, "base", op.Name, "copied into one layer")
	}
}
