package frontend_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/imagelist"
	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// listed are the images of a list in few words: what each is, for which target on which
// platform, and what is fetched for it.
func listed(l imagelist.List) []string {
	var out []string
	for _, i := range l.Images {
		what := []string{i.Role, i.Name}
		if i.Target != "" {
			what = append(what, i.Target, i.Platform)
		}
		if ref, _, _ := strings.Cut(i.Reference, "@"); ref != "" {
			what = append(what, ref)
		}
		if i.Error != "" {
			what = append(what, i.Error)
		}
		if i.Replaced {
			what = append(what, "replaced")
		}
		out = append(out, strings.Join(append(what, i.ImagePlatform), " "))
	}
	return out
}

const imageSpec = `toolchain: go-cgo0
targets:
  app: {build: ., base: gcr.io/distroless/static, compress: upx, copy: [{src: a, dest: /a, from: 'alpine:3'}, {src: b, dest: /b, from: folder}]}
  tool:
    toolchain: {name: go-cgo0, image: 'example.com/go:1'}
    build: .
`

func TestImages(t *testing.T) {
	const front, base = "frontend fromscratch/frontend:1 docker.io/fromscratch/frontend:1 linux/amd64", "gcr.io/distroless/static"
	for name, tc := range map[string]struct {
		opts map[string]string
		want []string
	}{
		"a target": {map[string]string{"target": "tool"}, []string{
			front,
			"toolchain example.com/go:1 tool linux/amd64 example.com/go:1 linux/amd64",
		}},
		"a target on two platforms": {map[string]string{"target": "app", "platform": "linux/amd64,linux/arm64"}, []string{
			front,
			"toolchain golang:1.26-alpine app linux/amd64 docker.io/library/golang:1.26-alpine linux/amd64",
			"upx upx app linux/amd64 there is no context named upx linux/amd64",
			"base " + base + " app linux/amd64 " + base + ":latest linux/amd64",
			"context alpine:3 app linux/amd64 there is no context named alpine:3 linux/amd64",
			"toolchain golang:1.26-alpine app linux/arm64 docker.io/library/golang:1.26-alpine linux/amd64",
			"upx upx app linux/arm64 there is no context named upx linux/amd64",
			"base " + base + " app linux/arm64 " + base + ":latest linux/arm64",
			"context alpine:3 app linux/arm64 there is no context named alpine:3 linux/arm64",
		}},
		"all": {map[string]string{"context:upx": "docker-image://upx:4", "context:alpine:3": "docker-image://mirror.example.com/alpine:3", "context:golang:1.26": "oci-layout://golang",
			"context:busybox": "docker-image://mirror.example.com/busybox:musl", "context:" + base: "local:base", "context:folder": "local:folder"}, []string{
			front,
			"toolchain golang:1.26-alpine app linux/amd64 oci-layout://golang replaced linux/amd64",
			"upx upx app linux/amd64 docker.io/library/upx:4 replaced linux/amd64",
			"base " + base + " app linux/amd64 local:base replaced linux/amd64",
			"context alpine:3 app linux/amd64 mirror.example.com/alpine:3 replaced linux/amd64",
			"shell busybox:stable-musl app-debug linux/amd64 mirror.example.com/busybox:musl replaced linux/amd64",
			"toolchain example.com/go:1 tool linux/amd64 example.com/go:1 linux/amd64",
			"shell busybox:stable-musl tool-debug linux/amd64 mirror.example.com/busybox:musl replaced linux/amd64",
		}},
		"debug": {map[string]string{"target": "tool-debug"}, []string{
			front,
			"toolchain example.com/go:1 tool linux/amd64 example.com/go:1 linux/amd64",
			"shell busybox:stable-musl tool-debug linux/amd64 docker.io/library/busybox:stable-musl linux/amd64",
		}},
		"binaries": {map[string]string{"target": "binaries"}, []string{
			front,
			"toolchain golang:1.26-alpine app linux/amd64 docker.io/library/golang:1.26-alpine linux/amd64",
			"upx upx app linux/amd64 there is no context named upx linux/amd64",
			"toolchain example.com/go:1 tool linux/amd64 example.com/go:1 linux/amd64",
		}},
		"SBOM": {map[string]string{"target": "tool", "attest:sbom": "generator=example.com/syft"}, []string{
			front,
			"toolchain example.com/go:1 tool linux/amd64 example.com/go:1 linux/amd64",
			"SBOM generator example.com/syft:latest example.com/syft:latest replaced linux/amd64",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			list, _ := ask[imagelist.List](t, imageSpec, imagelist.Definition.Name, tc.opts)
			require.Equal(t, tc.want, listed(list))
			for _, i := range list.Images {
				require.True(t, i.Error != "" || strings.Contains(i.Reference, "@sha256:") || strings.Contains(i.Reference, ":"), "%+v", i)
			}
		})
	}
}

// missingImages is a client whose registry has none of the images with a name.
type missingImages struct {
	*gatewaytest.Client
	name string
}

func (c missingImages) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if strings.Contains(ref, c.name) {
		return "", "", nil, errors.New("rpc error: failed to do request: dial tcp: connection refused")
	}
	return c.Client.ResolveImageConfig(ctx, ref, opt)
}

// TestMissingImages: one that cannot be had is part of the list, and others are listed.
func TestMissingImages(t *testing.T) {
	var c client.Client = missingImages{newClient(t, imageSpec, map[string]string{"requestid": imagelist.Definition.Name, "target": "app"}), "golang"}
	res, err := build(c)
	require.NoError(t, err)
	require.Equal(t, `fromscratch/frontend:1
  frontend; taken for linux/amd64
  is docker.io/fromscratch/frontend:1@`+digest.FromString("docker.io/fromscratch/frontend:1").String()+`
  to replace it: the line # syntax= of the spec, or --build-arg BUILDKIT_SYNTAX=…

golang:1.26-alpine
  toolchain of app for linux/amd64; taken for linux/amd64
  cannot be had: failed to do request: dial tcp: connection refused
  to replace it: toolchain.image in the spec, or --build-context golang:1.26=docker-image://…

upx
  upx of app for linux/amd64; taken for linux/amd64
  cannot be had: there is no context named upx
  to replace it: --build-context upx=docker-image://…

gcr.io/distroless/static
  base of app for linux/amd64; taken for linux/amd64
  is gcr.io/distroless/static:latest@`+digest.FromString("gcr.io/distroless/static:latest").String()+`
  to replace it: base in the spec, or --build-context gcr.io/distroless/static=docker-image://…

alpine:3
  context of app for linux/amd64; taken for linux/amd64
  cannot be had: there is no context named alpine:3
  to replace it: copy.from in the spec, or --build-context alpine:3=docker-image://…
`, string(res.Metadata["result.txt"]))
}

// TestImagesOfNothing: a target without a toolchain image has none but the frontend.
func TestImagesOfNothing(t *testing.T) {
	c := newClient(t, "toolchain: prebuilt\ntargets: {app: {build: app}}\n", map[string]string{"requestid": imagelist.Definition.Name, "target": "app"})
	c.Files.(fstest.MapFS)["app"] = &fstest.MapFile{Data: program(t)}
	res, err := build(c)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(res.Metadata["result.txt"]), "to replace it"))
}
