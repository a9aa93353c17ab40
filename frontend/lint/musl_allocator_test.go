package lint_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestMuslAllocator(t *testing.T) {
	found := func(at, threads string) []string {
		return []string{at + " the program runs threads with " + threads + ", and musl's malloc has one lock for all of them: with 32 threads, one program took 15 s, and 0.19 s with mimalloc; " +
			"run cargo add mimalloc, and write in src/main.rs: #[global_allocator] static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc; it takes more memory"}
	}
	const plain = "toolchain: rust-musl\ntargets:\n  app: {}\n"
	build := func(keys string) string { return "toolchain: rust-musl\ntargets:\n  app:\n    build: {" + keys + "}\n" }
	// Each needs the next.
	lock := func(names ...string) string {
		entries := [][]string{append([]string{"app"}, names...)}
		for i, name := range names {
			entries = append(entries, append([]string{name}, names[i+1:]...))
		}
		return lockFile(entries...)
	}
	project := func(lock, manifest string, more ...string) fstest.MapFS {
		return files(append([]string{"Cargo.lock", lock, "Cargo.toml", app + manifest}, more...)...)
	}
	const full = "[dependencies]\ntokio = {version = \"1\", features = [\"full\"]}\n"
	tokio := lock("tokio")
	optional := project(lock("mimalloc", "tokio"), "[features]\nfast = [\"dep:mimalloc\", \"tokio/rt-multi-thread\"]\nmany = [\"tokio/rt-multi-thread\"]\n"+
		"[dependencies]\nmimalloc = {version = \"0.1\", optional = true}\ntokio = {version = \"1\", features = [\"rt\"]}\n")
	run(t, "MuslAllocator", []testCase{
		{name: "tokio", spec: plain, src: project(tokio, full), want: found("3:3", "tokio")},
		{name: "at the build", spec: build("package: app"), src: project(tokio, full), want: found("4:5", "tokio")},
		{name: "threads of tokio", spec: plain, src: project(tokio, "[dependencies]\ntokio = {version = \"1\", features = [\"rt-multi-thread\"]}\n"), want: found("3:3", "tokio")},
		{name: "renamed", spec: plain, src: project(tokio, "[dependencies]\nasync_rt = {package = \"tokio\", version = \"1\", features = [\"full\"]}\n"), want: found("3:3", "tokio")},
		{name: "tokio of one thread", spec: plain, src: project(tokio, "[dependencies]\ntokio = {version = \"1\", features = [\"rt\", \"net\"]}\n")},
		{name: "tokio without features", spec: plain, src: project(tokio, "[dependencies]\ntokio = \"1\"\n")},
		{name: "tokio of a client", spec: plain, src: project(lock("reqwest", "tokio"), "[dependencies]\nreqwest = \"0.12\"\n")},
		{name: "tokio for tests", spec: plain, src: project(tokio, strings.Replace(full, "dep", "dev-dep", 1))},
		{name: "tokio for the build script", spec: plain, src: project(tokio, strings.Replace(full, "dep", "build-dep", 1))},
		{name: "tokio for Windows", spec: plain, src: project(tokio, "[target.'cfg(windows)'.dependencies]\ntokio = {version = \"1\", features = [\"full\"]}\n")},
		{name: "threads that the program does not want", spec: plain, src: project(tokio, full, "src/main.rs", "#[tokio::main(flavor = \"current_thread\")]\nasync fn main() {}\n")},
		{name: "rayon", spec: plain, src: project(lock("rayon"), "[dependencies]\nrayon = \"1\"\n"), want: found("3:3", "rayon")},
		{name: "rayon of a crate", spec: plain, src: project(lock("rustic_core", "rayon"), "[dependencies]\nrustic_core = \"0.8\"\n"), want: found("3:3", "rayon (through rustic_core)")},
		{name: "rayon for a moment", spec: plain, src: project(lock("sysinfo", "rayon"), "[dependencies]\nsysinfo = \"0.30\"\n")},
		{name: "rayon for a moment and for more", spec: plain, src: project(lock("image", "rayon"), "[dependencies]\nimage = \"0.25\"\nrayon = \"1\"\n"), want: found("3:3", "rayon")},
		{name: "several", spec: plain, src: project(lock("actix-web", "actix-rt", "rayon", "tokio"), "[dependencies]\nactix-web = \"4\"\nrayon = \"1\"\n"+full[len("[dependencies]\n"):]),
			want: found("3:3", "actix-rt (through actix-web), rayon and tokio")},
		{name: "mimalloc", spec: plain, src: project(lock("mimalloc", "tokio"), full+"mimalloc = \"0.1\"\n")},
		{name: "jemalloc for what is not MSVC", spec: plain, src: project(lock("tikv-jemallocator", "tokio"), full+"[target.'cfg(not(target_env = \"msvc\"))'.dependencies]\ntikv-jemallocator = \"0.6\"\n")},
		{name: "allocator for musl", spec: plain, src: project(lock("snmalloc-rs", "tokio"), full+"[target.'cfg(target_env = \"musl\")'.dependencies]\nsnmalloc-rs = \"0.3\"\n")},
		{name: "allocator for Windows", spec: plain, src: project(lock("mimalloc", "tokio"), full+"[target.'cfg(windows)'.dependencies]\nmimalloc = \"0.1\"\n"), want: found("3:3", "tokio")},
		{name: "allocator for tests", spec: plain, src: project(lock("mimalloc", "tokio"), full+"[dev-dependencies]\nmimalloc = \"0.1\"\n"), want: found("3:3", "tokio")},
		{name: "allocator of a crate", spec: plain, src: project(lock("fast", "libmimalloc-sys", "rayon"), "[dependencies]\nfast = \"1\"\n")},
		{name: "features that are off", spec: plain, src: optional},
		{name: "feature for threads", spec: build("features: many"), src: optional, want: found("4:5", "tokio")},
		{name: "feature with an allocator", spec: build("features: fast"), src: optional},
		{name: "linked by a variable", spec: build("env: {RUSTFLAGS: -Clink-arg=/opt/mimalloc.o}"), src: project(tokio, full)},
		{name: "linked by config", spec: plain, src: project(tokio, full, ".cargo/config.toml", "[build]\nrustflags = [\"-Clink-arg=/opt/mimalloc.o\"]\n")},
		{name: "own image", spec: "toolchain: {name: rust-musl, image: my/rust}\ntargets:\n  app: {}\n", src: project(tokio, full), want: found("3:3", "tokio")},
		{name: "nothing threaded", spec: plain, src: project(lock("serde"), "[dependencies]\nserde = \"1\"\n")},
		{name: "channels", spec: plain, src: project(lock("crossbeam-channel", "smol"), "[dependencies]\ncrossbeam-channel = \"0.5\"\nsmol = \"2\"\n")},
		{name: "without sources", spec: plain},
		{name: "without a lock file", spec: plain, src: files("Cargo.toml", app+full)},
		{name: "lock file that cannot be read", spec: plain, src: project("<<<<<<<", full)},
		{name: "manifest that cannot be read", spec: plain, src: files("Cargo.lock", tokio, "Cargo.toml", "<<<<<<<")},
		{name: "Go", spec: goTarget(), src: project(tokio, full)},
	})
}

