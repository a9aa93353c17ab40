package frontend

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// imageConfig is the config of the image for one platform. Labels of the request
// win over those of the spec, as they do over those of a Dockerfile.
func (b *builder) imageConfig(pf platform.Platform) *dockerspec.DockerOCIImage {
	t := b.target
	img := &dockerspec.DockerOCIImage{
		Image: ocispecs.Image{
			Created:  &b.epoch,
			Platform: pf.OCI,
			RootFS:   ocispecs.RootFS{Type: "layers"},
		},
	}
	cfg := &img.Config
	cfg.User = t.User.Numeric()
	cfg.WorkingDir = t.Workdir
	cfg.Entrypoint = t.Entrypoint
	if len(cfg.Entrypoint) == 0 {
		cfg.Entrypoint = []string{rootfs.BinaryPath(b.plan.Binaries()[0])}
	}
	cfg.Cmd = t.Cmd
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		cfg.Env = append(cfg.Env, name+"="+t.Env[name])
	}
	for _, port := range t.Expose {
		for _, p := range port.Each() {
			if cfg.ExposedPorts == nil {
				cfg.ExposedPorts = map[string]struct{}{}
			}
			cfg.ExposedPorts[p] = struct{}{}
		}
	}
	labels := maps.Clone(t.Labels)
	for name, value := range b.req.Labels {
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	cfg.Labels = labels
	return img
}

// epoch is the time of the image: SOURCE_DATE_EPOCH, else the time of the commit
// that a git context is at, else the beginning of 1970. It goes into the config
// and its history only.
func (r *request) epoch(ctx context.Context) (time.Time, error) {
	if v := r.BuildArgs[keySourceDateEpoch]; v != "" {
		sec, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return time.Time{}, errors.Errorf("SOURCE_DATE_EPOCH must be a number of seconds since 1970, not %q", v)
		}
		return time.Unix(sec, 0).UTC(), nil
	}
	t, err := r.ResolveMainContextSourceDateEpoch(ctx)
	if err != nil {
		return time.Time{}, errors.Wrap(err, "failed to read the time of the context's commit")
	}
	if t != nil {
		return t.UTC(), nil
	}
	return time.Unix(0, 0).UTC(), nil
}
