package frontend_test

import (
	"encoding/json"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"
)

const callSpec = `toolchain: go-cgo0
args: {VERSION: dev, NAME: }
targets:
  app: {build: ., description: the app, user: root, labels: {v: "$VERSION", n: "${NAME:-x}"}}
  other: {build: ., default: true}
`

// ask asks a question and decodes the answer's JSON.
func ask[T any](t *testing.T, spec, question string, opts map[string]string) (T, *client.Result) {
	t.Helper()
	if opts == nil {
		opts = map[string]string{}
	}
	opts["requestid"] = question
	var out T
	res, err := build(newClient(t, spec, opts))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(res.Metadata["result.json"], &out))
	require.Contains(t, res.Metadata, "result.txt")
	return out, res
}

func line(l *pb.Location) int32 { return l.Ranges[0].Start.Line }

func TestTargets(t *testing.T) {
	list, _ := ask[targets.List](t, callSpec, targets.RequestTargets, nil)
	require.Len(t, list.Targets, 3)
	app, other := list.Targets[0], list.Targets[1]
	require.Equal(t, "app", app.Name)
	require.Equal(t, "the app", app.Description)
	require.False(t, app.Default)
	require.Equal(t, int32(4), line(app.Location))
	require.True(t, other.Default)
	require.Equal(t, [][]byte{[]byte(callSpec)}, list.Sources)
}

// TestTargetsTable: a description of several lines is one line of the table.
func TestTargetsTable(t *testing.T) {
	const spec = "toolchain: go-cgo0\ntargets:\n  app:\n    description: |\n      the app,\n\n      which\tserves\n    build: .\n  other: {build: .}\n"
	list, res := ask[targets.List](t, spec, targets.RequestTargets, nil)
	require.Equal(t, "the app, which serves", list.Targets[0].Description)
	require.Equal(t, "TARGET   DESCRIPTION\napp      the app, which serves\nother    \nbinaries the binaries of all targets, without images (-o dist)\n", string(res.Metadata["result.txt"]))
}

func TestOutline(t *testing.T) {
	out, _ := ask[outline.Outline](t, callSpec, outline.RequestSubrequestsOutline, map[string]string{"target": "app", "build-arg:NAME": "n", "platform": "linux/amd64,linux/arm64"})
	require.Equal(t, "app", out.Name)
	require.Len(t, out.Args, 2)
	require.Equal(t, "NAME=n VERSION=dev", out.Args[0].Name+"="+out.Args[0].Value+" "+out.Args[1].Name+"="+out.Args[1].Value)
	require.Equal(t, int32(2), line(out.Args[0].Location))
	var ids []string
	for _, c := range out.Cache {
		ids = append(ids, c.ID)
	}
	require.Equal(t, []string{"fromscratch/go/compiled", "fromscratch/go/mod/example.com/app"}, ids)
}

func TestLint(t *testing.T) {
	found, res := ask[lint.LintResults](t, callSpec, lint.RequestLint, nil)
	require.Equal(t, "1", string(res.Metadata["result.statuscode"]))
	require.Len(t, found.Warnings, 1)
	require.Equal(t, "RunsAsRoot", found.Warnings[0].RuleName)
	require.Equal(t, int32(4), line(found.Warnings[0].Location))

	clean, res := ask[lint.LintResults](t, callSpec, lint.RequestLint, map[string]string{"target": "other"})
	require.Empty(t, clean.Warnings)
	require.Equal(t, "0", string(res.Metadata["result.statuscode"]))

	broken, res := ask[lint.LintResults](t, "toolchain: go\ntargets:\n  app: {user: bob}\n", lint.RequestLint, nil)
	require.Equal(t, "1", string(res.Metadata["result.statuscode"]))
	require.Contains(t, broken.Error.Message, "fromscratch.yaml:1:12: ")
	require.Contains(t, broken.Error.Message, "fromscratch.yaml:3:15: ")
	require.Len(t, broken.Error.Location.Ranges, 2)

	missing, _ := ask[lint.LintResults](t, callSpec, lint.RequestLint, map[string]string{"target": "nope"})
	require.Contains(t, missing.Error.Message, `there is no target "nope"`)
}

func TestDescribe(t *testing.T) {
	all, _ := ask[[]subrequests.Request](t, callSpec, subrequests.RequestSubrequestsDescribe, nil)
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	require.ElementsMatch(t, []string{"frontend.lint", "frontend.outline", "frontend.targets", "frontend.images", "frontend.dockerfile", "frontend.schema", "frontend.subrequests.describe"}, names)
	for _, name := range names {
		_, _ = ask[any](t, callSpec, name, map[string]string{"target": "app"})
	}
}

