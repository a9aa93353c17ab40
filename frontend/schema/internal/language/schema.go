package language

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

const (
	// SchemaID is where the schema is found.
	SchemaID    = "https://fromscratch.build/schema/v1.json"
	schemaTitle = "fromscratch.yaml"
	// schemaDescription stands for the comment of the Go type, which tells more of
	// the Go value than of the file.
	schemaDescription = "A fromscratch.yaml describes container images from scratch of Go and Rust programs."
)

// variable is what every string may hold instead of what is asked for: what it
// becomes is known to the parser only.
const variable = `\$`

// Patterns of values. They are those of the parser, as far as a pattern can say
// it without becoming unreadable: an editor shows it when it does not match.
const (
	absolutePath  = `^/`
	fileInImage   = `^/.*[^/]$`
	folderInImage = `^/+[^/]`
	relativePath  = `^[^/\\][^\\]*$`
	zoneName      = `^[A-Za-z0-9_+ -]+(/[A-Za-z0-9_+ -]+)*$`
	noFlag        = `^[^-]`
	binaryName    = `^[^-/\\][^/\\]*$`
	profileName   = `^[A-Za-z_][A-Za-z0-9_-]*$`
	featureName   = `^[^-, \t][^, \t]*$`
	buildTag      = `^[^-, \t"'][^, \t"']*$`
	versionTag    = `^[A-Za-z0-9_][A-Za-z0-9_.-]*$`
	imageName     = `^[A-Za-z0-9\[]\S*$`
	debianPackage = `^[a-z0-9]([a-z0-9+.-]*[a-z0-9+.])?(:[a-z0-9]+)?(=[0-9A-Za-z][0-9A-Za-z.+:~-]*)?$`
	userName      = `^[a-z_][a-z0-9_-]{0,31}$`
	homePath      = `^/[^:\n]*$`
	ids           = `^0*[0-9]{1,10}(:0*[0-9]{1,10})?$`
	owner         = `^([a-z_][a-z0-9_-]{0,31}|0*[0-9]{1,10})(:([a-z_][a-z0-9_-]{0,31}|0*[0-9]{1,10}))?$`
	octalMode     = `^(0o)?0*[0-7]{1,4}$`
	duration      = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^0$`
	portRange     = `^[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?$`
	volume        = `^/+[^/:][^:]*$`
	signalName    = `^([Ss][Ii][Gg])?[A-Za-z][A-Za-z0-9+-]*$|^\+?[0-9]+$`
	secretID      = `^[A-Za-z0-9_][A-Za-z0-9_.-]*$`
	contextName   = `^[A-Za-z0-9][A-Za-z0-9._/:@-]*$`
	capability    = `^([Cc][Aa][Pp]_)?[A-Za-z][A-Za-z_]*(=([Ee]?[Pp]|[Pp][Ee]))?$`
	binaryFile    = `^[^-\\][^\\]*$`
	noBackslash   = `^[^\\]+$`

	argumentKey    = `^[A-Za-z_][A-Za-z0-9_]*$`
	targetKey      = `^[A-Za-z0-9][A-Za-z0-9_.-]*$`
	environmentKey = `^[^=]+$`
	labelKey       = `^\S([^\x00-\x1f\x7f-\x9f]*\S)?$`
)

// maxID is the highest uid and gid, and highestMode the highest mode as a
// number: its octal digits read as decimal ones.
const (
	maxID       = 1<<31 - 1
	highestMode = 7777
	highestPort = 65535
	lastSignal  = 64
	mostJobs    = 1024
)

func one() *uint64 { n := uint64(1); return &n }

func two() *uint64 { n := uint64(2); return &n }

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// types is a schema that admits several types, which the library has no field
// for. Other keywords apply to the types that they are about.
func types(names ...string) *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"type": names}}
}

// text is a value that is taken as it was written. What a pattern says of text
// holds for numbers and booleans as well, which are text without quotes, so
// those are admitted which it admits.
func text(pattern string) *jsonschema.Schema {
	if pattern == "" {
		s := types("string", "number", "boolean")
		s.MinLength = one()
		return s
	}
	re := regexp.MustCompile(pattern)
	names := []string{"string"}
	switch {
	case re.MatchString("1.5"):
		names = append(names, "number")
	case re.MatchString("1"):
		names = append(names, "integer")
	}
	if re.MatchString("true") {
		names = append(names, "boolean")
	}
	s := types(names...)
	if len(names) == 1 {
		s = &jsonschema.Schema{Type: "string"}
	}
	if slices.Contains(names, "number") || slices.Contains(names, "integer") {
		if !re.MatchString("-1") {
			s.Minimum = "0"
		}
	}
	s.Pattern = pattern + "|" + variable
	return s
}

// anyText is text that may be empty.
func anyText() *jsonschema.Schema { return types("string", "number", "boolean") }

// whole is a whole number, with or without quotes.
func whole(least, most int) *jsonschema.Schema {
	s := types("integer", "string")
	s.Minimum, s.Pattern = number(least), `^\+?[0-9]+$|`+variable
	if most > 0 {
		s.Maximum = number(most)
	}
	return s
}

// switched is true or false, with or without quotes.
func switched() *jsonschema.Schema {
	s := types("boolean", "string")
	s.Pattern = "^(true|false)$|" + variable
	return s
}

// words is one text or a list that is not empty.
func words(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		text(pattern),
		{Type: "array", MinItems: one(), Items: text(pattern)},
	}}
}

// oneOrMore is one of what a definition describes, or a list of them that is not
// empty.
func oneOrMore(definition string) *jsonschema.Schema {
	ref := func() *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/" + definition} }
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{ref(), {Type: "array", MinItems: one(), Items: ref()}}}
}

// word is one of a few words.
func word(options ...string) *jsonschema.Schema {
	enum := make([]any, len(options))
	for i, o := range options {
		enum[i] = o
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Enum: enum}, {Type: "string", Pattern: variable}}}
}

// command is an argument vector, of which nothing may be said but that it names
// a program.
func command() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: anyText()}
}

func program(first *jsonschema.Schema) *jsonschema.Schema {
	s := command()
	s.MinItems, s.PrefixItems = one(), []*jsonschema.Schema{first}
	return s
}

// healthTest is a program, too, behind an optional CMD as Dockerfiles have it.
func healthTest() *jsonschema.Schema {
	first := anyText()
	first.MinLength, first.Not = one(), &jsonschema.Schema{Enum: []any{"CMD-SHELL"}}
	s := program(first)
	s.If = &jsonschema.Schema{PrefixItems: []*jsonschema.Schema{{Const: "CMD"}}}
	s.Then = &jsonschema.Schema{MinItems: two(), PrefixItems: []*jsonschema.Schema{jsonschema.TrueSchema, {MinLength: one()}}}
	return s
}

// table is a mapping with names of the user's own.
func table(key string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: anyText(), PropertyNames: &jsonschema.Schema{Pattern: key}}
}

func list(items *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: items}
}

func modes() *jsonschema.Schema {
	s := types("string", "integer")
	s.Minimum, s.Maximum, s.Pattern = "0", number(highestMode), octalMode+"|"+variable
	return s
}

func lengthOfTime() *jsonschema.Schema {
	// The only number that needs no unit is 0.
	s := types("string", "integer")
	s.Minimum, s.Maximum, s.Pattern = "0", "0", duration+"|"+variable
	return s
}

func port() *jsonschema.Schema {
	s := types("integer", "string")
	s.Minimum, s.Maximum, s.Pattern = "1", number(highestPort), portRange+"|"+variable
	return s
}

func stopSignal() *jsonschema.Schema {
	s := types("string", "integer")
	s.Minimum, s.Maximum, s.Pattern = "1", number(lastSignal), signalName+"|"+variable
	return s
}

func arguments() *jsonschema.Schema {
	predefined := make([]any, len(spec.Predefined))
	for i, name := range spec.Predefined {
		predefined[i] = name
	}
	name := types("string", "boolean")
	name.Pattern, name.Not = argumentKey, &jsonschema.Schema{Enum: predefined}
	value := types("string", "number", "boolean", "null")
	value.Not = &jsonschema.Schema{Type: "string", Pattern: `\$\{`}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{
			Type:                 "object",
			PropertyNames:        &jsonschema.Schema{Pattern: argumentKey, Not: &jsonschema.Schema{Enum: predefined}},
			AdditionalProperties: value,
		},
		{Type: "array", Items: name, UniqueItems: true},
	}}
}

// byType maps the types that are not mappings with fixed keys.
func byType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[spec.Words]():
		return words("")
	case reflect.TypeFor[spec.Command]():
		return command()
	case reflect.TypeFor[spec.Port]():
		return port()
	case reflect.TypeFor[spec.Capability]():
		return text(capability)
	case reflect.TypeFor[spec.Switch](), reflect.TypeFor[bool]():
		return switched()
	case reflect.TypeFor[spec.Duration]():
		return lengthOfTime()
	case reflect.TypeFor[spec.Mode]():
		return modes()
	case reflect.TypeFor[string]():
		return text("")
	case reflect.TypeFor[map[string]string]():
		return table(environmentKey)
	}
	if isArguments(t) {
		return arguments()
	}
	return nil
}

// byField says more of single keys than their types do.
var byField = map[string]*jsonschema.Schema{
	"Target.path":        text(fileInImage),
	"Target.entrypoint":  program(func() *jsonschema.Schema { s := anyText(); s.MinLength = one(); return s }()),
	"Target.workdir":     text(absolutePath),
	"Target.volumes":     list(text(volume)),
	"Target.stopsignal":  stopSignal(),
	"Target.base":        text(imageName),
	"Target.compress":    word(spec.CompressUPX),
	"Target.labels":      table(labelKey),
	"Target.annotations": table(labelKey),

	"Spec.base": text(imageName),

	"Build.dir":      text(relativePath),
	"Build.package":  words(noFlag),
	"Build.bin":      words(binaryName),
	"Build.profile":  text(profileName),
	"Build.features": words(featureName),
	"Build.tags":     words(buildTag),
	"Build.tzdata":   word("embed"),
	"Build.optimize": word(spec.Optimizations...),
	"Build.group":    text(targetKey),
	"Build.network":  word(spec.Networks...),
	"Build.cache":    word(spec.Caches...),

	"Build.src":  words(binaryFile),
	"Build.from": text(contextName),

	"Secret.id":     text(secretID),
	"Secret.env":    text(argumentKey),
	"Secret.target": text(fileInImage),

	"Toolchain.name":    word(spec.Toolchains...),
	"Toolchain.version": text(versionTag),
	"Toolchain.image":   text(imageName),
	"Toolchain.jobs":    whole(1, mostJobs),

	"Toolchain.packages": words(debianPackage),

	"User.name": text(userName),
	"User.uid":  whole(0, maxID),
	"User.gid":  whole(0, maxID),
	"User.home": text(homePath),

	"Healthcheck.test":    healthTest(),
	"Healthcheck.retries": whole(0, 0),

	"Copy.src":   words(noBackslash),
	"Copy.dest":  text(absolutePath),
	"Copy.from":  text(contextName),
	"Copy.chown": text(owner),

	"Dir.path":  text(folderInImage),
	"Dir.chown": text(owner),

	"CACertificates.append": oneOrMore("certificate"),
	"Certificate.src":       text(relativePath),
	"Certificate.from":      text(contextName),

	"Tzdata.zones": words(zoneName),
}

// examples are offered by editors where a key has no value yet.
var examples = map[string][]any{
	"Spec.args":    {map[string]any{"VERSION": "dev"}, []any{"VERSION"}},
	"Spec.targets": {map[string]any{"app": map[string]any{"build": "./cmd/app"}}},
	"Spec.extras":  {[]any{"tzdata"}, map[string]any{"tmp": false}, "none"},

	"Target.capabilities": {[]any{"net_bind_service"}},

	"Target.description": {"the public API"},
	"Target.build":       {"./cmd/app", map[string]any{"dir": "services/app"}},
	"Target.path":        {"/app/server"},
	"Target.entrypoint":  {[]any{"/app/server", "--listen=:8080"}},
	"Target.cmd":         {[]any{"serve"}},
	"Target.env":         {map[string]any{"TZ": "Europe/Paris"}},
	"Target.expose":      {[]any{8080}, []any{"53/udp", "8000-8010"}},
	"Target.user":        {"root", "1000:1000", map[string]any{"name": "app", "uid": 10001}},
	"Target.workdir":     {"/data"},
	"Target.volumes":     {[]any{"/data"}},
	"Target.stopsignal":  {"SIGINT", "SIGQUIT"},
	"Target.healthcheck": {map[string]any{"test": []any{"/app", "health"}, "interval": "30s"}},
	"Target.labels":      {map[string]any{"org.example.team": "platform"}},
	"Target.annotations": {map[string]any{"org.example.team": "platform"}},
	"Target.metadata":    {map[string]any{"title": "app", "licenses": "Apache-2.0"}},
	"Target.compress":    {spec.CompressUPX},
	"Target.copy":        {[]any{map[string]any{"src": "config/", "dest": "/etc/app/"}}},
	"Target.base":        {"gcr.io/distroless/static"},
	"Target.extras":      {[]any{"tzdata"}, map[string]any{"tmp": false}, "none"},

	"Build.dir":      {"services/app"},
	"Build.package":  {"./cmd/app", "app"},
	"Build.bin":      {"app"},
	"Build.profile":  {"release-lto"},
	"Build.features": {[]any{"tls"}},
	"Build.tags":     {[]any{"netgo"}},
	"Build.ldflags":  {[]any{"-checklinkname=0"}},
	"Build.gcflags":  {"all=-l"},
	"Build.stamp":    {map[string]any{"main.version": "${VERSION}"}},
	"Build.env":      {map[string]any{"SQLX_OFFLINE": "true"}},

	"Build.src":     {"dist/${TARGETARCH}/app"},
	"Build.from":    {"dist"},
	"Build.group":   {"services"},
	"Build.secrets": {[]any{"token"}, []any{map[string]any{"id": "token", "env": "API_TOKEN"}}},

	"Secret.id":     {"token"},
	"Secret.env":    {"API_TOKEN"},
	"Secret.target": {"/run/secrets/token"},

	"Toolchain.version": {"1.26"},
	"Toolchain.image":   {"golang:1.26"},
	"Toolchain.jobs":    {4},

	"Toolchain.packages": {[]any{"protobuf-compiler"}},

	"User.name": {"app"},
	"User.uid":  {10001},
	"User.gid":  {10001},
	"User.home": {"/home/app"},

	"Healthcheck.test":         {[]any{"/app", "health"}},
	"Healthcheck.interval":     {"10s"},
	"Healthcheck.timeout":      {"3s"},
	"Healthcheck.start-period": {"5s"},

	"Metadata.source":   {"https://git.example/app"},
	"Metadata.licenses": {"Apache-2.0", "MIT OR Apache-2.0"},
	"Metadata.version":  {"${VERSION}"},

	"Copy.src":     {"config/", []any{"LICENSE", "docs/*.txt"}},
	"Copy.dest":    {"/etc/app/"},
	"Copy.from":    {"assets"},
	"Copy.exclude": {"*.tmp"},
	"Copy.chown":   {"nonroot", "1000:1000"},
	"Copy.chmod":   {"0644", "0755"},

	"Dir.path":  {"/data"},
	"Dir.chmod": {"0750"},
	"Dir.chown": {"nonroot", "1000:1000"},

	"Extras.dirs":           {[]any{map[string]any{"path": "/data"}}},
	"CACertificates.append": {[]any{"certs/company.pem"}, []any{map[string]any{"src": "company.pem", "from": "corp"}}},
	"Certificate.src":       {"certs/company.pem"},
	"Certificate.from":      {"corp"},
	"Tzdata.zones":          {[]any{"UTC", "Europe/Paris"}},
}

// required lists the keys that a mapping cannot do without. A toolchain's name
// is none of them, since a target may say more of the top level's toolchain.
var required = map[string][]string{
	"Spec":        {"targets"},
	"User":        {"uid"},
	"Healthcheck": {"test"},
	"Copy":        {"src", "dest"},
	"Secret":      {"id"},
	"Dir":         {"path"},
	"Certificate": {"src"},
}

// shortForms lists the forms that types with keys have besides a mapping.
var shortForms = map[string]func(t reflect.Type) []*jsonschema.Schema{
	"Toolchain": func(reflect.Type) []*jsonschema.Schema { return word(spec.Toolchains...).AnyOf },
	"Secret":    func(reflect.Type) []*jsonschema.Schema { return []*jsonschema.Schema{text(secretID)} },
	"Build":     func(reflect.Type) []*jsonschema.Schema { return []*jsonschema.Schema{text(noFlag)} },
	"User": func(reflect.Type) []*jsonschema.Schema {
		id := types("string", "integer")
		id.Minimum, id.Maximum, id.Pattern = "0", number(maxID), ids+"|"+variable
		return []*jsonschema.Schema{{Enum: []any{spec.Nonroot.Name, spec.Root.Name}}, id}
	},
	"CACertificates": func(reflect.Type) []*jsonschema.Schema { return []*jsonschema.Schema{switched()} },
	"Certificate":    func(reflect.Type) []*jsonschema.Schema { return []*jsonschema.Schema{text(relativePath)} },
	"Tzdata":         func(reflect.Type) []*jsonschema.Schema { return []*jsonschema.Schema{switched()} },
	"Extras": func(t reflect.Type) []*jsonschema.Schema {
		// A name in the list turns an extra on, so it is one that can be on.
		var names []string
		for i := range t.NumField() {
			if key, ok := t.Field(i).Tag.Lookup("yaml"); ok && t.Field(i).Type.Kind() == reflect.Pointer {
				names = append(names, key)
			}
		}
		return append(word("none").AnyOf, list(word(names...)))
	},
}

func makeSchema(c comments) ([]byte, error) {
	r := &jsonschema.Reflector{
		FieldNameTag:               "yaml",
		ExpandedStruct:             true,
		RequiredFromJSONSchemaTags: true,
		Anonymous:                  true,
		CommentMap:                 c,
		Mapper:                     byType,
		Namer:                      func(t reflect.Type) string { return jsonschema.ToSnakeCase(t.Name()) },
	}
	root := r.Reflect(spec.Spec{})
	root.ID, root.Title = SchemaID, schemaTitle
	// The list has a name for the sake of its short form only.
	delete(root.Definitions, jsonschema.ToSnakeCase(reflect.TypeFor[spec.Certificates]().Name()))
	root.PatternProperties = map[string]*jsonschema.Schema{
		"^x-": {Description: "Keys that start with x- are ignored. They are there to hold YAML anchors."},
	}
	// Without a toolchain of the top level every target needs its own.
	root.AnyOf = []*jsonschema.Schema{
		{Required: []string{"toolchain"}},
		{Properties: jsonschema.NewProperties()},
	}
	root.AnyOf[1].Properties.Set("targets", &jsonschema.Schema{AdditionalProperties: &jsonschema.Schema{Required: []string{"toolchain"}}})

	seen := map[string]bool{}
	for _, t := range typesWithKeys {
		def := root
		if t != typesWithKeys[0] {
			def = root.Definitions[jsonschema.ToSnakeCase(t.Name())]
		}
		if def == nil {
			return nil, fmt.Errorf("no key of the language leads to the type %s", t.Name())
		}
		if err := refine(def, t, c, seen); err != nil {
			return nil, err
		}
		if def.Required = required[t.Name()]; def.Required != nil {
			seen[t.Name()] = true
		}
		if forms := shortForms[t.Name()]; forms != nil {
			seen[t.Name()] = true
			object := *def
			object.Description = ""
			*def = jsonschema.Schema{Description: def.Description, AnyOf: append(forms(t), &object)}
		}
	}
	if len(root.Definitions) != len(typesWithKeys)-1 {
		return nil, fmt.Errorf("the language has other mappings with fixed keys than the generator knows: %v", slices.Sorted(maps.Keys(root.Definitions)))
	}
	if err := allUsed(seen); err != nil {
		return nil, err
	}
	root.Description = schemaDescription
	targets, _ := root.Properties.Get("targets")
	targets.MinProperties, targets.PropertyNames = one(), &jsonschema.Schema{Pattern: targetKey}

	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	// The library escapes for HTML what it marshals itself.
	out := buf.Bytes()
	for escaped, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		out = bytes.ReplaceAll(out, []byte(escaped), []byte(plain))
	}
	return out, nil
}

// refine completes what reflection made of the keys of t.
func refine(def *jsonschema.Schema, t reflect.Type, c comments, seen map[string]bool) error {
	comment, err := c.of(t, "")
	if err != nil {
		return err
	}
	def.Description = jsonschema.ToSnakeCase(t.Name()) + strings.TrimPrefix(comment, t.Name())
	fields, err := fieldsOf(t, c)
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, f := range fields {
		keys[f.key], seen[f.name()] = true, true
		p, ok := def.Properties.Get(f.key)
		if !ok {
			return fmt.Errorf("%s is missing from the schema", f.name())
		}
		if more := byField[f.name()]; more != nil {
			*p = *more
		}
		if p.Description, err = describe(f, c); err != nil {
			return err
		}
		p.Examples = examples[f.name()]
		p.Default = defaultOf(f)
	}
	// Reflection takes fields without a key of the language along.
	for pair := def.Properties.Oldest(); pair != nil; {
		next := pair.Next()
		if !keys[pair.Key] {
			def.Properties.Delete(pair.Key)
		}
		pair = next
	}
	return nil
}

// describe is what an editor shows of a key: the comment of the key, and what the
// comment of its type says of the forms that it takes.
func describe(f field, c comments) (string, error) {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !slices.Contains(typesWithKeys, t) {
		return f.sentence, nil
	}
	comment, err := c.of(t, "")
	if err != nil {
		return "", err
	}
	if _, more, ok := strings.Cut(comment, ". "); ok {
		return f.sentence + " " + more, nil
	}
	return f.sentence, nil
}

// allUsed refuses entries of the tables above whose key or type is gone.
func allUsed(seen map[string]bool) error {
	var names []string
	names = slices.AppendSeq(names, maps.Keys(byField))
	names = slices.AppendSeq(names, maps.Keys(examples))
	names = slices.AppendSeq(names, maps.Keys(required))
	names = slices.AppendSeq(names, maps.Keys(shortForms))
	names = slices.AppendSeq(names, maps.Keys(defaults))
	slices.Sort(names)
	for _, name := range names {
		if !seen[name] {
			return fmt.Errorf("the generator says something of %s, which the language does not have", name)
		}
	}
	return nil
}

// defaults are those that the comments tell in more words than the value.
var defaults = map[string]any{"Target.user": spec.Nonroot.Name}

// defaultOf is the default of f as a value, where the comment gives it as one
// rather than in words.
func defaultOf(f field) any {
	if v, ok := defaults[f.name()]; ok {
		return v
	}
	switch {
	case f.fallback == "" || f.fallback == "none" || strings.ContainsAny(f.fallback, " <"):
		return nil
	case f.fallback == "on" || f.fallback == "true":
		return true
	case f.fallback == "off" || f.fallback == "false":
		return false
	case f.typ.Kind() == reflect.Int:
		return json.Number(f.fallback)
	}
	return strings.Trim(f.fallback, `"`)
}
