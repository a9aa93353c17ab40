package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// builder does what a peer stands for.
type builder interface {
	// disk is where it has what it remembers.
	disk() *state
	// inputs names all that a build depends on beside the program.
	inputs() []string
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
}

// docker is a builder of images.
type docker struct {
	lab  *lab
	peer *Peer
	prog *Program
	file string // the peer's file for the program
	text string // its content
	// furnished lists the snapshots that belong to images.
	furnished map[string]bool
}

func newDocker(l *lab, peer *Peer, p *Program) (*docker, error) {
	text, err := peer.render(p, l.environment.Frontend)
	if err != nil {
		return nil, err
	}
	d := &docker{lab: l, peer: peer, prog: p, text: text, file: filepath.Join(l.dir, "peers", p.Name, filepath.Base(peer.File))}
	if err := writeFiles(filepath.Dir(d.file), map[string]string{filepath.Base(d.file): text}); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *docker) disk() *state {
	return &state{
		dir: filepath.Join(d.lab.dir, "states", d.peer.Language+"-"+d.peer.Name), live: d.lab.daemon.root(),
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
	if d.peer.Name == fromscratch {
		in = append(in, e.Frontend)
	}
	return in
}

// furnish pulls and unpacks the images that builds use.
func (d *docker) furnish(ctx context.Context) error {
	if d.peer.Tag != "" {
		if err := d.publish(ctx); err != nil {
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
	if d.peer.Name == fromscratch {
		text += "COPY --from=" + pinned(d.lab.environment.Frontend) + " / /frontend\n"
	}
	dir, err := os.MkdirTemp("", "fromscratch-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeFiles(dir, map[string]string{"Dockerfile": text}); err != nil {
		return err
	}
	if _, _, err := d.buildx(ctx, "build", dir); err != nil {
		return err
	}
	return d.close()
}

// publish makes the image that a peer builds on, unless it is there. It is the
// shared builder of the test bed that does, which keeps it out of all states.
func (d *docker) publish(ctx context.Context) error {
	m, err := d.lab.registry.manifest(ctx, d.peer.Tag)
	if err != nil || m != nil {
		return err
	}
	d.lab.say("image %s", d.peer.Tag)
	recipe, err := peerFiles.ReadFile("peers/" + d.peer.Image)
	if err != nil {
		return err
	}
	cmd := d.lab.bed.Command(ctx, "docker", "buildx", "build", "--provenance=false", "--output", "type=image,push=true,compression=uncompressed,name="+d.lab.bed.Registry+"/"+d.peer.Tag, "-")
	cmd.Stdin = bytes.NewReader(recipe)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("image %s: %w\n%s", d.peer.Tag, err, tail(string(out)))
	}
	return nil
}

func (d *docker) open(ctx context.Context) error { return d.lab.daemon.begin(ctx) }

func (d *docker) close() error { return d.lab.daemon.stop() }

func (d *docker) prune(ctx context.Context) error {
	_, _, err := d.buildx(ctx, "prune", "--filter", "type=exec.cachemount", "--force")
	return err
}

// image is the name that images are pushed under, and cache that of caches.
func (d *docker) image() string { return "bench/" + d.prog.Name + "-" + d.peer.Name + ":latest" }

func (d *docker) cache() string {
	return "bench/" + d.prog.Name + "-" + d.peer.Name + "-cache:latest"
}

// build is one docker buildx build that pushes the image.
func (d *docker) build(ctx context.Context, dir string, b Build, run *Run) error {
	args := []string{"build", "--progress", "rawjson", "--provenance=false", "--file", d.file, "--platform", strings.Join(b.Platforms, ","),
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
	counts, seconds, err := d.buildx(ctx, append(args, dir)...)
	if err != nil {
		return err
	}
	run.Counts, run.Seconds = counts, seconds
	if run.ImageBytes, err = d.lab.registry.size(ctx, d.image(), native[0]); err != nil {
		return err
	}
	m, err := d.lab.registry.manifest(ctx, d.image())
	if err != nil || m == nil {
		return fmt.Errorf("there is no %s after its push: %w", d.image(), err)
	}
	run.Image = m.digest
	if b.CacheFrom || b.CacheTo {
		run.CacheBytes, err = d.lab.registry.size(ctx, d.cache(), "")
	}
	return err
}

// buildx runs a command of buildx and times it.
func (d *docker) buildx(ctx context.Context, args ...string) (Counts, float64, error) {
	cmd := d.lab.command(ctx, "docker", append([]string{"buildx"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	seconds, err := timed(cmd.Run)
	counts, text, perr := readProgress(&out)
	if err != nil {
		return counts, seconds, fmt.Errorf("docker buildx %s: %w\n%s", strings.Join(args, " "), err, tail(text))
	}
	return counts, seconds, perr
}

// tail is the end of a log, for errors.
func tail(text string) string {
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-30):], "")
}
