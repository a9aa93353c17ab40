package frontend

import (
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// located adds to an error about the spec the lines that it is about, which
// clients print underlined.
func (r *request) located(err error) error {
	for _, p := range spec.ProblemsOf(err) {
		if p.Range.IsZero() {
			continue
		}
		err = r.withSource(err, p.Range)
	}
	return err
}

func (r *request) withSource(err error, rng spec.Range) error {
	return errdefs.WithSource(err, &errdefs.Source{
		Info: &pb.SourceInfo{
			Data:       r.source.Data,
			Filename:   r.source.Filename,
			Language:   r.source.Language,
			Definition: r.source.Definition.ToPB(),
		},
		Ranges: []*pb.Range{pbRange(rng)},
	})
}

func pbRange(r spec.Range) *pb.Range {
	return &pb.Range{
		Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(r.Start.Column)},
		End:   &pb.Position{Line: int32(r.End.Line), Character: int32(r.End.Column)},
	}
}
