package spec

import (
	"fmt"
	"reflect"
	"slices"
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
	// TZData is the time zone database, or some zones of it. Default: off.
	TZData *Tzdata `yaml:"tzdata"`
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
	if b, ok := d.boolean(n, path); ok {
		*s = Switch(b)
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
			d.problem(c, "an entry of extras must be the name of an extra, not a %s; write extras as a mapping to give options%s", kindOf(word), asMapping(word, fields))
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
			} else if off, ok := withoutSign(name, names); ok {
				hint = fmt.Sprintf("; to take one away, write extras as a mapping: {%s: false}", off)
			} else if with, _, ok := strings.Cut(name, "="); ok && slices.Contains(names, with) {
				hint = fmt.Sprintf("; to give options, write extras as a mapping: {%s}", options[with])
			}
			d.problem(c, "there is no extra %s, only %s%s", quote(name), List(names), hint)
			continue
		}
		d.at.keys[path.Join(name).id()] = d.rangeOf(c)
		field := v.Field(f)
		if field.Kind() != reflect.Pointer {
			d.problem(c, "extra %s needs options; write extras as a mapping: {%s}", quote(name), options[name])
			continue
		}
		field.Set(reflect.New(field.Type().Elem()))
		if s, ok := field.Interface().(*Switch); ok {
			*s = true
		}
	}
}

// options are examples of extras with their options, as entries of a mapping.
var options = map[string]string{
	"ca-certificates": "ca-certificates: {append: [certs/company.pem]}",
	"tzdata":          "tzdata: {zones: [UTC, Europe/Paris]}",
	"passwd":          "passwd: true",
	"tmp":             "tmp: true",
	"nsswitch":        "nsswitch: true",
	"hosts":           "hosts: true",
	"dirs":            "dirs: [{path: /data}]",
}

// asMapping shows how an entry of a list, which is a mapping itself, is written.
// The list as a whole is not known here, so what it adds is shown alone.
func asMapping(entry *yaml.Node, known map[string]int) string {
	if entry.Kind != yaml.MappingNode || len(entry.Content) != 2 {
		return ""
	}
	key, value := entry.Content[0].Value, resolve(entry.Content[1])
	if _, ok := known[key]; !ok {
		return ""
	}
	if value.Kind == yaml.ScalarNode && (value.Value == "true" || value.Value == "false") {
		return fmt.Sprintf(": {%s: %s}", key, value.Value)
	}
	return fmt.Sprintf(": {%s}", options[key])
}

// withoutSign is the extra that somebody means to take away in a list.
func withoutSign(entry string, names []string) (string, bool) {
	for _, sign := range []string{"-", "!", "no-"} {
		if name, ok := strings.CutPrefix(entry, sign); ok && slices.Contains(names, name) {
			return name, true
		}
	}
	return "", false
}

// with returns e with the extras of a target on top: what the target says wins,
// and what neither says has its default.
func (e Extras) with(t Extras) Extras {
	on := Switch(true)
	off := Switch(false)
	out := Extras{CACertificates: &CACertificates{}, TZData: &Tzdata{off: true}, Passwd: &on, Tmp: &on, Nsswitch: &off, Hosts: &off, SBOM: &off}
	for _, layer := range []Extras{e, t} {
		if layer.none {
			out = Extras{CACertificates: &CACertificates{off: true}, TZData: &Tzdata{off: true}, Passwd: &off, Tmp: &off, Nsswitch: &off, Hosts: &off, SBOM: &off}
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
func (e Extras) HasTZData() bool { return e.TZData != nil && !e.TZData.off }

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
