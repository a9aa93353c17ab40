package sbom_test

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/sbom"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

func goInfo() *debug.BuildInfo {
	return &debug.BuildInfo{
		GoVersion: "go1.26.8 X:nodwarf5",
		Path:      "example.com/app/cmd/app",
		Main:      debug.Module{Path: "example.com/app", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "github.com/Some/Lib", Version: "v1.2.3", Sum: "h1:abc="},
			{Path: "old.example/x", Version: "v2.0.0+incompatible"},
			{Path: "gone.example/y", Version: "v1.0.0", Replace: &debug.Module{Path: "fork.example/y", Version: "v1.0.1", Sum: "h1:def="}},
			{Path: "near.example/z", Version: "v0.0.0", Replace: &debug.Module{Path: "./z"}},
		},
	}
}

func rustList() *sourcesync.Packages {
	return &sourcesync.Packages{Packages: []sourcesync.Package{
		{Name: "app", Version: "0.1.0", Root: true, Dependencies: []int{2, 3}, BuildDependencies: []int{1}},
		{Name: "cc", Version: "1.0.0", Source: "registry+https://github.com/rust-lang/crates.io-index", Build: true, Dependencies: []int{4}},
		{Name: "fork", Version: "1.1.0", Source: "git+https://host/fork?branch=main#0123abc"},
		{Name: "inner", Version: "2.0.0", Source: "registry+https://crates.company/index"},
		{Name: "shlex", Version: "1.3.0", Source: "registry+https://github.com/rust-lang/crates.io-index", Build: true},
	}}
}

// lock is a lock file that knows one checksum.
func lock(name, version, _ string) string {
	if name == "cc" && version == "1.0.0" {
		return strings.Repeat("c", 64)
	}
	return ""
}

func image(programs ...sbom.Program) sbom.Image {
	return sbom.Image{Name: "app", Platform: "linux/arm/v7", Created: time.Unix(86400, 0), Tool: "fromscratch-1.2", Programs: programs}
}

func program(path string, g sbom.Graph) sbom.Program {
	return sbom.Program{Path: path, SHA1: strings.Repeat("1", 40), SHA256: strings.Repeat("2", 64), Graph: g}
}

// parse reads a document with the library that others read it with.
func parse(t *testing.T, img sbom.Image) *spdx.Document {
	t.Helper()
	data, err := img.Marshal()
	require.NoError(t, err)
	doc, err := spdxjson.Read(bytes.NewReader(data))
	require.NoError(t, err)
	return doc
}

// relations lists the relationships of a document by the names of packages and files.
func relations(doc *spdx.Document) []string {
	names := map[spdx.ElementID]string{"DOCUMENT": "document"}
	for _, p := range doc.Packages {
		names[p.PackageSPDXIdentifier] = p.PackageName
	}
	for _, f := range doc.Files {
		names[f.FileSPDXIdentifier] = f.FileName
	}
	out := []string{}
	for _, r := range doc.Relationships {
		out = append(out, names[r.RefA.ElementRefID]+" "+r.Relationship+" "+names[r.RefB.ElementRefID])
	}
	return out
}

// purls lists the package URLs by the name of the package.
func purls(doc *spdx.Document) map[string]string {
	out := map[string]string{}
	for _, p := range doc.Packages {
		for _, ref := range p.PackageExternalReferences {
			out[p.PackageName] = ref.Locator
		}
	}
	return out
}

func TestDocument(t *testing.T) {
	doc := parse(t, image())
	require.Equal(t, "SPDX-2.3", doc.SPDXVersion)
	require.Equal(t, "CC0-1.0", doc.DataLicense)
	require.Equal(t, "1970-01-02T00:00:00Z", doc.CreationInfo.Created)
	require.Equal(t, "fromscratch-1.2", doc.CreationInfo.Creators[0].Creator)
	require.Regexp(t, `^https://github\.com/fromscratch-build/fromscratch/spdx/app-linux-arm-v7-[0-9a-f]{64}$`, doc.DocumentNamespace)
	require.Equal(t, []string{"document DESCRIBES app"}, relations(doc))
}

func TestGo(t *testing.T) {
	doc := parse(t, image(program("/app", sbom.Go(goInfo()))))
	require.Equal(t, []string{
		"document DESCRIBES app", "./app DESCRIBED_BY document", "./app GENERATED_FROM example.com/app", "app CONTAINS example.com/app",
		"example.com/app DEPENDS_ON stdlib", "example.com/app DEPENDS_ON github.com/Some/Lib", "example.com/app DEPENDS_ON old.example/x",
		"example.com/app DEPENDS_ON fork.example/y", "example.com/app DEPENDS_ON near.example/z",
	}, relations(doc))
	require.Equal(t, map[string]string{
		"example.com/app":     "pkg:golang/example.com/app",
		"stdlib":              "pkg:golang/stdlib@1.26.8",
		"github.com/Some/Lib": "pkg:golang/github.com/some/lib@v1.2.3",
		"old.example/x":       "pkg:golang/old.example/x@v2.0.0%2Bincompatible",
		"fork.example/y":      "pkg:golang/fork.example/y@v1.0.1",
		"near.example/z":      "pkg:golang/near.example/z",
	}, purls(doc))
	require.Equal(t, []spdx.Checksum{{Algorithm: spdx.SHA1, Value: strings.Repeat("1", 40)}, {Algorithm: spdx.SHA256, Value: strings.Repeat("2", 64)}}, doc.Files[0].Checksums)
	for _, p := range doc.Packages {
		switch p.PackageName {
		case "github.com/Some/Lib":
			require.Equal(t, "go.sum h1:abc=", p.PackageSourceInfo)
		case "fork.example/y":
			require.Equal(t, "in place of gone.example/y v1.0.0", p.PackageComment)
		case "near.example/z", "example.com/app":
			require.Empty(t, p.PackageVersion)
		}
		require.False(t, p.FilesAnalyzed)
		require.Equal(t, "NOASSERTION", p.PackageDownloadLocation)
	}
	single := parse(t, image(program("/app", sbom.Go(&debug.BuildInfo{GoVersion: "devel go1.27", Path: "command-line-arguments"}))))
	require.Contains(t, relations(single), "app CONTAINS command-line-arguments")
}

