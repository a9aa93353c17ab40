// Package wire makes the requests of a frontend visible that runs from its image.
// Such a frontend speaks gRPC with BuildKit over its standard input and output, and
// BuildKit records neither when a request came nor how long it took. What goes
// through both is kept here with its time, and read once the frontend has ended.
package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Tap copies one direction of a connection and keeps what it copies.
type Tap struct {
	mu     sync.Mutex
	pieces []piece
}

// piece is what was read at once.
type piece struct {
	at   time.Time
	data []byte
}

// Copy copies all that comes from a reader, without any delay.
func (t *Tap) Copy(to io.Writer, from io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p := piece{time.Now(), bytes.Clone(buf[:n])}
			t.mu.Lock()
			t.pieces = append(t.pieces, p)
			t.mu.Unlock()
			if _, werr := to.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *Tap) reader() *reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &reader{pieces: slices.Clone(t.pieces)}
}

// reader reads what a tap has kept, and knows when the last byte came that it gave.
type reader struct {
	pieces []piece
	at     time.Time
}

func (r *reader) Read(p []byte) (int, error) {
	if len(r.pieces) == 0 {
		return 0, io.EOF
	}
	first := &r.pieces[0]
	r.at = first.at
	n := copy(p, first.data)
	if first.data = first.data[n:]; len(first.data) == 0 {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

// Request is a call of a gRPC method.
type Request struct {
	// Method is its name without that of the service.
	Method string `json:"method"`
	// Start is when its first byte was sent, End when its answer was there.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Sent and Received are the bytes of messages.
	Sent     int `json:"sent"`
	Received int `json:"received"`
	// Message is what was sent, a message of protocol buffers.
	Message []byte `json:"message"`
}

// messagePrefix is what gRPC puts before each message: a flag for its compression, and
// its length.
const messagePrefix = 5

// Requests are the calls that a client made, in the order in which they began. A call
// without an answer has ended with the connection.
func Requests(sent, received *Tap) ([]Request, error) {
	calls := map[uint32]*Request{}
	bodies := map[uint32]*bytes.Buffer{}
	out := sent.reader()
	if _, err := io.CopyN(io.Discard, out, int64(len(http2.ClientPreface))); err != nil {
		return nil, fmt.Errorf("the client sent no HTTP/2: %w", err)
	}
	last, err := frames(out, func(f http2.Frame, at time.Time) {
		id := f.Header().StreamID
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if calls[id] == nil {
				calls[id] = &Request{Method: path.Base(f.PseudoValue("path")), Start: at}
				bodies[id] = &bytes.Buffer{}
			}
		case *http2.DataFrame:
			if calls[id] != nil {
				bodies[id].Write(f.Data())
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("what the client sent: %w", err)
	}
	end, err := frames(received.reader(), func(f http2.Frame, at time.Time) {
		call := calls[f.Header().StreamID]
		if call == nil {
			return
		}
		if d, ok := f.(*http2.DataFrame); ok {
			call.Received += len(d.Data())
		}
		if e, ok := f.(interface{ StreamEnded() bool }); ok && e.StreamEnded() {
			call.End = at
		}
	})
	if err != nil {
		return nil, fmt.Errorf("what the client received: %w", err)
	}
	if last.After(end) {
		end = last
	}
	var all []Request
	for id, call := range calls {
		if call.End.IsZero() {
			call.End = end
		}
		call.Received = max(0, call.Received-messagePrefix)
		if body := bodies[id].Bytes(); len(body) >= messagePrefix {
			if size := int(binary.BigEndian.Uint32(body[1:messagePrefix])); body[0] == 0 && size <= len(body)-messagePrefix {
				call.Message = body[messagePrefix : messagePrefix+size]
			}
			call.Sent = len(body) - messagePrefix
		}
		all = append(all, *call)
	}
	slices.SortFunc(all, func(a, b Request) int { return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End)) })
	return all, nil
}

// frames gives all frames with the time at which they were complete, and returns that
// of the last. A connection may end anywhere.
func frames(r *reader, take func(http2.Frame, time.Time)) (time.Time, error) {
	framer := http2.NewFramer(io.Discard, r)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := framer.ReadFrame()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return r.at, nil
		}
		if err != nil {
			return r.at, err
		}
		take(f, r.at)
	}
}
