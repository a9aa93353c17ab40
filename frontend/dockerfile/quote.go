package dockerfile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Breaks tells whether a value has a line break, which no instruction of a Dockerfile
// can say outside of exec form.
func Breaks(value string) bool { return strings.ContainsAny(value, "\r\n") }

// text writes the segments of a value, what stands there as it is through escape.
func text(segments []spec.Segment, escape *strings.Replacer) string {
	var b strings.Builder
	for _, s := range segments {
		if s.Name == "" {
			b.WriteString(escape.Replace(s.Text))
			continue
		}
		b.WriteString("${" + s.Name + s.Form + text(s.Word, escape) + "}")
	}
	return b.String()
}

// Words that need no quotes, to a shell and in a Dockerfile.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

var (
	inDouble = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
	// inValue is for double quotes of a Dockerfile, in which a backquote is a character.
	inValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)
	inWord  = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, `$`, `\$`)
)

// shell is a value as one word of a POSIX shell.
func shell(value string) string {
	segments := spec.Segments(value)
	switch {
	case plain.MatchString(value):
		return value
	case len(segments) == 0 || len(segments) == 1 && segments[0].Name == "" && !strings.Contains(value, "'"):
		return "'" + value + "'"
	}
	return `"` + text(segments, inDouble) + `"`
}

// command is an argument vector as a command line.
func command(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = shell(a)
	}
	return strings.Join(out, " ")
}

// value is a value of ENV, LABEL or ARG.
func value(v string) string {
	if plain.MatchString(v) {
		return v
	}
	return `"` + text(spec.Segments(v), inValue) + `"`
}

// pair is a name and a value of ENV or LABEL.
func pair(name, v string) string { return value(name) + "=" + value(v) }

// list is the exec form of a command, which nothing reads variables in.
func list(words []string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Text can be encoded.
	_ = e.Encode(words)
	return strings.ReplaceAll(strings.TrimSpace(b.String()), `","`, `", "`)
}

// paths are the words of a COPY: its sources, and where they go.
func paths(words ...string) string {
	bare := true
	out := make([]string, len(words))
	for i, w := range words {
		if strings.HasPrefix(w, "-") {
			w = "./" + w
		}
		segments := spec.Segments(w)
		for _, s := range segments {
			bare = bare && (s.Name != "" || plain.MatchString(strings.NewReplacer("*", "", "?", "", "[", "", "]", "").Replace(s.Text)+"."))
		}
		out[i] = text(segments, inWord)
	}
	if bare {
		return strings.Join(out, " ")
	}
	return list(out)
}
