package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// The frontend of Dockerfiles as an image, which the first line of a Dockerfile names
// as Docker's documentation recommends, and the program that is in it. Without that
// line BuildKit has one built in, which no container has to be started for.
const (
	dockerfileImage   = "docker/dockerfile:1"
	dockerfilePackage = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"
)

// dockerfileRecipe makes the image as its project does: of the program alone, with
// what it can do in labels, and compressed, since it is pulled in a timed build.
const dockerfileRecipe = `FROM scratch
LABEL moby.buildkit.frontend.network.none="true"
LABEL moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
COPY frontend /bin/dockerfile-frontend
ENTRYPOINT ["/bin/dockerfile-frontend"]
`

// findDockerfile fills in the digest of the frontend of Dockerfiles, which it builds
// from the pins of the test bed's BuildKit unless the registry has it.
func (l *lab) findDockerfile(ctx context.Context) error {
	if l.environment.Dockerfile != "" {
		return nil
	}
	m, err := l.registry.manifest(ctx, dockerfileImage)
	if err != nil {
		return err
	}
	// What an earlier benchmark has left may be larger than what Docker publishes.
	if m == nil || slices.ContainsFunc(m.Layers, func(l ocispecs.Descriptor) bool { return l.MediaType == ocispecs.MediaTypeImageLayer }) {
		if err := l.publishDockerfile(ctx); err != nil {
			return fmt.Errorf("image %s: %w", dockerfileImage, err)
		}
	}
	l.environment.Dockerfile, err = l.image(ctx, dockerfileImage)
	return err
}

func (l *lab) publishDockerfile(ctx context.Context) error {
	l.say("image %s", dockerfileImage)
	dir, err := os.MkdirTemp("", "fromscratch-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeFiles(dir, map[string]string{"Dockerfile": dockerfileRecipe}); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(l.bed.Root, "integration", "tools", "buildkit"), "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w", "-o", filepath.Join(dir, "frontend"), dockerfilePackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(string(out)))
	}
	cmd = l.bed.Command(ctx, "docker", "buildx", "build", "--provenance=false",
		"--output", "type=image,push=true,compression=gzip,force-compression=true,name="+l.bed.Registry+"/"+dockerfileImage, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(string(out)))
	}
	return nil
}
