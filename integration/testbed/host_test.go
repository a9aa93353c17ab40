package testbed_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func TestGoVersion(t *testing.T) {
	for text, want := range map[string]testbed.Version{
		"go1.26.8\n":             {Full: "1.26.8", Minor: "1.26"},
		"go1.27":                 {Full: "1.27", Minor: "1.27"},
		"go1.27rc1":              {Full: "1.27", Minor: "1.27"},
		"go1.26.3 X:nodwarf5":    {Full: "1.26.3", Minor: "1.26"},
		"go1.26.3-company.build": {Full: "1.26.3", Minor: "1.26"},
	} {
		if got, err := testbed.ParseGoVersion(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1.26", "devel go1.27", "go"} {
		if got, err := testbed.ParseGoVersion(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestCandidateOfAPackage(t *testing.T) {
	policy := "rustc-web:\n  Installed: (none)\n  Candidate: %s\n  Version table:\n     9.9.9 500\n"
	pkg, v, err := testbed.ParseCandidate(strings.Replace(policy, "%s", "2:1.96.0+dfsg1-1~deb12u2", 1))
	if err != nil || pkg != "2:1.96.0+dfsg1-1~deb12u2" || v != (testbed.Version{Full: "1.96.0", Minor: "1.96"}) {
		t.Errorf("got %q, %+v, %v", pkg, v, err)
	}
	for _, text := range []string{"", strings.Replace(policy, "%s", "(none)", 1)} {
		if pkg, _, err := testbed.ParseCandidate(text); err == nil {
			t.Errorf("%q gave the candidate %q", text, pkg)
		}
	}
}

func TestCodename(t *testing.T) {
	for _, text := range []string{"ID=debian\nVERSION_CODENAME=bookworm\n", "VERSION_CODENAME=\"bookworm\""} {
		if got, err := testbed.ParseCodename(text); err != nil || got != "bookworm" {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	if _, err := testbed.ParseCodename("ID=debian\n"); err == nil {
		t.Error("a release without a name has one")
	}
}

func TestAptSettingsAreThoseOfTheWayOut(t *testing.T) {
	got := testbed.AptSettings(`APT::Architecture "amd64";
Acquire "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/company.pem";
Acquire::IndexTargets::deb::DEP-11::MetaKey "x";
Acquire::CompressionTypes::lz4 "lz4";
Acquire::Retries "3";
DPkg::Post-Invoke:: "rm -rf /";
`)
	if want := "Acquire::http::Proxy \"http://proxy.example:3128\";\nAcquire::Retries \"3\";\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestCargoSettings(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte("[net]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env, files := testbed.ReadCargo([]string{
		"CARGO_HOME=" + home, "CARGO_NET_RETRY=5", "CARGO_HTTP_CAINFO=/host/only", "CARGO_TARGET_DIR=/t", "HOME=/root",
		"CARGO_REGISTRIES_COMPANY_INDEX=sparse+https://crates.example/",
	})
	if want := []string{"CARGO_NET_RETRY=5", "CARGO_REGISTRIES_COMPANY_INDEX=sparse+https://crates.example/"}; !slices.Equal(env, want) {
		t.Errorf("environment %q, want %q", env, want)
	}
	if len(files) != 1 || files["config.toml"] != "[net]\n" {
		t.Errorf("files %q", files)
	}
}
