package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const emptySpec = "the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}"

// parseYAML reads the one document of a spec. It returns nil after a problem.
func (d *decoder) parseYAML(text string) *yaml.Node {
	if len(text) > MaxBytes {
		// Without a position, since a client would be sent the file to show it.
		d.problemAt(Range{}, "the spec has %d bytes; more than %d are refused", len(text), MaxBytes)
		return nil
	}
	if !d.isText(text) {
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, second yaml.Node
	err := decodeNode(dec, &doc)
	switch {
	case errors.Is(err, io.EOF):
		d.problemAt(firstColumn, emptySpec)
		return nil
	case err != nil:
		d.yamlError(text)
		return nil
	}
	switch err := decodeNode(dec, &second); {
	case errors.Is(err, io.EOF):
		return doc.Content[0]
	case err != nil:
		d.yamlError(text)
	default:
		d.problem(&second, "the spec has a second YAML document here; a spec is one document, so remove the --- line and what follows, or give it a file of its own")
	}
	return nil
}

var firstColumn = Range{Start: Position{1, 1}, End: Position{1, 1}}

// isText refuses what YAML cannot hold, and the line ends that YAML counts and
// editors do not: with those, every position below would be off.
func (d *decoder) isText(text string) bool {
	at := Position{1, 1}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		here := Range{Start: at, End: Position{at.Line, at.Column + 1}}
		switch {
		case r == utf8.RuneError && size == 1:
			here.End = here.Start
			d.problemAt(here, "the spec is not valid UTF-8 text from here on; save it as UTF-8")
			return false
		case r == '\n':
			at = Position{at.Line + 1, 1}
			continue
		case r == '\r' && strings.HasPrefix(text[i:], "\n"):
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			d.problemAt(here, "there is a line end here that most editors do not show (U+%04X); replace it by an ordinary one", r)
			return false
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			d.problemAt(here, "there is a character here that YAML cannot hold (U+%04X); remove it, or save the spec as UTF-8 if there are many", r)
			return false
		}
		at.Column++
	}
	return true
}

// decodeNode guards against panics of the YAML library: a spec never takes the
// frontend down.
func decodeNode(dec *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("yaml: the text cannot be read")
		}
	}()
	return dec.Decode(into)
}

// syntaxMistakes says in plain words what the YAML library says in its own.
var syntaxMistakes = []struct {
	text   string
	advice string
	// below is set where the library tells the line at which the mapping or the
	// list started, and the mistake is on a line below it.
	below bool
	// parser is set where the library counts lines from 0.
	parser bool
}{
	{text: "tab character", advice: tabAdvice},
	{text: "mapping values are not allowed", advice: "a key cannot stand here; see that it is indented like the keys beside it, that the line above has a colon and a space after its key, and that a value with a colon is in quotes"},
	{text: "could not find expected ':'", advice: "this is neither a key nor a value; write key: value, with a space after the colon"},
	{text: "did not find expected key", below: true, parser: true, advice: "this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket"},
	{text: "did not find expected '-' indicator", below: true, parser: true, advice: "this does not fit the list above; start the line with a dash like the other entries, or indent it like the key of the list"},
	{text: "did not find expected ',' or ']'", parser: true, advice: "a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]"},
	{text: "did not find expected ',' or '}'", parser: true, advice: "a mapping that starts with { on this line is not closed, or lacks a comma between two entries; write it like {a: 1, b: 2}"},
	{text: "did not find expected node content", below: true, parser: true, advice: "there is a comma or a bracket where a value is expected; look for one too many, or put the value in quotes"},
	{text: "did not find expected <document start>", parser: true, advice: "the spec ends before this; remove what follows, or indent it so that it belongs to a key"},
	{text: "found unexpected end of stream", advice: "a quote that opens on this line is never closed; add the closing quote"},
	{text: "found unexpected document indicator", advice: "a quote that opens on this line is not closed before the next --- or ...; add the closing quote"},
	{text: "found unknown escape character", advice: `a backslash in double quotes starts an escape, and there is none like this; use single quotes, or write \\ for a backslash`},
	{text: "did not find expected hexdecimal number", advice: escapeAdvice},
	{text: "found invalid Unicode character escape code", advice: escapeAdvice},
	{text: "found character that cannot start any token", advice: "a value cannot start with %, @ or a backtick; put the value in quotes"},
	{text: "did not find expected alphabetic or numeric character", advice: "a * or & at the start of a value belongs to YAML's aliases and anchors; put the value in quotes"},
	{text: "block sequence entries are not allowed", advice: "a list with dashes cannot start on this line; put each dash on a line of its own below the key, or write the list like [a, b]"},
	{text: "mapping keys are not allowed", advice: "a question mark cannot start a value; put the value in quotes"},
	{text: "did not find expected comment or line break", advice: blockAdvice},
	{text: "found an indentation indicator equal to 0", advice: blockAdvice},
	{text: "directive", advice: directiveAdvice},
	{text: "version number", advice: directiveAdvice},
	{text: "did not find expected digit or '.' character", advice: directiveAdvice},
	{text: "found incompatible YAML document", parser: true, advice: directiveAdvice},
	{text: "tag handle", parser: true, advice: tagAdvice},
	{text: "expected '!'", advice: tagAdvice},
	{text: "expected tag URI", advice: tagAdvice},
	{text: "expected '>'", advice: tagAdvice},
	{text: "octet", advice: tagAdvice},
	{text: "did not find expected whitespace", advice: tagAdvice},
}