// TestMuslAllocatorInWorkspace: threads and allocators count where they are
// compiled, and features wherever a member enables them.
func TestMuslAllocatorInWorkspace(t *testing.T) {
	const lock = `version = 4

[[package]]
name = "server"
version = "1.0.0"
dependencies = ["core", "mimalloc"]

[[package]]
name = "worker"
version = "1.0.0"
dependencies = ["core"]

[[package]]
name = "tool"
version = "1.0.0"

[[package]]
name = "core"
version = "1.0.0"
dependencies = ["tokio"]

[[package]]
name = "tokio"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "mimalloc"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
`
	member := func(name, deps string) string {
		return strings.ReplaceAll(app, "app", name) + "[dependencies]\n" + deps
	}
	src := files("ws/Cargo.lock", lock,
		"ws/Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\ntokio = {version = \"1\", features = [\"full\"]}\n",
		"ws/crates/server/Cargo.toml", member("server", "core = {path = \"../core\"}\nmimalloc = \"0.1\"\n"),
		"ws/crates/worker/Cargo.toml", member("worker", "core = {path = \"../core\"}\n"),
		"ws/crates/tool/Cargo.toml", member("tool", ""),
		"ws/crates/core/Cargo.toml", member("core", "tokio.workspace = true\n"))
	target := func(name, build string) string {
		return "toolchain: rust-musl\ntargets:\n  " + name + ":\n    build: {dir: ws" + build + "}\n"
	}
	found := []string{"4:5 the program runs threads with tokio, and musl's malloc has one lock for all of them: with 32 threads, one program took 15 s, and 0.19 s with mimalloc; " +
		"run cargo add mimalloc, and write in src/main.rs: #[global_allocator] static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc; it takes more memory"}
	one := func(file string) fstest.MapFS {
		only := files(file, "")
		for name, f := range src {
			only[name] = f
		}
		return only
	}
	run(t, "MuslAllocator", []testCase{
		{name: "another member has an allocator", spec: target("worker", ""), src: src, want: found},
		{name: "allocator", spec: target("server", ""), src: src},
		{name: "no threads", spec: target("tool", ""), src: src},
		{name: "one of two packages has an allocator", spec: target("x", ", package: [server, worker], bin: [server, worker]"), src: src},
		{name: "folder of a member", spec: target("x", "/crates/worker"), src: src, want: found},
		{name: "unknown", spec: target("x", ""), src: src},
		{name: "the only program", spec: target("x", ""), src: one("ws/crates/worker/src/main.rs"), want: found},
		{name: "the only program, and it has no threads", spec: target("x", ""), src: one("ws/crates/tool/src/main.rs")},
		{name: "folder outside of the context", spec: target("x", "/crates/worker"), src: files("ws/crates/worker/Cargo.toml", "[package]\nname = \"worker\"\nworkspace = \"../../../..\"\n")},
	})
}
