package lint_test

import (
	"testing"
	"testing/fstest"
)

// rustBuild is a spec of one Rust target whose build, on line 4, has some keys.
func rustBuild(keys string) string {
	return "toolchain: rust-musl\ntargets:\n  app:\n    build: {dir: ., " + keys + "}\n"
}

func TestLargeDebugInfo(t *testing.T) {
	const (
		why = ", which is compiled and cached and never reaches the image, since the binary is stripped; "
		end = why + "write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_RELEASE_DEBUG: false}}"
	)
	plain := "toolchain: rust-musl\ntargets:\n  app: {}\n"
	manifest := func(text string) fstest.MapFS { return files("Cargo.toml", app+text) }
	debug := func(value string) fstest.MapFS { return manifest("[profile.release]\ndebug = " + value + "\n") }
	run(t, "LargeDebugInfo", []testCase{
		{name: "true", spec: plain, src: debug("true"), want: []string{"3:3 [profile.release] of Cargo.toml has debug = true" + end}},
		{name: "2", spec: plain, src: debug("2"), want: []string{"3:3 [profile.release] of Cargo.toml has debug = 2" + end}},
		{name: "1", spec: plain, src: debug("1"), want: []string{"3:3 [profile.release] of Cargo.toml has debug = 1" + end}},
		{name: "full", spec: plain, src: debug(`"full"`), want: []string{`3:3 [profile.release] of Cargo.toml has debug = "full"` + end}},
		{name: "limited", spec: plain, src: debug(`"limited"`), want: []string{`3:3 [profile.release] of Cargo.toml has debug = "limited"` + end}},
		{name: "line tables", spec: plain, src: debug(`"line-tables-only"`)},
		{name: "false", spec: plain, src: debug("false")},
		{name: "0", spec: plain, src: debug("0")},
		{name: "none", spec: plain, src: debug(`"none"`)},
		{name: "not what Cargo takes", spec: plain, src: debug("[true]")},
		{name: "without a word", spec: plain, src: manifest("")},
		{name: "of a package", spec: plain, src: manifest("[profile.release.package.serde]\ndebug = true\n")},
		{name: "another profile", spec: plain, src: manifest("[profile.dev]\ndebug = true\n[profile.dist]\ninherits = \"release\"\ndebug = true\n")},
		{name: "profile in use", spec: rustBuild("profile: dist"), src: manifest("[profile.dist]\ninherits = \"release\"\ndebug = true\n"),
			want: []string{"4:30 [profile.dist] of Cargo.toml has debug = true" + why + "write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_DIST_DEBUG: false}}"}},
		{name: "inherited", spec: rustBuild("profile: my-dist"), src: manifest("[profile.release]\ndebug = true\n[profile.base]\ninherits = \"release\"\n[profile.my-dist]\ninherits = \"base\"\n"),
			want: []string{"4:30 [profile.release] of Cargo.toml has debug = true" + why + "write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_MY_DIST_DEBUG: false}}"}},
		{name: "inherited by bench", spec: rustBuild("profile: bench"), src: debug("true"),
			want: []string{"4:30 [profile.release] of Cargo.toml has debug = true" + why + "write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_BENCH_DEBUG: false}}"}},
		{name: "inherited and changed", spec: rustBuild("profile: dist"), src: manifest("[profile.release]\ndebug = true\n[profile.dist]\ninherits = \"release\"\ndebug = false\n")},
		{name: "inherited in a circle", spec: rustBuild("profile: a"), src: manifest("[profile.a]\ninherits = \"b\"\n[profile.b]\ninherits = \"a\"\n")},
		{name: "unknown profile", spec: rustBuild("profile: other"), src: debug("true")},
		{name: "default of dev", spec: rustBuild("profile: dev"), src: manifest("")},
		{name: "variable against it", spec: rustBuild("env: {CARGO_PROFILE_RELEASE_DEBUG: false}"), src: debug("true")},
		{name: "variable for it", spec: rustBuild("env: {CARGO_PROFILE_RELEASE_DEBUG: full}"), src: manifest(""), want: []string{"4:27 build.env has CARGO_PROFILE_RELEASE_DEBUG: full" + why + "remove it"}},
		{name: "variable for what is inherited", spec: rustBuild("profile: dist, env: {CARGO_PROFILE_RELEASE_DEBUG: 0}"), src: manifest("[profile.release]\ndebug = true\n[profile.dist]\ninherits = \"release\"\n")},
		{name: "config for it", spec: plain, src: files("Cargo.toml", app, ".cargo/config.toml", "[profile.release]\ndebug = true\n"), want: []string{"3:3 [profile.release] of .cargo/config.toml has debug = true" + end}},
		{name: "config against it", spec: plain, src: files("Cargo.toml", app+"[profile.release]\ndebug = true\n", ".cargo/config.toml", "[profile.release]\ndebug = false\n")},
		{name: "profile of config", spec: rustBuild("profile: dist"), src: files("Cargo.toml", app+"[profile.release]\ndebug = true\n", ".cargo/config.toml", "[profile.dist]\ninherits = \"release\"\n"),
			want: []string{"4:30 [profile.release] of Cargo.toml has debug = true" + why + "write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_DIST_DEBUG: false}}"}},
		{name: "config that cannot be read", spec: plain, src: files("Cargo.toml", app+"[profile.release]\ndebug = true\n", ".cargo/config.toml", "<<<"), want: []string{"3:3 [profile.release] of Cargo.toml has debug = true" + end}},
		{name: "several targets", spec: "toolchain: rust-musl\ntargets:\n  a: {}\n  b: {}\n", src: debug("true"), want: []string{"3:3 [profile.release] of Cargo.toml has debug = true" + end}},
		{name: "several variables", spec: "toolchain: rust-musl\ntargets:\n  a: {build: {env: {CARGO_PROFILE_RELEASE_DEBUG: 2}}}\n  b: {build: {env: {CARGO_PROFILE_RELEASE_DEBUG: 2}}}\n", src: manifest(""),
			want: []string{"3:21 build.env has CARGO_PROFILE_RELEASE_DEBUG: 2" + why + "remove it", "4:21 build.env has CARGO_PROFILE_RELEASE_DEBUG: 2" + why + "remove it"}},
		{name: "manifest that cannot be read", spec: plain, src: files("Cargo.toml", "[profile.release\ndebug = true\n")},
		{name: "without sources", spec: plain},
		{name: "Go", spec: goTarget(), src: debug("true")},
	})
}

