package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/fromscratch-build/fromscratch/frontend"
	"github.com/fromscratch-build/fromscratch/internal/docs"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// programs lists what commands call, with what is wrong with a call. Where there
// is no function, the program is none of ours, and only its name is known to be right.
var programs = map[string]func(c docs.Command) string{
	"make": makeCommand, "go": goCommand, "cargo": cargoCommand, "docker": dockerCommand,
	"git": nil, "curl": nil, "jq": nil, "kubectl": nil, "cosign": nil, "buildctl": nil, "helm": nil, "mkdir": nil, "cd": changeDir, "export": nil, "cp": nil, "diff": nil, "sha256sum": nil,
	// Those within a container, and behind a pipe.
	"ls": nil, "cat": nil, "tr": nil, "tar": nil, "sh": nil, "test": nil, "echo": nil, "true": nil, "grep": nil, "sort": nil, "printf": nil, "tee": nil,
}

// commands looks at every command of a page. What docker says of their flags is up
// to the integration tests.
func commands(p *docs.Page) (found []string) {
	for _, b := range p.Blocks {
		if b.Language != "sh" && b.Language != "console" {
			continue
		}
		list, err := b.Commands()
		if err != nil {
			found = append(found, err.Error())
			continue
		}
		if len(list) == 0 && b.Language == "console" {
			found = append(found, fmt.Sprintf("%s: a console without a command, which stands behind a prompt", b))
		}
		for _, c := range list {
			check, ok := programs[c.Words[0]]
			wrong := ""
			if !ok {
				wrong = "no check knows the program " + c.Words[0]
			} else if check != nil {
				wrong = check(c)
			}
			if wrong != "" {
				found = append(found, fmt.Sprintf("%s: %s", c, wrong))
			}
		}
	}
	return found
}

// exists tells whether a path of a command is there, seen from the folder that its
// page is for: an example, or the root.
func exists(c docs.Command, name string) bool {
	dir := path.Dir(c.Block.Page)
	if dir == "docs" || strings.HasPrefix(dir, "integration") {
		dir = "."
	}
	_, err := os.Stat(filepath.Join(root, dir, c.Dir, name))
	return err == nil
}

var makefile = sync.OnceValue(func() string {
	data, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return err.Error()
	}
	return string(data)
})

func makeCommand(c docs.Command) string {
	for _, w := range c.Words[1:] {
		name, _, isVariable := strings.Cut(w, "=")
		pattern, what := `(?m)^([a-z-]+ )*`+regexp.QuoteMeta(name)+`( [a-z-]+)*:( |$)`, "target"
		if isVariable {
			pattern, what = `(?m)^`+regexp.QuoteMeta(name)+` \?=`, "variable"
		}
		if !regexp.MustCompile(pattern).MatchString(makefile()) {
			return fmt.Sprintf("the Makefile has no %s %s", what, name)
		}
	}
	return ""
}

// help is what the go command says of a topic.
func help(topic string) string {
	out, err := exec.Command("go", "help", topic).CombinedOutput()
	if err != nil {
		return ""
	}
	return string(out)
}

func goCommand(c docs.Command) string {
	name := c.Words[1]
	text := help(name)
	if text == "" {
		return "go has no command " + name
	}
	if slices.Contains([]string{"build", "test", "run", "install", "vet", "generate"}, name) {
		text += help("build") + help("testflag")
	}
	for _, w := range c.Words[2:] {
		flag, _, _ := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "-") && !strings.Contains(w, " ") && !regexp.MustCompile(regexp.QuoteMeta(flag)+`\b`).MatchString(text):
			return fmt.Sprintf("go %s has no flag %s", name, flag)
		case strings.HasPrefix(w, "./") && !exists(c, strings.TrimSuffix(w, "...")):
			return "there is no " + w
		}
	}
	return ""
}

func changeDir(c docs.Command) string {
	if strings.HasPrefix(c.Block.Page, "examples/") && !exists(c, c.Words[1]) {
		return "there is no folder " + c.Words[1]
	}
	return ""
}

func cargoCommand(c docs.Command) string {
	if !slices.Contains([]string{"build", "test", "run", "fetch", "check", "update", "audit", "chef", "metadata"}, c.Words[1]) {
		return "cargo has no command " + c.Words[1]
	}
	if !exists(c, "Cargo.toml") {
		return "there is no Cargo.toml"
	}
	return ""
}

// calls are the questions that the frontend answers, and how buildx calls one of them.
var calls = sync.OnceValues(func() ([]string, error) {
	c := &gatewaytest.Client{Opts: map[string]string{"requestid": "frontend.subrequests.describe"}}
	res, err := frontend.Frontend{}.Build(context.Background(), c)
	if err != nil {
		return nil, err
	}
	var list []struct{ Name string }
	if err := json.Unmarshal(res.Metadata["result.json"], &list); err != nil {
		return nil, err
	}
	out := []string{"check"}
	for _, l := range list {
		out = append(out, strings.TrimPrefix(l.Name, "frontend."))
	}
	return out, nil
})

func dockerCommand(c docs.Command) string {
	if !slices.Contains([]string{"buildx", "run", "stop", "cp", "export", "exec", "pull", "push", "compose", "inspect", "version", "info", "load", "build", "login", "logs"}, c.Words[1]) {
		return "docker has no command " + c.Words[1]
	}
	for i, w := range c.Words[:len(c.Words)-1] {
		next := c.Words[i+1]
		switch w {
		case "-f", "--file":
			if (strings.Contains(next, "/") || strings.HasPrefix(c.Block.Page, "examples/")) && !exists(c, next) {
				return "there is no " + next
			}
		case "--call":
			known, err := calls()
			if err != nil {
				return err.Error()
			}
			if name, _, _ := strings.Cut(next, ","); !slices.Contains(known, name) {
				return fmt.Sprintf("there is no call %s; known calls are %s", name, strings.Join(known, ", "))
			}
		}
	}
	return ""
}
