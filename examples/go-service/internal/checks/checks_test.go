package checks

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/go-service/internal/probe"
)

func TestIdentity(t *testing.T) {
	if got, err := identity(probe.Identity{UID: 6, GID: 7, User: "app", Home: "/home/app"}); err != nil || got != "app uid=6 gid=7 home=/home/app" {
		t.Error(got, err)
	}
	for _, id := range []probe.Identity{{UID: 0, User: "root"}, {UID: 6}} {
		if got, err := identity(id); err == nil {
			t.Errorf("%+v: %s", id, got)
		}
	}
}

func TestHealth(t *testing.T) {
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	}))
	addr := srv.Listener.Addr().String()
	_, port, _ := strings.Cut(addr, ":")
	for _, addr := range []string{addr, ":" + port, "0.0.0.0:" + port, "[::]:" + port} {
		if err := Health(t.Context(), addr); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}

	status = http.StatusServiceUnavailable
	if err := Health(t.Context(), addr); err == nil {
		t.Error("healthy in spite of status 503")
	}
	srv.Close()
	if err := Health(t.Context(), addr); err == nil {
		t.Error("healthy in spite of no server")
	}
}
