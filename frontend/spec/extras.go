package spec

import (
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Extras is what an image gets besides its binary. A list of names is short for
// a mapping of each to true; none, or an empty list, is nothing but the binary.
type Extras struct {
	// CACertificates is the bundle of certificate authorities that TLS clients
	// trust. Default: on.
	CACertificates *CACertificates `yaml:"ca-certificates"`
	// TZData is the time zone database. Default: off.
	TZData *Switch `yaml:"tzdata"`
	// Passwd is /etc/passwd and /etc/group with the user and root, and the
	// user's home. Default: on.
	Passwd *Switch `yaml:"passwd"`
	// Tmp is /tmp, which everyone may write to. Default: on.
	Tmp *Switch `yaml:"tmp"`
	// Nsswitch is /etc/nsswitch.conf, which tells glibc and old Go programs to look
	// names up in files before DNS. Default: off.
	Nsswitch *Switch `yaml:"nsswitch"`
	// Hosts is /etc/hosts with localhost; container runtimes put their own over it.
	// Default: off.
	Hosts *Switch `yaml:"hosts"`
	// SBOM is the SPDX document of the image, /usr/share/sbom/<target>.spdx.json, for
	// scanners that see nothing but its files. Default: off.
	SBOM *Switch `yaml:"sbom"`
	// Dirs are directories to create.
	Dirs []Dir `yaml:"dirs"`

	none bool
}

// Switch is an extra that is on or off.
type Switch bool

func (s *Switch) decode(d *decoder, n *yaml.Node, path Path) {
	if n.Kind == yaml.MappingNode && last(path) == "tzdata" {
		d.problem(n, "options of tzdata are not supported yet by this version of the frontend; write tzdata: true")
		return
	}
	if b, ok := d.boolean(n, path); ok {
		*s = Switch(b)
	}
}

// CACertificates is the bundle of certificate authorities. true and false are
// short for the bundle as it is, and for none.
type CACertificates struct {
	// Append lists PEM files in the context whose certificates join the bundle.
	Append Words `yaml:"append"`

	off bool
}

func (c *CACertificates) decode(d *decoder, n *yaml.Node, path Path) {
	if n.Kind == yaml.ScalarNode {
		if b, ok := d.boolean(n, path); ok {
			c.off = !b
		}
		return
	}
	if n.Kind == yaml.SequenceNode {
		d.wrongKind(n, path, "true, false or a mapping such as {append: [certs/company.pem]}")
		return
	}
	d.mapping(n, path, reflect.ValueOf(c).Elem())
	for i, p := range c.Append {
		if strings.HasPrefix(p, "/") || leavesContext(p) {
			d.problemAt(d.at.value(path.Join("append", strconv.Itoa(i))), "%s is not a path in the build context; write one relative to its root, such as certs/company.pem", quote(p))
		}
	}
}

func (e *Extras) decode(d *decoder, n *yaml.Node, path Path) {
	switch n.Kind {
	case yaml.ScalarNode:
		s, ok := d.scalar(n, path)
		if !ok {
			return
		}
		if s != "none" {
			d.problem(n, "extras must be a list such as [tzdata], a mapping such as {tmp: false}, or none, not %s", quote(s))
			return
		}
		e.none = true
	case yaml.SequenceNode:
		e.list(d, n, path)
	default:
		d.mapping(n, path, reflect.ValueOf(e).Elem())
	}
}

func (e *Extras) list(d *decoder, n *yaml.Node, path Path) {
	e.none = len(n.Content) == 0
	v := reflect.ValueOf(e).Elem()
	fields := fieldsOf(v.Type())
	for i, c := range n.Content {
		at := path.Join(strconv.Itoa(i))
		word := c
		if c.Kind == yaml.AliasNode {
			word = c.Alias
		}
		if word.Kind != yaml.ScalarNode {
			d.problem(c, "an entry of extras must be the name of an extra, not a %s; write extras as a mapping to give options", kindOf(word))
			continue
		}
		if !d.spend(c, len(word.Value)) {
			return
		}
		name, ok := d.scalar(word, at)
		if !ok {
			continue
		}
		f, known := fields[name]
		if !known {
			names := keysOf(v.Type())
			hint := DidYouMean(name, names)
			if name == "none" {
				hint = "; for nothing but the binary, write extras: none"
			}
			d.problem(c, "there is no extra %s, only %s%s", quote(name), List(names), hint)
			continue
		}
		d.at.keys[path.Join(name).id()] = d.rangeOf(c)
		field := v.Field(f)
		if field.Kind() != reflect.Pointer {
			d.problem(c, "extra %s needs options; write extras as a mapping: {%s: [{path: /data}]}", quote(name), name)
			continue
		}
		field.Set(reflect.New(field.Type().Elem()))
		if s, ok := field.Interface().(*Switch); ok {
			*s = true
		}
	}
}

// with returns e with the extras of a target on top: what the target says wins,
// and what neither says has its default.
func (e Extras) with(t Extras) Extras {
	on := Switch(true)
	off := Switch(false)
	out := Extras{CACertificates: &CACertificates{}, TZData: &off, Passwd: &on, Tmp: &on, Nsswitch: &off, Hosts: &off, SBOM: &off}
	for _, layer := range []Extras{e, t} {
		if layer.none {
			out = Extras{CACertificates: &CACertificates{off: true}, TZData: &off, Passwd: &off, Tmp: &off, Nsswitch: &off, Hosts: &off, SBOM: &off}
		}
		says, merged := reflect.ValueOf(layer), reflect.ValueOf(&out).Elem()
		for _, i := range fieldsOf(says.Type()) {
			if !says.Field(i).IsNil() {
				merged.Field(i).Set(says.Field(i))
			}
		}
	}
	return out
}

// HasCACertificates tells whether the image gets the bundle. It is meant for
// the extras of a target of a parsed spec, where defaults are filled in; so are
// the methods beside it.
func (e Extras) HasCACertificates() bool { return e.CACertificates != nil && !e.CACertificates.off }

// HasTZData tells whether the image gets the time zone database.
func (e Extras) HasTZData() bool { return e.TZData != nil && bool(*e.TZData) }

// HasPasswd tells whether the image gets /etc/passwd and /etc/group.
func (e Extras) HasPasswd() bool { return e.Passwd != nil && bool(*e.Passwd) }

// HasTmp tells whether the image gets /tmp.
func (e Extras) HasTmp() bool { return e.Tmp != nil && bool(*e.Tmp) }

// HasNsswitch tells whether the image gets /etc/nsswitch.conf.
func (e Extras) HasNsswitch() bool { return e.Nsswitch != nil && bool(*e.Nsswitch) }

// HasHosts tells whether the image gets /etc/hosts.
func (e Extras) HasHosts() bool { return e.Hosts != nil && bool(*e.Hosts) }

// HasSBOM tells whether the image gets its SPDX document.
func (e Extras) HasSBOM() bool { return e.SBOM != nil && bool(*e.SBOM) }