// TestProfileOfWorkspace: Cargo reads profiles of the workspace's own manifest
// only, and config from the folder of the build upwards.
func TestProfileOfWorkspace(t *testing.T) {
	const (
		debug = "[profile.release]\ndebug = true\n"
		end   = ", which is compiled and cached and never reaches the image, since the binary is stripped; write debug = false, or, to keep it elsewhere, build: {env: {CARGO_PROFILE_RELEASE_DEBUG: false}}"
	)
	in := func(dir string) string {
		return "toolchain: rust-musl\ntargets:\n  app:\n    build: {dir: " + dir + "}\n"
	}
	run(t, "LargeDebugInfo", []testCase{
		{name: "workspace", spec: in("ws"), src: files("ws/Cargo.toml", "[workspace]\nmembers = [\"app\"]\n"+debug), want: []string{"4:5 [profile.release] of ws/Cargo.toml has debug = true" + end}},
		{name: "member", spec: in("ws/app"), src: files("ws/Cargo.toml", "[workspace]\nmembers = [\"app\"]\n"+debug, "ws/app/Cargo.toml", app), want: []string{"4:5 [profile.release] of ws/Cargo.toml has debug = true" + end}},
		{name: "member's own", spec: in("ws/app"), src: files("ws/Cargo.toml", "[workspace]\nmembers = [\"app\"]\n", "ws/app/Cargo.toml", app+debug)},
		{name: "excluded", spec: in("ws/app"), src: files("ws/Cargo.toml", "[workspace]\nexclude = [\"app\"]\n"+debug, "ws/app/Cargo.toml", app)},
		{name: "excluded, and its own", spec: in("ws/app/x"), src: files("ws/Cargo.toml", "[workspace]\nexclude = [\"app\"]\n", "ws/app/x/Cargo.toml", app+debug), want: []string{"4:5 [profile.release] of ws/app/x/Cargo.toml has debug = true" + end}},
		{name: "named workspace", spec: in("app"), src: files("ws/Cargo.toml", "[workspace]\n"+debug, "app/Cargo.toml", app+"workspace = \"../ws\"\n"), want: []string{"4:5 [profile.release] of ws/Cargo.toml has debug = true" + end}},
		{name: "no workspace above", spec: in("ws/app"), src: files("ws/Cargo.toml", app, "ws/app/Cargo.toml", app+debug), want: []string{"4:5 [profile.release] of ws/app/Cargo.toml has debug = true" + end}},
		{name: "config above", spec: in("ws"), src: files("ws/Cargo.toml", app, ".cargo/config.toml", debug), want: []string{"4:5 [profile.release] of .cargo/config.toml has debug = true" + end}},
		{name: "config in between", spec: in("ws"), src: files("ws/Cargo.toml", app, ".cargo/config.toml", debug, "ws/.cargo/config.toml", "[profile.release]\ndebug = 0\n")},
	})
}

