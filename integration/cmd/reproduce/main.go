// Command reproduce builds an example twice, in ways that differ in all that may not
// matter, and compares what comes out. It ends with an error when that differs, and
// says where.
//
// Its argument is the name of an example, the path of a folder with a spec, or frontend,
// which stands for the image of the frontend itself as a release builds it. Each
// build has a BuildKit of its own with nothing in its cache. The second one is of a
// copy of the folder, with other modes, owner and times of its files, and in another
// time zone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/log"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
	"github.com/fromscratch-build/fromscratch/integration/imagediff"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/release"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func main() {
	// The content store warns of every folder whose file system lacks fs-verity.
	if err := log.SetLevel("error"); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reproduce:", err)
		stop()
		os.Exit(1)
	}
}

// place is where a build runs and what it is a build of.
type place struct {
	builder, timeZone string
	source, out       string
	// release tells that the source is that of the frontend, built as a release.
	release bool
}

// frontend is the argument that stands for the image of the frontend.
const frontend = "frontend"

func run(ctx context.Context, args []string) error {
	if os.Getenv("BUILDER") != "" {
		return errors.New("it starts BuildKits of its own on the test bed; run it without BUILDER, as root on Debian")
	}
	bed, err := testbed.Open()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fromscratch-reproduce")
	if err != nil {
		return err
	}
	different := false
	defer func() {
		if !different {
			os.RemoveAll(dir)
		}
	}()
	released := slices.Equal(args, []string{frontend})
	var source string
	if released {
		source = filepath.Join(dir, frontend)
		err = release.Sources(bed.Root, source)
	} else {
		source, err = folder(bed.Root, args)
	}
	if err != nil {
		return err
	}
	copied := filepath.Join(dir, "of", "somebody", "else")
	if err := builds.Disguise(source, copied); err != nil {
		return err
	}
	var layouts []*ocilayout.Layout
	for _, p := range []place{
		{"reproduce-1", "UTC", source, filepath.Join(dir, "1"), released},
		{"reproduce-2", "Pacific/Kiritimati", copied, filepath.Join(dir, "2"), released},
	} {
		if err := build(ctx, bed, p); err != nil {
			return err
		}
		l, err := ocilayout.Open(ctx, p.out)
		if err != nil {
			return err
		}
		layouts = append(layouts, l)
	}
	what, err := imagediff.First(ctx, layouts[0], layouts[1])
	if err != nil {
		return err
	}
	report(os.Stdout, layouts)
	if what != "" {
		different = true
		return fmt.Errorf("the builds differ; the first difference is\n  %s\nBoth are left in %s", what, dir)
	}
	fmt.Println("Both builds are the same, byte for byte.")
	return nil
}

// folder is what is built: an example by its name, or any folder with a spec.
func folder(root string, args []string) (string, error) {
	name := examples.Names[0]
	switch {
	case len(args) > 1:
		return "", fmt.Errorf("one folder is built at a time, not %s", strings.Join(args, " "))
	case len(args) == 1:
		name = args[0]
	}
	dir := name
	if !strings.Contains(name, "/") {
		dir = filepath.Join(root, "examples", name)
	}
	if _, err := os.Stat(filepath.Join(dir, "fromscratch.yaml")); err != nil {
		return "", fmt.Errorf("%s is neither an example (%s) nor %s nor the path of a folder with a spec: %w", name, strings.Join(examples.Names, ", "), frontend, err)
	}
	return filepath.Abs(dir)
}

// build builds on a BuildKit that is started for it, for two platforms.
func build(ctx context.Context, bed *testbed.Bed, p place) (err error) {
	fmt.Printf("\n=== %s of %s, TZ=%s ===\n", p.builder, p.source, p.timeZone)
	zone := "TZ=" + p.timeZone
	k, err := bed.StartBuildkitd(ctx, p.builder, testbed.BuildkitdOpt{Env: []string{zone}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	start := time.Now()
	b := builds.Build{Bed: bed, Buildkitd: k, Context: p.source, Platforms: []string{"linux/amd64", "linux/arm64"}}
	args := b.Command(p.out)
	if p.release {
		args = release.Bake(k.Builder, release.Target, p.out)
	}
	cmd := bed.Command(ctx, "docker", args...)
	cmd.Dir = p.source
	cmd.Env = append(cmd.Env, zone)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	fmt.Println("$ docker " + strings.Join(cmd.Args[1:], " "))
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s on %s: %w", p.source, p.builder, err)
	}
	fmt.Printf("built in %s\n", time.Since(start).Round(100*time.Millisecond))
	return nil
}

// report prints the digests of both builds, once where they are the same.
func report(w io.Writer, layouts []*ocilayout.Layout) {
	line := func(name string, digest func(*ocilayout.Layout) string) {
		text := digest(layouts[0])
		if other := digest(layouts[1]); other != text {
			text += " and " + other
		}
		fmt.Fprintf(w, "%-12s %s\n", name, text)
	}
	fmt.Fprintln(w)
	line("index", func(l *ocilayout.Layout) string { return l.Root.Digest.String() })
	for _, pf := range layouts[0].Platforms() {
		line(pf, func(l *ocilayout.Layout) string {
			if img := l.Images[pf]; img != nil {
				return img.Descriptor.Digest.String()
			}
			return "nothing"
		})
	}
}
