package sourcesync_test

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// audited is the list that a program carries, as text.
func audited(t *testing.T, program []byte) string {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(section(t, program, sourcesync.AuditSection)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// cargo is what Cargo says of packages, with ids that are name and version.
type cargo struct{ packages, nodes, messages []string }

func (c *cargo) add(id, source string, deps ...string) {
	name, version, _ := strings.Cut(id, "@")
	if source != "" {
		source = `,"source":"` + source + `"`
	}
	c.packages = append(c.packages, `{"id":"`+id+`","name":"`+name+`","version":"`+version+`","manifest_path":"/m"`+source+`}`)
	edges := make([]string, len(deps))
	for i, dep := range deps {
		dep, kinds, known := strings.Cut(dep, " ")
		list := ""
		if known {
			quoted := `{"kind":"` + strings.ReplaceAll(kinds, "+", `","target":null},{"kind":"`) + `","target":null}`
			list = `,"dep_kinds":[` + strings.ReplaceAll(quoted, `"normal"`, "null") + `]`
		}
		edges[i] = `{"name":"n","pkg":"` + dep + `"` + list + `}`
	}
	c.nodes = append(c.nodes, `{"id":"`+id+`","deps":[`+strings.Join(edges, ",")+`]}`)
}

func (c *cargo) compiled(id, kind, file string) {
	c.messages = append(c.messages, `{"reason":"compiler-artifact","package_id":"`+id+`","target":{"kind":["`+kind+`"]},"filenames":["/t/`+file+`"]}`)
}

func (c *cargo) metadata() string {
	return `{"packages":[` + strings.Join(c.packages, ",") + `],"resolve":{"nodes":[` + strings.Join(c.nodes, ",") + `],"root":null}}`
}

const (
	cratesIO = "registry+https://github.com/rust-lang/crates.io-index"
	musl     = "musl/release/"
)

func TestNewAudit(t *testing.T) {
	t.Parallel()
	app := func(deps ...string) *cargo {
		c := &cargo{}
		c.add("app@0.1.0", "", deps...)
		c.compiled("app@0.1.0", "bin", musl+"app")
		return c
	}
	const root = `{"name":"app","version":"0.1.0","source":"local","root":true}`
	for name, test := range map[string]struct {
		cargo func() *cargo
		want  string
	}{
		"alone": {func() *cargo { return app() }, root},
		"sources": {func() *cargo {
			c := app("a@1.0.0 normal", "b@1.0.0 normal", "c@1.0.0 normal", "d@1.0.0 normal", "e@1.0.0 normal")
			for id, source := range map[string]string{"a@1.0.0": cratesIO, "b@1.0.0": "git+ssh://user:secret@host/x?rev=1#2", "c@1.0.0": "registry+https://host/index",
				"d@1.0.0": "sparse+https://host/index/", "e@1.0.0": ""} {
				c.add(id, source)
				c.compiled(id, "lib", musl+"deps/"+id)
			}
			return c
		}, `{"name":"a","version":"1.0.0","source":"crates.io"},{"name":"app","version":"0.1.0","source":"local","dependencies":[0,2,3,4,5],"root":true},` +
			`{"name":"b","version":"1.0.0","source":"git"},{"name":"c","version":"1.0.0","source":"registry"},{"name":"d","version":"1.0.0","source":"registry"},{"name":"e","version":"1.0.0","source":"local"}`},
		"what another platform needs": {func() *cargo {
			c := app("win@1.0.0 normal")
			c.add("win@1.0.0", cratesIO)
			return c
		}, root},
		"what tests need, though it is compiled": {func() *cargo {
			c := app("check@1.0.0 dev")
			c.add("check@1.0.0", cratesIO)
			c.compiled("check@1.0.0", "lib", musl+"deps/libcheck.rlib")
			return c
		}, root},
		"what another program needs": {func() *cargo {
			c := app()
			c.add("other@0.1.0", "", "lib@1.0.0 normal")
			c.add("lib@1.0.0", cratesIO)
			c.compiled("other@0.1.0", "bin", musl+"other")
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			return c
		}, root},
		"two versions": {func() *cargo {
			c := app("x@2.0.0 normal", "x@1.0.0 normal")
			for _, id := range []string{"x@2.0.0", "x@1.0.0"} {
				c.add(id, cratesIO)
				c.compiled(id, "lib", musl+"deps/"+id)
			}
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},{"name":"x","version":"1.0.0","source":"crates.io"},{"name":"x","version":"2.0.0","source":"crates.io"}`},
		"a macro, and what it is made of": {func() *cargo {
			c := app("mac@1.0.0 normal")
			c.add("mac@1.0.0", cratesIO, "syn@2.0.0 normal")
			c.add("syn@2.0.0", cratesIO)
			c.compiled("mac@1.0.0", "proc-macro", "release/deps/libmac.so")
			c.compiled("syn@2.0.0", "lib", "release/deps/libsyn.rlib")
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[1],"root":true},{"name":"mac","version":"1.0.0","source":"crates.io","kind":"build","dependencies":[2]},` +
			`{"name":"syn","version":"2.0.0","source":"crates.io","kind":"build"}`},
		"a dependency with a build script": {func() *cargo {
			c := app("lib@1.0.0 normal")
			c.add("lib@1.0.0", cratesIO, "cc@1.0.0 build")
			c.add("cc@1.0.0", cratesIO)
			c.compiled("lib@1.0.0", "custom-build", "release/build/lib/build-script-build")
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			c.compiled("cc@1.0.0", "lib", "release/deps/libcc.rlib")
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[2],"root":true},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},` +
			`{"name":"lib","version":"1.0.0","source":"crates.io","dependencies":[1]}`},
		"in the build first, then in the program": {func() *cargo {
			c := app("cc@1.0.0 build", "lib@1.0.0 normal")
			c.add("cc@1.0.0", cratesIO, "lib@1.0.0 normal")
			c.add("lib@1.0.0", cratesIO, "low@1.0.0 normal")
			c.add("low@1.0.0", cratesIO)
			c.compiled("cc@1.0.0", "lib", "release/deps/libcc.rlib")
			for _, dir := range []string{"release/", musl} {
				c.compiled("lib@1.0.0", "lib", dir+"deps/liblib.rlib")
				c.compiled("low@1.0.0", "lib", dir+"deps/liblow.rlib")
			}
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build","dependencies":[2]},` +
			`{"name":"lib","version":"1.0.0","source":"crates.io","dependencies":[3]},{"name":"low","version":"1.0.0","source":"crates.io"}`},
		"optional for the builder alone": {func() *cargo {
			c := app("gen@1.0.0 build", "lib@1.0.0 normal")
			c.add("gen@1.0.0", cratesIO, "lib@1.0.0 normal")
			c.add("lib@1.0.0", cratesIO, "extra@1.0.0 normal")
			c.add("extra@1.0.0", cratesIO)
			c.compiled("gen@1.0.0", "lib", "release/deps/libgen.rlib")
			c.compiled("lib@1.0.0", "lib", "release/deps/liblib.rlib")
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			c.compiled("extra@1.0.0", "lib", "release/deps/libextra.rlib")
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[2,3],"root":true},{"name":"extra","version":"1.0.0","source":"crates.io","kind":"build"},` +
			`{"name":"gen","version":"1.0.0","source":"crates.io","kind":"build","dependencies":[3]},{"name":"lib","version":"1.0.0","source":"crates.io","dependencies":[1]}`},
		"under two names, and for tests too": {func() *cargo {
			c := app("lib@1.0.0 dev+normal", "lib@1.0.0 build")
			c.add("lib@1.0.0", cratesIO, "app@0.1.0 dev")
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			c.compiled("lib@1.0.0", "lib", "release/deps/liblib.rlib")
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[1],"root":true},{"name":"lib","version":"1.0.0","source":"crates.io"}`},
		"of a Cargo that knows no kinds": {func() *cargo {
			c := app("lib@1.0.0")
			c.add("lib@1.0.0", cratesIO)
			c.compiled("lib@1.0.0", "lib", musl+"deps/liblib.rlib")
			return c
		}, `{"name":"app","version":"0.1.0","source":"local","dependencies":[1],"root":true},{"name":"lib","version":"1.0.0","source":"crates.io"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := test.cargo()
			var units sourcesync.Units
			if err := sourcesync.ReadUnits(strings.NewReader(strings.Join(c.messages, "\n")), &units, io.Discard); err != nil {
				t.Fatal(err)
			}
			list, err := sourcesync.NewPackages("/t/"+musl+"app", []byte(c.metadata()), &units)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "app")
			if err := os.WriteFile(file, object(t, elf.ELFCLASS64, binary.LittleEndian), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := list.Audit().Write(file); err != nil {
				t.Fatal(err)
			}
			program, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := audited(t, program), `{"packages":[`+test.want+`]}`; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

func TestNewPackagesRefuses(t *testing.T) {
	t.Parallel()
	c := &cargo{}
	c.add("app@0.1.0", "")
	c.compiled("app@0.1.0", "bin", musl+"app")
	var units sourcesync.Units
	if err := sourcesync.ReadUnits(strings.NewReader(strings.Join(c.messages, "\n")), &units, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ program, metadata, want string }{
		"no JSON":                           {"/t/" + musl + "app", "error", "cargo metadata: "},
		"a program that Cargo did not make": {"/t/" + musl + "other", c.metadata(), "did not say which package /t/musl/release/other belongs to"},
		"a package that Cargo leaves out":   {"/t/" + musl + "app", `{"packages":[]}`, "does not have the package app@0.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sourcesync.NewPackages(test.program, []byte(test.metadata), &units); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAuditOfCargo: what a real Cargo says is understood, also of what it compiled
// before, and the program in the target directory stays as Cargo left it.
func TestAuditOfCargo(t *testing.T) {
	needCargo(t)
	t.Parallel()
	version, err := exec.Command("rustc", "-vV").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, triple, _ := strings.Cut(string(version), "host: ")
	triple, _, _ = strings.Cut(triple, "\n")

	member := func(name, rest string) string {
		return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + rest
	}
	p := project{
		"Cargo.toml": "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"lib\", \"gen\", \"mac\", \"made-of\", \"win\", \"test\", \"other\"]\n",
		"app/Cargo.toml": member("app", "[dependencies]\nlib = { path = \"../lib\" }\nmac = { path = \"../mac\" }\n[build-dependencies]\ngen = { path = \"../gen\" }\n"+
			"[dev-dependencies]\ntest = { path = \"../test\" }\n[target.'cfg(windows)'.dependencies]\nwin = { path = \"../win\" }\n"),
		"app/build.rs":       "fn main() { println!(\"cargo:rustc-env=GEN={}\", gen::value()); }\n",
		"app/src/main.rs":    "fn main() { println!(\"{} {} {}\", lib::V, mac::number!(), env!(\"GEN\")); }\n",
		"lib/Cargo.toml":     member("lib", ""),
		"lib/src/lib.rs":     constant("lib"),
		"gen/Cargo.toml":     member("gen", "[dependencies]\nlib = { path = \"../lib\" }\n"),
		"gen/src/lib.rs":     "pub fn value() -> &'static str { lib::V }\n",
		"mac/Cargo.toml":     member("mac", "[lib]\nproc-macro = true\n[dependencies]\nmade-of = { path = \"../made-of\" }\n"),
		"mac/src/lib.rs":     "use proc_macro::TokenStream;\n#[proc_macro]\npub fn number(_: TokenStream) -> TokenStream { made_of::NUMBER.parse().unwrap() }\n",
		"made-of/Cargo.toml": member("made-of", ""),
		"made-of/src/lib.rs": "pub const NUMBER: &str = \"7\";\n",
	}
	for _, name := range []string{"win", "test", "other"} {
		p[name+"/Cargo.toml"], p[name+"/src/lib.rs"] = member(name, ""), ""
	}
	src := t.TempDir()
	tr := tree{t, src, ""}
	for name, content := range p {
		tr.write(name, content)
	}
	const want = `{"packages":[{"name":"app","version":"0.1.0","source":"local","dependencies":[1,2,3],"root":true},` +
		`{"name":"gen","version":"0.1.0","source":"local","kind":"build","dependencies":[2]},{"name":"lib","version":"0.1.0","source":"local"},` +
		`{"name":"mac","version":"0.1.0","source":"local","kind":"build","dependencies":[4]},{"name":"made-of","version":"0.1.0","source":"local","kind":"build"}]}`
	const packages = `{"packages":[{"name":"app","version":"0.1.0","root":true,"dependencies":[2],"build_dependencies":[1,3]},` +
		`{"name":"gen","version":"0.1.0","build":true,"dependencies":[2]},{"name":"lib","version":"0.1.0"},` +
		`{"name":"mac","version":"0.1.0","build":true,"dependencies":[4]},{"name":"made-of","version":"0.1.0","build":true}]}`
	b := newBench(t)
	from := filepath.Join(b.work, sourcesync.TargetDir, triple, "debug/app")
	var programs [2][]byte
	for i := range programs {
		args := sourcesync.Command{Helper: helper, Source: src, Work: b.work, Copy: []sourcesync.Copy{{From: from, To: b.out}},
			Auditable: true, Metadata: []string{"cargo", "metadata", "--format-version", "1", "--filter-platform", triple, "--offline"},
			Run: [][]string{{"cargo", "build", "--offline", "--message-format=json-render-diagnostics", "--target", triple, "--package", "app"}}}.Args()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = cargoEnv()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if programs[i], err = os.ReadFile(b.out); err != nil {
			t.Fatal(err)
		}
		if got := audited(t, programs[i]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got, err := os.ReadFile(b.out + sourcesync.PackagesSuffix); err != nil || string(got) != packages {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, packages)
		}
		if out, err := exec.Command(b.out).Output(); err != nil || string(out) != "lib 7 lib\n" {
			t.Errorf("the program prints %q, %v", out, err)
		}
		if left, err := os.ReadFile(from); err != nil || bytes.Contains(left, []byte(sourcesync.AuditSection)) {
			t.Errorf("Cargo's own file was changed: %v", err)
		}
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("two builds leave different programs")
	}
}
