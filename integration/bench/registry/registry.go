// Package registry asks a registry on loopback what it holds, and how large that is.
package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Registry is a registry, such as that of the test bed, by its address.
type Registry struct{ Addr string }

// Manifest is an image, or an index of images or of the parts of a cache.
type Manifest struct {
	Digest    string                `json:"-"`
	Config    ocispecs.Descriptor   `json:"config"`
	Layers    []ocispecs.Descriptor `json:"layers"`
	Manifests []ocispecs.Descriptor `json:"manifests"`
}

// loopback is a client that no proxy setting of the machine diverts.
var loopback = &http.Client{Transport: &http.Transport{Proxy: nil}}

// Ask makes a request for what follows /v2/ in the address.
func (r Registry) Ask(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.Addr+"/v2/"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", strings.Join([]string{ocispecs.MediaTypeImageIndex, ocispecs.MediaTypeImageManifest,
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"}, ", "))
	return loopback.Do(req)
}

// Length is the size of a blob or a manifest, in bytes, by the path that follows /v2/.
func (r Registry) Length(ctx context.Context, path string) (int64, error) {
	resp, err := r.Ask(ctx, http.MethodHead, path)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength < 0 {
		return 0, fmt.Errorf("registry: size of %s: %s", path, resp.Status)
	}
	return resp.ContentLength, nil
}

// Manifest returns what a name stands for, nil if there is nothing.
func (r Registry) Manifest(ctx context.Context, ref string) (*Manifest, error) {
	repo, tag, ok := strings.Cut(ref, "@")
	if !ok {
		repo, tag, _ = strings.Cut(ref, ":")
	}
	resp, err := r.Ask(ctx, http.MethodGet, repo+"/manifests/"+tag)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound:
		return nil, nil
	case http.StatusOK:
	default:
		return nil, fmt.Errorf("registry: %s: %s", ref, resp.Status)
	}
	m := &Manifest{Digest: resp.Header.Get("Docker-Content-Digest")}
	if err := json.NewDecoder(resp.Body).Decode(m); err != nil {
		return nil, fmt.Errorf("registry: %s: %w", ref, err)
	}
	return m, nil
}

// Size is what it takes to hold a name, in bytes: the layers of all images below it, each
// once. Of an image for several platforms, platform picks one.
func (r Registry) Size(ctx context.Context, ref, platform string) (int64, error) {
	blobs := map[string]int64{}
	if err := r.blobs(ctx, ref, platform, blobs); err != nil {
		return 0, err
	}
	var sum int64
	for _, n := range blobs {
		sum += n
	}
	return sum, nil
}

func (r Registry) blobs(ctx context.Context, ref, platform string, to map[string]int64) error {
	m, err := r.Manifest(ctx, ref)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("registry: there is no %s", ref)
	}
	for _, d := range append(m.Layers, m.Config) {
		to[d.Digest.String()] = d.Size
	}
	repo, _, _ := strings.Cut(ref, ":")
	repo, _, _ = strings.Cut(repo, "@")
	for _, d := range m.Manifests {
		switch {
		case d.Platform != nil && platform != "" && d.Platform.OS+"/"+d.Platform.Architecture != platform:
		case d.MediaType == ocispecs.MediaTypeImageManifest || d.MediaType == ocispecs.MediaTypeImageIndex:
			if err := r.blobs(ctx, repo+"@"+d.Digest.String(), platform, to); err != nil {
				return err
			}
		default: // A cache in an index lists its layers as if they were manifests.
			to[d.Digest.String()] = d.Size
		}
	}
	return nil
}
