package rust

import (
	"fmt"
	"maps"
	"path"

	"github.com/pelletier/go-toml/v2"
)

// skeleton is the project without its code: what Cargo needs to know which
// dependencies to compile, and how. It changes only when they do.
func (w *workspace) skeleton() (map[string][]byte, error) {
	masked := w.lockFile.maskable()
	for _, d := range w.patched {
		if c := w.crate(d); c != nil {
			delete(masked, c.name)
		}
	}
	files := maps.Clone(w.configs)
	files[w.lockName()] = maskLock(w.lock, masked)
	for dir, m := range w.manifests {
		if err := w.stub(files, dir, m, masked); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// stub adds the files of one package without its code. Of the packages in masked
// it leaves out the version.
func (w *workspace) stub(files map[string][]byte, dir string, m table, masked map[string]bool) error {
	out := table{}
	for _, key := range []string{"cargo-features", "features", "profile", "patch", "replace"} {
		if v, ok := m[key]; ok {
			out[key] = v
		}
	}
	w.copyDependencies(out, m, dir, masked)
	if targets := m.table("target"); targets != nil {
		all := table{}
		for cfg := range targets {
			each := table{}
			w.copyDependencies(each, targets.table(cfg), dir, masked)
			all[cfg] = map[string]any(each)
		}
		out["target"] = map[string]any(all)
	}
	if ws := m.table("workspace"); ws != nil {
		shared := table{}
		for _, key := range []string{"members", "exclude", "resolver"} {
			if v, ok := ws[key]; ok {
				shared[key] = v
			}
		}
		if edition, ok := ws.table("package")["edition"]; ok {
			shared["package"] = map[string]any{"edition": edition}
		}
		if ws.table("dependencies") != nil {
			shared["dependencies"] = map[string]any(w.withoutVersions(ws.table("dependencies"), dir, masked))
		}
		out["workspace"] = map[string]any(shared)
	}
	if c := w.crate(dir); c != nil {
		c.stub(files, out, m, masked[c.name])
	}
	data, err := toml.Marshal(map[string]any(out))
	if err != nil {
		return fmt.Errorf("%s: %w", path.Join(dir, manifestName), err)
	}
	files[path.Join(dir, manifestName)] = data
	return nil
}

// stub adds the package itself to the manifest out, and its sources to files.
func (c *crate) stub(files map[string][]byte, out, m table, mask bool) {
	const program = "fn main() {}\n"
	pkg := table{
		"name": c.name, "build": false,
		"autolib": false, "autobins": false, "autoexamples": false, "autotests": false, "autobenches": false,
	}
	for _, key := range []string{"edition", "resolver", "workspace"} {
		if v, ok := m.table("package")[key]; ok {
			pkg[key] = v
		}
	}
	switch {
	case mask:
		pkg["version"] = maskedVersion
	case c.version != "":
		pkg["version"] = c.version
	}
	if c.script {
		pkg["build"] = "build.rs"
		files[path.Join(c.dir, "build.rs")] = []byte(program)
	}
	out["package"] = map[string]any(pkg)
	if c.lib || len(c.bins) == 0 {
		lib := table{"path": "lib.rs"}
		for _, key := range []string{"name", "proc-macro", "proc_macro", "crate-type", "crate_type"} {
			if v, ok := m.table("lib")[key]; ok {
				lib[key] = v
			}
		}
		out["lib"] = map[string]any(lib)
		files[path.Join(c.dir, "lib.rs")] = nil
	}
	var bins []any
	for _, b := range c.bins {
		bin := map[string]any{"name": b.name, "path": "main.rs"}
		if len(b.features) > 0 {
			bin["required-features"] = b.features
		}
		bins = append(bins, bin)
	}
	if bins != nil {
		out["bin"] = bins
		files[path.Join(c.dir, "main.rs")] = []byte(program)
	}
}

func (w *workspace) copyDependencies(to, from table, dir string, masked map[string]bool) {
	for _, key := range dependencyTables {
		if deps := from.table(key); deps != nil {
			to[key] = map[string]any(w.withoutVersions(deps, dir, masked))
		}
	}
}

// withoutVersions is a table of dependencies that asks for no version of packages
// in masked.
func (w *workspace) withoutVersions(deps table, dir string, masked map[string]bool) table {
	out := table{}
	for name, v := range deps {
		if dep := deps.table(name); dep.text("path") != "" {
			c := w.crate(path.Join(dir, dep.text("path")))
			if c != nil && masked[c.name] {
				dep = maps.Clone(dep)
				delete(dep, "version")
			}
			v = map[string]any(dep)
		}
		out[name] = v
	}
	return out
}
