// Package dockerfile has the frontend of Dockerfiles as an image, which the first line
// of a Dockerfile names as Docker's documentation recommends, and the program that is in
// it. Without that line BuildKit has one built in, which no container has to be started
// for.
package dockerfile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// Image is the name that Dockerfiles give their frontend, and Program its path in it.
const (
	Image   = "docker/dockerfile:1"
	Program = "/bin/dockerfile-frontend"
)

const source = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"

// recipe makes the image as its project does: of the program alone, with what it can do
// in labels, and compressed, since it is pulled in a timed build.
const recipe = `FROM scratch
LABEL moby.buildkit.frontend.network.none="true"
LABEL moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
COPY frontend ` + Program + `
ENTRYPOINT ["` + Program + `"]
`

// Ensure builds the image from the pins of the test bed's BuildKit, unless the test bed's
// registry has it, and returns its digest. say is told when it has to be built.
func Ensure(ctx context.Context, bed *testbed.Bed, say func(format string, args ...any)) (digest string, err error) {
	r := registry.Registry{Addr: bed.Registry}
	m, err := r.Manifest(ctx, Image)
	// What an earlier benchmark has left may be larger than what Docker publishes.
	plain := m != nil && slices.ContainsFunc(m.Layers, func(l ocispecs.Descriptor) bool { return l.MediaType == ocispecs.MediaTypeImageLayer })
	if err == nil && (m == nil || plain) {
		say("image %s", Image)
		if err := publish(ctx, bed); err != nil {
			return "", fmt.Errorf("image %s: %w", Image, err)
		}
		m, err = r.Manifest(ctx, Image)
	}
	if err != nil {
		return "", err
	}
	if m == nil {
		return "", fmt.Errorf("there is no %s after its push", Image)
	}
	return m.Digest, nil
}

func publish(ctx context.Context, bed *testbed.Bed) error {
	dir, err := os.MkdirTemp("", "fromscratch-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(bed.Root, "integration", "tools", "buildkit"), "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w", "-o", filepath.Join(dir, "frontend"), source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	cmd = bed.Command(ctx, "docker", "buildx", "build", "--provenance=false",
		"--output", "type=image,push=true,compression=gzip,force-compression=true,name="+bed.Registry+"/"+Image, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
