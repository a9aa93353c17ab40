package testbed_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func TestToolchainTagsHaveNoRepetition(t *testing.T) {
	got := testbed.ToolchainTags(testbed.Version{Full: "1.26.8", Minor: "1.26"}, "1.26", "", "-x")
	if want := []string{"1.26", "1.26-x", "1.26.8", "1.26.8-x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesOfTheImages(t *testing.T) {
	names := testbed.Names("1.27.1", "1.85.0")
	for id, want := range map[string][]string{
		"library/debian ":     {"bookworm", "bookworm-slim"},
		"library/golang full": {"1.27", "1.27.1", "1.27-bookworm", "1.27.1-bookworm", "1.26"},
		"library/golang bare": {"1.27-alpine", "1.26-alpine"},
		"library/rust full":   {"1.85", "1.85.0", "1.85-bookworm", "1.85.0-bookworm", "1.96"},
		"library/rust slim":   {"1.85-slim", "1.85-slim-bookworm", "1.85.0-slim-bookworm", "1.96-slim"},
	} {
		for _, tag := range want {
			if !slices.Contains(names[id], tag) {
				t.Errorf("%s lacks %s: %q", id, tag, names[id])
			}
		}
	}
}

func TestKeyFollowsWhatGoesIn(t *testing.T) {
	keys := func(bundle string, goEnv ...string) map[string]string {
		t.Helper()
		k, err := testbed.Keys(bundle, goEnv...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b, c := keys("x"), keys("y"), keys("x", "GOPROXY=https://modules.example")
	if again := keys("x"); fmt.Sprint(again) != fmt.Sprint(a) {
		t.Error("the same machine gives other keys")
	}
	if a["library/golang full"] == a["library/golang bare"] {
		t.Error("two images share a key")
	}
	if a["library/golang full"] == b["library/golang full"] || a["library/rust slim"] == b["library/rust slim"] {
		t.Error("another CA bundle gives the same key")
	}
	if a["library/golang full"] == c["library/golang full"] {
		t.Error("another GOPROXY gives the same key")
	}
	if a["library/rust full"] != c["library/rust full"] {
		t.Error("GOPROXY changes the key of the Rust image")
	}
}

func TestValuesOfTheEnvironmentAreQuoted(t *testing.T) {
	if got, want := testbed.QuoteEnv(`a "b" $c \d`), `"a \"b\" \$c \\d"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// fakeRegistry keeps manifests and blobs in memory.
type fakeRegistry struct {
	sync.Mutex
	manifests, blobs map[string]string
	puts             int
}

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Lock()
	defer f.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v2/a/"), "/")
	kind, ref := parts[0], parts[len(parts)-1]
	store := f.manifests
	if kind == "blobs" {
		store = f.blobs
	}
	if r.Method == http.MethodPut {
		body, _ := io.ReadAll(r.Body)
		store[ref] = string(body)
		f.puts++
		w.WriteHeader(http.StatusCreated)
		return
	}
	content, ok := store[ref]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))))
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, content)
	}
}

func TestTagsAreGivenToWholeImagesOnly(t *testing.T) {
	m := `{"config":{"digest":"sha256:c","size":2},"layers":[{"digest":"sha256:l","size":3}]}`
	f := &fakeRegistry{manifests: map[string]string{"key": m}, blobs: map[string]string{"sha256:c": "{}", "sha256:l": "abc"}}
	server := httptest.NewServer(f)
	defer server.Close()
	r := testbed.RegistryAt(strings.TrimPrefix(server.URL, "http://"))
	retag := func(ref string) bool {
		t.Helper()
		ok, err := testbed.Retag(context.Background(), r, "a", ref, "1.26")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}

	if retag("absent") {
		t.Error("an image that is not there is whole")
	}
	f.blobs["sha256:l"] = "a"
	if retag("key") {
		t.Error("an image with a layer cut off is whole")
	}
	f.blobs["sha256:l"] = "abc"
	if !retag("key") || f.manifests["1.26"] != m {
		t.Error("the tag is missing")
	}
	if !retag("key") || f.puts != 1 {
		t.Errorf("a tag in its place was written again (%d writes)", f.puts)
	}
	f.manifests["1.26"] = `{}`
	if !retag("key") || f.manifests["1.26"] != m {
		t.Error("a tag on something else was left there")
	}
}

func TestPersist(t *testing.T) {
	for name, tc := range map[string]struct {
		failures, want int
		ok             bool
	}{
		"at once":       {failures: 0, want: 1, ok: true},
		"at the second": {failures: 1, want: 2, ok: true},
		"at the last":   {failures: 2, want: 3, ok: true},
		"never":         {failures: 9, want: 3, ok: false},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := testbed.Persist(context.Background(), 3, 0, func() error {
				if calls++; calls <= tc.failures {
					return fmt.Errorf("failure %d", calls)
				}
				return nil
			})
			if calls != tc.want || (err == nil) != tc.ok {
				t.Errorf("%d calls and %v, want %d and success %t", calls, err, tc.want, tc.ok)
			}
			if !tc.ok && err.Error() != "failure 3" {
				t.Errorf("%v is not the last error", err)
			}
		})
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	calls := 0
	if err := testbed.Persist(cancelled, 3, 1e9, func() error { calls++; return io.EOF }); err == nil || calls != 1 {
		t.Errorf("%d calls and %v after the end of the run", calls, err)
	}
}
