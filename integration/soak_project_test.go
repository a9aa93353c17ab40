//go:build integration

package integration

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// soakState is everything that the program of the soak test depends on. Authors
// edit files; the rest is written into manifests and the spec.
type soakState struct {
	// files holds what is edited as it is, by path. What starts with linkTo is a
	// symbolic link.
	files map[string]string
	// broken is the file that keeps it from compiling, empty for none.
	broken string
	// dependencies is an index into soakDependencies, lock that of Cargo.lock's.
	dependencies int
	// version is that of the package app, script a constant in its build script.
	version, script string
	// loud is a --cfg of .cargo/config.toml, checks a setting of the profiles.
	loud, checks bool
	// configured is a variable of .cargo/config.toml, and stamped a stamp of the same
	// name, which wins. A dependency puts it into what it says its version is.
	configured, stamped string

	// What the spec says. targets is one, two, or group for two that are compiled
	// together; target is the one that is built.
	targets, target, cache, profile, stamp, flavour string
	wide                                            bool
}

// linkTo starts the content of a symbolic link.
const linkTo = "-> "

// brokenText is what every compiler says of a broken file.
const brokenText = "broken on purpose"

// lockFile stands in soakState.broken for a Cargo.lock that was forgotten.
const lockFile = "Cargo.lock"

// soakDependency is one choice of versions. wasm-bindgen-shared has a build
// script, and tells its version; smallvec has a feature that one can measure;
// itoa is compiled for the builder, as a build dependency.
type soakDependency struct{ shared, smallvec, itoa string }

var soakDependencies = []soakDependency{
	{"0.2.92", "1.13.2", "1.0.14"},
	{"0.2.89", "1.13.2", "1.0.14"},
	{"0.2.92", "1.11.0", "1.0.14"},
	{"0.2.89", "1.13.2", "1.0.9"},
}

var soakChecksums = map[string]string{
	"wasm-bindgen-shared 0.2.92": "af190c94f2773fdb3729c55b007a722abb5384da03bc0986df4c289bf5567e96",
	"wasm-bindgen-shared 0.2.89": "7ab9b36309365056cd639da3134bf87fa8f3d86008abf99e612384a6eecd459f",
	"smallvec 1.13.2":            "3c5e1a9a646d36c3599cd173a41282daf47c44583ad367b8e6837255952e5c67",
	"smallvec 1.11.0":            "62bb4feee49fdd9f707ef802e22365a35de4b7b299de4763d44bfea899442ff9",
	"itoa 1.0.14":                "d75a2a4b1b190afb6f5425f10f6a8f959d2ea0b9c2b1d79553551850539e4674",
	"itoa 1.0.9":                 "af150ab688ff2122fcef229be89cb50dd66af9e01a4ff320cc137eecc9bacc38",
}

func newSoakState(mark string) soakState {
	return soakState{version: "0.1.0", script: mark, targets: "one", target: "app", cache: "auto", profile: "release", files: map[string]string{
		"app/src/local.rs": rustConstant(mark),
		"app/src/part.rs":  rustConstant(mark),
		"app/blob.bin":     mark,
		"app/input.txt":    "one two",
		"app/extra.txt":    mark,
		"app/assets/a":     mark,
		"lib/src/value.rs": rustConstant(mark),
		"lib/data.txt":     mark,
		"lib/current":      linkTo + "texts/one",
		"lib/texts/one":    mark,
		"lib/texts/two":    mark,
		"mac/src/mark.rs":  rustConstant(mark),
		"web/src/value.rs": rustConstant(mark),
		"common/s":         mark,
	}}
}

func (p soakState) clone() soakState {
	p.files = maps.Clone(p.files)
	return p
}

func rustConstant(v string) string { return fmt.Sprintf("pub const V: &str = %q;\n", v) }

