package spec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// invalidFields are specs with mistakes in single fields.
var invalidFields = []invalidSpec{
	// Keys of the other toolchain.
	{"keys of Rust for Go", `
toolchain: go-cgo0
targets:
  app:
    build: {bin: app, profile: release, features: [tls], default-features: false, locked: true}
`, []string{
		"fromscratch.yaml:4:13: bin belongs to rust-musl; for Go write package: ./cmd/app",
		"fromscratch.yaml:4:23: profile belongs to rust-musl; remove it",
		"fromscratch.yaml:4:41: features belongs to rust-musl; remove it",
		"fromscratch.yaml:4:58: default-features belongs to rust-musl; remove it",
		"fromscratch.yaml:4:83: locked belongs to rust-musl; remove it",
	}},
	{"keys of Go for Rust", `
toolchain: rust-musl
targets:
  app:
    build: {tags: [netgo], ldflags: -v, gcflags: all=-l, tzdata: embed}
`, []string{
		"fromscratch.yaml:4:13: tags belongs to go-cgo0; remove it",
		"fromscratch.yaml:4:28: ldflags belongs to go-cgo0; remove it",
		"fromscratch.yaml:4:41: gcflags belongs to go-cgo0; remove it",
		"fromscratch.yaml:4:58: tzdata belongs to go-cgo0; remove it",
	}},
	{"key of the other toolchain in an anchor of two targets", `
x-build: &build {features: [tls]}
toolchain: rust-musl
targets:
  api: {build: *build}
  web: {toolchain: go-cgo0, build: *build}
`, []string{
		"fromscratch.yaml:1:18: features belongs to rust-musl; remove it",
	}},

	// Names and paths that nothing could be called.
	{"reserved names", `
toolchain: go-cgo0
targets:
  binaries: {}
  app: {}
  app-debug: {}
  other-debug: {}
`, []string{
		`fromscratch.yaml:3:3: "binaries" is reserved for the binaries of all targets; choose another name`,
		`fromscratch.yaml:5:3: "app-debug" is reserved for target app with a shell beside its binary; choose another name`,
	}},
	{"path of a folder", `
toolchain: go-cgo0
targets: {app: {path: /app/.}}
`, []string{
		"fromscratch.yaml:2:23: path names the binary itself, not its folder: write /app/app",
	}},
	{"line breaks in paths", `
toolchain: go-cgo0
targets: {app: {path: "/a\nb", workdir: "/a\tb", volumes: ["/c\nd"]}}
`, []string{
		"fromscratch.yaml:2:23: path contains a line break or another character that cannot be seen; remove it",
		"fromscratch.yaml:2:41: workdir contains a line break or another character that cannot be seen; remove it",
		"fromscratch.yaml:2:60: a volume contains a line break or another character that cannot be seen; remove it",
	}},
	{"blank names", `
toolchain: go-cgo0
targets: {app: {env: {" ": x}, build: {ldflags: [" "]}}}
`, []string{
		`fromscratch.yaml:2:23: " " cannot be the name of an environment variable; write NAME: value, and no = in the name`,
		`fromscratch.yaml:2:50: " " is no flag; remove it`,
	}},
	{"tag in a list of extras", `
toolchain: go-cgo0
targets: {app: {}}
extras: [!foo tzdata]
`, []string{
		`fromscratch.yaml:3:15: an entry of extras has the YAML tag "!foo", which means nothing in a spec; remove it, or put the value in quotes if the exclamation mark is part of it`,
	}},
	{"merge of a list in a list", `
toolchain: go-cgo0
targets: {app: {<<: [[]]}}
`, []string{
		"fromscratch.yaml:2:22: << takes mappings: write <<: [*one, *two], and no list in the list",
	}},

	// Builds.
	{"bad profile", `
toolchain: rust-musl
targets:
  app: {build: {profile: --release}}
`, []string{
		`fromscratch.yaml:3:26: "--release" cannot be the name of a profile; write one of Cargo.toml, such as release`,
	}},
	{"features in one text", `
toolchain: rust-musl
targets:
  app: {build: {features: "tls,http"}}
`, []string{
		`fromscratch.yaml:3:27: "tls,http" is not a feature; write several as a list: [one, two]`,
	}},
	{"features that are none", `
toolchain: rust-musl
targets:
  app: {build: {features: [tls http, --all-features]}}
`, []string{
		`fromscratch.yaml:3:28: "tls http" is not a feature; write several as a list: [one, two]`,
		`fromscratch.yaml:3:38: "--all-features" is not a feature; write several as a list: [one, two]`,
	}},
	{"truths that are none", `
toolchain: rust-musl
targets:
  app: {build: {default-features: no, locked: [true]}}
`, []string{
		`fromscratch.yaml:3:35: default-features must be true or false, not "no"`,
		"fromscratch.yaml:3:47: locked must be true or false, not a list",
	}},
	{"tags in one text", `
toolchain: go-cgo0
targets:
  app: {build: {tags: netgo osusergo}}
`, []string{
		`fromscratch.yaml:3:23: "netgo osusergo" is not a build tag; write several as a list: [one, two]`,
	}},
	{"tags that are none", `
toolchain: go-cgo0
targets:
  app: {build: {tags: [a, "b,c", -d, 'e"']}}
`, []string{
		`fromscratch.yaml:3:27: "b,c" is not a build tag; write several as a list: [one, two]`,
		`fromscratch.yaml:3:34: "-d" is not a build tag; write several as a list: [one, two]`,
		`fromscratch.yaml:3:38: "e"" is not a build tag; write several as a list: [one, two]`,
	}},
	{"time zones in another word", `
toolchain: go-cgo0
targets:
  app: {build: {tzdata: true}}
`, []string{
		`fromscratch.yaml:3:25: tzdata must be embed, not "true"; for files in the image write extras: [tzdata]`,
	}},
	{"linker flags that break promises", `
toolchain: go-cgo0
targets:
  app:
    build:
      ldflags:
        - -linkmode=external
        - --linkmode external
        - -extldflags "-static"
        - -extld=gcc
        - -X main.version=1
        - -X=main.version=1
        - -buildid=x
        - -linkshared
        - -v
`, []string{
		`fromscratch.yaml:6:11: "-linkmode=external" asks for the C linker, whose programs need shared libraries; remove it`,
		`fromscratch.yaml:7:11: "--linkmode external" asks for the C linker, whose programs need shared libraries; remove it`,
		`fromscratch.yaml:8:11: "-extldflags "-static"" asks for the C linker, whose programs need shared libraries; remove it`,
		`fromscratch.yaml:9:11: "-extld=gcc" asks for the C linker, whose programs need shared libraries; remove it`,
		`fromscratch.yaml:10:11: "-X main.version=1" belongs under stamp: write stamp: {main.version: value}`,
		`fromscratch.yaml:11:11: "-X=main.version=1" belongs under stamp: write stamp: {main.version: value}`,
		`fromscratch.yaml:12:11: "-buildid=x" would make the same sources give other bytes; remove it`,
		`fromscratch.yaml:13:11: "-linkshared" asks for a program that needs shared libraries; remove it`,
	}},
	{"linker flag behind others", `
toolchain: go-cgo0
targets:
  app: {build: {ldflags: -s -w '-linkmode' external}}
`, []string{
		`fromscratch.yaml:3:26: "-s -w '-linkmode' external" asks for the C linker, whose programs need shared libraries; remove it`,
	}},
	{"linker flags without a flag", `
toolchain: go-cgo0
targets:
  app: {build: {ldflags: ""}}
`, []string{
		"fromscratch.yaml:3:26: ldflags must not be empty text; write a value or remove it",
	}},
	{"stamps that are no variables", `
toolchain: go-cgo0
targets:
  app:
    build:
      stamp: {version: 1, main.: 1, main.my-version: 1, "a b.c": 1, "main.x=y": 1, "ma'in.x": 1, main.1: 1, GOOS: 1}
`, []string{
		`fromscratch.yaml:5:15: "version" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:27: "main." is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:37: "main.my-version" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:57: "a b.c" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:69: "main.x=y" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:84: "ma'in.x" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:98: "main.1" is not a variable of a package; write one such as main.version`,
		`fromscratch.yaml:5:109: "GOOS" is not a variable of a package; write one such as main.version`,
	}},
	{"stamps that the linker cannot take", `
toolchain: go-cgo0
targets:
  app:
    build:
      stamp:
        main.lines: "a\nb"
        main.quotes: it's "good"
        main.fine: it's good
        main.list: [a]
        main.none:
`, []string{
		"fromscratch.yaml:6:21: the linker takes no line break, and no value with both kinds of quotes",
		"fromscratch.yaml:7:22: the linker takes no line break, and no value with both kinds of quotes",
		"fromscratch.yaml:9:20: main.list must be a single value, not a list",
		"fromscratch.yaml:10:19: main.none has no value; write one or remove the key",
	}},
	{"stamp as text", `
toolchain: go-cgo0
targets:
  app: {build: {stamp: main.version=1}}
`, []string{
		"fromscratch.yaml:3:24: stamp must be a mapping such as {main.version: 1.2.3}, not a single value",
	}},
	{"stamp names of Rust", `
toolchain: rust-musl
targets:
  app: {build: {stamp: {"A=B": c, RUSTUP_TOOLCHAIN: nightly}}}
`, []string{
		`fromscratch.yaml:3:25: "A=B" cannot be the name of an environment variable; write NAME: value, and no = in the name`,
		"fromscratch.yaml:3:35: RUSTUP_TOOLCHAIN is set by the frontend, and its promises rest on it; remove it",
	}},
	{"reserved environment of Go", `
toolchain: go-cgo0
targets:
  app:
    build: {env: {CGO_ENABLED: 1, GOOS: windows, GOARCH: arm, GOCACHE: /tmp, GOMODCACHE: /tmp, GOTOOLCHAIN: auto, GOFLAGS: -v, "A=B": c}}
`, []string{
		"fromscratch.yaml:4:19: CGO_ENABLED is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:35: GOOS is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:50: GOARCH is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:63: GOCACHE is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:78: GOMODCACHE is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:96: GOTOOLCHAIN is set by the frontend, and its promises rest on it; remove it",
		`fromscratch.yaml:4:128: "A=B" cannot be the name of an environment variable; write NAME: value, and no = in the name`,
	}},
	{"reserved environment of Rust", `
toolchain: rust-musl
targets:
  app:
    build: {env: {CARGO_HOME: /tmp, CARGO_TARGET_DIR: /tmp, CARGO_BUILD_TARGET: x, CARGO_INCREMENTAL: 1, RUSTUP_TOOLCHAIN: nightly, SQLX_OFFLINE: "true"}}
`, []string{
		"fromscratch.yaml:4:19: CARGO_HOME is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:37: CARGO_TARGET_DIR is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:61: CARGO_BUILD_TARGET is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:84: CARGO_INCREMENTAL is set by the frontend, and its promises rest on it; remove it",
		"fromscratch.yaml:4:106: RUSTUP_TOOLCHAIN is set by the frontend, and its promises rest on it; remove it",
	}},
	{"jobs out of range", `
toolchain: {name: go-cgo0, jobs: 0}
targets:
  a: {toolchain: {jobs: 1025}}
  b: {toolchain: {jobs: -1}}
`, []string{
		"fromscratch.yaml:1:34: jobs must be a number from 1 to 1024",
		"fromscratch.yaml:3:25: jobs must be a number from 1 to 1024",
		"fromscratch.yaml:4:25: jobs must be a number from 1 to 1024",
	}},
	{"jobs that are no number", `
toolchain: {name: go-cgo0, jobs: all}
targets:
  a: {toolchain: {jobs: 1.5}}
  b: {toolchain: {jobs: [2]}}
`, []string{
		`fromscratch.yaml:1:34: jobs must be a whole number, not "all"`,
		`fromscratch.yaml:3:25: jobs must be a whole number, not "1.5"`,
		"fromscratch.yaml:4:25: jobs must be a single value, not a list",
	}},

	// Targets.
	{"two defaults", `
toolchain: go-cgo0
targets:
  web: {default: true}
  api: {default: true}
  job: {default: false}
`, []string{
		`fromscratch.yaml:4:9: target "web" is the default already; only one can be`,
	}},
	{"three defaults", `
toolchain: go-cgo0
targets:
  b: {default: true}
  c: {default: true}
  a: {default: true}
`, []string{
		`fromscratch.yaml:4:7: target "b" is the default already; only one can be`,
		`fromscratch.yaml:5:7: target "b" is the default already; only one can be`,
	}},
	{"two defaults by one anchor", `
x-base: &base {default: true}
toolchain: go-cgo0
targets:
  web: *base
  api: *base
`, []string{
		`fromscratch.yaml:1:16: target "api" is the default already; only one can be`,
	}},
	{"default that is no truth", `
toolchain: go-cgo0
targets:
  web: {default: yes}
  api: {default: api}
`, []string{
		`fromscratch.yaml:3:18: default must be true or false, not "yes"`,
		`fromscratch.yaml:4:18: default must be true or false, not "api"`,
	}},
	{"paths of the binary", `
toolchain: go-cgo0
targets:
  a: {path: app}
  b: {path: /}
  c: {path: /bin/}
  d: {path: bin/}
  e: {path: /..}
  f: {path: ""}
  g: {path: [a]}
`, []string{
		"fromscratch.yaml:3:13: path must start with a slash: write /app",
		"fromscratch.yaml:4:13: path names the binary itself, not its folder: write /b",
		"fromscratch.yaml:5:13: path names the binary itself, not its folder: write /bin/c",
		"fromscratch.yaml:6:13: path names the binary itself, not its folder: write /bin/d",
		"fromscratch.yaml:7:13: path names the binary itself, not its folder: write /e",
		"fromscratch.yaml:8:13: path must not be empty text; write a value or remove it",
		"fromscratch.yaml:9:13: path must be a single value, not a list",
	}},
	{"volumes", `
toolchain: go-cgo0
targets:
  app:
    volumes: [data, "/", "", ~, /.., "data:/data", [a], /fine]
`, []string{
		"fromscratch.yaml:4:15: a volume must start with a slash: write /data",
		"fromscratch.yaml:4:21: a volume is a folder below the root: write one such as /data",
		"fromscratch.yaml:4:26: a volume is a folder below the root: write one such as /data",
		"fromscratch.yaml:4:30: an entry of volumes has no value; write one or remove the entry",
		"fromscratch.yaml:4:33: a volume is a folder below the root: write one such as /data",
		"fromscratch.yaml:4:38: a volume is a folder in the image, without a colon; what is mounted there is up to docker run -v data:/data",
		"fromscratch.yaml:4:52: an entry of volumes must be a single value, not a list",
	}},
	{"volume as one value", `
toolchain: go-cgo0
targets:
  app: {volumes: /data}
`, []string{
		"fromscratch.yaml:3:18: volumes must be a list, also when it has one entry only: write [/data]",
	}},
	{"stop signals", `
toolchain: go-cgo0
targets:
  a: {stopsignal: SIGFOO}
  b: {stopsignal: 0}
  c: {stopsignal: -1}
  d: {stopsignal: 99}
  e: {stopsignal: ""}
  f: {stopsignal: " SIGTERM"}
`, []string{
		`fromscratch.yaml:3:19: there is no signal "SIGFOO"; write one such as SIGTERM, SIGINT or SIGQUIT`,
		`fromscratch.yaml:4:19: there is no signal "0"; write one such as SIGTERM, SIGINT or SIGQUIT`,
		`fromscratch.yaml:5:19: there is no signal "-1"; write one such as SIGTERM, SIGINT or SIGQUIT`,
		`fromscratch.yaml:6:19: there is no signal "99"; write one such as SIGTERM, SIGINT or SIGQUIT`,
		"fromscratch.yaml:7:19: stopsignal must not be empty text; write a value or remove it",
		`fromscratch.yaml:8:19: there is no signal " SIGTERM"; write one such as SIGTERM, SIGINT or SIGQUIT`,
	}},
	{"names of labels and annotations", `
toolchain: go-cgo0
targets:
  app:
    labels: {" a": b, "c\td": e, "f\0g": h, "i ": j}
    annotations: {" a": b, "c\nd": e, f g: h}
`, []string{
		`fromscratch.yaml:4:14: " a" has a blank at its start or end, or a control character; write a name such as org.example.team`,
		`fromscratch.yaml:4:23: "c\td" has a blank at its start or end, or a control character; write a name such as org.example.team`,
		`fromscratch.yaml:4:34: "f\x00g" has a blank at its start or end, or a control character; write a name such as org.example.team`,
		`fromscratch.yaml:4:45: "i " has a blank at its start or end, or a control character; write a name such as org.example.team`,
		`fromscratch.yaml:5:19: " a" has a blank at its start or end, or a control character; write a name such as org.example.team`,
		`fromscratch.yaml:5:28: "c\nd" has a blank at its start or end, or a control character; write a name such as org.example.team`,
	}},
	{"labels as a list", `
toolchain: go-cgo0
targets:
  app:
    labels: [a=b]
    annotations: a=b
    metadata: [a]
`, []string{
		"fromscratch.yaml:4:13: labels must be a mapping such as {NAME: value}, not a list",
		"fromscratch.yaml:5:18: annotations must be a mapping such as {NAME: value}, not a single value",
		"fromscratch.yaml:6:15: metadata must be a mapping such as {title: My program}, not a list",
	}},
	{"unknown metadata", `
toolchain: go-cgo0
targets:
  app:
    metadata: {titel: a, created: b, version: "", licenses: [MIT]}
`, []string{
		`fromscratch.yaml:4:16: unknown key "titel" in metadata of target "app"; did you mean "title"?`,
		`fromscratch.yaml:4:26: unknown key "created" in metadata of target "app"; known keys are title, description, source, url, documentation, version, revision, licenses, vendor and authors`,
		"fromscratch.yaml:4:47: version must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:61: licenses must be a single value, not a list",
	}},
	{"words of other tools", `
toolchain: go-cgo0
services: {app: {}}
targets:
  app:
    command: [serve]
    ports: [80]
    environment: {A: B}
    working_dir: /srv
    volume: [/data]
    stop_signal: SIGINT
    healthcheck: {command: [/app]}
    copy: [{source: a, target: /b, owner: root, mode: 644}]
    extras: {dirs: [{path: /a, mode: 755, owner: root}]}
`, []string{
		`fromscratch.yaml:2:1: unknown key "services" at the top level; did you mean "targets"?`,
		`fromscratch.yaml:5:5: unknown key "command" in target "app"; did you mean "cmd"?`,
		`fromscratch.yaml:6:5: unknown key "ports" in target "app"; did you mean "expose"?`,
		`fromscratch.yaml:7:5: unknown key "environment" in target "app"; did you mean "env"?`,
		`fromscratch.yaml:8:5: unknown key "working_dir" in target "app"; did you mean "workdir"?`,
		`fromscratch.yaml:9:5: unknown key "volume" in target "app"; did you mean "volumes"?`,
		`fromscratch.yaml:10:5: unknown key "stop_signal" in target "app"; did you mean "stopsignal"?`,
		`fromscratch.yaml:11:19: unknown key "command" in healthcheck of target "app"; did you mean "test"?`,
		`fromscratch.yaml:12:13: unknown key "source" in an entry of copy of target "app"; did you mean "src"?`,
		`fromscratch.yaml:12:24: unknown key "target" in an entry of copy of target "app"; did you mean "dest"?`,
		`fromscratch.yaml:12:36: unknown key "owner" in an entry of copy of target "app"; did you mean "chown"?`,
		`fromscratch.yaml:12:49: unknown key "mode" in an entry of copy of target "app"; did you mean "chmod"?`,
		`fromscratch.yaml:13:32: unknown key "mode" in an entry of extras.dirs of target "app"; did you mean "chmod"?`,
		`fromscratch.yaml:13:43: unknown key "owner" in an entry of extras.dirs of target "app"; did you mean "chown"?`,
	}},

	// Health checks.
	{"healthcheck as a list", `
toolchain: go-cgo0
targets:
  app: {healthcheck: [/app, health]}
`, []string{
		"fromscratch.yaml:3:22: healthcheck must be a mapping such as {test: [/app, health], interval: 30s}, not a list",
	}},
	{"healthcheck as text", `
toolchain: go-cgo0
targets:
  app: {healthcheck: /app health}
`, []string{
		"fromscratch.yaml:3:22: healthcheck must be a mapping such as {test: [/app, health], interval: 30s}, not a single value",
	}},
	{"healthcheck without a test", `
toolchain: go-cgo0
targets:
  a: {healthcheck: {interval: 30s}}
  b: {healthcheck: {test: []}}
  c: {healthcheck: {}}
  d:
    healthcheck:
`, []string{
		"fromscratch.yaml:3:7: healthcheck has no test; write test: [/app, health]",
		"fromscratch.yaml:4:7: healthcheck has no test; write test: [/app, health]",
		"fromscratch.yaml:5:7: healthcheck has no test; write test: [/app, health]",
		"fromscratch.yaml:7:17: healthcheck has no value; write one or remove the key",
	}},
	{"test as text", `
toolchain: go-cgo0
targets:
  app: {healthcheck: {test: /app health}}
`, []string{
		`fromscratch.yaml:3:29: test must be a list, because an image from scratch has no shell to split a line: write ["/app", "health"]`,
	}},
	{"test for a shell", `
toolchain: go-cgo0
targets:
  app:
    healthcheck:
      test: [CMD-SHELL, curl -f http://localhost]
`, []string{
		"fromscratch.yaml:5:13: CMD-SHELL needs a shell, and an image from scratch has none; write the program and its arguments: [/app, health]",
	}},
	{"tests without a program", `
toolchain: go-cgo0
targets:
  a: {healthcheck: {test: [CMD]}}
  b: {healthcheck: {test: [""]}}
  c: {healthcheck: {test: [CMD, ""]}}
  d: {healthcheck: {test: [NONE, /app]}}
  e: {healthcheck: {test: [NONE], interval: 30s}}
`, []string{
		"fromscratch.yaml:3:27: test names no program; write [/app, health]",
		"fromscratch.yaml:4:27: test names no program; write [/app, health]",
		"fromscratch.yaml:5:27: test names no program; write [/app, health]",
		"fromscratch.yaml:6:27: NONE means that nothing is checked, so there is nothing to say beside it; write healthcheck: {test: [NONE]}",
		"fromscratch.yaml:7:27: NONE means that nothing is checked, so there is nothing to say beside it; write healthcheck: {test: [NONE]}",
	}},
	{"retries", `
toolchain: go-cgo0
targets:
  a: {healthcheck: {test: [/a], retries: -1}}
  b: {healthcheck: {test: [/a], retries: three}}
  c: {healthcheck: {test: [/a], retries: 1.5}}
`, []string{
		"fromscratch.yaml:3:42: retries must not be negative",
		`fromscratch.yaml:4:42: retries must be a whole number, not "three"`,
		`fromscratch.yaml:5:42: retries must be a whole number, not "1.5"`,
	}},
	{"unknown keys of a healthcheck", `
toolchain: go-cgo0
targets:
  app: {healthcheck: {test: [/a], start_period: 1s, every: 5s}}
`, []string{
		`fromscratch.yaml:3:35: unknown key "start_period" in healthcheck of target "app"; did you mean "start-period"?`,
		`fromscratch.yaml:3:53: unknown key "every" in healthcheck of target "app"; known keys are test, interval, timeout, start-period, start-interval and retries`,
	}},
	{"durations", `
toolchain: go-cgo0
targets:
  app:
    healthcheck:
      test: [/app]
      interval: 30
      timeout: 3 seconds
      start-period: -5s
      start-interval: 1us
`, []string{
		`fromscratch.yaml:6:17: "30" is not a length of time; write one such as 30s`,
		`fromscratch.yaml:7:16: "3 seconds" is not a length of time; write one such as 30s, 1m30s or 500ms`,
		`fromscratch.yaml:8:21: "-5s" is too short; Docker takes no less than 1ms`,
		`fromscratch.yaml:9:23: "1us" is too short; Docker takes no less than 1ms`,
	}},
	{"more durations", `
toolchain: go-cgo0
targets:
  app:
    healthcheck:
      test: [/app]
      interval: ""
      timeout: 1d
      start-period: [5s]
      start-interval: -30
`, []string{
		`fromscratch.yaml:6:17: "" is not a length of time; write one such as 30s, 1m30s or 500ms`,
		`fromscratch.yaml:7:16: "1d" is not a length of time; write one such as 30s, 1m30s or 500ms`,
		"fromscratch.yaml:8:21: start-period must be a single value, not a list",
		`fromscratch.yaml:9:23: "-30" is not a length of time; write one such as 30s, 1m30s or 500ms`,
	}},

	// Files.
	{"copy as one value", `
toolchain: go-cgo0
targets:
  app: {copy: config/}
`, []string{
		"fromscratch.yaml:3:15: copy must be a list such as [{src: config/, dest: /etc/app/}], not a single value",
	}},
	{"copy as a mapping", `
toolchain: go-cgo0
targets:
  app:
    copy: {src: config/, dest: /etc/app/}
`, []string{
		"fromscratch.yaml:4:11: copy must be a list such as [{src: config/, dest: /etc/app/}], not a mapping",
	}},
	{"entries of copy that are none", `
toolchain: go-cgo0
targets:
  app:
    copy: [config/, [a, b], ~]
`, []string{
		"fromscratch.yaml:4:12: an entry of copy must be a mapping such as {src: config/, dest: /etc/app/}, not a single value",
		"fromscratch.yaml:4:21: an entry of copy must be a mapping such as {src: config/, dest: /etc/app/}, not a list",
		"fromscratch.yaml:4:29: an entry of copy is empty; write its keys below it, indented by two spaces",
	}},
	{"entries of copy that lack a key", `
toolchain: go-cgo0
targets:
  app:
    copy: [{src: a}, {dest: /b}, {}, {src: "", dest: /b}, {src: a, dest: ""}, {sorce: a, dest: /b}]
`, []string{
		"fromscratch.yaml:4:12: an entry of copy needs src and dest: write {src: config/, dest: /etc/app/}",
		"fromscratch.yaml:4:22: an entry of copy needs src and dest: write {src: config/, dest: /etc/app/}",
		"fromscratch.yaml:4:34: an entry of copy needs src and dest: write {src: config/, dest: /etc/app/}",
		"fromscratch.yaml:4:44: src must not be empty text; write a value or remove it",
		"fromscratch.yaml:4:74: dest must not be empty text; write a value or remove it",
		`fromscratch.yaml:4:80: unknown key "sorce" in an entry of copy of target "app"; did you mean "src"?`,
	}},
	{"sources of copy", `
toolchain: go-cgo0
targets:
  app:
    copy:
      - {src: ../a, dest: /a}
      - {src: a/../../b, dest: /b}
      - {src: /../c, dest: /c}
      - {src: 'd\e', dest: /e}
      - {src: /fine, dest: /}
      - {src: [a, ../b], dest: /c/}
      - {src: "https://example.com/a.tar", dest: /d}
      - {src: [], dest: /e/}
`, []string{
		`fromscratch.yaml:5:15: "../a" lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with from: name`,
		`fromscratch.yaml:6:15: "a/../../b" lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with from: name`,
		`fromscratch.yaml:7:15: "/../c" lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with from: name`,
		`fromscratch.yaml:8:15: src is written with slashes: write "d/e"`,
		`fromscratch.yaml:10:19: "../b" lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with from: name`,
		`fromscratch.yaml:11:15: copy downloads nothing; pass "https://example.com/a.tar" with --build-context name=https://example.com/a.tar, and name it with from: name`,
		"fromscratch.yaml:12:15: src is an empty list; name at least one or remove the key",
	}},
	{"destinations of copy", `
toolchain: go-cgo0
targets:
  app:
    copy:
      - {src: a, dest: etc/a}
      - {src: a, dest: ./etc/}
      - {src: [a, b], dest: /etc}
      - {src: [a, b], dest: /etc/.}
`, []string{
		"fromscratch.yaml:5:24: dest must start with a slash: write /etc/a",
		"fromscratch.yaml:6:24: dest must start with a slash: write /etc/",
		"fromscratch.yaml:7:29: several sources need a directory to go to: write dest: /etc/",
	}},
	{"contexts of copy", `
toolchain: go-cgo0
targets:
  app:
    copy:
      - {src: a, dest: /a, from: "a b"}
      - {src: a, dest: /a, from: ../b}
`, []string{
		`fromscratch.yaml:5:34: "a b" cannot be the name of a context; write one as given to --build-context, such as assets`,
		`fromscratch.yaml:6:34: "../b" cannot be the name of a context; write one as given to --build-context, such as assets`,
	}},
	{"owners", `
toolchain: go-cgo0
targets:
  app:
    user: {name: web, uid: 1000}
    copy:
      - {src: a, dest: /a, chown: app}
      - {src: a, dest: /a, chown: "web:app"}
      - {src: a, dest: /a, chown: 2147483648}
      - {src: a, dest: /a, chown: "0:99999999999999999999"}
      - {src: a, dest: /a, chown: -1}
      - {src: a, dest: /a, chown: ""}
      - {src: a, dest: /a, chown: web}
`, []string{
		`fromscratch.yaml:6:35: there is no user "app" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
		`fromscratch.yaml:7:35: there is no user "web:app" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
		`fromscratch.yaml:8:35: "2147483648" is out of range; ids go up to 2147483647`,
		`fromscratch.yaml:9:35: "0:99999999999999999999" is out of range; ids go up to 2147483647`,
		`fromscratch.yaml:10:35: there is no user "-1" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
		"fromscratch.yaml:11:35: chown must not be empty text; write a value or remove it",
	}},
	{"owner that is a user without a number", `
toolchain: go-cgo0
targets:
  app:
    user: web
    copy: [{src: a, dest: /a, chown: web}]
`, []string{
		`fromscratch.yaml:4:11: user "web" has no number: write {name: web, uid: 10001}, because Kubernetes answers "container has runAsNonRoot and image has non-numeric user" to a name`,
	}},
	{"modes", `
toolchain: go-cgo0
targets:
  app:
    copy:
      - {src: a, dest: /a, chmod: 888}
      - {src: a, dest: /a, chmod: 10000}
      - {src: a, dest: /a, chmod: u+x}
      - {src: a, dest: /a, chmod: 0x1ff}
      - {src: a, dest: /a, chmod: ""}
      - {src: a, dest: /a, chmod: -1}
      - {src: a, dest: /a, chmod: [0644]}
      - {src: a, dest: /a, chmod: 0o644}
`, []string{
		`fromscratch.yaml:5:35: "888" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:6:35: "10000" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:7:35: "u+x" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:8:35: "0x1ff" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:9:35: "" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:10:35: "-1" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		"fromscratch.yaml:11:35: chmod must be a single value, not a list",
	}},
	{"exclude of copy", `
toolchain: go-cgo0
targets:
  app:
    copy: [{src: a, dest: /a, exclude: []}, {src: a, dest: /a, exclude: {a: b}}]
`, []string{
		"fromscratch.yaml:4:40: exclude is an empty list; name at least one or remove the key",
		"fromscratch.yaml:4:73: exclude must be a list such as [a, b], not a mapping",
	}},
	{"dirs as one value", `
toolchain: go-cgo0
targets: {app: {}}
extras: {dirs: /data}
`, []string{
		"fromscratch.yaml:3:16: dirs must be a list such as [{path: /data}], not a single value",
	}},
	{"dirs as paths", `
toolchain: go-cgo0
targets: {app: {}}
extras: {dirs: [/data, ~]}
`, []string{
		"fromscratch.yaml:3:17: an entry of dirs must be a mapping such as {path: /data}, not a single value",
		"fromscratch.yaml:3:24: an entry of dirs is empty; write its keys below it, indented by two spaces",
	}},
	{"dirs in a list of extras", `
toolchain: go-cgo0
targets: {app: {}}
extras: [tmp, dirs]
`, []string{
		`fromscratch.yaml:3:15: extra "dirs" needs options; write extras as a mapping: {dirs: [{path: /data}]}`,
	}},
	{"bad directories", `
toolchain: go-cgo0
targets: {app: {}, web: {}}
extras:
  dirs:
    - {}
    - {path: /}
    - {path: data}
    - {path: /a, chmod: rwx, chown: x}
    - {path: /a, chown: nobody}
    - {pth: /a}
    - {path: ""}
`, []string{
		"fromscratch.yaml:5:7: an entry of dirs needs a path below the root: write {path: /data}",
		"fromscratch.yaml:6:7: an entry of dirs needs a path below the root: write {path: /data}",
		"fromscratch.yaml:7:14: path must start with a slash: write /data",
		`fromscratch.yaml:8:25: "rwx" is not a mode; write it in octal, such as 0644 for files or 0755 for programs and directories`,
		`fromscratch.yaml:8:37: there is no user "x" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
		`fromscratch.yaml:9:25: there is no user "nobody" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
		`fromscratch.yaml:10:8: unknown key "pth" in an entry of extras.dirs; did you mean "path"?`,
		"fromscratch.yaml:11:14: path must not be empty text; write a value or remove it",
	}},
	{"bad directories of no target", `
toolchain: go-cgo0
targets: {app: {extras: none}}
extras: {dirs: [{path: data}]}
`, []string{
		"fromscratch.yaml:3:24: path must start with a slash: write /data",
	}},
	{"owner of a directory that only another target has", `
toolchain: go-cgo0
targets:
  api: {user: {name: web, uid: 1000}}
  job: {}
extras: {dirs: [{path: /data, chown: web}]}
`, []string{
		`fromscratch.yaml:5:38: there is no user "web" in the image; write nonroot, root, the name of this target's user, or numbers such as 1000:1000, as for the users of a base`,
	}},
	{"message about a user of two lines", `
toolchain: go-cgo0
targets:
  app: {user: {name: "a\nb", uid: 1, home: x}}
`, []string{
		`fromscratch.yaml:3:22: "a\nb" cannot be the name of a user; use up to 32 lower-case letters, digits, '_' and '-', of which a letter or '_' comes first`,
		"fromscratch.yaml:3:44: home must be an absolute path without a colon, such as /home/a b",
	}},
}

