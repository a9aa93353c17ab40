package spec

import "strings"

// Marks around a variable that a value keeps. They are characters of Unicode's private
// use area, which nobody writes; a spec that has one of them keeps no variables.
const (
	symbolOpen  = '\uE000'
	symbolClose = '\uE001'
)

// Segment is a part of a value that keeps its variables.
type Segment struct {
	// Text is what stands there as it is, when Name is empty.
	Text string
	// Name is the name of a variable.
	Name string
	// Form is what follows the name: nothing, ":-" for a default or ":+" for an
	// alternative, which is Word.
	Form string
	Word []Segment
}

// Segments takes a value of [Document.ResolveSymbols] apart.
func Segments(value string) []Segment {
	out, _ := segments(value)
	return out
}

// segments reads up to the end, or up to the mark that closes the variable which the
// value is a part of.
func segments(value string) (out []Segment, rest string) {
	for value != "" {
		i := strings.IndexAny(value, string(symbolOpen)+string(symbolClose))
		if i < 0 {
			return append(out, Segment{Text: value}), ""
		}
		if i > 0 {
			out = append(out, Segment{Text: value[:i]})
		}
		if closed, ok := strings.CutPrefix(value[i:], string(symbolClose)); ok {
			return out, closed
		}
		value = strings.TrimPrefix(value[i:], string(symbolOpen))
		name := nameIn(value)
		s := Segment{Name: name}
		value = value[len(name):]
		for _, form := range []string{":-", ":+"} {
			if word, ok := strings.CutPrefix(value, form); ok {
				s.Form, value = form, word
			}
		}
		s.Word, value = segments(value)
		out = append(out, s)
	}
	return out, ""
}

// ResolveSymbols is Resolve for a text that has variables too, such as a Dockerfile:
// those that keep says to keep, by where they stand and what they are called, are left
// in the values as marks for [Segments]. The error is a Problems.
func (doc *Document) ResolveSymbols(vars map[string]string, keep func(at Path, name string) bool) (*Spec, error) {
	x := newExpander(doc.args, vars)
	if !strings.ContainsAny(doc.text, string(symbolOpen)+string(symbolClose)) {
		x.keep = keep
	}
	return doc.resolve(x)
}
