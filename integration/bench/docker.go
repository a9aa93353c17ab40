package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// builder does what a peer stands for.
type builder interface {
	// disk is where it has what it remembers.
	disk() *state
	// inputs names all that a build depends on beside the program and the recipes.
	inputs() []string
	// recipes are the contents of the builder's own files for a build.
	recipes(b Build) []string
	// variant names the builder among those that it shares disk with; empty for the
	// one that they are variants of.
	variant() string
	// pushes is the repository that builds of the program push to, and those below
	// it; empty if they push nothing.
	pushes() string
	// furnish gives a builder without any state what it has before its first
	// build: images, but nothing that was compiled.
	furnish(ctx context.Context) error
	// open makes it ready to build with the state that is on disk, and close has
	// it leave the disk alone.
	open(ctx context.Context) error
	close() error
	// build builds what is in dir, and fills in what it counts.
	build(ctx context.Context, dir string, b Build, run *Run) error
	// prune empties what is not a layer.
	prune(ctx context.Context) error
	// evict removes the image of the frontend.
	evict(ctx context.Context) error
}

// docker is a builder of images.
type docker struct {
	lab  *lab
	peer *Peer
	prog *Program
	// files are the peer's files for the program, by the number of commands that
	// they build: 0 for the one that the program is about.
	files map[int]recipe
	// furnished lists the snapshots that belong to images.
	furnished map[string]bool
}

