package sourcesync_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// TestPackages: what is linked with a package is told apart from what only takes part
// in its compile, edge by edge.
func TestPackages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cargo func(c *cargo)
		want  string
	}{
		"alone": {func(c *cargo) { c.add("app@0.1.0", "") }, `{"name":"app","version":"0.1.0","root":true}`},
		"what is linked, and what is linked with that": {func(c *cargo) {
			c.add("app@0.1.0", "", "lib@1.0.0 normal")
			c.add("lib@1.0.0", cratesIO, "low@1.0.0 normal")
			c.add("low@1.0.0", cratesIO)
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			c.compiled("low@1.0.0", "lib", musl+"deps/liblow.rlib")
		}, `{"name":"app","version":"0.1.0","root":true,"dependencies":[1]},{"name":"lib","version":"1.0.0","source":"` + cratesIO + `","dependencies":[2]},` +
			`{"name":"low","version":"1.0.0","source":"` + cratesIO + `"}`},
		"a macro, and what it is made of": {func(c *cargo) {
			c.add("app@0.1.0", "", "mac@1.0.0 normal")
			c.add("mac@1.0.0", "", "syn@2.0.0 normal", "probe@1.0.0 build")
			c.add("syn@2.0.0", "")
			c.add("probe@1.0.0", "")
			c.compiled("mac@1.0.0", "proc-macro", "release/deps/libmac.so")
			c.compiled("syn@2.0.0", "lib", "release/deps/libsyn.rlib")
			c.compiled("probe@1.0.0", "lib", "release/deps/libprobe.rlib")
		}, `{"name":"app","version":"0.1.0","root":true,"build_dependencies":[1]},{"name":"mac","version":"1.0.0","build":true,"dependencies":[3],"build_dependencies":[2]},` +
			`{"name":"probe","version":"1.0.0","build":true},{"name":"syn","version":"2.0.0","build":true}`},
		"linked, and used by the build script as well": {func(c *cargo) {
			c.add("app@0.1.0", "", "lib@1.0.0 normal+build")
			c.add("lib@1.0.0", "")
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			c.compiled("lib@1.0.0", "lib", "release/deps/liblib.rlib")
		}, `{"name":"app","version":"0.1.0","root":true,"dependencies":[1],"build_dependencies":[1]},{"name":"lib","version":"1.0.0"}`},
		"what only tests use": {func(c *cargo) {
			c.add("app@0.1.0", "", "check@1.0.0 dev")
			c.add("check@1.0.0", "")
			c.compiled("check@1.0.0", "lib", musl+"deps/libcheck.rlib")
		}, `{"name":"app","version":"0.1.0","root":true}`},
		"an address with a secret in it": {func(c *cargo) {
			c.add("app@0.1.0", "", "git@1.0.0 normal", "odd@1.0.0 normal")
			c.add("git@1.0.0", "git+https://user:secret@host/x?rev=1#2")
			c.add("odd@1.0.0", "registry+https://secret@%zz/")
			c.compiled("git@1.0.0", "lib", musl+"deps/libgit.rlib")
			c.compiled("odd@1.0.0", "lib", musl+"deps/libodd.rlib")
		}, `{"name":"app","version":"0.1.0","root":true,"dependencies":[1,2]},{"name":"git","version":"1.0.0","source":"git+https://host/x?rev=1#2"},` +
			`{"name":"odd","version":"1.0.0","source":"registry"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cargo{}
			c.compiled("app@0.1.0", "bin", musl+"app")
			test.cargo(c)
			var units sourcesync.Units
			if err := sourcesync.ReadUnits(strings.NewReader(strings.Join(c.messages, "\n")), &units, io.Discard); err != nil {
				t.Fatal(err)
			}
			list, err := sourcesync.NewPackages("/t/"+musl+"app", []byte(c.metadata()), &units)
			if err != nil {
				t.Fatal(err)
			}
			program := filepath.Join(t.TempDir(), "app")
			if err := list.Write(program); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(program + ".packages.json")
			if want := `{"packages":[` + test.want + `]}`; err != nil || string(got) != want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
			}
		})
	}
}
