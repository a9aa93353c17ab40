package sourcesync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// helper is the helper's binary, or empty when there is no Cargo to run it with.
var helper string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if _, err := exec.LookPath("cargo"); err == nil {
			dir, err := os.MkdirTemp("", "sourcesync")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			helper = filepath.Join(dir, "sourcesync")
			out, err := exec.Command("go", "build", "-o", helper, "github.com/fromscratch-build/fromscratch/frontend/cmd/sourcesync").CombinedOutput()
			if err != nil {
				fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

func needCargo(t *testing.T) {
	t.Helper()
	if helper == "" {
		t.Skip("cargo is not on PATH: whether real builds go stale is not tested")
	}
}

// project is the content of a checkout. Its program prints a value from every
// file that goes into it, by every way that a file can.
type project map[string]string

func newProject(mark string) project {
	member := func(name, rest string) string {
		return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + rest
	}
	return project{
		"Cargo.toml": "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"lib\", \"mac\", \"web\"]\n" +
			"[profile.dev]\ndebug = false\nopt-level = 0\n",
		"app/Cargo.toml": member("app", "[dependencies]\nlib = { path = \"../lib\" }\nmac = { path = \"../mac\" }\n"),
		"app/build.rs": `use std::{env, fs, path::Path};
fn main() {
    println!("cargo:rerun-if-changed=input.txt");
    let input = fs::read_to_string("input.txt").unwrap();
    println!("cargo:rustc-env=INPUT={input}");
    let gen = Path::new(&env::var("OUT_DIR").unwrap()).join("gen");
    fs::create_dir_all(&gen).unwrap();
    for word in input.split_whitespace() {
        fs::write(gen.join(word), word).unwrap();
    }
}
`,
		"app/src/main.rs": `mod local;
fn main() {
    println!("main={}", local::V);
    println!("lib={} {}", lib::V, lib::part::V);
    println!("data={}", lib::DATA);
    println!("input={}", env!("INPUT"));
    println!("gen={}", mac::listing!("OUT_DIR/gen"));
    println!("assets={}", mac::listing!("assets"));
    println!("common={}", mac::listing!("../common"));
    println!("dist={}", mac::listing!("../web/dist"));
}
`,
		"app/src/local.rs": constant(mark),
		"app/input.txt":    "one two",
		"app/assets/a":     mark,
		"lib/Cargo.toml":   member("lib", ""),
		"lib/src/lib.rs":   "pub mod part;\npub const DATA: &str = include_str!(\"../data.txt\");\n" + constant(mark),
		"lib/src/part.rs":  constant(mark),
		"lib/data.txt":     mark,
		"mac/Cargo.toml":   member("mac", "[lib]\nproc-macro = true\n"),
		"mac/src/lib.rs": `use proc_macro::{Literal, TokenStream, TokenTree};
use std::{env, fs, path::Path};
#[proc_macro]
pub fn listing(input: TokenStream) -> TokenStream {
    let input = input.to_string();
    let dir = input.trim_matches('"');
    let dir = match dir.strip_prefix("OUT_DIR/") {
        Some(rest) => Path::new(&env::var("OUT_DIR").unwrap()).join(rest),
        None => Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(dir),
    };
    let mut all: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| format!("{}:{}", e.file_name().to_str().unwrap(), fs::read_to_string(e.path()).unwrap()))
        .collect();
    all.sort();
    TokenTree::Literal(Literal::string(&all.join(","))).into()
}
`,
		"common/s":       mark,
		"web/Cargo.toml": member("web", ""),
		"web/src/lib.rs": "",
		"web/dist/d":     mark,
		"Cargo.lock": `version = 3
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["lib", "mac"]
[[package]]
name = "lib"
version = "0.1.0"
[[package]]
name = "mac"
version = "0.1.0"
[[package]]
name = "web"
version = "0.1.0"
`,
	}
}

func constant(v string) string { return "pub const V: &str = " + strconv.Quote(v) + ";\n" }

// expect is what the program prints. ok is false when it does not compile.
func (p project) expect() (out string, ok bool) {
	value := func(name string) string {
		_, v, _ := strings.Cut(p[name], "V: &str = \"")
		v, _, _ = strings.Cut(v, `"`)
		return v
	}
	listing := func(dir string) string {
		var all []string
		for name, content := range p {
			if path, ok := strings.CutPrefix(name, dir+"/"); ok {
				all = append(all, path+":"+content)
			}
		}
		slices.Sort(all)
		return strings.Join(all, ",")
	}
	for _, content := range p {
		if strings.Contains(content, "syntax error") {
			return "", false
		}
	}
	part := "lib/src/part.rs"
	if _, ok := p[part]; !ok {
		part = "lib/src/part/mod.rs"
	}
	var gen []string
	for _, word := range strings.Fields(p["app/input.txt"]) {
		gen = append(gen, word+":"+word)
	}
	slices.Sort(gen)
	return fmt.Sprintf("main=%s\nlib=%s %s\ndata=%s\ninput=%s\ngen=%s\nassets=%s\ncommon=%s\ndist=%s\n",
		value("app/src/local.rs"), value("lib/src/lib.rs"), value(part), p["lib/data.txt"], p["app/input.txt"],
		strings.Join(slices.Compact(gen), ","), listing("app/assets"), listing("common"), listing("web/dist")), true
}

// checkout writes p below dir, and nothing else, each file at the time of at.
func (p project) checkout(t testing.TB, dir string, at func() time.Time) {
	t.Helper()
	tr := tree{t, dir, ""}
	tr.must(os.RemoveAll(dir))
	for _, d := range []string{"app/assets", "common", "web/dist"} {
		tr.must(os.MkdirAll(tr.source(d), 0o755))
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		tr.write(name, p[name])
	}
	tr.must(filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		when := at()
		return errors.Join(err, os.Chtimes(name, when, when))
	}))
}

