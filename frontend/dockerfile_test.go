package frontend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// sourcesOfAll are a Go and a Rust project side by side, with what the examples name.
func sourcesOfAll(t *testing.T) fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	pem := certificate(t, "corp", time.Now(), time.Now().Add(time.Hour))
	return fstest.MapFS{
		"go.mod":                            file("module example.com/app\n\ngo 1.26\n"),
		"main.go":                           file("package main\n"),
		"cmd/x/main.go":                     file("package main\n"),
		"svc/go.mod":                        file("module example.com/svc\n\ngo 1.26\n\nrequire example.org/dep v1.0.0\n"),
		"svc/go.sum":                        file("example.org/dep v1.0.0 h1:x\n"),
		"svc/main.go":                       file("package main\n"),
		"Cargo.toml":                        file("[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[[bin]]\nname = \"app\"\npath = \"src/main.rs\"\n\n[[bin]]\nname = \"tool\"\npath = \"src/tool.rs\"\n"),
		"Cargo.lock":                        file("version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
		"src/main.rs":                       file("fn main() {}\n"),
		"src/tool.rs":                       file("fn main() {}\n"),
		"bin/amd64/app":                     {Data: program(t), Mode: 0o755},
		"bin/arm64/app":                     {Data: program(t), Mode: 0o755},
		"config/a.conf":                     file("a\n"),
		"upx":                               {Data: program(t), Mode: 0o755},
		"busybox":                           {Data: program(t), Mode: 0o755},
		"company.pem":                       {Data: pem},
		"usr/share/zoneinfo/UTC":            file("TZif"),
		"etc/ssl/certs/ca-certificates.crt": {Data: pem},
	}
}

// printed is what the call answers for a spec.
func printed(t *testing.T, text string, opts map[string]string) string {
	t.Helper()
	out, err := dockerfileOf(t, text, opts)
	require.NoError(t, err)
	return out
}

func dockerfileOf(t *testing.T, text string, opts map[string]string) (string, error) {
	t.Helper()
	all := map[string]string{"requestid": "frontend.dockerfile"}
	maps.Copy(all, opts)
	c := newClient(t, text, all)
	c.Files = sourcesOfAll(t)
	c.Files.(fstest.MapFS)["fromscratch.yaml"] = &fstest.MapFile{Data: []byte(text)}
	res, err := build(c)
	if err != nil {
		return "", err
	}
	for _, op := range c.Ops(t) {
		require.Nil(t, op.GetExec(), "nothing is compiled")
	}
	var data struct{ Dockerfile string }
	require.NoError(t, json.Unmarshal(res.Metadata["result.json"], &data))
	require.Equal(t, data.Dockerfile, string(res.Metadata["result.txt"]))
	return data.Dockerfile, nil
}

// stagesOf has BuildKit read a Dockerfile, in which every stage that is named exists.
func stagesOf(t *testing.T, text string) []instructions.Stage {
	t.Helper()
	result, err := parser.Parse(strings.NewReader(text))
	require.NoError(t, err, text)
	require.Empty(t, result.Warnings)
	stages, _, err := instructions.Parse(result.AST, nil)
	require.NoError(t, err, text)
	return stages
}

const goTarget = "toolchain: go-cgo0\ntargets:\n  app: {build: {package: .}%s}\n"