func TestFields(t *testing.T) {
	s, err := spec.Parse(file, []byte(unindent(`
toolchain: {name: go-cgo0, version: 1.26, jobs: 8}
extras:
  nsswitch: true
  dirs:
    - {path: /data//x/, chmod: 1777}
    - {path: /own, chown: root}
targets:
  api:
    description: the API
    default: true
    build:
      tags: [netgo, osusergo]
      ldflags: [-v, "-compressdwarf=false"]
      gcflags: all=-l
      tzdata: embed
      stamp: {main.version: 1.30, example.org/a.b/c.Größe: it's, main.quoted: 'say "x"', main.empty: ""}
      env: {GOFLAGS: -mod=mod, EMPTY: ""}
    toolchain: {jobs: 2}
    path: /usr//bin/../api
    user: {name: nonroot, uid: 1000, gid: 2000}
    volumes: [/data/, /var/lib/x]
    stopsignal: SIGRTMIN+3
    healthcheck: {test: [CMD, /api, health], interval: 1m30s, timeout: 500ms, start-period: 0, start-interval: 1ms, retries: 5}
    labels: {a b: "", "$x": y}
    annotations: {org.example.a: 1.0}
    metadata: {title: The API, licenses: Apache-2.0, version: 1.30}
    copy:
      - {src: config/, dest: /etc/app/}
      - {src: "/a/*.txt", dest: /, from: docker.io/library/x:1, exclude: "*.tmp", chown: nonroot, chmod: 0644}
      - {src: ., dest: /b, chown: 5:6, chmod: 0o4755, exclude: [a, b]}
      - {src: c, dest: /c/./d/../., chown: "7", chmod: 0}
      - {src: [d, e], dest: /d/, chown: "nonroot:root"}
  rs:
    toolchain: rust-musl
    build: {package: app, profile: release-lto, features: [tls, dep/x], default-features: false, locked: false, auditable: true}
    user: root
    stopsignal: 9
    healthcheck: {test: [/rs]}
    extras: {dirs: [{path: /z, chown: nonroot}], hosts: true, sbom: true}
  bare:
    stopsignal: term
    extras: none
`)))
	if err != nil {
		t.Fatal(err)
	}
	api, rs, bare := s.Targets["api"], s.Targets["rs"], s.Targets["bare"]
	no := false
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"description", api.Description, "the API"},
		{"default", []bool{api.Default, rs.Default}, []bool{true, false}},
		{"tags", api.Build.Tags, spec.Words{"netgo", "osusergo"}},
		{"ldflags", api.Build.Ldflags, spec.Words{"-v", "-compressdwarf=false"}},
		{"gcflags", api.Build.Gcflags, spec.Words{"all=-l"}},
		{"tzdata", api.Build.TZData, "embed"},
		{"stamp", api.Build.Stamp, map[string]string{"main.version": "1.30", "example.org/a.b/c.Größe": "it's", "main.quoted": `say "x"`, "main.empty": ""}},
		{"env", api.Build.Env, map[string]string{"GOFLAGS": "-mod=mod", "EMPTY": ""}},
		{"jobs of the target", api.Toolchain, spec.Toolchain{Name: spec.GoCGO0, Version: "1.26", Jobs: 2}},
		{"jobs of the top level", bare.Toolchain.Jobs, 8},
		{"path", []string{api.Path, rs.Path}, []string{"/usr/api", ""}},
		{"volumes", api.Volumes, []string{"/data", "/var/lib/x"}},
		{"signals", []string{api.StopSignal, rs.StopSignal, bare.StopSignal}, []string{"SIGRTMIN+3", "9", "term"}},
		{"healthcheck", api.Healthcheck, &spec.Healthcheck{Test: spec.Command{"/api", "health"}, Interval: spec.Duration(90 * time.Second),
			Timeout: spec.Duration(500 * time.Millisecond), StartInterval: spec.Duration(time.Millisecond), Retries: 5}},
		{"short healthcheck", rs.Healthcheck, &spec.Healthcheck{Test: spec.Command{"/rs"}}},
		{"no healthcheck", bare.Healthcheck, (*spec.Healthcheck)(nil)},
		{"labels", api.Labels, map[string]string{"a b": "", "$x": "y"}},
		{"annotations", api.Annotations, map[string]string{"org.example.a": "1.0"}},
		{"metadata", api.Metadata.Annotations(), map[string]string{
			"org.opencontainers.image.title": "The API", "org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.version": "1.30"}},
		{"no metadata", rs.Metadata.Annotations(), map[string]string{}},
		{"copy", api.Copy, []spec.Copy{
			{Src: spec.Words{"config/"}, Dest: "/etc/app/"},
			{Src: spec.Words{"/a/*.txt"}, Dest: "/", From: "docker.io/library/x:1", Exclude: spec.Words{"*.tmp"}, Chown: "nonroot", Chmod: spec.Mode{Bits: 0o644, Set: true}, UID: 1000, GID: 2000},
			{Src: spec.Words{"."}, Dest: "/b", Exclude: spec.Words{"a", "b"}, Chown: "5:6", Chmod: spec.Mode{Bits: 0o4755, Set: true}, UID: 5, GID: 6},
			{Src: spec.Words{"c"}, Dest: "/c/", Chown: "7", Chmod: spec.Mode{Set: true}, UID: 7, GID: 7},
			{Src: spec.Words{"d", "e"}, Dest: "/d/", Chown: "nonroot:root", UID: 1000},
		}},
		{"dirs", api.Extras.Dirs, []spec.Dir{
			{Path: "/data/x", Chmod: spec.Mode{Bits: 0o1777, Set: true}, UID: 1000, GID: 2000},
			{Path: "/own", Chown: "root"},
		}},
		{"dirs of the target", rs.Extras.Dirs, []spec.Dir{{Path: "/z", Chown: "nonroot", UID: 65532, GID: 65532}}},
		{"no dirs", len(bare.Extras.Dirs), 0},
		{"nsswitch", []bool{api.Extras.HasNsswitch(), rs.Extras.HasNsswitch(), bare.Extras.HasNsswitch()}, []bool{true, true, false}},
		{"hosts", []bool{api.Extras.HasHosts(), rs.Extras.HasHosts(), bare.Extras.HasHosts()}, []bool{false, true, false}},
		{"sbom", []bool{api.Extras.HasSBOM(), rs.Extras.HasSBOM(), bare.Extras.HasSBOM()}, []bool{false, true, false}},
		{"features", rs.Build.Features, spec.Words{"tls", "dep/x"}},
		{"switches", []*bool{rs.Build.DefaultFeatures, rs.Build.Locked, api.Build.Locked}, []*bool{&no, &no, nil}},
		{"profile", rs.Build.Profile, "release-lto"},
		{"auditable", []bool{rs.Build.Auditable, api.Build.Auditable}, []bool{true, false}},
	} {
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, tc.got, tc.want)
		}
	}
	if target, err := s.Target(""); err != nil || target != api {
		t.Errorf("the default is %+v, %v", target, err)
	}
}