// bench is where builds happen.
type bench struct {
	*testing.T
	work, out string
}

func newBench(t *testing.T) bench {
	dir := t.TempDir()
	return bench{t, filepath.Join(dir, "work"), filepath.Join(dir, "out")}
}

func cargoEnv() []string {
	return append(os.Environ(), "CARGO_INCREMENTAL=0", "CARGO_TERM_COLOR=never")
}

func (b bench) command(src string) *exec.Cmd {
	c := sourcesync.Command{Helper: helper, Source: src, Work: b.work,
		Copy: []sourcesync.Copy{{From: filepath.Join(b.work, sourcesync.TargetDir, "debug/app"), To: b.out}},
		Run:  [][]string{{"cargo", "build", "--quiet", "--offline", "--locked", "--package", "app"}}}
	args := c.Args()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = cargoEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// build runs the helper, and then the program. ok is false when the compile fails.
func (b bench) build(src string) (out string, ok bool, log []byte) {
	b.Helper()
	if err := os.RemoveAll(b.out); err != nil {
		b.Fatal(err)
	}
	log, err := b.command(src).CombinedOutput()
	if err != nil {
		if _, err := os.Stat(b.out); err == nil {
			b.Error("a failed build left a program")
		}
		return "", false, log
	}
	printed, err := exec.Command(b.out).Output()
	if err != nil {
		b.Fatal(err)
	}
	return string(printed), true, log
}

// kill runs the helper, and kills it and all that it started after a while.
func (b bench) kill(src string, after time.Duration) {
	b.Helper()
	cmd := b.command(src)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(after)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		b.Fatal(err)
	}
	_ = cmd.Wait() // how it ended is of the test's own making
}

// clean builds in an empty work directory at the same path.
func (b bench) clean(src string) []byte {
	b.Helper()
	kept := b.work + ".kept"
	if err := os.Rename(b.work, kept); err != nil {
		b.Fatal(err)
	}
	if _, ok, log := b.build(src); !ok {
		b.Fatalf("a clean build failed:\n%s", log)
	}
	program, err := os.ReadFile(b.out)
	if err := errors.Join(err, os.RemoveAll(b.work), os.Rename(kept, b.work)); err != nil {
		b.Fatal(err)
	}
	return program
}

