package spec_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

const file = "fromscratch.yaml"

// invalidSpec is a spec with all of the problems that Parse reports. A newline in
// front of it is for the eye and is no part of it.
type invalidSpec struct {
	name string
	spec string
	want []string
}

var invalidSpecs = []invalidSpec{
	// Files that hold no spec.
	{"empty file", "", []string{
		"fromscratch.yaml:1:1: the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}",
	}},
	{"blank file", "\n\n", []string{
		"fromscratch.yaml:1:1: the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}",
	}},
	{"only comments", `
# syntax=fromscratch/frontend:1
# nothing yet
`, []string{
		"fromscratch.yaml:1:1: the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}",
	}},
	{"only a document start", `
# syntax=fromscratch/frontend:1
---
`, []string{
		"fromscratch.yaml:3:1: the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}",
	}},
	{"null document", "~\n", []string{
		"fromscratch.yaml:1:1: the spec is empty; write a toolchain and a target, such as toolchain: go-cgo0 and, on the next line, targets: {app: {build: ./cmd/app}}",
	}},
	{"scalar root", "go-cgo0\n", []string{
		"fromscratch.yaml:1:1: the spec must be a mapping with the keys toolchain and targets, not a single value",
	}},
	{"list root", `
- toolchain: go-cgo0
- targets: {}
`, []string{
		"fromscratch.yaml:1:1: the spec must be a mapping with the keys toolchain and targets, not a list",
	}},
	{"second document", `
toolchain: go-cgo0
targets:
  app: {}
---
toolchain: rust-musl
`, []string{
		"fromscratch.yaml:4:1: the spec has a second YAML document here; a spec is one document, so remove the --- line and what follows, or give it a file of its own",
	}},
	{"empty second document", `
toolchain: go-cgo0
targets:
  app: {}
---
`, []string{
		"fromscratch.yaml:4:1: the spec has a second YAML document here; a spec is one document, so remove the --- line and what follows, or give it a file of its own",
	}},
	{"broken second document", `
toolchain: go-cgo0
targets:
  app: {}
---
foo: [a
`, []string{
		"fromscratch.yaml:5:1: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},

	// Text that YAML cannot hold.
	{"invalid UTF-8", "toolchain: go-cgo0\ntargets:\n  caf\xe9: {}\n", []string{
		"fromscratch.yaml:3:6: the spec is not valid UTF-8 text from here on; save it as UTF-8",
	}},
	{"UTF-16", "\xff\xfet\x00o\x00o\x00l\x00", []string{
		"fromscratch.yaml:1:1: the spec is not valid UTF-8 text from here on; save it as UTF-8",
	}},
	{"NUL character", "toolchain: go-cgo0\ntargets:\n  app: {build: \"./c\x00md\"}\n", []string{
		"fromscratch.yaml:3:20: there is a character here that YAML cannot hold (U+0000); remove it, or save the spec as UTF-8 if there are many",
	}},
	{"NUL escape", `
toolchain: go-cgo0
targets:
  app: {cmd: ["a\0b"]}
`, []string{
		"fromscratch.yaml:3:15: an entry of cmd contains a NUL character, which no name, path or argument can hold; remove it",
	}},
	{"control character", "toolchain: go-cgo0\ntargets:\n  app: {build: ./\x07}\n", []string{
		"fromscratch.yaml:3:18: there is a character here that YAML cannot hold (U+0007); remove it, or save the spec as UTF-8 if there are many",
	}},
	{"line separator", "toolchain: go-cgo0\ntargets:\n  app: {build: ./a}   # here\u2028# there\n", []string{
		"fromscratch.yaml:3:29: there is a line end here that most editors do not show (U+2028); replace it by an ordinary one",
	}},
	{"carriage return alone", "toolchain: go-cgo0\rtargets:\r  app: {}\r", []string{
		"fromscratch.yaml:1:19: there is a line end here that most editors do not show (U+000D); replace it by an ordinary one",
	}},
	{"BOM does not move columns", "\ufefftoolchain: go\ntargets: {app: {}}\n", []string{
		`fromscratch.yaml:1:12: there is no toolchain "go", only go-cgo0, rust-musl and prebuilt; Go programs for scratch are compiled without cgo, which is what go-cgo0 does`,
	}},
	{"BOM in the middle", "toolchain: go-cgo0\n\ufefftargets:\n  app: {}\n", []string{
		`fromscratch.yaml:2:1: unknown key "\ufefftargets" at the top level; did you mean "targets"?`,
	}},
	{"CRLF", "toolchain: go-cgo0\r\ntargets:\r\n  app:\r\n    biuld: ./cmd/app\r\n    workdir: app\r\n", []string{
		`fromscratch.yaml:4:5: unknown key "biuld" in target "app"; did you mean "build"?`,
		"fromscratch.yaml:5:14: workdir must start with a slash: write /app",
	}},

	// Bad YAML.
	{"tab before a key", "toolchain: go-cgo0\ntargets:\n  app:\n\tbuild: ./cmd/app\n", []string{
		"fromscratch.yaml:4:1: the line is indented with a tab; YAML takes spaces only, so write two spaces a level",
	}},
	{"tab on the first line", "\ttoolchain: go-cgo0\n", []string{
		"fromscratch.yaml:1:1: the line is indented with a tab; YAML takes spaces only, so write two spaces a level",
	}},
	{"tab after spaces", "toolchain: go-cgo0\ntargets:\n  app:\n    build: ./cmd/app\n  \tuser: root\n", []string{
		"fromscratch.yaml:5:3: the line is indented with a tab; YAML takes spaces only, so write two spaces a level",
	}},
	{"tab in a list", "toolchain: go-cgo0\ntargets:\n  app:\n    expose:\n\t- 8080\n", []string{
		"fromscratch.yaml:5:1: the line is indented with a tab; YAML takes spaces only, so write two spaces a level",
	}},
	{"tab in a block scalar is not what is wrong", "toolchain: go-cgo0\ntargets:\n  app:\n    labels:\n      notes: |\n        a\n        \tb\n    cmd: [a\n", []string{
		"fromscratch.yaml:8:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"indented too little", `
toolchain: go-cgo0
targets:
  app:
    build: ./cmd/app
   user: root
`, []string{
		"fromscratch.yaml:5:4: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
	}},
	{"indented too little after a comment", `
toolchain: go-cgo0
targets:
  app:
    build: ./cmd/app

    # who runs it

   user: root
`, []string{
		"fromscratch.yaml:8:4: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
	}},
	{"indented too much", `
toolchain: go-cgo0
targets:
  app:
    build: ./cmd/app
      user: root
`, []string{
		"fromscratch.yaml:5:7: this is not valid YAML: a key cannot stand here; see that it is indented like the keys beside it, that the line above has a colon and a space after its key, and that a value with a colon is in quotes",
	}},
	{"colon in a value", `
toolchain: go-cgo0
targets:
  app:
    build: ./cmd/app: yes
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a key cannot stand here; see that it is indented like the keys beside it, that the line above has a colon and a space after its key, and that a value with a colon is in quotes",
	}},
	{"no space after the colon", `
toolchain: go-cgo0
targets:
  app:
    build:./cmd/app
    user: root
`, []string{
		"fromscratch.yaml:5:5: this is not valid YAML: a key cannot stand here; see that it is indented like the keys beside it, that the line above has a colon and a space after its key, and that a value with a colon is in quotes",
	}},
	{"a word without a colon", `
toolchain: go-cgo0
targets:
  app:
    build
    user: root
`, []string{
		"fromscratch.yaml:5:5: this is not valid YAML: a key cannot stand here; see that it is indented like the keys beside it, that the line above has a colon and a space after its key, and that a value with a colon is in quotes",
	}},
	{"list closed by a brace", `
toolchain: go-cgo0
targets:
  app:
    cmd: [a, b}
    user: root
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"list never closed", `
toolchain: go-cgo0
targets:
  app:
    cmd: [a, b
    user: root
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"list of several lines never closed", `
toolchain: go-cgo0
targets:
  app:
    cmd: [
      a,
      b,
    user: root
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"list of several lines closed before one that is not", `
toolchain: go-cgo0
targets:
  app:
    expose: [
      80,
    ]
    cmd: [a, b
    user: root
`, []string{
		"fromscratch.yaml:7:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"mapping never closed", `
toolchain: go-cgo0
targets:
  app: {build: ./cmd/app
  web: {build: ./cmd/web}
`, []string{
		"fromscratch.yaml:3:3: this is not valid YAML: a mapping that starts with { on this line is not closed, or lacks a comma between two entries; write it like {a: 1, b: 2}",
	}},
	{"no comma in a list", `
toolchain: go-cgo0
targets:
  app: {cmd: ["a" "b"]}
`, []string{
		"fromscratch.yaml:3:3: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]",
	}},
	{"comma too many", `
toolchain: go-cgo0
targets:
  app: {cmd: [a,,b]}
`, []string{
		"fromscratch.yaml:3:3: this is not valid YAML: there is a comma or a bracket where a value is expected; look for one too many, or put the value in quotes",
	}},
	{"bracket too many", `
toolchain: go-cgo0
targets:
  app:
    cmd: ]
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: there is a comma or a bracket where a value is expected; look for one too many, or put the value in quotes",
	}},
	{"single quote never closed", `
toolchain: go-cgo0
targets:
  app:
    build: './cmd/app
    user: root
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a quote that opens on this line is never closed; add the closing quote",
	}},
	{"double quote never closed", `
toolchain: go-cgo0
targets:
  app:
    build: "./cmd/app
    user: root
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a quote that opens on this line is never closed; add the closing quote",
	}},
	{"quote open at the next document", `
toolchain: go-cgo0
targets:
  app:
    build: "./cmd/app
---
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a quote that opens on this line is not closed before the next --- or ...; add the closing quote",
	}},
	{"text after a quote", `
toolchain: go-cgo0
targets:
  app:
    build: "./cmd"/app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
	}},
	{"apostrophe in single quotes", `
toolchain: go-cgo0
targets:
  app:
    labels: {title: 'it's'}
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a mapping that starts with { on this line is not closed, or lacks a comma between two entries; write it like {a: 1, b: 2}",
	}},
	{"backslash in double quotes", `
toolchain: go-cgo0
targets:
  app:
    build: "cmd\papp"
`, []string{
		`fromscratch.yaml:4:5: this is not valid YAML: a backslash in double quotes starts an escape, and there is none like this; use single quotes, or write \\ for a backslash`,
	}},
	{"short character code", `
toolchain: go-cgo0
targets:
  app:
    build: "\u12"
`, []string{
		`fromscratch.yaml:4:5: this is not valid YAML: \x, \u and \U in double quotes take the number of a character in 2, 4 and 8 hexadecimal digits; use single quotes if the backslash is part of the text`,
	}},
	{"at sign", `
toolchain: go-cgo0
targets:
  app:
    build: @app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a value cannot start with %, @ or a backtick; put the value in quotes",
	}},
	{"percent sign", `
toolchain: go-cgo0
targets:
  app:
    build: %app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a value cannot start with %, @ or a backtick; put the value in quotes",
	}},
	{"backtick", "toolchain: go-cgo0\ntargets:\n  app:\n    build: `app`\n", []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a value cannot start with %, @ or a backtick; put the value in quotes",
	}},
	{"asterisk", `
toolchain: go-cgo0
targets:
  app:
    build: *.go
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a * or & at the start of a value belongs to YAML's aliases and anchors; put the value in quotes",
	}},
	{"ampersand alone", `
toolchain: go-cgo0
targets:
  app:
    build: & app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a * or & at the start of a value belongs to YAML's aliases and anchors; put the value in quotes",
	}},
	{"exclamation mark", `
toolchain: go-cgo0
targets:
  app:
    build: !a!b app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: an exclamation mark at the start of a value belongs to YAML's tags; put the value in quotes",
	}},
	{"exclamation mark with an open bracket", `
toolchain: go-cgo0
targets:
  app:
    build: !<app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: an exclamation mark at the start of a value belongs to YAML's tags; put the value in quotes",
	}},
	{"question mark", `
toolchain: go-cgo0
targets:
  app:
    build: ? app
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a question mark cannot start a value; put the value in quotes",
	}},
	{"dash behind a key", `
toolchain: go-cgo0
targets:
  app:
    cmd: - serve
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: a list with dashes cannot start on this line; put each dash on a line of its own below the key, or write the list like [a, b]",
	}},
	{"list among keys", `
toolchain: go-cgo0
targets:
  app:
    build: ./cmd/app
    - serve
`, []string{
		"fromscratch.yaml:5:5: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
	}},
	{"key among a list", `
toolchain: go-cgo0
targets:
  app:
    cmd:
      - serve
      user: root
`, []string{
		"fromscratch.yaml:6:7: this is not valid YAML: this does not fit the list above; start the line with a dash like the other entries, or indent it like the key of the list",
	}},
	{"text behind a block scalar", `
toolchain: go-cgo0
targets:
  app:
    labels:
      notes: | some
        text
`, []string{
		"fromscratch.yaml:5:7: this is not valid YAML: nothing but - or + can follow a | or > on its line; put the text on the lines below, indented",
	}},
	{"directive", `
%FOO bar
---
toolchain: go-cgo0
targets:
  app: {}
`, []string{
		"fromscratch.yaml:1:1: this is not valid YAML: a line that starts with % is an instruction to YAML, and a spec needs none; remove it",
	}},
	{"YAML of the future", `
%YAML 9.9
---
toolchain: go-cgo0
targets:
  app: {}
`, []string{
		"fromscratch.yaml:1:1: this is not valid YAML: a line that starts with % is an instruction to YAML, and a spec needs none; remove it",
	}},
	{"text behind the root", "{toolchain: go-cgo0} targets: {}\n", []string{
		"fromscratch.yaml:1:1: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
	}},
	{"template of another tool", `
toolchain: go-cgo0
targets:
  app: {build: {{ .Package }}}
`, []string{
		"fromscratch.yaml:3:17: a key must be a single word, not a mapping; put it in quotes if its brackets are part of it",
	}},
	{"tag", `
toolchain: go-cgo0
targets:
  app:
    build: !include app.yaml
`, []string{
		`fromscratch.yaml:4:21: build has the YAML tag "!include", which means nothing in a spec; remove it, or put the value in quotes if the exclamation mark is part of it`,
	}},
	{"binary tag", `
toolchain: go-cgo0
targets:
  app:
    build: !!binary aGVsbG8=
`, []string{
		`fromscratch.yaml:4:21: build has the YAML tag "!!binary", which means nothing in a spec; remove it, or put the value in quotes if the exclamation mark is part of it`,
	}},

	// Keys.
	{"unknown key at the top level", `
toolchain: go-cgo0
targets:
  app: {}
image: scratch
`, []string{
		`fromscratch.yaml:4:1: unknown key "image" at the top level; the name of an image is up to docker buildx build --tag; base: names one to start from, and toolchain: {image: …} that of the compiler`,
	}},
	{"misspelled key at the top level", `
toolchian: go-cgo0
targets:
  app: {}
`, []string{
		`fromscratch.yaml:1:1: unknown key "toolchian" at the top level; did you mean "toolchain"?`,
	}},
	{"misspelled targets", `
toolchain: go-cgo0
target:
  app: {}
`, []string{
		`fromscratch.yaml:2:1: unknown key "target" at the top level; did you mean "targets"?`,
	}},
	{"key in capitals", `
TOOLCHAIN: go-cgo0
Targets:
  app: {}
`, []string{
		`fromscratch.yaml:1:1: unknown key "TOOLCHAIN" at the top level; did you mean "toolchain"?`,
		`fromscratch.yaml:2:1: unknown key "Targets" at the top level; did you mean "targets"?`,
	}},
	{"x- key in a target", `
toolchain: go-cgo0
targets:
  app:
    x-note: hello
`, []string{
		`fromscratch.yaml:4:5: unknown key "x-note" in target "app"; keys that start with x- are for the top level, where they are ignored`,
	}},
	{"words of a Dockerfile and of Compose", `
toolchain: go-cgo0
services: {}
ports: [80]
ENV: {A: b}
targets:
  app:
    run: apt-get install curl
    from: alpine
    ports: [80]
    command: [serve]
    environment: {A: b}
    arg: VERSION
    maintainer: me
    shell: [/bin/sh]
    onbuild: x
    ADD: x
    image: app:1
    HEALTHCHECK: {test: [/app]}
    working_dir: /
    stop_signal: SIGINT
`, []string{
		`fromscratch.yaml:2:1: unknown key "services" at the top level; did you mean "targets"?`,
		`fromscratch.yaml:3:1: unknown key "ports" at the top level; it belongs to a target: write targets: {app: {expose: …}}`,
		`fromscratch.yaml:4:1: unknown key "ENV" at the top level; it belongs to a target: write targets: {app: {env: …}}`,
		`fromscratch.yaml:7:5: unknown key "run" in target "app"; nothing runs in an image from scratch, which has no shell; toolchain: {packages: […]} adds to the compiler's image, and copy: […] to this one`,
		`fromscratch.yaml:8:5: unknown key "from" in target "app"; the image starts from scratch; base: names another image to start from, toolchain: {image: …} the compiler's, and copy: [{from: name, …}] takes files out of one`,
		`fromscratch.yaml:9:5: unknown key "ports" in target "app"; did you mean "expose"?`,
		`fromscratch.yaml:10:5: unknown key "command" in target "app"; did you mean "cmd"?`,
		`fromscratch.yaml:11:5: unknown key "environment" in target "app"; did you mean "env"?`,
		`fromscratch.yaml:12:5: unknown key "arg" in target "app"; build arguments are declared for all targets, at the top level: args: {NAME: default}`,
		`fromscratch.yaml:13:5: unknown key "maintainer" in target "app"; write metadata: {authors: …}`,
		`fromscratch.yaml:14:5: unknown key "shell" in target "app"; an image from scratch has no shell; commands are lists, as in entrypoint: [/app, serve]`,
		`fromscratch.yaml:15:5: unknown key "onbuild" in target "app"; ONBUILD is not an OCI field, and it would run in builds that start from this image; remove it`,
		`fromscratch.yaml:16:5: unknown key "ADD" in target "app"; there is no ADD; copy takes files of the build context and of others: copy: [{src: config/, dest: /etc/app/}], and a URL or a git repository is passed with --build-context name=…, for copy: [{from: name, …}]`,
		`fromscratch.yaml:17:5: unknown key "image" in target "app"; the name of an image is up to docker buildx build --tag; base: names one to start from, and toolchain: {image: …} that of the compiler`,
		`fromscratch.yaml:18:5: unknown key "HEALTHCHECK" in target "app"; did you mean "healthcheck"?`,
		`fromscratch.yaml:19:5: unknown key "working_dir" in target "app"; did you mean "workdir"?`,
		`fromscratch.yaml:20:5: unknown key "stop_signal" in target "app"; did you mean "stopsignal"?`,
	}},
	{"unknown key in a target", `
toolchain: go-cgo0
targets:
  app:
    replicas: 3
`, []string{
		`fromscratch.yaml:4:5: unknown key "replicas" in target "app"; known keys are description, default, build, toolchain, path, entrypoint, cmd, env, expose, user, workdir, volumes, stopsignal, healthcheck, labels, annotations, metadata, copy, compress, extras, base and capabilities`,
	}},
	{"misspelled key in a target", `
toolchain: go-cgo0
targets:
  app:
    Entrypoint: [/app]
    exposes: [80]
`, []string{
		`fromscratch.yaml:4:5: unknown key "Entrypoint" in target "app"; did you mean "entrypoint"?`,
		`fromscratch.yaml:5:5: unknown key "exposes" in target "app"; did you mean "expose"?`,
	}},
	{"misspelled toolchain of a target", `
targets:
  app:
    tolchain: go-cgo0
`, []string{
		`fromscratch.yaml:3:5: unknown key "tolchain" in target "app"; did you mean "toolchain"?`,
	}},
	{"unknown key in build", `
toolchain: go-cgo0
targets:
  app:
    build: {main: ./cmd/app}
`, []string{
		`fromscratch.yaml:4:13: unknown key "main" in build of target "app"; did you mean "package"?`,
	}},
	{"misspelled key in build", `
toolchain: go-cgo0
targets:
  app:
    build: {packages: ./cmd/app}
`, []string{
		`fromscratch.yaml:4:13: unknown key "packages" in build of target "app"; did you mean "package"?`,
	}},
	{"unknown key in the toolchain", `
toolchain: {name: go-cgo0, flags: [a]}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:28: unknown key "flags" in toolchain; known keys are name, version, image, jobs and packages`,
	}},
	{"misspelled key in the toolchain", `
toolchain: {name: go-cgo0, versoin: 1.26}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:28: unknown key "versoin" in toolchain; did you mean "version"?`,
	}},
	{"unknown key in the toolchain of a target", `
targets:
  app:
    toolchain: {name: go-cgo0, flags: [a]}
`, []string{
		`fromscratch.yaml:3:32: unknown key "flags" in toolchain of target "app"; known keys are name, version, image, jobs and packages`,
	}},
	{"unknown key in a user", `
toolchain: go-cgo0
targets:
  app:
    user: {uid: 1000, groups: [1]}
`, []string{
		`fromscratch.yaml:4:23: unknown key "groups" in user of target "app"; known keys are name, uid, gid and home`,
	}},
	{"unknown key in the extras", `
toolchain: go-cgo0
targets:
  app: {}
extras:
  curl: true
`, []string{
		`fromscratch.yaml:5:3: unknown key "curl" in extras; known keys are ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs`,
	}},
	{"misspelled key in the extras", `
toolchain: go-cgo0
targets:
  app: {extras: {tzdatas: true}}
`, []string{
		`fromscratch.yaml:3:18: unknown key "tzdatas" in extras of target "app"; did you mean "tzdata"?`,
	}},
	{"unknown key in ca-certificates", `
toolchain: go-cgo0
targets:
  app: {}
extras:
  ca-certificates: {files: [a.pem]}
`, []string{
		`fromscratch.yaml:5:21: unknown key "files" in extras.ca-certificates; the only key is append`,
	}},
	{"long unknown key", `
toolchain: go-cgo0
targets:
  app: {}
kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1
`, []string{
		`fromscratch.yaml:4:1: unknown key "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…" at the top level; known keys are toolchain, args, targets, extras and base`,
	}},
	{"inputs that fill nothing", `
toolchain: go-cgo0
targets:
  app:
    build:
      package: ./cmd/app
      inputs:
        /ui: a
        ../ui: a
        .: a
        ui/: a
        web: ""
`, []string{
		`fromscratch.yaml:7:9: "/ui" is not a folder of the build context; write a path relative to its root`,
		`fromscratch.yaml:8:9: "../ui" is not a folder of the build context; write a path relative to its root`,
		`fromscratch.yaml:9:9: the root of the build context cannot be filled from another; pass that as the context`,
		`fromscratch.yaml:10:9: write "ui"`,
		`fromscratch.yaml:11:14: say which context fills web, by the name that --build-context gives it`,
	}},
	{"keys of the Rust compile in a Go build", `
toolchain: go-cgo0
targets:
  app:
    build: {package: ./cmd/app, optimize: speed, auditable: false}
`, []string{
		`fromscratch.yaml:4:43: go-cgo0 knows optimize: size only, since the Go compiler has no levels; remove it. What makes a Go program faster is ` +
			`a profile, default.pgo beside the program, and a later processor, such as --platform linux/amd64/v3`,
		`fromscratch.yaml:4:50: auditable belongs to rust-musl; remove it`,
	}},
	{"other packers", `
toolchain: go-cgo0
targets:
  app:
    compress: gzip
  api:
    compress: upxx
  web:
    compress: [upx]
`, []string{
		`fromscratch.yaml:4:15: compress must be upx, not "gzip"; the layers of an image are compressed in any case`,
		`fromscratch.yaml:6:15: compress must be upx, not "upxx"; did you mean "upx"?`,
		`fromscratch.yaml:8:15: compress must be a single value, not a list`,
	}},
	{"words of the Rust compile", `
toolchain: rust-musl
targets:
  app:
    build: {optimize: small, cache: layer, network: host, group: "a b"}
`, []string{
		`fromscratch.yaml:4:23: optimize must be size or speed, not "small"`,
		`fromscratch.yaml:4:37: cache must be auto or layers or mounts, not "layer"; did you mean "layers"?`,
		`fromscratch.yaml:4:53: network must be none, not "host"`,
		`fromscratch.yaml:4:66: "a b" cannot be the name of a group; use letters, digits, '.', '_' and '-'`,
	}},
	{"secrets", `
toolchain: rust-musl
targets:
  app:
    build:
      secrets:
        - a/b
        - {env: TOKEN}
        - {id: token, env: 1TOKEN}
        - {id: token, target: token}
        - {id: token, target: /run/secrets/}
`, []string{
		`fromscratch.yaml:6:11: "a/b" cannot be the id of a secret; write one as given to --secret id=…, such as token`,
		`fromscratch.yaml:7:11: an entry of secrets needs the id that --secret gives it: write {id: token, env: API_TOKEN}`,
		`fromscratch.yaml:8:28: "1TOKEN" cannot be the name of a variable; write one such as API_TOKEN`,
		`fromscratch.yaml:9:31: target is the absolute path of a file: write /run/secrets/token`,
		`fromscratch.yaml:10:31: target is the absolute path of a file: write /run/secrets/token`,
	}},
	{"a group of unequal targets", `
toolchain: rust-musl
targets:
  a: {build: {package: a, group: g, features: [x]}}
  b: {build: {package: b, bin: c, group: g, features: x}}
  c: {build: {package: c, group: g, features: x, env: {A: b}}}
  d: {build: {package: d, group: h}}
  e: {build: {package: e, group: g, features: x, auditable: true}}
`, []string{
		`fromscratch.yaml:5:27: targets a and c of group g are compiled together, and differ in env; give them the same, or another group`,
		`fromscratch.yaml:7:27: targets a and e of group g are compiled together, and differ in auditable; give them the same, or another group`,
	}},
	{"packages that cannot be", `
toolchain: {name: go-cgo0, packages: [git, protobuf-compiler, "g++", cmake=1:3.25.1-1, zlib1g-dev:arm64, zlib1g-dev:arm64=1:1.2, Git, -y, git-, "a b", "git*", a/bookworm, a=, "git;id"]}
targets:
  app: {toolchain: {packages: git curl}}
`, []string{
		`fromscratch.yaml:1:130: "Git" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:135: "-y" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:139: "git-" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:145: "a b" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:152: "git*" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:160: "a/bookworm" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:172: "a=" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:1:176: "git;id" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:3:31: "git curl" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
	}},
	{"options of sbom", `
toolchain: go-cgo0
targets:
  app: {extras: {sbom: {path: /x}}}
`, []string{
		`fromscratch.yaml:3:24: sbom must be true or false, not a mapping`,
	}},
	{"zones that can be none", `
toolchain: go-cgo0
targets:
  app: {extras: {tzdata: {zones: [/usr/share/zoneinfo/Europe/Paris, 'Europe\Paris', ../UTC, zone.tab, Europe/, "", UTC]}}}
`, []string{
		`fromscratch.yaml:3:35: "/usr/share/zoneinfo/Europe/Paris" cannot be the name of a time zone; write one as the database has it, such as Europe/Paris`,
		`fromscratch.yaml:3:69: "Europe\Paris" cannot be the name of a time zone; write one as the database has it, such as Europe/Paris`,
		`fromscratch.yaml:3:85: "../UTC" cannot be the name of a time zone; write one as the database has it, such as UTC or Europe/Paris`,
		`fromscratch.yaml:3:93: "zone.tab" cannot be the name of a time zone; write one as the database has it, such as UTC or Europe/Paris`,
		`fromscratch.yaml:3:103: "Europe/" cannot be the name of a time zone; write one as the database has it, such as UTC or Europe/Paris`,
		"fromscratch.yaml:3:112: an entry of zones must not be empty text; write a value or remove it",
	}},
	{"tzdata in other forms", `
toolchain: go-cgo0
targets:
  a: {extras: {tzdata: [UTC]}}
  b: {extras: {tzdata: Europe/Paris}}
  c: {extras: {tzdata: {zone: UTC}}}
  d: {extras: {tzdata: {zones: []}}}
  e: {extras: {tzdata: {zones: {UTC: true}}}}
  f: {extras: {tzdata: {zones: }}}
`, []string{
		"fromscratch.yaml:3:24: tzdata must be true, false or a mapping such as {zones: [UTC, Europe/Paris]}, not a list",
		`fromscratch.yaml:4:24: tzdata must be true or false, not "Europe/Paris"; for that zone alone, write tzdata: {zones: [Europe/Paris]}`,
		`fromscratch.yaml:5:25: unknown key "zone" in extras.tzdata of target "c"; did you mean "zones"?`,
		"fromscratch.yaml:6:32: zones is an empty list; name at least one or remove the key",
		"fromscratch.yaml:7:32: zones must be a list such as [a, b], not a mapping",
		"fromscratch.yaml:8:32: zones has no value; write one or remove the key",
	}},
	{"key twice", `
toolchain: go-cgo0
targets:
  app:
    build: .
    user: root
    build: ./cmd/app
`, []string{
		`fromscratch.yaml:6:5: "build" is written twice; it is already on line 4, so remove one of them`,
	}},
	{"key twice at the top level", `
toolchain: go-cgo0
targets: {app: {}}
toolchain: rust-musl
`, []string{
		`fromscratch.yaml:3:1: "toolchain" is written twice; it is already on line 1, so remove one of them`,
	}},
	{"target twice", `
toolchain: go-cgo0
targets:
  app: {}
  web: {}
  app: {}
`, []string{
		`fromscratch.yaml:5:3: "app" is written twice; it is already on line 3, so remove one of them`,
	}},
	{"quoted key twice", `
toolchain: go-cgo0
targets:
  app:
    env: {A: 1, "A": 2}
`, []string{
		`fromscratch.yaml:4:17: "A" is written twice; it is already on line 4, so remove one of them`,
	}},
	{"x- key twice", `
x-a: 1
x-a: 2
toolchain: go-cgo0
targets:
  app: {}
`, []string{
		`fromscratch.yaml:2:1: "x-a" is written twice; it is already on line 1, so remove one of them`,
	}},
	{"list as a key", `
toolchain: go-cgo0
targets:
  app: {}
? [a, b]
: c
`, []string{
		"fromscratch.yaml:4:3: a key must be a single word, not a list; put it in quotes if its brackets are part of it",
	}},
	{"template as a key", `
toolchain: go-cgo0
targets:
  app:
    env:
      {NAME}: value
`, []string{
		"fromscratch.yaml:5:7: a key must be a single word, not a mapping; put it in quotes if its brackets are part of it",
	}},
	{"no key", `
toolchain: go-cgo0
targets:
  app:
    build: {: ./cmd/app}
`, []string{
		"fromscratch.yaml:4:5: this is not valid YAML: there is a comma or a bracket where a value is expected; look for one too many, or put the value in quotes",
	}},

	// Values of the wrong type, and no values.
	{"null everywhere", `
toolchain:
targets:
extras:
`, []string{
		"fromscratch.yaml:1:11: toolchain has no value; write one or remove the key",
		"fromscratch.yaml:2:9: targets is empty; write its keys below it, indented by two spaces",
		"fromscratch.yaml:3:8: extras has no value; write one or remove the key",
	}},
	{"null target", `
toolchain: go-cgo0
targets:
  app:
`, []string{
		`fromscratch.yaml:3:7: target "app" is empty; write its keys below it, indented by two spaces`,
	}},
	{"nulls in a target", `
toolchain: go-cgo0
targets:
  app:
    build:
    user: ~
    env: null
    expose:
    cmd:
    entrypoint: Null
    workdir:
    labels:
    extras:
    toolchain:
`, []string{
		"fromscratch.yaml:4:11: build has no value; write one or remove the key",
		"fromscratch.yaml:5:11: user has no value; write one or remove the key",
		"fromscratch.yaml:6:10: env is empty; write its keys below it, indented by two spaces",
		"fromscratch.yaml:7:12: expose has no value; write one or remove the key",
		"fromscratch.yaml:8:9: cmd has no value; write one or remove the key",
		"fromscratch.yaml:9:17: entrypoint has no value; write one or remove the key",
		"fromscratch.yaml:10:13: workdir has no value; write one or remove the key",
		"fromscratch.yaml:11:12: labels is empty; write its keys below it, indented by two spaces",
		"fromscratch.yaml:12:12: extras has no value; write one or remove the key",
		"fromscratch.yaml:13:15: toolchain has no value; write one or remove the key",
	}},
	{"nulls in lists", `
toolchain: go-cgo0
targets:
  app:
    build: {package: [./a, ~]}
    cmd: [serve, null]
    expose:
      - 80
      -
    extras: [~]
`, []string{
		"fromscratch.yaml:4:28: an entry of package has no value; write one or remove the entry",
		"fromscratch.yaml:5:18: an entry of cmd has no value; write one or remove the entry",
		"fromscratch.yaml:8:8: an entry of expose has no value; write one or remove the entry",
		"fromscratch.yaml:9:14: an entry of extras has no value; write one or remove the entry",
	}},
	{"nulls in mappings", `
toolchain: go-cgo0
targets:
  app:
    build: {dir: , package: , bin: }
    env: {A: , B: x}
    user: {name: , uid: }
    extras: {tmp: , ca-certificates: , tzdata: }
`, []string{
		"fromscratch.yaml:4:18: dir has no value; write one or remove the key",
		"fromscratch.yaml:4:29: package has no value; write one or remove the key",
		"fromscratch.yaml:4:31: bin belongs to rust-musl; remove it",
		"fromscratch.yaml:4:36: bin has no value; write one or remove the key",
		"fromscratch.yaml:5:14: A has no value; write one or remove the key",
		"fromscratch.yaml:6:18: name has no value; write one or remove the key",
		"fromscratch.yaml:6:25: uid has no value; write one or remove the key",
		"fromscratch.yaml:7:19: tmp has no value; write one or remove the key",
		"fromscratch.yaml:7:38: ca-certificates has no value; write one or remove the key",
		"fromscratch.yaml:7:48: tzdata has no value; write one or remove the key",
	}},
	{"scalars for mappings", `
toolchain: go-cgo0
targets: app
extras: all
`, []string{
		"fromscratch.yaml:2:10: targets must be a mapping such as {app: {build: ./cmd/app}}, not a single value",
		`fromscratch.yaml:3:9: extras must be a list such as [tzdata], a mapping such as {tmp: false}, or none, not "all"`,
	}},
	{"scalar for a target", `
toolchain: go-cgo0
targets:
  app: ./cmd/app
`, []string{
		`fromscratch.yaml:3:8: target "app" must be a mapping such as {build: ./cmd/app}, not a single value`,
	}},
	{"lists for mappings", `
toolchain: [go-cgo0]
targets: [app, web]
extras: [[tzdata]]
`, []string{
		"fromscratch.yaml:1:12: toolchain must be the name of a toolchain, or a mapping with the keys name, version, image, jobs and packages, not a list",
		"fromscratch.yaml:2:10: targets must be a mapping such as {app: {build: ./cmd/app}}, not a list",
		"fromscratch.yaml:3:10: an entry of extras must be the name of an extra, not a list; write extras as a mapping to give options",
	}},
	{"list for a target", `
toolchain: go-cgo0
targets:
  app: [./cmd/app]
`, []string{
		`fromscratch.yaml:3:8: target "app" must be a mapping such as {build: ./cmd/app}, not a list`,
	}},
	{"list for build", `
toolchain: go-cgo0
targets:
  app:
    build: [./cmd/a, ./cmd/b]
`, []string{
		"fromscratch.yaml:4:12: build must be one package or a mapping such as {package: [./cmd/a, ./cmd/b]}, not a list",
	}},
	{"lists in a target", `
toolchain: go-cgo0
targets:
  app:
    env: [A=1]
    labels:
      - a=b
    user: [1000, 1000]
    workdir: [/]
`, []string{
		"fromscratch.yaml:4:10: env must be a mapping such as {NAME: value}, not a list",
		"fromscratch.yaml:6:7: labels must be a mapping such as {NAME: value}, not a list",
		"fromscratch.yaml:7:11: user must be a single value such as 1000:1000, or a mapping such as {name: app, uid: 10001}, not a list",
		"fromscratch.yaml:8:14: workdir must be a single value, not a list",
	}},
	{"mappings in a target", `
toolchain: go-cgo0
targets:
  app:
    workdir: {path: /}
    cmd: {a: b}
    expose: {80: tcp}
    env: {A: {b: c}}
    labels: {a: [b]}
`, []string{
		"fromscratch.yaml:4:14: workdir must be a single value, not a mapping",
		"fromscratch.yaml:5:10: cmd must be a list such as [a, b], not a mapping",
		"fromscratch.yaml:6:13: expose must be a list such as [a, b], not a mapping",
		"fromscratch.yaml:7:14: A must be a single value, not a mapping",
		"fromscratch.yaml:8:17: a must be a single value, not a list",
	}},
	{"scalars for lists", `
toolchain: go-cgo0
targets:
  app:
    expose: 8080
    cmd: [[a]]
`, []string{
		"fromscratch.yaml:4:13: expose must be a list, also when it has one entry only: write [8080]",
		"fromscratch.yaml:5:11: an entry of cmd must be a single value, not a list",
	}},
	{"empty texts", `
toolchain: {name: go-cgo0, version: "", image: ''}
targets:
  app:
    build: {dir: "", package: [""], bin: ''}
    workdir: ''
    user: {name: '', uid: 1}
`, []string{
		"fromscratch.yaml:1:37: version must not be empty text; write a value or remove it",
		"fromscratch.yaml:1:48: image must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:18: dir must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:32: an entry of package must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:37: bin belongs to rust-musl; remove it",
		"fromscratch.yaml:4:42: bin must not be empty text; write a value or remove it",
		"fromscratch.yaml:5:14: workdir must not be empty text; write a value or remove it",
		"fromscratch.yaml:6:18: name must not be empty text; write a value or remove it",
	}},
	{"more empty texts", `
toolchain: ''
targets:
  app:
    build: ''
    user: ''
    entrypoint: ['']
    expose: ['']
    env: {"": x}
    extras: ''
`, []string{
		"fromscratch.yaml:1:12: toolchain must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:12: build must not be empty text; write a value or remove it",
		`fromscratch.yaml:5:11: "" is not a user; write nonroot, root, a number such as 1000 or 1000:1000, or {name: app, uid: 10001}`,
		"fromscratch.yaml:6:18: entrypoint starts with empty text; name the program to run",
		`fromscratch.yaml:7:14: "" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		"fromscratch.yaml:8:11: a key is missing before the colon; write key: value",
		`fromscratch.yaml:9:13: extras must be a list such as [tzdata], a mapping such as {tmp: false}, or none, not ""`,
	}},
	{"alias to empty text", `
toolchain: go-cgo0
targets:
  app:
    workdir: /
    env: {A: &e ""}
    build: {package: [*e]}
`, []string{
		"fromscratch.yaml:5:17: an entry of package must not be empty text; write a value or remove it",
	}},
	{"empty lists", `
toolchain: go-cgo0
targets:
  app:
    build: {package: [], bin: []}
    entrypoint: []
    extras: {ca-certificates: {append: []}}
`, []string{
		"fromscratch.yaml:4:22: package is an empty list; name at least one or remove the key",
		"fromscratch.yaml:4:26: bin belongs to rust-musl; remove it",
		"fromscratch.yaml:4:31: bin is an empty list; name at least one or remove the key",
		"fromscratch.yaml:5:17: entrypoint is an empty list; name the program to run, or remove the key to run the binary",
		"fromscratch.yaml:6:40: append is an empty list; name at least one or remove the key",
	}},
	{"no targets", "toolchain: go-cgo0\n", []string{
		"fromscratch.yaml:1:1: the spec has no targets; add at least one, such as targets: {app: {build: ./cmd/app}}",
	}},
	{"empty targets", `
toolchain: go-cgo0
targets: {}
`, []string{
		"fromscratch.yaml:2:1: targets is empty; add at least one, such as app: {build: ./cmd/app}",
	}},

	// Toolchains.
	{"no toolchain", `
targets:
  app: {}
`, []string{
		`fromscratch.yaml:2:3: target "app" has no toolchain; write toolchain: go-cgo0 or toolchain: rust-musl or toolchain: prebuilt at the top level`,
	}},
	{"no toolchain for some targets", `
targets:
  app: {}
  web: {toolchain: go-cgo0}
  api: {toolchain: {version: 1.26}}
`, []string{
		`fromscratch.yaml:2:3: target "app" has no toolchain; write toolchain: go-cgo0 or toolchain: rust-musl or toolchain: prebuilt at the top level`,
		"fromscratch.yaml:4:9: toolchain has no name, and there is none at the top level; add name: go-cgo0 or name: rust-musl or name: prebuilt",
	}},
	{"toolchain without a name", `
toolchain: {version: 1.26}
targets:
  app: {}
`, []string{
		"fromscratch.yaml:1:1: toolchain has no name; add name: go-cgo0 or name: rust-musl or name: prebuilt",
	}},
	{"unknown toolchain", `
toolchain: zig
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "zig", only go-cgo0, rust-musl and prebuilt`,
	}},
	{"misspelled toolchain", `
toolchain: go-cgo
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "go-cgo", only go-cgo0, rust-musl and prebuilt; did you mean "go-cgo0"?`,
	}},
	{"toolchain in capitals", `
toolchain: Rust-MUSL
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "Rust-MUSL", only go-cgo0, rust-musl and prebuilt; did you mean "rust-musl"?`,
	}},
	{"go", `
toolchain: go
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "go", only go-cgo0, rust-musl and prebuilt; Go programs for scratch are compiled without cgo, which is what go-cgo0 does`,
	}},
	{"golang in the long form", `
toolchain:
  version: 1.26
  name: golang
targets: {app: {}}
`, []string{
		`fromscratch.yaml:3:9: there is no toolchain "golang", only go-cgo0, rust-musl and prebuilt; Go programs for scratch are compiled without cgo, which is what go-cgo0 does`,
	}},
	{"rust", `
toolchain: rust
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "rust", only go-cgo0, rust-musl and prebuilt; Rust programs for scratch are linked with musl, which is what rust-musl does`,
	}},
	{"cargo in a target", `
toolchain: go-cgo0
targets:
  app:
    toolchain: cargo
`, []string{
		`fromscratch.yaml:4:16: there is no toolchain "cargo", only go-cgo0, rust-musl and prebuilt; Rust programs for scratch are linked with musl, which is what rust-musl does`,
	}},
	{"bad image", `
toolchain: {name: go-cgo0, image: "My Image"}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:35: "My Image" is not the name of an image; write one such as golang:1.26 or registry.example/golang@sha256:…, in lower case`,
	}},
	{"bad version", `
toolchain: {name: go-cgo0, version: ">= 1.26"}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:37: ">= 1.26" is not a version; write one such as 1.26`,
	}},

	// Builds.
	{"absolute dir", `
toolchain: go-cgo0
targets:
  app:
    build: {dir: /services/app}
`, []string{
		`fromscratch.yaml:4:18: dir is relative to the build context: write "services/app"`,
	}},
	{"the root as dir", `
toolchain: go-cgo0
targets:
  app:
    build: {dir: /}
`, []string{
		`fromscratch.yaml:4:18: dir is relative to the build context: write "."`,
	}},
	{"dir with backslashes", `
toolchain: go-cgo0
targets:
  app:
    build: {dir: services\app}
`, []string{
		`fromscratch.yaml:4:18: dir is written with slashes: write "services/app"`,
	}},
	{"dir above the context", `
toolchain: go-cgo0
targets:
  app:
    build: {dir: ../other}
`, []string{
		`fromscratch.yaml:4:18: "../other" lies outside the build context; pass a context that holds it, such as docker buildx build -f fromscratch.yaml ..`,
	}},
	{"dir that leaves the context on its way", `
toolchain: go-cgo0
targets:
  app:
    build:
      dir: a/../../b
`, []string{
		`fromscratch.yaml:5:12: "a/../../b" lies outside the build context; pass a context that holds it, such as docker buildx build -f fromscratch.yaml ..`,
	}},
	{"Rust path in the short form", `
toolchain: rust-musl
targets:
  app: {build: ./crates/app}
`, []string{
		`fromscratch.yaml:3:16: "./crates/app" is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: crates/app}`,
	}},
	{"Rust path in the long form", `
toolchain: rust-musl
targets:
  app: {build: {package: [app, crates/web/]}}
`, []string{
		`fromscratch.yaml:3:32: "crates/web/" is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: crates/web}`,
	}},
	{"Rust path with backslashes", `
toolchain: rust-musl
targets:
  app: {build: crates\app}
`, []string{
		`fromscratch.yaml:3:16: "crates\app" is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: crates/app}`,
	}},
	{"Rust dot", `
toolchain: rust-musl
targets:
  app: {build: .}
`, []string{
		`fromscratch.yaml:3:16: "." is a path; for Rust, package is the name of a Cargo package, and the folder of its workspace is build.dir: write build: {dir: .}`,
	}},
	{"Go with bin", `
toolchain: go-cgo0
targets:
  app:
    build: {bin: app}
`, []string{
		"fromscratch.yaml:4:13: bin belongs to rust-musl; for Go write package: ./cmd/app",
	}},
	{"Go with several bins", `
toolchain: go-cgo0
targets:
  app:
    build: {bin: [app, web]}
`, []string{
		"fromscratch.yaml:4:13: bin belongs to rust-musl; for Go write package: ./cmd/app",
	}},
	{"flag as a Go package", `
toolchain: go-cgo0
targets:
  app:
    build: -race
`, []string{
		`fromscratch.yaml:4:12: "-race" looks like a flag, and package takes names only; write one such as ./cmd/app`,
	}},
	{"flag as a Rust package", `
toolchain: rust-musl
targets:
  app: {build: {package: [app, --release]}}
`, []string{
		`fromscratch.yaml:3:32: "--release" looks like a flag, and package takes names only; write one as in Cargo.toml`,
	}},
	{"flag as a binary", `
toolchain: rust-musl
targets:
  app: {build: {bin: --bins}}
`, []string{
		`fromscratch.yaml:3:22: "--bins" cannot be the name of a binary; write it as in Cargo.toml, without a folder`,
	}},
	{"path as a binary", `
toolchain: rust-musl
targets:
  app: {build: {bin: [app, target/app]}}
`, []string{
		`fromscratch.yaml:3:28: "target/app" cannot be the name of a binary; write it as in Cargo.toml, without a folder`,
	}},

	// Names of targets and of the environment.
	{"target with a space", `
toolchain: go-cgo0
targets:
  my app: {}
`, []string{
		`fromscratch.yaml:3:3: "my app" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
	}},
	{"target with a slash", `
toolchain: go-cgo0
targets:
  cmd/app: {}
`, []string{
		`fromscratch.yaml:3:3: "cmd/app" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
	}},
	{"target that starts with a dot", `
toolchain: go-cgo0
targets:
  .app: {}
`, []string{
		`fromscratch.yaml:3:3: ".app" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
	}},
	{"target with letters that are not ASCII", `
toolchain: go-cgo0
targets:
  "größe": {build: {dir: /x}}
`, []string{
		`fromscratch.yaml:3:3: "größe" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
		`fromscratch.yaml:3:26: dir is relative to the build context: write "x"`,
	}},
	{"env name with an equals sign", `
toolchain: go-cgo0
targets:
  app:
    env:
      PATH: /bin
      A=B: c
`, []string{
		`fromscratch.yaml:6:7: "A=B" cannot be the name of an environment variable; write NAME: value, and no = in the name`,
	}},
	{"env name with NUL", `
toolchain: go-cgo0
targets:
  app:
    env: {"A\0": c}
`, []string{
		`fromscratch.yaml:4:11: "A\x00" cannot be the name of an environment variable; write NAME: value, and no = in the name`,
	}},

	// Ports.
	{"published port", `
toolchain: go-cgo0
targets:
  app:
    expose: ["8080:80"]
`, []string{
		`fromscratch.yaml:4:14: "8080:80" is not a port; expose names the port inside the container only; publishing it is up to docker run -p 8080:80`,
	}},
	{"ports that are none", `
toolchain: go-cgo0
targets:
  app:
    expose: [http, -1, 80.5, 0x50, 80/TCP, 8080 , 1_000]
`, []string{
		`fromscratch.yaml:4:14: "http" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:4:20: "-1" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:4:24: "80.5" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:4:30: "0x50" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:4:36: "80/TCP" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:4:51: "1_000" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
	}},
	{"ports out of range", `
toolchain: go-cgo0
targets:
  app:
    expose: [0, 65536, 99999, 8010-8000, 1-70000]
`, []string{
		`fromscratch.yaml:4:14: "0" is not a port; ports go from 1 to 65535, the lower one first`,
		`fromscratch.yaml:4:17: "65536" is not a port; ports go from 1 to 65535, the lower one first`,
		`fromscratch.yaml:4:24: "99999" is not a port; ports go from 1 to 65535, the lower one first`,
		`fromscratch.yaml:4:31: "8010-8000" is not a port; ports go from 1 to 65535, the lower one first`,
		`fromscratch.yaml:4:42: "1-70000" is not a port; ports go from 1 to 65535, the lower one first`,
	}},
	{"huge port", `
toolchain: go-cgo0
targets:
  app:
    expose: [999999999999999999999999999999]
`, []string{
		`fromscratch.yaml:4:14: "999999999999999999999999999999" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
	}},

	// Users.
	{"user with a name only", `
toolchain: go-cgo0
targets:
  app:
    user: app
`, []string{
		`fromscratch.yaml:4:11: user "app" has no number: write {name: app, uid: 10001}, because Kubernetes answers "container has runAsNonRoot and image has non-numeric user" to a name`,
	}},
	{"user and group with names", `
toolchain: go-cgo0
targets:
  app:
    user: app:app
`, []string{
		`fromscratch.yaml:4:11: "app:app" is not a user; write nonroot, root, a number such as 1000 or 1000:1000, or {name: app, uid: 10001}`,
	}},
	{"user with a negative number", `
toolchain: go-cgo0
targets:
  app:
    user: -1
`, []string{
		`fromscratch.yaml:4:11: "-1" is not a user; write nonroot, root, a number such as 1000 or 1000:1000, or {name: app, uid: 10001}`,
	}},
	{"user out of range", `
toolchain: go-cgo0
targets:
  app:
    user: 2147483648
`, []string{
		`fromscratch.yaml:4:11: user "2147483648" is out of range; ids go up to 2147483647`,
	}},
	{"huge user", `
toolchain: go-cgo0
targets:
  app:
    user: 99999999999999999999999
`, []string{
		`fromscratch.yaml:4:11: user "99999999999999999999999" is out of range; ids go up to 2147483647`,
	}},
	{"group out of range", `
toolchain: go-cgo0
targets:
  app:
    user: 1000:4294967296
`, []string{
		`fromscratch.yaml:4:11: user "1000:4294967296" is out of range; ids go up to 2147483647`,
	}},
	{"user without a number", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app}
