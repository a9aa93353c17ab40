// Command demo builds the examples for two platforms the way a user does, shows
// what came out, and runs it; of the monorepo it edits one service, and shows what
// is built again. It prints the commands that it runs.
//
// It uses the test bed, or, with BUILDER=<name>, a buildx builder of the user's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/containerd/log"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/examples"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func main() {
	// The content store warns of every folder whose file system lacks fs-verity.
	if err := log.SetLevel("error"); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is where the examples are built and run.
type demo struct {
	root   string
	server *examples.Server
	// bed is nil when the builder is the user's own.
	bed     *testbed.Bed
	builder string
}

func run(ctx context.Context) error {
	root, err := testbed.FindRoot(".")
	if err != nil {
		return err
	}
	d := &demo{root: root, builder: os.Getenv("BUILDER")}
	if d.builder == "" {
		if d.bed, err = testbed.Open(); err != nil {
			return err
		}
		d.builder = d.bed.Builder
	}
	if d.server, err = examples.NewServer(); err != nil {
		return err
	}
	defer d.server.Close()
	for _, name := range examples.Names {
		if err := d.example(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := d.monorepo(ctx); err != nil {
		return fmt.Errorf("monorepo: %w", err)
	}
	if d.bed == nil {
		fmt.Println("\nEverything was built and looked at.")
	} else {
		fmt.Println("\nEverything was built, looked at and run.")
	}
	return nil
}

func (d *demo) example(ctx context.Context, name string) error {
	fmt.Printf("\n=== %s ===\n", name)
	dir, err := os.MkdirTemp("", "fromscratch-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	src, out := filepath.Join(dir, "src"), filepath.Join(dir, "out")
	if err := examples.Copy(d.root, name, src, d.server.CA); err != nil {
		return err
	}
	start := time.Now()
	image, err := d.build(ctx, name, src, out)
	if err != nil {
		return err
	}
	fmt.Printf("built in %s\n\n", time.Since(start).Round(100*time.Millisecond))
	layout, err := ocilayout.Open(ctx, out)
	if err != nil {
		return err
	}
	if err := show(layout); err != nil {
		return err
	}
	return d.runImages(ctx, image, layout)
}

// build runs docker buildx build and pushes the result, to the test bed's
// registry or, with a builder of the user's, to nowhere but out.
func (d *demo) build(ctx context.Context, name, src, out string) (image string, err error) {
	args := []string{"buildx", "build", "--builder", d.builder, "--platform", "linux/amd64,linux/arm64",
		"-f", filepath.Join(src, "fromscratch.yaml"), "--output", "type=oci,tar=false,dest=" + out}
	if d.bed != nil {
		image = d.bed.Registry + "/demo/" + name
		args = append(args, "-t", image, "--push")
	} else {
		args = append(args, "--build-context", builds.FrontendImage+"=oci-layout://"+filepath.Join(d.root, ".testbed", "frontend"))
	}
	args = append(args, src)
	fmt.Println("$ docker " + strings.Join(args, " "))
	cmd := d.command(ctx, "docker", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return image, cmd.Run()
}

func (d *demo) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if d.bed != nil {
		return d.bed.Command(ctx, name, args...)
	}
	return exec.CommandContext(ctx, name, args...)
}

// show prints the index and what is in each of its images.
func show(l *ocilayout.Layout) error {
	fmt.Printf("%s %s\n", l.Root.MediaType, l.Root.Digest)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, pf := range l.Platforms() {
		img := l.Images[pf]
		fmt.Fprintf(w, "  %s\t%s\tuser %s\truns %s\n", pf, img.Descriptor.Digest.Encoded()[:12],
			img.Config.Config.User, strings.Join(append(slices.Clone(img.Config.Config.Entrypoint), img.Config.Config.Cmd...), " "))
		var total int64
		for i, layer := range img.Manifest.Layers {
			total += layer.Size
			what := ""
			if i < len(img.Config.History) {
				what = img.Config.History[i].CreatedBy
			}
			fmt.Fprintf(w, "    layer\t%s\t%s\t%s\n", layer.Digest.Encoded()[:12], size(layer.Size), what)
		}
		fmt.Fprintf(w, "    compressed\t\t%s\t\n", size(total))
	}
	return w.Flush()
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// runImages has the programs check what an image from scratch usually lacks:
// time zones, a temporary folder, a user with a name, and trusted certificates.
func (d *demo) runImages(ctx context.Context, image string, layout *ocilayout.Layout) error {
	if d.bed == nil {
		d.howToRun(layout)
		return nil
	}
	check := []string{"check", "--url", d.server.URL}
	if native := layout.Images["linux/"+runtime.GOARCH]; native != nil && runtime.GOARCH == "amd64" {
		fmt.Printf("\n$ docker run --rm --network host %s %s\n", image, strings.Join(check, " "))
		host, err := d.bed.Docker(ctx)
		if err != nil {
			return err
		}
		out, err := examples.Engine(ctx, d.bed, host, image, nil, check...)
		fmt.Print(out)
		if err != nil {
			return fmt.Errorf("running the amd64 image: %w", err)
		}
	}
	arm := layout.Images["linux/arm64"]
	fmt.Printf("\n$ chroot <files of the arm64 image> qemu-aarch64-static %s %s\n", arm.Config.Config.Entrypoint[0], strings.Join(check, " "))
	out, err := examples.Emulated(ctx, d.bed, arm, check...)
	fmt.Print(out)
	if err != nil {
		return fmt.Errorf("running the arm64 image: %w", err)
	}
	return nil
}

// howToRun says how to run what a builder of the user's made: whether that builder
// and a Docker Engine share images is for the user to know.
func (d *demo) howToRun(layout *ocilayout.Layout) {
	img := layout.Images["linux/"+runtime.GOARCH]
	if img == nil {
		img = layout.Images["linux/amd64"]
	}
	fmt.Printf("\nTo run it: add --load to the command above, with one --platform, and then\n  docker run --rm <image> check\n(%s)\n",
		strings.Join(img.Config.Config.Entrypoint, " "))
}
