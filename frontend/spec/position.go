package spec

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Position is a place in the spec file. Lines and columns count from 1, columns
// in runes.
type Position struct {
	Line   int
	Column int
}

func (p Position) before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Column < q.Column
}

// Range is a stretch of the spec file. End is the position behind its last
// rune; it is on Start's line for everything but block scalars.
type Range struct {
	Start Position
	End   Position
}

// IsZero tells whether r points nowhere.
func (r Range) IsZero() bool { return r.Start.Line == 0 }

func (r Range) String() string {
	return strconv.Itoa(r.Start.Line) + ":" + strconv.Itoa(r.Start.Column)
}

// Path names a place in the spec by its keys: "targets", "api", "build".
// Elements of lists are named by their index.
type Path []string

func (p Path) String() string { return strings.Join(p, ".") }

// Join returns p with more keys at its end; p is left alone.
func (p Path) Join(keys ...string) Path {
	return append(append(make(Path, 0, len(p)+len(keys)), p...), keys...)
}

func (p Path) id() string { return strings.Join(p, "\x00") }

// positions remembers where keys and values were written.
type positions struct {
	keys   map[string]Range
	values map[string]Range
}

func newPositions() positions {
	return positions{keys: map[string]Range{}, values: map[string]Range{}}
}

func (p positions) hasValue(id string) bool {
	_, ok := p.values[id]
	return ok
}

// value finds the value at path, or its nearest ancestor that was written: a
// default has the position of what it belongs to.
func (p positions) value(path Path) Range {
	for ; ; path = path[:len(path)-1] {
		if r, ok := p.values[path.id()]; ok {
			return r
		}
		if len(path) == 0 {
			return Range{}
		}
	}
}

// key finds the key at path, or its nearest ancestor that was written.
func (p positions) key(path Path) Range {
	for ; ; path = path[:len(path)-1] {
		if r, ok := p.keys[path.id()]; ok {
			return r
		}
		if len(path) == 0 {
			return Range{}
		}
	}
}

// sourceLine is a line of the spec, ready for counting columns.
type sourceLine struct {
	runes []rune
	// end is the width of the line without the blanks at its end.
	end int
}

// sourceLine cuts a line into runes once: a spec in flow style may have all of
// its values on one line.
func (d *decoder) sourceLine(n int) sourceLine {
	l, ok := d.runes[n]
	if !ok {
		text := d.lines[n-1]
		l = sourceLine{runes: []rune(text), end: utf8.RuneCountInString(strings.TrimRight(text, " \t"))}
		d.runes[n] = l
	}
	return l
}

// lineRange is the text of a line.
func (d *decoder) lineRange(n int) Range {
	n = min(max(n, 1), len(d.lines))
	l := d.sourceLine(n)
	start := 0
	for start < l.end && unicode.IsSpace(l.runes[start]) {
		start++
	}
	return Range{Start: Position{n, start + 1}, End: Position{n, max(l.end, start+1) + 1}}.clip(l)
}

// rangeOf tells where n was written. yaml.v3 knows where a node starts only, so
// the end of a scalar is read off its source line.
func (d *decoder) rangeOf(n *yaml.Node) Range {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		return d.rangeOf(n.Content[0])
	}
	at := Position{Line: min(max(n.Line, 1), len(d.lines)), Column: max(n.Column, 1)}
	l := d.sourceLine(at.Line)
	at.Column = skipProperties(l, at.Column)
	rest := l.runes[min(at.Column-1, len(l.runes)):]
	width := l.end - at.Column + 1
	switch {
	case n.Kind == yaml.AliasNode:
		width = utf8.RuneCountInString(n.Value) + 1
	case n.Kind != yaml.ScalarNode:
	case n.Style&yaml.SingleQuotedStyle != 0:
		width = quotedWidth(rest, '\'')
	case n.Style&yaml.DoubleQuotedStyle != 0:
		width = quotedWidth(rest, '"')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
	default:
		width = utf8.RuneCountInString(n.Value)
	}
	return Range{Start: at, End: Position{at.Line, at.Column + max(width, 1)}}.clip(l)
}

// clip keeps a range inside its line; the position behind the last rune, where
// a missing value would stand, is still inside.
func (r Range) clip(l sourceLine) Range {
	r.Start.Column = min(r.Start.Column, len(l.runes)+1)
	r.End.Column = min(r.End.Column, len(l.runes)+1)
	return r
}

// skipProperties is the column behind the anchor and the tag at a column, which
// yaml.v3 counts as part of the value. It stays when the value is on a line
// below.
func skipProperties(l sourceLine, column int) int {
	at := column - 1
	for at < l.end && (l.runes[at] == '&' || l.runes[at] == '!') {
		for at < l.end && !unicode.IsSpace(l.runes[at]) {
			at++
		}
		for at < l.end && unicode.IsSpace(l.runes[at]) {
			at++
		}
	}
	if at >= l.end || l.runes[at] == '#' {
		return column
	}
	return at + 1
}

// quotedWidth is the number of runes of the quoted scalar at the start of s, as
// far as it is on this line.
func quotedWidth(s []rune, quote rune) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote == '"':
			i++
		case s[i] == quote && quote == '\'' && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}