`, []string{
		"fromscratch.yaml:4:11: user needs a number: write {name: app, uid: 10001}",
	}},
	{"empty user", `
toolchain: go-cgo0
targets:
  app:
    user: {}
`, []string{
		"fromscratch.yaml:4:11: user needs a number: write {name: app, uid: 10001}",
	}},
	{"root without a number", `
toolchain: go-cgo0
targets:
  app:
    user:
      home: /root
      name: root
`, []string{
		"fromscratch.yaml:5:7: user needs a number; for the usual one, write user: root",
	}},
	{"uid as a word", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app, uid: ten, gid: 1.5}
`, []string{
		`fromscratch.yaml:4:28: uid must be a whole number, not "ten"`,
		`fromscratch.yaml:4:38: gid must be a whole number, not "1.5"`,
	}},
	{"huge uid", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app, uid: 99999999999999999999, gid: -5}
`, []string{
		"fromscratch.yaml:4:28: uid is out of range; 99999999999999999999 is more than any number here can be",
	}},
	{"uid and gid out of range", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app, uid: -1, gid: 2147483648}
`, []string{
		"fromscratch.yaml:4:28: uid is out of range; ids go from 0 to 2147483647",
		"fromscratch.yaml:4:37: gid is out of range; ids go from 0 to 2147483647",
	}},
	{"bad name of a user", `
toolchain: go-cgo0
targets:
  app:
    user: {name: App User, uid: 1000}
`, []string{
		`fromscratch.yaml:4:18: "App User" cannot be the name of a user; use up to 32 lower-case letters, digits, '_' and '-', of which a letter or '_' comes first`,
	}},
	{"another root", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app, uid: 0}
