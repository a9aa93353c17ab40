//go:build integration

package integration

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

const cratesIO = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"

// locks are entries of lock files.
var locks = map[string]string{
	"anyhow": "[[package]]\nname = \"anyhow\"\nversion = \"1.0.98\"\n" + cratesIO + "checksum = \"e16d2d3311acee920a9eb8d33b8cbc1787ce4a264e85f964c2404b969bdcd487\"\n",
	"1.0.14": "[[package]]\nname = \"itoa\"\nversion = \"1.0.14\"\n" + cratesIO + "checksum = \"d75a2a4b1b190afb6f5425f10f6a8f959d2ea0b9c2b1d79553551850539e4674\"\n",
	"1.0.15": "[[package]]\nname = \"itoa\"\nversion = \"1.0.15\"\n" + cratesIO + "checksum = \"4a5f13b858c8d314ee3e8f639011f7ccefe71f97f96e50151fb991f267928e2c\"\n",
}

// withDependencies is a program that prints mark, with two dependencies. One has a
// build script; the other has the given version.
func withDependencies(mark, itoa string) map[string]string {
	app := "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"anyhow\",\n \"itoa\",\n]\n"
	return map[string]string{
		"fromscratch.yaml": syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app}\n",
		"Cargo.toml":       "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nanyhow = \"1\"\nitoa = \"" + itoa + "\"\n",
		"Cargo.lock":       "version = 4\n\n" + strings.Join([]string{locks["anyhow"], app, locks[itoa]}, "\n"),
		"src/main.rs":      program(mark),
	}
}

func program(mark string) string {
	return fmt.Sprintf("fn main() -> anyhow::Result<()> { println!(\"%s {}\", itoa::Buffer::new().format(7)); Ok(()) }\n", mark)
}

var compiling = regexp.MustCompile(`Compiling (\S+) v`)

// compiled lists the packages that Cargo compiled.
func compiled(out string) []string {
	names := []string{}
	for _, m := range compiling.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	return names
}

// TestFreshBuilder: on a builder that has nothing but what another one exported,
// an edit compiles the project's own code alone, and downloads nothing.
func TestFreshBuilder(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		cache := bed.Registry + "/test/cache-" + strings.ReplaceAll(string(via), " ", "-")
		mark := fmt.Sprint("first ", time.Now().UnixNano())
		dir := builds.Write(t, withDependencies(mark, "1.0.14"))
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64", "linux/arm64"}, CacheTo: cache}
		r := build.OK(t, via)
		require.Equal(t, mark+" 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

		fresh, err := bed.StartBuildkitd(t.Context(), "fresh", testbed.BuildkitdOpt{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, fresh.Close()) })
		build.Buildkitd, build.CacheTo, build.CacheFrom = fresh, "", cache
		again := build.OK(t, via)
		require.Empty(t, compiled(again.Output), "nothing changed")
		require.Equal(t, r.Layout.Images["linux/arm64"].Descriptor.Digest, again.Layout.Images["linux/arm64"].Descriptor.Digest)

		edit(t, dir, "src/main.rs", program("edited"), time.Now())
		edited := build.OK(t, via)
		require.Equal(t, []string{"app", "app"}, compiled(edited.Output), "once a platform")
		require.NotContains(t, edited.Output, "Downloaded")
		require.Equal(t, "edited 7", runs(t, edited.Layout.Images["linux/amd64"].Files["/app"].Data))
	})
}

