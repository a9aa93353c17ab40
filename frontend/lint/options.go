package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Options say which rules run, and what their findings are.
type Options struct {
	// SkipAll turns all rules off.
	SkipAll bool
	// Skip holds the names of the rules that are turned off.
	Skip map[string]bool
	// Error tells that findings are errors: a build with one fails.
	Error bool
}

// checkComment is a comment that is meant to be a check directive.
var checkComment = regexp.MustCompile(`(?i)^#\s*check\s*=`)

// ParseOptions reads the check directive of a spec: a comment such as
//
//	# check=skip=RunsAsRoot,UnusedArg;error=true
//
// directly below the syntax line. It is read from the text and not from the YAML,
// since it counts also where the YAML has a mistake. file names the spec in
// messages. The error is a *spec.Problem.
func ParseOptions(file string, data []byte) (Options, error) {
	_, text, at, ok := parser.ParseDirective("check", data)
	line := 0
	if ok {
		line = at[0].Start.Line
	}
	lines := strings.Split(strings.TrimPrefix(string(data), "\uFEFF"), "\n")
	if stray := strayDirective(lines, line); stray > 0 {
		if ok {
			return Options{}, problem(file, lines, stray, fmt.Sprintf("there is a check directive on line %d already, and only one is read; join them: # check=skip=A,B;error=true", line))
		}
		return Options{}, problem(file, lines, stray, "a check directive is read only directly below the syntax line, before any other comment or empty line; move it there")
	}
	if !ok {
		return Options{}, nil
	}
	// A remark may follow; the value itself may have spaces behind its commas.
	text, _, _ = strings.Cut(text, " #")
	cfg, err := linter.ParseLintOptions(text)
	if err != nil {
		return Options{}, problem(file, lines, line, err.Error()+"; write # check=skip=RunsAsRoot,UnusedArg, # check=skip=all or # check=error=true")
	}
	if cfg.ExperimentalAll || len(cfg.ExperimentalRules) > 0 {
		return Options{}, problem(file, lines, line, "there are no experimental rules; remove experimental")
	}
	names := ruleNames()
	for _, name := range cfg.SkipRules {
		switch {
		case name == "":
			return Options{}, problem(file, lines, line, "skip names no rule; write names with commas between them, or all")
		case !slices.Contains(names, name):
			return Options{}, problem(file, lines, line, fmt.Sprintf("there is no rule %q, only %s%s", name, spec.List(names), spec.DidYouMean(name, names)))
		}
	}
	return fromConfig(cfg), nil
}

// Merge puts the build argument BUILDKIT_DOCKERFILE_CHECK, which BuildKit has
// parsed, in the place of what the spec says. As for Dockerfiles, it replaces all
// of that, and nil leaves it. One such argument often goes to the builds of many
// files, so rules that are not ours are no mistake in it.
func (o Options) Merge(with *linter.Config) Options {
	if with == nil {
		return o
	}
	return fromConfig(with)
}

func fromConfig(cfg *linter.Config) Options {
	o := Options{SkipAll: cfg.SkipAll, Error: cfg.ReturnAsError}
	for _, name := range cfg.SkipRules {
		if o.Skip == nil {
			o.Skip = map[string]bool{}
		}
		o.Skip[name] = true
	}
	return o
}

// strayDirective is the line of a check directive in the comments at the head of
// a spec that BuildKit does not read, because it is not the one on line read.
func strayDirective(lines []string, read int) int {
	for i, l := range lines {
		l = strings.TrimSpace(l)
		switch {
		case l != "" && !strings.HasPrefix(l, "#"):
			return 0
		case i+1 != read && checkComment.MatchString(l):
			return i + 1
		}
	}
	return 0
}

func problem(file string, lines []string, line int, message string) *spec.Problem {
	text := []rune(strings.TrimRight(lines[line-1], " \t\r"))
	return &spec.Problem{File: file, Message: message, Range: spec.Range{
		Start: spec.Position{Line: line, Column: 1},
		End:   spec.Position{Line: line, Column: len(text) + 1},
	}}
}

func ruleNames() []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = r.Name
	}
	return out
}