`, []string{
		"fromscratch.yaml:4:11: root is the user with uid 0, and no other may take its name or its number; write user: root, or change the name or the uid",
	}},
	{"root with another number", `
toolchain: go-cgo0
targets:
  app:
    user: {name: root, uid: 5}
`, []string{
		"fromscratch.yaml:4:11: root is the user with uid 0, and no other may take its name or its number; write user: root, or change the name or the uid",
	}},
	{"home that is not absolute", `
toolchain: go-cgo0
targets:
  app:
    user: {name: app, uid: 1000, home: app}
`, []string{
		"fromscratch.yaml:4:40: home must be an absolute path without a colon, such as /home/app",
	}},
	{"home with a colon", `
toolchain: go-cgo0
targets:
  app:
    user: {uid: 1000, home: "/a:b"}
`, []string{
		"fromscratch.yaml:4:29: home must be an absolute path without a colon, such as /home/user",
	}},

	// Commands and the working directory.
	{"entrypoint as text", `
toolchain: go-cgo0
targets:
  app:
    entrypoint: /app --listen :8080
`, []string{
		`fromscratch.yaml:4:17: entrypoint must be a list, because an image from scratch has no shell to split a line: write ["/app", "--listen", ":8080"]`,
	}},
	{"cmd as text", `
