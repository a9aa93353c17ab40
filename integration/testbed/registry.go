package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// registry speaks as much of the distribution API as the test bed needs to see
// that an image is whole, and to give it further names.
type registry struct{ addr string }

const manifestTypes = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

func (r registry) do(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	return loopback.Do(req)
}

// loopback is a client that no proxy setting of the machine diverts.
var loopback = &http.Client{Transport: &http.Transport{Proxy: nil}}

func (r registry) ready(ctx context.Context) error {
	resp, err := r.do(ctx, http.MethodGet, "/v2/", nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Docker-Distribution-Api-Version"), "registry/2") {
		return fmt.Errorf("%s answers, but is no registry", r.addr)
	}
	return nil
}

type manifest struct {
	mediaType string
	digest    string
	raw       []byte
}

// get fetches a manifest by tag or digest; ok is false when there is none.
func (r registry) get(ctx context.Context, repo, ref string) (m manifest, ok bool, err error) {
	resp, err := r.do(ctx, http.MethodGet, "/v2/"+repo+"/manifests/"+ref, http.Header{"Accept": {manifestTypes}}, nil)
	if err != nil {
		return manifest{}, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return manifest{}, false, nil
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return manifest{}, false, err
	}
	if resp.StatusCode != http.StatusOK {
		return manifest{}, false, fmt.Errorf("%s:%s: %s: %s", repo, ref, resp.Status, bytes.TrimSpace(raw))
	}
	return manifest{resp.Header.Get("Content-Type"), resp.Header.Get("Docker-Content-Digest"), raw}, true, nil
}

// whole says whether every blob of a manifest is in the registry.
func (r registry) whole(ctx context.Context, repo string, m manifest) (bool, error) {
	type descriptor struct {
		Digest string `json:"digest"`
		Size   int64  `json:"size"`
	}
	var parts struct {
		Config descriptor   `json:"config"`
		Layers []descriptor `json:"layers"`
	}
	if err := json.Unmarshal(m.raw, &parts); err != nil {
		return false, nil
	}
	for _, blob := range append(parts.Layers, parts.Config) {
		resp, err := r.do(ctx, http.MethodHead, "/v2/"+repo+"/blobs/"+blob.Digest, nil, nil)
		if err != nil {
			return false, err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.ContentLength != blob.Size {
			return false, nil
		}
	}
	return true, nil
}

// tag gives a manifest that the repository holds a name.
func (r registry) tag(ctx context.Context, repo string, m manifest, tag string) error {
	resp, err := r.do(ctx, http.MethodHead, "/v2/"+repo+"/manifests/"+tag, http.Header{"Accept": {manifestTypes}}, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK && resp.Header.Get("Docker-Content-Digest") == m.digest {
		return nil
	}
	resp, err = r.do(ctx, http.MethodPut, "/v2/"+repo+"/manifests/"+tag, http.Header{"Content-Type": {m.mediaType}}, m.raw)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("tag %s:%s: %s: %s", repo, tag, resp.Status, bytes.TrimSpace(text))
	}
	return nil
}