// TestPrunedMounts: without its cache mounts, a builder falls back on its layers.
func TestPrunedMounts(t *testing.T) {
	own, err := bed.StartBuildkitd(t.Context(), "pruned", testbed.BuildkitdOpt{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	dir := builds.Write(t, withDependencies("first", "1.0.14"))
	build := builds.Build{Bed: bed, Buildkitd: own, Context: dir, Platforms: []string{"linux/amd64"}}
	r := build.OK(t, builds.Image)
	require.Contains(t, compiled(r.Output), "anyhow")

	out, err := bed.Command(t.Context(), "docker", "buildx", "prune", "--builder", own.Builder, "--force", "--filter", "type=exec.cachemount").CombinedOutput()
	require.NoError(t, err, string(out))
	edit(t, dir, "src/main.rs", program("pruned"), time.Now())
	r = build.OK(t, builds.Image)
	require.Equal(t, []string{"app"}, compiled(r.Output))
	require.Equal(t, "pruned 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

	// The layers of the dependencies are gone too, and the mounts are there.
	edit(t, dir, "Cargo.toml", withDependencies("", "1.0.15")["Cargo.toml"], time.Now())
	edit(t, dir, "Cargo.lock", withDependencies("", "1.0.15")["Cargo.lock"], time.Now())
	r = build.OK(t, builds.Image)
	require.Contains(t, compiled(r.Output), "itoa")
	require.Equal(t, "pruned 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
}

// TestDependencyBump: a new version of one dependency downloads and compiles that
// one, and what depends on it.
func TestDependencyBump(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		mark := fmt.Sprint("bump ", time.Now().UnixNano())
		dir := builds.Write(t, withDependencies(mark, "1.0.14"))
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
		build.OK(t, via)
		for _, version := range []string{"1.0.15", "1.0.14"} {
			files := withDependencies(mark, version)
			// So that the vertex is another one each time the test runs.
			files["Cargo.toml"] += "\n[package.metadata.test]\nmark = \"" + mark + "\"\n[features]\nx" + fmt.Sprint(time.Now().UnixNano()) + " = []\n"
			edit(t, dir, "Cargo.toml", files["Cargo.toml"], time.Now())
			edit(t, dir, "Cargo.lock", files["Cargo.lock"], time.Now())
			r := build.OK(t, via)
			require.NotContains(t, compiled(r.Output), "anyhow", version)
			require.Equal(t, mark+" 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		}
	})
}

// TestCacheModes: the same bytes come of every mode.
func TestCacheModes(t *testing.T) {
	digests := map[string]string{}
	for _, mode := range []string{"auto", "layers", "mounts"} {
		files := withDependencies("mode", "1.0.14")
		files["fromscratch.yaml"] = syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app, cache: " + mode + "}\n"
		r := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
		digests[mode] = r.Layout.Images["linux/amd64"].Descriptor.Digest.String()
	}
	require.Equal(t, digests["layers"], digests["mounts"])
	require.Equal(t, digests["layers"], digests["auto"])
}

// members is a workspace of two programs that share a library.
func members(mark string) map[string]string {
	manifest := func(name, rest string) string {
		return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + rest
	}
	return map[string]string{
		"fromscratch.yaml": syntax + "toolchain: rust-musl\ntargets:\n  one: {build: one}\n  two: {build: two}\n  three: {build: {package: three, group: g}}\n  four: {build: {package: four, group: g}}\n",
		"Cargo.toml":       "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n",
		"Cargo.lock": "version = 4\n\n" + "[[package]]\nname = \"four\"\nversion = \"0.1.0\"\n\n" + locks["1.0.14"] + "\n" +
			"[[package]]\nname = \"lib\"\nversion = \"0.1.0\"\ndependencies = [\n \"itoa\",\n]\n\n" +
			"[[package]]\nname = \"one\"\nversion = \"0.1.0\"\ndependencies = [\n \"lib\",\n]\n\n[[package]]\nname = \"three\"\nversion = \"0.1.0\"\ndependencies = [\n \"lib\",\n]\n\n" +
			"[[package]]\nname = \"two\"\nversion = \"0.1.0\"\ndependencies = [\n \"lib\",\n]\n",
		"crates/lib/Cargo.toml":    manifest("lib", "[dependencies]\nitoa = \"1\"\n"),
		"crates/lib/src/lib.rs":    fmt.Sprintf("pub fn text() -> String { format!(\"%s {}\", itoa::Buffer::new().format(7)) }\n", mark),
		"crates/one/Cargo.toml":    manifest("one", "[dependencies]\nlib = { path = \"../lib\", version = \"0.1\" }\n"),
		"crates/one/src/main.rs":   "fn main() { println!(\"one {}\", lib::text()); }\n",
		"crates/two/Cargo.toml":    manifest("two", "[dependencies]\nlib = { path = \"../lib\" }\n"),
		"crates/two/src/main.rs":   "fn main() { println!(\"two {}\", lib::text()); }\n",
		"crates/three/Cargo.toml":  manifest("three", "[dependencies]\nlib = { path = \"../lib\" }\n"),
		"crates/three/src/main.rs": "fn main() { println!(\"three {}\", lib::text()); }\n",
		"crates/four/Cargo.toml":   manifest("four", ""),
		"crates/four/src/main.rs":  "fn main() { println!(\"four\"); } // " + mark + "\n",
	}
}

// TestClosures: an edit of one member compiles the targets that depend on it, and
// the others are not even looked at.
func TestClosures(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		mark := fmt.Sprint(time.Now().UnixNano())
		dir := builds.Write(t, members(mark))
		build := func(target string) builds.Result {
			return builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64"}}.OK(t, via)
		}
		prints := func(r builds.Result, target string) string {
			return runs(t, r.Layout.Images["linux/amd64"].Files["/"+target].Data)
		}
		require.Equal(t, "one "+mark+" 7", prints(build("one"), "one"))
		two := build("two")
		require.NotContains(t, compiled(two.Output), "itoa", "targets share their dependencies")
		require.Equal(t, "two "+mark+" 7", prints(two, "two"))

		edit(t, dir, "crates/one/src/main.rs", "fn main() { println!(\"edited {}\", lib::text()); }\n", time.Now())
		require.Empty(t, compiled(build("two").Output))
		require.Regexp(t, `CACHED`, build("two").Output)
		one := build("one")
		require.Equal(t, []string{"one"}, compiled(one.Output))
		require.Equal(t, "edited "+mark+" 7", prints(one, "one"))

		edit(t, dir, "crates/lib/src/lib.rs", "pub fn text() -> String { \"lib "+mark+"\".into() }\n", time.Now())
		require.Equal(t, []string{"lib", "one"}, compiled(build("one").Output))
		require.Equal(t, "two lib "+mark, prints(build("two"), "two"))

		edit(t, dir, "crates/two/src/main.rs", "fn main() { broken }\n", time.Now())
		require.Empty(t, compiled(build("one").Output), "what is broken in one target does not stop another")
	})
}

// TestGroup: one compile makes the binaries of all targets of a group.
func TestGroup(t *testing.T) {
	mark := fmt.Sprint(time.Now().UnixNano())
	dir := builds.Write(t, members(mark))
	build := func(target string) builds.Result {
		return builds.Build{Bed: bed, Context: dir, Target: target, Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
	}
	three := build("three")
	require.Subset(t, compiled(three.Output), []string{"lib", "three", "four"})
	four := build("four")
	require.Empty(t, compiled(four.Output))
	require.Equal(t, "four", runs(t, four.Layout.Images["linux/amd64"].Files["/four"].Data))
	require.NotContains(t, four.Layout.Images["linux/amd64"].Files, "/three")
	require.Equal(t, "three "+mark+" 7", runs(t, three.Layout.Images["linux/amd64"].Files["/three"].Data))
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if len(out) == 0 || !strings.Contains(" "+strings.Join(out, " ")+" ", " "+name+" ") {
			out = append(out, name)
		}
	}
	return out
}

// TestRustStamp: a new value compiles the program, not what it depends on.
func TestRustStamp(t *testing.T) {
	files := withDependencies("stamp", "1.0.14")
	files["fromscratch.yaml"] = syntax + "toolchain: rust-musl\nargs: {VERSION: dev}\ntargets:\n  app:\n    build: {package: app, stamp: {VERSION: $VERSION}}\n"
	files["build.rs"] = "fn main() { println!(\"cargo:rerun-if-changed=build.rs\"); println!(\"cargo:rustc-env=SEEN={}\", std::env::var(\"VERSION\").unwrap()); }\n"
	files["src/main.rs"] = "fn main() -> anyhow::Result<()> { println!(\"{} {} {}\", env!(\"SEEN\"), env!(\"VERSION\"), itoa::Buffer::new().format(7)); Ok(()) }\n"
	dir := builds.Write(t, files)
	for i, version := range []string{"1", "2", "1"} {
		r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, Args: map[string]string{"VERSION": version}}.OK(t, builds.Image)
		require.Equal(t, version+" "+version+" 7", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))
		if i > 0 {
			require.Subset(t, []string{"app"}, unique(compiled(r.Output)))
		}
	}
}