// told are, for every key of the spec, a spec that has it and what the Dockerfile has for
// it: an instruction, or a note that it is not translated. plain is for builders without
// BuildKit, where that is another.
var told = map[string]struct {
	spec, has, plain, lacks string
	opts                    map[string]string
}{
	"args":               {spec: "toolchain: go-cgo0\nargs: {V: \"1 2\"}\ntargets: {app: {build: ., labels: {v: \"x$V\"}}}\n", has: "ARG V=\"1 2\"\n"},
	"base":               {spec: "toolchain: go-cgo0\nbase: gcr.io/distroless/static:latest\ntargets: {app: {build: .}}\n", has: "FROM gcr.io/distroless/static:latest AS app"},
	"extras":             {spec: "toolchain: go-cgo0\nextras: none\ntargets: {app: {build: .}}\n", lacks: "passwd"},
	"targets":            {spec: fmt.Sprintf(goTarget, ""), has: "FROM scratch AS app"},
	"toolchain":          {spec: fmt.Sprintf(goTarget, ""), has: "FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS toolchain", plain: "FROM golang:1.26-alpine AS toolchain"},
	"toolchain.name":     {spec: fmt.Sprintf(goTarget, ""), has: "go build"},
	"toolchain.version":  {spec: "toolchain: {name: go-cgo0, version: 1.25}\ntargets: {app: {build: .}}\n", has: "golang:1.25-alpine"},
	"toolchain.image":    {spec: "toolchain: {name: go-cgo0, image: registry.example.com/go:1}\ntargets: {app: {build: .}}\n", has: " registry.example.com/go:1 AS toolchain"},
	"toolchain.jobs":     {spec: "toolchain: {name: go-cgo0, jobs: 3}\ntargets: {app: {build: .}}\n", has: " -p=3 "},
	"toolchain.packages": {spec: "toolchain: {name: go-cgo0, packages: [make]}\ntargets: {app: {build: .}}\n", has: "RUN set -- make;"},

	"targets.annotations":  {spec: fmt.Sprintf(goTarget, ", annotations: {a: it's}"), has: "--annotation \"a=it's\""},
	"targets.base":         {spec: fmt.Sprintf(goTarget, ", base: debian"), has: "FROM debian AS app"},
	"targets.build":        {spec: "toolchain: go-cgo0\ntargets: {app: {build: ./cmd/x}}\n", has: "/out/app ./cmd/x"},
	"targets.capabilities": {spec: fmt.Sprintf(goTarget, ", capabilities: [net_bind_service=p, net_raw=p]"), has: "setcap 'cap_net_bind_service=p cap_net_raw=p' /out/app"},
	"targets.cmd":          {spec: fmt.Sprintf(goTarget, ", cmd: [serve, \"<a>\"]"), has: `CMD ["serve", "<a>"]`},
	"targets.compress":     {spec: fmt.Sprintf(goTarget, ", compress: upx"), has: "FROM --platform=$BUILDPLATFORM upx AS packed", plain: "FROM upx:5 AS packed", opts: map[string]string{"context:upx": "docker-image://upx:5"}},
	"targets.copy":         {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/, dest: /etc/app/}]"), has: "COPY config/ /etc/app/"},
	"targets.copy.src":     {spec: fmt.Sprintf(goTarget, ", copy: [{src: [config/a*, company.pem], dest: /etc/app/}]"), has: "COPY config/a* company.pem /etc/app/"},
	"targets.copy.dest":    {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/a.conf, dest: \"/a b\"}]"), has: `COPY ["config/a.conf", "/a b"]`},
	"targets.copy.from":    {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/, dest: /c/, from: ui}]"), has: "COPY --from=ui config/ /c/", plain: "COPY --from=ui:1 config/ /c/", opts: map[string]string{"context:ui": "docker-image://ui:1"}},
	"targets.copy.chown":   {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/, dest: /c/, chown: nonroot}]"), has: "COPY --chown=65532:65532 config/ /c/"},
	"targets.copy.chmod":   {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/, dest: /c/, chmod: 0640}]"), has: "COPY --chmod=a-x,u=rwX,g=rX,o= config/ /c/", plain: "chmod -R a-x,u=rwX,g=rX,o= /copies/1/c/"},
	"targets.copy.exclude": {spec: fmt.Sprintf(goTarget, ", copy: [{src: config/, dest: /c/, exclude: \"*.tmp\"}]"), has: "COPY --exclude=*.tmp config/ /c/", plain: "NOT TRANSLATED: exclude"},
	"targets.default":      {spec: fmt.Sprintf(goTarget, ", default: true"), has: "FROM scratch AS app"}, // It picks the target.
	"targets.description":  {spec: fmt.Sprintf(goTarget, ", description: what it is"), has: "# what it is"},
	"targets.entrypoint":   {spec: fmt.Sprintf(goTarget, ", entrypoint: [/app, -v]"), has: `ENTRYPOINT ["/app", "-v"]`},
	"targets.env":          {spec: fmt.Sprintf(goTarget, ", env: {A: \"5$$\"}"), has: `A="5\$"`},
	"targets.expose":       {spec: fmt.Sprintf(goTarget, ", expose: [8000-8001, 53/udp]"), has: "EXPOSE 53/udp\nEXPOSE 8000/tcp\nEXPOSE 8001/tcp"},
	"targets.extras":       {spec: fmt.Sprintf(goTarget, ", extras: {tmp: false}"), lacks: "/tmp"},
	"targets.healthcheck":  {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [NONE]}"), has: "HEALTHCHECK NONE"},
	"targets.labels":       {spec: fmt.Sprintf(goTarget, ", labels: {\"a b\": c}"), has: `LABEL "a b"=c`},
	"targets.metadata":     {spec: fmt.Sprintf(goTarget, ", metadata: {title: app}"), has: "org.opencontainers.image.title=app"},
	"targets.path":         {spec: fmt.Sprintf(goTarget, ", path: /usr/bin/it"), has: "/out/app /usr/bin/it"},
	"targets.stopsignal":   {spec: fmt.Sprintf(goTarget, ", stopsignal: SIGINT"), has: "STOPSIGNAL SIGINT"},
	"targets.toolchain":    {spec: "targets: {app: {toolchain: go-cgo0, build: .}}\n", has: "golang:1.26"},
	"targets.user":         {spec: fmt.Sprintf(goTarget, ", user: 5:6"), has: "USER 5:6"},
	"targets.user.name":    {spec: fmt.Sprintf(goTarget, ", user: {name: me, uid: 7}"), has: "me:x:7:7:me:/home/me:/sbin/nologin"},
	"targets.user.uid":     {spec: fmt.Sprintf(goTarget, ", user: {name: me, uid: 7}"), has: "USER 7:7"},
	"targets.user.gid":     {spec: fmt.Sprintf(goTarget, ", user: {name: me, uid: 7, gid: 8}"), has: "USER 7:8"},
	"targets.user.home":    {spec: fmt.Sprintf(goTarget, ", user: {name: me, uid: 7, home: /h}"), has: "COPY --from=files --chown=7:7 /dirs/1/ /\n"},
	"targets.volumes":      {spec: fmt.Sprintf(goTarget, ", volumes: [/data]"), has: `VOLUME ["/data"]`},
	"targets.workdir":      {spec: fmt.Sprintf(goTarget, ", workdir: /w"), has: "WORKDIR /w"},

	"targets.healthcheck.test":           {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app, h]}"), has: `HEALTHCHECK CMD ["/app", "h"]`},
	"targets.healthcheck.interval":       {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app], interval: 90s}"), has: "--interval=1m30s"},
	"targets.healthcheck.timeout":        {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app], timeout: 3s}"), has: "--timeout=3s"},
	"targets.healthcheck.start-period":   {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app], start-period: 3s}"), has: "--start-period=3s"},
	"targets.healthcheck.start-interval": {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app], start-interval: 3s}"), has: "--start-interval=3s", plain: "NOT TRANSLATED: healthcheck.start-interval"},
	"targets.healthcheck.retries":        {spec: fmt.Sprintf(goTarget, ", healthcheck: {test: [/app], retries: 9}"), has: "--retries=9"},

	"targets.build.dir":              {spec: "toolchain: go-cgo0\ntargets: {app: {build: {dir: svc}}}\n", has: "WORKDIR /src/svc"},
	"targets.build.package":          {spec: "toolchain: go-cgo0\ntargets: {app: {build: {package: [., ./cmd/x]}, entrypoint: [/x]}}\n", has: "-o /out/ . ./cmd/x"},
	"targets.build.bin":              {spec: rustTarget("bin: tool"), has: " --bin tool"},
	"targets.build.profile":          {spec: rustTarget("bin: app, profile: dev"), has: "--profile dev"},
	"targets.build.features":         {spec: rustTarget("bin: app, features: [a, b]"), has: "--features a,b"},
	"targets.build.default-features": {spec: rustTarget("bin: app, default-features: false"), has: "--no-default-features"},
	"targets.build.locked":           {spec: rustTarget("bin: app, locked: false"), lacks: "--locked"},
	"targets.build.tags":             {spec: goBuild("tags: [a, b]"), has: "-tags=a,b"},
	"targets.build.ldflags":          {spec: goBuild("ldflags: [-compressdwarf=false]"), has: "'-ldflags=-s -w -buildid= -compressdwarf=false'"},
	"targets.build.gcflags":          {spec: goBuild("gcflags: [all=-N]"), has: "-gcflags=all=-N"},
	"targets.build.tzdata":           {spec: goBuild("tzdata: embed"), has: "-tags=timetzdata"},
	"targets.build.stamp":            {spec: goBuild("stamp: {main.v: a b}"), has: `-X 'main.v=a b'`},
	"targets.build.env":              {spec: goBuild("env: {A: b c}"), has: `A="b c"`},
	"targets.build.inputs":           {spec: goBuild("inputs: {web: ui}"), has: "COPY --from=ui / /src/web/", plain: "NOT TRANSLATED: the files of web", opts: map[string]string{"context:ui": "local:ui"}},
	"targets.build.optimize":         {spec: goBuild("optimize: size"), has: "-gcflags=all=-l"},
	"targets.build.group":            {spec: "toolchain: go-cgo0\ntargets:\n  app: {default: true, build: {package: ., group: g}}\n  x: {build: {package: ./cmd/x, group: g}}\n", has: "build.group: the compiler makes the binaries of app and x"},
	"targets.build.network":          {spec: goBuild("network: none"), has: "    --network=none \\\n", plain: "NOT TRANSLATED: build.network"},
	"targets.build.cache":            {spec: goBuild("cache: mounts"), has: "NOT TRANSLATED: build.cache: mounts"},
	"targets.build.secrets":          {spec: goBuild("secrets: [token]"), has: "--mount=type=secret,id=token", plain: "NOT TRANSLATED: build.secrets (token)"},
	"targets.build.secrets.id":       {spec: goBuild("secrets: [token]"), has: "id=token", plain: "(token)"},
	"targets.build.secrets.env":      {spec: goBuild("secrets: [{id: token, env: T}]"), has: "id=token,env=T", plain: "(token)"},
	"targets.build.secrets.target":   {spec: goBuild("secrets: [{id: token, target: /t}]"), has: "id=token,target=/t", plain: "(token)"},
	"targets.build.secrets.required": {spec: goBuild("secrets: [{id: token, required: true}]"), has: "id=token,required=true", plain: "(token)"},
	"targets.build.auditable":        {spec: rustTarget("bin: app, auditable: true"), has: "NOT TRANSLATED: build.auditable"},
	"targets.build.src":              {spec: "toolchain: prebuilt\ntargets: {app: {build: 'bin/${TARGETARCH}/app'}}\n", has: "ARG TARGETARCH\nCOPY bin/${TARGETARCH}/app /out/app", plain: "COPY bin/amd64/app /out/app"},
	"targets.build.from":             {spec: "toolchain: prebuilt\ntargets: {app: {build: {from: ui, src: busybox}}}\n", has: "COPY --from=ui busybox /out/busybox", plain: "NOT TRANSLATED: the binaries come from the context ui", opts: map[string]string{"context:ui": "local:ui"}},

	"targets.extras.ca-certificates":             {spec: fmt.Sprintf(goTarget, ""), has: "COPY --from=fromscratch /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt"},
	"targets.extras.ca-certificates.append":      {spec: fmt.Sprintf(goTarget, ", extras: {ca-certificates: {append: company.pem}}"), has: "COPY company.pem /certificates/1.pem"},
	"targets.extras.ca-certificates.append.src":  {spec: fmt.Sprintf(goTarget, ", extras: {ca-certificates: {append: company.pem}}"), has: `sed -n "/^-----BEGIN/,/^-----END/p" /certificates/1.pem`},
	"targets.extras.ca-certificates.append.from": {spec: fmt.Sprintf(goTarget, ", extras: {ca-certificates: {append: {src: company.pem, from: corp}}}"), has: "COPY --from=corp company.pem /certificates/1.pem", plain: "NOT TRANSLATED: the certificates of company.pem", opts: map[string]string{"context:corp": "local:corp"}},
	"targets.extras.tzdata":                      {spec: fmt.Sprintf(goTarget, ", extras: [tzdata]"), has: "COPY --from=fromscratch /usr/share/zoneinfo/ /usr/share/zoneinfo/"},
	"targets.extras.tzdata.zones":                {spec: fmt.Sprintf(goTarget, ", extras: {tzdata: {zones: UTC}}"), has: "COPY --from=fromscratch /usr/share/zoneinfo/UTC /usr/share/zoneinfo/UTC"},
	"targets.extras.passwd":                      {spec: fmt.Sprintf(goTarget, ""), has: "nonroot:x:65532: > /rootfs/etc/group"},
	"targets.extras.tmp":                         {spec: fmt.Sprintf(goTarget, ""), has: "chmod 1777 /dirs/2/tmp"},
	"targets.extras.nsswitch":                    {spec: fmt.Sprintf(goTarget, ", extras: [nsswitch]"), has: "'hosts: files dns' > /rootfs/etc/nsswitch.conf"},
	"targets.extras.hosts":                       {spec: fmt.Sprintf(goTarget, ", extras: [hosts]"), has: "> /rootfs/etc/hosts"},
	"targets.extras.sbom":                        {spec: fmt.Sprintf(goTarget, ", extras: [sbom]"), has: "NOT TRANSLATED: extras.sbom"},
	"targets.extras.dirs":                        {spec: fmt.Sprintf(goTarget, ", extras: {dirs: [{path: /srv/d}]}"), has: "--chown=65532:65532 /dirs/2/ /srv/"},
	"targets.extras.dirs.path":                   {spec: fmt.Sprintf(goTarget, ", extras: {dirs: [{path: /srv/d}]}"), has: "mkdir -p /dirs/2/d"},
	"targets.extras.dirs.chmod":                  {spec: fmt.Sprintf(goTarget, ", extras: {dirs: [{path: /srv/d, chmod: 02750}]}"), has: "chmod 2750 /dirs/2/d"},
	"targets.extras.dirs.chown":                  {spec: fmt.Sprintf(goTarget, ", extras: {dirs: [{path: /srv/d, chown: 3:4}]}"), has: "--chown=3:4 /dirs/2/ /srv/"},
}

