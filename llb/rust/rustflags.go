package rust

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// flagVariables are the variables that hold flags of rustc, and what is between
// two flags in them. The first that is set hides all else ("build.rustflags" in the
// Cargo book).
var flagVariables = []struct{ name, separator string }{{"CARGO_ENCODED_RUSTFLAGS", "\x1f"}, {"RUSTFLAGS", " "}}

// rustflags says how rustc is told what the platform asks for, beside the flags of
// the project: by arguments of Cargo, or by a variable where the project's own are
// in one. Cargo takes flags from one place only.
func (p *Plan) rustflags(e toolchain.Env, pf platform.Platform) (args []string, env [][2]string) {
	flags := pf.Rust.Flags()
	if len(flags) == 0 {
		return nil, nil
	}
	for _, v := range flagVariables {
		value, ok := p.target.Build.Env[v.name]
		if !ok {
			value = e.Image.Getenv(v.name)
		}
		if value != "" {
			return nil, [][2]string{{v.name, strings.Join(append([]string{value}, flags...), v.separator)}}
		}
	}
	if build, target := p.workspace.configFlags(); len(target) == 0 {
		flags = append(build, flags...)
	}
	quoted := make([]string, len(flags))
	for i, f := range flags {
		quoted[i] = strconv.Quote(f)
	}
	return []string{"--config", fmt.Sprintf("target.%s.rustflags=[%s]", pf.Rust.Triple, strings.Join(quoted, ","))}, nil
}

// configFlags are the flags of rustc in the config of the project: those for all
// targets, and those for some, which hide the others where they apply.
func (w *workspace) configFlags() (build, target []string) {
	for _, name := range slices.Sorted(maps.Keys(w.configs)) {
		if base := path.Base(name); base != "config.toml" && base != "config" {
			continue
		}
		config, err := parse(name, w.configs[name])
		if err != nil {
			continue // It was read before.
		}
		build = append(build, config.table("build").words("rustflags")...)
		targets := config.table("target")
		for _, key := range slices.Sorted(maps.Keys(targets)) {
			if strings.Contains(key, "musl") || strings.HasPrefix(key, "cfg(") && !strings.Contains(key, "windows") && !strings.Contains(key, "macos") {
				target = append(target, targets.table(key).words("rustflags")...)
			}
		}
	}
	return build, target
}

// words is a list of text, or text with spaces between the words.
func (t table) words(key string) []string {
	if s := t.text(key); s != "" {
		return strings.Fields(s)
	}
	return t.strings(key)
}

// dynamic says what makes the programs of a project dynamic, or nothing.
func (p *Plan) dynamic() string {
	const flag = "-crt-static"
	build, target := p.workspace.configFlags()
	where := ""
	for _, f := range append(build, target...) {
		if strings.Contains(f, flag) {
			where = "the rustflags in .cargo/config.toml"
		}
	}
	for _, v := range flagVariables {
		if strings.Contains(p.target.Build.Env[v.name], flag) {
			where = v.name + " in build.env"
		}
	}
	if where == "" {
		return ""
	}
	return where + " have -C target-feature=-crt-static, which links musl dynamically, and such a program does not start in an image from scratch; remove it, or keep it under [target.…] for other targets"
}
