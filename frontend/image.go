package frontend

import (
	"maps"
	"slices"
	"time"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/system"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// imageConfig is the config of the image. Labels of the request win over those
// of the spec, as they do over those of a Dockerfile, and labels that the spec
// spells out over its metadata.
func (b *builder) imageConfig(layers []rootfs.Layer) *dockerspec.DockerOCIImage {
	t := b.target
	img := &dockerspec.DockerOCIImage{
		Image: ocispecs.Image{
			Created:  &b.epoch,
			Platform: b.platform.OCI,
			RootFS:   ocispecs.RootFS{Type: "layers"},
		},
	}
	cfg := &img.Config
	cfg.User = t.User.Numeric()
	cfg.WorkingDir = t.Workdir
	cfg.Entrypoint = t.Entrypoint
	if len(cfg.Entrypoint) == 0 {
		cfg.Entrypoint = b.binaryPaths()[:1]
	}
	cfg.Cmd = t.Cmd
	cfg.StopSignal = t.StopSignal
	cfg.Healthcheck = healthcheck(t.Healthcheck)
	env := joined(b.defaultEnv(), t.Env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cfg.Env = append(cfg.Env, name+"="+env[name])
	}
	for _, port := range t.Expose {
		for _, p := range port.Each() {
			if cfg.ExposedPorts == nil {
				cfg.ExposedPorts = map[string]struct{}{}
			}
			cfg.ExposedPorts[p] = struct{}{}
		}
	}
	for _, v := range t.Volumes {
		if cfg.Volumes == nil {
			cfg.Volumes = map[string]struct{}{}
		}
		cfg.Volumes[v] = struct{}{}
	}
	cfg.Labels = joined(b.annotations(), t.Labels, b.req.Labels)
	img.History = b.history(layers)
	b.inherit(img)
	if b.shell != nil {
		cfg.Env = b.shell.env(cfg.Env)
	}
	return img
}

// defaultEnv is the environment that an image has without a word in its spec: PATH as
// Docker has it, unless the base has one, and the home of the user, if there is one in
// the image, which not every runtime finds out for a user that is a number.
func (b *builder) defaultEnv() map[string]string {
	env := map[string]string{}
	if b.base.getenv("PATH") == "" {
		env["PATH"] = system.DefaultPathEnvUnix
	}
	if b.target.Extras.HasPasswd() {
		env["HOME"] = b.target.User.Home
	}
	return env
}

// history is the history of an image. Left to BuildKit, that of a layer which comes
// out of an imported cache says that it was imported, and the image has another digest.
func (p *prepared) history(layers []rootfs.Layer) []ocispecs.History {
	out := make([]ocispecs.History, len(layers))
	for i, l := range layers {
		out[i] = ocispecs.History{Created: &p.epoch, CreatedBy: l.Name, Comment: "fromscratch"}
	}
	return out
}

func healthcheck(h *spec.Healthcheck) *dockerspec.HealthcheckConfig {
	if h == nil {
		return nil
	}
	test := h.Test
	if len(test) != 1 || test[0] != "NONE" {
		test = append([]string{"CMD"}, test...)
	}
	return &dockerspec.HealthcheckConfig{
		Test:          test,
		Interval:      time.Duration(h.Interval),
		Timeout:       time.Duration(h.Timeout),
		StartPeriod:   time.Duration(h.StartPeriod),
		StartInterval: time.Duration(h.StartInterval),
		Retries:       h.Retries,
	}
}

// joined lays the maps over each other, the last on top. It is nil when all are empty.
func joined(ms ...map[string]string) map[string]string {
	var out map[string]string
	for _, m := range ms {
		for k, v := range m {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

// annotate adds the annotations of the target to the manifest. Of a result for one
// platform an exporter looks at annotations for no platform alone, unless there are
// attestations.
func (b *builder) annotate(res *client.Result) {
	for k, v := range joined(b.annotations(), b.target.Annotations) {
		res.AddMeta(exptypes.AnnotationManifestKey(&b.platform.OCI, k), []byte(v))
		if !b.req.MultiPlatformRequested {
			res.AddMeta(exptypes.AnnotationManifestKey(nil, k), []byte(v))
		}
	}
}

// annotateIndex adds the annotations of metadata to the index, if there is one: an
// exporter refuses annotations of an index that it does not make. What differs between
// platforms is none of the index.
func annotateIndex(res *client.Result, req *request, products []product) {
	if !req.MultiPlatformRequested {
		return
	}
	shared := maps.Clone(products[0].indexed())
	for _, other := range products[1:] {
		own := other.indexed()
		maps.DeleteFunc(shared, func(k, v string) bool { return own[k] != v })
	}
	for k, v := range shared {
		res.AddMeta(exptypes.AnnotationIndexKey(k), []byte(v))
	}
}

// indexed are the annotations that an index may have.
func (b *builder) indexed() map[string]string { return b.annotations() }
