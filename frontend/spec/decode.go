package spec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of a spec. A spec is written by people; what is beyond these is a
// mistake or an attack, and is refused before it costs memory or time.
const (
	// MaxBytes is the largest spec that is read.
	MaxBytes = 4 << 20
	// maxNodes bounds the values of a spec after aliases are followed, so that
	// nested aliases cannot multiply without end.
	maxNodes = 200_000
	// maxText bounds the bytes of names and values after aliases are followed and
	// variables are replaced, likewise.
	maxText = 64 << 20
	// maxDepth bounds how many merge keys lead from one to the next. How deep
	// values nest is bounded by the types that they are decoded into.
	maxDepth = 64
	// maxProblems bounds what is reported: each problem is shown with its lines,
	// and nobody reads on after so many.
	maxProblems = 50
)

// decoder fills Go values from YAML nodes. It goes on after a mistake, so that
// one run reports all of them.
type decoder struct {
	file     string
	lines    []string
	runes    map[int]sourceLine
	problems Problems
	// mistakes counts the problems found, reported also those that were
	// reached before through another alias.
	mistakes int
	reported map[report]bool
	at       positions
	// unknown holds the mappings with keys that are not known: what is missing
	// from them may be there under a misspelled name.
	unknown map[string]bool
	nodes   int
	merged  int
	spent   int
	// vars gives variables their values; nil where there are none to have.
	vars *expander
	// overflow is set once a limit was passed: nothing more is decoded.
	overflow bool
}

func newDecoder(file, text string) *decoder {
	return &decoder{
		file:     file,
		lines:    strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"),
		runes:    map[int]sourceLine{},
		reported: map[report]bool{},
		at:       newPositions(),
		unknown:  map[string]bool{},
	}
}

// report tells problems apart. A mistake in an anchor is reached once for each
// of its aliases, with another path in its message, and is still one mistake.
type report struct {
	at     Position
	format string
}

// custom is implemented by types that have more than one form, such as a word
// that is short for a mapping.
type custom interface {
	decode(d *decoder, n *yaml.Node, path Path)
}

func (d *decoder) problemAt(r Range, format string, args ...any) {
	d.mistakes++
	id := report{r.Start, format}
	if d.reported[id] || len(d.problems) > maxProblems {
		return
	}
	d.reported[id] = true
	if len(d.problems) == maxProblems {
		d.overflow = true
		r, format, args = Range{}, "the spec has more mistakes than the %d listed here; mend these first", []any{maxProblems}
	}
	d.problems = append(d.problems, &Problem{File: d.file, Range: r, Message: fmt.Sprintf(format, args...)})
}

// faulty tells whether a problem was reported at the start of r.
func (d *decoder) faulty(r Range) bool {
	return slices.ContainsFunc(d.problems, func(p *Problem) bool { return p.Range.Start == r.Start })
}

func (d *decoder) problem(n *yaml.Node, format string, args ...any) {
	d.problemAt(d.rangeOf(n), format, args...)
}

// spend counts the bytes of a name or a value. It returns false when there are
// too many of them.
func (d *decoder) spend(n *yaml.Node, bytes int) bool {
	if d.spent += bytes; d.spent > maxText && !d.overflow {
		d.overflow = true
		d.problem(n, "the spec has more than %d bytes once its aliases are followed and its variables replaced; a spec that large is refused", maxText)
	}
	return !d.overflow
}