func goBuild(keys string) string {
	return "toolchain: go-cgo0\ntargets: {app: {build: {package: ., " + keys + "}}}\n"
}

func rustTarget(keys string) string {
	return "toolchain: rust-musl\ntargets: {app: {build: {" + keys + "}}}\n"
}

// keysOf lists the keys of the spec, those of mappings behind their own, each type once.
func keysOf(prefix string, t reflect.Type, seen map[reflect.Type]bool) []string {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, t.Kind()) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var out []string
	for i := range t.NumField() {
		key, ok := t.Field(i).Tag.Lookup("yaml")
		if !ok {
			continue
		}
		out = append(out, prefix+key)
	}
	for i := range t.NumField() {
		if key, ok := t.Field(i).Tag.Lookup("yaml"); ok {
			out = append(out, keysOf(prefix+key+".", t.Field(i).Type, seen)...)
		}
	}
	return out
}

// TestDockerfileTellsAll: no key of the spec is dropped without a word. A key that this
// does not know has no example yet.
func TestDockerfileTellsAll(t *testing.T) {
	// Every one of them is a label.
	seen := map[reflect.Type]bool{reflect.TypeFor[spec.Metadata](): true}
	keys := keysOf("", reflect.TypeFor[spec.Spec](), seen)
	// The types are found where they stand first.
	require.ElementsMatch(t, keys, slices.Collect(maps.Keys(told)))
	for _, key := range keys {
		tc := told[key]
		t.Run(key, func(t *testing.T) {
			for _, form := range []string{"buildkit", "plain"} {
				opts := map[string]string{"build-arg:FROMSCRATCH_DOCKERFILE": form, "platform": "linux/amd64"}
				maps.Copy(opts, tc.opts)
				out := printed(t, tc.spec, opts)
				has := tc.has
				if form == "plain" && tc.plain != "" {
					has = tc.plain
				}
				require.Contains(t, strings.ReplaceAll(out, "\n# ", " "), strings.ReplaceAll(has, "\n# ", " "))
				if tc.lacks != "" {
					require.NotContains(t, out, tc.lacks)
				}
				require.Equal(t, out, printed(t, tc.spec, opts), "the same every time")
				stages := stagesOf(t, out)
				if form == "plain" {
					forEveryBuilder(t, out, stages)
				}
			}
		})
	}
}

