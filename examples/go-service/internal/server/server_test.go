package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

func send(t *testing.T, method, target string, body io.Reader) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	Handler("test").ServeHTTP(rec, httptest.NewRequest(method, target, body))
	return rec.Code, rec.Body.String()
}

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return v
}

func TestGreeting(t *testing.T) {
	for target, want := range map[string]string{
		"/":         "Hello from go-service test (",
		"/?lang=fr": "Bonjour from go-service test (",
		"/?lang=xx": "Hello from go-service test (",
	} {
		if code, body := send(t, "GET", target, nil); code != 200 || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %q, want prefix %q", target, code, body, want)
		}
	}
}

func TestHealthz(t *testing.T) {
	if code, body := send(t, "GET", "/healthz", nil); code != 200 || body != "ok" {
		t.Errorf("%d %q", code, body)
	}
}

func TestTime(t *testing.T) {
	code, body := send(t, "GET", "/time?zone=Asia/Kolkata", nil)
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	v := decode(t, body)
	if at, _ := v["time"].(string); v["zone"] != "Asia/Kolkata" || !strings.HasSuffix(at, "+05:30") {
		t.Error(body)
	}
	for _, target := range []string{"/time", "/time?zone=Mars/Olympus", "/time?zone=Local"} {
		code, body := send(t, "GET", target, nil)
		if code != 400 || decode(t, body)["error"] == nil {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
}

func TestFetchRefusesWhatIsNotHTTPS(t *testing.T) {
	for _, target := range []string{"/fetch", "/fetch?url=http://localhost/", "/fetch?url=https://"} {
		code, body := send(t, "GET", target, nil)
		if code != 400 || decode(t, body)["error"] == nil {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
}

func TestFetchVerifiesCertificates(t *testing.T) {
	// Its certificate comes from an authority that no system's bundle holds.
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	code, body := send(t, "GET", "/fetch?url="+url.QueryEscape(srv.URL), nil)
	if code != 502 || !strings.Contains(body, "certificate") {
		t.Errorf("%d %s", code, body)
	}
}

func TestUpload(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, body := send(t, "POST", "/upload", strings.NewReader("abc"))
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if v := decode(t, body); code != 200 || v["size"] != 3.0 || v["sha256"] != sum {
		t.Errorf("%d %s", code, body)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestUploadWithoutTempDir(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	if code, body := send(t, "POST", "/upload", strings.NewReader("abc")); code != 500 {
		t.Errorf("%d %s", code, body)
	}
}

func TestUploadLimit(t *testing.T) {
	code, body := send(t, "POST", "/upload", bytes.NewReader(make([]byte, maxUpload+1)))
	if code != 413 || decode(t, body)["error"] == nil {
		t.Errorf("%d %s", code, body)
	}
}

func TestWhoAmI(t *testing.T) {
	code, body := send(t, "GET", "/whoami", nil)
	if v := decode(t, body); code != 200 || v["uid"] != float64(os.Getuid()) {
		t.Errorf("%d %s", code, body)
	}
}
