package imagediff_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/imagediff"
	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// file is one of a layer.
type file struct {
	tar.Header
	data string
}

// image is one that a test changes in one place.
type image struct {
	platform    string
	config      ocispecs.ImageConfig
	created     time.Time
	layers      [][]file
	names       []string
	annotations map[string]string
	compression int
	mediaType   string
	// padding goes to the end of each archive, space to that of the config.
	padding, space string
}

// layout is what a test makes: images in an index, unless it is alone.
type layout struct {
	images      []*image
	alone       bool
	annotations map[string]string
	// attestation is the content of one about the first image.
	attestation string
}

// sample is what every test starts from.
func sample() *layout {
	one := func(pf string) *image {
		return &image{
			platform: pf, config: ocispecs.ImageConfig{Env: []string{"A=1", "B=2"}, User: "65532"}, created: time.Unix(0, 0).UTC(),
			layers: [][]file{
				{{Header: tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(0, 0)}},
					{Header: tar.Header{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Unix(0, 0)}, data: "root:x:0:0"}},
				{{Header: tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "app", ModTime: time.Unix(0, 0)}}, {Header: tar.Header{Name: "app", Typeflag: tar.TypeReg, Mode: 0o755, ModTime: time.Unix(0, 0), PAXRecords: map[string]string{"SCHILY.xattr.user.a": "1"}}, data: "binary of " + pf}},
			},
			names: []string{"extras: passwd", "binary app"}, mediaType: ocispecs.MediaTypeImageLayerGzip,
		}
	}
	return &layout{images: []*image{one("linux/amd64"), one("linux/arm64")}}
}

// write puts a layout into a folder and reads it.
func (l *layout) write(t *testing.T) *ocilayout.Layout {
	t.Helper()
	dir := t.TempDir()
	put := func(mediaType string, data []byte) ocispecs.Descriptor {
		d := ocispecs.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		name := filepath.Join(dir, "blobs", "sha256", d.Digest.Encoded())
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, data, 0o644))
		return d
	}
	document := func(mediaType string, v any, space string) ocispecs.Descriptor {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return put(mediaType, append(data, space...))
	}
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex, Annotations: l.annotations}
	for _, img := range l.images {
		pf := platforms.MustParse(img.platform)
		config := ocispecs.Image{Created: &img.created, Platform: pf, Config: img.config, RootFS: ocispecs.RootFS{Type: "layers"}}
		manifest := ocispecs.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest, Annotations: img.annotations}
		for i, files := range img.layers {
			var archive, compressed bytes.Buffer
			tw := tar.NewWriter(&archive)
			for _, f := range files {
				h := f.Header
				h.Size = int64(len(f.data))
				require.NoError(t, tw.WriteHeader(&h))
				_, err := tw.Write([]byte(f.data))
				require.NoError(t, err)
			}
			require.NoError(t, tw.Close())
			archive.WriteString(img.padding)
			zw, err := gzip.NewWriterLevel(&compressed, img.compression)
			require.NoError(t, err)
			_, err = zw.Write(archive.Bytes())
			require.NoError(t, err)
			require.NoError(t, zw.Close())
			manifest.Layers = append(manifest.Layers, put(img.mediaType, compressed.Bytes()))
			config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(archive.Bytes()))
			if i == 1 {
				config.History = append(config.History, ocispecs.History{CreatedBy: "no files", EmptyLayer: true})
			}
			if i < len(img.names) {
				config.History = append(config.History, ocispecs.History{CreatedBy: img.names[i]})
			}
		}
		manifest.Config = document(ocispecs.MediaTypeImageConfig, config, img.space)
		d := document(ocispecs.MediaTypeImageManifest, manifest, "")
		d.Platform = &pf
		index.Manifests = append(index.Manifests, d)
	}
	if l.attestation != "" {
		d := document(ocispecs.MediaTypeImageManifest, map[string]string{"x": l.attestation}, "")
		d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": index.Manifests[0].Digest.String()}
		index.Manifests = append(index.Manifests, d)
	}
	top := index.Manifests[0]
	if !l.alone {
		top = document(ocispecs.MediaTypeImageIndex, index, "")
	}
	data, err := json.Marshal(ocispecs.Index{Manifests: []ocispecs.Descriptor{top}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "index.json"), data, 0o644))
	read, err := ocilayout.Open(t.Context(), dir)
	require.NoError(t, err)
	return read
}

