package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil/types"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// base is the image that a target is built on.
type base struct {
	toolchain.Image
	// config is the config of the image; nil where the base is a folder of files.
	config *dockerspec.DockerOCIImage
	files  *sources.FS
}

// baseImage resolves the base of the target for its platform: a named context of
// that name if the request has one, else the image. It is nil for scratch.
func (b *builder) baseImage(ctx context.Context) (*base, error) {
	name := b.target.Base
	if name == "" {
		return nil, nil
	}
	img, err := b.loadBase(ctx, name)
	if err != nil {
		return nil, b.baseUnavailable(ctx, name, err)
	}
	out := &base{Image: img}
	if img.Config.Architecture != "" {
		out.config = &out.Config
		if has := platforms.Normalize(img.Config.Platform); !platforms.Only(b.platform.OCI).Match(has) {
			return nil, b.baseProblem(fmt.Sprintf("the base %s is for %s alone, and the image is for %s; name a base that has it", name, platforms.FormatAll(has), b.platform))
		}
	}
	out.files, err = b.req.files(ctx, out.State)
	return out, err
}

func (b *builder) baseProblem(msg string) error {
	return b.spec.Problem(b.spec.BasePath(b.target), msg)
}

func (b *builder) loadBase(ctx context.Context, name string) (toolchain.Image, error) {
	if img, err := b.req.contextImage(ctx, b.platform.OCI, name); img != nil || err != nil {
		return deref(img), err
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return toolchain.Image{}, err
	}
	return b.req.pinnedImage(ctx, named, b.platform.OCI, b.req.location(b.spec.KeyRange(b.spec.BasePath(b.target)...)),
		llb.WithCustomNamef("[%s] base %s", b.platform, reference.FamiliarString(named)))
}

// baseUnavailable explains a base that cannot be had. One that is there for other
// platforms is asked which.
func (b *builder) baseUnavailable(ctx context.Context, name string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	msg := err.Error()
	named, nerr := reference.ParseNormalizedNamed(name)
	if nerr == nil && strings.Contains(msg, "no match for platform") {
		var has []string
		for _, s := range platform.Supported(func(p platform.Platform) bool { return p.OCI.Architecture != "amd64" || p.OCI.Variant == "" }) {
			pf := platforms.MustParse(s)
			_, _, data, err := b.req.resolveConfig(ctx, named, pf)
			var cfg ocispecs.Image
			// A platform that is compatible is found too, and is not the one that was asked for.
			if err == nil && json.Unmarshal(data, &cfg) == nil && cfg.Architecture == pf.Architecture && platforms.Normalize(cfg.Platform).Variant == pf.Variant {
				has = append(has, s)
			}
		}
		if len(has) > 0 {
			return b.baseProblem(fmt.Sprintf("the base %s has no image for %s, only for %s; build for these, or name another base", name, b.platform, spec.List(has)))
		}
		return b.baseProblem(fmt.Sprintf("the base %s has no image for %s; name another base", name, b.platform))
	}
	if b.spec.Targets[name] != nil {
		return b.baseProblem(fmt.Sprintf("%s is a target, and base takes images and contexts; with docker buildx bake, give this target contexts = {%s = \"target:…\"}", name, name))
	}
	if i := strings.LastIndex(msg, "failed to "); i >= 0 {
		msg = msg[i:]
	}
	return b.baseProblem(fmt.Sprintf("the base %s cannot be had (%s); see whether its name and tag are right, or pass one with --build-context %s=docker-image://…", name, msg, name))
}

