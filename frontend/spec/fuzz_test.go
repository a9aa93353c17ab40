package spec_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
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
	for _, tc := range slices.Concat(invalidSpecs, invalidVariables, invalidFields, invalidBases) {
		f.Add([]byte(unindent(tc.spec)))
	}
	for _, tc := range validSpecs {
		f.Add([]byte(unindent(tc.spec)))
	}
	f.Add([]byte(allFields))
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		s, err := spec.Parse(file, data)
		check(t, string(data), "", s, err, start)
	})
}

// FuzzResolve gives a value to the argument X of a spec.
func FuzzResolve(f *testing.F) {
	for _, tc := range invalidVariables {
		f.Add(unindent(tc.spec), "${X}")
	}
	for i, tc := range invalidFields {
		f.Add(unindent(tc.spec), []string{"", "80", "a b", "/x"}[i%4])
	}
	for _, value := range []string{"", "80", "go-cgo0", "/x", "0644", "30s", "true", "none", "a\nb", `"`, "'", "}", "$X", "\x00", "\xff", "-linkmode=external", "<<EOF"} {
		f.Add(allFields, value)
		for _, v := range []string{"$X", "a${X}b", "${X:-$$}", "${X:+${X}}", "<<$X", `\$X "$X" '$X'`} {
			v = strconv.Quote(v)
			f.Add("toolchain: go-cgo0\nargs: [X]\ntargets:\n  app:\n    workdir: "+v+"\n    expose: ["+v+"]\n    env: {A: "+v+"}\n    build: {dir: "+v+", tags: ["+v+"]}\n", value)
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		start := time.Now()
		doc, err := spec.Read(file, []byte(text))
		if err != nil {
			check(t, text, "", nil, err, start)
			return
		}
		vars := map[string]string{"X": value, "TARGETPLATFORM": "linux/arm64", "TARGETARCH": "arm64"}
		s, err := doc.Resolve(vars)
		check(t, text, value, s, err, start)
		again, second := doc.Resolve(vars)
		if fmt.Sprint(err) != fmt.Sprint(second) || !reflect.DeepEqual(s, again) {
			t.Errorf("got:\n%+v %v\nand again:\n%+v %v", s, err, again, second)
		}
		if err == nil && doc.Declares("X") && !strings.Contains(text, "$") && s.Args["X"] != nil && s.Args["X"].Used {
			t.Error("X is used")
		}
	})
}

// allFields is a spec with most of what there is.
const allFields = `x-base: &base {user: 1000, labels: {team: core, target: $TARGET}}
toolchain: {name: go-cgo0, version: 1.26, image: "golang:${X:-1}", jobs: 2}
args: {X: , Y: "1", Z: dev}
extras: {tzdata: true, ca-certificates: {append: [a.pem]}, nsswitch: false, hosts: true, dirs: [{path: /d, chmod: 0750, chown: nonroot}]}
targets:
  app:
    <<: *base
    description: the app
    default: true
    build: {dir: s, package: [., ./b], tags: [t], ldflags: -v, gcflags: all=-l, tzdata: embed, stamp: {main.v: "${Z}"}, env: {A: $Y}}
    path: /bin/app
    entrypoint: [/bin/app]
    cmd: [serve, "${X:+-x=$X}"]
    env: {V: "a $X b"}
    expose: [80, "${X:-81}"]
    workdir: /${X:-w}
    volumes: [/v]
    stopsignal: SIGINT
    healthcheck: {test: [CMD, /app], interval: 30s, timeout: 3s, start-period: 1m, start-interval: 5s, retries: 3}
    annotations: {a: b}
    metadata: {title: t, version: "${X:-0}", licenses: MIT}
    copy: [{src: a, dest: /a, from: assets, exclude: ["*.tmp"], chown: "${X:-root}", chmod: 0644}]
  rs:
    toolchain: rust-musl
    build: {package: p, bin: b, profile: release, features: [f], default-features: false, locked: true, env: {A: b}}
    extras: {tmp: false, dirs: [{path: /e}]}
`

// check checks what Parse and Resolve promise for any spec and any value.
func check(t *testing.T, text, value string, s *spec.Spec, err error, start time.Time) {
	t.Helper()
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
	lines := strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n")
	for i, p := range problems {
		checkMessage(t, p.Message, text, value)
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
		if p := target.Path; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
			t.Errorf("the path of %q is %q", name, p)
		}
		for _, v := range target.Volumes {
			if !strings.HasPrefix(v, "/") || v == "/" {
				t.Errorf("a volume of %q is %q", name, v)
			}
		}
		for _, c := range target.Copy {
			if len(c.Src) == 0 || !strings.HasPrefix(c.Dest, "/") || c.UID < 0 || c.GID < 0 || c.Chmod.Bits&^0o7777 != 0 {
				t.Errorf("%q copies %+v", name, c)
			}
		}
		for _, d := range target.Extras.Dirs {
			if !strings.HasPrefix(d.Path, "/") || d.Path == "/" || d.UID < 0 || d.GID < 0 {
				t.Errorf("%q has the directory %+v", name, d)
			}
		}
		if h := target.Healthcheck; h != nil && (len(h.Test) == 0 || h.Test[0] == "" || h.Interval < 0 || h.Retries < 0) {
			t.Errorf("the healthcheck of %q is %+v", name, h)
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

func checkMessage(t *testing.T, message, data, value string) {
	t.Helper()
	if message == "" || strings.ContainsAny(message, "\n\r") || !utf8.ValidString(message) {
		t.Errorf("the message is not one paragraph: %q", message)
	}
	for _, word := range jargon {
		// A message may say what the spec says. Escapes could spell it as well, and so
		// could the value of a variable with what is around it.
		if strings.Contains(message, word) && !strings.Contains(data, word) && !strings.Contains(data, `\`) && !strings.ContainsAny(value, word) {
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
