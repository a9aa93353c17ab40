package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/cause"
	"github.com/fromscratch-build/fromscratch/llb/gocache"
)

func build(b gocache.Build) error {
	access, err := access()
	if err != nil {
		return err
	}
	cache, err := reach(b)
	if err != nil {
		return err
	}
	env := append(cache, access...)
	for _, args := range b.Run {
		err := step.Run(args, "", env, os.Stdout, causes)
		if b.Harvest == "" {
			if err != nil {
				return err
			}
			continue
		}
		if failed, ok := errors.AsType[*step.Error](err); ok && failed.Status != cause.Killed {
			err = buildable(args, env)
		}
		if failed, ok := errors.AsType[*step.Error](err); ok && failed.Status != cause.Killed {
			fmt.Fprintln(os.Stderr, "gocache: not all dependencies could be compiled by themselves; what is wrong, if anything, shows when the program is compiled")
			continue
		}
		if err != nil {
			return err
		}
	}
	if b.Harvest != "" {
		return gocache.Settle(b.Harvest)
	}
	_, err = gocache.Open(b.Store).Trim(time.Now())
	return err
}

// access is the environment in which the go command gets at what is not for everyone.
func access() ([]string, error) {
	env, err := step.Certificates()
	// A secret that the build was not given is a variable without a value, and an empty
	// GOPROXY would mean the public one.
	if proxy := os.Getenv(gocache.ProxySecret); proxy != "" {
		env = append(env, "GOPROXY="+proxy)
	}
	return env, err
}

// reach is the environment in which the go command finds what was compiled before.
func reach(b gocache.Build) ([]string, error) {
	if !speaks() {
		dir, err := gocache.Directory(b)
		return []string{"GOCACHE=" + dir}, err
	}
	// The go command wants a directory of its own beside it, for its fuzz tests.
	dir, err := os.MkdirTemp("", "gocache")
	if err != nil {
		return nil, err
	}
	serve := gocache.Serve{Helper: b.Helper, Seed: b.Seed, Store: b.Store, Harvest: b.Harvest}
	return []string{"GOCACHE=" + dir, "GOCACHEPROG=" + strings.Join(serve.Args(), " ")}, nil
}

var goVersion = regexp.MustCompile(`^go1\.(\d+)`)

// speaks tells whether this go command has the protocol of GOCACHEPROG, which it has
// since 1.24. A go command that was built from other sources has it.
func speaks() bool {
	version := installed()
	if version == "" {
		if out, err := exec.Command("go", "env", "GOVERSION").Output(); err == nil {
			version = string(out)
		}
	}
	if m := goVersion.FindStringSubmatch(version); m != nil {
		minor, _ := strconv.Atoi(m[1]) // They are digits.
		return minor >= 24
	}
	return true
}

// installed is the version that the Go installation tells in a file, which takes less
// time than to ask it; empty when the go command is none of an installation.
func installed() string {
	name, err := exec.LookPath("go")
	if err != nil {
		return ""
	}
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(name), "..", "VERSION"))
	if err != nil {
		return ""
	}
	return string(text)
}

// buildable compiles those packages of a go build that can be. The go command
// compiles nothing when one of the packages is not there.
func buildable(args, env []string) error {
	at := packagesAt(args)
	list := exec.Command("go", append([]string{"list", "-e", "-deps=false", "-f", "{{if not (or .Error .Incomplete)}}{{.ImportPath}}{{end}}"}, args[at:]...)...)
	list.Env = append(list.Environ(), env...)
	for _, arg := range args[:at] {
		if strings.HasPrefix(arg, "-tags=") {
			list.Args = append(list.Args[:2:2], append([]string{arg}, list.Args[2:]...)...)
		}
	}
	out, err := list.Output()
	names := strings.Fields(string(out))
	if err != nil || len(names) == 0 || len(names) == len(args)-at {
		return &step.Error{Status: 1}
	}
	return step.Run(append(args[:at:at], names...), "", env, os.Stdout, causes)
}

// packagesAt is the index of the first package among the arguments of a go build,
// whose flags all begin with a dash and, but for -o, carry their values with them.
func packagesAt(args []string) int {
	for i, arg := range args {
		if i > 1 && !strings.HasPrefix(arg, "-") && args[i-1] != "-o" {
			return i
		}
	}
	return len(args)
}

// causes are the reasons for a failure that the frontend has words for, and what the
// go command, git and compilers say then. The first that matches is the one.
var causes = []step.Cause{
	{Status: cause.Killed, Said: regexp.MustCompile(`signal: killed`)},
	{Status: cause.Version, Said: regexp.MustCompile(`requires go >= .* \(running go|invalid go version|errors parsing go\.(mod|work):[\s\S]*unknown directive`)},
	{Status: cause.NoGit, Said: regexp.MustCompile(`exec: "git": executable file not found`)},
	{Status: cause.Certificate, Said: regexp.MustCompile(`(?i)x509: certificate|SSL certificate problem|certificate verify failed`)},
	{Status: cause.Credentials, Said: regexp.MustCompile(`(?i)terminal prompts disabled|could not read (Username|Password)|Permission denied \(publickey|Host key verification failed|Authentication failed|: 40[13] (Unauthorized|Forbidden)|Could not read from remote repository|cannot run ssh`)},
	{Status: cause.NotFound, Said: regexp.MustCompile(`reading \S+: 4(00|04|10) |unrecognized import path|invalid version: unknown revision|no matching versions for query|no secure protocol found for repository|repository \S+ not found`)},
	{Status: cause.Network, Said: regexp.MustCompile(`(?i)dial tcp|no such host|could not resolve host|connection (refused|timed out|reset)|network is unreachable|i/o timeout|TLS handshake timeout|module lookup disabled by GOPROXY=off`)},
	{Status: cause.Vendored, Said: regexp.MustCompile(`inconsistent vendoring|cannot find module providing package .*: import lookup disabled by -mod=vendor|is explicitly required in go\.(mod|work), but not marked as explicit`)},
	{Status: cause.LockFile, Said: regexp.MustCompile(`missing go\.sum entry|updates to go\.(mod|sum|work) needed|checksum mismatch|no required module provides package|go: updating go\.(mod|work)|cannot load module .* listed in go\.work file`)},
	{Status: cause.NeedsCgo, Said: regexp.MustCompile(`build constraints exclude all Go files in|C source files not allowed when not using cgo`)},
	{Status: cause.NoFile, Said: regexp.MustCompile(`pattern [^\n]*: no matching files found`)},
}

// workFolder is where the manifests of a download are copied to.
func workFolder(d gocache.Download) (root, dir string, err error) {
	root, err = os.MkdirTemp("", "manifests")
	if err != nil {
		return "", "", err
	}
	return root, filepath.Join(root, d.Dir), os.CopyFS(root, os.DirFS(d.Source))
}