// TestNeverStale does to a project what its authors, git and build machines do,
// and wants from every build what a clean one gives. FROMSCRATCH_SOAK sets the
// number of steps, FROMSCRATCH_SEED repeats a run.
func TestNeverStale(t *testing.T) {
	needCargo(t)
	t.Parallel()
	number := func(key string, other uint64) uint64 {
		v := os.Getenv(key)
		if v == "" {
			return other
		}
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	steps := int(number("FROMSCRATCH_SOAK", 30))
	seed := number("FROMSCRATCH_SEED", uint64(time.Now().UnixNano()))
	t.Logf("FROMSCRATCH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	b := newBench(t)
	dir := t.TempDir()
	checkouts := []project{newProject("A"), newProject("B")}
	var history []project
	current := 0
	oneof := func(names ...string) string { return names[random.IntN(len(names))] }
	fresh := 0
	// Values are of one length, and come again.
	value := func() string { fresh++; return fmt.Sprintf("v%d", fresh*7%10) }
	start := time.Now()
	clocks := map[string]func() time.Time{
		"now":      time.Now,
		"equal":    func() time.Time { return start },
		"long ago": func() time.Time { return time.Unix(1e9, 0) },
		"future":   func() time.Time { return start.Add(24 * time.Hour) },
		"mixed":    func() time.Time { return start.Add(time.Duration(random.IntN(7200)-3600) * time.Second) },
	}
	actions := map[string]func(project){
		"edit local":     func(p project) { p["app/src/local.rs"] = constant(value()) },
		"edit lib":       func(p project) { p["lib/src/lib.rs"] = newProject(value())["lib/src/lib.rs"] },
		"edit data":      func(p project) { p["lib/data.txt"] = value() },
		"edit input":     func(p project) { p["app/input.txt"] = oneof("one", "two one", "three", "") + " " + value() },
		"edit asset":     func(p project) { p["app/assets/a"] = value() },
		"add asset":      func(p project) { p["app/assets/"+oneof("a", "b", "c")] = value() },
		"remove asset":   func(p project) { delete(p, "app/assets/"+oneof("a", "b", "c")) },
		"rename asset":   func(p project) { move(p, "app/assets/"+oneof("a", "b", "c"), "app/assets/"+oneof("d", "e")) },
		"add shared":     func(p project) { p["common/"+oneof("s", "t")] = value() },
		"remove shared":  func(p project) { delete(p, "common/"+oneof("s", "t")) },
		"add dist":       func(p project) { p["web/dist/"+oneof("d", "e")] = value() },
		"remove dist":    func(p project) { delete(p, "web/dist/"+oneof("d", "e")) },
		"move a module":  func(p project) { move(p, "lib/src/part.rs", "lib/src/part/mod.rs") },
		"move it back":   func(p project) { move(p, "lib/src/part/mod.rs", "lib/src/part.rs") },
		"break lib":      func(p project) { p["lib/src/lib.rs"] += "syntax error" },
		"break app":      func(p project) { p["app/src/local.rs"] += "syntax error" },
		"change nothing": func(project) {},
		"revert": func(p project) {
			if len(history) > 0 {
				clear(p)
				maps.Copy(p, history[random.IntN(len(history))])
			}
		},
		"switch": func(project) { current = 1 - current },
	}
	names := slices.Sorted(maps.Keys(actions))
	for step := range steps {
		var done []string
		for range 1 + random.IntN(2) {
			name := oneof(names...)
			done = append(done, name)
			actions[name](checkouts[current])
		}
		p := checkouts[current]
		src := filepath.Join(dir, strconv.Itoa(current))
		clock := oneof(slices.Sorted(maps.Keys(clocks))...)
		p.checkout(t, src, clocks[clock])
		if random.IntN(8) == 0 {
			done = append(done, "a kill")
			b.kill(src, time.Duration(random.IntN(900))*time.Millisecond)
		}
		if random.IntN(12) == 0 {
			done = append(done, "a stray file")
			tree{t, src, b.work}.put(filepath.Join(b.work, sourcesync.MirrorDir, "app/assets/stray"), "x")
		}
		what := fmt.Sprintf("step %d: checkout %d, %s, times %s", step, current, strings.Join(done, ", "), clock)
		got, ok, log := b.build(src)
		want, compiles := p.expect()
		switch {
		case ok != compiles:
			t.Fatalf("%s: succeeded: %v, want %v\n%s", what, ok, compiles, log)
		case got != want:
			t.Fatalf("%s: the program prints\n%swant\n%s", what, got, want)
		}
		if !ok {
			// The error gets fixed sooner or later.
			if random.IntN(2) == 0 {
				for name, content := range p {
					p[name] = strings.ReplaceAll(content, "syntax error", "")
				}
			}
			continue
		}
		history = append(history, maps.Clone(p))
		if step%10 == 9 {
			program, err := os.ReadFile(b.out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(program, b.clean(src)) {
				t.Fatalf("%s: a clean build gives other bytes", what)
			}
		}
	}
}

func move(p project, from, to string) {
	if content, ok := p[from]; ok {
		delete(p, from)
		p[to] = content
	}
}

// TestCargoAloneIsStale shows what the helper is for, and that the test above
// can fail: the same edits, built where times are those of the checkout.
func TestCargoAloneIsStale(t *testing.T) {
	needCargo(t)
	t.Parallel()
	for name, edit := range map[string]func(project){
		"a source":      func(p project) { p["lib/src/lib.rs"] = newProject("B")["lib/src/lib.rs"] },
		"included text": func(p project) { p["lib/data.txt"] = "B" },
		"script input":  func(p project) { p["app/input.txt"] = "three" },
		"a new asset":   func(p project) { p["app/assets/b"] = "B" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src, target := filepath.Join(dir, "src"), filepath.Join(dir, "target")
			b := newBench(t)
			p := newProject("A")
			first, _ := p.expect()
			for i := range 2 {
				p.checkout(t, src, func() time.Time { return time.Unix(1e9, 0) })
				cmd := exec.Command("cargo", "build", "--quiet", "--offline", "--locked", "--package", "app")
				cmd.Dir, cmd.Env = src, append(cargoEnv(), "CARGO_TARGET_DIR="+target)
				if log, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, log)
				}
				plain, err := exec.Command(filepath.Join(target, "debug/app")).Output()
				if err != nil {
					t.Fatal(err)
				}
				if string(plain) != first {
					t.Errorf("build %d with cargo alone is not stale:\n%s", i, plain)
				}
				want, _ := p.expect()
				if got, ok, log := b.build(src); !ok || got != want {
					t.Errorf("build %d with the helper prints\n%swant\n%s%s", i, got, want, log)
				}
				edit(p)
			}
		})
	}
}

