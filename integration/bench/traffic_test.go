package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/integration/bench/registry"
)

// logged is a registry that has every blob with as many bytes as its digest says,
// and writes its log as the real one does.
func logged(t *testing.T) (accessLog, func(lines ...string)) {
	t.Helper()
	log := accessLog{file: filepath.Join(t.TempDir(), "log")}
	var mu sync.Mutex
	write := func(lines ...string) {
		mu.Lock()
		defer mu.Unlock()
		f, err := os.OpenFile(log.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for _, l := range lines {
			if _, err := fmt.Fprintln(f, l); err != nil {
				t.Error(err)
			}
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if size, ok := map[string]string{"sha256:1000": "1000", "sha256:70": "70", "latest": "5"}[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]; ok {
			w.Header().Set("Content-Length", size)
			return
		}
		// The line comes after the answer.
		time.AfterFunc(50*time.Millisecond, func() { write(line(r.Method, r.URL.RequestURI(), 200, 2)) })
	}))
	t.Cleanup(func() { time.Sleep(100 * time.Millisecond); server.Close() })
	log.registry = registry.Registry{Addr: strings.TrimPrefix(server.URL, "http://")}
	write(`time="2026-01-01T00:00:00Z" level=error msg="what happened before, GET /v2/"`)
	return log, write
}

func line(method, uri string, status, n int) string {
	return fmt.Sprintf(`127.0.0.1 - - [22/Nov/2026:01:05:08 +0000] "%s %s HTTP/1.1" %d %d "" "buildkit/v0.33"`, method, uri, status, n)
}

func TestTraffic(t *testing.T) {
	const own, blob = "/v2/bench/p-expert", "/blobs/uploads/01a2?_state=x&digest=sha256%3A"
	for name, c := range map[string]struct {
		lines []string
		want  Traffic
	}{
		"nothing": {},
		"blobs and manifests are pulled": {
			[]string{line("GET", "/v2/library/golang/manifests/1.26?ns=docker.io", 200, 300), line("GET", "/v2/library/golang/blobs/sha256:1?ns=docker.io", 200, 4000), line("GET", own+"-cache/blobs/sha256:1", 206, 7)},
			Traffic{Pulled: 4307},
		},
		"questions are no pulls": {[]string{line("HEAD", own+"/manifests/latest", 200, 0), line("GET", own+"/blobs/sha256:1", 404, 157), line("GET", "/v2/", 200, 2), line("GET", own+"/tags/list", 200, 9)}, Traffic{}},
		"blobs and manifests are pushed": {
			[]string{line("POST", own+"/blobs/uploads/", 202, 0), line("PATCH", own+"/blobs/uploads/01a2?_state=x", 202, 0), line("PUT", own+blob+"1000", 201, 0), line("PUT", own+"/app00"+blob+"70", 201, 0), line("PUT", own+"/manifests/latest", 201, 0)},
			Traffic{Pushed: 1075},
		},
		"what is mounted or refused is not": {[]string{line("POST", own+"/blobs/uploads/?mount=sha256%3A1000&from=x", 201, 0), line("PUT", own+blob+"1000", 400, 0)}, Traffic{}},
		"others do not count": {
			[]string{line("GET", "/v2/library/rust/blobs/sha256:1", 200, 4000), line("PUT", "/v2/bench/p-expert-image"+blob+"1000", 201, 0), line("PUT", "/v2/test/x/manifests/latest", 201, 0), line("PUT", "/v2/library/golang"+blob+"1000", 201, 0)},
			Traffic{},
		},
		"lines that are none": {[]string{"", "GET", `time="x" level=error msg="GET /v2/library/golang/blobs/sha256:1 HTTP/1.1\" 200 4000"`, `1 - - [x] "GET %zz HTTP/1.1" 200 1`}, Traffic{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, write := logged(t)
			// Lines come late, but not later than that of the mark.
			time.AfterFunc(20*time.Millisecond, func() { write(line("GET", own+"/blobs/sha256:early", 200, 1)) })
			from, err := log.mark(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(20*time.Millisecond, func() { write(c.lines...) })
			to, err := log.mark(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(line("GET", own+"/blobs/sha256:late", 200, 1))
			got, err := log.traffic(t.Context(), from, to, repositories{own: []string{"bench/p-expert", "bench/p-expert-cache"}, images: []string{"library/golang"}})
			if err != nil || *got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestARegistryThatDoesNotLog(t *testing.T) {
	log, _ := logged(t)
	log.file = filepath.Join(t.TempDir(), "no-such")
	if _, err := log.mark(t.Context()); err == nil {
		t.Error("a log that is not there has a mark")
	}
	log, write := logged(t)
	write(line("PUT", "/v2/x/manifests/gone", 201, 0))
	log.registry.Addr = "127.0.0.1:1"
	if _, err := log.traffic(t.Context(), 0, -1, repositories{own: []string{"x"}}); err == nil {
		t.Error("a manifest without a size counts nothing")
	}
}

func TestRepositoriesOfImages(t *testing.T) {
	for image, want := range map[string]string{
		rustImage: "library/rust", frontendImage + "@sha256:0": "fromscratch/frontend", dockerfileImage: "docker/dockerfile",
		"bench/go-service-ko:latest": "bench/go-service-ko", "lukemathwalker/cargo-chef:0.1": "lukemathwalker/cargo-chef",
	} {
		if got := repositoryOf(image); got != want {
			t.Errorf("%s: got %s", image, got)
		}
	}
}
