// Package generate writes programs of any size for benchmarks. The same numbers
// give the same files.
package generate

import (
	"fmt"
	"slices"
	"strings"
)

// Base is the crate, and the package, that all others of a generated program use.
const Base = "unit00"

// BaseFile and MainFile are the files of a generated workspace that a benchmark
// edits.
const (
	RustBaseFile = "crates/" + Base + "/src/lib.rs"
	RustMainFile = "crates/app/src/main.rs"
)

// rustExternal are the dependencies of a generated workspace: what most programs
// have, procedural macros among them.
var rustExternal = []struct{ name, spec string }{
	{"anyhow", `"=1.0.100"`},
	{"regex", `"=1.12.2"`},
	{"serde", `{ version = "=1.0.228", features = ["derive"] }`},
	{"serde_json", `"=1.0.145"`},
}

// RustService is the name of a service of a generated workspace, and of its crate.
func RustService(i int) string { return fmt.Sprintf("service%02d", i) }

// RustServiceFile is the file of a service that a benchmark edits.
func RustServiceFile(i int) string { return "crates/" + RustService(i) + "/src/main.rs" }

// RustWorkspace is a workspace of so many libraries, one program, app, that uses all
// of them, and so many services that use some. Each library uses the one before it,
// so that the graph is as deep as it can be, and up to two earlier ones.
func RustWorkspace(crates, services int) map[string]string {
	files := map[string]string{}
	var root strings.Builder
	root.WriteString("[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n\n[workspace.package]\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace.dependencies]\n")
	for _, d := range rustExternal {
		fmt.Fprintf(&root, "%s = %s\n", d.name, d.spec)
	}
	for i := range crates {
		fmt.Fprintf(&root, "%s = { path = \"crates/%s\" }\n", unit(i), unit(i))
	}
	files["Cargo.toml"] = root.String()
	for i := range crates {
		dir := "crates/" + unit(i)
		files[dir+"/Cargo.toml"] = rustManifest(unit(i), uses(i))
		files[dir+"/src/lib.rs"] = rustLibrary(i)
	}
	all := make([]int, crates)
	for i := range all {
		all[i] = i
	}
	files["crates/app/Cargo.toml"] = rustManifest("app", all)
	files[RustMainFile] = rustMain(all)
	for i := range services {
		used := serves(i, crates)
		files["crates/"+RustService(i)+"/Cargo.toml"] = rustManifest(RustService(i), used)
		files[RustServiceFile(i)] = rustMain(used)
	}
	return files
}

func unit(i int) string { return fmt.Sprintf("unit%02d", i) }

// uses lists the earlier units that unit i depends on.
func uses(i int) []int {
	var out []int
	for _, j := range []int{i - 1, i / 2, i * 2 / 3, 0} {
		if j >= 0 && j < i && !slices.Contains(out, j) {
			out = append(out, j)
		}
	}
	slices.Sort(out)
	return out
}

// serves lists the units that a service calls: the one that all use, one in ten, and
// one at the upper end of the graph, which is another one for each service. So most
// of the graph is below each of them, and no two have the same below them.
func serves(service, crates int) []int {
	out := []int{0}
	for u := 1; u < crates; u++ {
		if u%10 == service%10 && u < crates-1-service || u == crates-1-service {
			out = append(out, u)
		}
	}
	return out
}

func rustManifest(name string, units []int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "[package]\nname = %q\nversion.workspace = true\nedition.workspace = true\npublish = false\n\n[dependencies]\n", name)
	for _, d := range rustExternal {
		fmt.Fprintf(&s, "%s.workspace = true\n", d.name)
	}
	for _, u := range units {
		fmt.Fprintf(&s, "%s.workspace = true\n", unit(u))
	}
	return s.String()
}

// rustLibrary is code as programs have it, with types that are serialized and
// generic functions over them: a second or so of compile time.
func rustLibrary(i int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "use serde::{Deserialize, Serialize};\n\npub const SEED: u64 = %d;\n\n", 1000+i)
	for t := range 4 {
		fmt.Fprintf(&s, `#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record%[1]d {
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    pub parent: Option<Box<Record%[1]d>>,
}

impl Record%[1]d {
    pub fn new(id: u64) -> Self {
        Record%[1]d { id, name: format!("record-{id}"), tags: (0..id %% 5).map(|n| format!("tag{n}")).collect(), parent: None }
    }

    pub fn round_trip(&self) -> anyhow::Result<Self> {
        Ok(serde_json::from_str(&serde_json::to_string(self)?)?)
    }
}

`, t)
	}
	s.WriteString("pub fn fold<T: Serialize>(items: &[T]) -> anyhow::Result<u64> {\n    let mut sum = SEED;\n    for item in items {\n        for b in serde_json::to_vec(item)? {\n            sum = sum.wrapping_mul(31).wrapping_add(u64::from(b));\n        }\n    }\n    Ok(sum)\n}\n\n")
	s.WriteString("pub fn run(depth: u64) -> anyhow::Result<u64> {\n    let mut sum = SEED;\n")
	for t := range 4 {
		fmt.Fprintf(&s, "    let r: Vec<Record%[1]d> = (0..depth).map(Record%[1]d::new).collect();\n    sum = sum.wrapping_add(fold(&r)?);\n    if let Some(r) = r.first() {\n        sum = sum.wrapping_add(r.round_trip()?.id);\n    }\n", t)
	}
	if i%7 == 0 {
		fmt.Fprintf(&s, "    if regex::Regex::new(%q)?.is_match(&sum.to_string()) {\n        sum += 1;\n    }\n", fmt.Sprintf("^%d[0-9]+$", i%9+1))
	}
	for _, u := range uses(i) {
		fmt.Fprintf(&s, "    sum = sum.wrapping_add(%[1]s::SEED).wrapping_add(%[1]s::fold(&[%[1]s::Record%[2]d::new(depth)])?);\n", unit(u), i%4)
	}
	s.WriteString("    Ok(sum)\n}\n")
	return s.String()
}

func rustMain(units []int) string {
	var s strings.Builder
	s.WriteString("const VERSION: &str = match option_env!(\"VERSION\") {\n    Some(version) => version,\n    None => \"dev\",\n};\n\nfn main() -> anyhow::Result<()> {\n    let depth = 3;\n    let mut sum = 0u64;\n")
	for _, u := range units {
		fmt.Fprintf(&s, "    sum = sum.wrapping_add(%s::run(depth)?);\n", unit(u))
	}
	s.WriteString("    println!(\"{VERSION} {sum}\");\n    Ok(())\n}\n")
	return s.String()
}
