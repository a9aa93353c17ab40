package testbed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

//go:embed images
var recipes embed.FS

// Versions that the frontend asks for when a project names none. The stand-ins
// answer to them whatever the machine's own toolchains are, so that specs and
// examples run as they are written.
const (
	frontendGo   = "1.26"
	frontendRust = "1.96"
)

// image is one of the toolchain images. They carry the names of Docker Hub's,
// which the builder looks up in the registry of the test bed first.
type image struct {
	repo    string
	tags    []string
	recipe  string            // file below images/
	base    *image            // passed as build argument BASE
	args    map[string]string // further build arguments
	env     []string          // appended to the recipe
	context []string          // folders and files below images/ that the recipe copies
	named   map[string]string // named contexts
	facts   []string          // what else the content depends on
	prepare func(ctx context.Context, dir string) error
}

// key is a tag that names the content of an image by all that goes into it. By
// this tag the registry itself remembers what need not be built again.
func (m *image) key() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", m.repo, m.env, m.facts)
	for _, k := range sortedKeys(m.args) {
		fmt.Fprintf(h, "%q=%q\n", k, m.args[k])
	}
	for _, name := range append([]string{m.recipe}, m.context...) {
		err := fs.WalkDir(recipes, path.Join("images", name), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := recipes.ReadFile(p)
			fmt.Fprintf(h, "%q %x\n", p, sha256.Sum256(text))
			return err
		})
		if err != nil {
			return "", err
		}
	}
	if m.base != nil {
		base, err := m.base.key()
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, base)
	}
	return "testbed-" + hex.EncodeToString(h.Sum(nil))[:20], nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// toolchainTags lists the tags of an image: each version plain and with every
