// Command growth says how the cost of a build without any change grows with the size of
// what is built, for fromscratch and for a Dockerfile with cache mounts.
//
//	go run ./integration/bench/growth [-of X] [-rounds N]
//
// README.md of the benchmarks says what is measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/fromscratch-build/fromscratch/integration/bench/probed"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var names []string
	for _, d := range dimensions {
		names = append(names, d.name)
	}
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	of := flags.String("of", strings.Join(names, ","), "what grows, with commas")
	rounds := flags.Int("rounds", 5, "how often each build is timed")
	most := flags.Int("most", 0, "leave out larger sizes (default: none)")
	file := flags.String("o", "", "result file, with the same as Markdown beside it (default: .testbed/bench/growth.json)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted := strings.Split(*of, ",")
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			return fmt.Errorf("nothing called %q grows: there are %s", w, strings.Join(names, ", "))
		}
	}
	bed, err := testbed.Open()
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, "growth: "+format+"\n", args...) }
	opened, err := probed.Open(ctx, bed, filepath.Join(bed.Root, ".testbed", "bench", "growth"), say)
	if err != nil {
		return err
	}
	defer opened.Close()
	if err := opened.PublishPeer(ctx); err != nil {
		return err
	}
	if *file == "" {
		*file = opened.Dir + ".json"
	}
	l := &lab{opened, *rounds}
	r := Results{Frontend: opened.Digest, Rounds: *rounds}
	for _, d := range dimensions {
		if !slices.Contains(wanted, d.name) {
			continue
		}
		g := Growth{Of: d.name, What: d.what}
		for _, n := range d.sizes {
			if *most > 0 && n > *most {
				continue
			}
			p, err := l.measure(ctx, d, n)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", strconv.Itoa(n), d.name, err)
			}
			say("%d %s: %s ms, a Dockerfile %s ms, %.2f times", n, d.name, p.Fromscratch, p.Dockerfile, p.Ratio.Median)
			g.Points = append(g.Points, *p)
		}
		r.Growths = append(r.Growths, g)
		// What was found is not lost when a later one fails.
		if err := r.write(*file); err != nil {
			return err
		}
	}
	fmt.Print(r.markdown())
	return nil
}

func (r *Results) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, append(text, '\n'), 0o644),
		os.WriteFile(strings.TrimSuffix(file, filepath.Ext(file))+".md", []byte(r.markdown()), 0o644))
}
