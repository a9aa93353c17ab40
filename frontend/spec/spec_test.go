package spec_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// extras tells what an image gets, for comparing.
type extras struct {
	certs, tzdata, passwd, tmp bool
	add                        []string
}

var defaults = extras{certs: true, passwd: true, tmp: true}

// decoded is a target as Parse leaves it.
type decoded struct {
	Toolchain  spec.Toolchain
	Dir        string
	Package    spec.Words
	Bin        spec.Words
	Entrypoint spec.Command
	Cmd        spec.Command
	Env        map[string]string
	Expose     []spec.Port
	User       string
	Workdir    string
	Labels     map[string]string
	Extras     extras
}

// with changes what a target with nothing in it decodes to.
func with(change func(*decoded)) decoded {
	d := decoded{
		Toolchain: spec.Toolchain{Name: spec.GoCGO0},
		Dir:       ".",
		User:      "nonroot 65532:65532 /home/nonroot",
		Workdir:   "/",
		Extras:    defaults,
	}
	if change != nil {
		change(&d)
	}
	return d
}

func decode(t *spec.Target) decoded {
	d := decoded{
		Toolchain: t.Toolchain, Dir: t.Build.Dir, Package: t.Build.Package, Bin: t.Build.Bin,
		Entrypoint: t.Entrypoint, Cmd: t.Cmd, Env: t.Env, Expose: t.Expose,
		User: fmt.Sprintf("%s %s %s", t.User.Name, t.User.Numeric(), t.User.Home), Workdir: t.Workdir, Labels: t.Labels,
		Extras: extras{certs: t.Extras.HasCACertificates(), tzdata: t.Extras.HasTZData(), passwd: t.Extras.HasPasswd(), tmp: t.Extras.HasTmp()},
	}
	if d.Extras.certs {
		for _, c := range t.Extras.CACertificates.Append {
			d.Extras.add = append(d.Extras.add, c.Src)
		}
	}
	return d
}