// soakSources is the code that no step edits. Its program prints a value from
// every file that goes into it, by every way that a file can.
var soakSources = map[string]string{
	"app/src/main.rs": `#![allow(unexpected_cfgs)]
mod local;
mod part;
fn main() {
    println!("main={} {}", local::V, part::V);
    println!("bytes={}", String::from_utf8_lossy(include_bytes!("../blob.bin")));
    println!("script={} input={} {}", env!("SCRIPT"), env!("INPUT"), env!("DIGITS"));
    println!("extra={} written={}", env!("EXTRA"), mac::folder!("OUT_DIR/written"));
    println!("assets={} common={}", mac::folder!("assets"), mac::folder!("../common"));
    println!("macro={}", mac::mark!());
    println!("lib={} {} {}", lib::value::V, lib::TEXT, lib::CURRENT);
    println!("stamp={} {} {}", option_env!("STAMP").unwrap_or("-"), mac::variable!("STAMP"), lib::STAMP);
    println!("flavour={}", mac::variable!("FLAVOUR"));
    println!("wide={} {}", cfg!(feature = "wide"), lib::size());
    println!("dependency={} version={}", wasm_bindgen_shared::version(), env!("CARGO_PKG_VERSION"));
    println!("loud={} checks={}", cfg!(loud), cfg!(debug_assertions));
}
`,
	// It does not name all that it reads, and leaves what it wrote before.
	"app/build.rs": `use std::{env, fs, path::Path};
fn main() {
    println!("cargo:rerun-if-changed=input.txt");
    let input = fs::read_to_string("input.txt").unwrap();
    assert!(!input.contains("` + brokenText + `"), "` + brokenText + `");
    println!("cargo:rustc-env=SCRIPT={}", SCRIPT);
    println!("cargo:rustc-env=INPUT={input}");
    println!("cargo:rustc-env=DIGITS={}", itoa::Buffer::new().format(input.len()));
    println!("cargo:rustc-env=EXTRA={}", fs::read_to_string("extra.txt").unwrap());
    let written = Path::new(&env::var("OUT_DIR").unwrap()).join("written");
    fs::create_dir_all(&written).unwrap();
    for word in input.split_whitespace() {
        fs::write(written.join(word), word).unwrap();
    }
}
`,
	"lib/src/lib.rs": `pub mod value;
pub const TEXT: &str = include_str!("../data.txt");
pub const CURRENT: &str = include_str!("../current");
pub const STAMP: &str = mac::variable!("STAMP");
pub fn size() -> usize {
    let some = smallvec::SmallVec::<[u8; 16]>::from_slice(TEXT.as_bytes());
    std::mem::size_of_val(&some)
}
`,
	// The same dependency as lib, with a feature more.
	"web/src/main.rs": `mod value;
fn main() {
    println!("web={} {}", value::V, std::mem::size_of::<smallvec::SmallVec<[u8; 16]>>());
}
`,
	"mac/src/lib.rs": `use proc_macro::{Literal, TokenStream, TokenTree};
use std::{env, fs, path::Path};
mod mark;
fn literal(text: &str) -> TokenStream {
    TokenTree::Literal(Literal::string(text)).into()
}
#[proc_macro]
pub fn mark(_: TokenStream) -> TokenStream {
    literal(mark::V)
}
#[proc_macro]
pub fn variable(name: TokenStream) -> TokenStream {
    literal(&env::var(name.to_string().trim_matches('"')).unwrap_or("-".into()))
}
#[proc_macro]
pub fn folder(name: TokenStream) -> TokenStream {
    let name = name.to_string();
    let name = name.trim_matches('"');
    let dir = match name.strip_prefix("OUT_DIR/") {
        Some(rest) => Path::new(&env::var("OUT_DIR").unwrap()).join(rest),
        None => Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(name),
    };
    let mut all: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|e| e.unwrap())
        .map(|e| format!("{}:{}", e.file_name().to_str().unwrap(), fs::read_to_string(e.path()).unwrap()))
        .collect();
    all.sort();
    literal(&all.join(","))
}
`,
}