toolchain: go-cgo0
targets:
  app:
    cmd: serve
`, []string{
		`fromscratch.yaml:4:10: cmd must be a list, because an image from scratch has no shell to split a line: write ["serve"]`,
	}},
	{"cmd as a line for a shell", `
toolchain: go-cgo0
targets:
  app:
    cmd: sh -c "echo $HOME && serve"
`, []string{
		`fromscratch.yaml:4:10: cmd must be a list, because an image from scratch has no shell to split a line: write ["/app", "serve"]`,
	}},
	{"cmd as long text", "toolchain: go-cgo0\ntargets:\n  app:\n    cmd: serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve serve now\n", []string{
		`fromscratch.yaml:4:10: cmd must be a list, because an image from scratch has no shell to split a line: write ["/app", "serve"]`,
	}},
	{"cmd as empty text", `
toolchain: go-cgo0
targets:
  app:
    cmd: ''
`, []string{
		`fromscratch.yaml:4:10: cmd must be a list, because an image from scratch has no shell to split a line: write ["/app", "serve"]`,
	}},
	{"relative workdir", `
toolchain: go-cgo0
targets:
  app:
    workdir: app
`, []string{
		"fromscratch.yaml:4:14: workdir must start with a slash: write /app",
	}},
	{"relative workdir with a dot", `
