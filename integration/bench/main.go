// Command bench times builds of the same programs by fromscratch and by what
// people use instead, on the test bed:
//
//	go run ./integration/bench [-program X] [-scenario Y] [-builder Z] [-rounds N]
//
// README.md beside it says what the cells mean and what keeps them fair.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func init() {
	// The kernel ends the daemon of a benchmark that was killed when the thread
	// that started it is gone, so that has to be the thread of main.
	runtime.LockOSThread()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// names is a flag that can be given several times, or once with commas.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

func (n *names) Set(text string) error {
	*n = append(*n, strings.Split(text, ",")...)
	return nil
}

func run(ctx context.Context, args []string, progress io.Writer) error {
	var programs, scenarios, builders names
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Var(&programs, "program", "program to build; repeatable (default: all)")
	flags.Var(&scenarios, "scenario", "scenario to time; repeatable (default: all)")
	flags.Var(&builders, "builder", "builder to time; repeatable (default: all)")
	rounds := flags.Int("rounds", 5, "how often each cell is timed")
	file := flags.String("o", "", "result file; what is in it is not run again (default: .testbed/bench/results.json)")
	list := flags.Bool("list", false, "list the cells and run nothing")
	again := flags.Bool("report", false, "write the table and the chart of the result file, and run nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *again {
		return reportFile(*file)
	}
	cells, err := selectCells(programs, scenarios, builders)
	if err != nil {
		return err
	}
	if *list {
		for _, c := range cells {
			fmt.Println(c)
		}
		return nil
	}
	bed, err := testbed.Open()
	if err != nil {
		return err
	}
	lab, err := newLab(ctx, bed, progress)
	if err != nil {
		return err
	}
	defer lab.close()
	if *file == "" {
		*file = filepath.Join(lab.dir, "results.json")
	}
	results, err := openResults(*file)
	if err != nil {
		return err
	}
	results.Environment = lab.environment
	failed := newRunner(lab, results).all(ctx, cells, *rounds)
	return errors.Join(failed, report(results, *file))
}

// reportFile is report for a file of earlier runs.
func reportFile(file string) error {
	if file == "" {
		return errors.New("-report needs -o: which result file?")
	}
	results, err := openResults(file)
	if err != nil {
		return err
	}
	if len(results.Runs) == 0 {
		return fmt.Errorf("%s has no runs", file)
	}
	return report(results, file)
}

// report writes the table and the chart beside the result file.
func report(r *Results, file string) error {
	base := strings.TrimSuffix(file, filepath.Ext(file))
	s := summarize(r.Runs)
	err := os.WriteFile(base+".svg", []byte(chart(s)), 0o644)
	table := table(r.Environment, s)
	fmt.Print(table)
	return errors.Join(err, os.WriteFile(base+".md", []byte(table), 0o644))
}

// selectCells lists the cells of the matrix in the order in which they run:
// builders take turns within a scenario.
func selectCells(inPrograms, inScenarios, inBuilders names) ([]Cell, error) {
	known := map[string][]string{}
	for _, p := range programs {
		known["program"] = append(known["program"], p.Name)
	}
	for _, s := range scenarios {
		known["scenario"] = append(known["scenario"], s.Name)
	}
	for _, p := range peers {
		known["builder"] = append(known["builder"], p.Name)
	}
	for kind, wanted := range map[string]names{"program": inPrograms, "scenario": inScenarios, "builder": inBuilders} {
		for _, w := range wanted {
			if !slices.Contains(known[kind], w) {
				slices.Sort(known[kind])
				return nil, fmt.Errorf("no %s %q: there are %s", kind, w, strings.Join(slices.Compact(known[kind]), ", "))
			}
		}
	}
	in := func(wanted names, name string) bool { return len(wanted) == 0 || slices.Contains(wanted, name) }
	var cells []Cell
	for _, p := range programs {
		for _, s := range scenarios {
			for _, b := range peers {
				if b.Language == p.Language && in(inPrograms, p.Name) && in(inScenarios, s.Name) && in(inBuilders, b.Name) && s.applies(p, b) {
					cells = append(cells, Cell{p.Name, s.Name, b.Name})
				}
			}
		}
	}
	if len(cells) == 0 {
		return nil, errors.New("no cell is selected: see -list")
	}
	return cells, nil
}
