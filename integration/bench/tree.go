package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// longAgo is the time of all files that nobody edited.
var longAgo = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// output runs a program in a folder and returns what it prints.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func setTimes(dir string, to time.Time) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(path, to, to)
	})
}

// sum is a digest of all revisions.
func (t *tree) sum() (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(t.main, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(h, "%q %x\n", strings.TrimPrefix(path, t.main), sha256.Sum256(text))
		return err
	})
	for _, revision := range slices.Sorted(maps.Keys(t.changed)) {
		for _, file := range slices.Sorted(maps.Keys(t.changed[revision])) {
			fmt.Fprintf(h, "%q %q %q\n", revision, file, t.changed[revision][file])
		}
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// checkout makes dir the revision Main, as it was first checked out.
func (t *tree) checkout(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(t.main)); err != nil {
		return err
	}
	return setTimes(dir, longAgo)
}

// change turns one revision in dir into another: as an editor and git do, only
// files that differ are written, and their time is now.
func (t *tree) change(dir, from, to string) error {
	names := map[string]bool{}
	for _, revision := range []string{from, to} {
		for name := range t.changed[revision] {
			names[name] = true
		}
	}
	for name := range names {
		old, errOld := t.content(name, from)
		text, errNew := t.content(name, to)
		if err := errors.Join(errOld, errNew); err != nil {
			return err
		}
		if text == old {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) content(name, revision string) (string, error) {
	if text, ok := t.changed[revision][name]; ok {
		return text, nil
	}
	text, err := os.ReadFile(filepath.Join(t.main, name))
	return string(text), err
}