func TestRust(t *testing.T) {
	doc := parse(t, image(program("/app", sbom.Rust(rustList(), lock))))
	require.Subset(t, relations(doc), []string{"app DEPENDS_ON fork", "app DEPENDS_ON inner", "cc BUILD_DEPENDENCY_OF app", "cc DEPENDS_ON shlex"})
	require.NotContains(t, relations(doc), "app DEPENDS_ON cc")
	require.Equal(t, map[string]string{
		"app":   "pkg:cargo/app@0.1.0",
		"cc":    "pkg:cargo/cc@1.0.0",
		"fork":  "pkg:cargo/fork@1.1.0?vcs_url=git%2Bhttps:%2F%2Fhost%2Ffork%400123abc",
		"inner": "pkg:cargo/inner@2.0.0?repository_url=https:%2F%2Fcrates.company%2Findex",
		"shlex": "pkg:cargo/shlex@1.3.0",
	}, purls(doc))
	for _, p := range doc.Packages {
		switch p.PackageName {
		case "cc":
			require.Equal(t, "https://crates.io/api/v1/crates/cc/1.0.0/download", p.PackageDownloadLocation)
			require.Equal(t, []spdx.Checksum{{Algorithm: spdx.SHA256, Value: strings.Repeat("c", 64)}}, p.PackageChecksums)
		case "fork":
			require.Equal(t, "git+https://host/fork@0123abc", p.PackageDownloadLocation)
		default:
			require.Empty(t, p.PackageChecksums)
		}
	}
}

// TestParts: what an image holds besides, and what it was made with.
func TestParts(t *testing.T) {
	p := program("/app", sbom.Go(goInfo()))
	digest := "sha256:" + strings.Repeat("d", 64)
	p.Tools = []sbom.Component{sbom.OCI("docker.io/library/golang", "1.26", digest, "the toolchain")}
	img := image(p)
	img.Parts = []sbom.Component{sbom.Debian("tzdata", "2026a-0+deb12u1", "/usr/share/zoneinfo"), {Name: "config/", Purpose: sbom.File}}
	doc := parse(t, img)
	require.Subset(t, relations(doc), []string{"docker.io/library/golang BUILD_TOOL_OF example.com/app", "app CONTAINS tzdata", "app CONTAINS config/"})
	require.Equal(t, "pkg:deb/debian/tzdata@2026a-0%2Bdeb12u1?arch=all", purls(doc)["tzdata"])
	require.Equal(t, "pkg:oci/golang@sha256:"+strings.Repeat("d", 64)+"?repository_url=docker.io%2Flibrary%2Fgolang&tag=1.26", purls(doc)["docker.io/library/golang"])
	require.NotContains(t, purls(doc), "config/")
}

// TestSeveralPrograms: what programs share is there once, and every element that is
// referred to is there.
func TestSeveralPrograms(t *testing.T) {
	doc := parse(t, image(program("/one", sbom.Go(goInfo())), program("/two", sbom.Go(goInfo())), program("/bin/other", sbom.Graph{}), program("/bin-other", sbom.Graph{})))
	seen := map[spdx.ElementID]bool{"DOCUMENT": true}
	for _, p := range doc.Packages {
		require.False(t, seen[p.PackageSPDXIdentifier], p.PackageSPDXIdentifier)
		seen[p.PackageSPDXIdentifier] = true
	}
	require.Len(t, doc.Packages, 7)
	require.Len(t, doc.Files, 4)
	for _, f := range doc.Files {
		require.False(t, seen[f.FileSPDXIdentifier])
		seen[f.FileSPDXIdentifier] = true
	}
	said := map[string]bool{}
	for i, r := range doc.Relationships {
		require.True(t, seen[r.RefA.ElementRefID] && seen[r.RefB.ElementRefID], r)
		text := relations(doc)[i]
		require.False(t, said[text], text)
		said[text] = true
	}
	require.Contains(t, said, "./two GENERATED_FROM example.com/app")
}

// TestDeterministic: the same facts give the same bytes, others another address.
func TestDeterministic(t *testing.T) {
	all := func() sbom.Image {
		p := program("/app", sbom.Rust(rustList(), lock))
		p.Tools = []sbom.Component{sbom.OCI("docker.io/library/rust", "1.96", "sha256:"+strings.Repeat("d", 64), "")}
		return image(p)
	}
	first, err := all().Marshal()
	require.NoError(t, err)
	for range 20 {
		again, err := all().Marshal()
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
	other := all()
	other.Programs[0].SHA256 = strings.Repeat("3", 64)
	require.NotEqual(t, parse(t, all()).DocumentNamespace, parse(t, other).DocumentNamespace)

	// As the predicate of a statement, a document keeps its bytes.
	statement, err := json.Marshal(struct{ Predicate json.RawMessage }{first})
	require.NoError(t, err)
	require.Contains(t, string(statement), string(first))
}