// validSpecs are specs, each with what its target app decodes to. A newline in
// front of a spec is for the eye and is no part of it.
var validSpecs = []struct {
	name string
	spec string
	want decoded
}{
	{"defaults", "toolchain: go-cgo0\ntargets: {app: {}}\n", with(nil)},
	{"without a newline at the end", "toolchain: go-cgo0\ntargets: {app: {}}", with(nil)},
	{"BOM", "\uFEFFtoolchain: go-cgo0\ntargets: {app: {}}\n", with(nil)},
	{"CRLF", "toolchain: go-cgo0\r\ntargets:\r\n  app:\r\n    workdir: /srv\r\n", with(func(d *decoded) { d.Workdir = "/srv" })},
	{"document marks", "---\ntoolchain: go-cgo0\ntargets: {app: {}}\n...\n", with(nil)},
	{"JSON", `{"toolchain": "go-cgo0", "targets": {"app": {"expose": [80]}}}`, with(func(d *decoded) { d.Expose = []spec.Port{"80"} })},
	{"x- keys are ignored", "x-a: [1, {b: !foo c}]\nx-: ~\ntoolchain: go-cgo0\ntargets: {app: {}}\n", with(nil)},
	{"toolchain of the target", "toolchain: go-cgo0\ntargets: {app: {toolchain: rust-musl}}\n", with(func(d *decoded) { d.Toolchain.Name = spec.RustMusl })},
	{"toolchain in the long form", "toolchain: {name: rust-musl, version: 1.30, image: my/rust}\ntargets: {app: {}}\n", with(func(d *decoded) {
		d.Toolchain = spec.Toolchain{Name: spec.RustMusl, Version: "1.30", Image: "my/rust"}
	})},
	{"version of the target", "toolchain: {name: go-cgo0, version: 1.25, image: my/go}\ntargets: {app: {toolchain: {version: 1.30}}}\n", with(func(d *decoded) {
		d.Toolchain.Version = "1.30"
	})},
	{"image of the target", "toolchain: {name: go-cgo0, version: 1.25}\ntargets: {app: {toolchain: {image: \"my/go@sha256:" + strings.Repeat("a", 64) + "\"}}}\n", with(func(d *decoded) {
		d.Toolchain.Version, d.Toolchain.Image = "1.25", "my/go@sha256:"+strings.Repeat("a", 64)
	})},
	{"name of the target drops the rest", "toolchain: {name: go-cgo0, version: 1.25}\ntargets: {app: {toolchain: go-cgo0}}\n", with(nil)},
	{"short build", "toolchain: go-cgo0\ntargets: {app: {build: ./cmd/app}}\n", with(func(d *decoded) { d.Package = spec.Words{"./cmd/app"} })},
	{"long build", "toolchain: rust-musl\ntargets: {app: {build: {dir: ./crates//app/, package: [a, b], bin: c}}}\n", with(func(d *decoded) {
		d.Toolchain.Name = spec.RustMusl
		d.Dir, d.Package, d.Bin = "crates/app", spec.Words{"a", "b"}, spec.Words{"c"}
	})},
	{"values are taken as written", `
toolchain: go-cgo0
targets:
  app:
    env: {A: 1.30, B: 0644, C: 0o17, D: yes, E: on, F: true, G: 1_000, H: 1e3, I: 12:30:45, J: 2026-01-02, K: .inf, L: 0x1F, M: "", N: "~", O: 'null'}
    labels: {1: 2, no: off, a/b: '>'}
    cmd: [1.0, -0, +5, False, "", 'it''s', "a\tb"]
`, with(func(d *decoded) {
		d.Env = map[string]string{"A": "1.30", "B": "0644", "C": "0o17", "D": "yes", "E": "on", "F": "true", "G": "1_000", "H": "1e3",
			"I": "12:30:45", "J": "2026-01-02", "K": ".inf", "L": "0x1F", "M": "", "N": "~", "O": "null"}
		d.Labels = map[string]string{"1": "2", "no": "off", "a/b": ">"}
		d.Cmd = spec.Command{"1.0", "-0", "+5", "False", "", "it's", "a\tb"}
	})},
	{"commands", "toolchain: go-cgo0\ntargets: {app: {entrypoint: [/app, serve], cmd: []}}\n", with(func(d *decoded) {
		d.Entrypoint, d.Cmd = spec.Command{"/app", "serve"}, spec.Command{}
	})},
	{"block scalars", `
toolchain: go-cgo0
targets:
  app:
    labels:
      kept: |
        a
          b
      folded: >-
        a
        b
`, with(func(d *decoded) { d.Labels = map[string]string{"kept": "a\n  b\n", "folded": "a b"} })},
	{"ports", "toolchain: go-cgo0\ntargets: {app: {expose: [80, 53/udp, 8000-8002/tcp, \"65535\"]}}\n", with(func(d *decoded) {
		d.Expose = []spec.Port{"80", "53/udp", "8000-8002/tcp", "65535"}
	})},
	{"workdir", "toolchain: go-cgo0\ntargets: {app: {workdir: /srv/../data/}}\n", with(func(d *decoded) { d.Workdir = "/data" })},

	// Users.
	{"nonroot", user("nonroot"), withUser("nonroot 65532:65532 /home/nonroot")},
	{"nonroot as a number", user("65532"), withUser("nonroot 65532:65532 /home/nonroot")},
	{"root", user("root"), withUser("root 0:0 /root")},
	{"root as a number", user("0"), withUser("root 0:0 /root")},
	{"root as two numbers", user("0:0"), withUser("root 0:0 /root")},
	{"root with a group", user("0:5"), withUser("root 0:5 /root")},
	{"uid", user("1000"), withUser("user 1000:1000 /home/user")},
	{"uid in quotes", user(`"1000"`), withUser("user 1000:1000 /home/user")},
	{"uid and gid", user("1000:2000"), withUser("user 1000:2000 /home/user")},
	{"highest uid", user("2147483647"), withUser("user 2147483647:2147483647 /home/user")},
	{"user with a name", user("{name: web, uid: 1000}"), withUser("web 1000:1000 /home/web")},
	{"user with all", user("{name: web, uid: 1000, gid: 0, home: /srv/web/}"), withUser("web 1000:0 /srv/web")},
	{"user without a name", user("{uid: 1000}"), withUser("user 1000:1000 /home/user")},
	{"root as a mapping", user("{uid: 0}"), withUser("root 0:0 /root")},

	// Extras: the default, the top level and the target, the later the stronger.
	{"list of extras", withExtras("[tzdata]", ""), wantExtras(extras{certs: true, tzdata: true, passwd: true, tmp: true})},
	{"mapping of extras", withExtras("{tzdata: true, tmp: false}", ""), wantExtras(extras{certs: true, tzdata: true, passwd: true})},
	{"none", withExtras("none", ""), wantExtras(extras{})},
	{"empty list", withExtras("[]", ""), wantExtras(extras{})},
	{"empty mapping", withExtras("{}", ""), wantExtras(defaults)},
	{"none in the target", withExtras("[tzdata]", "none"), wantExtras(extras{})},
	{"empty list in the target", withExtras("[tzdata]", "[]"), wantExtras(extras{})},
	{"target on top of none", withExtras("none", "[tmp]"), wantExtras(extras{tmp: true})},
	{"target on top of a list", withExtras("[tzdata]", "{tmp: false}"), wantExtras(extras{certs: true, tzdata: true, passwd: true})},
	{"target takes one back", withExtras("{tzdata: true, passwd: false}", "{tzdata: false, passwd: true}"), wantExtras(defaults)},
	{"no certificates", withExtras("{ca-certificates: false}", ""), wantExtras(extras{passwd: true, tmp: true})},
	{"certificates of the target", withExtras("{ca-certificates: false}", "[ca-certificates]"), wantExtras(defaults)},
	{"certificate added", withExtras("{ca-certificates: {append: a.pem}}", ""), wantExtras(extras{certs: true, passwd: true, tmp: true, add: []string{"a.pem"}})},
	{"certificates added by the target", withExtras("{ca-certificates: {append: a.pem}}", "{ca-certificates: {append: [b.pem, c/d.pem]}}"),
		wantExtras(extras{certs: true, passwd: true, tmp: true, add: []string{"b.pem", "c/d.pem"}})},
	{"alias in a list of extras", "x-tz: &tz tzdata\n" + withExtras("[*tz]", ""), wantExtras(extras{certs: true, tzdata: true, passwd: true, tmp: true})},

	// Anchors and merge keys.
	{"alias of a target", "toolchain: go-cgo0\ntargets: {base: &base {workdir: /srv}, app: *base}\n", with(func(d *decoded) { d.Workdir = "/srv" })},
	{"alias of a key", "x-key: &key workdir\ntoolchain: go-cgo0\ntargets: {app: {*key : /srv}}\n", with(func(d *decoded) { d.Workdir = "/srv" })},
	{"merge gives way", `
x-base: &base {workdir: /base, env: {A: 1, B: 2}, expose: [80]}
toolchain: go-cgo0
targets:
  app:
    workdir: /app
    <<: *base
    env: {C: 3}
`, with(func(d *decoded) {
		d.Workdir, d.Env, d.Expose = "/app", map[string]string{"C": "3"}, []spec.Port{"80"}
	})},
	{"the first of several merges wins", `
x-a: &a {workdir: /a}
x-b: &b {workdir: /b, cmd: [b]}
toolchain: go-cgo0
targets:
  app:
    <<: [*a, *b, {cmd: [c], expose: [80]}]
`, with(func(d *decoded) { d.Workdir, d.Cmd, d.Expose = "/a", spec.Command{"b"}, []spec.Port{"80"} })},
	{"merge of a merge", `
x-a: &a {workdir: /a, cmd: [a]}
x-b: &b {<<: *a, workdir: /b}
toolchain: go-cgo0
targets:
  app: {<<: *b}
`, with(func(d *decoded) { d.Workdir, d.Cmd = "/b", spec.Command{"a"} })},
	{"merge into env", `
x-env: &env {A: 1, B: 2}
toolchain: go-cgo0
targets:
  app: {env: {<<: *env, B: 3}}
`, with(func(d *decoded) { d.Env = map[string]string{"A": "1", "B": "3"} })},
	{"merge key in quotes is a name", "toolchain: go-cgo0\ntargets: {app: {labels: {\"<<\": x}}}\n", with(func(d *decoded) {
		d.Labels = map[string]string{"<<": "x"}
	})},
}