// forEveryBuilder refuses what only BuildKit has.
func forEveryBuilder(t *testing.T, text string, stages []instructions.Stage) {
	t.Helper()
	for _, word := range []string{"--mount", "--network", "--chmod", "--link", "--exclude", "<<", "TARGETARCH", "BUILDPLATFORM"} {
		for _, l := range strings.Split(text, "\n") {
			if !strings.HasPrefix(l, "#") {
				require.NotContains(t, l, word)
			}
		}
	}
	require.NotEmpty(t, stages)
}

// TestDockerfilePlatforms: a Dockerfile for several platforms picks a stage by the name of
// each, and says once what they share.
func TestDockerfilePlatforms(t *testing.T) {
	all := map[string]string{"platform": "linux/amd64/v3,linux/arm64,linux/arm/v6"}
	for toolchain, text := range map[string]string{"go": fmt.Sprintf(goTarget, ""), "rust": rustTarget("bin: app"), "prebuilt": "toolchain: prebuilt\ntargets: {app: {build: bin/amd64/app}}\n"} {
		t.Run(toolchain, func(t *testing.T) {
			out := printed(t, text, all)
			var names []string
			for _, s := range stagesOf(t, out) {
				names = append(names, s.Name)
			}
			for _, name := range []string{"toolchain-amd64v3", "toolchain-arm64", "toolchain-armv6"} {
				require.Contains(t, names, name)
			}
			require.Contains(t, out, "FROM toolchain-${TARGETARCH}${TARGETVARIANT} AS compile\n")
			require.LessOrEqual(t, strings.Count(out, "go build"), 3)
		})
	}
	goes := printed(t, fmt.Sprintf(goTarget, ""), all)
	for _, variable := range []string{"GOAMD64=v3", "GOARM=6", "GOARCH=arm64", "ELF_MACHINE=183"} {
		require.Contains(t, goes, variable)
	}
	require.Equal(t, 1, strings.Count(goes, "CGO_ENABLED=0"), "what is the same is said once")
	require.Equal(t, 1, strings.Count(goes, "go build"))

	rusts := printed(t, rustTarget("bin: app"), map[string]string{"platform": "linux/amd64,linux/arm64"})
	require.Contains(t, rusts, "RUST_TARGET=aarch64-unknown-linux-musl")
	require.Contains(t, rusts, `--target "$RUST_TARGET"`)
	require.Contains(t, rusts, `/target/"$RUST_TARGET"/release/app`)
	// A flag for one of them only is none of the others'.
	require.Contains(t, printed(t, rustTarget("bin: app"), all), "armv6) find ")
}

