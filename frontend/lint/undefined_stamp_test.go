package lint_test

import "testing"

func TestUndefinedStamp(t *testing.T) {
	const (
		ignored = ": the linker would ignore it without a word; "
		main    = "package main\n\nimport \"example.com/app/internal/about\"\n\nconst name = \"app\"\n\nvar version string\nvar commit = name + \"-\" + (`x`)\nvar date = now()\nvar count int\nvar size = 3\n" +
			"var list = []string{}\nvar quick = true\nvar other = about.Name\nvar copied = version\nvar text = string(name)\nvar one, two = \"1\", now()\n\nfunc now() string { return about.Name }\n\nfunc main() {}\n"
	)
	target := func(name string) string {
		return "toolchain: go-cgo0\ntargets:\n  app:\n    build:\n      package: ./cmd/app\n      stamp: {" + name + ": x}\n"
	}
	src := files("go.mod", "module example.com/app\n", "cmd/app/main.go", main, "cmd/app/arm.go", "//go:build arm\n\npackage main\n\nvar arm string\n",
		"cmd/app/main_test.go", "package main\n\nvar tested string\n", "internal/about/about.go", "package about\n\nconst Name = \"x\"\n\nvar Version = \"dev\"\n",
		"broken/b.go", "package\n")
	var cases []testCase
	for name, want := range map[string]string{
		"main.version":                           "",
		"main.commit":                            "",
		"main.other":                             "",
		"main.text":                              "",
		"main.one":                               "",
		"main.arm":                               "",
		"example.com/app/internal/about.Version": "",
		"github.com/else/where.Version":          "",
		"example.com/app/broken.Version":         "",
		"main.Version":                           `there is no variable Version in cmd/app; did you mean "version"?`,
		"main.tested":                            "there is no variable tested in cmd/app",
		"main.name":                              "name is a constant, which the linker cannot set; declare it with var",
		"main.date":                              "date gets its value when the program starts, which goes over what the linker sets; declare it without a value, or with a text",
		"main.copied":                            "copied gets its value when the program starts, which goes over what the linker sets; declare it without a value, or with a text",
		"main.two":                               "two gets its value when the program starts, which goes over what the linker sets; declare it without a value, or with a text",
		"main.count":                             "count is not a string, and the linker sets nothing else; declare it as a string",
		"main.size":                              "size is not a string, and the linker sets nothing else; declare it as a string",
		"main.list":                              "list is not a string, and the linker sets nothing else; declare it as a string",
		"main.quick":                             "quick is not a string, and the linker sets nothing else; declare it as a string",
		"example.com/app/cmd/app.version":        "the linker knows the package of a program as main: write main.version",
		"example.com/app/internal/about.Nam":     `there is no variable Nam in internal/about`,
	} {
		c := testCase{name: name, spec: target(name), src: src}
		if want != "" {
			c.want = []string{"6:15 " + name + ignored + want}
		}
		cases = append(cases, c)
	}
	run(t, "UndefinedStamp", append(cases,
		testCase{name: "without sources", spec: target("main.Version")},
		testCase{name: "no module", spec: target("main.Version"), src: files("x", "")},
		testCase{name: "one of two programs", spec: "toolchain: go-cgo0\ntargets:\n  app:\n    entrypoint: [/bin/app]\n    build: {package: [./cmd/app, ./cmd/two], stamp: {main.built: x}}\n",
			src: files("go.mod", "module m\n", "cmd/app/main.go", "package main\n", "cmd/two/main.go", "package main\n\nvar built string\n")},
		testCase{name: "Rust", spec: "toolchain: rust-musl\ntargets: {app: {build: {stamp: {VERSION: x}}}}\n", src: src},
	))
}
