package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/fromscratch-build/fromscratch/frontend/schema"
	"github.com/fromscratch-build/fromscratch/frontend/schema/internal/language"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

const docs = "../../docs/spec.md"

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := language.Generate()
	require.NoError(t, err)
	for name, want := range files {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what its sources make; run go generate ./frontend/schema", filepath.Base(name))
		}
	}
	again, err := language.Generate()
	require.NoError(t, err)
	require.Equal(t, files, again, "the same sources make other files")
	if !bytes.Equal(files["schema.json"], schema.JSON()) {
		t.Error("the embedded schema is not what its sources make; run go generate ./frontend/schema")
	}
}

// compile also checks the schema against the metaschema that it names.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSON()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7) // so that the schema must say which one it is
	require.NoError(t, c.AddResource(language.SchemaID, doc))
	s, err := c.Compile(language.SchemaID)
	require.NoError(t, err)
	return s
}

func TestSchemaIsDraft202012(t *testing.T) {
	s := compile(t)
	require.Equal(t, 2020, s.DraftVersion)

	var doc map[string]any
	require.NoError(t, json.Unmarshal(schema.JSON(), &doc))
	require.Equal(t, "https://json-schema.org/draft/2020-12/schema", doc["$schema"])
	require.Equal(t, language.SchemaID, doc["$id"])
	require.NotEmpty(t, doc["title"])
	for _, key := range []string{"$defs", "properties"} {
		require.NotEmpty(t, doc[key], key)
	}
	closed(t, "", doc)
}

// closed checks that every mapping with fixed keys refuses others, and that
// every key is explained in a sentence.
func closed(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if properties, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			if v["additionalProperties"] != false {
				t.Errorf("%s admits keys that are not known", at)
			}
			if _, ok := v["patternProperties"]; ok != (at == "") {
				t.Errorf("%q has patternProperties: %v", at, ok)
			}
			for key, p := range properties {
				text, _ := p.(map[string]any)["description"].(string)
				if !strings.HasPrefix(text, key+" ") || !strings.HasSuffix(text, ".") || strings.ContainsAny(text, "`*\n") {
					t.Errorf("%s/%s has the description %q, which is no sentence about it in plain text", at, key, text)
				}
			}
		}
		for k, e := range v {
			closed(t, at+"/"+k, e)
		}
	case []any:
		for i, e := range v {
			closed(t, at+"/"+strconv.Itoa(i), e)
		}
	}
}

// TestDefaultsAndExamplesHold checks what an editor would fill in.
func TestDefaultsAndExamplesHold(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSON()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(language.SchemaID, doc))
	count := 0
	var walk func(pointer string, v any)
	walk = func(pointer string, v any) {
		switch v := v.(type) {
		case map[string]any:
			var values []any
			if _, ok := v["description"].(string); ok {
				values, _ = v["examples"].([]any)
				if d, ok := v["default"]; ok {
					values = append(values, d)
				}
			}
			if len(values) > 0 {
				s, err := c.Compile(language.SchemaID + "#" + pointer)
				require.NoError(t, err)
				for _, value := range values {
					count++
					if err := s.Validate(value); err != nil {
						t.Errorf("%s offers %v: %v", pointer, value, err)
					}
				}
			}
			for k, e := range v {
				walk(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1", "^", "%5E").Replace(k), e)
			}
		case []any:
			for i, e := range v {
				walk(pointer+"/"+strconv.Itoa(i), e)
			}
		}
	}
	walk("", doc)
	require.Greater(t, count, 60)
}

func TestExamples(t *testing.T) {
	s := compile(t)
	files, err := filepath.Glob("../../examples/*/fromscratch.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			v, err := decode(data)
			require.NoError(t, err)
			require.NoError(t, s.Validate(v))
		})
	}
}

