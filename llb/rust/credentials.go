package rust

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// credentials shows the vertex that downloads what the build was given to
// authenticate with: none of it needs to be there. Nothing of it is part of a
// layer, of the environment or of a key.
func (p *Plan) credentials() []llb.RunOption {
	opts := toolchain.Credentials()
	for _, name := range p.workspace.registries() {
		opts = append(opts, toolchain.OptionalEnv("CARGO_REGISTRIES_"+envName(name)+"_TOKEN", "cargo-token"))
	}
	// Cargo shows a token to a registry that asks for one only if it is told where
	// tokens come from ("Registry Authentication" in the Cargo book).
	opts = append(opts, toolchain.OptionalEnv("CARGO_REGISTRY_TOKEN", "cargo-token"), llb.AddEnv("CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS", "cargo:token"))
	if len(p.workspace.lockFile.git()) == 0 {
		return opts
	}
	// Cargo's own git knows neither .netrc nor .gitconfig.
	return append(append(opts, llb.AddEnv("CARGO_NET_GIT_FETCH_WITH_CLI", "true")), toolchain.SSH()...)
}

// registries lists the registries that the config of the project names.
func (w *workspace) registries() []string {
	names := map[string]bool{}
	for name, data := range w.configs {
		if config, err := parse(name, data); err == nil {
			for registry := range config.table("registries") {
				names[strings.ToLower(registry)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