// value decodes n into v, which must be settable.
func (d *decoder) value(n *yaml.Node, path Path, v reflect.Value) {
	if d.overflow {
		return
	}
	if d.nodes++; d.nodes > maxNodes {
		d.overflow = true
		d.problem(n, "the spec has more than %d values once its aliases are followed; a spec that large is refused", maxNodes)
		return
	}
	id := path.id()
	if !d.spend(n, len(id)+len(n.Value)) {
		return
	}
	if !d.at.hasValue(id) {
		d.at.values[id] = d.rangeOf(n)
	}
	if n.Kind == yaml.AliasNode {
		d.value(n.Alias, path, v)
		return
	}
	if d.foreignTag(n, path) {
		return
	}

	if c, ok := v.Addr().Interface().(custom); ok {
		c.decode(d, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.value(n, path, p.Elem())
		v.Set(p)
	case reflect.String:
		if s, ok := d.scalar(n, path); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		if b, ok := d.boolean(n, path); ok {
			v.SetBool(b)
		}
	case reflect.Int:
		s, ok := d.scalar(n, path)
		if !ok {
			return
		}
		i, err := strconv.Atoi(s)
		if errors.Is(err, strconv.ErrRange) {
			d.problem(n, "%s is out of range; %s is more than any number here can be", last(path), clip(s))
			return
		}
		if err != nil {
			d.problem(n, "%s must be a whole number, not %s", last(path), quote(s))
			return
		}
		v.SetInt(int64(i))
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.Map:
		d.table(n, path, v)
	case reflect.Struct:
		d.mapping(n, path, v)
	default:
		d.problem(n, "%s cannot be read", last(path))
	}
}

// foreignTag refuses a YAML tag that asks for what a spec does not have.
func (d *decoder) foreignTag(n *yaml.Node, path Path) bool {
	if n.Style&yaml.TaggedStyle != 0 && !slices.Contains(plainTags, n.Tag) {
		d.problem(n, "%s has the YAML tag %s, which means nothing in a spec; remove it, or put the value in quotes if the exclamation mark is part of it", last(path), quote(n.Tag))
		return true
	}
	return false
}

// plainTags only say what a value is taken for anyway.
var plainTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map", "!!merge"}

// scalar returns the text of n as it was written: 1.30 stays 1.30, 0644 stays
// 0644, and yes stays yes.
func (d *decoder) scalar(n *yaml.Node, path Path) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.wrongKind(n, path, "a single value")
		return "", false
	}
	if isNull(n) {
		d.noValue(n, path)
		return "", false
	}
	if d.foreignTag(n, path) {
		return "", false
	}
	s, ok := d.expand(n, path, n.Value)
	if ok && strings.ContainsRune(s, 0) {
		d.problem(n, "%s contains a NUL character, which no name, path or argument can hold; remove it", last(path))
		return "", false
	}
	return s, ok
}

// wrongKind reports that n is not what path takes.
func (d *decoder) wrongKind(n *yaml.Node, path Path, want string) {
	if isNull(n) {
		d.noValue(n, path)
		return
	}
	d.problem(n, "%s must be %s, not a %s", subject(path), want, kindOf(n))
}

func (d *decoder) noValue(n *yaml.Node, path Path) {
	if inList(path) {
		d.problem(n, "%s has no value; write one or remove the entry", last(path))
		return
	}
	d.problem(n, "%s has no value; write one or remove the key", last(path))
}

// nonEmpty refuses the empty text, which names nothing. n may be an alias.
func (d *decoder) nonEmpty(n *yaml.Node, path Path, s string) {
	switch {
	case s != "":
	case resolve(n).Value != "":
		d.problem(n, "%s is empty once its variables are replaced; give them values, or write ${NAME:-default}", last(path))
	default:
		d.problem(n, "%s must not be empty text; write a value or remove it", last(path))
	}
}

