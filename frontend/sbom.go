package frontend

import (
	"context"
	"crypto/sha1" // SPDX 2.3 wants it of every file (section 8.4).
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/fromscratch-build/fromscratch/frontend/sbom"
	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// versionsPath is where the frontend's image says which versions of Debian's packages
// its data comes from, a line each: "tzdata=2026a-0+deb12u1".
const versionsPath = "usr/share/fromscratch/versions"

// wantsSBOM tells whether the request wants a document of the frontend's.
func (p *prepared) wantsSBOM() bool { return p.req.SBOM != nil && p.generator == nil }

// wantsSBOM tells whether anything asks for a document: the request, or the spec for the
// image itself.
func (b *builder) wantsSBOM() bool { return b.prepared.wantsSBOM() || b.target.Extras.HasSBOM() }

// document is the SBOM of an image called name. more is what it has beside the binaries
// and what the spec says.
func (b *builder) document(ctx context.Context, name string, made compiled, more ...sbom.Component) ([]byte, error) {
	programs, err := b.programs(made, b.binaryPaths())
	if err != nil {
		return nil, err
	}
	parts, err := b.parts(ctx)
	if err != nil {
		return nil, err
	}
	return b.bill(name, b.platform, programs, append(parts, more...))
}

// bill writes an SBOM.
func (p *prepared) bill(name string, pf platform.Platform, programs []sbom.Program, parts []sbom.Component) ([]byte, error) {
	img := sbom.Image{Name: name, Platform: pf.String(), Created: p.epoch, Tool: "fromscratch-" + p.version, Programs: programs, Parts: parts}
	return img.Marshal()
}

// programs are the programs of the target at paths, with what they were compiled from.
func (b *builder) programs(made compiled, paths []string) ([]sbom.Program, error) {
	files := b.plan.Files()
	out := make([]sbom.Program, len(files))
	for i, file := range files {
		p := sbom.Program{Path: paths[i]}
		var err error
		if p.SHA1, p.SHA256, err = checksums(made.files, file); err != nil {
			return nil, err
		}
		if p.Graph, err = b.graph(made.plain, file); err != nil {
			return nil, err
		}
		if b.plan.Image() != "" {
			p.Tools = append(p.Tools, imageComponent(b.env.Image, "the toolchain"))
		}
		out[i] = p
	}
	return out, nil
}

// graph is what a program was compiled from, empty when nobody knows.
func (b *builder) graph(compiled *sources.FS, file string) (sbom.Graph, error) {
	if b.target.Toolchain.Name != spec.RustMusl {
		info, err := buildinfo.Read(compiled.ReaderAt(file))
		if err != nil && !b.forGo() {
			return sbom.Graph{}, nil
		}
		if err != nil {
			return sbom.Graph{}, err
		}
		return sbom.Go(info), nil
	}
	data, err := compiled.ReadFile(file + sourcesync.PackagesSuffix)
	if isMissing(err) {
		return sbom.Graph{}, b.spec.Problem(spec.Path{"targets", b.target.Name(), "build"}, fmt.Sprintf("what %s was compiled from is not known, so there can be no SBOM: "+
			"cargo metadata failed after the compile, and --no-cache-filter %s shows why; or name a generator with --attest type=sbom,generator=…", path.Base(file), b.target.Name()))
	}
	if err != nil {
		return sbom.Graph{}, err
	}
	var list sourcesync.Packages
	if err := json.Unmarshal(data, &list); err != nil {
		return sbom.Graph{}, fmt.Errorf("%s: %w", file+sourcesync.PackagesSuffix, err)
	}
	checksum := func(string, string, string) string { return "" }
	if p, ok := b.plan.(interface {
		Checksum(name, version, source string) string
	}); ok {
		checksum = p.Checksum
	}
	return sbom.Rust(&list, checksum), nil
}

// parts are what the image holds besides its programs and a few lines of text.
func (b *builder) parts(ctx context.Context) ([]sbom.Component, error) {
	var out []sbom.Component
	if b.base != nil {
		out = append(out, imageComponent(b.base.Image, "the base, whose content is not listed"))
	}
	ex := b.target.Extras
	if ex.HasCACertificates() || ex.HasTZData() {
		versions, err := b.dataVersions(ctx)
		if err != nil {
			return nil, err
		}
		if ex.HasCACertificates() {
			comment := rootfs.BundlePath
			for _, c := range ex.CACertificates.Append {
				comment += ", with the certificates in " + c.Src + " of " + contextName(c.From)
			}
			out = append(out, sbom.Debian("ca-certificates", versions["ca-certificates"], comment))
		}
		if ex.HasTZData() {
			comment := rootfs.ZoneinfoPath
			if zones := slices.Sorted(slices.Values(ex.TZData.Zones)); len(zones) > 0 {
				comment += ", with " + strings.Join(slices.Compact(zones), ", ") + " alone"
			}
			out = append(out, sbom.Debian("tzdata", versions["tzdata"], comment))
		}
	}
	for _, c := range b.target.Copy {
		for _, src := range c.Src {
			out = append(out, sbom.Component{Name: src, Source: contextName(c.From), Comment: "copied to " + c.Dest, Purpose: sbom.File})
		}
	}
	return out, nil
}

func contextName(from string) string {
	if from == "" {
		return "the build context"
	}
	return "the build context " + from
}

// dataVersions are the versions of Debian's packages in the frontend's image, by name.
func (b *builder) dataVersions(ctx context.Context) (map[string]string, error) {
	files, err := b.req.files(ctx, b.tools)
	if err != nil {
		return nil, err
	}
	data, err := files.ReadFile(versionsPath)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), "=")
		out[name] = version
	}
	return out, nil
}

// imageComponent is an image that the build used.
func imageComponent(img toolchain.Image, comment string) sbom.Component {
	if img.Context {
		return sbom.Component{Name: img.Name, Source: contextName(img.Name), Comment: comment}
	}
	named, err := reference.ParseNormalizedNamed(img.Name)
	if err != nil {
		return sbom.OCI(img.Name, "", img.Digest, comment)
	}
	tag := ""
	if t, ok := reference.TagNameOnly(named).(reference.Tagged); ok {
		tag = t.Tag()
	}
	return sbom.OCI(named.Name(), tag, img.Digest, comment)
}

// checksums reads a whole file, some megabytes at a time.
func checksums(files *sources.FS, name string) (sum1, sum256 string, err error) {
	info, err := files.Stat(name)
	if err != nil {
		return "", "", err
	}
	h1, h256 := sha1.New(), sha256.New()
	buf := make([]byte, min(4<<20, max(info.Size(), 1)))
	if _, err := io.CopyBuffer(io.MultiWriter(h1, h256), io.NewSectionReader(files.ReaderAt(name), 0, info.Size()), buf); err != nil {
		return "", "", err
	}
	return hex.EncodeToString(h1.Sum(nil)), hex.EncodeToString(h256.Sum(nil)), nil
}
