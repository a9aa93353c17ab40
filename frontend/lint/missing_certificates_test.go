package lint_test

import "testing"

func TestMissingCertificatesOfGo(t *testing.T) {
	const named = "; turn them on with extras: {ca-certificates: true}"
	const none = named + ", or write ca-certificates: false if all calls are plain text"
	mod := func(requires string) string { return "module m\ngo 1.26\nrequire (\n" + requires + "\n)\n" }
	aws := files("go.mod", mod("github.com/aws/aws-sdk-go-v2/service/s3 v1.0.0"))
	grpc := files("go.mod", mod("google.golang.org/grpc v1.60.0\ngithub.com/jackc/pgx/v5 v5.1.0"))
	run(t, "MissingCertificates", []testCase{
		{name: "SDK", spec: goTarget("extras: {ca-certificates: false}"), src: aws,
			want: []string{"5:31 the certificates are off, but go.mod has github.com/aws/aws-sdk-go-v2/service/s3, and without them TLS calls fail with x509: certificate signed by unknown authority" + named}},
		{name: "at the top", spec: "toolchain: go-cgo0\nextras: none\ntargets:\n  a: {}\n  b: {build: {dir: b}}\n", src: files("b/go.mod", mod("google.golang.org/api v1.0.0")),
			want: []string{"2:9 the certificates are off, but b/go.mod has google.golang.org/api, and without them TLS calls fail with x509: certificate signed by unknown authority" + none}},
		{name: "what can do without TLS, turned off with the rest", spec: goTarget("extras: []"), src: grpc,
			want: []string{"5:13 the certificates are off, but go.mod has github.com/jackc/pgx/v5 and google.golang.org/grpc, and without them TLS calls fail with x509: certificate signed by unknown authority" + none}},
		{name: "what can do without TLS, turned off by name", spec: goTarget("extras: {ca-certificates: false}"), src: grpc},
		{name: "none at the top, something in the target", spec: "toolchain: go-cgo0\nextras: none\ntargets:\n  a: {extras: [tmp]}\n", src: grpc,
			want: []string{"2:9 the certificates are off, but go.mod has github.com/jackc/pgx/v5 and google.golang.org/grpc, and without them TLS calls fail with x509: certificate signed by unknown authority" + none}},
		{name: "on", spec: goTarget(), src: aws},
		{name: "without sources", spec: goTarget("extras: none")},
		{name: "without go.mod", spec: goTarget("extras: none"), src: files("x", "")},
		{name: "nothing known", spec: goTarget("extras: none"), src: files("go.mod", mod("github.com/spf13/cobra v1.0.0"))},
		{name: "a longer name", spec: goTarget("extras: none"), src: files("go.mod", mod("github.com/lib/pqx v1.0.0"))},
		{name: "indirect", spec: goTarget("extras: none"), src: files("go.mod", mod("google.golang.org/grpc v1.60.0 // indirect"))},
		{name: "metadata server", spec: goTarget("extras: none"), src: files("go.mod", mod("cloud.google.com/go/compute/metadata v0.3.0"))},
		{name: "in the program", spec: goTarget("extras: none"), src: files("go.mod", mod("google.golang.org/api v1.0.0\ngolang.org/x/crypto/x509roots/fallback v0.0.0-20240101000000-abcdefabcdef"))},
		{name: "copied", spec: goTarget("extras: none", "copy: [{src: ca.pem, dest: /etc/ssl/certs/}]"), src: aws},
		{name: "mounted", spec: goTarget("extras: none", "env: {SSL_CERT_FILE: /run/ca.pem}"), src: aws},
	})
}

// lockFile is a Cargo.lock; each entry is a package and what it depends on. The
// first is the project's own.
func lockFile(entries ...[]string) string {
	out := "version = 4\n"
	for i, e := range entries {
		out += "\n[[package]]\nname = \"" + e[0] + "\"\nversion = \"1.0.0\"\n"
		if i > 0 {
			out += "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
		}
		out += "dependencies = ["
		for _, d := range e[1:] {
			out += "\"" + d + "\","
		}
		out += "]\n"
	}
	return out
}

// rustClient is the lock file of a project that fetches pages with reqwest.
var rustClient = lockFile([]string{"app", "reqwest"}, []string{"reqwest", "hyper-tls"}, []string{"hyper-tls", "native-tls"},
	[]string{"native-tls", "openssl-probe", "openssl-sys"}, []string{"openssl-probe"}, []string{"openssl-sys"})

const app = "[package]\nname = \"app\"\nversion = \"1.0.0\"\n"

func TestMissingCertificatesOfRust(t *testing.T) {
	off := "toolchain: rust-musl\ntargets:\n  app:\n    extras: {ca-certificates: false}\n"
	const found = "4:31 the certificates are off, but Cargo.lock has reqwest with native-tls, and without them TLS calls fail with an unknown issuer; turn them on with extras: {ca-certificates: true}"
	run(t, "MissingCertificates", []testCase{
		{name: "client", spec: off, src: files("Cargo.lock", rustClient, "Cargo.toml", app+"[dependencies]\nreqwest = \"0.12\"\n"), want: []string{found}},
		{name: "roots of the system", spec: off, src: files("Cargo.lock", lockFile([]string{"app", "rustls-native-certs", "rustls"}, []string{"rustls-native-certs"}, []string{"rustls"}),
			"Cargo.toml", app+"[dependencies]\nrustls = \"1\"\nrustls-native-certs = \"1\"\n"),
			want: []string{"4:31 the certificates are off, but Cargo.lock has rustls-native-certs, and without them TLS calls fail with an unknown issuer; turn them on with extras: {ca-certificates: true}"}},
		{name: "roots in the program", spec: off, src: files("Cargo.lock", lockFile([]string{"app", "reqwest"}, []string{"reqwest", "rustls", "webpki-roots"}, []string{"rustls"}, []string{"webpki-roots"}),
			"Cargo.toml", app+"[dependencies]\nreqwest = \"0.12\"\n")},
		{name: "for tests", spec: off, src: files("Cargo.lock", rustClient, "Cargo.toml", app+"[dev-dependencies]\nreqwest = \"0.12\"\n")},
		{name: "for the build script", spec: off, src: files("Cargo.lock", rustClient, "Cargo.toml", app+"[build-dependencies]\nreqwest = \"0.12\"\n")},
		{name: "for the build script of a crate", spec: off, src: files("Cargo.lock", lockFile([]string{"app", "ort-sys"}, []string{"ort-sys", "ureq"}, []string{"ureq", "native-tls"}, []string{"native-tls"}),
			"Cargo.toml", app+"[dependencies]\nort-sys = \"2\"\n")},
		{name: "without a lock file", spec: off, src: files("Cargo.toml", app+"[dependencies]\nreqwest = \"0.12\"\n")},
		{name: "on", spec: "toolchain: rust-musl\ntargets:\n  app: {}\n", src: files("Cargo.lock", rustClient, "Cargo.toml", app+"[dependencies]\nreqwest = \"0.12\"\n")},
	})
}