func (d *decoder) boolean(n *yaml.Node, path Path) (value, ok bool) {
	if n.Kind != yaml.ScalarNode {
		d.wrongKind(n, path, "true or false")
		return false, false
	}
	s, ok := d.scalar(n, path)
	if !ok {
		return false, false
	}
	switch s {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	d.problem(n, "%s must be true or false, not %s", last(path), quote(s))
	return false, false
}

func (d *decoder) list(n *yaml.Node, path Path, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		switch {
		case v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != reflect.TypeFor[Capability]():
			d.wrongKind(n, path, "a list such as ["+example(path.Join("0"))+"]")
		case n.Kind == yaml.ScalarNode && !isNull(n):
			entry := clip(n.Value)
			if strings.ContainsAny(entry, "[]{},:#\"'") {
				entry = quote(n.Value)
			}
			d.problem(n, "%s must be a list, also when it has one entry only: write [%s]", last(path), entry)
		default:
			d.wrongKind(n, path, "a list such as [a, b]")
		}
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, c := range n.Content {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(c, path.Join(strconv.Itoa(i)), e)
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

// table decodes a mapping whose keys are the user's own names.
func (d *decoder) table(n *yaml.Node, path Path, v reflect.Value) {
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, p := range pairs {
		if strings.Contains(p.name, "${") && last(path) != "targets" {
			d.problem(p.key, "%s is a key, and variables are replaced in values only; write the name itself", quote(p.name))
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, path.Join(p.name), e)
		out.SetMapIndex(reflect.ValueOf(p.name), e)
	}
	v.Set(out)
}

// mapping decodes a mapping with fixed keys into a struct.
func (d *decoder) mapping(n *yaml.Node, path Path, v reflect.Value) {
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	fields := fieldsOf(v.Type())
	for _, p := range pairs {
		i, ok := fields[p.name]
		if !ok {
			if len(path) == 0 && strings.HasPrefix(p.name, "x-") {
				continue
			}
			d.unknownKey(p.key, p.name, path, v)
			continue
		}
		before, f := d.mistakes, v.Field(i)
		d.value(p.value, path.Join(p.name), f)
		if f.Kind() == reflect.String && d.mistakes == before {
			d.nonEmpty(p.value, path.Join(p.name), f.String())
		}
	}
}

func (d *decoder) unknownKey(key *yaml.Node, name string, path Path, v reflect.Value) {
	d.unknown[path.id()] = true
	known := keysOf(v.Type())
	where := "at the top level"
	if len(path) > 0 {
		where = "in " + describe(path)
	}
	hint := DidYouMean(name, known)
	for _, word := range synonyms[strings.ToLower(name)] {
		if slices.Contains(known, word) {
			hint = fmt.Sprintf("; did you mean %q?", word)
		}
	}
	if h := foreignWord(name, path, known); h != "" {
		hint = "; " + h
	}
	switch {
	case hint != "":
	case strings.HasPrefix(name, "x-"):
		hint = "; keys that start with x- are for the top level, where they are ignored"
	case len(known) == 1:
		hint = "; the only key is " + known[0]
	default:
		hint = "; known keys are " + prose(known)
	}
	d.problem(key, "unknown key %s %s%s", quote(name), where, hint)
}

// pair is one entry of a mapping, with merge keys already followed.
type pair struct {
	key   *yaml.Node
	name  string
	value *yaml.Node
}

// pairs lists the entries of a mapping in the order of the file. What a merge
// key brings in gives way to what the mapping says itself.
func (d *decoder) pairs(n *yaml.Node, path Path) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		if isNull(n) {
			d.problem(n, "%s is empty; write its keys below it, indented by two spaces", subject(path))
		} else {
			d.wrongKind(n, path, "a mapping such as "+example(path))
		}
		return nil, false
	}
	pairs := d.entries(n, []*yaml.Node{n})
	for _, p := range pairs {
		id := path.Join(p.name).id()
		if !d.spend(p.key, len(id)) {
			return nil, false
		}
		if _, ok := d.at.keys[id]; !ok {
			d.at.keys[id] = d.rangeOf(p.key)
		}
	}
	return pairs, true
}

// entries lists what a mapping says, and then what it merges. open holds the
// nodes being followed, since YAML lets an alias stand inside its own anchor.
func (d *decoder) entries(n *yaml.Node, open []*yaml.Node) []pair {
	var own, merged []pair
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		word := key
		if key.Kind == yaml.AliasNode {
			word = key.Alias
		}
		if !d.spend(key, len(word.Value)) {
			return own
		}
		switch first := seen[word.Value]; {
		case word.Kind != yaml.ScalarNode:
			d.problem(key, "a key must be a single word, not a %s; put it in quotes if its brackets are part of it", kindOf(word))
			continue
		case word.Value == "":
			d.problem(key, "a key is missing before the colon; write key: value")
			continue
		case first != nil && isMerge(word):
			d.problem(key, "<< is written twice; it is already on line %d, so join them: <<: [*one, *two]", first.Line)
			continue
		case first != nil:
			d.problem(key, "%s is written twice; it is already on line %d, so remove one of them", quote(word.Value), first.Line)
			continue
		}
		seen[word.Value] = key
		if isMerge(word) {
			merged = d.merge(value, open)
			continue
		}
		own = append(own, pair{key: key, name: word.Value, value: value})
	}
	for _, p := range merged {
		if _, ok := seen[p.name]; !ok {
			seen[p.name] = p.key
			own = append(own, p)
		}
	}
	return own
}