toolchain: go-cgo0
targets:
  app:
    workdir: ./srv/../app
`, []string{
		"fromscratch.yaml:4:14: workdir must start with a slash: write /app",
	}},

	// Extras.
	{"extras as a word", `
toolchain: go-cgo0
targets:
  app: {}
extras: tzdata
`, []string{
		`fromscratch.yaml:4:9: extras must be a list such as [tzdata], a mapping such as {tmp: false}, or none, not "tzdata"`,
	}},
	{"extras as a truth", `
toolchain: go-cgo0
targets:
  app: {}
extras: false
`, []string{
		`fromscratch.yaml:4:9: extras must be a list such as [tzdata], a mapping such as {tmp: false}, or none, not "false"`,
	}},
	{"unknown extra in a list", `
toolchain: go-cgo0
targets:
  app: {}
extras: [curl]
`, []string{
		`fromscratch.yaml:4:10: there is no extra "curl", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs`,
	}},
	{"misspelled extra in a list", `
toolchain: go-cgo0
targets:
  app: {}
extras:
  - tmp
  - tz-data
`, []string{
		`fromscratch.yaml:6:5: there is no extra "tz-data", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; did you mean "tzdata"?`,
	}},
	{"none in a list", `
toolchain: go-cgo0
targets:
  app: {}
