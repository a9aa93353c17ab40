package testbed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

func TestRootIsThatOfTheProduct(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "integration", "tools", "x")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		filepath.Join(root, "go.mod"): "// comment\nmodule " + testbed.ModulePath + "\n\ngo 1.26\n",
		filepath.Join(deep, "go.mod"): "module " + testbed.ModulePath + "/integration/tools/x\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := testbed.FindRoot(deep); err != nil || got != root {
		t.Errorf("got %q, %v, want %q", got, err, root)
	}
	if got, err := testbed.FindRoot(t.TempDir()); err == nil {
		t.Errorf("found %q where there is none", got)
	}
}

func TestOpenOfABedThatIsNotUp(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, ".testbed"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"", "{", `{"registry":"localhost:5000"}`} {
		if err := os.WriteFile(filepath.Join(root, ".testbed", "bed.json"), []byte(state), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := testbed.OpenAt(root); err == nil || !strings.Contains(err.Error(), "run make testbed") {
			t.Errorf("state %q: %v", state, err)
		}
	}
}

// Two checkouts that share a test bed must agree on where it is: a daemon with
// other arguments is one to be replaced.
func TestLinkedBedHasOnePath(t *testing.T) {
	owner, guest := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(owner, ".testbed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(owner, ".testbed"), filepath.Join(guest, ".testbed")); err != nil {
		t.Fatal(err)
	}
	script := func(root string) string {
		return string(testbed.EnvScript(&testbed.Bed{Root: root, Registry: "localhost:5000", BuildkitHost: "unix:///s", Builder: "b"}))
	}
	if own, linked := script(owner), script(guest); own != linked {
		t.Errorf("the owner has\n%s\nand the other checkout\n%s", own, linked)
	}
}

func TestEnvSurvivesAnyPathAndBeingSourcedTwice(t *testing.T) {
	dir := t.TempDir()
	b := &testbed.Bed{Root: filepath.Join(dir, "it's $HOME here"), Registry: "localhost:5000", BuildkitHost: "unix:///s", Builder: "b"}
	file := filepath.Join(dir, "env")
	if err := os.WriteFile(file, testbed.EnvScript(b), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-euc", `. "$1"; once=$PATH; . "$1"; [ "$PATH" = "$once" ]; printf '%s|%s|%s|%s' "$REGISTRY" "$BUILDX_BUILDER" "$BUILDX_CONFIG" "${PATH%%:*}"`, "sh", file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	state := filepath.Join(b.Root, ".testbed")
	if want := "localhost:5000|b|" + state + "/buildx|" + state + "/bin"; string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

func TestEnvReplacesWhatIsSet(t *testing.T) {
	t.Setenv("BUILDX_BUILDER", "mine")
	t.Setenv("PATH", "/usr/bin")
	b := &testbed.Bed{Root: "/r", Builder: "b"}
	seen := map[string][]string{}
	for _, kv := range b.Env() {
		k, v, _ := strings.Cut(kv, "=")
		seen[k] = append(seen[k], v)
	}
	if got := seen["BUILDX_BUILDER"]; len(got) != 1 || got[0] != "b" {
		t.Errorf("BUILDX_BUILDER %q", got)
	}
	if got := seen["PATH"]; len(got) != 1 || got[0] != "/r/.testbed/bin:/usr/bin" {
		t.Errorf("PATH %q", got)
	}
}

func TestPortOfTheRegistry(t *testing.T) {
	for _, c := range []struct {
		env, last string
		want      int
	}{{"", "", 5000}, {"", "localhost:41234", 41234}, {"6000", "localhost:41234", 6000}, {"", "localhost:junk", 5000}} {
		if got, err := testbed.WishedPort(c.env, c.last); err != nil || got != c.want {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
	}
	for _, env := range []string{"x", "0", "70000"} {
		if got, err := testbed.WishedPort(env, ""); err == nil {
			t.Errorf("REGISTRY_PORT=%s: got %d", env, got)
		}
	}
}

func TestBuildkitdConfigOfATest(t *testing.T) {
	got := testbed.BuildkitdConfig("/r", "/s", "/runc", "localhost:6000", testbed.BuildkitdOpt{
		Platforms: []string{"linux/amd64", "linux/arm64"}, ExtraConfig: "[history]\nmaxEntries = 1",
	})
	for _, want := range []string{
		`platforms = ["linux/amd64", "linux/arm64"]`, `mirrors = ["localhost:6000"]`, `[registry."localhost:6000"]`,
		`address = ["unix:///s"]`, "[history]\nmaxEntries = 1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
}

func TestBuilderThatPointsElsewhere(t *testing.T) {
	good := `{"Name":"b","Driver":"remote","Nodes":[{"Name":"b0","Endpoint":"unix:///s"}]}`
	if !testbed.IsBuilder([]byte(good), "b", "unix:///s") {
		t.Error("a good one is refused")
	}
	for _, text := range []string{"", good[:20], strings.Replace(good, "unix:///s", "unix:///old", 1), strings.Replace(good, "remote", "docker", 1), `{"Name":"b","Driver":"remote"}`} {
		if testbed.IsBuilder([]byte(text), "b", "unix:///s") {
			t.Errorf("%q is taken", text)
		}
	}
}
