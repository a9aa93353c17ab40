package spec

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Words is a list of values that may be written as one value when it is one.
type Words []string

func (w *Words) decode(d *decoder, n *yaml.Node, path Path) {
	if n.Kind == yaml.ScalarNode {
		if s, ok := d.scalar(n, path); ok {
			*w = Words{s}
			d.nonEmpty(n, path, s)
		}
		return
	}
	var list []word
	d.list(n, path, reflect.ValueOf(&list).Elem())
	if n.Kind == yaml.SequenceNode && len(list) == 0 {
		d.problem(n, "%s is an empty list; name at least one or remove the key", last(path))
	}
	for _, s := range list {
		*w = append(*w, string(s))
	}
}

// word is an entry of a list that cannot be empty text.
type word string

func (w *word) decode(d *decoder, n *yaml.Node, path Path) {
	if s, ok := d.scalar(n, path); ok {
		*w = word(s)
		d.nonEmpty(n, path, s)
	}
}

// index is the last path element of the i-th word: words written as one value
// have no index, and then their position is that of the value itself.
func index(i int, _ Words) string { return strconv.Itoa(i) }

// Command is an argument vector. There is no shell on scratch, so it is never
// a single string.
type Command []string

func (c *Command) decode(d *decoder, n *yaml.Node, path Path) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		d.problem(n, "%s must be a list, because an image from scratch has no shell to split a line: write [%s]", last(path), arguments(n.Value))
		return
	}
	before := d.mistakes
	var list []string
	d.list(n, path, reflect.ValueOf(&list).Elem())
	if len(list) > 0 && list[0] == "" && last(path) == "entrypoint" && d.mistakes == before {
		d.problem(n.Content[0], "entrypoint starts with empty text; name the program to run")
	}
	// An empty list differs from no list: it takes the default away.
	*c = append(Command{}, list...)
	if last(path) == "entrypoint" && n.Kind == yaml.SequenceNode && len(list) == 0 {
		d.problem(n, "entrypoint is an empty list; name the program to run, or remove the key to run the binary")
	}
}

// arguments writes a line as the entries of a list, or, where a shell would have
// done more than split it, an example of one.
func arguments(line string) string {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.ContainsAny(line, "\"'\\`$&|;<>*?(){}#~") || utf8.RuneCountInString(line) > 200 {
		return `"/app", "serve"`
	}
	for i, f := range fields {
		fields[i] = strconv.Quote(f)
	}
	return strings.Join(fields, ", ")
}

// Port is a port, or a range of ports, with an optional protocol: 8080,
// 53/udp, 8000-8010/tcp.
type Port string

var portPattern = regexp.MustCompile(`^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?$`)

func (p *Port) decode(d *decoder, n *yaml.Node, path Path) {
	s, ok := d.scalar(n, path)
	if !ok {
		return
	}
	m := portPattern.FindStringSubmatch(s)
	if m == nil {
		hint := "write a port such as 8080, 53/udp or 8000-8010"
		if strings.Contains(s, ":") {
			hint = "expose names the port inside the container only; publishing it is up to docker run -p " + clip(s)
		}
		d.problem(n, "%s is not a port; %s", quote(s), hint)
		return
	}
	from, _ := strconv.Atoi(m[1])
	to := from
	if m[2] != "" {
		to, _ = strconv.Atoi(m[2])
	}
	if from < 1 || to > 65535 || to < from {
		d.problem(n, "%s is not a port; ports go from 1 to 65535, the lower one first", quote(s))
		return
	}
	*p = Port(s)
}

// Each lists the ports as the image configuration spells them: "8080/tcp".
func (p Port) Each() []string {
	m := portPattern.FindStringSubmatch(string(p))
	if m == nil {
		return nil
	}
	proto := m[3]
	if proto == "" {
		proto = "tcp"
	}
	from, _ := strconv.Atoi(m[1])
	to := from
	if m[2] != "" {
		to, _ = strconv.Atoi(m[2])
	}
	out := make([]string, 0, to-from+1)
	for i := from; i <= to; i++ {
		out = append(out, strconv.Itoa(i)+"/"+proto)
	}
	return out
}