// TestDockerfileArguments: an argument stays one where a Dockerfile has variables, and is
// a value everywhere as soon as it stands where there are none.
func TestDockerfileArguments(t *testing.T) {
	const text = "toolchain: go-cgo0\nargs: {VERSION: dev, COMMIT: , TAG: a, WORD: x, UNUSED: y}\ntargets:\n  app:\n" +
		"    build: {package: ., tags: [$TAG], stamp: {main.version: \"$VERSION\", main.commit: \"${COMMIT:-unknown}\"}}\n" +
		"    labels: {v: \"v$VERSION\", tag: $TAG, w: \"${WORD:-it's}\"}\n    env: {P: \"on $TARGETARCH\"}\n  other: {build: ., path: /$VERSION}\n"
	out := printed(t, text, map[string]string{"target": "app", "platform": "linux/amd64,linux/arm64", "build-arg:VERSION": "1.2"})
	for _, has := range []string{"\nARG VERSION=1.2\n", "\nARG COMMIT\n", "main.version=${VERSION}", "main.commit=${COMMIT:-unknown}", `v="v${VERSION}"`, "tag=a", "#   TAG=a\n", `P="on ${TARGETARCH}"`, "w=x", "#   WORD=x\n"} {
		require.Contains(t, out, has)
	}
	require.NotContains(t, out, "ARG TAG")
	require.NotContains(t, out, "UNUSED")
	download, compile := strings.Index(out, "AS compile"), strings.Index(out, "go build")
	require.Equal(t, 1, strings.Count(out[download:compile], "\nARG VERSION\n"))

	plain := printed(t, text, map[string]string{"target": "app", "platform": "linux/arm64", "build-arg:FROMSCRATCH_DOCKERFILE": "plain"})
	require.Contains(t, plain, `P="on arm64"`)
	require.Contains(t, plain, "\nARG VERSION=dev\n")
	require.Contains(t, plain, "FROM --platform=linux/amd64 golang:")

	lines := printed(t, "toolchain: go-cgo0\nargs: {V: }\ntargets: {app: {build: ., labels: {v: $V}}}\n", map[string]string{"build-arg:V": "a\nb"})
	require.Contains(t, lines, "NOT TRANSLATED: the label v has a line break")
	stagesOf(t, lines)
}

