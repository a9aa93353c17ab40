package service

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l, Router("notes", "1.2.3")) }()

	resp, err := http.Get("http://" + addr + "/version")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "notes 1.2.3\n" {
		t.Errorf("%q %v", text, err)
	}
	if err := run(t.Context(), addr, nil, []string{"health"}); err != nil {
		t.Errorf("health: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("after it was asked to stop: %v", err)
	}
	if run(t.Context(), addr, nil, []string{"health"}) == nil {
		t.Error("healthy after it stopped")
	}
}

func TestUnknownArguments(t *testing.T) {
	if run(t.Context(), "127.0.0.1:0", nil, []string{"serve"}) == nil {
		t.Error("no error")
	}
}
