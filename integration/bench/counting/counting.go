// Package counting stands between a frontend in this process and BuildKit, and counts
// what the one asks of the other.
package counting

import (
	"context"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/solver/result"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil/types"
)

// Counts is what a frontend asked of BuildKit for one build, and what that took.
type Counts struct {
	// Requests is the number of requests, by their kind.
	Requests map[string]int `json:"requests"`
	// Read is the number of bytes of files that BuildKit gave.
	Read int `json:"read"`
	// Definitions is the number of bytes of all definitions that were sent, Largest
	// that of the largest one, and Vertices the number of its vertices.
	Definitions int `json:"definitions"`
	Largest     int `json:"largest"`
	Vertices    int `json:"vertices"`
	// Total is the time of the build without the export, and Own the part of it in which
	// no request was under way.
	Total time.Duration `json:"total"`
	Own   time.Duration `json:"own"`
}

// All is the number of requests of all kinds.
func (c *Counts) All() int {
	sum := 0
	for _, n := range c.Requests {
		sum += n
	}
	return sum
}

// Frontend is a frontend whose requests are counted.
type Frontend struct {
	mu     sync.Mutex
	counts Counts
	// busy is how many requests are under way, and idle since when there is none.
	busy int
	idle time.Time
}

// Counts returns those of the last build.
func (f *Frontend) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Around counts what build asks for.
func (f *Frontend) Around(build client.BuildFunc) client.BuildFunc {
	return func(ctx context.Context, c client.Client) (*client.Result, error) {
		begin := time.Now()
		f.mu.Lock()
		f.counts, f.busy, f.idle = Counts{Requests: map[string]int{}}, 0, begin
		f.mu.Unlock()
		res, err := build(ctx, gateway{c, f})
		now := time.Now()
		f.mu.Lock()
		f.counts.Own += now.Sub(f.idle)
		f.counts.Total = now.Sub(begin)
		f.mu.Unlock()
		if err != nil {
			return nil, err
		}
		// BuildKit's client takes back nothing but what it gave.
		return result.ConvertResult(res, func(r client.Reference) (client.Reference, error) {
			if own, ok := r.(reference); ok {
				return own.Reference, nil
			}
			return r, nil
		})
	}
}

// asked counts a request, until the function that it returns is called.
func (f *Frontend) asked(kind string) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Requests[kind]++
	if f.busy == 0 {
		f.counts.Own += time.Since(f.idle)
	}
	f.busy++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.busy--; f.busy == 0 {
			f.idle = time.Now()
		}
	}
}

func (f *Frontend) defined(d *pb.Definition) {
	if d == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size := d.SizeVT()
	f.counts.Definitions += size
	if size > f.counts.Largest {
		// The last entry only names the vertex that is wanted.
		f.counts.Largest, f.counts.Vertices = size, len(d.Def)-1
	}
}

func (f *Frontend) read(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Read += n
}

// gateway is a gateway client that counts.
type gateway struct {
	client.Client
	f *Frontend
}

func (g gateway) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	defer g.f.asked("Solve")()
	g.f.defined(req.Definition)
	res, err := g.Client.Solve(ctx, req)
	if err != nil {
		return nil, err
	}
	return result.ConvertResult(res, func(r client.Reference) (client.Reference, error) { return reference{r, g.f}, nil })
}

func (g gateway) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	defer g.f.asked("ResolveImageConfig")()
	return g.Client.ResolveImageConfig(ctx, ref, opt)
}

func (g gateway) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	defer g.f.asked("ResolveSourceMetadata")()
	return g.Client.ResolveSourceMetadata(ctx, op, opt)
}

func (g gateway) NewContainer(ctx context.Context, req client.NewContainerRequest) (client.Container, error) {
	defer g.f.asked("NewContainer")()
	return g.Client.NewContainer(ctx, req)
}

func (g gateway) Warn(ctx context.Context, dgst digest.Digest, msg string, opts client.WarnOpts) error {
	defer g.f.asked("Warn")()
	return g.Client.Warn(ctx, dgst, msg, opts)
}

// reference is a result whose files are read by counted requests.
type reference struct {
	client.Reference
	f *Frontend
}

func (r reference) Evaluate(ctx context.Context) error {
	defer r.f.asked("Evaluate")()
	return r.Reference.Evaluate(ctx)
}

func (r reference) ReadFile(ctx context.Context, req client.ReadRequest) ([]byte, error) {
	defer r.f.asked("ReadFile")()
	data, err := r.Reference.ReadFile(ctx, req)
	r.f.read(len(data))
	return data, err
}

func (r reference) StatFile(ctx context.Context, req client.StatRequest) (*types.Stat, error) {
	defer r.f.asked("StatFile")()
	return r.Reference.StatFile(ctx, req)
}

func (r reference) ReadDir(ctx context.Context, req client.ReadDirRequest) ([]*types.Stat, error) {
	defer r.f.asked("ReadDir")()
	return r.Reference.ReadDir(ctx, req)
}
