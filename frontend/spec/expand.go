package spec

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Predefined lists the arguments that every spec has without declaring them, as
// every Dockerfile has them. TARGET, the name of the target, is known inside of
// targets only.
var Predefined = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT",
	"BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT",
	"SOURCE_DATE_EPOCH", argTarget,
}

const argTarget = "TARGET"

// Arg is an argument that a spec declares.
type Arg struct {
	Name string
	// Default is its value when the request gives none; nil when there is none.
	Default *string
	// Range is where it was declared.
	Range Range
	// Used tells whether any value of the spec refers to it.
	Used bool
}

// args maps the arguments that a spec declares to their defaults. A list of
// names declares arguments without one.
type args map[string]*Arg

// argName is what a variable can be called in a value.
var argName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (a *args) decode(d *decoder, n *yaml.Node, path Path) {
	*a = args{}
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			name := resolve(c)
			if name.Kind != yaml.ScalarNode || isNull(name) {
				d.problem(c, "an entry of args must be the name of an argument, not %s; to give defaults, write args as a mapping: {NAME: default}", article(kindOf(name)))
				continue
			}
			if !d.spend(c, len(name.Value)) {
				return
			}
			d.at.keys[path.Join(name.Value).id()] = d.rangeOf(c)
			a.declare(d, c, name.Value, nil)
		}
		return
	}
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	for _, p := range pairs {
		if isNull(resolve(p.value)) {
			a.declare(d, p.key, p.name, nil)
			continue
		}
		var s string
		d.value(p.value, path.Join(p.name), reflect.ValueOf(&s).Elem())
		if strings.Contains(s, "${") {
			d.problem(p.value, "variables are not replaced in the defaults of arguments; write the value of %s itself", clip(p.name))
		}
		a.declare(d, p.key, p.name, &s)
	}
}

