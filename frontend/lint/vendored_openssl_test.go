package lint_test

import (
	"strings"
	"testing"
)

func TestVendoredOpenSSL(t *testing.T) {
	const (
		end    = " but not openssl-src, and the toolchain image has no OpenSSL for musl to link; "
		vendor = ", or compile OpenSSL with the program: cargo add openssl --features vendored"
		found  = "Cargo.lock has openssl-sys (through reqwest)" + end + "switch reqwest to rustls with its features" + vendor
	)
	target := func(lines ...string) string {
		return "toolchain: rust-musl\ntargets:\n  app:\n    " + strings.Join(append([]string{"path: /bin/app"}, lines...), "\n    ") + "\n"
	}
	project := func(manifest string) map[string]string {
		return map[string]string{"Cargo.lock": rustClient, "Cargo.toml": app + manifest}
	}
	with := func(m map[string]string, nameAndText ...string) []string {
		for name, text := range m {
			nameAndText = append(nameAndText, name, text)
		}
		return nameAndText
	}
	normal := files(with(project("[dependencies]\nreqwest = \"0.12\"\n"))...)
	optional := files(with(project("[features]\ndefault = []\ntls = [\"dep:reqwest\"]\nall = [\"tls\"]\n[dependencies]\nreqwest = {version = \"0.12\", optional = true}\n"))...)
	implicit := files(with(project("[features]\ndefault = [\"reqwest\"]\n[dependencies]\nreqwest = {version = \"0.12\", optional = true}\n"))...)

	run(t, "VendoredOpenSSL", []testCase{
		{name: "through a crate", spec: target(), src: normal, want: []string{"3:3 " + found}},
		{name: "at the build", spec: target("build: {dir: .}"), src: normal, want: []string{"5:5 " + found}},
		{name: "itself", spec: target(), src: files("Cargo.lock", lockFile([]string{"app", "openssl"}, []string{"openssl", "openssl-sys"}, []string{"openssl-sys"}), "Cargo.toml", app+"[dependencies]\nopenssl = \"0.10\"\n"),
			want: []string{"3:3 Cargo.lock has openssl-sys" + end + "use rustls instead" + vendor}},
		{name: "vendored", spec: target(), src: files("Cargo.lock", rustClient+lockFile([]string{"openssl-src"}), "Cargo.toml", app+"[dependencies]\nreqwest = \"0.12\"\n")},
		{name: "for tests", spec: target(), src: files(with(project("[dev-dependencies]\nreqwest = \"0.12\"\n"))...)},
		{name: "for Windows", spec: target(), src: files(with(project("[target.'cfg(windows)'.dependencies]\nreqwest = \"0.12\"\n"))...)},
		{name: "for Linux", spec: target(), src: files(with(project("[target.'cfg(not(windows))'.dependencies]\nreqwest = \"0.12\"\n"))...), want: []string{"3:3 " + found}},
		{name: "optional", spec: target(), src: optional},
		{name: "enabled", spec: target("build: {features: all}"), src: optional, want: []string{"5:5 " + found}},
		{name: "enabled by default", spec: target(), src: implicit, want: []string{"3:3 " + found}},
		{name: "without defaults", spec: target("build: {default-features: false}"), src: implicit},
		{name: "own image", spec: target("toolchain: {image: my/rust}"), src: normal},
		{name: "official image", spec: target("toolchain: {image: \"rust:1.96\"}"), src: normal, want: []string{"3:3 " + found}},
		{name: "environment", spec: target("build: {env: {OPENSSL_DIR: /opt/openssl}}"), src: normal},
		{name: "configuration", spec: target(), src: files(with(project("[dependencies]\nreqwest = \"0.12\"\n"), ".cargo/config.toml", "[env]\nOPENSSL_DIR = \"/opt\"\n")...)},
		{name: "without sources", spec: target()},
		{name: "lock file that cannot be read", spec: target(), src: files("Cargo.lock", "<<<<<<<", "Cargo.toml", app)},
		{name: "Go", spec: goTarget(), src: normal},
	})
}

// TestVendoredOpenSSLInWorkspace: only what the target's own packages need
// counts, over any number of members.
func TestVendoredOpenSSLInWorkspace(t *testing.T) {
	member := func(name, deps string) string {
		return strings.ReplaceAll(app, "app", name) + "[features]\ndefault = [\"x\"]\nx = []\nweb = [\"dep:client\"]\n[dependencies]\n" + deps
	}
	lock := lockFile([]string{"api", "fetch"}) + `
[[package]]
name = "batch"
version = "1.0.0"

[[package]]
name = "fetch"
version = "1.0.0"
dependencies = ["reqwest 1.0.0"]
` + strings.TrimPrefix(rustClient, "version = 4\n")
	src := files("ws/Cargo.lock", lock,
		"ws/Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\nfetch = {path = \"lib/fetch\", default-features = false}\n",
		"ws/crates/api/Cargo.toml", member("api", "fetch = {workspace = true, features = [\"web\"]}\n"),
		"ws/crates/batch/Cargo.toml", member("batch", ""),
		"ws/crates/batch/src/bin/worker.rs", "",
		"ws/crates/lean/Cargo.toml", member("lean", "fetch = {workspace = true}\n"),
		"ws/lib/fetch/Cargo.toml", member("fetch", "client = {package = \"reqwest\", version = \"1\", optional = true}\n"))
	target := func(name, build string) string {
		return "toolchain: rust-musl\ntargets:\n  " + name + ":\n    build: {dir: ws" + build + "}\n"
	}
	found := []string{"4:5 Cargo.lock has openssl-sys (through reqwest) but not openssl-src, and the toolchain image has no OpenSSL for musl to link; " +
		"switch reqwest to rustls with its features, or compile OpenSSL with the program: cargo add openssl --features vendored"}
	run(t, "VendoredOpenSSL", []testCase{
		{name: "by the name of the target", spec: target("api", ""), src: src, want: found},
		{name: "by package", spec: target("x", ", package: api"), src: src, want: found},
		{name: "by binary", spec: target("x", ", bin: api"), src: src, want: found},
		{name: "another member", spec: target("batch", ""), src: src},
		{name: "binary of another member", spec: target("worker", ""), src: src},
		{name: "feature that is off", spec: target("lean", ""), src: src},
		{name: "unknown", spec: target("x", ""), src: src},
	})
}