// TestAuditable: every way to keep dependencies gives the same list, of what went into
// the program and of what ran during the build, and no path of a machine.
func TestAuditable(t *testing.T) {
	const want = `{"packages":[{"name":"anyhow","version":"1.0.98","source":"crates.io","kind":"build"},` +
		`{"name":"app","version":"0.1.0","source":"local","dependencies":[0,2,3,4],"root":true},` +
		`{"name":"itoa","version":"1.0.14","source":"crates.io"},` +
		`{"name":"lib","version":"0.1.0","source":"local","dependencies":[2]},` +
		`{"name":"mac","version":"0.1.0","source":"local","kind":"build","dependencies":[2]}]}`
	mark := fmt.Sprint(time.Now().UnixNano())
	files := auditable(mark)
	spec := func(build string) string {
		return syntax + "toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app" + build + "}\n"
	}
	platforms := []string{"linux/amd64", "linux/arm64"}
	for _, mode := range []string{"layers", "mounts"} {
		t.Run(mode, func(t *testing.T) {
			files["fromscratch.yaml"] = spec(", auditable: true, cache: " + mode)
			dir := builds.Write(t, files)
			build := builds.Build{Bed: bed, Context: dir, Platforms: platforms}
			r := build.OK(t, builds.Image)
			for _, pf := range platforms {
				require.Equal(t, want, audited(t, r.Layout.Images[pf].Files["/app"].Data), pf)
			}
			program := r.Layout.Images["linux/amd64"].Files["/app"].Data
			require.Equal(t, mark+" 7 8 9", runs(t, program))

			// The list is not taken for what Cargo left, and not written twice.
			edit(t, dir, "src/main.rs", strings.Replace(files["src/main.rs"], mark, "again "+mark, 1), time.Now())
			again := build.OK(t, builds.Image).Layout.Images["linux/amd64"].Files["/app"].Data
			require.Equal(t, want, audited(t, again))
			require.Equal(t, "again "+mark+" 7 8 9", runs(t, again))

			edit(t, dir, "fromscratch.yaml", spec(", cache: "+mode), time.Now())
			none := build.OK(t, builds.Image)
			require.Empty(t, compiled(none.Output), "nothing is compiled for the list, or without it")
			require.NotContains(t, string(none.Layout.Images["linux/amd64"].Files["/app"].Data), ".dep-v0")
		})
	}
}

