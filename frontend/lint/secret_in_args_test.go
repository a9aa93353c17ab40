package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values that look like secrets are put together here, so that scanners of
// repositories do not take them for some.
var (
	awsKey      = "AKIA" + "QWERTYUIOPASDFGH"
	githubToken = "ghp_" + strings.Repeat("a1B2", 9)
	privateKey  = "-----BEGIN RSA " + "PRIVATE KEY-----"
)

func TestSecretInArgs(t *testing.T) {
	const (
		arg     = " looks like a secret, and arguments are kept in the provenance of the image; use a secret of the build, or set it when the container starts"
		image   = "everyone who has the image can read it; set it when the container starts"
		compile = "it is kept in the provenance of the image and in the build cache; use a secret of the build"
		program = "it can be read out of the program; set it when the container starts"
		inSpec  = ", and whoever reads the spec or the image's provenance has it; revoke it, and use a secret of the build"
	)
	args := func(text string) string {
		return "toolchain: go-cgo0\nargs: " + text + "\ntargets:\n  a: {}\n"
	}
	run(t, "SecretInArgs", []testCase{
		{name: "argument", spec: args("[NPM_TOKEN]"), want: []string{"2:8 the argument NPM_TOKEN" + arg}},
		{name: "argument with a default", spec: args("{VERSION: x, NPM_TOKEN: abc}"), want: []string{"2:20 the argument NPM_TOKEN" + arg}},
		{name: "argument that is a switch", spec: args("{TOKEN: \"true\"}")},
		{name: "argument with the place of a secret", spec: args("{TOKEN: /run/secrets/token}")},
		{name: "default", spec: args("{ID: " + awsKey + "}"), want: []string{"2:8 the default of the argument ID looks like an AWS access key" + inSpec}},
		{name: "name and default", spec: args("{GITHUB_TOKEN: " + githubToken + "}"), want: []string{"2:8 the default of the argument GITHUB_TOKEN looks like a GitHub token" + inSpec}},
		{name: "environment", spec: goTarget("env:", "  PORT: 80", "  API_KEY: abc"), want: []string{"7:7 the environment variable API_KEY looks like a secret, and " + image}},
		{name: "value", spec: goTarget("env: {K: \"" + privateKey + "\"}"), want: []string{"5:11 the value of the environment variable K looks like a private key, and " + image}},
		{name: "block", spec: goTarget("env:", "  K: |", "    "+privateKey, "    abc"), want: []string{"6:7 the value of the environment variable K looks like a private key, and " + image}},
		{name: "build environment", spec: "toolchain: go-cgo0\ntargets:\n  a:\n    build:\n      env: {DB_PASSWORD: abc}\n", want: []string{"5:13 the build environment variable DB_PASSWORD looks like a secret, and " + compile}},
		{name: "URL", spec: "toolchain: go-cgo0\ntargets:\n  a:\n    build:\n      env: {GOPROXY: \"https://ci:hunter2@proxy.corp/go\"}\n", want: []string{"5:13 the value of the build environment variable GOPROXY looks like a URL with a password in it, and " + compile}},
		{name: "stamp", spec: "toolchain: go-cgo0\ntargets:\n  a:\n    build:\n      stamp: {main.key: " + githubToken + ", main.token: abc}\n", want: []string{"5:15 the value of the stamp main.key looks like a GitHub token, and " + program}},
		{name: "label", spec: goTarget("labels: {com.example.api-token: abc}"), want: []string{"5:14 the label com.example.api-token looks like a secret, and " + image}},
		{name: "annotation", spec: goTarget("annotations: {token: abc, x: " + awsKey + "}"), want: []string{"5:31 the value of the annotation x looks like an AWS access key, and " + image}},
		{name: "argument that becomes a variable", spec: "toolchain: go-cgo0\nargs: {TOKEN: \"\"}\ntargets:\n  a: {env: {TOKEN: \"${TOKEN}\"}}\n", want: []string{"2:8 the argument TOKEN" + arg}},
	})
}