func TestFirst(t *testing.T) {
	passwd := func(change func(*file)) func(*layout) {
		return func(l *layout) { change(&l.images[1].layers[0][1]) }
	}
	const inPasswd = "linux/arm64: layer 1 (extras: passwd): /etc/passwd: "
	for _, tc := range []struct {
		name   string
		change func(*layout)
		want   string
	}{
		{"nothing", func(*layout) {}, ""},
		{"one image", func(l *layout) { l.alone = true }, "an index and one image without an index"},
		{"platforms", func(l *layout) { l.images = l.images[:1] }, "platforms: linux/amd64, linux/arm64 and linux/amd64"},
		{"annotation of the index", func(l *layout) { l.annotations = map[string]string{"a": "1"} }, `index: annotations: nothing and {"a":"1"}`},
		{"an attestation", func(l *layout) { l.attestation = "1" }, "attestations: 0 and 1"},
		{"annotation of an image", func(l *layout) { l.images[1].annotations = map[string]string{"a": "1"} }, `linux/arm64: manifest: annotations: nothing and {"a":"1"}`},
		{"order of the images", func(l *layout) { l.images[0], l.images[1] = l.images[1], l.images[0] }, `index: manifests[0].digest: `},

		{"time of the image", func(l *layout) { l.images[0].created = time.Unix(60, 0).UTC() }, `linux/amd64: config: created: "1970-01-01T00:00:00Z" and "1970-01-01T00:01:00Z"`},
		{"a value in a list", func(l *layout) { l.images[0].config.Env = []string{"A=1", "B=3"} }, `linux/amd64: config: config.Env[1]: "B=2" and "B=3"`},
		{"more in a list", func(l *layout) { l.images[0].config.Env = []string{"A=1", "B=2", "C=3"} }, `linux/amd64: config: config.Env[2]: nothing and "C=3"`},
		{"a field less", func(l *layout) { l.images[0].config.User = "" }, `linux/amd64: config: config.User: "65532" and nothing`},
		{"history", func(l *layout) { l.images[0].names = []string{"extras: passwd", "app"} }, `linux/amd64: config: history[2].created_by: "binary app" and "app"`},
		{"spelling of the config", func(l *layout) { l.images[0].space = "\n" }, `linux/amd64: config: the same, written in another way`},

		{"a layer more", func(l *layout) {
			l.images[0].layers = append(l.images[0].layers, l.images[0].layers[0])
		}, "linux/amd64: layers: 2 (extras: passwd; binary app) and 3 (extras: passwd; binary app; no history)"},
		{"compression", func(l *layout) { l.images[0].compression = gzip.NoCompression + 1 }, ""},
		{"kind of a layer", func(l *layout) { l.images[0].mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip" },
			"linux/amd64: manifest: layers[0].mediaType: "},
		{"end of an archive", func(l *layout) { l.images[0].padding = "\x00\x00" }, "linux/amd64: layer 1 (extras: passwd): the archives differ from byte 2560 on: the end and \"\\x00\\x00\""},
		{"a file more", func(l *layout) {
			l.images[0].layers[1] = append(l.images[0].layers[1], file{Header: tar.Header{Name: "b", Typeflag: tar.TypeReg}})
		}, "linux/amd64: layer 2 (binary app): /b: only in the second"},
		{"a file less", func(l *layout) { l.images[0].layers[0] = l.images[0].layers[0][:1] }, "linux/amd64: layer 1 (extras: passwd): /etc/passwd: only in the first"},
		{"another file", passwd(func(f *file) { f.Name = "etc/group" }), inPasswd + "only in the first"},
		{"another file before", func(l *layout) {
			l.images[0].layers[1] = append([]file{{Header: tar.Header{Name: "a", Typeflag: tar.TypeReg}}}, l.images[0].layers[1]...)
		}, "linux/amd64: layer 2 (binary app): /a: only in the second"},
		{"order of the files", func(l *layout) {
			x := l.images[0].layers[0]
			l.images[0].layers[0] = []file{x[1], x[0]}
		}, "linux/amd64: layer 1 (extras: passwd): order of the files: /etc and /etc/passwd"},

		{"name", passwd(func(f *file) { f.Name = "./etc/passwd" }), inPasswd + "name in the archive: etc/passwd and ./etc/passwd"},
		{"type", passwd(func(f *file) { f.Typeflag, f.data = tar.TypeSymlink, "" }), inPasswd + "type: file and symlink"},
		{"mode", passwd(func(f *file) { f.Mode = 0o600 }), inPasswd + "mode: 0644 and 0600"},
		{"link", func(l *layout) { l.images[0].layers[1][0].Linkname = "other" }, "linux/amd64: layer 2 (binary app): /link: link: app and other"},
		{"uid", passwd(func(f *file) { f.Uid = 1000 }), inPasswd + "uid: 0 and 1000"},
		{"gid", passwd(func(f *file) { f.Gid = 1000 }), inPasswd + "gid: 0 and 1000"},
		{"user name", passwd(func(f *file) { f.Uname = "root" }), inPasswd + "user name: nothing and root"},
		{"time", passwd(func(f *file) { f.ModTime = time.Unix(1700000000, 0) }), inPasswd + "time: 1970-01-01T00:00:00Z and 2023-11-14T22:13:20Z"},
		{"part of a second", passwd(func(f *file) { f.ModTime, f.Format = time.Unix(0, 5), tar.FormatPAX }), inPasswd + "time: 1970-01-01T00:00:00Z and 1970-01-01T00:00:00.000000005Z"},
		{"PAX record", passwd(func(f *file) { f.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "x"} }), inPasswd + `PAX record SCHILY.xattr.security.capability: nothing and "x"`},
		{"value of a PAX record", func(l *layout) { l.images[0].layers[1][1].PAXRecords = map[string]string{"SCHILY.xattr.user.a": "2"} },
			`linux/amd64: layer 2 (binary app): /app: PAX record SCHILY.xattr.user.a: "1" and "2"`},
		{"a byte", passwd(func(f *file) { f.data = "root:x:1:0" }), inPasswd + `content differs from byte 7 on: "0:0" and "1:0"`},
		{"a byte more", passwd(func(f *file) { f.data += "\n" }), inPasswd + `size: 10 and 11; content differs from byte 10 on: the end and "\n"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := sample(), sample()
			tc.change(b)
			if tc.name == "compression" {
				a.images[0].compression = gzip.BestCompression
				tc.want = "linux/amd64: layer 1 (extras: passwd): the same files, compressed in another way: "
			}
			x, y := a.write(t), b.write(t)
			what, err := imagediff.First(t.Context(), x, y)
			require.NoError(t, err)
			if tc.want == "" {
				require.Empty(t, what)
				return
			}
			require.Contains(t, what, tc.want)
			back, err := imagediff.First(t.Context(), y, x)
			require.NoError(t, err)
			require.NotEmpty(t, back)
		})
	}
}

// TestAttestations: what is about the time of the build is said to be.
func TestAttestations(t *testing.T) {
	a, b := sample(), sample()
	a.attestation, b.attestation = "1", "2"
	what, err := imagediff.First(t.Context(), a.write(t), b.write(t))
	require.NoError(t, err)
	require.Regexp(t, `^attestation of linux/amd64: sha256:\w+ and sha256:\w+; provenance holds the time of the build, --provenance=false leaves it out$`, what)
}

// TestDamaged: a layer that is none is an error and no difference.
func TestDamaged(t *testing.T) {
	x, y := sample().write(t), sample()
	y.images[0].config.User = "0"
	z := y.write(t)
	z.Images["linux/amd64"].Manifest.Config.Digest = digest.FromString("nowhere")
	_, err := imagediff.First(t.Context(), x, z)
	require.ErrorContains(t, err, "linux/amd64: ")
}
