package spec

import (
	"path"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Secret is a secret of the build that the compiler sees, in the words of a
// Dockerfile's RUN --mount=type=secret. Its id alone is short for {id: …}.
type Secret struct {
	// ID is the name that docker buildx build --secret gives it.
	ID string `yaml:"id"`
	// Env is the variable of the environment that holds it. Default: none, it is a
	// file.
	Env string `yaml:"env"`
	// Target is the file that holds it. Default: /run/secrets/<id>.
	Target string `yaml:"target"`
	// Required tells whether a build without it fails. Default: false.
	Required bool `yaml:"required"`
}

// WellKnownSecrets are the ids that mean something without being listed.
var WellKnownSecrets = []string{"netrc", "gitconfig", "goproxy", "cargo-token", "build-ca"}

var (
	secretID     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (s *Secret) decode(d *decoder, n *yaml.Node, p Path) {
	before, at := d.mistakes, p.Join("id")
	if n.Kind == yaml.ScalarNode {
		at = p
		s.ID, _ = d.scalar(n, p)
		d.nonEmpty(n, p, s.ID)
	} else {
		d.mapping(n, p, reflect.ValueOf(s).Elem())
	}
	if d.mistakes > before {
		return
	}
	if s.ID == "" {
		d.problemAt(d.at.value(p), "an entry of secrets needs the id that --secret gives it: write {id: token, env: API_TOKEN}")
		return
	}
	if !secretID.MatchString(s.ID) {
		d.problemAt(d.at.value(at), "%s cannot be the id of a secret; write one as given to --secret id=…, such as token", quote(s.ID))
	}
	if s.Env != "" && !variableName.MatchString(s.Env) {
		d.problemAt(d.at.value(p.Join("env")), "%s cannot be the name of a variable; write one such as API_TOKEN", quote(s.Env))
	}
	if s.Target == "" {
		return
	}
	if !path.IsAbs(s.Target) || path.Clean(s.Target) == "/" || strings.HasSuffix(s.Target, "/") {
		d.problemAt(d.at.value(p.Join("target")), "target is the absolute path of a file: write /run/secrets/%s", clip(s.ID))
	}
}
