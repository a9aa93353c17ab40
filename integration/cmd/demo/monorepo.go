package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// The edit of one service that the demo makes, in its copy of the monorepo.
const (
	edited = "go/cmd/notes/main.go"
	was    = `service.Router("notes"`
)

// monorepo builds all services of the monorepo for two platforms, edits one and
// builds all of them again.
func (d *demo) monorepo(ctx context.Context) error {
	fmt.Print("\n=== monorepo ===\n")
	dir, err := os.MkdirTemp("", "fromscratch-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS(filepath.Join(d.root, "examples", "monorepo"))); err != nil {
		return err
	}
	before, err := d.bake(ctx, src)
	if err != nil {
		return err
	}
	file := filepath.Join(src, edited)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(was)) {
		return fmt.Errorf("%s has no %s", edited, was)
	}
	// An edit that a builder has seen before is compiled no more.
	is := fmt.Sprintf(`service.Router("notes, edited at %s"`, time.Now().Format(time.DateTime))
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(was), []byte(is)), 0o644); err != nil {
		return err
	}
	fmt.Printf("\n%s is edited:\n  %s becomes\n  %s\n\n", edited, was, is)
	after, err := d.bake(ctx, src)
	if err != nil {
		return err
	}
	fmt.Println()
	return reused(os.Stdout, before, after)
}

// baked is what came of a docker buildx bake.
type baked struct {
	// digests are those of the images, by target.
	digests map[string]string
	steps   builds.Steps
}

// bake builds all services, and prints the steps that took time. The images go
// where those of the other examples go.
func (d *demo) bake(ctx context.Context, src string) (*baked, error) {
	// The time of the build, which provenance has, would be part of each digest.
	args := []string{"buildx", "bake", "--builder", d.builder, "--provenance=false"}
	var env []string
	if d.bed != nil {
		env = []string{"REGISTRY=" + d.bed.Registry + "/demo/monorepo"}
		args = append(args, "--push")
	} else {
		args = append(args, "--set", "*.output=type=image,push=false",
			"--set", "*.contexts."+builds.FrontendImage+"=oci-layout://"+filepath.Join(d.root, ".testbed", "frontend"))
	}
	fmt.Printf("$ cd %s && %s\n", src, strings.Join(append(slices.Clone(env), append([]string{"docker"}, args...)...), " "))
	metadata := filepath.Join(filepath.Dir(src), "metadata.json")
	cmd := d.command(ctx, "docker", append(args, "--allow", "fs.read="+d.root, "--progress", "rawjson", "--metadata-file", metadata)...)
	cmd.Dir = src
	cmd.Env = append(cmd.Environ(), env...)
	progress, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		w.Close()
		done <- err
	}()
	steps, text, rerr := builds.ReadSteps(progress, start, printStep)
	if err := errors.Join(<-done, rerr); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	fmt.Printf("built in %s\n", time.Since(start).Round(100*time.Millisecond))
	digests, err := readDigests(metadata)
	return &baked{digests: digests, steps: steps}, err
}

// printStep shows a step that somebody waited for.
func printStep(v *client.Vertex) {
	if v.Started == nil || v.Completed == nil {
		return
	}
	if took := v.Completed.Sub(*v.Started); took >= time.Second || compile.MatchString(v.Name) {
		fmt.Printf("  %5.1fs  %s\n", took.Seconds(), v.Name)
	}
}

// readDigests reads what bake writes of the images that it made.
func readDigests(metadata string) (map[string]string, error) {
	text, err := os.ReadFile(metadata)
	if err != nil {
		return nil, err
	}
	var images map[string]struct {
		Digest string `json:"containerimage.digest"`
	}
	if err := json.Unmarshal(text, &images); err != nil {
		return nil, fmt.Errorf("read %s: %w", metadata, err)
	}
	digests := map[string]string{}
	for name, image := range images {
		// What is part of another image is none of its own.
		if image.Digest != "" && name != "ui" {
			digests[name] = image.Digest
		}
	}
	return digests, nil
}

// compile matches the steps that compile a service, and not those that compile
// what services depend on. It captures the name of the service.
var compile = regexp.MustCompile(`^\[(\S+) \S+\] (go build \S|cargo build .*\()`)

// reused prints what the second build took from the first.
func reused(out io.Writer, before, after *baked) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "image\tdigest before\tdigest after\t")
	compiled := map[string]int{}
	for _, step := range after.steps.Ran(compile) {
		compiled[compile.FindStringSubmatch(step)[1]]++
	}
	same := 0
	for _, name := range slices.Sorted(maps.Keys(after.digests)) {
		old, new := before.digests[name], after.digests[name]
		how := "cached"
		if compiled[name] > 0 {
			how = fmt.Sprintf("compiled for %d platforms", compiled[name])
		}
		if old == new {
			same++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, short(old), short(new), how)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d images are the same.\n", same, len(after.digests))
	if same != len(after.digests)-1 {
		return errors.New("an edit of one service changes one image, and no other")
	}
	return nil
}

func short(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(12, len(hex))]
}