func user(u string) string { return "toolchain: go-cgo0\ntargets: {app: {user: " + u + "}}\n" }

func withUser(u string) decoded { return with(func(d *decoded) { d.User = u }) }

func withExtras(top, target string) string {
	s := "toolchain: go-cgo0\nextras: " + top + "\ntargets:\n  app:\n    build: .\n"
	if target != "" {
		s += "    extras: " + target + "\n"
	}
	return s
}

func wantExtras(e extras) decoded {
	return with(func(d *decoded) { d.Package, d.Extras = spec.Words{"."}, e })
}

func TestValidSpecs(t *testing.T) {
	for _, tc := range validSpecs {
		t.Run(tc.name, func(t *testing.T) {
			s, err := spec.Parse(file, []byte(unindent(tc.spec)))
			if err != nil {
				t.Fatal(err)
			}
			if got := decode(s.Targets["app"]); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got:\n%+v\nwant:\n%+v", got, tc.want)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	for port, want := range map[spec.Port][]string{
		"80":            {"80/tcp"},
		"0080":          {"80/tcp"},
		"53/udp":        {"53/udp"},
		"36412/sctp":    {"36412/sctp"},
		"8000-8002":     {"8000/tcp", "8001/tcp", "8002/tcp"},
		"5000-5001/udp": {"5000/udp", "5001/udp"},
		"7-7":           {"7/tcp"},
		"http":          nil,
	} {
		if got := port.Each(); !slices.Equal(got, want) {
			t.Errorf("%q.Each() = %q, want %q", port, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	text := unindent(`
x-env: &env {LANG: C}
toolchain: {"name": 'go-cgo0', version: &v "1.26" }
targets:
  api:
    build: ./cmd/api   # the command
    env: {"größe": "日本語", A: 'it''s', "B": "say \"x\""}
    cmd: [a, "b c"]
    user: &u
      name: app
      uid: 1000
    labels:
      notes: |
        text
  "web":
    build: {dir: web, package: [., ./b]}
    env: *env
    toolchain: {version: *v}
extras:
  - tzdata
`)
	s, err := spec.Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path       string
		key, value string
	}{
		{"toolchain", "2:1-10", "2:12-52"},
		{"toolchain name", "2:13-19", "2:21-30"},
		{"toolchain version", "2:32-39", "2:44-50"},
		{"targets", "3:1-8", "4:3-6"},
		{"targets api", "4:3-6", "5:5-10"},
		{"targets api build", "5:5-10", "5:12-21"},
		{"targets api env größe", "6:11-18", "6:20-25"},
		{"targets api env A", "6:27-28", "6:30-37"},
		{"targets api env B", "6:39-42", "6:44-55"},
		{"targets api cmd 1", "7:5-8", "7:14-19"},
		{"targets api user", "8:5-9", "9:7-11"},
		{"targets api user uid", "10:7-10", "10:12-16"},
		{"targets api labels notes", "12:7-12", "12:14-15"},
		{"targets web", "14:3-8", "15:5-10"},
		{"targets web build dir", "15:13-16", "15:18-21"},
		{"targets web build package 1", "15:23-30", "15:36-39"},
		// An alias is where it was written, and what is in it where the anchor is.
		{"targets web env", "16:5-8", "16:10-14"},
		{"targets web env LANG", "1:14-18", "1:20-21"},
		{"targets web toolchain version", "17:17-24", "17:26-28"},
		{"extras tzdata", "19:5-11", "19:3-11"},
		// What was not written is where it would belong.
		{"targets web user", "14:3-8", "15:5-10"},
		{"targets api build dir", "5:5-10", "5:12-21"},
		{"nothing", "0:0-0", "1:1-6"},
	} {
		p := strings.Fields(tc.path)
		if got := short(s.KeyRange(p...)); got != tc.key {
			t.Errorf("the key %s is at %s, want %s", tc.path, got, tc.key)
		}
		if got := short(s.ValueRange(p...)); got != tc.value {
			t.Errorf("the value of %s is at %s, want %s", tc.path, got, tc.value)
		}
	}
	if got := short(s.BuildRange("web")); got != "15:5-10" {
		t.Errorf("the build of web is at %s", got)
	}
	if got := s.Problem(spec.Path{"targets", "api", "build", "dir"}, "is missing").Error(); got != "fromscratch.yaml:5:12: is missing" {
		t.Errorf("got problem %q", got)
	}
}

func short(r spec.Range) string {
	return fmt.Sprintf("%d:%d-%d", r.Start.Line, r.Start.Column, r.End.Column)
}

func TestPaths(t *testing.T) {
	s, err := spec.Parse(file, []byte("toolchain: go-cgo0\ntargets:\n  a: {build: .}\n  b: {build: {package: .}, toolchain: {version: 1.26}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ target, pkg, toolchain string }{
		{"a", "targets.a.build", "toolchain"},
		{"b", "targets.b.build.package", "targets.b.toolchain"},
	} {
		target := s.Targets[tc.target]
		if got := target.PackagePath().String(); got != tc.pkg {
			t.Errorf("the package of %s is at %s, want %s", tc.target, got, tc.pkg)
		}
		if got := s.ToolchainPath(target).String(); got != tc.toolchain {
			t.Errorf("the toolchain of %s is at %s, want %s", tc.target, got, tc.toolchain)
		}
	}
	if s.File() != file {
		t.Errorf("the file is %q", s.File())
	}
	// The paths of siblings must not share their memory.
	p := spec.Path{"targets"}
	a, b := p.Join("a"), p.Join("b")
	if a.String() != "targets.a" || b.String() != "targets.b" || p.String() != "targets" {
		t.Errorf("got paths %s, %s and %s", p, a, b)
	}
}

func TestTarget(t *testing.T) {
	one := "toolchain: go-cgo0\ntargets: {app: {}}\n"
	three := "toolchain: go-cgo0\ntargets:\n  web: {}\n  api: {}\n  worker: {}\n"
	many := "toolchain: go-cgo0\ntargets:\n"
	for i := range 30 {
		many += fmt.Sprintf("  t%02d: {}\n", i)
	}
	for _, tc := range []struct {
		name, spec, target string
		want, err          string
	}{
		{"the only one", one, "", "app", ""},
		{"by name", three, "web", "web", ""},
		{"unnamed of several", three, "", "", "fromscratch.yaml:2:1: the spec has several targets: api, web and worker; name one with --target, or mark one with default: true"},
		{"unknown", three, "database", "", `fromscratch.yaml:2:1: there is no target "database", only api, web and worker`},
		{"misspelled", three, "wroker", "", `fromscratch.yaml:2:1: there is no target "wroker", only api, web and worker; did you mean "worker"?`},
		{"capitals", three, "API", "", `fromscratch.yaml:2:1: there is no target "API", only api, web and worker; did you mean "api"?`},
		{"unknown in a spec of one", one, "default", "", `fromscratch.yaml:2:1: there is no target "default", only app`},
		{"unnamed of many", many, "", "", "fromscratch.yaml:2:1: the spec has several targets: " +
			"t00, t01, t02, t03, t04, t05, t06, t07, t08, t09, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19 and 10 more; name one with --target, or mark one with default: true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := spec.Parse(file, []byte(tc.spec))
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Target(tc.target)
			switch {
			case tc.err != "":
				if err == nil || err.Error() != tc.err {
					t.Errorf("got error %v, want %s", err, tc.err)
				}
			case err != nil:
				t.Error(err)
			case got != s.Targets[tc.want]:
				t.Errorf("got target %q, want %q", got.Name(), tc.want)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("x-base: &base {user: 1000:1000, labels: {team: core, name: $TARGET}}\nargs: {VERSION: dev, PORT: 8080, TZ: }\ntoolchain: {name: go-cgo0, version: 1.26}\ntargets:\n")
	for i := range 500 {
		fmt.Fprintf(&text, "  service-%d:\n    <<: *base\n    build: {dir: services/s%d, package: ./cmd/s%d, stamp: {main.version: \"${VERSION}\"}}\n    expose: [$PORT, 9090/udp]\n"+
			"    cmd: [serve, --listen, \":${PORT}\"]\n    env:\n      TZ: ${TZ:-Europe/Paris}\n      NAME: \"s%d\"\n    extras: {tzdata: true}\n", i, i, i, i)
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spec.Parse(file, data); err != nil {
			b.Fatal(err)
		}
	}
}