func TestFatLTO(t *testing.T) {
	end := func(thin string) string {
		return ", so after every edit the whole program, with all of its dependencies, is optimized again as one piece and on one core; " +
			"write " + thin + ", which uses all cores and less memory, for a program that is about as fast and somewhat larger"
	}
	manifest := end(`lto = "thin"`)
	plain := "toolchain: rust-musl\ntargets:\n  app: {}\n"
	lto := func(value string) fstest.MapFS {
		return files("Cargo.toml", app+"[profile.release]\nlto = "+value+"\ncodegen-units = 1\n")
	}
	run(t, "FatLTO", []testCase{
		{name: "true", spec: plain, src: lto("true"), want: []string{"3:3 [profile.release] of Cargo.toml has lto = true" + manifest}},
		{name: "fat", spec: plain, src: lto(`"fat"`), want: []string{`3:3 [profile.release] of Cargo.toml has lto = "fat"` + manifest}},
		{name: "thin", spec: plain, src: lto(`"thin"`)},
		{name: "false", spec: plain, src: lto("false")},
		{name: "off", spec: plain, src: lto(`"off"`)},
		{name: "default", spec: plain, src: files("Cargo.toml", app)},
		{name: "inherited", spec: rustBuild("profile: dist"), src: files("Cargo.toml", app+"[profile.release]\nlto = true\n[profile.dist]\ninherits = \"release\"\n"),
			want: []string{"4:30 [profile.release] of Cargo.toml has lto = true" + manifest}},
		{name: "inherited and changed", spec: rustBuild("profile: dist"), src: files("Cargo.toml", app+"[profile.release]\nlto = true\n[profile.dist]\ninherits = \"release\"\nlto = \"thin\"\n")},
		{name: "other profile", spec: plain, src: files("Cargo.toml", app+"[profile.dist]\ninherits = \"release\"\nlto = true\n")},
		{name: "variable against it", spec: rustBuild("env: {CARGO_PROFILE_RELEASE_LTO: thin}"), src: lto("true")},
		{name: "variable for it", spec: rustBuild("env: {CARGO_PROFILE_RELEASE_LTO: fat}"), src: lto("false"), want: []string{"4:27 build.env has CARGO_PROFILE_RELEASE_LTO: fat" + end("thin")}},
		{name: "asked for", spec: rustBuild("optimize: size"), src: lto("true")},
		{name: "several targets", spec: "toolchain: rust-musl\ntargets:\n  a: {}\n  b: {}\n", src: lto("true"), want: []string{"3:3 [profile.release] of Cargo.toml has lto = true" + manifest}},
		{name: "without sources", spec: plain},
		{name: "Go", spec: goTarget(), src: lto("true")},
	})
}
