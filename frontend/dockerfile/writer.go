package dockerfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// writer puts a Dockerfile together, line by line.
type writer struct {
	out strings.Builder
	// taken are names of images and contexts, which a stage of the same name would hide.
	taken map[string]bool
}

// width is how long the lines of comments are.
const width = 100

// comment writes paragraphs, each on lines of its own.
func (w *writer) comment(paragraphs ...string) {
	for _, p := range paragraphs {
		line := "#"
		for _, word := range strings.Fields(p) {
			if len(line)+1+len(word) > width && line != "#" {
				w.line(line)
				line = "#"
			}
			line += " " + word
		}
		w.line(line)
	}
}

// verbatim writes lines that a reader may copy as comments.
func (w *writer) verbatim(lines ...string) {
	for _, l := range lines {
		w.line("#   " + strings.NewReplacer("\n", " ", "\r", " ").Replace(l))
	}
}

func (w *writer) line(format string) { w.out.WriteString(format + "\n") }

func (w *writer) linef(format string, args ...any) { w.line(fmt.Sprintf(format, args...)) }

func (w *writer) gap() { w.out.WriteString("\n") }

// run writes a RUN with its flags. commands run one after the other, each of one line or
// of several that belong together.
func (w *writer) run(flags []string, commands ...[]string) {
	var lines []string
	lines = append(lines, flags...)
	for i, c := range commands {
		c = slices.Clone(c)
		if i < len(commands)-1 {
			c[len(c)-1] += " &&"
		}
		lines = append(lines, c...)
	}
	w.line("RUN " + strings.Join(lines, " \\\n    "))
}

// pairs writes ENV or LABEL.
func (w *writer) pairs(instruction string, kvs [][2]string) {
	if len(kvs) == 0 {
		return
	}
	lines := make([]string, len(kvs))
	for i, kv := range kvs {
		lines[i] = pair(kv[0], kv[1])
	}
	w.line(instruction + " " + strings.Join(lines, " \\\n    "))
}

// args declares in a stage the arguments that values refer to.
func (w *writer) args(values ...string) {
	found := map[string]bool{}
	for _, v := range values {
		collect(spec.Segments(v), found)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		w.line("ARG " + name)
	}
}

func collect(segments []spec.Segment, found map[string]bool) {
	for _, s := range segments {
		if s.Name != "" {
			found[s.Name] = true
		}
		collect(s.Word, found)
	}
}

// stage is the name of a stage: that which was asked for, unless something else is
// called so.
func (w *writer) stage(name string) string {
	for w.taken[name] {
		name += "-stage"
	}
	return name
}

var notInStage = regexp.MustCompile(`[^a-z0-9._-]`)

// imageStage is what a target is called as a stage, which begins with a letter and has
// no capital ones.
func imageStage(target string) string {
	name := notInStage.ReplaceAllString(strings.ToLower(target), "-")
	if name[0] < 'a' || name[0] > 'z' {
		name = "image-" + name
	}
	return name
}

func sorted(m map[string]string) [][2]string {
	out := make([][2]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, [2]string{k, m[k]})
	}
	return out
}