// TestSecretNames: the names of a secret, and names that are near to one.
func TestSecretNames(t *testing.T) {
	finds := func(name, value string) bool {
		return len(said(t, "SecretInArgs", goTarget("env: {"+name+": \""+value+"\"}"), nil)) > 0
	}
	for _, name := range []string{
		"TOKEN", "GITHUB_TOKEN", "githubToken", "DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "PASSWD", "DB_PWD", "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY",
		"API_KEY", "STRIPE_API_KEY", "apikey", "PRIVATE_KEY", "SECRET_KEY_BASE", "DJANGO_SECRET_KEY", "PASSPHRASE", "DB_CREDENTIALS",
		"DB_PASSWORD_PROD", "TOKEN2", "ENCRYPTION_KEY", "JWT_SECRET", "VAULT_TOKEN",
	} {
		require.True(t, finds(name, "s3cr3t"), name)
	}
	for _, name := range []string{
		"TOKEN_FILE", "DB_PASSWORD_FILE", "TOKEN_URL", "SECRET_NAME", "SECRET_ARN", "PASSWORD_MIN_LENGTH", "TOKEN_TTL", "MAX_TOKENS", "MAX_TOKEN",
		"PUBLIC_KEY", "JWT_PUBLIC_KEY", "NEXT_PUBLIC_API_KEY", "STRIPE_PUBLISHABLE_KEY", "AWS_ACCESS_KEY_ID", "KEY", "CACHE_KEY", "PRIMARY_KEY",
		"MONKEY", "TOKENIZER", "TOKENIZERS_PARALLELISM", "SECRETARY", "COMPASS", "PWD", "OLDPWD", "PASSWORDLESS", "KEYBOARD", "USE_TOKEN", "ALLOW_EMPTY_PASSWORD",
		"GOOGLE_APPLICATION_CREDENTIALS", "IMAGE_PULL_SECRET", "AUTHOR", "OAUTH_CLIENT_ID", "SSH_AUTH_SOCK", "PASSWORD_HASH_ROUNDS", "CSRF_TOKEN",
	} {
		require.False(t, finds(name, "s3cr3t"), name)
	}
	for _, value := range []string{
		"", "true", "no", "0", "/run/secrets/token", "./token", "~/.token", "file:///token", "https://vault.corp/token", "vault:secret/data/db#password",
		"arn:aws:secretsmanager:eu-west-1:1:secret:x", "op://vault/item/token", "<set me>", "{{ .token }}", "secret/data/db",
	} {
		require.False(t, finds("TOKEN", value), value)
	}
}

// TestSecretValues: values that are secrets whatever they are called, and some
// that only look alike.
func TestSecretValues(t *testing.T) {
	for value, kind := range map[string]string{
		awsKey:                                       "an AWS access key",
		"id=" + awsKey + ";":                         "an AWS access key",
		githubToken:                                  "a GitHub token",
		"github_pat_" + strings.Repeat("a", 60):      "a GitHub token",
		"glpat-" + strings.Repeat("a", 20):           "a GitLab token",
		"xoxb-" + strings.Repeat("1", 24):            "a Slack token",
		"sk_live_" + strings.Repeat("1", 24):         "a Stripe key",
		"npm_" + strings.Repeat("1", 36):             "an npm token",
		"pypi-AgE" + strings.Repeat("1", 60):         "a PyPI token",
		"dckr_pat_" + strings.Repeat("1", 27):        "a Docker token",
		"-----BEGIN " + "PRIVATE KEY-----":           "a private key",
		"-----BEGIN OPENSSH " + "PRIVATE KEY-----":   "a private key",
		"-----BEGIN PGP " + "PRIVATE KEY BLOCK-----": "a private key",
		"postgres://app:hunter2@db.corp/app":         "a URL with a password in it",
	} {
		found := said(t, "SecretInArgs", goTarget("env: {X: \""+value+"\"}"), nil)
		require.Len(t, found, 1, value)
		require.Contains(t, found[0], " looks like "+kind+",")
		require.NotContains(t, found[0], value)
	}
	for _, value := range []string{
		"AKIAIOSFODNN7EXAMPLE", "AKIA", "MAKIAQWERTYUIOPASDFGH", "ghp_short", "sk_test_" + strings.Repeat("1", 24),
		"-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "https://example.org/a:b@c", "https://git@github.com/x", "https://user:@corp/x",
		"postgres://app:hunter2@localhost/app", "postgres://app:hunter2@127.0.0.1:5432/app", "redis://:hunter2@[::1]/0", "postgres://postgres:postgres@db/app",
		"postgres://app:password@db/app", "https://user:$PASSWORD@corp/",
	} {
		require.Empty(t, said(t, "SecretInArgs", goTarget("env: {X: \""+strings.ReplaceAll(value, "$", "$$")+"\"}"), nil), value)
	}
}