const (
	tabAdvice       = "the line is indented with a tab; YAML takes spaces only, so write two spaces a level"
	escapeAdvice    = `\x, \u and \U in double quotes take the number of a character in 2, 4 and 8 hexadecimal digits; use single quotes if the backslash is part of the text`
	blockAdvice     = "nothing but - or + can follow a | or > on its line; put the text on the lines below, indented"
	directiveAdvice = "a line that starts with % is an instruction to YAML, and a spec needs none; remove it"
	tagAdvice       = "an exclamation mark at the start of a value belongs to YAML's tags; put the value in quotes"
)

var (
	yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// syntaxError parses text and returns the line and the words of the library's
// error, or no words when text is fine.
func syntaxError(text string) (line int, message string, read int) {
	src := &byteReader{text: text}
	dec := yaml.NewDecoder(src)
	for {
		var n yaml.Node
		err := decodeNode(dec, &n)
		if errors.Is(err, io.EOF) {
			return 0, "", src.read
		}
		if err != nil {
			m := yamlErrorLine.FindStringSubmatch(err.Error())
			if m == nil {
				return 0, err.Error(), src.read
			}
			line, _ = strconv.Atoi(m[1])
			return line, m[2], src.read
		}
	}
}

// byteReader hands out one byte at a time, so that what was read when a parser
// gives up tells how far it got.
type byteReader struct {
	text string
	read int
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.read == len(r.text) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = r.text[r.read]
	r.read++
	return 1, nil
}

// yamlError reports why text is not YAML.
func (d *decoder) yamlError(text string) {
	// The library leaves out the line of a mark that is on the first line and
	// falls back to another mark. With a line in front, no mark is.
	line, message, read := syntaxError("\n" + text)
	reached := bytes.Count([]byte(text[:max(read-1, 0)]), []byte("\n")) + 1

	if strings.Contains(message, "exceeded max depth") {
		d.problemAt(d.lineRange(reached), "values nest far too deep here; a spec needs no more than five levels")
		return
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		line := d.firstFailure(reached, message, reached)
		at := d.lineRange(line)
		if before, _, ok := strings.Cut(d.lines[line-1], "*"+m[1]); ok {
			at.Start.Column = 1 + utf8.RuneCountInString(before)
			at.End.Column = at.Start.Column + 1 + utf8.RuneCountInString(m[1])
		}
		d.problemAt(at, "there is no anchor &%s above for *%s to repeat; mark a value with it, or put the * in quotes if it is part of the text", clip(m[1]), clip(m[1]))
		return
	}
	for _, known := range syntaxMistakes {
		if !strings.Contains(message, known.text) {
			continue
		}
		if !known.parser {
			line--
		}
		if known.below {
			line = d.firstFailure(reached, message, line)
		}
		if known.advice == tabAdvice || strings.Contains(message, "cannot start any token") {
			if at, ok := d.tabFrom(line); ok {
				d.problemAt(at, tabAdvice)
				return
			}
		}
		advice := known.advice
		if flow := strings.Contains(known.text, "expected ','"); flow && d.hasVariable(line, reached) {
			advice += "; inside of brackets, a variable must be in quotes: \"${NAME}\""
		}
		d.problemAt(d.lineRange(line), "this is not valid YAML: %s", advice)
		return
	}
	d.problemAt(d.lineRange(line-1), "this is not valid YAML: %s", clip(message))
}

// hasVariable tells whether there is a ${ on the lines from first to last.
func (d *decoder) hasVariable(first, last int) bool {
	last = min(last, len(d.lines))
	return slices.ContainsFunc(d.lines[min(max(first-1, 0), last):last], func(l string) bool { return strings.Contains(l, "${") })
}

// firstFailure is the line that brings an error about: the spec fails like this
// with it and not without it. The search goes up from the line that the parser
// reached, for the same words may come from what is merely cut off; it gives up
// for the line it is given.
func (d *decoder) firstFailure(reached int, message string, otherwise int) int {
	size := 1
	for _, l := range d.lines[:min(reached, len(d.lines))] {
		size += len(l) + 1
	}
	// Each step parses the spec once more.
	steps := min(max(8*MaxBytes/size, 2), 50)
	for line := min(reached, len(d.lines)); line > 0 && steps > 0; line, steps = line-1, steps-1 {
		if _, m, _ := syntaxError(strings.Join(d.lines[:line-1], "\n") + "\n"); m != message {
			return line
		}
	}
	return otherwise
}

// tabFrom finds the next line that is indented with a tab.
func (d *decoder) tabFrom(line int) (Range, bool) {
	for i := max(line, 1); i <= len(d.lines); i++ {
		l := d.lines[i-1]
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if col := strings.IndexByte(indent, '\t') + 1; col > 0 && strings.TrimSpace(l) != "" {
			return Range{Start: Position{i, col}, End: Position{i, col + 1}}, true
		}
	}
	return Range{}, false
}
