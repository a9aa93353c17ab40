package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/pkg/errors"
)

// ignorePatterns are the patterns of .dockerignore, or of the file that goes with the
// spec. With one that means nothing the client would transfer nothing, and say neither
// which one it is nor where.
func (r *request) ignorePatterns(ctx context.Context) ([]string, error) {
	patterns, err := r.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, errors.Wrap(err, "failed to read .dockerignore")
	}
	for _, pattern := range patterns {
		if !validPattern(pattern) {
			return nil, r.invalidPattern(ctx)
		}
	}
	return patterns, nil
}

// validPattern tells whether files can be compared with a pattern. Some mistakes show
// when one is.
func validPattern(pattern string) bool {
	m, err := patternmatcher.New([]string{pattern})
	if err == nil {
		_, err = m.MatchesOrParentMatches("x")
	}
	return err == nil
}

// invalidPattern is the error at the line of the first pattern that means nothing.
func (r *request) invalidPattern(ctx context.Context) error {
	name, data, def, err := r.ignoreFile(ctx)
	if err != nil {
		return errors.Wrap(err, "failed to read .dockerignore")
	}
	for i, line := range strings.Split(string(data), "\n") {
		patterns, err := ignorefile.ReadAll(strings.NewReader(line))
		if err != nil || len(patterns) == 0 || validPattern(patterns[0]) {
			continue
		}
		what := "a bracket that is not closed, a range that runs backwards, or a backslash with nothing after it makes it none; write \\[ for the bracket itself"
		if patterns[0] == "!" {
			what = "after ! comes what to take back into the build context"
		}
		return errdefs.WithSource(fmt.Errorf("%s:%d: %q is not a pattern: %s", name, i+1, strings.TrimSpace(line), what), &errdefs.Source{
			Info:   &pb.SourceInfo{Data: data, Filename: name, Definition: def},
			Ranges: []*pb.Range{{Start: &pb.Position{Line: int32(i + 1)}, End: &pb.Position{Line: int32(i + 1)}}},
		})
	}
	return errors.Errorf("%s has a pattern that cannot be read", name)
}

// ignoreFile reads the file that the patterns came from: the one beside the spec goes
// before that of the build context.
func (r *request) ignoreFile(ctx context.Context) (name string, data []byte, def *pb.Definition, err error) {
	res, err := r.GatewayClient().Solve(ctx, client.SolveRequest{Definition: r.source.Definition.ToPB()})
	if err != nil {
		return "", nil, nil, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return "", nil, nil, err
	}
	name = r.source.Filename + dockerui.DefaultDockerignoreName
	if data, err = dockerui.ReadFile(ctx, ref, name); err == nil {
		return name, data, r.source.Definition.ToPB(), nil
	}
	name = dockerui.DefaultDockerignoreName
	st, err := r.MainContext(ctx, llb.ExcludePatterns(nil), llb.FollowPaths([]string{name}),
		llb.SharedKeyHint(name), dockerui.WithInternalName("load "+name), llb.Differ(llb.DiffNone, false))
	if err != nil {
		return "", nil, nil, err
	}
	src, err := r.files(ctx, *st)
	if err != nil {
		return "", nil, nil, err
	}
	data, err = fs.ReadFile(src, name)
	if err != nil {
		return "", nil, nil, err
	}
	marshalled, err := st.Marshal(ctx, llb.WithCaps(r.BuildOpts().LLBCaps), llb.Platform(r.BuildPlatforms[0]))
	if err != nil {
		return "", nil, nil, err
	}
	return name, data, marshalled.ToPB(), nil
}
