package rust_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/rust"
)

// lockOf is a lock file of "package dependency …" lines; the packages of the project
// are api and lib. A package may have its version behind an @.
func lockOf(lines ...string) string {
	var out strings.Builder
	out.WriteString("version = 4\n")
	for _, line := range lines {
		words := strings.Fields(line)
		name, version, ok := strings.Cut(words[0], "@")
		if !ok {
			version = "1.0.0"
		}
		out.WriteString("\n[[package]]\nname = \"" + name + "\"\nversion = \"" + version + "\"\n")
		if name != "api" && name != "lib" {
			out.WriteString("source = \"" + registry + "\"\n")
		}
		out.WriteString("dependencies = [\"" + strings.Join(words[1:], "\", \"") + "\"]\n")
	}
	return strings.ReplaceAll(out.String(), `[""]`, "[]")
}

const openssl = "for the crate openssl-sys"

func TestPreflight(t *testing.T) {
	reqwest := func(version string) string {
		return lockOf("api reqwest", "reqwest@"+version+" hyper-tls", "hyper-tls native-tls", "native-tls openssl-sys", "openssl-sys cc")
	}
	direct := lockOf("api openssl", "openssl openssl-sys", "openssl-sys cc")
	optional := "[dependencies]\nopenssl = {version = '0.10', optional = true}\n"
	for _, tc := range []struct {
		name, manifest, lock string
		build                string
		config               string
		image                string
		want                 string
	}{
		{name: "directly", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, want: "(through openssl)"},
		{name: "for Linux", manifest: "[target.'cfg(unix)'.dependencies]\nopenssl = '0.10'\n", lock: direct, want: "(through openssl)"},
		{name: "by another name", manifest: "[dependencies]\ntls = {package = 'openssl', version = '0.10'}\n", lock: direct, want: "(through openssl)"},
		{name: "by default features", manifest: "[dependencies]\nreqwest = '0.12'\n", lock: reqwest("0.12.9"), want: "(through reqwest)"},
		{name: "by a feature", manifest: "[dependencies]\nreqwest = {version = '0.12', default-features = false, features = ['native-tls']}\n", lock: reqwest("0.12.9"), want: "(through reqwest)"},
		{name: "by a feature of a later version", manifest: "[dependencies]\nreqwest = {version = '0.13', features = ['native-tls']}\n", lock: reqwest("0.13.1"), want: "(through reqwest)"},
		{name: "an optional one that is on", manifest: "[features]\ntls = ['dep:openssl']\n" + optional, lock: direct, build: "{features: tls}", want: "(through openssl)"},
		{name: "by default", manifest: "[features]\ndefault = ['tls']\ntls = ['openssl']\n" + optional, lock: direct, want: "(through openssl)"},
		{name: "by a feature of it", manifest: "[features]\ndefault = ['openssl/v110']\n" + optional, lock: direct, want: "(through openssl)"},
		{name: "image of another name", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, image: "docker.io/library/rust:1.90", want: "(through openssl)"},

		{name: "vendored", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: lockOf("api openssl", "openssl openssl-sys", "openssl-sys cc openssl-src", "openssl-src cc")},
		{name: "vendored by another", manifest: "[dependencies]\nreqwest = '0.12'\n", lock: lockOf("api reqwest openssl-sys", "reqwest@0.12.9 native-tls", "native-tls openssl-sys", "openssl-sys openssl-src")},
		{name: "from AWS-LC", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: lockOf("api openssl", "openssl openssl-sys", "openssl-sys aws-lc-sys")},
		{name: "for tests", manifest: "[dev-dependencies]\nopenssl = '0.10'\n", lock: direct},
		{name: "for the build script", manifest: "[build-dependencies]\nopenssl = '0.10'\n", lock: direct},
		{name: "for Windows", manifest: "[target.'cfg(windows)'.dependencies]\nopenssl = '0.10'\n", lock: direct},
		{name: "for some platforms", manifest: "[target.'cfg(target_arch = \"aarch64\")'.dependencies]\nopenssl = '0.10'\n", lock: direct},
		{name: "an optional one that is off", manifest: "[features]\ntls = ['dep:openssl']\n" + optional, lock: direct},
		{name: "a default that is off", manifest: "[features]\ndefault = ['tls']\ntls = ['openssl']\n" + optional, lock: direct, build: "{default-features: false}"},
		{name: "a feature without the crate", manifest: "[features]\ndefault = ['openssl?/v110']\n" + optional, lock: direct},
		{name: "rustls by default", manifest: "[dependencies]\nreqwest = '0.13'\n", lock: reqwest("0.13.1")},
		{name: "rustls by a feature", manifest: "[dependencies]\nreqwest = {version = '0.12', default-features = false, features = ['rustls-tls']}\n", lock: reqwest("0.12.9")},
		{name: "a crate that is not known", manifest: "[dependencies]\nclient = '1'\n", lock: lockOf("api client", "client openssl-sys", "openssl-sys cc")},
		{name: "a version that does not link it", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: lockOf("api openssl client", "openssl", "client openssl-sys", "openssl-sys cc")},
		{name: "own image", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, image: "my/rust"},
		{name: "environment", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, build: "{env: {OPENSSL_DIR: /opt}}"},
		{name: "environment of pkg-config", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, build: "{env: {PKG_CONFIG_PATH: /opt}}"},
		{name: "configuration", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: direct, config: "[env]\nOPENSSL_DIR = '/opt'\n"},
		{name: "no lock file", manifest: "[dependencies]\nopenssl = '0.10'\n", build: "{locked: false}"},
		{name: "damaged lock file", manifest: "[dependencies]\nopenssl = '0.10'\n", lock: "<<<<<<<"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := []string{"Cargo.toml=" + manifest("api", tc.manifest), "src/main.rs="}
			if tc.lock != "" {
				files = append(files, "Cargo.lock="+tc.lock)
			}
			if tc.config != "" {
				files = append(files, ".cargo/config.toml="+tc.config)
			}
			text := "{}"
			if tc.build != "" {
				text = "{build: " + tc.build + "}"
			}
			name := "rust-musl"
			if tc.image != "" {
				name = "{name: rust-musl, image: \"" + tc.image + "\"}"
			}
			s, err := spec.Parse("s", []byte("toolchain: "+name+"\ntargets:\n  api: "+text+"\n"))
			require.NoError(t, err)
			_, err = rust.New(s, s.Targets["api"], llbtest.Files(files...))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.Len(t, spec.ProblemsOf(err), 1, "the user is at fault, and sees where")
			require.ErrorContains(t, err, "s:3:")
			require.ErrorContains(t, err, "the program needs OpenSSL, "+openssl+" "+tc.want+", and the toolchain image has none for musl to link; "+
				"use rustls instead, or compile OpenSSL with the program: cargo add openssl --features vendored. If there is one, say where with build: {env: {OPENSSL_DIR: …}}")
		})
	}
}