func newDocker(ctx context.Context, l *lab, peer *Peer, p *Program) (*docker, error) {
	d := &docker{lab: l, peer: peer, prog: p, files: map[int]recipe{}}
	var err error
	if peer.Syntax {
		if err := l.findDockerfile(ctx); err != nil {
			return nil, err
		}
	}
	if peer.File != "" {
		if d.files[0], err = l.recipe(peer, peer.File, p); err != nil {
			return nil, err
		}
	}
	if peer.Set == "" {
		return d, nil
	}
	for _, s := range scenarios {
		for _, b := range s.builds() {
			if b.Commands == 0 || b.Commands > len(p.Set) {
				continue
			}
			if d.files[b.Commands], err = l.recipe(peer, peer.Set, p.with(b.Commands)); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// recipe is a file of a peer for a program.
type recipe struct{ path, text string }

// recipe writes one of the peer's files for a program.
func (l *lab) recipe(peer *Peer, file string, p *Program) (recipe, error) {
	text, err := peer.render(file, p, l.environment)
	if err != nil {
		return recipe{}, err
	}
	dir := filepath.Join(l.dir, "peers", p.Name)
	if file == peer.Set {
		dir = filepath.Join(dir, strconv.Itoa(len(p.Set)))
	}
	return recipe{filepath.Join(dir, filepath.Base(file)), text}, writeFiles(dir, map[string]string{filepath.Base(file): text})
}

func (d *docker) recipes(b Build) []string { return []string{d.files[b.Commands].text} }

func (d *docker) variant() string {
	if d.peer.Of == "" {
		return ""
	}
	return d.peer.Name
}

func (d *docker) pushes() string { return repository(d.prog, d.peer) }

// touches lists the repositories that builds of the program push to or pull from.
func (d *docker) touches() *repositories {
	r := &repositories{own: []string{d.pushes(), repositoryOf(d.cache())}, images: []string{repositoryOf(d.peer.Toolchain)}}
	if d.peer.Tag != "" {
		r.images = append(r.images, repositoryOf(d.peer.Tag))
	}
	if image := d.peer.frontend(d.lab.environment); image != "" {
		r.images = append(r.images, repositoryOf(image))
	}
	return r
}

func (d *docker) disk() *state {
	return &state{
		dir: filepath.Join(d.lab.dir, "states", d.peer.Language+"-"+d.peer.family()), live: d.lab.daemon.root(),
		immutable: d.immutable,
	}
}

const snapshots = "runc-overlayfs/snapshots/snapshots/"

// immutable holds for blobs and for the files of images. Snapshots that came
// later may be cache mounts, and are copied.
func (d *docker) immutable(name string) bool {
	if rest, ok := strings.CutPrefix(name, snapshots); ok {
		id, _, _ := strings.Cut(rest, "/")
		return d.images()[id]
	}
	return strings.HasPrefix(name, "runc-overlayfs/content/blobs/")
}

func (d *docker) images() map[string]bool {
	if d.furnished == nil {
		found, err := os.ReadDir(filepath.Join(d.disk().dir, d.pristine(), snapshots))
		if err != nil {
			return nil // What is being furnished is copied.
		}
		d.furnished = map[string]bool{}
		for _, e := range found {
			d.furnished[e.Name()] = true
		}
	}
	return d.furnished
}

func (d *docker) pristine() string { return pristineName(d) }

func (d *docker) inputs() []string {
	e := d.lab.environment
	in := []string{e.Buildkit, map[string]string{Rust: e.Rust, Go: e.Go}[d.peer.Language], d.peer.Tag}
	if image := d.peer.frontend(e); image != "" {
		in = append(in, image)
	}
	return in
}

// furnish pulls and unpacks the images that builds use.
func (d *docker) furnish(ctx context.Context) error {
	if d.peer.Tag != "" {
		if err := d.lab.publish(ctx, d.peer, native); err != nil {
			return err
		}
	}
	if err := d.open(ctx); err != nil {
		return err
	}
	image := d.peer.Toolchain
	if d.peer.Tag != "" {
		image = d.peer.Tag
	}
	text := "FROM " + image + "\nRUN true\n"
	if image := d.peer.frontend(d.lab.environment); image != "" {
		text += "COPY --from=" + image + " / /frontend\n"
	}
	dir, err := os.MkdirTemp("", "fromscratch-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeFiles(dir, map[string]string{"Dockerfile": text}); err != nil {
		return err
	}
	if err := d.buildx(ctx, new(Run), "build", dir); err != nil {
		return err
	}
	return d.close()
}

// publish makes the image that a peer builds on, unless it is there. It is the
// shared builder of the test bed that does, which keeps it out of all states.
func (l *lab) publish(ctx context.Context, peer *Peer, platforms []string) error {
	m, err := l.registry.Manifest(ctx, peer.Tag)
	if err != nil || m != nil {
		return err
	}
	l.say("image %s", peer.Tag)
	text, err := peerFiles.ReadFile("peers/" + peer.Image)
	if err != nil {
		return err
	}
	cmd := l.bed.Command(ctx, "docker", "buildx", "build", "--provenance=false", "--platform", strings.Join(platforms, ","),
		"--output", "type=image,push=true,compression=uncompressed,name="+l.bed.Registry+"/"+peer.Tag, "-")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("image %s: %w\n%s", peer.Tag, err, tail(string(out)))
	}
	return nil
}

func (d *docker) open(ctx context.Context) error { return d.lab.daemon.begin(ctx) }

func (d *docker) close() error { return d.lab.daemon.stop() }

func (d *docker) prune(ctx context.Context) error {
	return d.buildx(ctx, new(Run), "prune", "--filter", "type=exec.cachemount", "--force")
}

// image is the name that images are pushed under, and cache that of caches.
func (d *docker) image() string { return repository(d.prog, d.peer) + ":latest" }

func (d *docker) cache() string { return repository(d.prog, d.peer) + "-cache:latest" }

func repository(p *Program, peer *Peer) string { return "bench/" + p.Name + "-" + peer.Name }

// repositoryOf is where the registry has an image of Docker Hub.
func repositoryOf(image string) string {
	name, _, _ := strings.Cut(image, "@")
	name, _, _ = strings.Cut(name, ":")
	if !strings.Contains(name, "/") {
		return "library/" + name
	}
	return name
}

// build is one docker buildx build that pushes the image.
func (d *docker) build(ctx context.Context, dir string, b Build, run *Run) error {
	if b.Commands > 0 {
		return d.bake(ctx, dir, b, run)
	}
	args := []string{"build", "--progress", "rawjson", "--provenance=false", "--file", d.files[0].path, "--platform", strings.Join(b.Platforms, ","),
		"--output", "type=image,push=true,name=" + d.lab.bed.Registry + "/" + d.image()}
	if b.Version != "" {
		args = append(args, "--build-arg", "VERSION="+b.Version)
	}
	ref := d.lab.bed.Registry + "/" + d.cache()
	if b.CacheFrom {
		args = append(args, "--cache-from", "type=registry,ref="+ref)
	}
	if b.CacheTo {
		args = append(args, "--cache-to", "type=registry,mode=max,ref="+ref)
	}
	if err := d.buildx(ctx, run, append(args, dir)...); err != nil {
		return err
	}
	if err := d.lab.weigh(ctx, run, d.image()); err != nil {
		return err
	}
	if !b.CacheFrom && !b.CacheTo {
		return nil
	}
	var err error
	run.CacheBytes, err = d.lab.registry.Size(ctx, d.cache(), "")
	return err
}

// bake is one docker buildx bake of a target for each command.
func (d *docker) bake(ctx context.Context, dir string, b Build, run *Run) error {
	var images []string
	for _, c := range d.prog.commands(b) {
		images = append(images, setImage(d.prog, d.peer, c))
	}
	dockerfile := d.files[b.Commands].path
	text, err := bakeFile(d.prog, dockerfile, dir, d.lab.bed.Registry, images, b)
	if err != nil {
		return err
	}
	file := dockerfile + ".bake.json"
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	// Context and Dockerfile do not lie where bake is called.
	err = d.buildx(ctx, run, "bake", "--progress", "rawjson", "--provenance=false", "--allow", "fs.read=*", "--file", file, "--push")
	if err != nil {
		return err
	}
	return d.lab.weigh(ctx, run, images...)
}

// setImage is the name that the image of a command is pushed under.
func setImage(p *Program, peer *Peer, c Command) string {
	return repository(p, peer) + "/" + c.Bin + ":latest"
}

// bakeTarget is as much of a target as the benchmark needs.
type bakeTarget struct {
	Context    string            `json:"context"`
	Dockerfile string            `json:"dockerfile"`
	Target     string            `json:"target"`
	Args       map[string]string `json:"args"`
	Platforms  []string          `json:"platforms"`
	Tags       []string          `json:"tags"`
}

// bakeFile has a target for each command of a program, and builds them all.
func bakeFile(p *Program, dockerfile, dir, registry string, images []string, b Build) ([]byte, error) {
	var names []string
	targets := map[string]bakeTarget{}
	for i, c := range p.commands(b) {
		names = append(names, c.Bin)
		targets[c.Bin] = bakeTarget{dir, dockerfile, c.Bin, map[string]string{"VERSION": version(b)}, b.Platforms, []string{registry + "/" + images[i]}}
	}
	return json.MarshalIndent(map[string]any{
		"group":  map[string]any{"default": map[string]any{"targets": names}},
		"target": targets,
	}, "", "  ")
}

// weigh fills in what the registry says of the images that a build has pushed.
func (l *lab) weigh(ctx context.Context, run *Run, images ...string) error {
	var digests []string
	for _, name := range images {
		m, err := l.registry.Manifest(ctx, name)
		if err != nil {
			return err
		}
		if m == nil {
			return fmt.Errorf("there is no %s after its push", name)
		}
		digests = append(digests, m.Digest)
		size, err := l.registry.Size(ctx, name, native[0])
		if err != nil {
			return err
		}
		run.ImageBytes += size
	}
	run.Image = strings.Join(digests, " ")
	return nil
}

// buildx runs a command of buildx, and fills in what it measures and counts.
func (d *docker) buildx(ctx context.Context, run *Run, args ...string) error {
	cmd := d.lab.command(ctx, "docker", append([]string{"buildx"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// What docker and buildx take themselves is theirs on every machine: the builder
	// may be another one.
	err := d.lab.measure(ctx, cmd, d.lab.daemon.cmd.Process.Pid, d.touches(), run)
	counts, text, perr := readProgress(&out)
	if err != nil {
		return fmt.Errorf("docker buildx %s: %w\n%s", strings.Join(args, " "), err, tail(text))
	}
	run.Counts = counts
	return perr
}

// tail is the end of a log, for errors.
func tail(text string) string {
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-30):], "")
}
