// Package gatewaytest is a gateway client that solves nothing: it gives every
// solve the same files, and keeps the definitions that it was asked for.
package gatewaytest

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil/types"
)

// Client is a gateway client over Files.
type Client struct {
	// Opts are the options of the request, as they go over the wire.
	Opts map[string]string
	// Files is what every result holds: spec, context and binaries alike.
	Files fs.FS
	// FilesOf gives what the result of a solve holds, where that is not Files.
	FilesOf func(client.SolveRequest) fs.FS
	// ImageConfig is the config of every image.
	ImageConfig string
	// SolveHook runs before every solve and may refuse it.
	SolveHook func(client.SolveRequest) error

	mu     sync.Mutex
	solves []client.SolveRequest

	warnings []Warning
}

var _ client.Client = (*Client)(nil)

// Solves lists what was asked for so far.
func (c *Client) Solves() []client.SolveRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.solves
}

// Ops decodes the ops of all solves.
func (c *Client) Ops(t testing.TB) []*pb.Op {
	t.Helper()
	var out []*pb.Op
	for _, s := range c.Solves() {
		for _, dt := range s.Definition.Def {
			op := &pb.Op{}
			if err := op.UnmarshalVT(dt); err != nil {
				t.Fatal(err)
			}
			out = append(out, op)
		}
	}
	return out
}

// BuildOpts is a BuildKit on linux/amd64 that can do everything.
func (c *Client) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts:      c.Opts,
		SessionID: "session",
		Workers:   []client.WorkerInfo{{ID: "worker", Platforms: []ocispecs.Platform{platforms.MustParse("linux/amd64")}}},
		LLBCaps:   pb.Caps.CapSet(pb.Caps.All()),
		Caps:      gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

// Solve keeps the request and gives Files.
func (c *Client) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	c.mu.Lock()
	c.solves = append(c.solves, req)
	c.mu.Unlock()
	if c.SolveHook != nil {
		if err := c.SolveHook(req); err != nil {
			return nil, err
		}
	}
	files := c.Files
	if c.FilesOf != nil {
		if own := c.FilesOf(req); own != nil {
			files = own
		}
	}
	res := client.NewResult()
	res.SetRef(&Reference{Files: files})
	return res, nil
}

// ResolveImageConfig gives ImageConfig and the digest of the name.
func (c *Client) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	cfg := c.ImageConfig
	if cfg == "" {
		cfg = "{}"
	}
	return ref, digest.FromString(ref), []byte(cfg), nil
}

// ResolveSourceMetadata knows images, if there is an ImageConfig, and no other source.
func (c *Client) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if ref, ok := strings.CutPrefix(op.Identifier, "docker-image://"); ok && c.ImageConfig != "" {
		return &sourceresolver.MetaResponse{Op: op, Image: &sourceresolver.ResolveImageResponse{Digest: digest.FromString(ref), Config: []byte(c.ImageConfig)}}, nil
	}
	return nil, errors.New("no metadata here")
}

// Inputs are none.
func (c *Client) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

// NewContainer is not to be had.
func (c *Client) NewContainer(context.Context, client.NewContainerRequest) (client.Container, error) {
	return nil, errors.New("no containers here")
}

// Warn keeps the warning.
func (c *Client) Warn(_ context.Context, _ digest.Digest, msg string, opts client.WarnOpts) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := int32(0)
	if len(opts.Range) > 0 {
		line = opts.Range[0].Start.Line
	}
	c.warnings = append(c.warnings, Warning{Line: line, Message: msg})
	return nil
}

// Warnings lists what the user was warned of so far.
func (c *Client) Warnings() []Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.warnings
}

// Warning is what a user reads, and the line of the spec that it is about.
type Warning struct {
	Line    int32
	Message string
}

// Reference is a result over Files.
type Reference struct {
	client.Reference
	Files fs.FS
}

func clean(name string) string {
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

// remote turns an error into what is left of it on this side of the gateway.
func remote(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("open: no such file or directory")
	}
	return errors.New(err.Error())
}

// ReadFile reads a file, or a range of it.
func (r *Reference) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	data, err := fs.ReadFile(r.Files, clean(req.Filename))
	if err != nil {
		return nil, remote(err)
	}
	if rng := req.Range; rng != nil {
		from := min(rng.Offset, len(data))
		data = data[from:min(from+rng.Length, len(data))]
	}
	return data, nil
}

// StatFile describes a file.
func (r *Reference) StatFile(_ context.Context, req client.StatRequest) (*types.Stat, error) {
	info, err := fs.Stat(r.Files, clean(req.Path))
	if err != nil {
		return nil, remote(err)
	}
	return stat(info), nil
}

// ReadDir lists a directory.
func (r *Reference) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*types.Stat, error) {
	if info, err := fs.Stat(r.Files, clean(req.Path)); err == nil && !info.IsDir() {
		return nil, errors.New("readdir: not a directory")
	}
	entries, err := fs.ReadDir(r.Files, clean(req.Path))
	if err != nil {
		return nil, remote(err)
	}
	var out []*types.Stat
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, remote(err)
		}
		st := stat(info)
		if e.Type()&fs.ModeSymlink != 0 {
			if st.Linkname, err = fs.ReadLink(r.Files, path.Join(clean(req.Path), e.Name())); err != nil {
				return nil, remote(err)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

// stat takes owner and attributes from the info's own Stat, if it has one.
func stat(info fs.FileInfo) *types.Stat {
	out := &types.Stat{}
	if own, ok := info.Sys().(*types.Stat); ok {
		out = own.CloneVT()
	}
	out.Path, out.Size, out.Mode, out.ModTime = info.Name(), info.Size(), uint32(info.Mode()), info.ModTime().UnixNano()
	return out
}
