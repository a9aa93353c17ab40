package toolchain

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Credentials shows a vertex that downloads what the build was given to authenticate
// with: none of it needs to be there. Nothing of it is part of a layer, of the
// environment or of a key.
func Credentials() []llb.RunOption {
	return []llb.RunOption{
		llb.AddSecret("/root/.netrc", llb.SecretID("netrc"), llb.SecretOptional),
		llb.AddSecret("/root/.gitconfig", llb.SecretID("gitconfig"), llb.SecretOptional),
		llb.AddSecret("/run/secrets/build-ca", llb.SecretID("build-ca"), llb.SecretOptional),
	}
}

// SSH shows a vertex the agent of the build, for git, which nobody can answer.
func SSH() []llb.RunOption {
	return []llb.RunOption{
		llb.AddSSHSocket(llb.SSHID("default"), llb.SSHOptional),
		llb.AddEnv("GIT_TERMINAL_PROMPT", "0"),
		llb.AddEnv("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"),
	}
}

// OptionalEnv shows a vertex a secret of the build as a variable.
func OptionalEnv(name, id string) llb.RunOption {
	return llb.AddSecretWithDest(id, nil, llb.SecretAsEnvName(name), llb.SecretOptional)
}

// Secrets shows a vertex the secrets that the spec lists.
func Secrets(b *spec.Build) []llb.RunOption {
	var opts []llb.RunOption
	for _, s := range b.Secrets {
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
