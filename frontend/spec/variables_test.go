package spec_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// invalidVariables are specs with mistakes in their arguments, or in how they
// refer to them.
var invalidVariables = []invalidSpec{
	// Arguments.
	{"args as a word", `
toolchain: go-cgo0
args: VERSION
targets: {app: {}}
`, []string{
		"fromscratch.yaml:2:7: args must be a mapping such as {VERSION: dev}, not a single value",
	}},
	{"args without anything", `
args:
toolchain: go-cgo0
targets: {app: {}}
`, []string{
		"fromscratch.yaml:1:6: args is empty; write its keys below it, indented by two spaces",
	}},
	{"argument names that no variable can have", `
toolchain: go-cgo0
targets: {app: {}}
args:
  my-version: 1
  1ST: 1
  "a b": 1
  größe: 1
  a.b: 1
  "$X": 1
`, []string{
		`fromscratch.yaml:4:3: "my-version" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:5:3: "1ST" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:6:3: "a b" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:7:3: "größe" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:8:3: "a.b" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:9:3: "$X" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
	}},
	{"argument names in a list that no variable can have", `
toolchain: go-cgo0
targets: {app: {}}
args: [VERSION, my-version, "", 5, "A B"]
`, []string{
		`fromscratch.yaml:3:17: "my-version" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:3:29: "" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:3:33: "5" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
		`fromscratch.yaml:3:36: "A B" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
	}},
	{"argument with an equals sign", `
toolchain: go-cgo0
targets: {app: {}}
args:
  - VERSION=dev
  - my-version=dev
`, []string{
		"fromscratch.yaml:4:5: a default stands behind a colon: write args: {VERSION: dev}",
		`fromscratch.yaml:5:5: "my-version=dev" cannot be the name of an argument; use letters, digits and '_', and no digit first`,
	}},
	{"argument declared twice in a mapping", `
toolchain: go-cgo0
targets: {app: {}}
args:
  VERSION: dev
  COMMIT: none
  VERSION: "1"
`, []string{
		`fromscratch.yaml:6:3: "VERSION" is written twice; it is already on line 4, so remove one of them`,
	}},
	{"argument declared twice in a list", `
toolchain: go-cgo0
targets: {app: {}}
args:
  - VERSION
  - COMMIT
  - VERSION
`, []string{
		"fromscratch.yaml:6:5: VERSION is declared twice; it is already on line 4, so remove one of them",
	}},
	{"arguments declared that are there already", `
toolchain: go-cgo0
targets: {app: {}}
args: {TARGETARCH: arm64, TARGET: app, SOURCE_DATE_EPOCH: 0}
`, []string{
		"fromscratch.yaml:3:8: TARGETARCH is there without being declared; remove it",
		"fromscratch.yaml:3:27: TARGET is there without being declared; remove it",
		"fromscratch.yaml:3:40: SOURCE_DATE_EPOCH is there without being declared; remove it",
	}},
	{"arguments declared in a list that are there already", `
toolchain: go-cgo0
targets: {app: {}}
args: [BUILDPLATFORM, TARGET]
`, []string{
		"fromscratch.yaml:3:8: BUILDPLATFORM is there without being declared; remove it",
		"fromscratch.yaml:3:23: TARGET is there without being declared; remove it",
	}},
	{"entries of args that are no names", `
toolchain: go-cgo0
targets: {app: {}}
args:
  - VERSION: dev
  - [A]
  - ~
  -
`, []string{
		"fromscratch.yaml:4:5: an entry of args must be the name of an argument, not a mapping; to give defaults, write args as a mapping: {NAME: default}",
		"fromscratch.yaml:5:5: an entry of args must be the name of an argument, not a list; to give defaults, write args as a mapping: {NAME: default}",
		"fromscratch.yaml:6:5: an entry of args must be the name of an argument, not an empty value; to give defaults, write args as a mapping: {NAME: default}",
		"fromscratch.yaml:7:4: an entry of args must be the name of an argument, not an empty value; to give defaults, write args as a mapping: {NAME: default}",
	}},
	{"defaults that are no values", `
toolchain: go-cgo0
targets: {app: {env: {A: $LIST, B: $MAP, C: $TAG}}}
args:
  LIST: [a]
  MAP: {a: b}
  TAG: !env x
  NUL: "a\0b"
`, []string{
		"fromscratch.yaml:4:9: LIST must be a single value, not a list",
		"fromscratch.yaml:5:8: MAP must be a single value, not a mapping",
		`fromscratch.yaml:6:13: TAG has the YAML tag "!env", which means nothing in a spec; remove it, or put the value in quotes if the exclamation mark is part of it`,
		"fromscratch.yaml:7:8: NUL contains a NUL character, which no name, path or argument can hold; remove it",
	}},
	{"default that refers to an argument", `
toolchain: go-cgo0
targets: {app: {env: {A: $B}}}
args: {A: 1, B: "${A}.0"}
`, []string{
		"fromscratch.yaml:3:17: variables are not replaced in the defaults of arguments; write the value of B itself",
	}},
	{"alias to a default that is none", `
x-list: &list [a]
toolchain: go-cgo0
targets: {app: {}}
args: {A: *list}
`, []string{
		"fromscratch.yaml:1:15: A must be a single value, not a list",
	}},

	// References.
	{"undeclared argument", `
toolchain: go-cgo0
targets:
  app:
    env: {A: "${UNHEARD}"}
`, []string{
		"fromscratch.yaml:4:14: A refers to UNHEARD, which is no argument of this spec; declare it at the top level, args: {UNHEARD: default}, or write $$ for a dollar sign",
	}},
	{"undeclared argument without braces", `
toolchain: go-cgo0
targets:
  app:
    env: {A: a$UNHEARD.b}
`, []string{
		"fromscratch.yaml:4:14: A refers to UNHEARD, which is no argument of this spec; declare it at the top level, args: {UNHEARD: default}, or write $$ for a dollar sign",
	}},
	{"misspelled argument", `
toolchain: go-cgo0
args: {VERSION: dev}
targets:
  app:
    env: {A: "v${VERSOIN}"}
    labels: {a: $version}
`, []string{
		`fromscratch.yaml:5:14: A refers to VERSOIN, which is no argument of this spec; did you mean "VERSION"?`,
		`fromscratch.yaml:6:17: a refers to version, which is no argument of this spec; did you mean "VERSION"?`,
	}},
	{"misspelled predefined argument", `
toolchain: go-cgo0
targets:
  app:
    env: {A: "${TARGET_ARCH}", B: $TARGTE}
`, []string{
		`fromscratch.yaml:4:14: A refers to TARGET_ARCH, which is no argument of this spec; did you mean "TARGETARCH"?`,
		`fromscratch.yaml:4:35: B refers to TARGTE, which is no argument of this spec; did you mean "TARGET"?`,
	}},
	{"undeclared argument in what is not taken", `
toolchain: go-cgo0
args: {A: 1, B: ""}
targets:
  app:
    env: {A: "${A:-$NONE}", B: "${B:+$NONE}"}
`, []string{
		"fromscratch.yaml:5:14: A refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:5:32: B refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
	}},
	{"undeclared argument in every part of the spec", `
toolchain: {name: $NONE, version: $NONE, image: $NONE, jobs: $NONE}
extras:
  tmp: $NONE
  ca-certificates: {append: $NONE}
  dirs: [{path: $NONE, chmod: $NONE, chown: $NONE}]
targets:
  app:
    description: $NONE
    default: $NONE
    build: $NONE
    path: $NONE
    user: $NONE
    expose: [$NONE]
    cmd: [$NONE]
    volumes: [$NONE]
    stopsignal: $NONE
    healthcheck: {test: [$NONE], interval: $NONE, retries: $NONE}
    metadata: {title: $NONE}
    copy: [{src: $NONE, dest: $NONE}]
    extras: $NONE
`, []string{
		"fromscratch.yaml:1:19: name refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:1:35: version refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:1:49: image refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:1:62: jobs refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:3:8: tmp refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:4:29: append refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:5:17: path refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:5:31: chmod refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:5:45: chown refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:8:18: description refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:9:14: default refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:10:12: build refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:11:11: path refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:12:11: user refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:13:14: an entry of expose refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:14:11: an entry of cmd refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:15:15: an entry of volumes refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:16:17: stopsignal refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:17:26: an entry of test refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:17:44: interval refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:17:60: retries refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:18:23: title refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:19:18: src refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:19:31: dest refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
		"fromscratch.yaml:20:13: extras refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
	}},
	{"undeclared argument in an entry of extras", `
toolchain: go-cgo0
extras: [tmp, $NONE]
targets: {app: {}}
`, []string{
		"fromscratch.yaml:2:15: an entry of extras refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
	}},
	{"two undeclared arguments in one value", `
toolchain: go-cgo0
targets:
  app: {env: {A: $ONE $TWO}}
`, []string{
		"fromscratch.yaml:3:18: A refers to ONE, which is no argument of this spec; declare it at the top level, args: {ONE: default}, or write $$ for a dollar sign",
	}},
	{"brace that is not closed", `
toolchain: go-cgo0
args: {X: x}
targets:
  app:
    env:
      A: a${
      B: a${X
      C: a${X:-b
      D: ${X:-${X}
      E: ${X:+
`, []string{
		"fromscratch.yaml:6:10: A has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:7:10: B has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:8:10: C has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:9:10: D has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:10:10: E has a variable whose brace is not closed; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
	}},
	{"braces without a variable", `
toolchain: go-cgo0
args: {X: x}
targets:
  app:
    env:
      A: a${}
      B: ${ X }
      C: ${5}
      D: ${:-x}
      E: ${X-Y}
      F: ${größe}
`, []string{
		"fromscratch.yaml:6:10: A has ${}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:7:10: B has ${ X }, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:8:10: C has ${5}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:9:10: D has ${:-x}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:10:10: E has ${X-Y}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:11:10: F has ${größe}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
	}},
	{"forms of other tools", `
toolchain: go-cgo0
args: {X: x}
targets:
  app:
    env:
      A: ${{ matrix.go }}
      B: ${X#v}
      C: ${X%.*}
      D: ${X/a/b}
      E: ${X:?missing}
      F: ${X?missing}
      G: ${X:=x}
      H: ${X:0:7}
      I: ${X^^}
      J: ${!X}
      K: ${X-x}
      L: ${X:x}
`, []string{
		"fromscratch.yaml:6:10: A has ${{ matrix.go }, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:7:10: B has ${X#v}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:8:10: C has ${X%.*}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:9:10: D has ${X/a/b}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:10:10: E has ${X:?missing}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:11:10: F has ${X?missing}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:12:10: G has ${X:=x}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:13:10: H has ${X:0:7}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:14:10: I has ${X^^}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:15:10: J has ${!X}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:16:10: K has ${X-x}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:17:10: L has ${X:x}, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
	}},
	{"dollar sign before a digit", `
toolchain: go-cgo0
targets:
  app:
    labels: {price: $5, other: $5abc}
`, []string{
		"fromscratch.yaml:4:21: price has $5, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
		"fromscratch.yaml:4:32: other has $5abc, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
	}},
	{"dollar sign before letters that no argument can have", `
toolchain: go-cgo0
targets:
  app:
    labels: {a: $größe}
`, []string{
		"fromscratch.yaml:4:17: a has $größe, which is no variable; write ${NAME}, ${NAME:-default} or ${NAME:+alternative}, and $$ for a dollar sign",
	}},
	{"three dollar signs", `
toolchain: go-cgo0
targets:
  app:
    env: {A: $$$NONE}
`, []string{
		"fromscratch.yaml:4:14: A refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
	}},
	{"argument without a value", `
toolchain: go-cgo0
args: [VERSION]
targets:
  app:
    env: {A: "${VERSION}", B: $VERSION}
`, []string{
		"fromscratch.yaml:5:14: VERSION has no value; pass one with --build-arg VERSION=…, or write ${VERSION:-default}",
		"fromscratch.yaml:5:31: VERSION has no value; pass one with --build-arg VERSION=…, or write ${VERSION:-default}",
	}},
	{"argument with a null default has no value", `
toolchain: go-cgo0
args: {VERSION: ~, COMMIT: }
targets:
  app:
    env: {A: "${VERSION}-${COMMIT}"}
`, []string{
		"fromscratch.yaml:5:14: VERSION has no value; pass one with --build-arg VERSION=…, or write ${VERSION:-default}",
	}},
	{"argument without a value in a default that is taken", `
toolchain: go-cgo0
args: {A: "", B: }
targets:
  app:
    env: {A: "${A:-$B}"}
`, []string{
		"fromscratch.yaml:5:14: B has no value; pass one with --build-arg B=…, or write ${B:-default}",
	}},
	{"predefined argument without a value", `
toolchain: go-cgo0
targets:
  app:
    env: {A: $SOURCE_DATE_EPOCH}
`, []string{
		"fromscratch.yaml:4:14: SOURCE_DATE_EPOCH has no value; pass one with --build-arg SOURCE_DATE_EPOCH=…, or write ${SOURCE_DATE_EPOCH:-default}",
	}},
	{"TARGET outside of targets", `
toolchain: {name: go-cgo0, image: my/$TARGET}
extras: {ca-certificates: {append: "${TARGET}.pem"}}
targets: {app: {}}
`, []string{
		"fromscratch.yaml:1:35: TARGET is the name of a target, and is known inside of targets only",
		"fromscratch.yaml:2:36: TARGET is the name of a target, and is known inside of targets only",
	}},
	{"variables too deep in one another", `
toolchain: go-cgo0
args: {A: ""}
targets:
  app:
    env: {A: "${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-x}}}}}}}}}}}}}}}}}"}
`, []string{
		"fromscratch.yaml:5:14: A has more than 16 variables inside of one another; use fewer",
	}},
	{"variable in a key", `
toolchain: go-cgo0
args: {X: x}
targets:
  app-${X}: {}
  app:
    env: {"${X}": a}
    labels: {"org.${X}.team": a}
    build: {stamp: {"main.${X}": a}}
`, []string{
		`fromscratch.yaml:4:3: "app-${X}" cannot be the name of a target; use letters, digits, '.', '_' and '-', and start with a letter or a digit`,
		`fromscratch.yaml:6:11: "${X}" is a key, and variables are replaced in values only; write the name itself`,
		`fromscratch.yaml:7:14: "org.${X}.team" is a key, and variables are replaced in values only; write the name itself`,
		`fromscratch.yaml:8:21: "main.${X}" is a key, and variables are replaced in values only; write the name itself`,
	}},
	{"variable in a list without quotes", `
toolchain: go-cgo0
args: {PORT: 80}
targets:
  app:
    expose: [${PORT}]
`, []string{
		`fromscratch.yaml:5:5: this is not valid YAML: a list that starts with [ on this line is not closed, or lacks a comma between two entries; write it like [a, b]; inside of brackets, a variable must be in quotes: "${NAME}"`,
	}},
	{"variable in a mapping without quotes", `
toolchain: go-cgo0
args: {VERSION: dev}
targets:
  app:
    build: {stamp: {
      main.version: ${VERSION}}}
`, []string{
		`fromscratch.yaml:5:5: this is not valid YAML: a mapping that starts with { on this line is not closed, or lacks a comma between two entries; write it like {a: 1, b: 2}; inside of brackets, a variable must be in quotes: "${NAME}"`,
	}},

	// Values that variables make invalid.
	{"port from an argument", `
toolchain: go-cgo0
args: {PORT: http}
targets:
  app:
    expose: [80, $PORT]
`, []string{
		`fromscratch.yaml:5:18: "http" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
	}},
	{"toolchain from an argument", `
toolchain: $LANGUAGE
args: {LANGUAGE: go}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:12: there is no toolchain "go", only go-cgo0, rust-musl and prebuilt; Go programs for scratch are compiled without cgo, which is what go-cgo0 does`,
	}},
	{"port as a list of one that is none", `
toolchain: go-cgo0
args: {PORT: 80}
targets:
  app:
    expose: ${PORT}
`, []string{
		`fromscratch.yaml:5:13: expose must be a list, also when it has one entry only: write ["${PORT}"]`,
	}},
	{"name of an image from an argument", `
toolchain: {name: go-cgo0, image: "${REGISTRY}/golang"}
args: {REGISTRY: My Registry}
targets: {app: {}}
`, []string{
		`fromscratch.yaml:1:35: "My Registry/golang" is not the name of an image; write one such as golang:1.26 or registry.example/golang@sha256:…, in lower case`,
	}},
	{"path from an argument", `
toolchain: go-cgo0
args: {DIR: ../other}
targets:
  app:
    workdir: $TARGETARCH
    build: {dir: $DIR}
`, []string{
		"fromscratch.yaml:5:14: workdir must start with a slash: write /amd64",
		`fromscratch.yaml:6:18: "../other" lies outside the build context; pass a context that holds it, such as docker buildx build -f fromscratch.yaml ..`,
	}},
	{"number from an argument", `
toolchain: {name: go-cgo0, jobs: $JOBS}
args: {JOBS: many}
targets:
  app:
    user: {name: web, uid: $JOBS}
    healthcheck: {test: [/app], retries: $JOBS, timeout: $JOBS}
`, []string{
		`fromscratch.yaml:1:34: jobs must be a whole number, not "many"`,
		`fromscratch.yaml:5:28: uid must be a whole number, not "many"`,
		`fromscratch.yaml:6:42: retries must be a whole number, not "many"`,
		`fromscratch.yaml:6:58: "many" is not a length of time; write one such as 30s, 1m30s or 500ms`,
	}},
	{"truth from an argument", `
toolchain: rust-musl
args: {LOCKED: "1"}
targets:
  app:
    build: {locked: $LOCKED}
`, []string{
		`fromscratch.yaml:5:21: locked must be true or false, not "1"`,
	}},
	{"flag from an argument", `
toolchain: go-cgo0
args: {FLAGS: -linkmode=external}
targets:
  app:
    build: {ldflags: -v $FLAGS}
`, []string{
		`fromscratch.yaml:5:22: "-v -linkmode=external" asks for the C linker, whose programs need shared libraries; remove it`,
	}},
	{"empty text from an argument", `
toolchain: go-cgo0
args: {NOTHING: ""}
targets:
  app:
    build: {dir: $NOTHING, tags: [a, "${NOTHING:+b}"]}
    metadata: {version: "${NOTHING}"}
    workdir: &w ${NOTHING}
    path: *w
`, []string{
		"fromscratch.yaml:5:18: dir is empty once its variables are replaced; give them values, or write ${NAME:-default}",
		"fromscratch.yaml:5:38: an entry of tags is empty once its variables are replaced; give them values, or write ${NAME:-default}",
		"fromscratch.yaml:6:25: version is empty once its variables are replaced; give them values, or write ${NAME:-default}",
		"fromscratch.yaml:7:17: workdir is empty once its variables are replaced; give them values, or write ${NAME:-default}",
		"fromscratch.yaml:8:11: path is empty once its variables are replaced; give them values, or write ${NAME:-default}",
	}},
	{"entrypoint that is empty text", `
toolchain: go-cgo0
args: {NOTHING: ""}
targets:
  app:
    entrypoint: ["${NOTHING}"]
`, []string{
		"fromscratch.yaml:5:18: entrypoint starts with empty text; name the program to run",
	}},

	// Anchors.
	{"undeclared argument in an anchor is one mistake", `
x-env: &env {A: $NONE}
toolchain: go-cgo0
targets:
  a: {env: *env}
  b: {env: *env}
`, []string{
		"fromscratch.yaml:1:17: A refers to NONE, which is no argument of this spec; declare it at the top level, args: {NONE: default}, or write $$ for a dollar sign",
	}},
	{"value that is wrong for one target only", `
x-base: &base
  build: {dir: "${TARGET}/.."}
  workdir: $TARGET
  expose: ["${TARGET}"]
toolchain: go-cgo0
targets:
  "80": *base
  "web": *base
`, []string{
		"fromscratch.yaml:3:12: workdir must start with a slash: write /80",
		`fromscratch.yaml:4:12: "web" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
	}},
	{"TARGET in an anchor that is also used outside of targets", `
x-image: &image my/$TARGET
toolchain: {name: go-cgo0, image: *image}
targets:
  app: {toolchain: {image: *image}}
`, []string{
		"fromscratch.yaml:1:17: TARGET is the name of a target, and is known inside of targets only",
	}},
}

// TestVariables gives args to a spec whose target app has value as the variable
// V of its environment.
func TestVariables(t *testing.T) {
	for _, tc := range []struct {
		name, args, value string
		vars              map[string]string
		want              string
	}{
		{"none", "{}", "plain", nil, "plain"},
		{"default", "{X: dev}", "${X}", nil, "dev"},
		{"without braces", "{X: dev}", "a$X/b.$X", nil, "adev/b.dev"},
		{"several", "{X: 1, Y_2: b}", "$X-${Y_2}$X", nil, "1-b1"},
		{"side by side", "{X: 1, XY: 2}", "${X}Y$XY", nil, "1Y2"},
		{"a value wins over the default", "{X: dev}", "$X", map[string]string{"X": "1.2"}, "1.2"},
		{"an empty value wins too", "{X: dev}", "[$X]", map[string]string{"X": ""}, "[]"},
		{"value without a default", "[X]", "$X", map[string]string{"X": "1.2"}, "1.2"},
		{"list and null default", "{X: , Y: ~}", "$X$Y", map[string]string{"X": "1", "Y": "2"}, "12"},
		{"empty default", `{X: ""}`, "[$X]", nil, "[]"},
		{"numbers stay as written", "{X: 1.30, Y: 0644, Z: yes, E: 1e3}", "$X $Y $Z $E", nil, "1.30 0644 yes 1e3"},
		{"undeclared values are ignored", "{X: dev}", "$X", map[string]string{"Y": "1", "": "2", "$": "3"}, "dev"},
		{"alias to a default", "{X: &x dev, Y: *x}", "$Y", nil, "dev"},
		{"a default is no pattern", "{X: 'a$Y $$ \\n'}", "$X", nil, `a$Y $$ \n`},

		{"predefined", "{}", "$TARGETPLATFORM $TARGETOS ${TARGETARCH}[$TARGETVARIANT] $BUILDPLATFORM $BUILDOS $BUILDARCH[$BUILDVARIANT]", nil,
			"linux/arm64 linux arm64[v8] linux/amd64 linux amd64[]"},
		{"the target", "{}", "/$TARGET/${TARGET}", nil, "/app/app"},
		{"the target is not for others to name", "{}", "$TARGET", map[string]string{"TARGET": "web"}, "app"},
		{"time of the sources", "{}", "${SOURCE_DATE_EPOCH:-none}", nil, "none"},
		{"time of the sources with a value", "{}", "${SOURCE_DATE_EPOCH:-none}", map[string]string{"SOURCE_DATE_EPOCH": "7"}, "7"},

		{"default here", "[X]", "${X:-a b}", nil, "a b"},
		{"default here of an empty value", `{X: ""}`, "${X:-a}", nil, "a"},
		{"default here is not needed", "{X: x}", "${X:-a}", nil, "x"},
		{"empty default here", "[X]", "[${X:-}]", nil, "[]"},
		{"default with a variable", "{X: '', Y: y}", "${X:-${Y}}/${X:-$Y}", nil, "y/y"},
		{"default in a default", "[X, Y]", "${X:-${Y:-z}}.", nil, "z."},
		{"default that has no value and is not needed", "{X: x, Y: }", "${X:-$Y}", nil, "x"},
		{"default with a colon, a dash and a plus", "[X]", "${X:-:-:+a-b}", nil, ":-:+a-b"},
		{"default with an open brace", "[X]", "${X:-{a}}", nil, "{a}"},
		{"default with dollars", "[X]", "${X:-$$X $}", nil, "$X $"},
		{"default of several lines", "[X]", "${X:-a\nb}", nil, "a\nb"},
		{"alternative", "{X: x}", "${X:+-tag=$X}", nil, "-tag=x"},
		{"alternative without a value", "[X]", "[${X:+-tag=$X}]", nil, "[]"},
		{"alternative of an empty value", `{X: ""}`, "[${X:+a}]", nil, "[]"},
		{"alternative and default", "{X: x, Y: }", "${X:+${Y:-n}}${Y:-${X:+m}}", nil, "nm"},
		{"as deep as can be", "[X]", strings.Repeat("${X:-", 16) + "a" + strings.Repeat("}", 16), nil, "a"},

		{"two dollars", "{X: x}", "$$", nil, "$"},
		{"two dollars before a brace", "{X: x}", "$${X}", nil, "${X}"},
		{"two dollars before a name", "{X: x}", "$$X $$$$ $$$X", nil, "$X $$ $x"},
		{"two dollars make no variable", "{X: x}", "$${NONE $$NONE $$5", nil, "${NONE $NONE $5"},
		{"dollar alone", "{X: x}", "$ a$ $", nil, "$ a$ $"},
		{"dollar before what is no name", "{X: x}", `^a$|b$) $.items $(date) $@ $* $? $# $! $- $/`, nil, `^a$|b$) $.items $(date) $@ $* $? $# $! $- $/`},
		{"braces without a dollar", "{X: x}", "{X} }{ {{$X}}", nil, "{X} }{ {{x}}"},

		{"quotes", "{X: x}", `a "b $X" '$X' "`, nil, `a "b x" 'x' "`},
		{"one quote", "{X: x}", `it's $X`, nil, `it's x`},
		{"backslashes", "{X: x}", `\n c:\dir \$X \\$X \`, nil, `\n c:\dir \x \\x \`},
		{"all of them", "{X: x}", `a "b" \n c:\dir $$`, nil, `a "b" \n c:\dir $`},
		{"heredoc", "{X: x}", "<<EOF\n$X\nEOF\n<< EOF <<-EOF <<<$X", nil, "<<EOF\nx\nEOF\n<< EOF <<-EOF <<<x"},
		{"less than", "{X: x}", "a < $X <$X> <", nil, "a < x <x> <"},
		{"backticks and other signs", "{X: x}", "`$X` #$X %$X% *$X? ~ & ; |", nil, "`x` #x %x% *x? ~ & ; |"},
		{"blanks", "{X: ' x '}", " \t $X\t ", nil, " \t  x \t "},
		{"unicode", "{X: größe}", "日本$X→${X}語", nil, "日本größe→größe語"},

		{"value with quotes", "[X]", "$X", map[string]string{"X": `say "x" and 'y'`}, `say "x" and 'y'`},
		{"value of several lines", "[X]", "a$X", map[string]string{"X": "1\n2\r\n\t3\n"}, "a1\n2\r\n\t3\n"},
		{"value that looks like YAML", "[X]", "$X", map[string]string{"X": "{a: [b], *c, &d !e #f"}, "{a: [b], *c, &d !e #f"},
		{"value is not replaced again", "[X]", "$X ${X} ${X:-a}", map[string]string{"X": "$TARGET ${NONE} $$"}, "$TARGET ${NONE} $$ $TARGET ${NONE} $$ $TARGET ${NONE} $$"},
		{"value with a brace", "[X]", "${X:-a}b", map[string]string{"X": "}"}, "}b"},
		{"value that is nothing to YAML", "[X]", "$X", map[string]string{"X": "~"}, "~"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := fmt.Sprintf("toolchain: go-cgo0\nargs: %s\ntargets: {app: {env: {V: %q}}}\n", tc.args, tc.value)
			s, err := resolve(t, text, tc.vars)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Targets["app"].Env["V"]; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// resolve reads a spec and gives it values, for linux/arm64 unless vars say
// something else.
func resolve(t *testing.T, text string, vars map[string]string) (*spec.Spec, error) {
	t.Helper()
	doc, err := spec.Read(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"TARGETPLATFORM": "linux/arm64", "TARGETOS": "linux", "TARGETARCH": "arm64", "TARGETVARIANT": "v8",
		"BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
	}
	maps.Copy(all, vars)
	return doc.Resolve(all)
}

// TestVariablesEverywhere compares a spec with variables in each kind of value to
// one with the values themselves.
func TestVariablesEverywhere(t *testing.T) {
	text := unindent(`
toolchain: {name: "${LANGUAGE}", version: "1.${MINOR}", image: "my/${LANGUAGE}:1.${MINOR}", jobs: "${TWO}"}
args: {LANGUAGE: go-cgo0, MINOR: 30, TWO: 2, YES: true, PORT: 80, NAME: web, SIGNAL: INT}
extras:
  tzdata: ${YES}
  ca-certificates: {append: "${NAME}.pem"}
  dirs: [{path: "/${NAME}", chmod: "07${TWO}0", chown: "1${TWO}"}]
targets:
  app:
    description: the ${NAME}
    default: ${YES}
    build: {dir: "services/${NAME}", package: [., "./${NAME}"], tags: "${NAME}", env: {A: "${NAME}"}, stamp: {main.x: "${MINOR}"}, ldflags: ["-v=${TWO}"]}
    path: /bin/${NAME}
    entrypoint: ["/bin/${NAME}"]
    cmd: ["${NAME}"]
    expose: ["${PORT}80", "${PORT}/udp"]
    user: {name: "${NAME}", uid: "100${TWO}"}
    volumes: ["/${NAME}"]
    stopsignal: SIG${SIGNAL}
    workdir: /srv/${NAME}
    healthcheck: {test: ["/${NAME}"], interval: "${TWO}s", retries: "${TWO}"}
    labels: {x: "${NAME}"}
    annotations: {x: "${NAME}"}
    metadata: {version: "1.${MINOR}"}
    copy: [{src: "${NAME}", dest: "/${NAME}/", from: "${NAME}", exclude: "*.${NAME}", chown: "100${TWO}", chmod: "0${TWO}44"}]
  short:
    toolchain: ${LANGUAGE}
    build: ./${NAME}
    user: 100${TWO}
    extras: ["${NAME:+tmp}"]
`)
	plain := text
	for name, value := range map[string]string{"LANGUAGE": "go-cgo0", "MINOR": "30", "TWO": "2", "YES": "true", "PORT": "80", "NAME": "web", "SIGNAL": "INT"} {
		plain = strings.ReplaceAll(plain, "${"+name+"}", value)
	}
	plain = strings.ReplaceAll(plain, "${NAME:+tmp}", "tmp")
	got, err := resolve(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := resolve(t, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range got.Targets {
		if !reflect.DeepEqual(target, want.Targets[name]) {
			t.Errorf("%s is\n%+v\nwant\n%+v", name, target, want.Targets[name])
		}
	}
	for name, a := range got.Args {
		if !a.Used {
			t.Errorf("%s is not used", name)
		}
	}
}

func TestTargetsOfAnAnchor(t *testing.T) {
	s, err := resolve(t, unindent(`
x-base: &base
  build: {dir: services/$TARGET, stamp: {main.name: $TARGET}}
  entrypoint: ["/$TARGET"]
  labels: &labels {name: "${TARGET:-none}", other: "${TARGET:+x}"}
toolchain: go-cgo0
targets:
  api: *base
  web:
    <<: *base
    annotations: *labels
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"api", "web"} {
		target := s.Targets[name]
		labels := map[string]string{"name": name, "other": "x"}
		if target.Build.Dir != "services/"+name || target.Build.Stamp["main.name"] != name || target.Entrypoint[0] != "/"+name || !reflect.DeepEqual(target.Labels, labels) {
			t.Errorf("%s is %+v", name, target)
		}
	}
	if got := s.Targets["web"].Annotations["name"]; got != "web" {
		t.Errorf("the annotation is %q", got)
	}
}

func TestArgs(t *testing.T) {
	doc, err := spec.Read(file, []byte(unindent(`
toolchain: go-cgo0
args:
  VERSION: dev
  COMMIT:
  PLAIN: ""
  UNUSED: 1
  QUOTED: x
targets:
  app: {env: {A: "${VERSION:-$COMMIT}", B: "${PLAIN:+$PLAIN}", C: $$QUOTED}}
`)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"VERSION": true, "UNUSED": true, "TARGETARCH": true, "TARGET": true, "SOURCE_DATE_EPOCH": true, "version": false, "NONE": false, "": false, "$": false} {
		if got := doc.Declares(name); got != want {
			t.Errorf("Declares(%q) = %t", name, got)
		}
	}
	s, err := doc.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(s.Args)) {
		a := s.Args[name]
		value := "none"
		if a.Default != nil {
			value = fmt.Sprintf("%q", *a.Default)
		}
		got = append(got, fmt.Sprintf("%s %s %s %t", a.Name, short(a.Range), value, a.Used))
	}
	want := []string{
		"COMMIT 4:3-9 none true",
		`PLAIN 5:3-8 "" true`,
		`QUOTED 7:3-9 "x" false`,
		`UNUSED 6:3-9 "1" false`,
		`VERSION 3:3-10 "dev" true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := short(s.ValueRange("args", "VERSION")); got != "3:12-15" {
		t.Errorf("the default of VERSION is at %s", got)
	}

	s, err = spec.Parse(file, []byte("toolchain: go-cgo0\nargs: [A, B]\ntargets: {app: {}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Args["B"]; a == nil || a.Default != nil || short(a.Range) != "2:11-12" || short(s.KeyRange("args", "B")) != "2:11-12" {
		t.Errorf("B is %+v", a)
	}
}

// TestResolve resolves one document more than once, also at the same time.
func TestResolve(t *testing.T) {
	doc, err := spec.Read(file, []byte(unindent(`
x-base: &base {user: 1000, env: {V: "$X-$TARGETARCH-$TARGET"}, copy: [{src: a, dest: /a}]}
toolchain: {name: go-cgo0}
args: {X: dev, Y: 1}
extras: {dirs: [{path: "/$TARGETARCH"}], ca-certificates: {append: "${X}.pem"}}
targets:
  api: *base
  web: {<<: *base, cmd: ["${Y}"], user: root}
`)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(x, arch string) {
		vars := map[string]string{"TARGETARCH": arch, "X": x}
		s, err := doc.Resolve(vars)
		if err != nil {
			t.Error(err)
			return
		}
		for name, uid := range map[string]int{"api": 1000, "web": 0} {
			target := s.Targets[name]
			if got, want := target.Env["V"], x+"-"+arch+"-"+name; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if dirs := target.Extras.Dirs; len(dirs) != 1 || dirs[0].Path != "/"+arch || dirs[0].UID != uid {
				t.Errorf("got directories %+v of %s", dirs, name)
			}
			if got := target.Extras.CACertificates.Append[0].Src; got != x+".pem" {
				t.Errorf("got certificate %s", got)
			}
		}
		if !s.Args["X"].Used {
			t.Error("X is not used")
		}
		// What a caller does to one result is not seen in another.
		s.Args["Y"].Used = false
		delete(s.Args, "X")
		s.Targets["api"].Env["V"] = "changed"
		s.Targets["api"].Extras.Dirs[0].Path = "/changed"
		s.Targets["api"].Copy[0].Src = spec.Words{"changed"}
	}
	check("1", "amd64")
	check("2", "arm64")
	check("1", "amd64")

	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			check(fmt.Sprint("v", i), []string{"amd64", "arm64"}[i%2])
			if _, err := doc.Resolve(nil); err == nil || !strings.Contains(err.Error(), "TARGETARCH has no value") {
				t.Errorf("got %v without an architecture", err)
			}
			_ = doc.Declares("X")
		})
	}
	wg.Wait()
}

// TestSameProblems looks for an order that is left to chance.
func TestSameProblems(t *testing.T) {
	var text strings.Builder
	text.WriteString("x-bad: &bad {")
	for i := range 60 {
		fmt.Fprintf(&text, "\" %d\": $NONE%d, \"k%d \": v, ", i, i, i)
	}
	text.WriteString("}\ntoolchain: go-cgo0\ntargets:\n  b: {labels: *bad, annotations: *bad, default: true}\n  a: {annotations: *bad, env: {\"=\": a}, default: true}\n")
	_, first := spec.Parse(file, []byte(text.String()))
	for range 20 {
		if _, err := spec.Parse(file, []byte(text.String())); err == nil || err.Error() != first.Error() {
			t.Fatalf("got:\n%v\nand before:\n%v", err, first)
		}
	}
}

func TestBadValues(t *testing.T) {
	text := "toolchain: go-cgo0\nargs: [X]\ntargets:\n  app: {env: {V: a$X}, expose: [$X]}\n"
	for value, want := range map[string]string{
		"80\x00": "fromscratch.yaml:4:18: V contains a NUL character, which no name, path or argument can hold; remove it\n" +
			"fromscratch.yaml:4:33: an entry of expose contains a NUL character, which no name, path or argument can hold; remove it",
		"a\nb": `fromscratch.yaml:4:33: "a\nb" is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		"\"":   `fromscratch.yaml:4:33: """ is not a port; write a port such as 8080, 53/udp or 8000-8010`,
		"\xff": "fromscratch.yaml:4:33: \"\uFFFD\" is not a port; write a port such as 8080, 53/udp or 8000-8010",
	} {
		if _, err := resolve(t, text, map[string]string{"X": value}); err == nil || err.Error() != want {
			t.Errorf("%q: got:\n%v\nwant:\n%s", value, err, want)
		}
	}
}