// TestPreflightLibraries: each library that is known, and how it is brought along.
func TestPreflightLibraries(t *testing.T) {
	for _, tc := range []struct{ name, deps, lock, want string }{
		{"libpq", "pq-sys = '0.7'", lockOf("api pq-sys", "pq-sys"), "the program needs libpq, for the crate pq-sys, and"},
		{"libpq of diesel", "diesel = {version = '2', features = ['postgres']}", lockOf("api diesel", "diesel pq-sys", "pq-sys"), "for the crate pq-sys (through diesel)"},
		{"diesel without libpq", "diesel = {version = '2', features = ['sqlite']}", lockOf("api diesel", "diesel pq-sys", "pq-sys"), ""},
		{"libpq from its sources", "diesel = {version = '2', features = ['postgres']}", lockOf("api diesel", "diesel pq-sys", "pq-sys pq-src", "pq-src cc"), ""},
		{"librdkafka by default", "rdkafka = '0.39'", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys libz-sys"), ""},
		{"librdkafka by cmake", "rdkafka = {version = '0.39', features = ['cmake-build']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys cmake libz-sys"), ""},
		{"librdkafka of the system", "rdkafka = {version = '0.39', features = ['dynamic-linking']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys"),
			"the program needs librdkafka, for the crate rdkafka-sys (through rdkafka), and the toolchain image has none for musl to link; remove the feature dynamic-linking, and it is compiled with the program. " +
				"If there is one, say where with build: {env: {PKG_CONFIG_LIBDIR: …}}"},
		{"librdkafka of the system, as of old", "rdkafka-sys = {version = '1', features = ['dynamic_linking']}", lockOf("api rdkafka-sys", "rdkafka-sys"), "for the crate rdkafka-sys, and"},
		{"librdkafka with TLS", "rdkafka = {version = '0.39', features = ['ssl']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys", "openssl-sys cc"),
			"the program needs OpenSSL, for the crate openssl-sys (through rdkafka), and the toolchain image has none for musl to link; compile it with the program: cargo add rdkafka --features ssl-vendored. If"},
		{"librdkafka with its own OpenSSL", "rdkafka = {version = '0.39', features = ['ssl-vendored']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys", "openssl-sys openssl-src"), ""},
		{"librdkafka with Kerberos, without OpenSSL", "rdkafka = {version = '0.39', features = ['gssapi-vendored']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys sasl2-sys", "openssl-sys cc", "sasl2-sys krb5-src"),
			"for the crate openssl-sys (through rdkafka)"},
		{"librdkafka with Kerberos of the system", "rdkafka = {version = '0.39', features = ['gssapi', 'ssl-vendored']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys sasl2-sys", "openssl-sys openssl-src", "sasl2-sys cc"),
			"the program needs the SASL library of Cyrus, for the crate sasl2-sys (through rdkafka), and"},
		{"librdkafka with its own Kerberos", "rdkafka = {version = '0.39', features = ['gssapi-vendored', 'ssl-vendored']}", lockOf("api rdkafka", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys sasl2-sys", "openssl-sys openssl-src", "sasl2-sys krb5-src"), ""},
		{"librdkafka with SASL from its sources", "rdkafka = {version = '0.39', features = ['gssapi', 'ssl-vendored']}\nsasl2-sys = {version = '0.1', features = ['vendored']}",
			lockOf("api rdkafka sasl2-sys", "rdkafka rdkafka-sys", "rdkafka-sys openssl-sys sasl2-sys", "openssl-sys openssl-src", "sasl2-sys cc"), ""},
		{"MySQL", "diesel = {version = '2', features = ['mysql']}", lockOf("api diesel", "diesel mysqlclient-sys", "mysqlclient-sys mysqlclient-src"), "use a driver without C, such as the crates mysql_async and sqlx"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, "{}", llbtest.Files("Cargo.toml="+manifest("api", "[dependencies]\n"+tc.deps+"\n"), "Cargo.lock="+tc.lock, "src/main.rs="))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestPreflightInWorkspace: only what the packages of the target depend on counts,
// over other members.
func TestPreflightInWorkspace(t *testing.T) {
	lock := lockOf("api lib", "lib openssl", "openssl openssl-sys", "openssl-sys cc")
	src := func(api, lib string) map[string]string {
		return map[string]string{"api": api, "lib": lib}
	}
	for _, tc := range []struct {
		name      string
		manifests map[string]string
		want      bool
	}{
		{"through a member", src("[dependencies]\nlib = {path = '../lib'}\n", "[dependencies]\nopenssl = '0.10'\n"), true},
		{"through the workspace", src("[dependencies]\nlib.workspace = true\n", "[dependencies]\nopenssl.workspace = true\n"), true},
		{"by a feature of a member", src("[dependencies]\nlib = {path = '../lib', features = ['tls']}\n", "[features]\ntls = ['dep:openssl']\n[dependencies]\nopenssl = {version = '0.10', optional = true}\n"), true},
		{"by a feature of the member's member", src("[features]\ndefault = ['lib/tls']\n[dependencies]\nlib = {path = '../lib'}\n", "[features]\ntls = ['dep:openssl']\n[dependencies]\nopenssl = {version = '0.10', optional = true}\n"), true},
		{"without the feature", src("[dependencies]\nlib = {path = '../lib'}\n", "[features]\ntls = ['dep:openssl']\n[dependencies]\nopenssl = {version = '0.10', optional = true}\n"), false},
		{"without the default features", src("[dependencies]\nlib = {path = '../lib', default-features = false}\n", "[features]\ndefault = ['dep:openssl']\n[dependencies]\nopenssl = {version = '0.10', optional = true}\n"), false},
		{"another member", src("", "[dependencies]\nopenssl = '0.10'\n"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, "{}", llbtest.Files(
				"Cargo.toml=[workspace]\nmembers = ['api', 'lib']\n[workspace.dependencies]\nopenssl = '0.10'\nlib = {path = 'lib'}\n", "Cargo.lock="+lock,
				"api/Cargo.toml="+manifest("api", tc.manifests["api"]), "api/src/main.rs=",
				"lib/Cargo.toml="+manifest("lib", tc.manifests["lib"]), "lib/src/lib.rs="))
			if !tc.want {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, openssl)
		})
	}
}

// TestPreflightFeaturesJoin: the features of a member are those that all who depend
// on it ask for.
func TestPreflightFeaturesJoin(t *testing.T) {
	_, err := plan(t, "{}", llbtest.Files(
		"Cargo.toml=[workspace]\nmembers = ['api', 'lib', 'web']\n", "Cargo.lock="+lockOf("api lib", "lib openssl", "openssl openssl-sys", "openssl-sys cc"),
		"api/Cargo.toml="+manifest("api", "[dependencies]\nlib = {path = '../lib'}\nweb = {path = '../web'}\n"), "api/src/main.rs=",
		"lib/Cargo.toml="+manifest("lib", "[features]\ntls = ['dep:openssl']\n[dependencies]\nopenssl = {version = '0.10', optional = true}\n"), "lib/src/lib.rs=",
		"web/Cargo.toml="+manifest("web", "[dependencies]\nlib = {path = '../lib', features = ['tls']}\n"), "web/src/lib.rs="))
	require.ErrorContains(t, err, openssl)
}