// render is the content of a checkout.
func (p soakState) render() map[string]string {
	out := maps.Clone(p.files)
	maps.Copy(out, soakSources)
	out["app/build.rs"] += fmt.Sprintf("const SCRIPT: &str = %q;\n", p.script)
	p.manifests(out)
	out["fromscratch.yaml"] = p.spec()
	var config string
	if p.loud {
		config += "[build]\nrustflags = [\"--cfg\", \"loud\"]\n"
	}
	if p.configured != "" {
		config += fmt.Sprintf("[env]\nWBG_VERSION = %q\n", p.configured)
	}
	if config != "" {
		out[".cargo/config.toml"] = config
	}
	switch {
	case path.Ext(p.broken) == ".rs":
		out[p.broken] += "compile_error!(\"" + brokenText + "\");\n"
	case path.Ext(p.broken) == ".txt":
		out[p.broken] += brokenText
	}
	return out
}

func (p soakState) manifests(out map[string]string) {
	member := func(name, version, rest string) {
		out[name+"/Cargo.toml"] = fmt.Sprintf("[package]\nname = %q\nversion = %q\nedition = \"2021\"\n%s", name, version, rest)
	}
	d := soakDependencies[p.dependencies]
	out["Cargo.toml"] = fmt.Sprintf(`[workspace]
resolver = "2"
members = ["app", "lib", "mac", "web"]
[profile.release]
opt-level = 0
debug-assertions = %t
[profile.fast]
inherits = "release"
opt-level = 1
`, p.checks)
	member("app", p.version, fmt.Sprintf(`[dependencies]
lib = { path = "../lib" }
mac = { path = "../mac" }
wasm-bindgen-shared = "=%s"
[build-dependencies]
itoa = "=%s"
[features]
wide = ["lib/wide"]
`, d.shared, d.itoa))
	member("lib", "0.1.0", fmt.Sprintf("[dependencies]\nmac = { path = \"../mac\" }\nsmallvec = \"=%s\"\n[features]\nwide = [\"smallvec/union\"]\n", d.smallvec))
	member("mac", "0.1.0", "[lib]\nproc-macro = true\n")
	member("web", "0.1.0", fmt.Sprintf("[dependencies]\nsmallvec = { version = \"=%s\", features = [\"union\"] }\n[features]\nwide = []\n", d.smallvec))
	if p.broken == lockFile {
		d = soakDependencies[(p.dependencies+1)%len(soakDependencies)]
	}
	out[lockFile] = p.lock(d)
}

func (p soakState) lock(d soakDependency) string {
	registry := func(name, version string) string {
		return fmt.Sprintf("version = %q\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = %q", version, soakChecksums[name+" "+version])
	}
	return fmt.Sprintf(`version = 4

[[package]]
name = "app"
version = %q
dependencies = [
 "itoa",
 "lib",
 "mac",
 "wasm-bindgen-shared",
]

[[package]]
name = "itoa"
%s

[[package]]
name = "lib"
version = "0.1.0"
dependencies = [
 "mac",
 "smallvec",
]

[[package]]
name = "mac"
version = "0.1.0"

[[package]]
name = "smallvec"
%s

[[package]]
name = "wasm-bindgen-shared"
%s

[[package]]
name = "web"
version = "0.1.0"
dependencies = [
 "smallvec",
]
`, p.version, registry("itoa", d.itoa), registry("smallvec", d.smallvec), registry("wasm-bindgen-shared", d.shared))
}

func (p soakState) spec() string {
	names := []string{"app", "web"}
	if p.targets == "one" {
		names = names[:1]
	}
	out := syntax + "toolchain: {name: rust-musl, version: 1.96}\ntargets:\n"
	for _, name := range names {
		build := []string{"package: " + name, "cache: " + p.cache, "profile: " + p.profile}
		if p.targets == "group" {
			build = append(build, "group: both")
		}
		if p.wide {
			build = append(build, "features: [wide]")
		}
		if stamps := p.stamps(": "); len(stamps) > 0 {
			build = append(build, "stamp: {"+strings.Join(stamps, ", ")+"}")
		}
		if p.flavour != "" {
			build = append(build, "env: {FLAVOUR: "+p.flavour+"}")
		}
		out += "  " + name + ":\n    build: {" + strings.Join(build, ", ") + "}\n"
	}
	return out
}

