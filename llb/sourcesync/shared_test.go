package sourcesync_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// services are a workspace with two programs, which have a library in common and one
// each. They have a stamp from a macro that reads it, which the compiler does not know.
// If it pries, the library that they have in common has in it what it finds in a folder
// of a package that only one of them is shown.
func services(pries bool) project {
	member := func(name, rest string) string {
		return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + rest
	}
	p := project{
		"Cargo.toml":        "[workspace]\nresolver = \"2\"\nmembers = [\"common\", \"mac\", \"one\", \"only-one\", \"only-two\", \"two\"]\n[profile.dev]\ndebug = false\nopt-level = 0\n",
		"common/Cargo.toml": member("common", ""),
		"common/src/lib.rs": constant("a"),
		"mac/Cargo.toml":    member("mac", "[lib]\nproc-macro = true\n"),
		"mac/src/lib.rs": `use proc_macro::{Literal, TokenStream, TokenTree};
#[proc_macro]
pub fn stamp(_: TokenStream) -> TokenStream {
    TokenTree::Literal(Literal::string(&std::env::var(["VER", "SION"].concat()).unwrap())).into()
}
#[proc_macro]
pub fn read(name: TokenStream) -> TokenStream {
    let name = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join(name.to_string().trim_matches('"'));
    TokenTree::Literal(Literal::string(&std::fs::read_to_string(name).unwrap_or_default())).into()
}
`,
		"only-one/data": "",
		"Cargo.lock":    "version = 3\n[[package]]\nname = \"common\"\nversion = \"0.1.0\"\n[[package]]\nname = \"mac\"\nversion = \"0.1.0\"\n",
	}
	if pries {
		p["only-one/data"] = "x"
		p["common/Cargo.toml"] = member("common", "[dependencies]\nmac = { path = \"../mac\" }\n")
		p["common/src/lib.rs"] += "pub const DATA: &str = mac::read!(\"../only-one/data\");\n"
		p["Cargo.lock"] = strings.Replace(p["Cargo.lock"], "version = \"0.1.0\"\n", "version = \"0.1.0\"\ndependencies = [\"mac\"]\n", 1)
	} else {
		p["common/src/lib.rs"] += "pub const DATA: &str = \"\";\n"
	}
	for _, name := range []string{"one", "two"} {
		p[name+"/Cargo.toml"] = member(name, "[dependencies]\ncommon = { path = \"../common\" }\nmac = { path = \"../mac\" }\nonly-"+name+" = { path = \"../only-"+name+"\" }\n")
		p[name+"/src/main.rs"] = "mod local;\nfn main() {\n    println!(\"{} {} {} {} {}\", common::DATA, local::V, common::V, only_" + name + "::V, mac::stamp!());\n}\n"
		p[name+"/src/local.rs"] = constant("a")
		p["only-"+name+"/Cargo.toml"] = member("only-"+name, "")
		p["only-"+name+"/src/lib.rs"] = constant("a")
		p["Cargo.lock"] += fmt.Sprintf("[[package]]\nname = \"only-%[1]s\"\nversion = \"0.1.0\"\n[[package]]\nname = %[1]q\nversion = \"0.1.0\"\ndependencies = [\"common\", \"mac\", \"only-%[1]s\"]\n", name)
	}
	return p
}

// shownTo is what a compile of one program sees: the code of its own packages, and of
// the others no more than their manifests.
func (p project) shownTo(program string) project {
	out := project{}
	for name, content := range p {
		dir, rest, nested := strings.Cut(name, "/")
		if nested && dir != program && dir != "common" && dir != "mac" && dir != "only-"+program {
			out[dir+"/"+sourcesync.HiddenFile] = ""
		}
		switch {
		case !nested, dir == program, dir == "common", dir == "mac", dir == "only-"+program, rest == "Cargo.toml":
			out[name] = content
		case strings.HasSuffix(name, "main.rs"):
			out[name] = "fn main() {}\n"
		case strings.HasSuffix(name, "lib.rs"):
			out[name] = ""
		}
	}
	return out
}

// printed is what a program says.
func (p project) printed(program, stamp string) string {
	value := func(name string) string {
		_, v, _ := strings.Cut(p[name], "V: &str = \"")
		v, _, _ = strings.Cut(v, `"`)
		return v
	}
	data := ""
	if program == "one" {
		data = p["only-one/data"]
	}
	return fmt.Sprintf("%s %s %s %s %s\n", data, value(program+"/src/local.rs"), value("common/src/lib.rs"), value("only-"+program+"/src/lib.rs"), stamp)
}

