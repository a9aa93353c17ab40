package spec_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// jargon is what a message must not say by itself: the words of the program
// rather than those of its user.
var jargon = []string{"spec.", "reflect", "yaml.Node", "yaml:", "runtime error", "%!", "!!merge", "interface {}", "nil pointer"}

func FuzzParse(f *testing.F) {
	for _, tc := range invalidSpecs {
		f.Add([]byte(unindent(tc.spec)))
	}
	for _, tc := range validSpecs {
		f.Add([]byte(unindent(tc.spec)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		s, err := spec.Parse(file, data)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		if err == nil {
			checkSpec(t, s)
			return
		}
		if s != nil {
			t.Error("got a spec beside the problems")
		}
		problems := spec.ProblemsOf(err)
		if len(problems) == 0 {
			t.Fatalf("got an error without problems: %v", err)
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\uFEFF"), "\n")
		for i, p := range problems {
			checkMessage(t, p.Message, string(data))
			if p.Range.IsZero() {
				if i > 0 {
					t.Errorf("%v has no position", p)
				}
				continue
			}
			checkRange(t, p, lines)
			if i > 0 && before(p.Range.Start, problems[i-1].Range.Start) {
				t.Errorf("%v comes after %v", p, problems[i-1])
			}
		}
	})
}

// checkSpec checks what the rest of the frontend takes for granted.
func checkSpec(t *testing.T, s *spec.Spec) {
	t.Helper()
	if len(s.Targets) == 0 {
		t.Error("the spec has no targets")
	}
	for name, target := range s.Targets {
		if target == nil || target.Name() != name {
			t.Fatalf("target %q is %+v", name, target)
		}
		if target.Toolchain.Name != spec.GoCGO0 && target.Toolchain.Name != spec.RustMusl {
			t.Errorf("the toolchain of %q is %q", name, target.Toolchain.Name)
		}
		if !strings.HasPrefix(target.Workdir, "/") {
			t.Errorf("the workdir of %q is %q", name, target.Workdir)
		}
		if d := target.Build.Dir; d == "" || d == ".." || strings.HasPrefix(d, "/") || strings.HasPrefix(d, "../") {
			t.Errorf("the dir of %q is %q", name, d)
		}
		if target.User.Name == "" || !strings.HasPrefix(target.User.Home, "/") || target.User.UID < 0 || target.User.GID < 0 {
			t.Errorf("the user of %q is %+v", name, target.User)
		}
		for _, port := range target.Expose {
			if len(port.Each()) == 0 {
				t.Errorf("%q exposes %q", name, port)
			}
		}
		if s.BuildRange(name).IsZero() {
			t.Errorf("the build of %q is nowhere", name)
		}
	}
}

func checkMessage(t *testing.T, message, data string) {
	t.Helper()
	if message == "" || strings.ContainsAny(message, "\n\r") || !utf8.ValidString(message) {
		t.Errorf("the message is not one paragraph: %q", message)
	}
	for _, word := range jargon {
		// A message may say what the spec says. Escapes could spell it as well.
		if strings.Contains(message, word) && !strings.Contains(data, word) && !strings.Contains(data, `\`) {
			t.Errorf("the message says %q: %s", word, message)
		}
	}
}

func checkRange(t *testing.T, p *spec.Problem, lines []string) {
	t.Helper()
	start, end := p.Range.Start, p.Range.End
	switch {
	case start.Line < 1 || start.Column < 1:
		t.Errorf("%v starts before the file", p)
	case end.Line > len(lines):
		t.Errorf("%v ends on line %d of %d", p, end.Line, len(lines))
	case before(end, start):
		t.Errorf("%v ends at %v, before it starts", p, end)
	case end.Column > utf8.RuneCountInString(lines[end.Line-1])+1:
		t.Errorf("%v ends at column %d of a line of %d", p, end.Column, utf8.RuneCountInString(lines[end.Line-1]))
	}
}

func before(a, b spec.Position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
}