// TestAgreement checks that the schema and the parser are of one opinion, but
// for what only the parser can know.
func TestAgreement(t *testing.T) {
	s := compile(t)
	for _, dir := range []struct {
		name           string
		least          int
		schema, parser bool
	}{
		{name: "valid", least: 25, schema: true, parser: true},
		{name: "invalid", least: 40},
		{name: "parser-only", least: 20, schema: true},
	} {
		files := corpus(t, dir.name)
		require.GreaterOrEqual(t, len(files), dir.least)
		for name, data := range files {
			t.Run(dir.name+"/"+name, func(t *testing.T) {
				v, err := decode(data)
				require.NoError(t, err)
				check(t, "schema", s.Validate(v), dir.schema)
				_, err = spec.Parse("fromscratch.yaml", data)
				check(t, "parser", err, dir.parser)
			})
		}
	}
}

func check(t *testing.T, who string, err error, accept bool) {
	t.Helper()
	if accept && err != nil {
		t.Errorf("the %s refuses this: %v", who, err)
	}
	if !accept && err == nil {
		t.Errorf("the %s accepts this", who)
	}
}

func corpus(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	require.NoError(t, err)
	out := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = data
	}
	return out
}

// TestSchemaRefusesNothingThatTheParserTakes puts all kinds of values in every
// place of the valid specs: an editor must not mark what would build.
func TestSchemaRefusesNothingThatTheParserTakes(t *testing.T) {
	s := compile(t)
	var values []*yaml.Node
	for _, text := range []string{
		"1", "0", "-1", "+1", "1.5", "1.30", "0644", "644", "0o644", "08", "70000", "1e3", ".5",
		"true", "false", `"true"`, "True", "yes", "null", `""`, `" "`, `"1"`, `"08"`,
		"a", "A", "a/b", "../a", "/a", "/", "/a/", "a b", "a,b", "-a", "a=b", `"a\\b"`, "2001-01-01", "1:30",
		"30s", "1m30s", "500us", "8080/udp", "8000-8010", "1000:1000", "none", "root", "nonroot", "SIGINT", "9",
		"go-cgo0", "rust-musl", "embed", "CMD", `"$$"`, "${TARGETOS}", "${TARGETOS}/x", `"${TARGETVARIANT:-}"`,
		"[]", "[a]", "[1, true, 1.5]", `[""]`, "[null]", "[/a]", "[CMD, a]", "[CMD-SHELL, a]", "[tzdata, tmp]", "[[a]]", "[8080, 53/udp]",
		"{}", "{a: b}", "{A: null}", "{A: 1, B: true}", "{package: a}", "{dir: a}", "{version: 1.30}", "{uid: 1}", "{tmp: false}", "{append: a}",
		"[{src: a, dest: /b}]", "[{path: /a, chmod: 0755}]", "{test: [/a], retries: 0}",
	} {
		var n yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(text), &n))
		values = append(values, n.Content[0])
	}
	accepted := 0
	for name, data := range corpus(t, "valid") {
		var doc yaml.Node
		require.NoError(t, yaml.Unmarshal(data, &doc))
		try := func() {
			text, err := yaml.Marshal(&doc)
			if err != nil {
				return // such as an alias whose anchor was replaced
			}
			if _, err := spec.Parse("fromscratch.yaml", text); err != nil {
				return
			}
			accepted++
			v, err := decode(text)
			require.NoError(t, err, "%s", text)
			if err := s.Validate(v); err != nil {
				t.Errorf("made from %s: the parser takes this, and the schema does not: %v\n%s", name, err, text)
			}
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			for i := range n.Content {
				if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "<<" {
					continue
				}
				if n.Kind != yaml.MappingNode || i%2 == 1 {
					was := n.Content[i]
					for _, v := range values {
						n.Content[i] = v
						try()
					}
					n.Content[i] = was
				}
				walk(n.Content[i])
			}
			if n.Kind != yaml.MappingNode {
				return
			}
			for i := 0; i < len(n.Content); i += 2 {
				was := n.Content
				n.Content = append(append([]*yaml.Node{}, was[:i]...), was[i+2:]...)
				try()
				n.Content = was
			}
		}
		walk(doc.Content[0])
	}
	require.Greater(t, accepted, 1000)
}

// block is YAML in the reference: a whole spec or, with the name of a toolchain
// behind the word yaml, the keys of a target.
var block = regexp.MustCompile("(?ms)^```yaml(?: ([a-z0-9-]+))?\n(.*?)^```$")

