package frontend_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
)

// made finds the content of a file that the graph makes, by its path.
func made(t *testing.T, c *gatewaytest.Client, path string) []string {
	t.Helper()
	var out []string
	seen := map[string]bool{}
	for _, op := range c.Ops(t) {
		for _, a := range op.GetFile().GetActions() {
			if f := a.GetMkfile(); f != nil && f.Path == path && !seen[string(f.Data)] {
				seen[string(f.Data)] = true
				out = append(out, string(f.Data))
			}
		}
	}
	return out
}

func only(t *testing.T, res *client.Result, id string) client.Attestation {
	t.Helper()
	require.Len(t, res.Attestations[id], 1)
	return res.Attestations[id][0]
}

func TestSBOMOnRequest(t *testing.T) {
	c := newClient(t, goSpec, map[string]string{"attest:sbom": "", "platform": "linux/amd64,linux/amd64/v3"})
	c.Files.(fstest.MapFS)["usr/share/fromscratch/versions"] = &fstest.MapFile{Data: []byte("ca-certificates=20230311\ntzdata=2026a\n")}
	res, err := build(c)
	require.NoError(t, err)
	for _, id := range []string{"linux/amd64", "linux/amd64/v3"} {
		att := only(t, res, id)
		require.Equal(t, gwpb.AttestationKind_InToto, att.Kind)
		require.Equal(t, "https://spdx.dev/Document", att.InToto.PredicateType)
		require.Equal(t, "sbom.spdx.json", att.Path)
		require.NotNil(t, att.Ref)
		require.NotContains(t, att.Metadata, "sbom-core", "BuildKit would rewrite it")
	}
	docs := made(t, c, "/sbom.spdx.json")
	require.Len(t, docs, 2, "one for each platform")
	for _, want := range []string{`"pkg:deb/debian/ca-certificates@20230311?arch=all"`, `"pkg:golang/stdlib@`, `BUILD_TOOL_OF`, `"fileName":"./app"`} {
		require.Contains(t, docs[0], want)
	}
	require.NotContains(t, docs[0], "tzdata", "the image has none")
	for _, op := range c.Ops(t) {
		require.NotContains(t, op.GetSource().GetIdentifier(), "scanner", "no generator is pulled")
	}
}

// TestNoSBOM: without being asked, nothing is written and no binary is read whole.
func TestNoSBOM(t *testing.T) {
	c := newClient(t, goSpec, nil)
	res, err := build(c)
	require.NoError(t, err)
	require.Empty(t, res.Attestations)
	require.Empty(t, made(t, c, "/sbom.spdx.json"))
}

// TestSBOMInTheImage: it is the same document, and there without being asked for as an
// attestation.
func TestSBOMInTheImage(t *testing.T) {
	spec := goSpec + "    extras: [sbom]\n"
	c := newClient(t, spec, map[string]string{"build-arg:BUILDKIT_ATTEST_SBOM": ""})
	_, err := build(c)
	require.NoError(t, err)
	inside := made(t, c, "/usr/share/sbom/app.spdx.json")
	require.Len(t, inside, 1)
	require.Equal(t, made(t, c, "/sbom.spdx.json"), inside)

	c = newClient(t, spec, nil)
	res, err := build(c)
	require.NoError(t, err)
	require.Empty(t, res.Attestations)
	require.Equal(t, inside, made(t, c, "/usr/share/sbom/app.spdx.json"))
}

// TestSBOMNamesWhatWasUsed: of an image that a context replaces, the one that was used
// is named, and of a folder no image at all. Zones have no order.
func TestSBOMNamesWhatWasUsed(t *testing.T) {
	document := func(opts map[string]string, zones string) string {
		spec := "toolchain: go-cgo0\nbase: below\ntargets:\n  app: {build: ., path: /usr/bin/app, extras: {sbom: true, tzdata: {zones: [" + zones + "]}}}\n"
		c := withPrograms(t, newClient(t, spec, opts), "usr/share/zoneinfo/UTC", "usr/share/zoneinfo/Asia/Tokyo")
		c.ImageConfig = `{"os":"linux","architecture":"amd64"}`
		_, err := build(c)
		require.NoError(t, err)
		return made(t, c, "/usr/share/sbom/app.spdx.json")[0]
	}
	image := document(map[string]string{"context:below": "docker-image://example.com/team/base:7", "context:golang:1.26": "docker-image://example.com/go:1"}, "UTC, Asia/Tokyo")
	require.Contains(t, image, `"name":"example.com/team/base"`)
	require.Contains(t, image, `"name":"example.com/go"`)
	require.NotContains(t, image, "docker.io/library")
	require.Equal(t, image, document(map[string]string{"context:below": "docker-image://example.com/team/base:7", "context:golang:1.26": "docker-image://example.com/go:1"}, "Asia/Tokyo, UTC"))
	folder := document(map[string]string{"context:below": "local:below"}, "UTC")
	require.NotContains(t, folder, "docker.io/library/below")
	require.Contains(t, folder, "the build context below")
}