// serviceBuild runs the helper for one program, in a mount that both share.
func serviceBuild(t *testing.T, work, src, program, stamp string) (out string, binary []byte, log string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), program)
	c := sourcesync.Command{Helper: helper, Source: src, Work: work, Stamps: []string{"VERSION"}, Final: []string{"one", "two"},
		Copy: []sourcesync.Copy{{From: filepath.Join(work, sourcesync.TargetDir, "debug", program), To: to}},
		Run:  [][]string{{"cargo", "build", "--offline", "--locked", "--package", program}}}
	cmd := exec.Command(c.Args()[0], c.Args()[1:]...)
	cmd.Env = append(cargoEnv(), "VERSION="+stamp)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	printed, err := exec.Command(to).Output()
	if err != nil {
		t.Fatal(err)
	}
	if binary, err = os.ReadFile(to); err != nil {
		t.Fatal(err)
	}
	return string(printed), binary, string(text)
}

// TestProgramsShareAMount has two programs of a workspace take turns in one mount, each
// with the code of the other out of sight, while files and stamps change and come back.
func TestProgramsShareAMount(t *testing.T) {
	needCargo(t)
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	work, src := filepath.Join(t.TempDir(), "work"), filepath.Join(t.TempDir(), "src")
	p := services(true)
	stamps := map[string]string{"one": "1", "two": "1"}
	files := slices.DeleteFunc(slices.Sorted(maps.Keys(p)), func(name string) bool { return !strings.Contains(p[name], "V: &str") })
	for step := range 24 {
		program := []string{"one", "two"}[random.IntN(2)]
		name := files[random.IntN(len(files))]
		what := name
		switch random.IntN(5) {
		case 0:
			what = "stamps"
			stamps[program] = fmt.Sprint(random.IntN(3))
		case 2:
			what = "only-one/data"
			p[what] = fmt.Sprint("data", random.IntN(3))
		case 1: // Both have the same.
			what = "both stamps"
			v := fmt.Sprint(random.IntN(3))
			stamps["one"], stamps["two"] = v, v
		default:
			_, rest, _ := strings.Cut(p[name], "\n")
			p[name] = constant(string(rune('a'+random.IntN(3)))) + rest
		}
		at := time.Unix(int64(1_000_000_000+random.IntN(100)), 0)
		p.shownTo(program).checkout(t, src, func() time.Time { return at })
		out, binary, log := serviceBuild(t, work, src, program, stamps[program])
		if want := p.printed(program, stamps[program]); out != want {
			t.Fatalf("step %d, %s changed, program %s: %q, want %q\n%s", step, what, program, out, want, log)
		}
		if step%8 == 7 {
			kept := work + ".kept"
			tr := tree{t, src, ""}
			tr.must(os.Rename(work, kept))
			_, clean, _ := serviceBuild(t, work, src, program, stamps[program])
			tr.must(os.RemoveAll(work))
			tr.must(os.Rename(kept, work))
			if !bytes.Equal(binary, clean) {
				t.Fatalf("step %d, %s changed: %s has other bytes than from a clean build", step, what, program)
			}
		}
	}
}

// TestSharedIsCompiledOnce: what two programs have in common is compiled for the first.
// When one of them has its turn again, it finds all that has not changed, links too.
func TestSharedIsCompiledOnce(t *testing.T) {
	needCargo(t)
	t.Parallel()
	work, src := filepath.Join(t.TempDir(), "work"), filepath.Join(t.TempDir(), "src")
	p := services(false)
	p["LICENSE"] = "free"
	for i, step := range []struct {
		change, program, stamp string
		compiled               []string
	}{
		{"", "one", "1", []string{"common", "mac", "one", "only-one"}},
		{"", "two", "1", []string{"only-two", "two"}},
		{"one/src/local.rs", "one", "1", []string{"one"}},
		{"two/src/local.rs", "two", "1", []string{"two"}},
		{"only-one/src/lib.rs", "two", "1", nil},
		{"", "one", "1", []string{"one", "only-one"}},
		{"common/src/lib.rs", "one", "1", []string{"common", "one"}},
		{"", "two", "1", []string{"two"}},
		{"", "two", "2", []string{"two"}},
		{"", "one", "2", []string{"one", "only-one"}}, // The stamp changed while it was away.
		{"", "two", "2", nil},
	} {
		if step.change != "" {
			_, rest, _ := strings.Cut(p[step.change], "\n")
			p[step.change] = constant(fmt.Sprint("v", i)) + rest
		}
		shown := p.shownTo(step.program)
		shown.checkout(t, src, time.Now)
		if err := os.Symlink("../LICENSE", filepath.Join(src, "only-"+step.program, "LICENSE")); err != nil {
			t.Fatal(err)
		}
		out, _, log := serviceBuild(t, work, src, step.program, step.stamp)
		if want := p.printed(step.program, step.stamp); out != want {
			t.Errorf("step %d: %q, want %q", i, out, want)
		}
		var compiled []string
		for _, m := range regexp.MustCompile(`Compiling (\S+) v`).FindAllStringSubmatch(log, -1) {
			compiled = append(compiled, m[1])
		}
		slices.Sort(compiled)
		if !slices.Equal(compiled, step.compiled) {
			t.Errorf("step %d, %s: compiled %q, want %q\n%s", i, step.program, compiled, step.compiled, log)
		}
	}
}
