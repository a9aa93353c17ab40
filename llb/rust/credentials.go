package rust

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// credentials shows the vertex that downloads what the build was given to
// authenticate with: none of it needs to be there. Nothing of it is part of a
// layer, of the environment or of a key.
func (p *Plan) credentials() []llb.RunOption {
	opts := []llb.RunOption{
		llb.AddSecret("/root/.netrc", llb.SecretID("netrc"), llb.SecretOptional),
		llb.AddSecret("/root/.gitconfig", llb.SecretID("gitconfig"), llb.SecretOptional),
		llb.AddSecret("/run/secrets/build-ca", llb.SecretID("build-ca"), llb.SecretOptional),
	}
	for _, name := range p.workspace.registries() {
		opts = append(opts, optionalEnv("CARGO_REGISTRIES_"+envName(name)+"_TOKEN", "cargo-token"))
	}
	// Cargo shows a token to a registry that asks for one only if it is told where
	// tokens come from ("Registry Authentication" in the Cargo book).
	opts = append(opts, optionalEnv("CARGO_REGISTRY_TOKEN", "cargo-token"), llb.AddEnv("CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS", "cargo:token"))
	if len(p.workspace.lockFile.git()) == 0 {
		return opts
	}
	// Cargo's own git knows neither .netrc nor .gitconfig.
	return append(opts,
		llb.AddSSHSocket(llb.SSHID("default"), llb.SSHOptional),
		llb.AddEnv("CARGO_NET_GIT_FETCH_WITH_CLI", "true"),
		llb.AddEnv("GIT_TERMINAL_PROMPT", "0"),
		llb.AddEnv("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"),
	)
}

func optionalEnv(name, id string) llb.RunOption {
	return llb.AddSecretWithDest(id, nil, llb.SecretAsEnvName(name), llb.SecretOptional)
}

// secrets shows a vertex the secrets that the spec lists.
func (p *Plan) secrets() []llb.RunOption {
	var opts []llb.RunOption
	for _, s := range p.target.Build.Secrets {
		var how []llb.SecretOption
		if !s.Required {
			how = append(how, llb.SecretOptional)
		}
		target := s.Target
		if target == "" && s.Env == "" {
			target = path.Join("/run/secrets", s.ID)
		}
		if target != "" {
			opts = append(opts, llb.AddSecretWithDest(s.ID, &target, how...))
		}
		if s.Env != "" {
			opts = append(opts, llb.AddSecretWithDest(s.ID, nil, append(how, llb.SecretAsEnvName(s.Env))...))
		}
	}
	return opts
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
