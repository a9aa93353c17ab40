package docs_test

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// emptyImages has every image, with nothing in it.
type emptyImages struct{}

func (emptyImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"os":"linux","architecture":"amd64"}`), nil
}

// dockerfiles has the frontend of Dockerfiles read every Dockerfile, with its rules.
func dockerfiles(p *docs.Page) (found []string) {
	for _, b := range p.Blocks {
		if b.Language != "dockerfile" {
			continue
		}
		text, caps, amd64 := []byte(b.Text), pb.Caps.CapSet(pb.Caps.All()), ocispecs.Platform{OS: "linux", Architecture: "amd64"}
		results, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
			Config:         dockerui.Config{BuildPlatforms: []ocispecs.Platform{amd64}},
			TargetPlatform: &amd64,
			MetaResolver:   emptyImages{},
			LLBCaps:        &caps,
			SourceMap:      &llb.SourceMap{Definition: &llb.Definition{}, Filename: b.Page, Data: text},
		})
		if err != nil {
			found = append(found, fmt.Sprintf("%s: %v", b, err))
			continue
		}
		if results.Error != nil {
			found = append(found, fmt.Sprintf("%s: %s", b, results.Error.Message))
		}
		for _, w := range results.Warnings {
			found = append(found, fmt.Sprintf("%s: %s: %s", b, w.RuleName, w.Detail))
		}
	}
	return found
}
