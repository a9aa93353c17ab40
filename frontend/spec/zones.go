package spec

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tzdata is the time zone database. true and false are short for all of it, and
// for none.
type Tzdata struct {
	// Zones lists the time zones to have, by their names in the database, such as
	// UTC or Europe/Paris. Default: all of them.
	Zones Words `yaml:"zones"`

	off bool
}

// zoneName is what can be a path in the database, blanks included, which people
// write for the underscores of names. None has a dot; what has, is no zone.
var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+ -]+(/[A-Za-z0-9_+ -]+)*$`)

func (z *Tzdata) decode(d *decoder, n *yaml.Node, p Path) {
	switch n.Kind {
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "/") && zoneName.MatchString(n.Value) {
			d.problem(n, "tzdata must be true or false, not %s; for that zone alone, write tzdata: {zones: [%s]}", quote(n.Value), clip(n.Value))
			return
		}
		if b, ok := d.boolean(n, p); ok {
			z.off = !b
		}
	case yaml.SequenceNode:
		d.wrongKind(n, p, "true, false or a mapping such as {zones: [UTC, Europe/Paris]}")
	default:
		d.mapping(n, p, reflect.ValueOf(z).Elem())
		for i, name := range z.Zones {
			z.validate(d, name, p.Join("zones", strconv.Itoa(i)))
		}
	}
}

func (z *Tzdata) validate(d *decoder, name string, at Path) {
	if name == "" || zoneName.MatchString(name) {
		return
	}
	instead := "UTC or Europe/Paris"
	short := strings.TrimLeft(strings.ReplaceAll(name, "\\", "/"), "/")
	if _, after, ok := strings.Cut(short, "usr/share/zoneinfo/"); ok {
		short = after
	}
	if zoneName.MatchString(short) {
		instead = short
	}
	d.problemAt(d.at.value(at), "%s cannot be the name of a time zone; write one as the database has it, such as %s", quote(name), instead)
}