extras: [none]
`, []string{
		`fromscratch.yaml:4:10: there is no extra "none", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; for nothing but the binary, write extras: none`,
	}},
	{"options in a list", `
toolchain: go-cgo0
targets:
  app: {}
extras:
  - tzdata: true
`, []string{
		"fromscratch.yaml:5:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options: {tzdata: true}",
	}},
	{"options of several kinds in a list", `
toolchain: go-cgo0
targets:
  app: {}
extras:
  - tzdata: {zones: [Europe/Paris]}
  - ca-certificates: {append: ca.pem}
  - tmp: false
  - dirs: [{path: /x}]
  - curl: true
  - {tmp: true, hosts: true}
  - tzdata=UTC
  - -tmp
  - no-passwd
  - "!hosts"
  - -curl
`, []string{
		"fromscratch.yaml:5:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options: {tzdata: {zones: [UTC, Europe/Paris]}}",
		"fromscratch.yaml:6:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options: {ca-certificates: {append: [certs/company.pem]}}",
		"fromscratch.yaml:7:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options: {tmp: false}",
		"fromscratch.yaml:8:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options: {dirs: [{path: /data}]}",
		"fromscratch.yaml:9:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options",
		"fromscratch.yaml:10:5: an entry of extras must be the name of an extra, not a mapping; write extras as a mapping to give options",
		`fromscratch.yaml:11:5: there is no extra "tzdata=UTC", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; to give options, write extras as a mapping: {tzdata: {zones: [UTC, Europe/Paris]}}`,
		`fromscratch.yaml:12:5: there is no extra "-tmp", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; to take one away, write extras as a mapping: {tmp: false}`,
		`fromscratch.yaml:13:5: there is no extra "no-passwd", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; to take one away, write extras as a mapping: {passwd: false}`,
		`fromscratch.yaml:14:5: there is no extra "!hosts", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; to take one away, write extras as a mapping: {hosts: false}`,
		`fromscratch.yaml:15:5: there is no extra "-curl", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs`,
	}},
	{"extra as yes", `
toolchain: go-cgo0
targets:
  app: {}
extras: {tmp: yes, tzdata: on, passwd: [a], ca-certificates: 1}
`, []string{
		`fromscratch.yaml:4:15: tmp must be true or false, not "yes"`,
		`fromscratch.yaml:4:28: tzdata must be true or false, not "on"`,
		"fromscratch.yaml:4:40: passwd must be true or false, not a list",
		`fromscratch.yaml:4:62: ca-certificates must be true or false, not "1"`,
	}},
	{"extra with options it does not have", `
toolchain: go-cgo0
targets:
  app: {}
extras: {tmp: {mode: 755}}
`, []string{
		"fromscratch.yaml:4:15: tmp must be true or false, not a mapping",
	}},
	{"ca-certificates as a list", `
toolchain: go-cgo0
targets:
  app: {}
extras: {ca-certificates: [a.pem]}
`, []string{
		"fromscratch.yaml:4:27: ca-certificates must be true, false or a mapping such as {append: [certs/company.pem]}, not a list",
	}},
	{"certificates outside the context", `
toolchain: go-cgo0
targets:
  app: {}
extras: {ca-certificates: {append: [/etc/a.pem, ../b.pem, c.pem]}}
`, []string{
		`fromscratch.yaml:4:37: "/etc/a.pem" is not a path in the build context; write one relative to its root, such as certs/company.pem`,
		`fromscratch.yaml:4:49: "../b.pem" is not a path in the build context; write one relative to its root, such as certs/company.pem`,
	}},
	{"certificate outside the context in the short form", `
toolchain: go-cgo0
targets:
  app: {extras: {ca-certificates: {append: ../b.pem}}}
`, []string{
		`fromscratch.yaml:3:44: "../b.pem" is not a path in the build context; write one relative to its root, such as certs/company.pem`,
	}},

	{"certificates that cannot be", `
toolchain: go-cgo0
targets:
  app:
    extras:
      ca-certificates:
        append:
          - {from: corp}
          - {src: ""}
          - {src: ../a.pem, from: corp}
          - {src: /a.pem, from: corp}
          - {src: /a.pem}
          - {src: a.pem, from: "a b"}
          - {source: a.pem}
          - [a.pem]
          -
          - |
            -----BEGIN CERTIFICATE-----
            AAAA
          - 'certs\a.pem'
`, []string{
		"fromscratch.yaml:7:13: a certificate needs its file: write {src: company.pem, from: corp}",
		"fromscratch.yaml:8:19: src must not be empty text; write a value or remove it",
		`fromscratch.yaml:9:19: "../a.pem" is not a path in the context corp; write one relative to its root, such as company.pem`,
		`fromscratch.yaml:10:19: "/a.pem" is not a path in the context corp; write one relative to its root, such as company.pem`,
		`fromscratch.yaml:11:19: "/a.pem" is not a path in the build context; write one relative to its root, such as certs/company.pem`,
		`fromscratch.yaml:12:32: "a b" cannot be the name of a context; write one as given to --build-context, such as corp`,
		`fromscratch.yaml:13:14: unknown key "source" in an entry of extras.ca-certificates.append of target "app"; did you mean "src"?`,
		"fromscratch.yaml:14:13: an entry of append must be a path such as certs/company.pem, or a mapping such as {src: company.pem, from: corp}, not a list",
		"fromscratch.yaml:15:12: an entry of append has no value; write one or remove the entry",
		"fromscratch.yaml:16:13: an entry of append takes the path of a PEM file, not what is in it; write the certificate to a file such as certs/company.pem",
		`fromscratch.yaml:19:13: src is written with slashes: write "certs/a.pem"`,
	}},

	// Anchors, aliases and merge keys.
	{"unknown anchor", `
