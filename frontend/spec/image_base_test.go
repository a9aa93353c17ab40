package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// invalidBases are specs with mistakes about capabilities, bases and prebuilt
// binaries.
var invalidBases = []invalidSpec{
	{"unknown capabilities", `
toolchain: go-cgo0
targets:
  app:
    capabilities: [net_bind_servce, cap_x, all, "net_raw,net_admin"]
`, []string{
		`fromscratch.yaml:4:20: there is no capability "net_bind_servce"; did you mean "net_bind_service"?`,
		`fromscratch.yaml:4:37: there is no capability "cap_x"; write one of capabilities(7), such as net_bind_service`,
		`fromscratch.yaml:4:44: there is no capability "all"; name those that the program needs`,
		`fromscratch.yaml:4:49: there is no capability "net_raw,net_admin"; write several as a list: [net_bind_service, net_raw]`,
	}},
	{"flags of capabilities", `
toolchain: go-cgo0
targets:
  app:
    capabilities: [net_raw=e, net_admin=eip]
`, []string{
		`fromscratch.yaml:4:20: "=e" does not say how the program has the capability; write nothing, =ep, or =p for a program that puts it into effect itself`,
		`fromscratch.yaml:4:31: "=eip" does not say how the program has the capability; write nothing, =ep, or =p for a program that puts it into effect itself; inheritable capabilities come to nothing in a container, where nothing has any to hand on`,
	}},
	{"capabilities that one file cannot have", `
toolchain: go-cgo0
targets:
  app: {capabilities: [net_raw, CAP_NET_RAW]}
  b: {capabilities: [net_raw=p, net_admin]}
  c: {capabilities: net_raw}
`, []string{
		"fromscratch.yaml:3:33: net_raw is written twice; remove one of them",
		"fromscratch.yaml:4:33: a file has all of its capabilities in effect from the start or none: write =p after each of them, or after none",
		"fromscratch.yaml:5:21: capabilities must be a list, also when it has one entry only: write [net_raw]",
	}},
	{"bases", `
toolchain: go-cgo0
base: "a b"
targets:
  app: {base: Debian:12}
  b: {healthcheck: {test: [NONE]}, base: scratch}
  c: {}
  d: {base: ./rootfs}
  e: {base: "docker-image://debian:12"}
`, []string{
		`fromscratch.yaml:2:7: "a b" is not the name of an image; write one such as gcr.io/distroless/static, debian:12-slim or registry.example/base@sha256:…, in lower case`,
		`fromscratch.yaml:4:15: "Debian:12" is not the name of an image; write one such as gcr.io/distroless/static, debian:12-slim or registry.example/base@sha256:…, in lower case`,
		`fromscratch.yaml:7:13: "./rootfs" is a place, and base takes the name of an image or of a context; pass it with --build-context below=./rootfs and write base: below`,
		`fromscratch.yaml:8:13: "docker-image://debian:12" is a place, and base takes the name of an image or of a context; pass it with --build-context below=docker-image://debian:12 and write base: below`,
	}},
	{"prebuilt without a binary", `
toolchain: prebuilt
targets:
  a: {}
  b: {build: {from: dist}}
`, []string{
		`fromscratch.yaml:3:3: target "a" does not say where its binary is; write build: dist/${TARGETARCH}/a, a file in the build context`,
		`fromscratch.yaml:4:7: target "b" does not say where its binary is; write build: dist/${TARGETARCH}/b, a file in the build context`,
	}},
	{"what prebuilt does not take", `
toolchain: {name: prebuilt, version: 1.26}
targets:
  a: {build: {package: ./cmd/a, stamp: {A: b}, dir: dist, features: [x], src: dist/a}}
  b: {build: {src: dist/b}, toolchain: {jobs: 2}}
  c: {build: {src: a, from: dist}, toolchain: go-cgo0}
`, []string{
		"fromscratch.yaml:1:29: version is for a compiler, and prebuilt runs none; remove it",
		"fromscratch.yaml:3:15: package belongs to go-cgo0 and rust-musl; write the binary as src",
		"fromscratch.yaml:3:33: stamp belongs to go-cgo0 and rust-musl; remove it",
		"fromscratch.yaml:3:48: dir belongs to go-cgo0 and rust-musl; write the whole path as src",
		"fromscratch.yaml:3:59: features belongs to rust-musl; remove it",
		"fromscratch.yaml:4:41: jobs is for a compiler, and prebuilt runs none; remove it",
		"fromscratch.yaml:5:15: src belongs to prebuilt; write toolchain: prebuilt, or say what to compile with package",
		"fromscratch.yaml:5:23: from belongs to prebuilt; remove it",
	}},
	{"paths of prebuilt binaries", `
toolchain: prebuilt
targets:
  a: {build: /dist/a}
  b: {build: ../b}
  c: {build: dist/}
  d: {build: 'dist\d'}
  e: {build: {src: [x/app, y/app]}}
  f: {build: {src: x, from: "a b"}}
  g: {build: -v}
`, []string{
		`fromscratch.yaml:3:14: src is relative to the build context: write "dist/a"`,
		`fromscratch.yaml:4:14: "../b" lies outside of its context; pass a context that holds it with --build-context name=folder, and name it with build: {from: name, src: b}`,
		"fromscratch.yaml:5:14: src names the binary itself, not its folder: write dist/c",
		`fromscratch.yaml:6:14: src is written with slashes: write "dist/d"`,
		"fromscratch.yaml:7:28: y/app has the same name as x/app, and both would go to /app in the image; give one of them a target of its own",
		`fromscratch.yaml:8:29: "a b" cannot be the name of a context; write one as given to --build-context, such as dist`,
		`fromscratch.yaml:9:14: "-v" looks like a flag, and src takes files only; if it is the name of one, write "./-v"`,
	}},
}

func TestCapability(t *testing.T) {
	s, err := spec.Parse(file, []byte("toolchain: go-cgo0\ntargets:\n  app: {capabilities: [CAP_Net_Bind_Service=EP, checkpoint_restore]}\n  p: {capabilities: [net_raw=p]}\n"))
	require.NoError(t, err)
	require.Equal(t, []spec.Capability{{Number: 10, Effective: true}, {Number: 40, Effective: true}}, s.Targets["app"].Capabilities)
	require.Equal(t, []spec.Capability{{Number: 13}}, s.Targets["p"].Capabilities)
}

func TestBase(t *testing.T) {
	s, err := spec.Parse(file, []byte("toolchain: prebuilt\nbase: debian:12-slim\ntargets:\n  a: {build: dist/../a}\n  b: {base: scratch, build: {src: /usr/bin/b, from: image}}\n  c: {base: alpine, build: {src: [x, y]}, healthcheck: {test: [NONE]}}\n"))
	require.NoError(t, err)
	require.Equal(t, "debian:12-slim", s.Targets["a"].Base)
	require.Equal(t, spec.Path{"base"}, s.BasePath(s.Targets["a"]))
	require.Empty(t, s.Targets["b"].Base)
	require.Equal(t, "alpine", s.Targets["c"].Base)
	require.Equal(t, spec.Path{"targets", "c", "base"}, s.BasePath(s.Targets["c"]))
	require.Equal(t, spec.Words{"a"}, s.Targets["a"].Build.Src)
	require.Equal(t, spec.Words{"usr/bin/b"}, s.Targets["b"].Build.Src)
	require.Equal(t, spec.Words{"x", "y"}, s.Targets["c"].Build.Src)
}