// bundles are where images have certificate authorities (certFiles of crypto/x509).
var bundles = []string{
	rootfs.BundlePath,
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// settle looks at what the base has: paths of the target are those that the base
// leads to, and what it has already is not made again.
func (b *builder) settle(t *spec.Target) error {
	if b.base == nil {
		return nil
	}
	ex := &t.Extras
	off := spec.Switch(false)
	byDefault := func(name string) bool {
		p := b.extraPath(name)
		return p[len(p)-1] != name
	}
	if ex.HasCACertificates() && byDefault("ca-certificates") && slices.ContainsFunc(bundles, b.base.has) {
		ex.CACertificates = nil
	}
	if ex.HasTmp() && byDefault("tmp") && b.base.has("/tmp") {
		ex.Tmp = &off
	}
	if t.Path != "" {
		t.Path = b.base.place(t.Path)
	}
	for i, p := range b.binaryPaths() {
		if b.base.dir(p) {
			return b.spec.Problem(b.binaryPath(i), fmt.Sprintf("the base %s has a directory %s, which a binary of this name would replace; write path: /usr/local/bin/%s", t.Base, p, path.Base(p)))
		}
	}
	if b.spec.Wrote(spec.Path{"targets", t.Name(), "workdir"}) {
		t.Workdir = b.base.placeDir(t.Workdir)
	} else if b.base.config != nil && b.base.config.Config.WorkingDir != "" {
		t.Workdir = path.Clean("/" + b.base.config.Config.WorkingDir)
	}
	for i, v := range t.Volumes {
		t.Volumes[i] = b.base.placeDir(v)
	}
	for i := range ex.Dirs {
		ex.Dirs[i].Path = b.base.placeDir(ex.Dirs[i].Path)
	}
	for i := range t.Copy {
		c := &t.Copy[i]
		slash := strings.HasSuffix(c.Dest, "/") || b.base.dir(path.Clean(c.Dest))
		if c.Dest = b.base.place(path.Clean(c.Dest)); slash {
			c.Dest = strings.TrimSuffix(b.base.placeDir(c.Dest), "/") + "/"
		}
	}
	return nil
}

// binaryPath is where in the spec the place of the i-th binary comes from.
func (b *builder) binaryPath(i int) spec.Path {
	t := b.target
	if at := (spec.Path{"targets", t.Name(), "path"}); b.spec.Wrote(at) {
		return at
	}
	if len(b.plan.Binaries()) > 1 {
		return spec.Path{"targets", t.Name(), "build"}
	}
	return spec.Path{"targets", t.Name()}
}

// passwd is the layer of the accounts: beside those of the base, if it has any.
// There is none when the base has the user already.
func (b *builder) passwd(opts []llb.ConstraintsOpt) ([]rootfs.Layer, error) {
	acc, home, err := b.accounts()
	if err != nil || acc == nil {
		return nil, err
	}
	return []rootfs.Layer{rootfs.Passwd(acc, b.target.User, home, opts...)}, nil
}

// accounts are those of the image, nil when the base has them all; home tells whether the
// home of the user is to be made.
func (b *builder) accounts() (acc *rootfs.Accounts, makeHome bool, err error) {
	u := b.target.User
	if b.base == nil || !b.base.has("/etc/passwd") {
		return rootfs.NewAccounts(u), true, nil
	}
	read := func(name string) ([]byte, error) {
		data, err := b.base.files.ReadFile(name)
		if isMissing(err) {
			err = nil
		}
		return data, err
	}
	passwd, err := read("etc/passwd")
	if err != nil {
		return nil, false, err
	}
	group, err := read("etc/group")
	if err != nil {
		return nil, false, err
	}
	acc = rootfs.ReadAccounts(passwd, group)
	if id, taken := acc.User(u.Name); taken && id != u.UID && b.spec.Wrote(spec.Path{"targets", b.target.Name(), "user", "name"}) {
		return nil, false, b.spec.Problem(spec.Path{"targets", b.target.Name(), "user", "name"},
			fmt.Sprintf("the base %s has a user %s already, with the number %d; choose another name, or write user: %d", b.target.Base, u.Name, id, id))
	}
	home, known := acc.Home(u.UID)
	if at := (spec.Path{"targets", b.target.Name(), "user", "home"}); known && home != u.Home && b.spec.Wrote(at) {
		return nil, false, b.spec.Problem(at, fmt.Sprintf("the base %s has an account with the number %d already, whose home is %s; write user: %d, or choose another number", b.target.Base, u.UID, home, u.UID))
	}
	if known {
		u.Home = home
		b.target.User.Home = home
	} else {
		u.Home = b.base.placeDir(u.Home)
		b.target.User.Home = u.Home
	}
	if !acc.Add(u) {
		return nil, false, nil
	}
	return acc, !known && !b.base.dir(u.Home), nil
}

// lacks are those of the directories that the base does not have.
func (b *builder) lacks(paths ...string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return b.base.dir(p) })
}

