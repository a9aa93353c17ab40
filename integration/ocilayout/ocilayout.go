// Package ocilayout reads what a build exported: the index, and of each image
// its config and its files as a container would see them.
package ocilayout

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layout is an OCI layout on disk with one result in it.
type Layout struct {
	// Root describes the result: an index, or the manifest of the only image.
	Root ocispecs.Descriptor
	// Index is the index; empty when the result is one image.
	Index ocispecs.Index
	// Images holds the images by platform, attestations left out.
	Images map[string]*Image
	store  content.Store
}

// Image is one image of a layout.
type Image struct {
	Descriptor ocispecs.Descriptor
	Manifest   ocispecs.Manifest
	Config     dockerspec.DockerOCIImage
	// Predicates are those of its attestations, byte for byte, by their type.
	Predicates map[string]string
	// Files are the files of the image by absolute path.
	Files map[string]File
}

// File is a file of an image, as the topmost layer has it.
type File struct {
	Header *tar.Header
	Data   []byte
	// Layer is the digest of the layer that the file comes from.
	Layer digest.Digest
}

// Open reads the layout in dir.
func Open(ctx context.Context, dir string) (*Layout, error) {
	store, err := local.NewStore(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, err
	}
	var top ocispecs.Index
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	if len(top.Manifests) != 1 {
		return nil, fmt.Errorf("%s has %d results, not one", dir, len(top.Manifests))
	}
	l := &Layout{Root: top.Manifests[0], Images: map[string]*Image{}, store: store}
	if !images.IsIndexType(l.Root.MediaType) {
		return l, l.add(ctx, l.Root)
	}
	if err := l.read(ctx, l.Root, &l.Index); err != nil {
		return nil, err
	}
	var attestations []ocispecs.Descriptor
	for _, desc := range l.Index.Manifests {
		if desc.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			attestations = append(attestations, desc)
			continue
		}
		if err := l.add(ctx, desc); err != nil {
			return nil, err
		}
	}
	for _, desc := range attestations {
		if err := l.attest(ctx, desc); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// attest adds what an attestation manifest has to its image ("Attestation storage" in
// BuildKit's documentation).
func (l *Layout) attest(ctx context.Context, desc ocispecs.Descriptor) error {
	var manifest ocispecs.Manifest
	if err := l.read(ctx, desc, &manifest); err != nil {
		return err
	}
	for _, img := range l.Images {
		if img.Descriptor.Digest.String() != desc.Annotations["vnd.docker.reference.digest"] {
			continue
		}
		for _, layer := range manifest.Layers {
			var statement struct{ Predicate json.RawMessage }
			if err := l.read(ctx, layer, &statement); err != nil {
				return err
			}
			img.Predicates[layer.Annotations["in-toto.io/predicate-type"]] = string(statement.Predicate)
		}
	}
	return nil
}

// IsIndex tells whether the result is an index.
func (l *Layout) IsIndex() bool { return images.IsIndexType(l.Root.MediaType) }

// Platforms lists the platforms of the images in the order of their names.
func (l *Layout) Platforms() []string { return slices.Sorted(maps.Keys(l.Images)) }

// Blob reads a blob of the layout, such as a manifest, byte for byte.
func (l *Layout) Blob(ctx context.Context, desc ocispecs.Descriptor) ([]byte, error) {
	return content.ReadBlob(ctx, l.store, desc)
}

// Archive reads a layer as it is before compression.
func (l *Layout) Archive(ctx context.Context, desc ocispecs.Descriptor) ([]byte, error) {
	ra, err := l.store.ReaderAt(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer ra.Close()
	r, err := compression.DecompressStream(content.NewReader(ra))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (l *Layout) read(ctx context.Context, desc ocispecs.Descriptor, into any) error {
	data, err := content.ReadBlob(ctx, l.store, desc)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func (l *Layout) add(ctx context.Context, desc ocispecs.Descriptor) error {
	img := &Image{Descriptor: desc, Files: map[string]File{}, Predicates: map[string]string{}}
	if err := l.read(ctx, desc, &img.Manifest); err != nil {
		return err
	}
	if err := l.read(ctx, img.Manifest.Config, &img.Config); err != nil {
		return err
	}
	if desc.Platform != nil {
		if want, got := platforms.FormatAll(*desc.Platform), platforms.FormatAll(img.Config.Platform); want != got {
			return fmt.Errorf("the index says %s, the config of the image %s", want, got)
		}
	}
	for _, layer := range img.Manifest.Layers {
		if err := l.readLayer(ctx, layer, img.Files); err != nil {
			return fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
	}
	l.Images[platforms.FormatAll(img.Config.Platform)] = img
	return nil
}

func (l *Layout) readLayer(ctx context.Context, desc ocispecs.Descriptor, into map[string]File) error {
	data, err := l.Archive(ctx, desc)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return err
		}
		into[path.Join("/", h.Name)] = File{Header: h, Data: data, Layer: desc.Digest}
	}
}