// merge lists what a merge key brings in: one mapping, or several, of which the
// first wins.
func (d *decoder) merge(n *yaml.Node, open []*yaml.Node) []pair {
	if d.overflow {
		return nil
	}
	at := n
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case slices.Contains(open, n):
		d.problem(at, "<< merges a mapping into itself here, which would never end; remove it")
		return nil
	case len(open) > maxDepth:
		d.overflow = true
		d.problem(at, "more than %d merge keys lead from one to the next here; merge fewer", maxDepth)
		return nil
	}
	open = append(slices.Clip(open), n)
	var out []pair
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if r := resolve(c); r.Kind == yaml.SequenceNode && !slices.Contains(open, r) {
				d.problem(c, "<< takes mappings: write <<: [*one, *two], and no list in the list")
				continue
			}
			out = append(out, d.merge(c, open)...)
		}
	case yaml.MappingNode:
		out = d.entries(n, open)
	default:
		d.problem(at, "<< takes a mapping: write <<: *anchor or <<: [*one, *two], not %s", article(kindOf(n)))
	}
	// Mappings are merged over and over before any value of theirs is decoded,
	// so that the values alone do not bound the work.
	if d.merged += 1 + len(out); d.merged > maxNodes && !d.overflow {
		d.overflow = true
		d.problem(at, "the merge keys up to here bring in more than %d values; a spec that large is refused", maxNodes)
		return nil
	}
	return out
}

func isMerge(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "list"
	case yaml.MappingNode:
		return "mapping"
	}
	if isNull(n) {
		return "empty value"
	}
	return "single value"
}

func article(kind string) string {
	if strings.HasPrefix(kind, "e") {
		return "an " + kind
	}
	return "a " + kind
}

// fieldsOf maps the keys of a struct to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	out := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if name, ok := keyOf(t.Field(i)); ok {
			out[name] = i
		}
	}
	return out
}

// keysOf lists the keys of a struct in the order of its fields.
func keysOf(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if name, ok := keyOf(t.Field(i)); ok {
			out = append(out, name)
		}
	}
	return out
}

func keyOf(f reflect.StructField) (string, bool) {
	tag, ok := f.Tag.Lookup("yaml")
	return tag, ok && tag != "-"
}

func last(path Path) string {
	if len(path) == 0 {
		return "the spec"
	}
	if inList(path) {
		return "an entry of " + last(path[:len(path)-1])
	}
	return clip(path[len(path)-1])
}

// example is a mapping that path takes.
func example(path Path) string {
	switch {
	case len(path) == 1 && path[0] == "targets":
		return "{app: {build: ./cmd/app}}"
	case len(path) == 2 && path[0] == "targets":
		return "{build: ./cmd/app}"
	case inList(path) && path[len(path)-2] == "copy":
		return "{src: config/, dest: /etc/app/}"
	case inList(path) && path[len(path)-2] == "dirs":
		return "{path: /data}"
	case inList(path) && path[len(path)-2] == "append":
		return "{src: company.pem, from: corp}"
	case last(path) == "args":
		return "{VERSION: dev}"
	case last(path) == "metadata":
		return "{title: My program}"
	case last(path) == "stamp":
		return "{main.version: 1.2.3}"
	}
	return "{NAME: value}"
}

// inList tells whether path names an entry of a list. Keys of tables may be
// numbers too.
func inList(path Path) bool {
	if len(path) < 2 {
		return false
	}
	_, err := strconv.Atoi(path[len(path)-1])
	return err == nil && !slices.Contains(tables, path[len(path)-2])
}

// tables are the keys whose mappings have names of the user's own.
var tables = []string{"args", "targets", "env", "labels", "annotations", "stamp"}

func subject(path Path) string {
	if len(path) == 2 && path[0] == "targets" {
		return "target " + quote(path[1])
	}
	return last(path)
}

func describe(path Path) string {
	switch {
	case inList(path):
		return "an entry of " + describe(path[:len(path)-1])
	case len(path) == 2 && path[0] == "targets":
		return "target " + quote(path[1])
	case len(path) > 2 && path[0] == "targets":
		return strings.Join(path[2:], ".") + " of target " + quote(path[1])
	}
	return path.String()
}

// clip keeps a user's word in a message short enough to read, and on one line.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// quote marks a user's word in a message. It is escaped only when it would be
// misread: paths of Windows keep their backslashes.
func quote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return clip(strconv.Quote(s))
	}
	return `"` + clip(s) + `"`
}