func (a *args) declare(d *decoder, at *yaml.Node, name string, value *string) {
	first := (*a)[name]
	switch before, after, assigned := strings.Cut(name, "="); {
	case first != nil:
		d.problem(at, "%s is declared twice; it is already on line %d, so remove one of them", clip(name), first.Range.Start.Line)
	case slices.Contains(Predefined, name):
		d.problem(at, "%s is there without being declared; remove it", name)
	case argName.MatchString(name):
		(*a)[name] = &Arg{Name: name, Default: value, Range: d.rangeOf(at)}
	case assigned && argName.MatchString(before):
		d.problem(at, "a default stands behind a colon: write args: {%s: %s}", clip(before), clip(after))
	default:
		d.problem(at, "%s cannot be the name of an argument; use letters, digits and '_', and no digit first", quote(name))
	}
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// expander knows the values of variables.
type expander struct {
	declared args
	values   map[string]string
	used     map[string]bool
	// hints remembers what to write instead of an unknown name, since an anchor is
	// read once for each of its aliases.
	hints map[string]string
	// keep tells whether a variable stays in a value; nil for none.
	keep func(at Path, name string) bool
}

func newExpander(declared args, vars map[string]string) *expander {
	e := &expander{declared: declared, values: map[string]string{}, used: map[string]bool{}, hints: map[string]string{}}
	for name, a := range declared {
		if a.Default != nil {
			e.values[name] = *a.Default
		}
		if v, ok := vars[name]; ok {
			e.values[name] = v
		}
	}
	for _, name := range Predefined {
		if v, ok := vars[name]; ok {
			e.values[name] = v
		}
	}
	return e
}

// expand replaces the variables of a value that was written at path. A dollar
// sign that neither a name nor a brace follows is an ordinary character, as are
// quotes and backslashes.
func (d *decoder) expand(n *yaml.Node, path Path, s string) (string, bool) {
	if d.vars == nil || !strings.Contains(s, "$") || len(path) == 0 || path[0] == "args" {
		return s, true
	}
	x := expansion{decoder: d, node: n, path: path, rest: s}
	if len(path) > 2 && path[0] == "targets" {
		x.target = path[1]
	}
	if !x.text(0, true) {
		return "", false
	}
	return x.out.String(), true
}

// expansion is one value on its way from what was written to what it means. Its
// methods return false after a problem.
type expansion struct {
	*decoder
	node *yaml.Node
	path Path
	// target is the target that the value belongs to, if any.
	target string
	// rest is what is still to be read.
	rest string
	out  strings.Builder
}

// maxBraces bounds how deep variables stand in the defaults of others.
const maxBraces = 16

const variableForms = "write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign"

// text reads up to the end or, inside of braces, behind the one that closes
// them. What is not wanted, as the default of a variable that has a value, is
// checked and left out.
func (x *expansion) text(braces int, wanted bool) bool {
	stops := "$"
	if braces > 0 {
		stops = "$}"
	}
	for {
		i := strings.IndexAny(x.rest, stops)
		if i < 0 && braces > 0 {
			return x.open()
		}
		if i < 0 {
			return x.write(x.rest, wanted)
		}
		if !x.write(x.rest[:i], wanted) {
			return false
		}
		if x.rest = x.rest[i:]; x.rest[0] == '}' {
			x.rest = x.rest[1:]
			return true
		}
		if !x.dollar(braces, wanted) {
			return false
		}
	}
}

// dollar reads what a dollar sign starts.
func (x *expansion) dollar(braces int, wanted bool) bool {
	behind := x.rest[1:]
	if strings.HasPrefix(behind, "{") {
		return x.braced(braces, wanted)
	}
	name := nameIn(behind)
	switch {
	case strings.HasPrefix(behind, "$"):
		x.rest = behind[1:]
		return x.write("$", wanted)
	case name == "":
		x.rest = behind
		return x.write("$", wanted)
	case !argName.MatchString(name):
		return x.refuse("$" + name)
	}
	x.rest = behind[len(name):]
	return x.variable(name, wanted)
}

// braced reads ${NAME}, ${NAME:-default} or ${NAME:+alternative}.
func (x *expansion) braced(braces int, wanted bool) bool {
	name := nameIn(x.rest[2:])
	behind := x.rest[2+len(name):]
	alternative := strings.HasPrefix(behind, ":+")
	switch end := strings.IndexByte(x.rest, '}'); {
	case end < 0:
		return x.open()
	case !argName.MatchString(name):
		return x.refuse(x.rest[:end+1])
	case behind[0] == '}':
		x.rest = behind[1:]
		return x.variable(name, wanted)
	case !alternative && !strings.HasPrefix(behind, ":-"):
		return x.refuse(x.rest[:end+1])
	case braces == maxBraces:
		x.problem(x.node, "%s has more than %d variables inside of one another; use fewer", last(x.path), maxBraces)
		return false
	}
	value, _, ok := x.lookup(name)
	if ok && x.keeps(name, wanted) {
		x.rest = behind[2:]
		return x.write(string(symbolOpen)+name+behind[:2], true) && x.text(braces+1, true) && x.write(string(symbolClose), true)
	}
	if !ok || !alternative && !x.write(value, wanted) {
		return false
	}
	x.rest = behind[2:]
	return x.text(braces+1, wanted && alternative == (value != ""))
}

// variable writes the value that a variable must have.
func (x *expansion) variable(name string, wanted bool) bool {
	value, set, ok := x.lookup(name)
	if ok && x.keeps(name, wanted) {
		return x.write(string(symbolOpen)+name+string(symbolClose), true)
	}
	if ok && wanted && !set {
		x.problem(x.node, "%s has no value; pass one with --build-arg %s=…, or write ${%s:-default}", clip(name), clip(name), clip(name))
		return false
	}
	return ok && x.write(value, wanted)
}

// keeps tells whether a variable stays in the value.
func (x *expansion) keeps(name string, wanted bool) bool {
	return wanted && name != argTarget && x.vars.keep != nil && x.vars.keep(x.path, name)
}

// lookup finds the value of a variable. It is an error if there can be none.
func (x *expansion) lookup(name string) (value string, set, ok bool) {
	e := x.vars
	switch {
	case name == argTarget && x.target != "":
		return x.target, true, true
	case name == argTarget:
		x.problem(x.node, "TARGET is the name of a target, and is known inside of targets only")
		return "", false, false
	case e.declared[name] == nil && !slices.Contains(Predefined, name):
		x.problem(x.node, "%s refers to %s, which is no argument of this spec%s", last(x.path), clip(name), e.hint(name))
		return "", false, false
	}
	e.used[name] = true
	value, set = e.values[name]
	return value, set, true
}

func (x *expansion) write(s string, wanted bool) bool {
	if !wanted {
		return true
	}
	x.out.WriteString(s)
	return x.spend(x.node, len(s))
}

func (x *expansion) open() bool {
	x.problem(x.node, "%s has a variable whose brace is not closed; "+variableForms, last(x.path))
	return false
}

func (x *expansion) refuse(written string) bool {
	x.problem(x.node, "%s has %s, which is no variable; "+variableForms, last(x.path), clip(written))
	return false
}

// nameIn is the name at the start of s. It may have letters that no argument can
// have, so that all of it can be shown.
func nameIn(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end < 0 {
		return s
	}
	return s[:end]
}

// hint says what to write instead of a name that is not known.
func (e *expander) hint(name string) string {
	hint, ok := e.hints[name]
	if !ok {
		hint = DidYouMean(name, append(slices.Sorted(maps.Keys(e.declared)), Predefined...))
		if hint == "" {
			hint = "; declare it at the top level, args: {" + clip(name) + ": default}, or write $$ for a dollar sign"
		}
		e.hints[name] = hint
	}
	return hint
}
