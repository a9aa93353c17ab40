// Package trace reads the trace that BuildKit keeps of each build in its history.
package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Span is a span of OpenTelemetry, as far as it is looked at here.
type Span struct {
	Name        string
	SpanContext struct{ SpanID string }
	Parent      struct{ SpanID string }
	// SpanKind is 2 for what a server answers, and 3 for what a client asks.
	SpanKind   int
	StartTime  time.Time
	EndTime    time.Time
	Attributes []struct {
		Key   string
		Value struct{ Value any }
	}
	Events []Event
}

// Event is something that happened during a span.
type Event struct {
	Name string
	Time time.Time
}

// Vertex is the digest of the vertex that the span is about, if it is about one.
func (s *Span) Vertex() string {
	for _, a := range s.Attributes {
		if v, ok := a.Value.Value.(string); ok && a.Key == "vertex" {
			return v
		}
	}
	return ""
}

// Event is the time of an event of the span; zero if it did not happen.
func (s *Span) Event(name string) time.Time {
	for _, e := range s.Events {
		if e.Name == name {
			return e.Time
		}
	}
	return time.Time{}
}

// Read returns the trace of a build that has ended, by its reference.
func Read(ctx context.Context, c *client.Client, ref string) ([]Span, error) {
	// The daemon writes the trace a while after the build, or when it is asked to.
	if _, err := c.ControlClient().UpdateBuildHistory(ctx, &controlapi.UpdateBuildHistoryRequest{Ref: ref, Finalize: true}); err != nil {
		return nil, fmt.Errorf("build %s: finish its record: %w", ref, err)
	}
	record, err := find(ctx, c, ref)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", ref, err)
	}
	if record.GetTrace() == nil {
		return nil, fmt.Errorf("build %s has no trace", ref)
	}
	desc := ocispecs.Descriptor{Digest: digest.Digest(record.Trace.Digest), Size: record.Trace.Size, MediaType: record.Trace.MediaType}
	r, err := proxy.NewContentStore(c.ContentClient()).ReaderAt(ctx, desc)
	if err != nil {
		return nil, fmt.Errorf("build %s: its trace: %w", ref, err)
	}
	defer r.Close()
	spans, err := decode(content.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("build %s: its trace: %w", ref, err)
	}
	return spans, nil
}

func find(ctx context.Context, c *client.Client, ref string) (found *controlapi.BuildHistoryRecord, err error) {
	err = each(ctx, c, ref, func(r *controlapi.BuildHistoryRecord) bool {
		if r.Ref == ref {
			found = r
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = errors.New("there is no record of it")
	}
	return found, err
}

// each gives records of the history until take has enough, those of one build if ref is
// its reference.
func each(ctx context.Context, c *client.Client, ref string, take func(*controlapi.BuildHistoryRecord) bool) error {
	// The daemon is told that no more is wanted.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := c.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return err
	}
	for {
		e, err := events.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Record != nil && !take(e.Record) {
			return nil
		}
	}
}

// decode reads spans, which BuildKit writes one after the other.
func decode(r io.Reader) ([]Span, error) {
	var spans []Span
	d := json.NewDecoder(r)
	for {
		var s Span
		err := d.Decode(&s)
		if errors.Is(err, io.EOF) {
			return spans, nil
		}
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
}
