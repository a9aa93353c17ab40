// Package language derives the JSON schema and the reference of the spec
// language from the types of package spec and their comments. Only the
// generator and the tests import it, so that the frontend does not link what it
// needs for that.
package language

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Where things are, seen from the folder of package schema: go generate runs
// there, and so do its tests.
const (
	schemaPackage = "github.com/fromscratch-build/fromscratch/frontend/schema"
	specFolder    = "../spec"
	schemaFile    = "schema.json"
	docsFile      = "../../docs/spec.md"
)

// Generate returns the generated files by their names.
func Generate() (map[string][]byte, error) {
	comments, err := readComments()
	if err != nil {
		return nil, err
	}
	schema, err := makeSchema(comments)
	if err != nil {
		return nil, err
	}
	docs, err := makeDocs(comments)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{schemaFile: schema, docsFile: docs}, nil
}

// comments holds the doc comments of the types and fields of package spec under
// their qualified names, each on one line.
type comments map[string]string

func readComments() (comments, error) {
	r := jsonschema.Reflector{}
	if err := r.AddGoComments(schemaPackage, specFolder, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("reading the comments of package spec: %w", err)
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	return r.CommentMap, nil
}

func (c comments) of(t reflect.Type, field string) (string, error) {
	name := t.PkgPath() + "." + t.Name()
	if field != "" {
		name += "." + field
	}
	text := c[name]
	if text == "" {
		return "", fmt.Errorf("%s has no comment, and the schema and the reference need one", name)
	}
	if field != "" && !strings.HasPrefix(text, field+" ") {
		return "", fmt.Errorf("the comment of %s does not start with its name", name)
	}
	return text, nil
}

// field is one key of a mapping of the language.
type field struct {
	// owner is the name of the Go type that has the field.
	owner string
	key   string
	typ   reflect.Type
	// sentence is the comment, speaking of the key rather than of the Go field.
	sentence string
	// meaning is the comment without its subject and without the default.
	meaning string
	// fallback is the default in words, as the comment gives it.
	fallback string
}

func (f field) name() string { return f.owner + "." + f.key }

// defaultSentence is how comments tell a default, at their end.
var defaultSentence = regexp.MustCompile(` Default: (.+)\.$`)

// fieldsOf lists the keys of a struct in the order in which it has them.
func fieldsOf(t reflect.Type, c comments) ([]field, error) {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, ok := f.Tag.Lookup("yaml")
		if !ok || key == "-" {
			continue
		}
		text, err := c.of(t, f.Name)
		if err != nil {
			return nil, err
		}
		entry := field{owner: t.Name(), key: key, typ: f.Type, sentence: key + strings.TrimPrefix(text, f.Name)}
		if m := defaultSentence.FindStringSubmatch(text); m != nil {
			entry.fallback = m[1]
			text = strings.TrimSuffix(text, m[0])
		}
		entry.meaning = withoutSubject(strings.TrimPrefix(text, f.Name+" "))
		out = append(out, entry)
	}
	return out, nil
}

// withoutSubject makes of "is the mode" what a table says beside the key: "The
// mode". Of other verbs it keeps the verb: "Lists the ports".
func withoutSubject(text string) string {
	for _, verb := range []string{"is ", "are "} {
		if rest, ok := strings.CutPrefix(text, verb); ok {
			text = rest
			break
		}
	}
	// What is not a plain word, such as go-cgo0, is spelled as it is.
	first, _, _ := strings.Cut(text, " ")
	if strings.ContainsFunc(strings.TrimRight(first, ",.:;"), func(r rune) bool { return !unicode.IsLower(r) }) {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// typesWithKeys lists the types that are mappings with fixed keys, in one of
// their forms at least.
var typesWithKeys = []reflect.Type{
	reflect.TypeFor[spec.Spec](),
	reflect.TypeFor[spec.Target](),
	reflect.TypeFor[spec.Build](),
	reflect.TypeFor[spec.Secret](),
	reflect.TypeFor[spec.Toolchain](),
	reflect.TypeFor[spec.User](),
	reflect.TypeFor[spec.Healthcheck](),
	reflect.TypeFor[spec.Metadata](),
	reflect.TypeFor[spec.Copy](),
	reflect.TypeFor[spec.Extras](),
	reflect.TypeFor[spec.CACertificates](),
	reflect.TypeFor[spec.Certificate](),
	reflect.TypeFor[spec.Tzdata](),
	reflect.TypeFor[spec.Dir](),
}

// isArguments tells whether t is the type of args, which is not exported.
func isArguments(t reflect.Type) bool {
	return t.Name() == "args" && t.PkgPath() == typesWithKeys[0].PkgPath()
}
