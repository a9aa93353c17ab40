package step

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// extraCA is where the secret build-ca is mounted, if the build was given one.
const extraCA = "/run/secrets/build-ca"

// bundles are where systems keep the certificates that they trust.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

// Certificates is the environment that makes compilers and their helpers trust
// whom the secret build-ca names, beside those that the image trusts.
func Certificates() ([]string, error) {
	extra, err := os.ReadFile(extraCA)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var bundle []byte
	for _, name := range append([]string{os.Getenv("SSL_CERT_FILE")}, bundles...) {
		if bundle, err = os.ReadFile(name); err == nil {
			break
		}
	}
	dir, err := os.MkdirTemp("/dev/shm", "ca") // Memory: a secret never gets to a disk.
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "bundle.pem")
	if err := os.WriteFile(file, slices.Concat(bundle, []byte("\n"), extra), 0o600); err != nil {
		return nil, err
	}
	var env []string
	for _, name := range []string{"SSL_CERT_FILE", "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"} {
		env = append(env, name+"="+file)
	}
	return env, nil
}
