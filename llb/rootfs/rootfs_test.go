package rootfs_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	capspb "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

var (
	tools = llb.Image("fromscratch/frontend:1")
	caps  = pb.Caps.CapSet(pb.Caps.All())
	arm64 = func() platform.Platform {
		p, err := platform.Lookup(platforms.MustParse("linux/arm64"))
		if err != nil {
			panic(err)
		}
		return p
	}()
)

func layers() []rootfs.Layer {
	return []rootfs.Layer{
		rootfs.CACertificates(tools, caps),
		rootfs.CACertificatesWith([]byte("pem"), caps),
		rootfs.TZData(tools),
		rootfs.Zones(tools, []string{"UTC", "Europe/Paris"}),
		rootfs.Passwd(rootfs.NewAccounts(spec.Nonroot), spec.Nonroot, true),
		rootfs.Tmp(caps),
		rootfs.Nsswitch(),
		rootfs.Hosts(),
		rootfs.Dirs("dirs", []rootfs.Dir{{Path: "/srv/app", UID: 1, GID: 2, Mode: 0o750}, {Path: "/spool", Mode: 0o1777}}, caps),
		rootfs.Copy(llb.Local("context", llb.SessionID("s")), spec.Copy{Src: spec.Words{"config/*"}, Dest: "/etc/app/", Exclude: spec.Words{"*.tmp"}, Chmod: spec.Mode{Bits: 0o644, Set: true}}, []rootfs.Dir{{Path: "/etc", Mode: 0o755}}, caps),
		rootfs.Binary(llb.Image("compiled"), []string{"api", "worker"}, []string{"/api", "/bin/worker"}, arm64),
	}
}

// TestNothingRuns: the target side is file operations alone, so it needs no
// emulation; and every one of them has the same time, so that layers are the same
// whenever and wherever they are made.
func TestNothingRuns(t *testing.T) {
	for _, l := range layers() {
		t.Run(l.Name, func(t *testing.T) {
			g := llbtest.Marshal(t, l.State(), llb.LinuxAmd64)
			require.Empty(t, g.Execs())
			require.NotEmpty(t, g.FileActions())
			for _, a := range g.FileActions() {
				require.Zero(t, timestamp(t, a), "%v", a)
			}
		})
	}
}

func timestamp(t *testing.T, a *pb.FileAction) int64 {
	t.Helper()
	switch a := a.Action.(type) {
	case *pb.FileAction_Copy:
		return a.Copy.Timestamp
	case *pb.FileAction_Mkfile:
		return a.Mkfile.Timestamp
	case *pb.FileAction_Mkdir:
		return a.Mkdir.Timestamp
	case *pb.FileAction_Symlink:
		return a.Symlink.Timestamp
	}
	t.Fatalf("unexpected action %T", a.Action)
	return 0
}

// TestLayersIgnorePlatform: what an extra is made of is one vertex for all
// platforms. (Those that copy from an image take it for the builder's platform.)
func TestLayersIgnorePlatform(t *testing.T) {
	for _, l := range []rootfs.Layer{rootfs.CACertificatesWith([]byte("pem"), caps), rootfs.Passwd(rootfs.NewAccounts(spec.Nonroot), spec.Nonroot, true), rootfs.Tmp(caps), rootfs.Nsswitch(), rootfs.Hosts()} {
		amd := llbtest.Marshal(t, l.State(), llb.LinuxAmd64).Digest(t)
		arm := llbtest.Marshal(t, l.State(), llb.LinuxArm64).Digest(t)
		require.Equal(t, amd, arm, l.Name)
	}
}

func TestTmpIsSticky(t *testing.T) {
	actions := llbtest.Marshal(t, rootfs.Tmp(caps).State(), llb.LinuxAmd64).FileActions()
	last := actions[len(actions)-1].GetCopy()
	require.NotNil(t, last)
	require.Equal(t, int32(0o1777), last.Mode)
}

// TestZones: the directories of a zone can be entered, which those that a copy makes
// for a file of mode 0644 cannot.
func TestZones(t *testing.T) {
	actions := llbtest.Marshal(t, rootfs.Zones(tools, []string{"UTC", "Europe/Paris", "UTC"}).State(), llb.LinuxAmd64).FileActions()
	var did []string
	for _, a := range actions[:len(actions)-1] {
		if d := a.GetMkdir(); d != nil {
			require.True(t, d.MakeParents)
			did = append(did, fmt.Sprintf("%s %o", d.Path, d.Mode))
		}
		if c := a.GetCopy(); c != nil {
			require.False(t, c.CreateDestPath)
			did = append(did, fmt.Sprintf("%s %o", c.Dest, c.Mode))
		}
	}
	require.Equal(t, []string{
		"/usr/share/zoneinfo/Europe 755", "/usr/share/zoneinfo/Europe/Paris 644",
		"/usr/share/zoneinfo 755", "/usr/share/zoneinfo/UTC 644",
	}, did)
}

