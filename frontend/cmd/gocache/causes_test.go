package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/llb/cause"
)

// TestCauses: what the go command, git and compilers really say, and what is made of it.
func TestCauses(t *testing.T) {
	for _, tc := range []struct {
		name, said string
		want       int
	}{
		{"a compiler that was killed", "example.com/x: /usr/local/go/pkg/tool/linux_amd64/compile: signal: killed\n", cause.Killed},
		{"a later Go", "go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)\n", cause.Version},
		{"no git", "go: git.example.com/x.git@v1.0.0: git init --bare in /mod/cache/vcs/1: exec: \"git\": executable file not found in $PATH\n", cause.NoGit},
		{"a proxy with its own certificate", "go: example.com/x@v1.0.0: Get \"https://proxy/x\": tls: failed to verify certificate: x509: certificate signed by unknown authority\n", cause.Certificate},
		{"a private repository", "go: example.com/x@v1.0.0: invalid version: git ls-remote -q origin in /mod/cache/vcs/1: exit status 128:\n\tfatal: could not read Username for 'https://example.com': terminal prompts disabled\nConfirm the import path was entered correctly.\n", cause.Credentials},
		{"a private repository over SSH", "\tgit@example.com: Permission denied (publickey).\n\tfatal: Could not read from remote repository.\n", cause.Credentials},
		{"a proxy with a password", "go: example.com/x@v1.0.0: reading https://proxy/example.com/x/@v/v1.0.0.mod: 401 Unauthorized\n", cause.Credentials},
		{"a module that nobody has", "go: example.com/x@v1.0.0: reading https://proxy/example.com/x/@v/v1.0.0.mod: 404 Not Found\n\tserver response: not found\n", cause.NotFound},
		{"a version that nobody has", "go: example.com/x@v9.0.0: invalid version: unknown revision v9.0.0\n", cause.NotFound},
		{"no network", "go: example.com/x@v1.0.0: Get \"https://proxy/x\": dial tcp: lookup proxy: no such host\n", cause.Network},
		{"modules switched off", "go: example.com/x@v1.0.0: module lookup disabled by GOPROXY=off\n", cause.Network},
		{"a vendor folder of before", "go: inconsistent vendoring in /src:\n\texample.com/x@v1.1.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n", cause.Vendored},
		{"a sum that is missing", "main.go:3:8: missing go.sum entry for module providing package example.com/x (imported by m); to add:\n\tgo get m\n", cause.LockFile},
		{"a module that is missing", "main.go:3:8: no required module provides package example.com/x; to add it:\n\tgo get example.com/x\n", cause.LockFile},
		{"a manifest that is behind", "go: updates to go.mod needed; to update it:\n\tgo mod tidy\n", cause.LockFile},
		{"no code without cgo", "package m\n\timports example.com/x: build constraints exclude all Go files in /fromscratch/go/mod/example.com/x@v1.0.0\n", cause.NeedsCgo},
		{"nothing to embed", "main.go:5:12: pattern web/dist/*: no matching files found\n", cause.NoFile},
		{"a mistake in the program", "# m\n./main.go:3:15: undefined: x\n", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := 0
			for _, c := range causes {
				if c.Said.MatchString(tc.said) {
					got = c.Status
					break
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestPackagesAt: the flags of a go build carry their values with them.
func TestPackagesAt(t *testing.T) {
	require.Equal(t, 6, packagesAt([]string{"go", "build", "-v", "-gcflags=all=-N -l", "-o", "/dev/null", "fmt", "net"}))
	require.Equal(t, 3, packagesAt([]string{"go", "build", "-v"}))
}
