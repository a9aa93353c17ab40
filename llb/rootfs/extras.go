package rootfs

import (
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Where the frontend's own image keeps what extras are made of.
const (
	// BundlePath is the bundle of certificate authorities, both in the frontend's
	// image and in every image that gets it: the first path that Go looks at, and
	// the one that rustls-native-certs and OpenSSL of Debian find.
	BundlePath = "/etc/ssl/certs/ca-certificates.crt"
	// ZoneinfoPath is the time zone database, in both likewise.
	ZoneinfoPath = "/usr/share/zoneinfo"
)

// CertPEM is where BSD, Alpine and LibreSSL look for the bundle.
const CertPEM = "/etc/ssl/cert.pem"

// CACertificates is the layer of the certificate bundle of tools, the image of
// the frontend.
func CACertificates(tools llb.State, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	return certificates(func(dir *llb.FileAction) *llb.FileAction {
		return dir.Copy(tools, BundlePath, BundlePath, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o644}}, llb.WithUIDGID(0, 0), created)
	}, caps, opts)
}

// CACertificatesWith is the layer of a bundle that is not the frontend's own.
func CACertificatesWith(bundle []byte, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	return certificates(func(dir *llb.FileAction) *llb.FileAction {
		return dir.Mkfile(BundlePath, 0o644, bundle, created)
	}, caps, opts)
}

// certificates is the layer of a bundle that fill adds to its directory.
func certificates(fill func(*llb.FileAction) *llb.FileAction, caps apicaps.CapSet, opts []llb.ConstraintsOpt) Layer {
	dir := llb.Mkdir(path.Dir(BundlePath), 0o755, llb.WithParents(true), created)
	return several("extras: ca-certificates", symlinks(fill(dir), caps, symlink{CertPEM, BundlePath}), opts...)
}

// TZData is the layer of the time zone database of tools, the image of the
// frontend.
func TZData(tools llb.State, opts ...llb.ConstraintsOpt) Layer {
	return single("extras: tzdata", llb.Copy(tools, ZoneinfoPath, ZoneinfoPath, &llb.CopyInfo{CreateDestPath: true, CopyDirContentsOnly: true}, llb.WithUIDGID(0, 0), created), opts...)
}

// Zones is the layer of some zones of that database, which is the same for the same
// zones in whatever order and however often they are named. The database has
// files for links, so that one for a zone is all that it takes.
func Zones(tools llb.State, names []string, opts ...llb.ConstraintsOpt) Layer {
	var action *llb.FileAction
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		p := path.Join(ZoneinfoPath, name)
		// A copy that makes the directories above the file gives them its mode.
		action = mkdir(action, path.Dir(p), 0o755, llb.WithParents(true), created).
			Copy(tools, p, p, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o644}}, llb.WithUIDGID(0, 0), created)
	}
	return several("extras: tzdata", action, opts...)
}

// Passwd is the layer of /etc/passwd and /etc/group. home tells whether the home of the
// user is to be made.
func Passwd(a *Accounts, u spec.User, home bool, opts ...llb.ConstraintsOpt) Layer {
	passwd, group := a.Files()
	action := llb.Mkdir("/etc", 0o755, created).
		Mkfile("/etc/passwd", 0o644, passwd, created).
		Mkfile("/etc/group", 0o644, group, created)
	if home && u.Home != "/" {
		if parent := path.Dir(u.Home); parent != "/" {
			action = action.Mkdir(parent, 0o755, llb.WithParents(true), created)
		}
		action = action.Mkdir(u.Home, 0o700, llb.WithUIDGID(u.UID, u.GID), created)
	}
	return several("extras: passwd", action, opts...)
}

// Tmp is the layer of /tmp, mode 1777. Making a directory masks the sticky bit,
// a copy of it does not.
func Tmp(caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	const name = "extras: tmp"
	if !CopiesModes(caps) {
		return several(name, unpackedDir(nil, Dir{Path: "/tmp", Mode: 0o1777}), opts...)
	}
	dir := llb.Scratch().File(llb.Mkdir("/tmp", 0o777, created), named(name+" (directory)", opts)...)
	return single(name, llb.Copy(dir, "/tmp", "/tmp", &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o1777}}, created), opts...)
}

// NsswitchText and HostsText are the contents of the files.
const (
	NsswitchText = "hosts: files dns\n"
	HostsText    = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
)

// Nsswitch is the layer of /etc/nsswitch.conf: files before DNS.
func Nsswitch(opts ...llb.ConstraintsOpt) Layer {
	return etcFile("nsswitch.conf", "extras: nsswitch", NsswitchText, opts)
}

// Hosts is the layer of /etc/hosts with the names of the loopback addresses.
func Hosts(opts ...llb.ConstraintsOpt) Layer {
	return etcFile("hosts", "extras: hosts", HostsText, opts)
}

// SBOMPath is where the SPDX document of a target lies in its image. Trivy and Syft take
// any file whose name ends so for one.
func SBOMPath(target string) string { return "/usr/share/sbom/" + target + ".spdx.json" }

// SBOM is the layer of the SPDX document of a target.
func SBOM(target string, document []byte, opts ...llb.ConstraintsOpt) Layer {
	p := SBOMPath(target)
	return several("extras: sbom", llb.Mkdir(path.Dir(p), 0o755, llb.WithParents(true), created).Mkfile(p, 0o644, document, created), opts...)
}

func etcFile(file, name, text string, opts []llb.ConstraintsOpt) Layer {
	return several(name, llb.Mkdir("/etc", 0o755, created).Mkfile("/etc/"+file, 0o644, []byte(text), created), opts...)
}

// Dir is a directory with an owner and a mode.
type Dir struct {
	Path     string
	UID, GID int
	// Mode are the permissions as chmod(1) has them, with the sticky bit and its like.
	Mode int
}

// Dirs is the layer of directories that are there for the program to use. Making
// a directory masks the sticky bit and its like, so one that has them is copied
// into its place instead.
func Dirs(name string, dirs []Dir, caps apicaps.CapSet, opts ...llb.ConstraintsOpt) Layer {
	empty := llb.Scratch().File(llb.Mkdir("/dir", 0o755, created), named(name+" (directory)", opts)...)
	// Those around come before those inside, which would make them in passing.
	dirs = slices.SortedStableFunc(slices.Values(dirs), func(a, b Dir) int { return strings.Compare(a.Path, b.Path) })
	var action *llb.FileAction
	for _, d := range dirs {
		owner := llb.WithUIDGID(d.UID, d.GID)
		action = mkdir(action, path.Dir(d.Path), 0o755, llb.WithParents(true), created)
		if d.Mode&^0o777 == 0 {
			action = action.Mkdir(d.Path, os.FileMode(d.Mode), owner, created)
			continue
		}
		if !CopiesModes(caps) {
			action = unpackedDir(action, d)
			continue
		}
		action = action.Copy(empty, "/dir", d.Path, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: os.FileMode(d.Mode)}}, owner, created)
	}
	return several(name, action, opts...)
}

func mkdir(action *llb.FileAction, p string, mode os.FileMode, opts ...llb.MkdirOption) *llb.FileAction {
	if action == nil {
		return llb.Mkdir(p, mode, opts...)
	}
	return action.Mkdir(p, mode, opts...)
}
