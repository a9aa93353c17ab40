// Package imagediff names the first difference of two builds, down to the field of a
// file or the byte in it. That two digests differ tells nobody why.
package imagediff

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/integration/ocilayout"
)

// First names the first difference of two layouts: where it is, and what the one and
// the other have there. It is empty when both are the same, byte for byte. What
// follows from another difference, such as a digest, comes after it.
func First(ctx context.Context, a, b *ocilayout.Layout) (string, error) {
	if a.Root.Digest == b.Root.Digest {
		return "", nil
	}
	if a.IsIndex() != b.IsIndex() {
		return versus("", kind(a), kind(b)), nil
	}
	if x, y := a.Platforms(), b.Platforms(); !slices.Equal(x, y) {
		return versus("platforms", strings.Join(x, ", "), strings.Join(y, ", ")), nil
	}
	for _, pf := range a.Platforms() {
		d := differ{ctx: ctx, a: a, b: b, imageA: a.Images[pf], imageB: b.Images[pf]}
		what, err := d.image()
		if err != nil {
			return "", fmt.Errorf("%s: %w", pf, err)
		}
		if what != "" {
			return pf + ": " + what, nil
		}
	}
	if !a.IsIndex() {
		return versus("descriptor", a.Root.Digest, b.Root.Digest), nil
	}
	x, y := attestations(a), attestations(b)
	if len(x) != len(y) {
		return versus("attestations", len(x), len(y)), nil
	}
	for i := range x {
		if x[i].Digest != y[i].Digest {
			return versus("attestation of "+cmp.Or(platformOf(a, x[i]), "an image"), x[i].Digest, y[i].Digest) + "; provenance holds the time of the build, --provenance=false leaves it out", nil
		}
	}
	what, err := documents(ctx, a, b, a.Root, b.Root)
	return "index: " + what, err
}

func kind(l *ocilayout.Layout) string {
	if l.IsIndex() {
		return "an index"
	}
	return "one image without an index"
}

const (
	referenceType   = "vnd.docker.reference.type"
	referenceDigest = "vnd.docker.reference.digest"
)

// attestations are the entries of an index that say something of an image.
func attestations(l *ocilayout.Layout) []ocispecs.Descriptor {
	var out []ocispecs.Descriptor
	for _, d := range l.Index.Manifests {
		if d.Annotations[referenceType] != "" {
			out = append(out, d)
		}
	}
	return out
}

// platformOf is the platform of the image that an attestation is about.
func platformOf(l *ocilayout.Layout, attestation ocispecs.Descriptor) string {
	for pf, img := range l.Images {
		if img.Descriptor.Digest.String() == attestation.Annotations[referenceDigest] {
			return pf
		}
	}
	return ""
}

// differ compares the images of one platform.
type differ struct {
	ctx            context.Context
	a, b           *ocilayout.Layout
	imageA, imageB *ocilayout.Image
}

// image is empty for two images that are the same. The config names the layers, so
// what else is in it comes before them, and the manifest after both.
func (d *differ) image() (string, error) {
	if d.imageA.Descriptor.Digest == d.imageB.Descriptor.Digest {
		return "", nil
	}
	x, y := d.imageA.Manifest.Layers, d.imageB.Manifest.Layers
	if len(x) != len(y) {
		return versus("layers", d.layers(d.imageA), d.layers(d.imageB)), nil
	}
	what, err := documents(d.ctx, d.a, d.b, d.imageA.Manifest.Config, d.imageB.Manifest.Config, "rootfs")
	if err != nil {
		return "", err
	}
	if what != "" && what != spelling {
		return "config: " + what, nil
	}
	for i := range x {
		if x[i].Digest == y[i].Digest {
			continue
		}
		what, err := d.layer(x[i], y[i])
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("layer %d (%s): %s", i+1, layerName(d.imageA, i), what), nil
	}
	if d.imageA.Manifest.Config.Digest != d.imageB.Manifest.Config.Digest {
		what, err := documents(d.ctx, d.a, d.b, d.imageA.Manifest.Config, d.imageB.Manifest.Config)
		return "config: " + what, err
	}
	what, err = documents(d.ctx, d.a, d.b, d.imageA.Descriptor, d.imageB.Descriptor)
	return "manifest: " + what, err
}

func (d *differ) layers(img *ocilayout.Image) string {
	var names []string
	for i := range img.Manifest.Layers {
		names = append(names, layerName(img, i))
	}
	return fmt.Sprintf("%d (%s)", len(names), strings.Join(names, "; "))
}

// layerName is what the history says of a layer. Entries of it that changed no file
// have none.
func layerName(img *ocilayout.Image, i int) string {
	for _, h := range img.Config.History {
		if h.EmptyLayer {
			continue
		}
		if i == 0 {
			return h.CreatedBy
		}
		i--
	}
	return "no history"
}

const spelling = "the same, written in another way"

// documents names the first field in which two JSON documents differ, those at their
// top that are named in but left out.
func documents(ctx context.Context, a, b *ocilayout.Layout, x, y ocispecs.Descriptor, but ...string) (string, error) {
	var values [2]any
	var texts [2][]byte
	for i, from := range []struct {
		l *ocilayout.Layout
		d ocispecs.Descriptor
	}{{a, x}, {b, y}} {
		var err error
		if texts[i], err = from.l.Blob(ctx, from.d); err != nil {
			return "", err
		}
		dec := json.NewDecoder(bytes.NewReader(texts[i]))
		dec.UseNumber()
		if err := dec.Decode(&values[i]); err != nil {
			return "", err
		}
		if m, ok := values[i].(map[string]any); ok {
			for _, key := range but {
				delete(m, key)
			}
		}
	}
	what := value("", values[0], values[1])
	if what == "" && !bytes.Equal(texts[0], texts[1]) {
		what = spelling
	}
	return what, nil
}

// value names the first difference of two values of JSON, keys in their order.
func value(at string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		all := maps.Clone(x)
		maps.Copy(all, y)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if what := value(strings.TrimPrefix(at+"."+key, "."), child(x, key), child(y, key)); what != "" {
				return what
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		for i := range max(len(x), len(y)) {
			if what := value(fmt.Sprintf("%s[%d]", at, i), element(x, i), element(y, i)); what != "" {
				return what
			}
		}
		return ""
	}
	if a == b {
		return ""
	}
	return versus(at, show(a), show(b))
}

// absent stands for what one of two documents does not have; JSON's null is another
// thing.
type absent struct{}

func child(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return absent{}
}

func element(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return absent{}
}

func show(v any) string {
	if _, ok := v.(absent); ok {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func versus(what string, a, b any) string {
	return strings.TrimPrefix(fmt.Sprintf("%s: %v and %v", what, a, b), ": ")
}