toolchain: go-cgo0
targets:
  app:
    env: *common
`, []string{
		"fromscratch.yaml:4:10: there is no anchor &common above for *common to repeat; mark a value with it, or put the * in quotes if it is part of the text",
	}},
	{"unknown anchor on a line with more stars", `
toolchain: go-cgo0
targets:
  app:
    env: {A: "*", B: *common}   # *common
`, []string{
		"fromscratch.yaml:4:22: there is no anchor &common above for *common to repeat; mark a value with it, or put the * in quotes if it is part of the text",
	}},
	{"anchor after its alias", `
toolchain: go-cgo0
targets:
  app:
    env: *common
x-env: &common {A: 1}
`, []string{
		"fromscratch.yaml:4:10: there is no anchor &common above for *common to repeat; mark a value with it, or put the * in quotes if it is part of the text",
	}},
	{"mistake in an anchor is at the anchor", `
x-base: &base
  biuld: ./cmd/app
toolchain: go-cgo0
targets:
  app: *base
`, []string{
		`fromscratch.yaml:2:3: unknown key "biuld" in target "app"; did you mean "build"?`,
	}},
	{"mistake in a merged anchor is reported once", `
x-base: &base
  user: app
toolchain: go-cgo0
targets:
  a: {<<: *base}
  b: {<<: *base}
  c: {<<: *base}
`, []string{
		`fromscratch.yaml:2:9: user "app" has no number: write {name: app, uid: 10001}, because Kubernetes answers "container has runAsNonRoot and image has non-numeric user" to a name`,
	}},
	{"mistake beside a merge", `
x-base: &base
  user: root
toolchain: go-cgo0
targets:
  a:
    <<: *base
    usr: root
`, []string{
		`fromscratch.yaml:7:5: unknown key "usr" in target "a"; did you mean "user"?`,
	}},
	{"duplicate in a merged anchor", `
x-base: &base
  user: root
  user: nonroot
toolchain: go-cgo0
targets:
  a: {<<: *base}
`, []string{
		`fromscratch.yaml:3:3: "user" is written twice; it is already on line 2, so remove one of them`,
	}},
	{"alias of the wrong type", `
x-list: &list [a]
toolchain: go-cgo0
targets:
  a: {env: *list}
`, []string{
		"fromscratch.yaml:1:15: env must be a mapping such as {NAME: value}, not a list",
	}},
	{"value checked later is at its alias", "x-dir: &dir /abs\ntoolchain: go-cgo0\ntargets:\n  a:\n    workdir: / \n    build: {dir: *dir}\n", []string{
		`fromscratch.yaml:6:18: dir is relative to the build context: write "abs"`,
	}},
	{"alias as a key", `
x-key: &key biuld
toolchain: go-cgo0
targets:
  a: {*key : .}
`, []string{
		`fromscratch.yaml:4:7: unknown key "biuld" in target "a"; did you mean "build"?`,
	}},
	{"anchored value", `
toolchain: go-cgo0
targets:
  app:
    user: &u  "app"
    workdir: &w app
    cmd: &c
      a: b
`, []string{
		`fromscratch.yaml:4:15: user "app" has no number: write {name: app, uid: 10001}, because Kubernetes answers "container has runAsNonRoot and image has non-numeric user" to a name`,
		"fromscratch.yaml:5:17: workdir must start with a slash: write /app",
		"fromscratch.yaml:7:7: cmd must be a list such as [a, b], not a mapping",
	}},
	{"alias in its own anchor", `
toolchain: go-cgo0
targets:
  app: &app
    env: {A: *app}
`, []string{
		"fromscratch.yaml:4:5: A must be a single value, not a mapping",
	}},
	{"alias that is its own anchor", `
toolchain: go-cgo0
targets:
  app: {cmd: &cmd [a, *cmd]}
`, []string{
		"fromscratch.yaml:3:19: an entry of cmd must be a single value, not a list",
	}},
	{"alias of all targets in a target", `
toolchain: go-cgo0
targets: &t
  app: {labels: *t}
`, []string{
		"fromscratch.yaml:3:8: app must be a single value, not a mapping",
	}},
	{"merge of a scalar", `
toolchain: go-cgo0
targets:
  app:
    <<: ./cmd/app
`, []string{
		"fromscratch.yaml:4:9: << takes a mapping: write <<: *anchor or <<: [*one, *two], not a single value",
	}},
	{"merge of nothing", `
toolchain: go-cgo0
targets:
  app:
    <<:
`, []string{
		"fromscratch.yaml:4:8: << takes a mapping: write <<: *anchor or <<: [*one, *two], not an empty value",
	}},
	{"merge of an alias to a scalar", `
x-a: &a ./cmd/app
toolchain: go-cgo0
targets:
  app:
    <<: *a
`, []string{
		"fromscratch.yaml:5:9: << takes a mapping: write <<: *anchor or <<: [*one, *two], not a single value",
	}},
	{"merge of a list with a scalar", `
x-a: &a {user: root}
toolchain: go-cgo0
targets:
  app:
    <<: [*a, user]
`, []string{
		"fromscratch.yaml:5:14: << takes a mapping: write <<: *anchor or <<: [*one, *two], not a single value",
	}},
	{"merge into itself", `
toolchain: go-cgo0
targets:
  app: &app
    <<: *app
    build: .
`, []string{
		"fromscratch.yaml:4:9: << merges a mapping into itself here, which would never end; remove it",
	}},
	{"merge into itself from below", `
x-a: &a
  x: &b
    <<: *a
  <<: *b
toolchain: go-cgo0
targets:
  app:
    <<: *a
`, []string{
		`fromscratch.yaml:2:3: unknown key "x" in target "app"; known keys are description, default, build, toolchain, path, entrypoint, cmd, env, expose, user, workdir, volumes, stopsignal, healthcheck, labels, annotations, metadata, copy, compress, extras, base and capabilities`,
		"fromscratch.yaml:3:9: << merges a mapping into itself here, which would never end; remove it",
	}},
	{"merge of a list into itself", `
toolchain: go-cgo0
targets:
  app:
    <<: &l [*l]
`, []string{
		"fromscratch.yaml:4:13: << merges a mapping into itself here, which would never end; remove it",
	}},
	{"two merge keys", `
x-a: &a {user: root}
x-b: &b {workdir: /srv}
toolchain: go-cgo0
targets:
  app:
    <<: *a
    <<: *b
`, []string{
		"fromscratch.yaml:7:5: << is written twice; it is already on line 6, so join them: <<: [*one, *two]",
	}},
	{"merge without an anchor of targets", `
toolchain: go-cgo0
targets:
  <<: *none
`, []string{
		"fromscratch.yaml:3:7: there is no anchor &none above for *none to repeat; mark a value with it, or put the * in quotes if it is part of the text",
	}},

	// Several mistakes.
	{"mistakes in the order of their lines", `
toolchain: {name: go-cgo0, packages: [Git]}
extras: [tz]
targets:
  b:
    build: {dir: /x}
    user: web
  a a:
    workdir: srv
    expose: [80, http]
    env: {A=B: c}
foo: bar
`, []string{
		`fromscratch.yaml:1:39: "Git" is not the name of a Debian package; write one such as protobuf-compiler, cmake=3.25.1-1 or zlib1g-dev:arm64, and several as a list: [one, two]`,
		`fromscratch.yaml:2:10: there is no extra "tz", only ca-certificates, tzdata, passwd, tmp, nsswitch, hosts, sbom and dirs; did you mean "tmp"?`,
		`fromscratch.yaml:5:18: dir is relative to the build context: write "x"`,
		`fromscratch.yaml:6:11: user "web" has no number: write {name: web, uid: 10001}, because Kubernetes answers "container has runAsNonRoot and image has non-numeric user" to a name`,
		`fromscratch.yaml:7:3: "a a" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
		"fromscratch.yaml:8:14: workdir must start with a slash: write /srv",
		`fromscratch.yaml:9:18: "http" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		`fromscratch.yaml:10:11: "A=B" cannot be the name of an environment variable; write NAME: value, and no = in the name`,
		`fromscratch.yaml:11:1: unknown key "foo" at the top level; known keys are toolchain, args, targets, extras and base`,
	}},
	{"two mistakes on one line", `
toolchain: go-cgo0
targets:
  app:
    user: {nam: app, home: x, uid: y}
`, []string{
		`fromscratch.yaml:4:12: unknown key "nam" in user of target "app"; did you mean "name"?`,
		`fromscratch.yaml:4:36: uid must be a whole number, not "y"`,
	}},
	{"columns count characters", `
toolchain: go-cgo0
targets:
  app:
    labels: {"größe": "日本語", b: [x]}
