package rust

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// messageFormat has Cargo tell the helper what it compiles.
const messageFormat = "--message-format=json-render-diagnostics"

// toolchainVariable tells toolchains apart in the keys of the graph.
const toolchainVariable = "FROMSCRATCH_TOOLCHAIN"

// command is the cargo build of what is selected, which is all of one workspace
// and, but for packages, binaries and features, built alike.
func (p *Plan) command(e toolchain.Env, pf platform.Platform, selected ...*selection) []string {
	b := &selected[0].target.Build
	args := []string{"cargo", "build", messageFormat, "--profile", p.profile()}
	if p.locked() {
		args = append(args, "--locked")
	}
	if n := p.target.Toolchain.Jobs; n > 0 {
		args = append(args, "--jobs", strconv.Itoa(n))
	}
	args = append(append(args, featureFlags(b)...), "--target", pf.Rust.Triple)
	flags, _ := p.rustflags(e, pf)
	args = append(args, flags...)
	var packages, bins []string
	for _, sel := range selected {
		packages, bins = append(packages, sel.packages...), append(bins, sel.bins...)
	}
	for _, name := range unique(packages) {
		args = append(args, "--package", name)
	}
	for _, name := range unique(bins) {
		args = append(args, "--bin", name)
	}
	return args
}

func featureFlags(b *spec.Build) (args []string) {
	if len(b.Features) > 0 {
		args = append(args, "--features", strings.Join(b.Features, ","))
	}
	if b.DefaultFeatures != nil && !*b.DefaultFeatures {
		args = append(args, "--no-default-features")
	}
	return args
}

// metadata is the command that tells which packages depend on which, and maybe on
// more than is compiled. It names the platforms that dependencies were downloaded
// for: of those for others, nothing may be there.
func (p *Plan) metadata(e toolchain.Env, pf platform.Platform) []string {
	args := []string{"cargo", "metadata", "--format-version", "1"}
	if p.locked() {
		args = append(args, "--locked")
	}
	for _, triple := range triples(pf) {
		args = append(args, "--filter-platform", triple)
	}
	flags, _ := p.rustflags(e, pf)
	return slices.Concat(args, featureFlags(&p.target.Build), flags)
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// sameDependencies tells whether the dependencies of two targets are compiled
// alike, as far as both have them.
func sameDependencies(a, b *spec.Target) bool {
	x, y := &a.Build, &b.Build
	return b.Toolchain.Name == spec.RustMusl && reflect.DeepEqual(a.Toolchain, b.Toolchain) && x.Dir == y.Dir &&
		x.Profile == y.Profile && x.Optimize == y.Optimize && maps.Equal(x.Env, y.Env) && maps.Equal(x.Inputs, y.Inputs) &&
		isLocked(x) == isLocked(y) && reflect.DeepEqual(x.Secrets, y.Secrets) && x.Network == y.Network
}

const releaseProfile = "release"

func (p *Plan) profile() string { return cmp.Or(p.target.Build.Profile, releaseProfile) }

func (p *Plan) profileFlag() string {
	if p.profile() == releaseProfile {
		return "--release"
	}
	return "--profile " + p.profile()
}

// profileDir is where Cargo leaves what it builds with a profile; two of its
// profiles do not have a directory of their name ("Build cache" in the Cargo book).
func (p *Plan) profileDir() string {
	switch p.profile() {
	case "dev", "test":
		return "debug"
	case "bench":
		return releaseProfile
	}
	return p.profile()
}

func (p *Plan) locked() bool { return isLocked(&p.target.Build) }

func isLocked(b *spec.Build) bool { return b.Locked == nil || *b.Locked }

// environment is that of the spec, and over it what the promises rest on.
func (p *Plan) environment(e toolchain.Env, pf platform.Platform) [][2]string {
	var env [][2]string
	for _, name := range slices.Sorted(maps.Keys(p.target.Build.Env)) {
		env = append(env, [2]string{name, p.target.Build.Env[name]})
	}
	profile := "CARGO_PROFILE_" + envName(p.profile())
	env = append(env, [][2]string{
		{"CARGO_HOME", cargoHome},
		{"CARGO_TARGET_DIR", targetDir},
		// Incremental compiles leave other bytes than clean ones.
		{"CARGO_INCREMENTAL", "0"},
		{profile + "_STRIP", "symbols"},
		// The toolchain image is part of what was compiled, but BuildKit leaves cache
		// ids out of the key of an exec: what tells mounts apart is said here again.
		{toolchainVariable, p.toolchainID(e)},
	}...)
	switch p.target.Build.Optimize {
	case spec.OptimizeSize:
		env = append(env, [][2]string{{profile + "_OPT_LEVEL", "z"}, {profile + "_LTO", "fat"}, {profile + "_CODEGEN_UNITS", "1"}, {profile + "_PANIC", "abort"}}...)
	case spec.OptimizeSpeed:
		env = append(env, [][2]string{{profile + "_LTO", "fat"}, {profile + "_CODEGEN_UNITS", "1"}}...)
	}
	// A rust-toolchain file would make rustup download its channel on every build.
	if v := e.Image.Getenv("RUST_VERSION"); v != "" {
		env = append(env, [2]string{"RUSTUP_TOOLCHAIN", v})
	}
	// Compilers of C and build scripts write the time of the build into programs, but
	// for those that follow this variable. The epoch of the image would compile
	// everything anew with each commit.
	env = append(env, p.unlessSet("SOURCE_DATE_EPOCH", "0")...)
	_, flags := p.rustflags(e, pf)
	return slices.Concat(env, flags, p.cEnvironment(e, pf))
}

// unlessSet is a variable with the value of the frontend, or nothing where the
// spec's own environment has one of its names.
func (p *Plan) unlessSet(name, value string, others ...string) [][2]string {
	for _, set := range append(others, name) {
		if _, ok := p.target.Build.Env[set]; ok {
			return nil
		}
	}
	return [][2]string{{name, value}}
}

// environmentID tells environments apart. A macro or a build script that reads a
// variable need not tell Cargo of it, so what was compiled with one value of it is
// not there for another.
func (p *Plan) environmentID() string {
	env := p.target.Build.Env
	if len(env) == 0 {
		return "env"
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(h, "%q=%q\n", name, env[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func envName(triple string) string {
	return strings.ToUpper(strings.ReplaceAll(triple, "-", "_"))
}
