package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// What a builder has pushed is a part of the state that a run begins with: a push
// leaves out what the registry has, so without it the first round would push more
// than the others. It is the links of a repository to its blobs. The blobs themselves
// stay where they are, and the registry, which keeps nothing of this in memory, takes
// an upload of one that it has no link to as one of a blob that it never saw.

// repository is the folder of a repository, and of those below it.
func (l *lab) repository(name string) string {
	return filepath.Join(l.bed.Root, ".testbed", "registry", "data", "docker", "registry", "v2", "repositories", name)
}

// pushedWith is where that lies which belongs to a state that was put away.
func pushedWith(b builder, name string) string { return filepath.Join(b.disk().dir, name+".pushed") }

// has tells whether a state was put away, with what its builder had pushed.
func (r *runner) has(b builder, name string) bool {
	if !b.disk().has(name) {
		return false
	}
	_, err := os.Stat(pushedWith(b, name))
	return err == nil || b.pushes() == ""
}

// save puts a state away, with what its builder has pushed.
func (r *runner) save(b builder, name string) error {
	if err := b.disk().save(name); err != nil || b.pushes() == "" {
		return err
	}
	return copyTree(r.lab.repository(b.pushes()), pushedWith(b, name), nil)
}

// restore lays out a state, and the registry as it was with it.
func (r *runner) restore(b builder, name string) error {
	if err := b.disk().restore(name); err != nil {
		return err
	}
	return r.republish(b, name)
}

// republish makes the registry have what a builder in this state had pushed, and
// nothing else in those repositories.
func (r *runner) republish(b builder, name string) error {
	if b.pushes() == "" {
		return nil
	}
	dir := r.lab.repository(b.pushes())
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	from := pushedWith(b, name)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil // A builder that has built nothing has pushed nothing.
	}
	return copyTree(from, dir, nil)
}