// TestDockerfileOfOthers: the reserved targets.
func TestDockerfileOfOthers(t *testing.T) {
	const text = "toolchain: go-cgo0\ntargets:\n  Api: {build: .}\n  x: {build: ./cmd/x, path: /bin/x}\n"
	for _, form := range []string{"buildkit", "plain"} {
		opts := map[string]string{"build-arg:FROMSCRATCH_DOCKERFILE": form, "target": "binaries", "label:a": "b"}
		out := printed(t, text, opts)
		for _, has := range []string{" AS binaries\n", "COPY --from=api-compile /out/Api /Api\n", "COPY --from=x-compile /out/x /x\n", "LABEL a=b"} {
			require.Contains(t, out, has)
		}
		stagesOf(t, out)
		opts["target"], opts["context:busybox"] = "x-debug", "docker-image://busybox:9"
		out = printed(t, text, opts)
		for _, has := range []string{" AS x-debug\n", "COPY --from=busybox:9 /busybox /bin/busybox\n", "ln -s busybox /shell/$name", "COPY --from=files /shell/ /bin/\n"} {
			require.Contains(t, out, has)
		}
		stagesOf(t, out)
	}
}

// TestDockerfileNames: a stage hides no image and no context.
func TestDockerfileNames(t *testing.T) {
	out := printed(t, fmt.Sprintf(goTarget, ", base: toolchain, copy: [{src: config/, dest: /c/, from: compile}, {src: config/, dest: /d/, from: app}]"),
		map[string]string{"context:compile": "docker-image://c", "context:app": "docker-image://a"})
	for _, has := range []string{"AS toolchain-stage\n", "FROM toolchain AS app-stage\n", "COPY --from=compile config/ /c/\n", "COPY --from=app config/ /d/\n", "COPY --from=compile-stage /out/app /app\n"} {
		require.Contains(t, out, has)
	}
}

