package wire_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fromscratch-build/fromscratch/integration/bench/wire"
)

// peer writes one direction of a connection.
type peer struct {
	*testing.T
	bytes.Buffer
	framer  *http2.Framer
	headers bytes.Buffer
	encoder *hpack.Encoder
}

func newPeer(t *testing.T, begin string) *peer {
	p := &peer{T: t}
	p.WriteString(begin)
	p.framer = http2.NewFramer(&p.Buffer, nil)
	p.encoder = hpack.NewEncoder(&p.headers)
	require.NoError(t, p.framer.WriteSettings())
	return p
}

func (p *peer) head(stream uint32, end bool, fields ...string) {
	p.headers.Reset()
	for i := 0; i < len(fields); i += 2 {
		require.NoError(p, p.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	require.NoError(p, p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.headers.Bytes(), EndHeaders: true, EndStream: end}))
}

func (p *peer) data(stream uint32, end bool, text string) {
	require.NoError(p, p.framer.WriteData(stream, end, []byte(text)))
}

// call is a request, as a client of gRPC sends it.
func (p *peer) call(stream uint32, method string) {
	p.head(stream, false, ":method", "POST", ":scheme", "http", ":path", "/service/"+method, ":authority", "localhost")
}

// answer is what comes back.
func (p *peer) answer(stream uint32, text string) {
	p.head(stream, false, ":status", "200", "content-type", "application/grpc")
	p.data(stream, false, "\x00\x00\x00\x00"+string(rune(len(text)))+text)
	p.head(stream, true, "grpc-status", "0")
}

// tapped is what a tap has of a direction that came in pieces of any size.
func tapped(t *testing.T, all []byte, size int) *wire.Tap {
	var tap wire.Tap
	var out bytes.Buffer
	for len(all) > 0 {
		n := min(size, len(all))
		require.NoError(t, tap.Copy(&out, bytes.NewReader(all[:n])))
		all = all[n:]
	}
	return &tap
}

func TestRequests(t *testing.T) {
	client, server := newPeer(t, http2.ClientPreface), newPeer(t, "")
	client.call(1, "Solve")
	// A message may come in two frames.
	client.data(1, false, "\x00\x00\x00\x00\x05he")
	client.data(1, true, "llo")
	client.call(3, "ReadFile")
	client.data(3, true, "\x00\x00\x00\x00\x00")
	server.answer(3, "text")
	server.answer(1, "")
	// The connection ends before this one is answered, and in the middle of a frame.
	client.call(5, "Return")
	client.data(5, true, "\x00\x00\x00\x00\x01x")
	cut := append(bytes.Clone(client.Bytes()), 0, 0, 9)
	for _, size := range []int{1, 7, 1 << 20} {
		got, err := wire.Requests(tapped(t, cut, size), tapped(t, server.Bytes(), size))
		require.NoError(t, err)
		require.Len(t, got, 3)
		byMethod := map[string]wire.Request{}
		for _, q := range got {
			byMethod[q.Method] = q
			require.False(t, q.End.Before(q.Start), q.Method)
		}
		require.Equal(t, "hello", string(byMethod["Solve"].Message))
		require.Equal(t, 5, byMethod["Solve"].Sent)
		require.Equal(t, 0, byMethod["Solve"].Received)
		require.Equal(t, 4, byMethod["ReadFile"].Received)
		require.False(t, byMethod["ReadFile"].End.After(byMethod["Solve"].End), "it was answered first")
		require.Equal(t, "x", string(byMethod["Return"].Message))
	}
	_, err := wire.Requests(tapped(t, []byte("panic"), 9), &wire.Tap{})
	require.ErrorIs(t, err, io.EOF)
}

func at(ms int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(ms)).UTC() }

func TestOwn(t *testing.T) {
	r := wire.Report{Requests: []wire.Request{
		{Start: at(10), End: at(20)},
		{Start: at(12), End: at(30)}, // While the first is under way.
		{Start: at(13), End: at(15)},
		{Start: at(35), End: at(50)},
	}}
	for _, tt := range []struct{ from, to, want int }{
		{0, 60, 10 + 5 + 10}, {0, 5, 5}, {0, 10, 10}, {0, 35, 15}, {25, 60, 5 + 10}, {40, 45, 0}, {52, 60, 8},
	} {
		require.Equal(t, time.Duration(tt.want)*time.Millisecond, r.Own(at(tt.from), at(tt.to)), "%d to %d", tt.from, tt.to)
	}
	require.Equal(t, time.Second, (&wire.Report{}).Own(at(0), at(1000)), "nothing was asked")
}

func TestReportInALog(t *testing.T) {
	long := wire.Report{Session: "a", Started: at(0), CPU: time.Second, PeakMemory: 5}
	for i := range 2000 {
		long.Requests = append(long.Requests, wire.Request{Method: "Solve", Start: at(i), End: at(i * i % 977), Message: []byte{byte(i * i), byte(i)}})
	}
	short := wire.Report{Session: "b", Ended: at(3)}
	var a, b bytes.Buffer
	require.NoError(t, long.Write(&a))
	require.NoError(t, short.Write(&b))
	lines := bytes.SplitAfter(a.Bytes(), []byte("\n"))
	require.Greater(t, len(lines), 3, "it takes several lines")
	// Others write to the log too, and the probe of another build.
	log := "time=\"now\" level=info msg=hello\n" + string(lines[0]) + b.String() + "something else\n" + string(bytes.Join(lines[1:], nil))
	got, err := wire.ReadReports(bytes.NewBufferString(log))
	require.NoError(t, err)
	require.Equal(t, []wire.Report{short, long}, got)
}