// TestDirs: a mode beyond 0777 needs a copy, since making a directory masks it.
func TestDirs(t *testing.T) {
	actions := llbtest.Marshal(t, rootfs.Dirs("dirs", []rootfs.Dir{{Path: "/a/b", UID: 1, GID: 2, Mode: 0o750}, {Path: "/spool", Mode: 0o1777}}, caps).State(), llb.LinuxAmd64).FileActions()
	var modes []string
	for _, a := range actions {
		if d := a.GetMkdir(); d != nil && d.Path != "/dir" {
			modes = append(modes, fmt.Sprintf("%s %o", d.Path, d.Mode))
		}
		if c := a.GetCopy(); c != nil && c.Src == "/dir" {
			modes = append(modes, fmt.Sprintf("%s %o", c.Dest, c.Mode))
		}
	}
	require.Equal(t, []string{"/a 755", "/a/b 750", "/ 755", "/spool 1777"}, modes)
}

func TestCopy(t *testing.T) {
	actions := llbtest.Marshal(t, rootfs.Copy(llb.Image("x"), spec.Copy{Src: spec.Words{"config/"}, Dest: "/etc/app/", Chown: "5:6", UID: 5, GID: 6, Exclude: spec.Words{"*.tmp"}, Chmod: spec.Mode{Bits: 0o640, Set: true}},
		[]rootfs.Dir{{Path: "/etc", Mode: 0o755}, {Path: "/etc/app", UID: 5, GID: 6, Mode: 0o750}}, caps).State(), llb.LinuxAmd64).FileActions()
	require.Equal(t, "/etc", actions[0].GetMkdir().Path)
	require.Zero(t, actions[0].GetMkdir().Owner.User.GetByID(), "what is above stays root's")
	require.Equal(t, uint32(5), actions[1].GetMkdir().Owner.User.GetByID())
	c := actions[2].GetCopy()
	require.True(t, c.FollowSymlink)
	require.Equal(t, "/config", c.Src)
	require.Equal(t, "/etc/app/", c.Dest)
	require.Equal(t, []string{"*.tmp"}, c.ExcludePatterns)
	require.Equal(t, "a-x,u=rwX,g=rX,o=", c.ModeStr, "directories can be entered")
	require.Equal(t, uint32(5), c.Owner.User.GetByID())
	require.Equal(t, uint32(6), c.Owner.Group.GetByID())
	require.True(t, c.DirCopyContents)
}

func TestPasswd(t *testing.T) {
	for _, tc := range []struct {
		name          string
		user          spec.User
		passwd, group string
		home          string
	}{
		{"nonroot", spec.Nonroot,
			"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
			"root:x:0:\nnonroot:x:65532:\n", "/home/nonroot"},
		{"root", spec.Root, "root:x:0:0:root:/root:/sbin/nologin\n", "root:x:0:\n", "/root"},
		{"group 0", spec.User{Name: "app", UID: 1000, GID: 0, Home: "/"},
			"root:x:0:0:root:/root:/sbin/nologin\napp:x:1000:0:app:/:/sbin/nologin\n", "root:x:0:\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := llbtest.Marshal(t, rootfs.Passwd(rootfs.NewAccounts(tc.user), tc.user, true).State(), llb.LinuxAmd64)
			got := map[string]string{}
			home := ""
			for _, a := range g.FileActions() {
				if f := a.GetMkfile(); f != nil {
					got[f.Path] = string(f.Data)
					require.Equal(t, int32(0o644), f.Mode)
				}
				if d := a.GetMkdir(); d != nil && d.Owner != nil {
					home = d.Path
					require.Equal(t, int32(0o700), d.Mode)
					require.Equal(t, uint32(tc.user.UID), d.Owner.User.GetByID())
				}
			}
			require.Equal(t, map[string]string{"/etc/passwd": tc.passwd, "/etc/group": tc.group}, got)
			require.Equal(t, tc.home, home)
		})
	}
}

func TestAssemble(t *testing.T) {
	merge := llbtest.Marshal(t, rootfs.Assemble(layers(), pb.Caps.CapSet(pb.Caps.All())), llb.LinuxAmd64)
	require.Len(t, mergesOf(merge), 1)
	require.Len(t, mergesOf(merge)[0].Inputs, len(layers()), "one layer an extra, so that images share them")

	old := llbtest.Marshal(t, rootfs.Assemble(layers(), without(pb.CapMergeOp)), llb.LinuxAmd64)
	require.Empty(t, mergesOf(old), "a daemon without MergeOp is never asked for one")
	for _, a := range old.FileActions() {
		require.Zero(t, timestamp(t, a))
	}
}

