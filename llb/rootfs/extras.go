package rootfs

import (
	"path"

	"github.com/moby/buildkit/client/llb"

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

// certPEM is where BSD, Alpine and LibreSSL look for the bundle.
const certPEM = "/etc/ssl/cert.pem"

// CACertificates is the layer of the certificate bundle of tools, the image of
// the frontend.
func CACertificates(tools llb.State, opts ...llb.ConstraintsOpt) Layer {
	return certificates(func(dir *llb.FileAction) *llb.FileAction {
		return dir.Copy(tools, BundlePath, BundlePath, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o644}}, llb.WithUIDGID(0, 0), created)
	}, opts)
}

// CACertificatesWith is the layer of a bundle that is not the frontend's own.
func CACertificatesWith(bundle []byte, opts ...llb.ConstraintsOpt) Layer {
	return certificates(func(dir *llb.FileAction) *llb.FileAction {
		return dir.Mkfile(BundlePath, 0o644, bundle, created)
	}, opts)
}

// certificates is the layer of a bundle that fill adds to its directory.
func certificates(fill func(*llb.FileAction) *llb.FileAction, opts []llb.ConstraintsOpt) Layer {
	dir := llb.Mkdir(path.Dir(BundlePath), 0o755, llb.WithParents(true), created)
	return several("extras: ca-certificates", fill(dir).Symlink(BundlePath, certPEM, created), opts...)
}

// TZData is the layer of the time zone database of tools, the image of the
// frontend.
func TZData(tools llb.State, opts ...llb.ConstraintsOpt) Layer {
	return single("extras: tzdata", llb.Copy(tools, ZoneinfoPath, ZoneinfoPath, &llb.CopyInfo{CreateDestPath: true, CopyDirContentsOnly: true}, llb.WithUIDGID(0, 0), created), opts...)
}

// Passwd is the layer of /etc/passwd and /etc/group, with root and the user, and
// of the user's home.
func Passwd(u spec.User, opts ...llb.ConstraintsOpt) Layer {
	passwd, group := accounts(u)
	action := llb.Mkdir("/etc", 0o755, created).
		Mkfile("/etc/passwd", 0o644, passwd, created).
		Mkfile("/etc/group", 0o644, group, created)
	if u.Home != "/" {
		if parent := path.Dir(u.Home); parent != "/" {
			action = action.Mkdir(parent, 0o755, llb.WithParents(true), created)
		}
		action = action.Mkdir(u.Home, 0o700, llb.WithUIDGID(u.UID, u.GID), created)
	}
	return several("extras: passwd", action, opts...)
}

// Tmp is the layer of /tmp, mode 1777. Making a directory masks the sticky bit,
// a copy of it does not.
func Tmp(opts ...llb.ConstraintsOpt) Layer {
	const name = "extras: tmp"
	dir := llb.Scratch().File(llb.Mkdir("/tmp", 0o777, created), named(name+" (directory)", opts)...)
	return single(name, llb.Copy(dir, "/tmp", "/tmp", &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o1777}}, created), opts...)
}

// Workdir is the layer of the working directory, owned by the user.
func Workdir(dir string, u spec.User, opts ...llb.ConstraintsOpt) Layer {
	var action *llb.FileAction
	if parent := path.Dir(dir); parent != "/" {
		action = llb.Mkdir(parent, 0o755, llb.WithParents(true), created).
			Mkdir(dir, 0o755, llb.WithUIDGID(u.UID, u.GID), created)
	} else {
		action = llb.Mkdir(dir, 0o755, llb.WithUIDGID(u.UID, u.GID), created)
	}
	return several("workdir "+dir, action, opts...)
}
