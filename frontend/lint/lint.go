// Package lint looks for what a spec may say and had better not: valid, but
// unsafe, not repeatable, or without the effect that its author had in mind.
// Mistakes are not its business, those are errors of package spec.
//
// A rule is worth having only as long as it is right nearly always. Where a rule
// cannot know, it stays silent.
package lint

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Finding is one thing a rule says about a spec.
type Finding struct {
	// Rule is the rule that says it.
	Rule *Rule
	// Range is what to underline.
	Range spec.Range
	// Message says what is wrong, why that matters and what to write instead.
	Message string
}

// Rule is one thing to look for.
type Rule struct {
	// Name is what check=skip takes.
	Name string
	// Description says in one sentence what the rule is for.
	Description string
	// URL is where the rule is explained.
	URL string

	// whole looks at the spec as such, each at one target after the other.
	whole func(*pass)
	each  func(*pass, *spec.Target)
}

// rules are in the order of docs/rules.md.
var rules = []*Rule{
	runsAsRoot,
	floatingToolchain,
	secretInArgs,
	unusedArg,
	duplicateDestination,
	relativePath,
	numericUserWithoutPasswd,
	missingCertificates,
	undefinedStamp,
	vendoredOpenSSL,
	muslAllocator,
	largeDebugInfo,
	fatLTO,
}

func init() {
	for _, r := range rules {
		r.URL = "https://fromscratch.build/rules/#" + strings.ToLower(r.Name)
	}
}

// Rules lists all rules in the order of docs/rules.md.
func Rules() []*Rule { return slices.Clone(rules) }

// Check runs the rules on the named targets of s, or on all of them when none is
// named, and on what does not belong to a target. src is the build context; it is
// nil when it is not to be read, and then the rules that need it stay silent.
//
// Findings are in the order of the spec. What several targets share, such as a
// value of the top level or of an anchor, is reported once.
func Check(s *spec.Spec, targets []string, src fs.FS, opts Options) []Finding {
	if opts.SkipAll {
		return nil
	}
	p := &pass{spec: s, src: newSources(src), seen: map[place]bool{}}
	for _, r := range rules {
		if opts.Skip[r.Name] {
			continue
		}
		p.rule = r
		if r.whole != nil {
			r.whole(p)
		}
		for _, name := range s.TargetNames() {
			if r.each != nil && (len(targets) == 0 || slices.Contains(targets, name)) {
				r.each(p, s.Targets[name])
			}
		}
	}
	// The sort is stable: at one place, findings are in the order of the rules.
	slices.SortStableFunc(p.findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Range.Start.Column, b.Range.Start.Column))
	})
	return p.findings
}

// pass is one run of the rules.
type pass struct {
	spec     *spec.Spec
	src      *sources
	rule     *Rule
	findings []Finding
	seen     map[place]bool
}

// place is where a rule has said something.
type place struct {
	rule *Rule
	at   spec.Position
}

// report adds a finding, unless the rule has one at that place already.
func (p *pass) report(at spec.Range, format string, args ...any) {
	id := place{p.rule, at.Start}
	if p.seen[id] {
		return
	}
	p.seen[id] = true
	p.findings = append(p.findings, Finding{Rule: p.rule, Range: at, Message: fmt.Sprintf(format, args...)})
}

// pathOf is the place of t in the spec, and of what is below it.
func pathOf(t *spec.Target, keys ...string) spec.Path {
	return spec.Path{"targets", t.Name()}.Join(keys...)
}

func (p *pass) valueRange(path spec.Path) spec.Range { return p.spec.ValueRange(path...) }

func (p *pass) keyRange(path spec.Path) spec.Range { return p.spec.KeyRange(path...) }

// toolchainPath is where the value of a key of t's toolchain comes from: what
// the target does not say itself, the top level says.
func (p *pass) toolchainPath(t *spec.Target, key string) spec.Path {
	own := pathOf(t, "toolchain")
	switch {
	case p.spec.Wrote(own.Join(key)):
		return own.Join(key)
	case key == "name" && p.spec.Wrote(own) && !p.wroteAny(own, "version", "image", "jobs"):
		return own
	}
	return spec.Path{"toolchain", key}
}

func (p *pass) wroteAny(path spec.Path, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return p.spec.Wrote(path.Join(key)) })
}