// TestVendoredCrate patches a crate that Cargo knows by its version only.
func TestVendoredCrate(t *testing.T) {
	needCargo(t)
	t.Parallel()
	b := newBench(t)
	src := t.TempDir()
	p := project{
		"Cargo.toml":                      "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ndep = \"1\"\n",
		"Cargo.lock":                      "version = 3\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"dep\"]\n[[package]]\nname = \"dep\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
		".cargo/config.toml":              "[source.crates-io]\nreplace-with = \"vendor\"\n[source.vendor]\ndirectory = \"vendor\"\n",
		"src/main.rs":                     "fn main() { println!(\"{}\", dep::V) }\n",
		"vendor/dep/Cargo.toml":           "[package]\nname = \"dep\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
		"vendor/dep/.cargo-checksum.json": `{"files":{}}`,
	}
	for i := range 3 {
		want := fmt.Sprint("patch ", i)
		p["vendor/dep/src/lib.rs"] = constant(want)
		p.checkout(t, src, time.Now)
		if got, ok, log := b.build(src); !ok || got != want+"\n" {
			t.Fatalf("build %d prints %q, want %q\n%s", i, got, want, log)
		}
	}
}

// TestStaysIncremental wants that an edit compiles no more than it has to.
func TestStaysIncremental(t *testing.T) {
	needCargo(t)
	t.Parallel()
	b := newBench(t)
	src := filepath.Join(t.TempDir(), "src")
	p := newProject("A")
	for name, test := range []struct {
		edit func()
		want []string
	}{
		{func() {}, []string{"app", "lib", "mac"}},
		{func() {}, nil},
		{func() { p["README.md"] = "x" }, nil},
		{func() { p["app/src/local.rs"] = constant("B") }, []string{"app"}},
		{func() { p["lib/src/part.rs"] = constant("B") }, []string{"app", "lib"}},
		{func() { p["app/assets/b"] = "B" }, []string{"app"}},
		{func() { p["web/dist/b"] = "B" }, []string{"app"}},
		{func() { p["common/b"] = "B" }, []string{"app", "lib", "mac"}},
	} {
		test.edit()
		p.checkout(t, src, time.Now)
		cmd := b.command(src)
		cmd.Args = slices.DeleteFunc(cmd.Args, func(s string) bool { return s == "--quiet" })
		log, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		var got []string
		for line := range strings.Lines(string(log)) {
			if f := strings.Fields(line); f[0] == "Compiling" {
				got = append(got, f[1])
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("build %d compiles %q, want %q", name, got, test.want)
		}
	}
}

// TestHelper looks at the helper as a command.
func TestHelper(t *testing.T) {
	needCargo(t)
	t.Parallel()
	tr := newTree(t, "sub/a")
	to := filepath.Join(t.TempDir(), "out")
	run := func(dir, from, script string) (int, string) {
		c := sourcesync.Command{Helper: helper, Source: tr.src, Work: tr.work, Dir: dir, Run: [][]string{{"sh", "-c", script}}}
		if from != "" {
			c.Copy = []sourcesync.Copy{{From: tr.target(from), To: to}}
		}
		args := c.Args()
		cmd := exec.Command(args[0], args[1:]...)
		out, err := cmd.CombinedOutput()
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, test := range []struct {
		dir, from, script string
		status            int
		out               string
	}{
		{"sub", "", `cat a`, 0, "content of sub/a"},
		{"sub", "", `echo $PWD`, 0, tr.mirror("sub") + "\n"},
		{"", "", `echo $CARGO_TARGET_DIR $CARGO_BUILD_BUILD_DIR`, 0, tr.target("") + " " + tr.target("") + "\n"},
		{"", "", `exit 7`, 7, ""},
		{"", "", `kill -9 $$`, 137, ""},
		{"", "p", `mkdir -p "$CARGO_TARGET_DIR" && echo 1 > "$CARGO_TARGET_DIR/p"`, 0, ""},
		{"", "p", `exit 3`, 3, ""},
	} {
		if status, out := run(test.dir, test.from, test.script); status != test.status || out != test.out {
			t.Errorf("%s: status %d, %q", test.script, status, out)
		}
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "1\n" {
		t.Errorf("copied %q, %v", got, err)
	}
	tr.put(tr.target("p"), "an older build's")
	if status, _ := run("", "p", "true"); status != 1 {
		t.Errorf("a program that the compiler did not leave was copied: status %d", status)
	}
	if status, _ := run("none", "", "true"); status != 1 {
		t.Errorf("status %d without the directory", status)
	}
	run("", "", "echo > stray")
	if _, out := run("", "", "true"); !strings.Contains(out, "stray was changed") {
		t.Errorf("no word about a file in the tree: %q", out)
	}
	if err := exec.Command(helper, "-x").Run(); err == nil || err.Error() != "exit status 2" {
		t.Errorf("bad arguments: %v", err)
	}
}
