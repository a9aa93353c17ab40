package main

import (
	"bufio"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand in for the program: what matters below,
// environment and exit status, belongs to a process.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RUN_MAIN=1")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func TestVersion(t *testing.T) {
	if out, err := program(t, nil, "version").Output(); err != nil || string(out) != "dev\n" {
		t.Errorf("%q %v", out, err)
	}
}

func TestServe(t *testing.T) {
	serve := program(t, []string{"ADDR=127.0.0.1:0"})
	stderr, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), " listens on ")
	if !ok {
		t.Fatalf("%q %v", line, err)
	}

	health := program(t, []string{"ADDR=" + addr}, "health")
	if out, err := health.CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if program(t, []string{"ADDR=" + addr}, "health").Run() == nil {
		t.Error("healthy after it stopped")
	}
}

// check leaves out the line on the user, which depends on who runs the tests.
func check(t *testing.T, env ...string) string {
	out, _ := program(t, env, "check").Output()
	var kept []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, " user ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func expect(t *testing.T, out string, prefixes ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(prefixes) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(prefixes), out)
	}
	for i, prefix := range prefixes {
		if !strings.HasPrefix(lines[i], prefix) {
			t.Errorf("%q does not begin with %q", lines[i], prefix)
		}
	}
}

func TestCheck(t *testing.T) {
	expect(t, check(t), "ok time-zone Europe/Paris=+", "ok temp-file ")
	expect(t, check(t, "TMPDIR=/nonexistent"), "ok time-zone ", "FAIL temp-file ")
}

func TestCheckTLS(t *testing.T) {
	status := http.StatusOK
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	}))
	defer srv.Close()
	url := "CHECK_URL=" + srv.URL
	bundle := filepath.Join(t.TempDir(), "ca.crt")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(bundle, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	trust := "SSL_CERT_FILE=" + bundle

	expect(t, check(t, url, trust), "ok time-zone ", "ok temp-file ", "ok tls ")
	expect(t, check(t, url), "ok time-zone ", "ok temp-file ", "FAIL tls ")
	status = http.StatusTeapot
	expect(t, check(t, url, trust), "ok time-zone ", "ok temp-file ", "FAIL tls ")
}
