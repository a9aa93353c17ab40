//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// push runs a build for the registry alone. Of two exports of one build, BuildKit gives
// the blobs of attestations to the last.
func push(t *testing.T, build builds.Build, via builds.Via, image string) {
	t.Helper()
	build.Push = image
	r, err := build.Run(t.Context(), via, t.TempDir())
	require.NoError(t, err, r.Output)
}

// attested reads an attestation of a pushed image the way that users do.
func attested(t *testing.T, image, format string) []byte {
	t.Helper()
	out, err := bed.Command(t.Context(), "docker", "buildx", "imagetools", "inspect", image, "--format", format).CombinedOutput()
	require.NoError(t, err, string(out))
	return out
}

// sbomOf reads an SBOM of a pushed image, which the template field leads to.
func sbomOf(t *testing.T, image, field string) *spdx.Document {
	t.Helper()
	doc, err := spdxjson.Read(bytes.NewReader(attested(t, image, "{{json ("+field+").SPDX}}")))
	require.NoError(t, err)
	return doc
}

// purls lists the package URLs of a document.
func purls(doc *spdx.Document) []string {
	var out []string
	for _, p := range doc.Packages {
		for _, ref := range p.PackageExternalReferences {
			out = append(out, ref.Locator)
		}
	}
	return out
}

// related lists the relationships of a document by names.
func related(doc *spdx.Document) []string {
	names := map[spdx.ElementID]string{"DOCUMENT": "document"}
	for _, p := range doc.Packages {
		names[p.PackageSPDXIdentifier] = p.PackageName
	}
	for _, f := range doc.Files {
		names[f.FileSPDXIdentifier] = f.FileName
	}
	var out []string
	for _, r := range doc.Relationships {
		out = append(out, names[r.RefA.ElementRefID]+" "+r.Relationship+" "+names[r.RefB.ElementRefID])
	}
	return out
}

// describes checks the checksum that a document has of the program.
func describes(t *testing.T, doc *spdx.Document, img *ocilayout.Image) {
	t.Helper()
	sum := sha256.Sum256(img.Files["/app"].Data)
	require.Len(t, doc.Files, 1)
	require.Equal(t, "./app", doc.Files[0].FileName)
	require.Contains(t, doc.Files[0].Checksums, spdx.Checksum{Algorithm: spdx.SHA256, Value: hex.EncodeToString(sum[:])})
}

// TestSBOM: every platform has a document of its own, which the frontend writes and no
// generator, and the image holds the same bytes.
func TestSBOM(t *testing.T) {
	dir := builds.Write(t, with(goProgram(hello), "fromscratch.yaml", goSpec+"extras: [tzdata, sbom]\n"))
	builds.Each(t, func(t *testing.T, via builds.Via) {
		image := bed.Registry + "/test/sbom-" + strings.ReplaceAll(string(via), " ", "-")
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, Attest: []string{"type=sbom"}}
		r := build.OK(t, via)
		push(t, build, via, image)
		require.NotContains(t, r.Output, "generating sbom using")
		for _, pf := range build.Platforms {
			img := r.Layout.Images[pf]
			doc := sbomOf(t, image, `index .SBOM "`+pf+`"`)
			describes(t, doc, img)
			all := strings.Join(purls(doc), "\n")
			for _, want := range []string{"pkg:golang/stdlib@1.", "pkg:deb/debian/ca-certificates@20", "pkg:deb/debian/tzdata@20", "pkg:oci/golang@sha256"} {
				require.Contains(t, all, want)
			}
			require.Contains(t, related(doc), "docker.io/library/golang BUILD_TOOL_OF example.com/app")
			require.Equal(t, img.Predicates["https://spdx.dev/Document"], string(img.Files["/usr/share/sbom/app.spdx.json"].Data), "byte for byte")
		}
	})
}

// TestSBOMGenerator: a generator that the user names runs, with the image and the sources
// in view.
func TestSBOMGenerator(t *testing.T) {
	generator := toolchainImage(t, "generator", `FROM golang:1.26
COPY <<'EOF' /scan
set -eu
test -x $BUILDKIT_SCAN_SOURCE/app
test -f $BUILDKIT_SCAN_SOURCE_EXTRAS/sbom-sources/go.mod
echo '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","name":"by the generator"}}' > $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json
EOF
ENTRYPOINT ["sh", "/scan"]
`)
	image := bed.Registry + "/test/sbom-generator"
	push(t, builds.Build{Bed: bed, Context: builds.Write(t, goProgram(hello)), Attest: []string{"type=sbom,generator=" + generator}}, builds.Image, image)
	require.Contains(t, string(attested(t, image, "{{json .SBOM.SPDX}}")), "by the generator")
}

// TestRustSBOM: what is in the program is told from what only took part in its compile.
// What tests, other platforms and other packages need is not there.
func TestRustSBOM(t *testing.T) {
	long(t)
	files := auditable("sbom")
	files["fromscratch.yaml"] = syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app}\n"
	image := bed.Registry + "/test/sbom-rust"
	build := builds.Build{Bed: bed, Context: builds.Write(t, files), Attest: []string{"type=sbom"}}
	r := build.OK(t, builds.Image)
	push(t, build, builds.Image, image)
	doc := sbomOf(t, image, ".SBOM")
	describes(t, doc, r.Layout.Images["linux/amd64"])
	require.Subset(t, purls(doc), []string{"pkg:cargo/app@0.1.0", "pkg:cargo/itoa@1.0.14", "pkg:cargo/anyhow@1.0.98", "pkg:cargo/lib@0.1.0", "pkg:cargo/mac@0.1.0"})
	require.Subset(t, related(doc), []string{"app DEPENDS_ON itoa", "app DEPENDS_ON lib", "lib DEPENDS_ON itoa", "mac DEPENDS_ON itoa", "anyhow BUILD_DEPENDENCY_OF app", "mac BUILD_DEPENDENCY_OF app"})
	require.NotContains(t, related(doc), "app DEPENDS_ON anyhow")
	for _, p := range doc.Packages {
		require.NotContains(t, []string{"testing", "windows", "other"}, p.PackageName)
		if p.PackageName == "itoa" {
			require.Contains(t, files["Cargo.lock"], p.PackageChecksums[0].Value)
		}
	}
}
