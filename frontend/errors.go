package frontend

import (
	"errors"
	"io/fs"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// located adds to an error about the spec the places that it is about, which
// clients print with their lines marked. Problems of one line are one source with
// several ranges, so that the line is printed once.
func (r *request) located(err error) error {
	var last *errdefs.Source
	var sources []*errdefs.Source
	for _, p := range spec.ProblemsOf(err) {
		if p.Range.IsZero() {
			continue
		}
		rng := pbRange(p.Range)
		if last != nil && last.Ranges[0].Start.Line == rng.Start.Line {
			last.Ranges = append(last.Ranges, rng)
			continue
		}
		last = &errdefs.Source{
			Info: &pb.SourceInfo{
				Data:       r.source.Data,
				Filename:   r.source.Filename,
				Language:   r.source.Language,
				Definition: r.source.Definition.ToPB(),
			},
			Ranges: []*pb.Range{rng},
		}
		sources = append(sources, last)
	}
	for _, s := range sources {
		err = errdefs.WithSource(err, s)
	}
	return err
}

func pbRange(r spec.Range) *pb.Range {
	return &pb.Range{
		Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(r.Start.Column)},
		End:   &pb.Position{Line: int32(r.End.Line), Character: int32(r.End.Column)},
	}
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