// parents are the directories of the base above written, as far as they have
// another owner or mode than the layers above the base give to directories.
func (ba *base) parents(written []string) []rootfs.Dir {
	if ba == nil {
		return nil
	}
	found := map[string]rootfs.Dir{}
	for _, p := range written {
		for d := path.Dir(path.Clean(p)); d != "/" && d != "."; d = path.Dir(d) {
			if _, ok := found[d]; ok {
				break
			}
			if e := ba.entry(d); e != nil && e.IsDir() {
				if dir := dirOf(d, e); dir.UID != 0 || dir.GID != 0 || dir.Mode != 0o755 {
					found[d] = dir
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b rootfs.Dir) int { return strings.Compare(a.Path, b.Path) })
}

func dirOf(p string, e fs.FileInfo) rootfs.Dir {
	out := rootfs.Dir{Path: p, Mode: int(e.Mode().Perm())}
	for bit, mode := range map[fs.FileMode]int{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if e.Mode()&bit != 0 {
			out.Mode |= mode
		}
	}
	if s, ok := e.Sys().(*types.Stat); ok {
		out.UID, out.GID = int(s.Uid), int(s.Gid)
	}
	return out
}

// getenv is the value of a variable in the environment of the base.
func (ba *base) getenv(name string) string {
	if ba == nil {
		return ""
	}
	return ba.Getenv(name)
}

// has tells whether the base has something at p.
func (ba *base) has(p string) bool { return ba != nil && ba.entry(ba.place(p)) != nil }

// dir tells whether the base has a directory at p, or a link to one.
func (ba *base) dir(p string) bool {
	if ba == nil {
		return false
	}
	e := ba.entry(ba.placeDir(p))
	return e != nil && e.IsDir()
}

// entry is what the base has at p itself, a symbolic link as such; nil when there
// is nothing.
func (ba *base) entry(p string) fs.FileInfo {
	info, err := ba.files.Lstat(cleanName(path.Clean(p)))
	if err != nil {
		return nil
	}
	return info
}

func cleanName(p string) string {
	if p = strings.Trim(p, "/"); p == "" {
		return "."
	}
	return p
}

// place is where a file at p goes: the links of the base above it are followed, as
// a container would. A layer that had a directory in the place of such a link would
// take away what it leads to.
func (ba *base) place(p string) string {
	if ba == nil {
		return p
	}
	return path.Join(ba.placeDir(path.Dir(p)), path.Base(p))
}

// placeDir is place for a directory, which may be a link itself.
func (ba *base) placeDir(p string) string {
	if ba == nil {
		return p
	}
	rest, out, links := strings.Split(strings.Trim(path.Clean(p), "/"), "/"), "/", 0
	for len(rest) > 0 {
		next := path.Join(out, rest[0])
		rest = rest[1:]
		to, err := ba.files.ReadLink(cleanName(next))
		if err != nil || links == maxLinks {
			out = next // What is not there is made.
			continue
		}
		links++
		if path.IsAbs(to) {
			out = "/"
		}
		rest = append(strings.Split(strings.Trim(path.Clean(to), "/"), "/"), rest...)
	}
	return out
}

// inherit fills what the target does not say from the config of the base, as FROM
// does in a Dockerfile. What the base has for builds on top of it is dropped.
func (b *builder) inherit(img *dockerspec.DockerOCIImage) {
	if b.base == nil {
		return
	}
	if b.base.config == nil {
		// A folder of files is one layer.
		img.History = append([]ocispecs.History{{Created: &b.epoch, CreatedBy: "base " + b.target.Base, Comment: "fromscratch"}}, img.History...)
		return
	}
	from, to := b.base.config.Config, &img.Config
	env := slices.Clone(from.Env)
	for _, kv := range to.Env {
		name, _, _ := strings.Cut(kv, "=")
		if i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }); i >= 0 {
			env[i] = kv
			continue
		}
		env = append(env, kv)
	}
	to.Env = env
	to.Labels = joined(from.Labels, to.Labels)
	to.ExposedPorts = union(from.ExposedPorts, to.ExposedPorts)
	to.Volumes = union(from.Volumes, to.Volumes)
	if to.StopSignal == "" {
		to.StopSignal = from.StopSignal
	}
	if to.Healthcheck == nil {
		to.Healthcheck = from.Healthcheck
	}
	to.Shell = from.Shell
	img.Author = b.base.config.Author
	img.OSVersion, img.OSFeatures = b.base.config.OSVersion, b.base.config.OSFeatures
	img.History = append(slices.Clone(b.base.config.History), img.History...)
}

func union(a, b map[string]struct{}) map[string]struct{} {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// onBase puts the base below the layers.
func (b *builder) onBase(layers []rootfs.Layer) []rootfs.Layer {
	if b.base == nil {
		return layers
	}
	return append([]rootfs.Layer{rootfs.Base(b.base.State)}, layers...)
}

// image is the config of the base, which tells an exporter what of the image is
// not its own.
func (ba *base) image() *dockerspec.DockerOCIImage {
	if ba == nil {
		return nil
	}
	return ba.config
}
