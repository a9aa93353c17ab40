// Command cost says what the frontend itself costs in a build: where the time goes, what
// it asks BuildKit, and what it uses.
//
//	go run ./integration/bench/cost [-program X] [-rounds N]
//
// README.md of the benchmarks says what is measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/bench/probed"
	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// lab measures builds.
type lab struct{ *probed.Lab }

// Results is what a call of the command found.
type Results struct {
	Frontend string `json:"frontend"`
	// ImageBytes is the compressed size of the frontend's image, by platform.
	ImageBytes map[string]int64 `json:"imageBytes"`
	Builds     []Build          `json:"builds"`
	Cold       []Cold           `json:"cold,omitempty"`
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	wanted := flags.String("program", "", "programs to build, with commas (default: all)")
	only := flags.String("scenario", "", "no-change or edit (default: both)")
	rounds := flags.Int("rounds", 7, "how often each build is measured")
	cold := flags.Int("cold", 3, "how often the frontend is started on a builder that does not have its image")
	peer := flags.Bool("peer", false, "measure the frontend of Dockerfiles too, on the Dockerfiles of the matrix")
	file := flags.String("o", "", "result file, with the same as Markdown beside it (default: .testbed/bench/cost.json)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bed, err := testbed.Open()
	if err != nil {
		return err
	}
	opened, err := probed.Open(ctx, bed, filepath.Join(bed.Root, ".testbed", "bench", "cost"), func(format string, args ...any) { fmt.Fprintf(os.Stderr, "cost: "+format+"\n", args...) })
	if err != nil {
		return err
	}
	defer opened.Close()
	l := &lab{opened}
	if *file == "" {
		*file = l.Dir + ".json"
	}
	r := Results{Frontend: l.Digest}
	if r.ImageBytes, err = imageBytes(ctx, registry.Registry{Addr: bed.Registry}, builds.FrontendImage); err != nil {
		return err
	}
	var names, scenarios []string
	if *wanted != "" {
		names = strings.Split(*wanted, ",")
	}
	if *only != "" {
		scenarios = strings.Split(*only, ",")
	}
	for _, p := range programs {
		if (len(names) > 0 && !slices.Contains(names, p.name)) || (p.peer && !*peer) {
			continue
		}
		all, err := l.measure(ctx, p, *rounds, func(scenario string) bool { return len(scenarios) == 0 || slices.Contains(scenarios, scenario) })
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.Builds = append(r.Builds, all...)
	}
	for i := range *cold {
		c, err := l.cold(ctx)
		if err != nil {
			return fmt.Errorf("cold start: %w", err)
		}
		l.Say("cold start %d of %d: %s", i+1, *cold, milliseconds(c.Total))
		r.Cold = append(r.Cold, c)
	}
	return r.write(*file, os.Stdout)
}

func (r *Results) write(file string, to io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	page := r.markdown()
	fmt.Fprint(to, page)
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, append(text, '\n'), 0o644),
		os.WriteFile(strings.TrimSuffix(file, filepath.Ext(file))+".md", []byte(page), 0o644))
}

// imageBytes are the compressed sizes of an image, by platform.
func imageBytes(ctx context.Context, r registry.Registry, ref string) (map[string]int64, error) {
	m, err := r.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("the test bed's registry has no %s: run make frontend", ref)
	}
	out := map[string]int64{}
	if len(m.Manifests) == 0 {
		out["of the builder"], err = r.Size(ctx, ref, "")
		return out, err
	}
	for _, d := range m.Manifests {
		if d.Platform == nil || d.Platform.OS == "unknown" {
			continue // An attestation.
		}
		pf := d.Platform.OS + "/" + d.Platform.Architecture
		if out[pf], err = r.Size(ctx, ref, pf); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// milliseconds formats a duration as all tables have it.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
