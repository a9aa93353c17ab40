package builds

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// ReadProgress reads what --progress=rawjson writes, up to its end, and calls status
// for each line of it. It returns the rest, which is for people: logs, and lines that
// are no JSON, as errors are.
func ReadProgress(progress io.Reader, status func(*client.SolveStatus)) (string, error) {
	var text strings.Builder
	seen := map[chunk]bool{}
	lines := bufio.NewReader(progress)
	for {
		line, err := lines.ReadBytes('\n')
		var s client.SolveStatus
		if len(bytes.TrimSpace(line)) > 0 && json.Unmarshal(line, &s) != nil {
			text.Write(line)
			s = client.SolveStatus{}
		}
		// A vertex that several targets need tells each of them.
		var logs []*client.VertexLog
		for _, l := range s.Logs {
			c := chunk{l.Vertex, l.Timestamp.UnixNano(), string(l.Data)}
			if seen[c] {
				continue
			}
			seen[c] = true
			logs = append(logs, l)
			text.Write(l.Data)
		}
		s.Logs = logs
		status(&s)
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("read progress: %w", err)
		}
	}
}

// chunk is a piece of a log.
type chunk struct {
	vertex digest.Digest
	time   int64
	data   string
}
