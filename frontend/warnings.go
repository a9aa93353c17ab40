package frontend

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/gateway/client"
	sublint "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/lint"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// findings runs the rules on some targets, on all when none is named.
func (r *request) findings(s *spec.Spec, targets []string, src fs.FS) ([]lint.Finding, lint.Options, error) {
	opts, err := lint.ParseOptions(r.source.Filename, r.source.Data)
	if err != nil {
		return nil, opts, err
	}
	opts = opts.Merge(r.LinterConfig)
	return lint.Check(s, targets, src, opts), opts, nil
}

// warn tells the user of a build what the rules find, and of build arguments that
// the spec does not take. Findings are errors if the spec asks for it.
func (r *request) warn(ctx context.Context, s *spec.Spec, targets []string, src fs.FS) error {
	for _, name := range r.unknownArgs() {
		declared := make([]string, 0, len(s.Args))
		for a := range s.Args {
			declared = append(declared, a)
		}
		r.source.Warn(ctx, fmt.Sprintf("build argument %s is not declared in the spec, so it has no effect%s", name, spec.DidYouMean(name, declared)), client.WarnOpts{})
	}
	found, opts, err := r.findings(s, targets, src)
	if err != nil {
		return err
	}
	var errs spec.Problems
	for _, f := range found {
		msg := linter.LintFormatShort(f.Rule.Name, f.Message, f.Range.Start.Line)
		if opts.Error {
			errs = append(errs, &spec.Problem{File: s.File(), Range: f.Range, Message: f.Rule.Name + ": " + f.Message})
			continue
		}
		r.source.Warn(ctx, msg, client.WarnOpts{Range: []*pb.Range{pbRange(f.Range)}, Detail: [][]byte{[]byte(f.Rule.Description)}, URL: f.Rule.URL})
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// lintResults answers docker buildx build --check: the same rules, on all targets
// unless the request names one, and the mistakes that would stop a build.
func (r *request) lintResults(ctx context.Context) (*sublint.LintResults, error) {
	out := &sublint.LintResults{}
	source := out.AddSource(r.source.SourceMap)
	s, err := r.any()
	var names []string
	if err == nil && r.Target != "" {
		var wanted output
		wanted, err = r.output(s)
		names = wanted.names()
	}
	if problems := spec.ProblemsOf(err); len(problems) > 0 {
		out.Error = &sublint.BuildError{Message: problems.Error()}
		out.Error.Location.SourceIndex = int32(source)
		for _, p := range problems {
			out.Error.Location.Ranges = append(out.Error.Location.Ranges, pbRange(p.Range))
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	src, err := r.readSources(ctx)
	if err != nil {
		return nil, err
	}
	found, _, err := r.findings(s, names, src)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		out.AddWarning(f.Rule.Name, f.Rule.Description, f.Rule.URL, f.Message, source, []parser.Range{parserRange(f.Range)})
	}
	return out, nil
}

func parserRange(r spec.Range) parser.Range {
	return parser.Range{
		Start: parser.Position{Line: r.Start.Line, Character: r.Start.Column},
		End:   parser.Position{Line: r.End.Line, Character: r.End.Column},
	}
}