// stamps lists names and values of stamps.
func (p soakState) stamps(is string) (out []string) {
	if p.stamp != "" {
		out = append(out, "STAMP"+is+p.stamp)
	}
	if p.stamped != "" {
		out = append(out, "WBG_VERSION"+is+p.stamped)
	}
	return out
}

// dockerfile builds the same with a plain cache mount, as many a project does.
func (p soakState) dockerfile(id string) string {
	env, packages := "", "--package "+p.target
	if p.targets == "group" {
		packages = "--package app --package web"
	}
	for _, stamp := range p.stamps("=") {
		env += "ENV " + stamp + "\n"
	}
	if p.flavour != "" {
		env += "ENV FLAVOUR=" + p.flavour + "\n"
	}
	if p.wide {
		packages += " --features wide"
	}
	return fmt.Sprintf(`FROM rust:1.96-bookworm AS build
WORKDIR /src
COPY . .
%sRUN --mount=type=cache,id=%s,target=/target --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --target-dir /target --locked --profile %s %s && cp /target/%[3]s/%[5]s /app
FROM scratch AS %[5]s
COPY --from=build /app /%[5]s
`, env, id, p.profile, packages, p.target)
}

// output is what the program prints.
func (p soakState) output() string {
	value := func(name string) string {
		_, v, _ := strings.Cut(p.files[name], `"`)
		v, _, _ = strings.Cut(v, `"`)
		return v
	}
	part := "app/src/part.rs"
	if p.files[part] == "" {
		part = "app/src/part/mod.rs"
	}
	input := p.files["app/input.txt"]
	var written []string
	for _, word := range strings.Fields(input) {
		written = append(written, word+":"+word)
	}
	slices.Sort(written)
	stamp := cmp.Or(p.stamp, "-")
	size := 32
	// What is compiled together has the features of all.
	if p.wide || p.targets == "group" {
		size = 24
	}
	dependency := soakDependencies[p.dependencies].shared
	if mark := cmp.Or(p.stamped, p.configured); mark != "" {
		dependency += " (" + mark + ")"
	}
	if p.target == "web" {
		return fmt.Sprintf("web=%s 24", value("web/src/value.rs"))
	}
	return strings.Join([]string{
		fmt.Sprintf("main=%s %s", value("app/src/local.rs"), value(part)),
		"bytes=" + p.files["app/blob.bin"],
		fmt.Sprintf("script=%s input=%s %d", p.script, input, len(input)),
		fmt.Sprintf("extra=%s written=%s", p.files["app/extra.txt"], strings.Join(slices.Compact(written), ",")),
		fmt.Sprintf("assets=%s common=%s", p.folder("app/assets"), p.folder("common")),
		"macro=" + value("mac/src/mark.rs"),
		fmt.Sprintf("lib=%s %s %s", value("lib/src/value.rs"), p.files["lib/data.txt"], p.files["lib/"+strings.TrimPrefix(p.files["lib/current"], linkTo)]),
		fmt.Sprintf("stamp=%s %s %s", stamp, stamp, stamp),
		"flavour=" + cmp.Or(p.flavour, "-"),
		fmt.Sprintf("wide=%t %d", p.wide, size),
		fmt.Sprintf("dependency=%s version=%s", dependency, p.version),
		fmt.Sprintf("loud=%t checks=%t", p.loud, p.checks),
	}, "\n")
}

func (p soakState) folder(dir string) string {
	var all []string
	for name, content := range p.files {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			all = append(all, rest+":"+content)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// complaint is what a build of a broken state says.
func (p soakState) complaint() string {
	if p.broken == lockFile {
		return "Cargo.lock does not fit the manifests"
	}
	return brokenText
}