// auditable is a program with a dependency at run time, one of its build script and
// a macro, which depends on the same as the program. There are more for tests and
// for other platforms, and in another package. It prints mark.
func auditable(mark string) map[string]string {
	manifest := func(name, rest string) string {
		return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + rest
	}
	entry := func(name string, deps ...string) string {
		text := "[[package]]\nname = \"" + name + "\"\nversion = \"0.1.0\"\n"
		if len(deps) > 0 {
			text += "dependencies = [\n \"" + strings.Join(deps, "\",\n \"") + "\",\n]\n"
		}
		return text
	}
	return map[string]string{
		"Cargo.toml": "[workspace]\nmembers = [\"lib\", \"mac\", \"other\", \"testing\", \"windows\"]\n" + manifest("app", "[dependencies]\nlib = { path = \"lib\" }\nmac = { path = \"mac\" }\n"+
			"itoa = \"1\"\n[build-dependencies]\nanyhow = \"1\"\n[dev-dependencies]\ntesting = { path = \"testing\" }\n[target.'cfg(windows)'.dependencies]\nwindows = { path = \"windows\" }\n"),
		"Cargo.lock": "version = 4\n\n" + strings.Join([]string{locks["anyhow"], entry("app", "anyhow", "itoa", "lib", "mac", "testing", "windows"), locks["1.0.14"],
			entry("lib", "itoa"), entry("mac", "itoa"), entry("other", "anyhow"), entry("testing"), entry("windows")}, "\n"),
		"build.rs":    "fn main() -> anyhow::Result<()> { println!(\"cargo:rustc-env=NINE=9\"); Ok(()) }\n",
		"src/main.rs": "fn main() { println!(\"" + mark + " {} {} {}\", lib::seven(), mac::eight!(), itoa::Buffer::new().format(env!(\"NINE\").parse::<u8>().unwrap())); }\n",

		"lib/Cargo.toml":     manifest("lib", "[dependencies]\nitoa = \"1\"\n"),
		"lib/src/lib.rs":     "pub fn seven() -> String { itoa::Buffer::new().format(7).to_string() }\n",
		"mac/Cargo.toml":     manifest("mac", "[lib]\nproc-macro = true\n[dependencies]\nitoa = \"1\"\n"),
		"mac/src/lib.rs":     "#[proc_macro]\npub fn eight(_: proc_macro::TokenStream) -> proc_macro::TokenStream { itoa::Buffer::new().format(8).parse().unwrap() }\n",
		"other/Cargo.toml":   manifest("other", "[dependencies]\nanyhow = \"1\"\n"),
		"other/src/main.rs":  "fn main() {}\n",
		"testing/Cargo.toml": manifest("testing", ""), "testing/src/lib.rs": "",
		"windows/Cargo.toml": manifest("windows", ""), "windows/src/lib.rs": "",
	}
}

// audited is the list that a program carries.
func audited(t *testing.T, program []byte) string {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	require.NoError(t, err)
	section := file.Section(".dep-v0")
	require.NotNil(t, section)
	z, err := zlib.NewReader(section.Open())
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(text)
}