// TestDockerfileRefusals: what would be wrong is refused, at its line.
func TestDockerfileRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		spec string
		opts map[string]string
		want string
	}{
		"a mistake":   {"toolchain: go-cgo0\ntargets:\n  app: {build: ./cmd/y}\n", nil, "fromscratch.yaml:3:16: there is no folder cmd/y"},
		"a form":      {fmt.Sprintf(goTarget, ""), map[string]string{"build-arg:FROMSCRATCH_DOCKERFILE": "plane"}, `FROMSCRATCH_DOCKERFILE is buildkit or plain, not "plane"; did you mean "plain"?`},
		"platforms":   {fmt.Sprintf(goTarget, ""), map[string]string{"build-arg:FROMSCRATCH_DOCKERFILE": "plain", "platform": "linux/amd64,linux/arm64"}, "a Dockerfile that needs no BuildKit is for one platform, and the build is for linux/amd64, linux/arm64; name one with --platform"},
		"differences": {"toolchain: go-cgo0\ntargets:\n  app:\n    build: .\n    cmd: [\"$TARGETARCH\"]\n", map[string]string{"platform": "linux/amd64,linux/arm64"}, "fromscratch.yaml:5:5: cmd of target app is not the same for linux/amd64 and linux/arm64, and a Dockerfile says it once; print one for each platform: --platform linux/amd64"},
		"a line":      {"toolchain: go-cgo0\ntargets:\n  app:\n    build:\n      env: {A: \"a\\nb\"}\n", nil, "fromscratch.yaml:5:16: the variable A has a line break, which a Dockerfile cannot say"},
		"no target":   {"toolchain: go-cgo0\ntargets:\n  app: {build: .}\n", map[string]string{"target": "nope"}, `there is no target "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dockerfileOf(t, tc.spec, tc.opts)
			require.ErrorContains(t, err, tc.want)
		})
	}
}
