package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"
)

// Problem is one mistake in a spec.
type Problem struct {
	// File is the name of the spec as the user gave it.
	File string
	// Range is what to underline.
	Range Range
	// Message says what is wrong and what to write instead, in one paragraph.
	Message string
}

func (p *Problem) Error() string {
	if p.Range.IsZero() {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%s: %s", p.File, p.Range, p.Message)
}

// Problems lists every mistake of a spec in the order of its lines. It is an
// error when it is not empty.
type Problems []*Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As access to each problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// ProblemsOf returns the problems inside err, or nil when it holds none.
func ProblemsOf(err error) Problems {
	if ps, ok := errors.AsType[Problems](err); ok {
		return ps
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return Problems{p}
	}
	return nil
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		if a.Range.Start.Line != b.Range.Start.Line {
			return a.Range.Start.Line - b.Range.Start.Line
		}
		return a.Range.Start.Column - b.Range.Start.Column
	})
	return ps
}

// DidYouMean returns "; did you mean X?" when one of the options is near to
// word, and nothing otherwise.
func DidYouMean(word string, options []string) string {
	if len(word) > 100 {
		return ""
	}
	for _, o := range options {
		if o != word && strings.EqualFold(o, word) {
			return fmt.Sprintf("; did you mean %q?", o)
		}
	}
	if m, ok := suggest.Search(word, options, true); ok {
		return fmt.Sprintf("; did you mean %q?", m)
	}
	return ""
}

// List joins words as prose: "a, b and c". Of many words it names the first.
func List(words []string) string {
	const most = 20
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return prose(words)
}

// prose is List for words of our own, which are all named.
func prose(words []string) string {
	switch len(words) {
	case 0:
		return "none"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