func mergesOf(g *llbtest.Graph) []*pb.MergeOp {
	var out []*pb.MergeOp
	for _, op := range g.Ops {
		if m := op.GetMerge(); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// without are the capabilities of a BuildKit that lacks some.
func without(ids ...apicaps.CapID) apicaps.CapSet {
	return pb.Caps.CapSet(slices.DeleteFunc(pb.Caps.All(), func(c *capspb.APICap) bool { return slices.Contains(ids, apicaps.CapID(c.ID)) }))
}

// TestOldSymlinks: BuildKit before 0.19 fails on an operation that makes a link, and
// unpacks an archive of links.
func TestOldSymlinks(t *testing.T) {
	old := without(pb.CapFileSymlinkCreate)
	for name, tc := range map[string]struct {
		layer func(apicaps.CapSet) rootfs.Layer
		want  map[string]string
	}{
		"certificates": {func(c apicaps.CapSet) rootfs.Layer { return rootfs.CACertificates(tools, c) }, map[string]string{"etc/ssl/cert.pem": rootfs.BundlePath}},
		"bundle":       {func(c apicaps.CapSet) rootfs.Layer { return rootfs.CACertificatesWith([]byte("pem"), c) }, map[string]string{"etc/ssl/cert.pem": rootfs.BundlePath}},
		"shell": {func(c apicaps.CapSet) rootfs.Layer {
			return rootfs.Shell(tools, "/bin/busybox", "/usr/bin", []string{"ls", "sh"}, c)
		}, map[string]string{"usr/bin/ls": "busybox", "usr/bin/sh": "busybox"}},
	} {
		t.Run(name, func(t *testing.T) {
			made := map[string]string{}
			for _, a := range llbtest.Marshal(t, tc.layer(caps).State(), llb.LinuxAmd64).FileActions() {
				if l := a.GetSymlink(); l != nil {
					made[l.Newpath[1:]] = l.Oldpath
				}
			}
			require.Equal(t, tc.want, made)

			unpacked := map[string]string{}
			unpacks := false
			for _, a := range llbtest.Marshal(t, tc.layer(old).State(), llb.LinuxAmd64).FileActions() {
				require.Zero(t, timestamp(t, a))
				require.Nil(t, a.GetSymlink())
				unpacks = unpacks || a.GetCopy().GetAttemptUnpackDockerCompatibility()
				if f := a.GetMkfile(); f != nil && f.Path == "/links.tar" {
					r := tar.NewReader(bytes.NewReader(f.Data))
					for h, err := r.Next(); err != io.EOF; h, err = r.Next() {
						require.NoError(t, err)
						require.Equal(t, []any{byte(tar.TypeSymlink), 0, 0, int64(0)}, []any{h.Typeflag, h.Uid, h.Gid, h.ModTime.Unix()})
						unpacked[h.Name] = h.Linkname
					}
				}
			}
			require.True(t, unpacks)
			require.Equal(t, tc.want, unpacked)
		})
	}
	require.Empty(t, llbtest.Marshal(t, rootfs.Shell(tools, "/busybox", "/bin", nil, old).State(), llb.LinuxAmd64).Execs())
}

// TestOldModes: the words for a mode mean nothing to BuildKit before 0.17, which would
// leave a file as it is.
func TestOldModes(t *testing.T) {
	old := without(pb.CapFileSymlinkCreate)
	require.True(t, rootfs.CopiesModes(caps))
	require.False(t, rootfs.CopiesModes(old))
	for _, a := range llbtest.Marshal(t, rootfs.Copy(llb.Image("x"), spec.Copy{Src: spec.Words{"a"}, Dest: "/a", Chmod: spec.Mode{Bits: 0o640, Set: true}}, nil, old).State(), llb.LinuxAmd64).FileActions() {
		if c := a.GetCopy(); c != nil && c.Src == "/a" {
			require.Equal(t, "", c.ModeStr)
			require.Equal(t, int32(0o640), c.Mode)
			return
		}
	}
	t.Fatal("nothing is copied")
}

// TestOldDirectories: BuildKit 0.11 drops what the mode of a copy has beyond 0777, and
// unpacks it.
func TestOldDirectories(t *testing.T) {
	old := without(pb.CapFileSymlinkCreate)
	for path, l := range map[string]rootfs.Layer{
		"tmp/":   rootfs.Tmp(old),
		"spool/": rootfs.Dirs("dirs", []rootfs.Dir{{Path: "/spool", Mode: 0o1777}, {Path: "/srv", Mode: 0o750}}, old),
	} {
		var found []string
		for _, a := range llbtest.Marshal(t, l.State(), llb.LinuxAmd64).FileActions() {
			require.Zero(t, timestamp(t, a))
			if f := a.GetMkfile(); f != nil {
				h, err := tar.NewReader(bytes.NewReader(f.Data)).Next()
				require.NoError(t, err)
				found = append(found, fmt.Sprintf("%s %o", h.Name, h.Mode))
			}
		}
		require.Equal(t, []string{path + " 1777"}, found)
	}
}
