package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runner goes through cells.
type runner struct {
	lab     *lab
	results *Results
	trees   map[string]*tree
	// context is the folder that is built. It is the same for all builders and
	// runs, as a checkout is.
	context string
}

func newRunner(l *lab, results *Results) *runner {
	return &runner{lab: l, results: results, trees: map[string]*tree{}, context: filepath.Join(l.dir, "context")}
}

// all runs cells in rounds: within a scenario builders take turns, so that what
// changes on the machine over time changes for all of them. A cell that fails is
// tried again by the next call of the benchmark; the others go on.
func (r *runner) all(ctx context.Context, cells []Cell, rounds int) error {
	var failed []string
	for len(cells) > 0 {
		place := [2]string{cells[0].Program, cells[0].Scenario}
		var group []Cell
		for len(cells) > 0 && place == [2]string{cells[0].Program, cells[0].Scenario} {
			group, cells = append(group, cells[0]), cells[1:]
		}
		for round := 1; round <= rounds; round++ {
			for _, c := range group {
				if _, ok := r.results.find(c, round); ok {
					continue
				}
				if err := r.one(ctx, c, round); err != nil {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					r.lab.say("%s: %v", c, err)
					failed = append(failed, c.String())
				}
			}
		}
	}
	if len(failed) > 0 {
		return errors.New("failed: " + strings.Join(failed, ", "))
	}
	return nil
}

// one runs a cell once, and adds the run to the results.
func (r *runner) one(ctx context.Context, c Cell, round int) error {
	t, err := r.tree(ctx, findProgram(c.Program))
	if err != nil {
		return err
	}
	b, err := r.builder(ctx, c.Builder, t.program)
	if err != nil {
		return err
	}
	// After an error, the daemon may still run.
	defer r.lab.close()
	s := findScenario(c.Scenario)
	run := Run{Cell: c, Round: round, Inputs: r.inputs(b, t, s.Timed), At: time.Now().UTC().Truncate(time.Second)}
	if s.Timed.CacheFrom {
		if err := r.exportCache(ctx, b, t); err != nil {
			return fmt.Errorf("export a cache: %w", err)
		}
	}
	if err := r.begin(ctx, b, t, s.Start); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if s.Timed.CacheFrom {
		// The builder is new, the registry is not.
		if err := r.republish(b, r.name(b, t, *done)); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if err := b.open(ctx); err != nil {
		return err
	}
	revision := Main
	if s.Start != nil {
		revision = s.Start.Revision
	}
	if s.Detour != nil {
		if err := t.change(r.context, revision, s.Detour.Revision); err != nil {
			return err
		}
		revision = s.Detour.Revision
		if err := b.build(ctx, r.context, *s.Detour, new(Run)); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if s.Prune {
		if err := b.prune(ctx); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if s.Evict {
		if err := b.evict(ctx); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if err := t.change(r.context, revision, s.Timed.Revision); err != nil {
		return err
	}
	// What preparation wrote is not the timed build's to flush.
	syscall.Sync()
	if err := b.build(ctx, r.context, s.Timed, &run); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	if err := r.lab.settled(ctx, t.program.Language); err != nil {
		return err
	}
	r.lab.say("%s, round %d: %.1fs, %d compiled, %d executed, %s of memory", c, round, run.Seconds, run.Compiled, run.Executed, bytesText(run.PeakMemory))
	if done := s.leaves(); done != nil && !r.has(b, r.name(b, t, *done)) {
		if err := r.save(b, r.name(b, t, *done)); err != nil {
			return err
		}
	}
	return r.results.add(run)
}

func (r *runner) tree(ctx context.Context, p *Program) (*tree, error) {
	if t, ok := r.trees[p.Name]; ok {
		return t, nil
	}
	t, err := p.prepare(ctx, r.lab)
	if err == nil {
		r.trees[p.Name] = t
	}
	return t, err
}

func (r *runner) builder(ctx context.Context, name string, p *Program) (builder, error) {
	peer := findPeer(name, p.Language)
	switch {
	case peer.Host:
		return &host{lab: r.lab, prog: p}, nil
	case peer.Ko:
		return newKo(r.lab, peer, p)
	}
	return newDocker(ctx, r.lab, peer, p)
}

// inputs is a digest of all that a build depends on.
func (r *runner) inputs(b builder, t *tree, build Build) string {
	in := append(b.inputs(), t.digest)
	return digestOf(append(in, b.recipes(build)...)...)
}

// name names the state after one build of a new builder. Other inputs make
// another state, so that none outlives the frontend or the example it is of.
func (r *runner) name(b builder, t *tree, done Build) string {
	what := done.Revision
	if done.Commands > 0 {
		what += "-" + strconv.Itoa(done.Commands)
	}
	if v := b.variant(); v != "" {
		what += "-" + v
	}
	return strings.Join([]string{t.program.Name, what, strings.ReplaceAll(strings.Join(done.Platforms, "+"), "/", "-"), r.inputs(b, t, done)}, "_")
}

func pristineName(b builder) string { return "pristine_" + digestOf(b.inputs()...) }

// begin lays out the state that a scenario starts with, and the sources that
// belong to it.
func (r *runner) begin(ctx context.Context, b builder, t *tree, start *Build) error {
	if err := r.checkout(t, start); err != nil {
		return err
	}
	if start == nil {
		return r.pristine(ctx, b)
	}
	name := r.name(b, t, *start)
	if r.has(b, name) {
		return r.restore(b, name)
	}
	if err := r.pristine(ctx, b); err != nil {
		return err
	}
	r.lab.say("preparing %s/%s", filepath.Base(b.disk().dir), name)
	if err := b.open(ctx); err != nil {
		return err
	}
	if err := b.build(ctx, r.context, *start, new(Run)); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	return r.save(b, name)
}

// checkout makes the context what the start of a scenario was built of. All of
// it is old, so that the edit is newer than what was compiled.
func (r *runner) checkout(t *tree, start *Build) error {
	if err := t.checkout(r.context); err != nil {
		return err
	}
	if start == nil {
		return nil
	}
	if err := t.change(r.context, Main, start.Revision); err != nil {
		return err
	}
	return setTimes(r.context, longAgo)
}

// pristine lays out the state of a builder that has built nothing.
func (r *runner) pristine(ctx context.Context, b builder) error {
	disk := b.disk()
	name := pristineName(b)
	if !disk.has(name) {
		r.lab.say("preparing %s/%s", filepath.Base(disk.dir), name)
		if err := disk.clear(); err != nil {
			return err
		}
		if err := b.furnish(ctx); err != nil {
			return err
		}
		if err := disk.save(name); err != nil {
			return err
		}
	}
	return r.restore(b, name)
}

// exportCache has a builder that has built the program push its cache, once.
func (r *runner) exportCache(ctx context.Context, b builder, t *tree) error {
	marker := filepath.Join(b.disk().dir, r.name(b, t, *done)+".exported")
	if _, err := os.Stat(marker); err == nil && r.has(b, r.name(b, t, *done)) {
		return nil
	}
	if err := r.begin(ctx, b, t, done); err != nil {
		return err
	}
	if err := b.open(ctx); err != nil {
		return err
	}
	export := *done
	export.CacheTo = true
	if err := b.build(ctx, r.context, export, new(Run)); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	return os.WriteFile(marker, nil, 0o644)
}
