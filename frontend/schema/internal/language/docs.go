package language

import (
	"bytes"
	_ "embed"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"github.com/invopop/jsonschema"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

//go:embed spec.md.tmpl
var docsTemplate string

// makeDocs fills the tables of the template.
func makeDocs(c comments) ([]byte, error) {
	t, err := template.New("spec.md").Option("missingkey=error").Funcs(template.FuncMap{
		"keys": func(name string) (string, error) { return keyTable(name, c) },
		"code": func(words []string) string {
			marked := make([]string, len(words))
			for i, w := range words {
				marked[i] = "`" + w + "`"
			}
			return spec.List(marked)
		},
	}).Parse(docsTemplate)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, map[string]any{
		"SchemaID":   SchemaID,
		"Predefined": spec.Predefined,
		"Toolchains": spec.Toolchains,
	}); err != nil {
		return nil, err
	}
	for _, t := range typesWithKeys {
		if !strings.Contains(docsTemplate, fmt.Sprintf("{{keys %q}}", t.Name())) {
			return nil, fmt.Errorf("the reference says nothing of the keys of %s", t.Name())
		}
	}
	return buf.Bytes(), nil
}

// keyTable is a Markdown table of the keys of a type.
func keyTable(name string, c comments) (string, error) {
	i := slices.IndexFunc(typesWithKeys, func(t reflect.Type) bool { return t.Name() == name })
	if i < 0 {
		return "", fmt.Errorf("there is no type %s with keys", name)
	}
	fields, err := fieldsOf(typesWithKeys[i], c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		kind, err := kindInWords(f)
		if err != nil {
			return "", err
		}
		if slices.Contains(required[name], f.key) {
			kind += ", required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.key, kind, fallbackInWords(f.fallback), markdown(f.meaning))
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// kinds says in words what a type takes.
var kinds = map[reflect.Type]string{
	reflect.TypeFor[string]():            "text",
	reflect.TypeFor[bool]():              "`true` or `false`",
	reflect.TypeFor[int]():               "whole number",
	reflect.TypeFor[map[string]string](): "mapping of names to text",
	reflect.TypeFor[[]string]():          "list of text",
	reflect.TypeFor[spec.Words]():        "text, or a list of text",
	reflect.TypeFor[spec.Command]():      "list of text",
	reflect.TypeFor[[]spec.Port]():       "list of ports",
	reflect.TypeFor[[]spec.Capability](): "list of capabilities",
	reflect.TypeFor[spec.Mode]():         "mode in octal",
	reflect.TypeFor[spec.Duration]():     "length of time",
	reflect.TypeFor[spec.Switch]():       "`true` or `false`",
	reflect.TypeFor[spec.Certificates](): "path, mapping, or a list of these, see [certificate](#certificate)",
}

// forms says in words what a type with keys takes besides a mapping.
var forms = map[string]string{
	"Toolchain":      "name, or a mapping",
	"Build":          "package, or a mapping",
	"Secret":         "id, or a mapping",
	"User":           "word, number or a mapping",
	"Extras":         "`none`, a list or a mapping",
	"CACertificates": "`true`, `false` or a mapping",
	"Certificate":    "path, or a mapping",
	"Tzdata":         "`true`, `false` or a mapping",
}

func kindInWords(f field) (string, error) {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if words, ok := kinds[t]; ok {
		return words, nil
	}
	if isArguments(t) {
		return "mapping or list, see [arguments](#arguments-and-variables)", nil
	}
	before := ""
	switch t.Kind() {
	case reflect.Slice:
		before, t = "list of mappings", t.Elem()
	case reflect.Map:
		before, t = "mapping of names to mappings", t.Elem()
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !slices.Contains(typesWithKeys, t) {
		return "", fmt.Errorf("the reference has no words for the type of %s", f.name())
	}
	switch form := forms[t.Name()]; {
	case before != "":
	case form != "":
		before = form
	default:
		before = "mapping"
	}
	section := jsonschema.ToSnakeCase(t.Name())
	return fmt.Sprintf("%s, see [%s](#%s)", before, section, section), nil
}

// fallbackInWords marks as code what is a value.
func fallbackInWords(fallback string) string {
	first, _, _ := strings.Cut(fallback, " ")
	if fallback == first && fallback != "" && fallback != "on" && fallback != "off" && fallback != "none" || strings.Contains(fallback, "<") {
		return "`" + strings.Trim(fallback, `"`) + "`"
	}
	return markdown(fallback)
}

// markdown keeps what is special in a table of Markdown from being taken as that.
func markdown(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "[", `\[`).Replace(s)
}