// TestOptimize: smaller, and the profile of the project is still the base.
func TestOptimize(t *testing.T) {
	long(t)
	size := func(how string) int {
		files := with(rustProgram("fn main() { let v: Vec<String> = std::env::args().collect(); println!(\"{v:?}\"); }\n"), "fromscratch.yaml",
			syntax+"toolchain: rust-musl\ntargets:\n  app:\n    build: {package: app"+how+"}\n")
		r := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64"}}.OK(t, builds.Image)
		data := r.Layout.Images["linux/amd64"].Files["/app"].Data
		runs(t, data)
		return len(data)
	}
	plain := size("")
	require.Less(t, size(", optimize: size"), plain)
	require.NotEqual(t, plain, size(", optimize: speed"))
}

// TestStaleLockFile: a lock file that lacks a dependency is the compile's to refuse,
// in words.
func TestStaleLockFile(t *testing.T) {
	files := withDependencies("stale", "1.0.14")
	files["Cargo.toml"] = strings.Replace(files["Cargo.toml"], "[dependencies]\n", "[dependencies]\ncfg-if = \"1\"\n", 1)
	dir := builds.Write(t, files)
	builds.Each(t, func(t *testing.T, via builds.Via) {
		out := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.Fails(t, via)
		require.Contains(t, out, "Cargo.lock does not fit the manifests any more; run cargo update --workspace and commit it, or write build: {locked: false}")
		require.Contains(t, out, "   5 | >>>     build: {package: app}")
		plainWords(t, out)
	})
}

// TestMissingInclude: a target sees the packages that it depends on, and the error
// for a file of another one says so.
func TestMissingInclude(t *testing.T) {
	files := members("include")
	files["crates/one/src/main.rs"] = "fn main() { println!(\"{} {}\", lib::text(), include_str!(\"../../two/src/main.rs\")); }\n"
	out := builds.Build{Bed: bed, Context: builds.Write(t, files), Target: "one", Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
	require.Contains(t, out, "A target sees the packages that it depends on, and of other packages nothing but their manifests")
	require.Contains(t, out, "make the package that the file is in a dependency, or move the file out of it")
}

// TestNoTarget: an image with neither the standard library for musl nor rustup.
func TestNoTarget(t *testing.T) {
	image := toolchainImage(t, "rust-no-target", "FROM rust:1.96-slim-bookworm\nENV RUSTUP_HOME=\n")
	files := with(rustProgram("fn main() {}\n"), "fromscratch.yaml",
		syntax+"toolchain: {name: rust-musl, image: '"+image+"'}\ntargets:\n  app:\n    build: {package: app}\n")
	out := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
	require.Contains(t, out, "the toolchain image "+image+" has no standard library for x86_64-unknown-linux-musl, and no rustup to add it")
	plainWords(t, out)
}

// TestKilled: a compiler that the kernel ended says nothing of memory.
func TestKilled(t *testing.T) {
	files := with(rustProgram("fn main() {}\n"),
		"build.rs", "fn main() { std::process::Command::new(\"kill\").args([\"-9\", &std::process::id().to_string()]).status().unwrap(); std::thread::sleep(std::time::Duration::from_secs(9)); }\n")
	out := builds.Build{Bed: bed, Context: builds.Write(t, files), Platforms: []string{"linux/amd64"}}.Fails(t, builds.Image)
	require.Contains(t, out, "it was killed, most likely because the builder is out of memory; set toolchain.jobs to a small number, such as toolchain: {name: rust-musl, jobs: 1}")
}

// TestPackages: what a build script runs can be installed beside the compiler.
func TestPackages(t *testing.T) {
	files := with(rustProgram("fn main() { println!(\"{}\", env!(\"SAID\")); }\n"),
		"build.rs", "fn main() { let out = std::process::Command::new(\"jq\").args([\"-n\", \"1+2\"]).output().unwrap(); println!(\"cargo:rustc-env=SAID={}\", String::from_utf8(out.stdout).unwrap().trim()); }\n",
		"fromscratch.yaml", syntax+"toolchain: {name: rust-musl, packages: [jq]}\ntargets:\n  app:\n    build: {package: app}\n")
	dir := builds.Write(t, files)
	build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}
	r := build.OK(t, builds.Image)
	require.Contains(t, r.Output, "[toolchain] apt-get install jq")
	require.Equal(t, "3", runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data))

	edit(t, dir, "fromscratch.yaml", syntax+"toolchain: {name: rust-musl, packages: [no-such-package]}\ntargets:\n  app:\n    build: {package: app}\n", time.Now())
	out := build.Fails(t, builds.Image)
	require.Contains(t, out, "the packages no-such-package could not be installed into the toolchain image rust:1.96-bookworm")
	require.Contains(t, out, "   2 | >>> toolchain: {name: rust-musl, packages: [no-such-package]}")
}