// suffix, without repetition.
func toolchainTags(v version, frontend string, suffixes ...string) []string {
	var tags []string
	seen := map[string]bool{}
	for _, number := range []string{v.Minor, v.Full, frontend} {
		for _, suffix := range suffixes {
			if tag := number + suffix; !seen[tag] {
				seen[tag] = true
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// catalog describes all images, each after the one that it is based on.
func catalog(h *host) []*image {
	digest := func(parts ...[]byte) string {
		return fmt.Sprintf("%x", sha256.Sum256(bytes.Join(parts, []byte{0})))
	}
	suffix := "-" + h.codename
	debian := &image{
		repo:    "library/debian",
		tags:    []string{h.codename, h.codename + "-slim"},
		recipe:  "debian.Dockerfile",
		facts:   []string{h.codename, h.aptConf, digest(h.aptCA)},
		prepare: h.prepareDebian,
	}
	golang := &image{
		repo:    "library/golang",
		tags:    toolchainTags(h.goVersion, frontendGo, "", suffix),
		recipe:  "golang.Dockerfile",
		base:    debian,
		args:    map[string]string{"FLAVOUR": "full", "GOLANG_VERSION": h.goVersion.Full},
		env:     h.goEnv,
		named:   map[string]string{"goroot": h.goRoot},
		facts:   []string{digest(h.caBundle)},
		prepare: h.prepareTrust,
	}
	// The official image of this name is Alpine's. What a build sees of it is
	// that it has no git and no C compiler, and that is what this one is for.
	alpine := *golang
	alpine.tags = toolchainTags(h.goVersion, frontendGo, "-alpine")
	alpine.args = withFlavour(golang.args, "bare")

	rust := &image{
		repo:    "library/rust",
		tags:    toolchainTags(h.rust, frontendRust, "", suffix),
		recipe:  "rust.Dockerfile",
		base:    debian,
		args:    map[string]string{"FLAVOUR": "full", "RUST_VERSION": h.rust.Full, "RUST_PACKAGE": h.rustPkg},
		env:     h.cargoEnv,
		context: []string{"rustup", "musl-std.sh"},
		facts:   append([]string{digest(h.caBundle)}, flatten(h.cargoFiles)...),
		prepare: h.prepareTrust,
	}
	slim := *rust
	slim.tags = toolchainTags(h.rust, frontendRust, "-slim", "-slim"+suffix)
	slim.args = withFlavour(rust.args, "slim")
	return []*image{debian, golang, &alpine, rust, &slim}
}

func withFlavour(args map[string]string, flavour string) map[string]string {
	args = maps.Clone(args)
	args["FLAVOUR"] = flavour
	return args
}

func flatten(m map[string]string) []string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, k, m[k])
	}
	return out
}

// prepareDebian makes a Debian root file system, and beside it what apt needs
// to reach the host's mirrors from inside.
func (h *host) prepareDebian(ctx context.Context, dir string) error {
	etc := filepath.Join(dir, "apt", "etc", "apt")
	for _, name := range []string{"sources.list", "sources.list.d", "keyrings", "trusted.gpg", "trusted.gpg.d", "auth.conf", "auth.conf.d", "preferences", "preferences.d"} {
		if err := copyTree(filepath.Join("/etc/apt", name), filepath.Join(etc, name)); err != nil {
			return fmt.Errorf("copy the settings of apt: %w", err)
		}
	}
	// Sources may name a keyring in this folder.
	if err := copyTree("/usr/share/keyrings", filepath.Join(dir, "apt", "usr", "share", "keyrings")); err != nil {
		return fmt.Errorf("copy the settings of apt: %w", err)
	}
	// apt trusts what the host trusts; programs in the image that look at the
	// system bundle see Debian's own.
	conf := h.aptConf + "Acquire::https::CaInfo \"/etc/apt/host-ca.crt\";\n"
	if err := os.MkdirAll(filepath.Join(etc, "apt.conf.d"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(etc, "apt.conf.d", "99host"), []byte(conf), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(etc, "host-ca.crt"), h.aptCA, 0o644); err != nil {
		return err
	}

	outside := filepath.Join(dir, "outside.conf")
	if err := os.WriteFile(outside, []byte(h.aptConf), 0o644); err != nil {
		return err
	}
	args := []string{
		"--mode=root", "--variant=apt", "--include=ca-certificates,tzdata", "--aptopt=" + outside,
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		h.codename, filepath.Join(dir, "base.tar"),
	}
	sources := globAll("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
	_, err := output(ctx, "mmdebstrap", append(args, sources...)...)
	return err
}

// prepareTrust lays down what a build needs to reach the outside from behind
// the host's proxies: its certificate authorities and registry settings.
func (h *host) prepareTrust(_ context.Context, dir string) error {
	trust := filepath.Join(dir, "trust")
	if err := os.MkdirAll(filepath.Join(trust, "cargo"), 0o755); err != nil {
		return err
	}
	if err := copyTree("/usr/local/share/ca-certificates", filepath.Join(trust, "ca-certificates")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(trust, "ca-certificates"), 0o755); err != nil {
		return err
	}
	for name, text := range h.cargoFiles {
		if err := os.WriteFile(filepath.Join(trust, "cargo", name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(trust, "ca-certificates.crt"), h.caBundle, 0o644)
}

// recipeText is the recipe with the image's own environment at its end.
func (m *image) recipeText() ([]byte, error) {
	text, err := recipes.ReadFile(path.Join("images", m.recipe))
	if err != nil {
		return nil, err
	}
	for _, kv := range m.env {
		k, v, _ := strings.Cut(kv, "=")
		text = fmt.Appendf(text, "ENV %s=%s\n", k, quoteEnv(v))
	}
	return text, nil
}

// quoteEnv writes a value so that the Dockerfile parser reads it back as it is.
func quoteEnv(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(v) + `"`
}

// find returns the manifest of an image if the registry holds all of it.
func (m *image) find(ctx context.Context, r registry) (manifest, bool, error) {
	key, err := m.key()
	if err != nil {
		return manifest{}, false, err
	}
	found, ok, err := r.get(ctx, m.repo, key)
	if err != nil || !ok {
		return manifest{}, false, err
	}
	ok, err = r.whole(ctx, m.repo, found)
	return found, ok, err
}

// buildImage makes an image with the builder and pushes it under its key. The
// names that builds ask for are given by the registry's API afterwards, to
// fresh and kept images alike.
func (b *Bed) buildImage(ctx context.Context, m *image) error {
	dir, err := os.MkdirTemp(b.layout().state("tmp"), "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range m.context {
		text, err := recipes.ReadFile(path.Join("images", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o755); err != nil {
			return err
		}
	}
	if err := m.prepare(ctx, dir); err != nil {
		return err
	}
	recipe, err := m.recipeText()
	if err != nil {
		return err
	}
	key, err := m.key()
	if err != nil {
		return err
	}
	args := []string{
		"build", "--file", "-", "--provenance=false", "--progress=plain",
		// Uncompressed layers cost disk, and save every pristine builder of
		// the tests the time to inflate them.
		"--output", "type=image,name=" + b.Registry + "/" + m.repo + ":" + key + ",push=true,compression=uncompressed",
	}
	if m.base != nil {
		base, ok, err := m.base.find(ctx, registry{b.Registry})
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("its base %s is not in the registry", m.base.repo)
		}
		args = append(args, "--build-arg", "BASE="+b.Registry+"/"+m.base.repo+"@"+base.digest)
	}
	for _, k := range sortedKeys(m.args) {
		args = append(args, "--build-arg", k+"="+m.args[k])
	}
	for _, k := range sortedKeys(m.named) {
		args = append(args, "--build-context", k+"="+m.named[k])
	}
	log, err := os.OpenFile(b.layout().logFile("images"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	return persist(ctx, pushAttempts, pushPause, func() error {
		cmd := exec.CommandContext(ctx, b.layout().bin("buildx"), append(args, dir)...)
		cmd.Env = b.Env()
		cmd.Stdin = bytes.NewReader(recipe)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w (%s); %s ends with:\n%s\nthe registry's log with:\n%s", err, freeSpace(dir),
				log.Name(), tail(log.Name(), 0, 25), tail(b.layout().logFile("registry"), 0, 5))
		}
		return nil
	})
}

// A registry that could not write a part of a blob, because the disk was full
// for a moment, refuses what the client sends in its place as out of range. A
// new push begins anew; what is built already is not built again.
const (
	pushAttempts = 3
	pushPause    = 10 * time.Second
)

// persist calls do until it succeeds, at most n times and with a pause between.
func persist(ctx context.Context, n int, pause time.Duration, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || attempt == n {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// freeSpace says what a disk has left, which explains many a failure.
func freeSpace(dir string) string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.1f GB free on the disk", float64(fs.Bavail)*float64(fs.Bsize)/1e9)
}

// stocked says whether the registry holds every image.
func (b *Bed) stocked(ctx context.Context, images []*image) (bool, error) {
	for _, m := range images {
		if _, ok, err := m.find(ctx, registry{b.Registry}); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// stock fills the registry: it builds what is missing, and puts every name
// where it belongs.
func (b *Bed) stock(ctx context.Context, images []*image, say func(string, ...any)) error {
	r := registry{b.Registry}
	for _, m := range images {
		label := m.repo + ":" + m.tags[0]
		found, ok, err := m.find(ctx, r)
		if err != nil {
			return fmt.Errorf("image %s: %w", label, err)
		}
		if !ok {
			say("image %s", label)
			if err := b.buildImage(ctx, m); err != nil {
				return fmt.Errorf("image %s: %w", label, err)
			}
			if found, ok, err = m.find(ctx, r); err != nil || !ok {
				return fmt.Errorf("image %s: not in the registry after its push: %w", label, err)
			}
		}
		for _, tag := range m.tags {
			if err := r.tag(ctx, m.repo, found, tag); err != nil {
				return fmt.Errorf("image %s: %w", label, err)
			}
		}
	}
	return nil
}
