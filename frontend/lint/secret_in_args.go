package lint

import (
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Names are read as words, and as English reads them: the last one says what the
// value is. DB_PASSWORD is a password, but PASSWORD_FILE is a file, TOKEN_TTL is
// a time, and MONKEY is no key.
var secretInArgs = &Rule{
	Name:        "SecretInArgs",
	Description: "Arguments, environment and labels are no place for secrets, because everyone who has the image can read them.",
	whole: func(p *pass) {
		for _, name := range slices.Sorted(maps.Keys(p.spec.Args)) {
			a := p.spec.Args[name]
			value := ""
			if a.Default != nil {
				value = *a.Default
			}
			if kind := secretValue(value); kind != "" {
				p.report(a.Range, "the default of the argument %s looks like %s, and whoever reads the spec or the image's provenance has it; revoke it, and use a secret of the build", name, kind)
				continue
			}
			// An argument without a default gets its secret from the command line, and
			// it is in the provenance just the same.
			if secretName(name) && (value == "" || secretNameCanHold(value)) {
				p.report(a.Range, "the argument %s looks like a secret, and arguments are kept in the provenance of the image; use a secret of the build, or set it when the container starts", name)
			}
		}
	},
	each: func(p *pass, t *spec.Target) {
		const (
			compile = "it is kept in the provenance of the image and in the build cache; use a secret of the build"
			image   = "everyone who has the image can read it; set it when the container starts"
			program = "it can be read out of the program; set it when the container starts"
		)
		for _, m := range []struct {
			what, why string
			values    map[string]string
			path      spec.Path
			// named tells whether the name alone is enough to go by.
			named bool
		}{
			{"the build environment variable", compile, t.Build.Env, pathOf(t, "build", "env"), true},
			{"the stamp", program, t.Build.Stamp, pathOf(t, "build", "stamp"), false},
			{"the environment variable", image, t.Env, pathOf(t, "env"), true},
			{"the label", image, t.Labels, pathOf(t, "labels"), true},
			{"the annotation", image, t.Annotations, pathOf(t, "annotations"), false},
		} {
			for _, name := range slices.Sorted(maps.Keys(m.values)) {
				value := m.values[name]
				if kind := secretValue(value); kind != "" {
					p.report(p.keyRange(m.path.Join(name)), "the value of %s %s looks like %s, and %s", m.what, name, kind, m.why)
				} else if m.named && secretName(name) && secretNameCanHold(value) {
					p.report(p.keyRange(m.path.Join(name)), "%s %s looks like a secret, and %s", m.what, name, m.why)
				}
			}
		}
	},
}

// secretName tells whether a name is that of a secret.
func secretName(name string) bool {
	words := wordsOf(name)
	for len(words) > 1 && slices.Contains(qualifiers, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || slices.Contains(verbs, words[0]) {
		return false
	}
	for _, w := range words {
		if slices.Contains(openWords, w) {
			return false
		}
	}
	last, before := words[len(words)-1], ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	switch last {
	case "token", "password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey":
		// What Google's libraries read is the path of a file.
		return last != "credentials" || before != "application"
	case "pwd":
		// Alone, and as OLDPWD, it is the working directory.
		return before != ""
	case "key":
		return slices.Contains([]string{"api", "private", "secret", "access", "signing", "encryption", "auth"}, before)
	case "base":
		return before == "key" && len(words) > 2 && words[len(words)-3] == "secret"
	}
	return false
}

var (
	// qualifiers say which one a secret is and leave it one.
	qualifiers = []string{"prod", "production", "staging", "stage", "dev", "test", "default", "value", "old", "new", "primary", "secondary"}
	// verbs make a switch of a name.
	verbs = []string{"use", "with", "enable", "disable", "require", "allow", "skip", "no", "has", "is", "show", "generate", "max", "min", "num"}
	// openWords are said of keys and tokens that are meant to be seen.
	openWords = []string{"public", "publishable", "csrf", "xsrf", "stop", "eos", "bos", "pad", "mask", "pull"}
)

// wordsOf cuts a name into lower-case words: GITHUB_TOKEN, com.acme.api-key and
// apiKey. Digits at the end of a word are only a number.
func wordsOf(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if w := strings.TrimRight(strings.ToLower(string(word)), "0123456789"); w != "" {
			words = append(words, w)
		}
		word = word[:0]
	}
	previous := rune(0)
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && unicode.IsLower(previous):
			flush()
			fallthrough
		default:
			word = append(word, r)
		}
		previous = r
	}
	flush()
	return words
}

// secretReference matches values that say where a secret is: a path, a URL, the name
// of an entry in a vault, a placeholder.
var secretReference = regexp.MustCompile(`^(\.{0,2}/|~|<.*>$|\$|\{\{|[A-Za-z][A-Za-z0-9+.-]*://|(arn|vault|file|env|op|ref|secret|ssm):|[a-z0-9._-]+(/[a-z0-9._-]+)+$)`)

// secretNameCanHold tells whether a value under the name of a secret can be one.
func secretNameCanHold(value string) bool {
	switch strings.ToLower(value) {
	case "", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "required", "optional":
		return false
	}
	return !secretReference.MatchString(value)
}

// examplePasswords are what documentation and development databases use.
var examplePasswords = []string{"password", "pass", "postgres", "root", "changeme", "example", "secret", "xxx", "***"}

// secretShapes are values that are what they look like. Each is long enough, or
// odd enough, not to come about by chance.
var secretShapes = []struct {
	kind  string
	shape *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----`)},
	{"an AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z2-7]{16}\b`)},
	{"a GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abeprs]-[0-9A-Za-z-]{20,}`)},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_live_[0-9A-Za-z]{20,}\b`)},
	{"an npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a PyPI token", regexp.MustCompile(`\bpypi-AgE[A-Za-z0-9_-]{50,}`)},
	{"a Docker token", regexp.MustCompile(`\bdckr_[op]at_[A-Za-z0-9_-]{20,}`)},
}

// secretValue says what a value looks like when it looks like a secret, whatever
// its name is.
func secretValue(value string) string {
	for _, s := range secretShapes {
		// The keys in AWS's documentation end like this.
		if m := s.shape.FindString(value); m != "" && !strings.HasSuffix(m, "EXAMPLE") {
			return s.kind
		}
	}
	if strings.Contains(value, "://") {
		if u, err := url.Parse(value); err == nil && u.User != nil && !isLocal(u.Hostname()) {
			if password, ok := u.User.Password(); ok && secretNameCanHold(password) && password != u.User.Username() && !slices.Contains(examplePasswords, password) {
				return "a URL with a password in it"
			}
		}
	}
	return ""
}

// isLocal tells whether a host is there for development only.
func isLocal(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return host == "" || host == "localhost" || host == "host.docker.internal" ||
		strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".example") ||
		host == "example.com" || strings.HasSuffix(host, ".example.com")
}