func TestReferenceParses(t *testing.T) {
	data, err := os.ReadFile(docs)
	require.NoError(t, err)
	s := compile(t)
	blocks := block.FindAllStringSubmatch(string(data), -1)
	require.Equal(t, strings.Count(string(data), "```yaml"), len(blocks), "a block is not found")
	require.Greater(t, len(blocks), 10)
	for i, b := range blocks {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			text := b[2]
			if b[1] != "" {
				text = "toolchain: " + b[1] + "\ntargets:\n  app:\n    " + strings.ReplaceAll(text, "\n", "\n    ")
			}
			if b[1] == "" {
				syntax, _, _, ok := parser.DetectSyntax([]byte(text))
				require.True(t, ok, "BuildKit does not find the syntax line")
				require.Equal(t, "fromscratch/frontend:1", syntax)
			}
			_, err := spec.Parse("fromscratch.yaml", []byte(text))
			require.NoError(t, err, "%s", text)
			v, err := decode([]byte(text))
			require.NoError(t, err)
			require.NoError(t, s.Validate(v), "%s", text)
		})
	}
}

// TestSchemaLineHidesSyntaxLine holds the reference to what it says of the order
// of the first two lines.
func TestSchemaLineHidesSyntaxLine(t *testing.T) {
	const syntax, editor = "# syntax=fromscratch/frontend:1\n", "# yaml-language-server: $schema=" + language.SchemaID + "\n"
	_, _, _, ok := parser.DetectSyntax([]byte(syntax + editor + "targets: {}\n"))
	require.True(t, ok)
	_, _, _, ok = parser.DetectSyntax([]byte(editor + syntax + "targets: {}\n"))
	require.False(t, ok)
}

// TestReferenceLinks checks the links within the reference.
func TestReferenceLinks(t *testing.T) {
	data, err := os.ReadFile(docs)
	require.NoError(t, err)
	anchors := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(data), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(h[1]), " ", "-")] = true
	}
	for _, l := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(data), -1) {
		if !anchors[l[1]] {
			t.Errorf("there is no section %s", l[1])
		}
	}
}

// decode reads YAML as editors do: scalars by the core schema of YAML 1.2,
// aliases and merge keys followed, all in the types of JSON.
func decode(data []byte) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 {
		return nil, nil
	}
	return value(doc.Content[0])
}

func value(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return value(n.Alias)
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			v, err := value(c)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case yaml.MappingNode:
		return mapping(n)
	}
	return scalar(n), nil
}

func mapping(n *yaml.Node) (map[string]any, error) {
	out := map[string]any{}
	var merged []*yaml.Node
	for i := 0; i < len(n.Content); i += 2 {
		key, from := n.Content[i], n.Content[i+1]
		if from.Kind == yaml.AliasNode {
			from = from.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: a key is no scalar", key.Line)
		case key.Tag == "!!merge" && from.Kind == yaml.SequenceNode:
			merged = append(merged, from.Content...)
		case key.Tag == "!!merge":
			merged = append(merged, from)
		default:
			v, err := value(from)
			if err != nil {
				return nil, err
			}
			out[key.Value] = v
		}
	}
	for _, m := range merged {
		if m.Kind == yaml.AliasNode {
			m = m.Alias
		}
		if m.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("line %d: << takes mappings", m.Line)
		}
		more, err := mapping(m)
		if err != nil {
			return nil, err
		}
		for k, v := range more {
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
	}
	return out, nil
}

var (
	coreInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	coreOctal = regexp.MustCompile(`^0o([0-7]+)$`)
	coreHex   = regexp.MustCompile(`^0x([0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

func scalar(n *yaml.Node) any {
	s := n.Value
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 ||
		n.Style&yaml.TaggedStyle != 0 && n.Tag == "!!str" {
		return s
	}
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	switch {
	case coreInt.MatchString(s):
		return json.Number(strconv.FormatInt(atoi(s, 10), 10))
	case coreOctal.MatchString(s):
		return json.Number(strconv.FormatInt(atoi(s[2:], 8), 10))
	case coreHex.MatchString(s):
		return json.Number(strconv.FormatInt(atoi(s[2:], 16), 10))
	case coreFloat.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			f = math.MaxFloat64
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return s
}

func atoi(s string, base int) int64 {
	i, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		return math.MaxInt64
	}
	return i
}
