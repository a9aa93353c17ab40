package spec

import (
	"path"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// CACertificates is the bundle of certificate authorities. true and false are
// short for the bundle as it is, and for none.
type CACertificates struct {
	// Append lists PEM files whose certificates join the bundle.
	Append Certificates `yaml:"append"`

	off bool
}

func (c *CACertificates) decode(d *decoder, n *yaml.Node, p Path) {
	switch n.Kind {
	case yaml.ScalarNode:
		if b, ok := d.boolean(n, p); ok {
			c.off = !b
		}
	case yaml.SequenceNode:
		d.wrongKind(n, p, "true, false or a mapping such as {append: [certs/company.pem]}")
	default:
		d.mapping(n, p, reflect.ValueOf(c).Elem())
	}
}

// Certificates are PEM files. One alone may be written without a list.
type Certificates []Certificate

func (c *Certificates) decode(d *decoder, n *yaml.Node, p Path) {
	if n.Kind != yaml.SequenceNode {
		var one Certificate
		one.decode(d, n, p)
		*c = Certificates{one}
		return
	}
	var list []Certificate
	d.list(n, p, reflect.ValueOf(&list).Elem())
	if len(list) == 0 {
		d.problem(n, "%s is an empty list; name at least one or remove the key", last(p))
	}
	*c = list
}

// Certificate is a PEM file. Its path is short for {src: …}.
type Certificate struct {
	// Src is the file, relative to the root of its context.
	Src string `yaml:"src"`
	// From is the named context that has the file. Default: the build context.
	From string `yaml:"from"`
}

func (c *Certificate) decode(d *decoder, n *yaml.Node, p Path) {
	before, src := d.mistakes, p.Join("src")
	switch n.Kind {
	case yaml.ScalarNode:
		src = p
		if s, ok := d.scalar(n, p); ok {
			c.Src = s
			d.nonEmpty(n, p, s)
		}
	case yaml.MappingNode:
		d.mapping(n, p, reflect.ValueOf(c).Elem())
	default:
		d.wrongKind(n, p, "a path such as certs/company.pem, or a mapping such as {src: company.pem, from: corp}")
	}
	if d.mistakes > before {
		return
	}
	switch at := d.at.value(src); {
	case c.Src == "":
		d.problemAt(d.at.value(p), "a certificate needs its file: write {src: company.pem, from: corp}")
	case strings.HasPrefix(c.Src, "-----BEGIN"):
		d.problemAt(at, "%s takes the path of a PEM file, not what is in it; write the certificate to a file such as certs/company.pem", last(p))
	case strings.Contains(c.Src, "\\"):
		d.problemAt(at, "src is written with slashes: write %s", quote(strings.ReplaceAll(c.Src, "\\", "/")))
	case c.From == "" && (path.IsAbs(c.Src) || leavesContext(c.Src)):
		d.problemAt(at, "%s is not a path in the build context; write one relative to its root, such as certs/company.pem", quote(c.Src))
	case path.IsAbs(c.Src) || leavesContext(c.Src):
		d.problemAt(at, "%s is not a path in the context %s; write one relative to its root, such as company.pem", quote(c.Src), clip(c.From))
	}
	if c.From != "" && !contextName.MatchString(c.From) {
		d.problemAt(d.at.value(p.Join("from")), "%s cannot be the name of a context; write one as given to --build-context, such as corp", quote(c.From))
	}
	c.Src = path.Clean(c.Src)
}

// CertificatePath is where, below the path of the certificates, the file of the
// i-th was written.
func (c Certificates) CertificatePath(i int) Path {
	if c[i].From != "" {
		return Path{strconv.Itoa(i), "src"}
	}
	return Path{strconv.Itoa(i)}
}