// TestSBOMGenerator: a generator that the user names runs over the image, with the
// sources beside it, and nothing else is attached.
func TestSBOMGenerator(t *testing.T) {
	for _, value := range []string{"generator=example.com/scanner", `a=b,"generator=example.com/scanner"`} {
		c := newClient(t, goSpec, map[string]string{"attest:sbom": value})
		c.ImageConfig = `{"config":{"Entrypoint":["/scan"]}}`
		res, err := build(c)
		require.NoError(t, err)
		require.Equal(t, gwpb.AttestationKind_Bundle, only(t, res, "linux/amd64").Kind)
		require.Empty(t, made(t, c, "/sbom.spdx.json"))
		var scan *pb.ExecOp
		for _, op := range c.Ops(t) {
			if x := op.GetExec(); x != nil && x.Meta.Args[0] == "/scan" {
				scan = x
			}
		}
		require.NotNil(t, scan)
		mounts := []string{}
		for _, m := range scan.Mounts {
			mounts = append(mounts, m.Dest)
		}
		require.Subset(t, mounts, []string{"/run/src/core/sbom", "/run/src/extras/sbom-sources", "/run/out/"})
	}
	c := newClient(t, goSpec, map[string]string{"attest:sbom": "generator=example.com/scanner"})
	_, err := build(c)
	require.ErrorContains(t, err, "the SBOM generator example.com/scanner:latest cannot be used (failed to resolve source metadata for example.com/scanner:latest: no metadata here); without generator= the frontend writes the SBOM itself")
}

func TestRustSBOM(t *testing.T) {
	rust := func(list string) *gatewaytest.Client {
		c := newClient(t, "toolchain: rust-musl\ntargets:\n  app: {build: {package: app}}\n", map[string]string{"attest:sbom": ""})
		files := c.Files.(fstest.MapFS)
		files["Cargo.toml"] = &fstest.MapFile{Data: []byte("[package]\nname = 'app'\nversion = '0.1.0'\nedition = '2024'\n[dependencies]\nitoa = '1'\n")}
		files["Cargo.lock"] = &fstest.MapFile{Data: []byte("version = 4\n[[package]]\nname = 'app'\nversion = '0.1.0'\ndependencies = ['itoa']\n[[package]]\nname = 'itoa'\nversion = '1.0.14'\n" +
			"source = 'registry+https://github.com/rust-lang/crates.io-index'\nchecksum = '" + strings.Repeat("d", 64) + "'\n")}
		files["src/main.rs"] = &fstest.MapFile{}
		files["app/app"] = files["app"]
		delete(files, "app")
		if list != "" {
			files["app/app.packages.json"] = &fstest.MapFile{Data: []byte(list)}
		}
		return c
	}
	c := rust(`{"packages":[{"name":"app","version":"0.1.0","root":true,"dependencies":[1]},{"name":"itoa","version":"1.0.14","source":"registry+https://github.com/rust-lang/crates.io-index"}]}`)
	_, err := build(c)
	require.NoError(t, err)
	docs := made(t, c, "/sbom.spdx.json")
	require.Len(t, docs, 1)
	require.Contains(t, docs[0], `"pkg:cargo/itoa@1.0.14"`)
	require.Contains(t, docs[0], strings.Repeat("d", 64))

	_, err = build(rust(""))
	require.ErrorContains(t, err, "fromscratch.yaml:3:16: what app was compiled from is not known, so there can be no SBOM: ")
	require.NotEmpty(t, errdefs.Sources(err))
}
