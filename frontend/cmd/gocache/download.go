package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

// download fills a module cache with what a project asks for and nothing else. What
// was downloaded before comes from the store, and goes there.
func download(d gocache.Download) error {
	root, dir, err := workFolder(d) // The go command may add to go.work.sum.
	if err != nil {
		return err
	}
	if err := gocache.Lend(root, d.Home, d.Store); err != nil {
		return err
	}
	env, err := access()
	if err != nil {
		return err
	}
	if err := step.Run(d.Run, dir, append(env, "GOMODCACHE="+d.Home), os.Stdout, causes); err != nil {
		return err
	}
	if err := gocache.Return(d.Home, d.Store); err != nil {
		return err
	}
	if d.Work != "" {
		if err := workSum(root, d); err != nil {
			return err
		}
	}
	if d.Facts != "" {
		if err := facts(d); err != nil {
			return err
		}
	}
	return gocache.Settle(d.Home)
}

// facts leaves which modules of the sources the downloaded ones require.
func facts(d gocache.Download) error {
	required, err := gocache.Required(d.Home, d.Local)
	if err != nil {
		return err
	}
	text := ""
	for _, path := range required {
		text += path + "\n"
	}
	if err := os.WriteFile(filepath.Join(d.Facts, gocache.RequiredFile), []byte(text), 0o644); err != nil {
		return err
	}
	return gocache.Settle(d.Facts)
}

// workSum leaves go.work.sum in the module cache: one that has all sums, or else the
// compile would want to write it.
func workSum(root string, d gocache.Download) error {
	now, err := os.ReadFile(filepath.Join(root, d.Work, gocache.WorkSum))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if before, err := os.ReadFile(filepath.Join(d.Source, d.Work, gocache.WorkSum)); err == nil && !bytes.Equal(before, now) {
		os.Stderr.WriteString("gocache: go.work.sum lacks sums of modules that are needed; run go work sync, or go mod download, and commit it\n")
	}
	return os.WriteFile(filepath.Join(d.Home, gocache.WorkSum), now, 0o644)
}
