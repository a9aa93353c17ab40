package frontend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/imagelist"
	"github.com/fromscratch-build/fromscratch/frontend/schema"
	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// requestSchema is a call of our own: docker buildx build --call schema.
const requestSchema = "frontend.schema"

var schemaDefinition = subrequests.Request{
	Name:        requestSchema,
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "Print the JSON schema of the spec, for editors",
	Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
}

// keyRequestID names the question that a request asks instead of a build.
const keyRequestID = "requestid"

// generalCall answers what is asked about the language and not about one spec,
// which may be broken, or is just being written.
func generalCall(opts map[string]string) (res *client.Result, ok bool, err error) {
	switch opts[keyRequestID] {
	case subrequests.RequestSubrequestsDescribe:
		res, err = describeCalls()
		return res, true, err
	case requestSchema:
		return textResult(schemaDefinition.Version, schema.JSON(), schema.JSON()), true, nil
	}
	return nil, false, nil
}

// call answers docker buildx build --call. ok is false when the request is a
// build. Every question that buildx knows has an answer: to one that has none,
// buildx has the Dockerfile frontend reply, which takes the spec for a Dockerfile.
func (f Frontend) call(ctx context.Context, req *request) (res *client.Result, ok bool, err error) {
	switch req.BuildOpts().Opts[keyRequestID] {
	case imagelist.Definition.Name:
		res, err = f.imageCall(ctx, req)
		return res, true, err
	case requestDockerfile:
		res, err = f.dockerfile(ctx, req)
		return res, true, err
	}
	res, ok, err = req.HandleSubrequest(ctx, dockerui.RequestHandler{
		ListTargets: func(context.Context) (*targets.List, error) { return req.listTargets() },
		Outline:     func(ctx context.Context) (*outline.Outline, error) { return f.outline(ctx, req) },
		Lint:        func(ctx context.Context) (*lint.LintResults, error) { return req.lintResults(ctx) },
	})
	if unknown, is := errors.AsType[*errdefs.UnsupportedSubrequestError](err); is {
		err = fmt.Errorf("there is no call %s; known calls are check, dockerfile, images, outline, schema, subrequests.describe and targets", strings.TrimPrefix(unknown.Name, "frontend."))
	}
	return res, ok, err
}

func describeCalls() (*client.Result, error) {
	data, err := json.MarshalIndent([]subrequests.Request{
		describedAs(lint.SubrequestLintDefinition, "Check the spec without building it"),
		describedAs(outline.SubrequestsOutlineDefinition, "List the arguments and caches of a target"),
		imagelist.Definition,
		describedAs(targets.SubrequestsTargetsDefinition, "List the targets of the spec"),
		dockerfileDefinition,
		schemaDefinition,
		subrequests.SubrequestsDescribeDefinition,
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(data, &text); err != nil {
		return nil, err
	}
	return textResult(subrequests.SubrequestsDescribeDefinition.Version, data, text.Bytes()), nil
}

func describedAs(r subrequests.Request, description string) subrequests.Request {
	r.Description = description
	return r
}

func textResult(version string, data, text []byte) *client.Result {
	res := client.NewResult()
	res.AddMeta("result.json", data)
	res.AddMeta("result.txt", text)
	res.AddMeta("version", []byte(version))
	return res
}

// any resolves the spec for the first platform of the request, where a question
// is about all of them.
func (r *request) any() (*spec.Spec, error) {
	pfs, err := r.platforms()
	if err != nil {
		return nil, err
	}
	return r.resolve(pfs[0])
}

func pbLocation(r spec.Range) *pb.Location {
	return &pb.Location{Ranges: []*pb.Range{pbRange(r)}}
}

const binariesDescription = "the binaries of all targets, without images (-o dist)"

func (r *request) listTargets() (*targets.List, error) {
	s, err := r.any()
	if err != nil {
		return nil, err
	}
	// Without a default, a build that names no target is an error.
	def, _ := s.Target("")
	list := &targets.List{Sources: [][]byte{r.source.Data}}
	for _, name := range s.TargetNames() {
		t := s.Targets[name]
		list.Targets = append(list.Targets, targets.Target{
			Name:        name,
			Default:     t == def,
			Description: oneLine(t.Description),
			Location:    pbLocation(s.KeyRange("targets", name)),
		})
	}
	// The variants with a shell are not listed: each would double its target.
	list.Targets = append(list.Targets, targets.Target{
		Name:        spec.BinariesTarget,
		Description: binariesDescription,
		Location:    pbLocation(s.KeyRange("targets")),
	})
	return list, nil
}

// oneLine is a description for a table of one line each.
func oneLine(description string) string { return strings.Join(strings.Fields(description), " ") }

func (f Frontend) outline(ctx context.Context, req *request) (*outline.Outline, error) {
	s, err := req.any()
	if err != nil {
		return nil, err
	}
	wanted, err := req.output(s)
	if err != nil {
		return nil, err
	}
	out := &outline.Outline{Name: req.Target, Description: binariesDescription, Sources: [][]byte{req.source.Data}}
	if !wanted.binaries {
		out.Name, out.Description = cmp.Or(req.Target, wanted.targets[0].Name()), wanted.targets[0].Description
	}
	for _, name := range slices.Sorted(maps.Keys(s.Args)) {
		arg := s.Args[name]
		value, set := req.BuildArgs[name]
		if !set && arg.Default != nil {
			value = *arg.Default
		}
		out.Args = append(out.Args, outline.Arg{Name: name, Value: value, Location: pbLocation(arg.Range)})
	}
	out.Cache, err = f.caches(ctx, req)
	return out, err
}

// caches are the cache mounts of the target's compile, which a pipeline may want
// to keep. They depend on what the sources say.
func (f Frontend) caches(ctx context.Context, req *request) ([]outline.CacheMount, error) {
	src, err := req.readSources(ctx)
	if err != nil {
		return nil, err
	}
	p, err := f.prepare(ctx, req, src)
	if err != nil {
		return nil, err
	}
	pfs, err := req.platforms()
	if err != nil {
		return nil, err
	}
	found := map[string]outline.CacheMount{}
	for _, pf := range pfs {
		_, builders, err := p.builders(ctx, pf)
		if err != nil {
			return nil, err
		}
		for _, b := range builders {
			if err := b.caches(ctx, found); err != nil {
				return nil, err
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b outline.CacheMount) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// caches adds the cache mounts of the builder's compile to those found, by their ids.
func (b *builder) caches(ctx context.Context, found map[string]outline.CacheMount) error {
	def, err := b.plan.Compile(b.env, b.platform).Marshal(ctx, llb.Platform(b.req.BuildPlatforms[0]))
	if err != nil {
		return err
	}
	ops, err := operations(def)
	if err != nil {
		return err
	}
	for _, op := range ops {
		for _, m := range op.GetExec().GetMounts() {
			if m.CacheOpt != nil {
				found[m.CacheOpt.ID] = outline.CacheMount{ID: m.CacheOpt.ID, Location: pbLocation(b.spec.BuildRange(b.target.Name()))}
			}
		}
	}
	return nil
}

// operations are what a definition is made of.
func operations(def *llb.Definition) ([]*pb.Op, error) {
	ops := make([]*pb.Op, len(def.Def))
	for i, data := range def.Def {
		ops[i] = new(pb.Op)
		if err := ops[i].UnmarshalVT(data); err != nil {
			return nil, err
		}
	}
	return ops, nil
}
