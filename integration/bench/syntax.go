package main

import (
	"context"

	"github.com/fromscratch-build/fromscratch/integration/bench/dockerfile"
)

// dockerfileImage is the frontend of Dockerfiles as an image.
const dockerfileImage = dockerfile.Image

// findDockerfile fills in the digest of the frontend of Dockerfiles.
func (l *lab) findDockerfile(ctx context.Context) error {
	if l.environment.Dockerfile != "" {
		return nil
	}
	var err error
	l.environment.Dockerfile, err = dockerfile.Ensure(ctx, l.bed, l.say)
	return err
}