// TestGeneralCalls: the schema is what one wants while the spec is broken.
func TestGeneralCalls(t *testing.T) {
	for _, question := range []string{"frontend.schema", "frontend.subrequests.describe"} {
		_, _ = ask[any](t, "toolchain: [", question, nil)
	}
}

func TestUnknownCall(t *testing.T) {
	_, err := build(newClient(t, callSpec, map[string]string{"requestid": "frontend.nonsense"}))
	require.EqualError(t, err, "there is no call nonsense; known calls are check, dockerfile, images, outline, schema, subrequests.describe and targets")
}

func TestFindingsAsErrors(t *testing.T) {
	c := newClient(t, "# check=error=true\n"+callSpec, map[string]string{"target": "app"})
	_, err := build(c)
	require.ErrorContains(t, err, "fromscratch.yaml:5:")
	require.ErrorContains(t, err, "RunsAsRoot: ")
	for _, op := range c.Ops(t) {
		require.Nil(t, op.GetExec(), "nothing is built")
	}
}

// TestPlatformVariables: each platform has a spec of its own.
func TestPlatformVariables(t *testing.T) {
	spec := "toolchain: go-cgo0\ntargets:\n  app: {build: ., env: {P: \"$TARGETPLATFORM $TARGETVARIANT on $BUILDARCH\"}}\n"
	res, err := build(newClient(t, spec, map[string]string{"platform": "linux/amd64,linux/amd64/v3"}))
	require.NoError(t, err)
	require.Contains(t, string(res.Metadata[exptypes.ExporterImageConfigKey+"/linux/amd64"]), `"P=linux/amd64  on amd64"`)
	require.Contains(t, string(res.Metadata[exptypes.ExporterImageConfigKey+"/linux/amd64/v3"]), `"P=linux/amd64/v3 v3 on amd64"`)
}

// TestAnnotations: those of an index only where there is one, since an exporter
// refuses them elsewhere.
func TestAnnotations(t *testing.T) {
	spec := "toolchain: go-cgo0\ntargets:\n  app: {build: ., metadata: {title: App}, annotations: {a: b}}\n"
	for _, platforms := range []string{"linux/amd64", "linux/amd64,linux/amd64/v2"} {
		res, err := build(newClient(t, spec, map[string]string{"platform": platforms}))
		require.NoError(t, err)
		require.Equal(t, "App", string(res.Metadata["annotation-manifest[linux/amd64].org.opencontainers.image.title"]))
		require.Equal(t, "b", string(res.Metadata["annotation-manifest[linux/amd64].a"]))
		_, index := res.Metadata["annotation-index.org.opencontainers.image.title"]
		require.Equal(t, platforms != "linux/amd64", index)
	}
}

// TestAnnotationsOfSomePlatforms: an index has none that not all of its images have.
func TestAnnotationsOfSomePlatforms(t *testing.T) {
	spec := "toolchain: go-cgo0\ntargets:\n  app: {build: ., metadata: {title: \"for ${TARGETPLATFORM}\", vendor: us}}\n"
	res, err := build(newClient(t, spec, map[string]string{"platform": "linux/amd64,linux/amd64/v2"}))
	require.NoError(t, err)
	require.Equal(t, "for linux/amd64/v2", string(res.Metadata["annotation-manifest[linux/amd64/v2].org.opencontainers.image.title"]))
	require.NotContains(t, res.Metadata, "annotation-index.org.opencontainers.image.title")
	require.Equal(t, "us", string(res.Metadata["annotation-index.org.opencontainers.image.vendor"]))
}

// TestStampsLeaveKeys: a value that changes with every commit is no part of what
// dependencies are cached by: labels change no vertex at all, a stamp no cache id.
func TestStampsLeaveKeys(t *testing.T) {
	spec := "toolchain: go-cgo0\nargs: {V: '1'}\ntargets:\n  app: {build: {package: ., stamp: {main.version: $V}}, labels: {v: $V}}\n"
	ids := func(version string) map[string]bool {
		c := newClient(t, spec, map[string]string{"build-arg:V": version})
		_, err := build(c)
		require.NoError(t, err)
		out := map[string]bool{}
		for _, op := range c.Ops(t) {
			for _, m := range op.GetExec().GetMounts() {
				if m.CacheOpt != nil {
					out[m.CacheOpt.ID] = true
				}
			}
		}
		require.NotEmpty(t, out)
		return out
	}
	require.Equal(t, ids("1"), ids("2"))
}