`, []string{
		"fromscratch.yaml:4:33: b must be a single value, not a list",
	}},
}

func TestInvalidSpecs(t *testing.T) {
	for _, tc := range slices.Concat(invalidSpecs, invalidVariables, invalidFields, invalidBases) {
		t.Run(tc.name, func(t *testing.T) {
			s, err := spec.Parse(file, []byte(unindent(tc.spec)))
			if err == nil {
				t.Fatalf("got %+v, want problems:\n%s", s, strings.Join(tc.want, "\n"))
			}
			if want := strings.Join(tc.want, "\n"); err.Error() != want {
				t.Errorf("got problems:\n%s\nwant:\n%s", err, want)
			}
			if s != nil {
				t.Error("got a spec beside the problems")
			}
		})
	}
}

// unindent removes the newline that lets a spec start on a line of its own.
func unindent(s string) string {
	if len(s) > 1 && strings.Count(s, "\n") > 2 {
		return strings.TrimPrefix(s, "\n")
	}
	return s
}

// TestLimits parses specs that are made to cost memory or time. They are large,
// so only the message is compared, and how long it takes to get there.
func TestLimits(t *testing.T) {
	const head = "toolchain: go-cgo0\ntargets:\n"
	doubling := func(first, format string, n int) string {
		var b strings.Builder
		b.WriteString(first)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, format, i, i-1, i-1)
		}
		return b.String()
	}
	numbers := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d: v, ", i)
		}
		return b.String()
	}
	keys := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}

	for _, tc := range []struct {
		name string
		spec string
		want string
	}{
		{
			"larger than the limit",
			head + "  app: {}\n# " + strings.Repeat("x", 5<<20),
			"fromscratch.yaml: the spec has 5242920 bytes; more than 4194304 are refused",
		},
		{
			"aliases that multiply values",
			"x-ports: &ports [" + strings.Repeat("80, ", 1000) + "]\n" + head + keys("  t%d: {expose: *ports}\n", 250),
			"fromscratch.yaml:1:806: the spec has more than 200000 values once its aliases are followed; a spec that large is refused",
		},
		{
			"aliases of aliases where they mean nothing",
			"x-a0: &a0 [x]\n" + doubling("", "x-a%[1]d: &a%[1]d [*a%[2]d, *a%[3]d]\n", 40) + head + "  app: {cmd: *a39}\n",
			"fromscratch.yaml:39:13: an entry of cmd must be a single value, not a list",
		},
		{
			"merges that double",
			"x-a0: &a0 {user: root}\n" + doubling("", "x-a%[1]d: &a%[1]d {<<: [*a%[2]d, *a%[3]d]}\n", 25) + head + "  app: {<<: *a24}\n",
			"fromscratch.yaml:3:17: the merge keys up to here bring in more than 200000 values; a spec that large is refused",
		},
		{
			"merges of the same large mapping",
			"x-a: &a {" + numbers(1000) + "}\n" + head + "  app: {env: {<<: [" + strings.Repeat("*a, ", 100_000) + "]}}\n",
			"fromscratch.yaml:4:816: the merge keys up to here bring in more than 200000 values; a spec that large is refused",
		},
		{
			"a chain of merges",
			"x-a0: &a0 {user: root}\n" + doubling("", "x-a%[1]d: &a%[1]d {<<: *a%[2]d}\n", 70) + head + "  app: {<<: *a69}\n",
			"fromscratch.yaml:7:16: more than 64 merge keys lead from one to the next here; merge fewer",
		},
		{
			"lists that nest",
			head + "  app: {cmd: " + strings.Repeat("[", 500_000) + "}\n",
			"fromscratch.yaml:3:3: values nest far too deep here; a spec needs no more than five levels",
		},
		{
			"indentation without end",
			head + "  app:\n" + strings.Repeat("- ", 500_000) + "\n",
			"fromscratch.yaml:4:1: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
		},
		{
			"everything on one line",
			"{toolchain: go-cgo0, targets: {app: {env: {" + numbers(100_000) + "}, usr: root}}}\n",
			`fromscratch.yaml:1:1088937: unknown key "usr" in target "app"; did you mean "user"?`,
		},
		{
			"a broken spec of many lines",
			head + keys("  t%d: {build: .}\n", 100_000) + " app: {}\n",
			"fromscratch.yaml:100003:2: this is not valid YAML: this does not fit the lines above; indent all keys of one level alike, and write nothing after a closing quote or bracket",
		},
		{
			"variables that multiply",
			"args: {A: " + strings.Repeat("x", 1<<20) + "}\n" + head + "  app: {env: {A: " + strings.Repeat("$A ", 500_000) + "}}\n",
			"fromscratch.yaml:4:18: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"variables in values that multiply",
			"x-a: &a $$" + strings.Repeat("x", 1<<20) + "\n" + head + "  app: {env: {" + keys("k%d: *a, ", 100_000) + "}}\n",
			"fromscratch.yaml:1:9: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"aliases of a large value",
			"x-a: &a " + strings.Repeat("x", 2<<20) + "\n" + head + "  app: {cmd: [" + strings.Repeat("*a, ", 100_000) + "]}\n",
			"fromscratch.yaml:1:9: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"aliases of a large value where a list belongs",
			"x-a: &a " + strings.Repeat("x", 2<<20) + "\n" + head + keys("  t%d: {cmd: *a}\n", 90_000),
			"fromscratch.yaml:1:9: cmd must be a list, because an image from scratch has no shell to split a line: write [\"/app\", \"serve\"]\n" +
				"fromscratch.yaml:1:9: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"merges of a large key",
			"x-a: &a\n  ? " + strings.Repeat("x", 1<<20) + "\n  : a\n" + head + "  app: {labels: {<<: [" + strings.Repeat("*a, ", 100_000) + "]}}\n",
			"fromscratch.yaml:2:5: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"aliases of a large key",
			"x-a: &a {" + strings.Repeat("x", 1000) + ": a}\n" + head + keys("  t%d: {env: *a}\n", 100_000),
			"fromscratch.yaml:1:1012: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"a large name before many",
			head + "  " + strings.Repeat("x", 1000) + ": {env: {" + numbers(100_000) + "}}\n",
			"fromscratch.yaml:3:708026: the spec has more than 67108864 bytes once its aliases are followed and its variables replaced; a spec that large is refused",
		},
		{
			"variables in one another",
			"args: [A]\n" + head + "  app: {env: {A: \"" + strings.Repeat("${A:-", 500_000) + strings.Repeat("}", 500_000) + "\"}}\n",
			"fromscratch.yaml:4:18: A has more than 16 variables inside of one another; use fewer",
		},
		{
			"open braces",
			"args: [A]\n" + head + "  app: {env: {A: \"" + strings.Repeat("${A ", 500_000) + "\"}}\n",
			"fromscratch.yaml:4:18: A has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		},
		{
			"many variables without a value",
			"args: [A]\n" + head + "  app: {env: {A: \"" + strings.Repeat("${A:-}", 500_000) + "$A\"}}\n",
			"fromscratch.yaml:4:18: A has no value; pass one with --build-arg A=…, or write ${A:-default}",
		},
		{
			"a long name",
			head + "  app: {env: {A: $" + strings.Repeat("A", 3<<20) + "}}\n",
			"fromscratch.yaml:3:18: A refers to " + strings.Repeat("A", 80) + "…, which is no argument of this spec; declare it at the top level, args: {" + strings.Repeat("A", 80) + "…: default}, or write $$ for a dollar sign",
		},
		{
			"aliases of an unknown variable beside many arguments",
			"x-a: &a $NONE\nargs: {" + keys("ARGUMENT%d: a, ", 50_000) + "}\n" + head + "  app: {env: {" + keys("k%d: *a, ", 50_000) + "}}\n",
			"fromscratch.yaml:1:9: k0 refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		},
		{
			"many directories for many targets",
			"extras: {dirs: [" + strings.Repeat("{path: /a}, ", 50_000) + "]}\n" + head + keys("  t%d: {}\n", 10_000),
			"fromscratch.yaml:1:16: the spec has more than 200000 values once every target has these directories; a spec that large is refused",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			_, err := spec.Parse(file, []byte(tc.spec))
			// Far above what any takes, and far below what one takes that grows
			// with the square of its size.
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
			if err == nil || err.Error() != tc.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, tc.want)
			}
		})
	}
}

func TestManyMistakes(t *testing.T) {
	var text strings.Builder
	text.WriteString("toolchain: go-cgo0\ntargets: {app: {}}\n")
	want := []string{"fromscratch.yaml: the spec has more mistakes than the 50 listed here; mend these first"}
	for i := range 60 {
		fmt.Fprintf(&text, "strange%d: true\n", i)
		if i < 50 {
			want = append(want, fmt.Sprintf("fromscratch.yaml:%d:1: unknown key \"strange%d\" at the top level; known keys are toolchain, args, targets, extras and base", i+3, i))
		}
	}
	_, err := spec.Parse(file, []byte(text.String()))
	if err == nil {
		t.Fatal("got no problems")
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblemsOf(t *testing.T) {
	_, err := spec.Parse(file, []byte("toolchain: zig\ntargets: {app: {user: web}}\n"))
	if err == nil {
		t.Fatal("got no problems")
	}
	want := []spec.Range{
		{Start: spec.Position{Line: 1, Column: 12}, End: spec.Position{Line: 1, Column: 15}},
		{Start: spec.Position{Line: 2, Column: 23}, End: spec.Position{Line: 2, Column: 26}},
	}
	var got []spec.Range
	for _, p := range spec.ProblemsOf(fmt.Errorf("failed: %w", err)) {
		got = append(got, p.Range)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got ranges %v, want %v", got, want)
	}
	var first *spec.Problem
	if !errors.As(err, &first) || first.Message != `there is no toolchain "zig", only go-cgo0, rust-musl and prebuilt` {
		t.Errorf("got first problem %v", first)
	}
	if ps := spec.ProblemsOf(first); len(ps) != 1 || ps[0] != first {
		t.Errorf("got %v for a single problem", ps)
	}
	if ps := spec.ProblemsOf(errors.New("other")); ps != nil {
		t.Errorf("got %v for another error", ps)
	}
}

func TestList(t *testing.T) {
	many := strings.Fields(strings.Repeat("x ", 22))
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{nil, "none"},
		{[]string{"a"}, "a"},
		{[]string{"a", "b"}, "a and b"},
		{[]string{"a", "b", "c"}, "a, b and c"},
		{many, strings.Repeat("x, ", 19) + "x and 2 more"},
	} {
		if got := spec.List(tc.words); got != tc.want {
			t.Errorf("List(%q) = %q, want %q", tc.words, got, tc.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	options := []string{"workdir", "user", "api"}
	for word, want := range map[string]string{
		"workdri": `; did you mean "workdir"?`,
		"WorkDir": `; did you mean "workdir"?`,
		"usr":     `; did you mean "user"?`,
		"service": "",
	} {
		if got := spec.DidYouMean(word, options); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestRefusedGoFlags: flags in GOFLAGS that break what an image promises, or get lost.
func TestRefusedGoFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"-mod=vendor -buildmode=pie": `"-buildmode=pie" asks for a program that needs a dynamic linker`,
		"--race":                     `"--race" needs cgo and shared libraries`,
		"-toolexec=x":                `"-toolexec=x" puts another program in the place of the compiler`,
		"'-ldflags=-s -w'":           `would be replaced by the frontend's own; write it under build.ldflags`,
		"-trimpath=false":            `"-trimpath=false" would write paths of the builder into the program`,
		"-o=x":                       `"-o=x" changes what the go command is told to do`,
		"-mod=mod -tags=x,y -p=2 -buildmode=exe -trimpath -buildvcs=auto": "",
	} {
		_, err := spec.Parse("s", []byte("toolchain: go-cgo0\ntargets: {app: {build: {env: {GOFLAGS: \""+flags+"\"}}}}\n"))
		if want == "" {
			require.NoError(t, err, flags)
			continue
		}
		require.ErrorContains(t, err, "s:2:40: ", flags)
		require.ErrorContains(t, err, want)
	}
}
