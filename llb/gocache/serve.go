package gocache

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"
)

// Commands of the protocol, and its messages ("go doc cmd/go/internal/cacheprog").
const (
	commandGet   = "get"
	commandPut   = "put"
	commandClose = "close"
)

type request struct {
	ID       int64
	Command  string
	ActionID []byte
	OutputID []byte
	BodySize int64
}

type response struct {
	ID            int64
	Err           string   `json:",omitempty"`
	KnownCommands []string `json:",omitempty"`
	Miss          bool     `json:",omitempty"`
	OutputID      []byte   `json:",omitempty"`
	Size          int64    `json:",omitempty"`
	DiskPath      string   `json:",omitempty"`
}

// Run answers the go command, which asks on in, until it is done.
func (s Serve) Run(in io.Reader, out io.Writer) error {
	server := &server{
		in: bufio.NewReaderSize(in, 1<<16), out: json.NewEncoder(out),
		store: Open(s.Store), now: time.Now(), copying: make(chan struct{}, 4),
	}
	if s.Seed != "" {
		seed := Open(s.Seed)
		server.seed = &seed
	}
	if s.Harvest != "" {
		harvest := Open(s.Harvest)
		server.harvest = &harvest
	}
	return server.run()
}

type server struct {
	in  *bufio.Reader
	out *json.Encoder
	// seed and harvest may be nil.
	seed, harvest *Store
	store         Store
	now           time.Time
	// copying has room for the copies that are made at a time.
	copying chan struct{}
	copies  sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

func (s *server) run() error {
	if err := s.out.Encode(response{KnownCommands: []string{commandGet, commandPut, commandClose}}); err != nil {
		return err
	}
	for {
		line, err := s.in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return s.finish()
		}
		if err != nil {
			return err
		}
		if len(line) == 1 {
			continue
		}
		var req request
		if err := json.Unmarshal(line, &req); err != nil {
			return fmt.Errorf("the go command asks %.100q: %w", line, err)
		}
		res, err := s.answer(req)
		if err != nil {
			res.Err = err.Error()
		}
		res.ID = req.ID
		if err := s.out.Encode(res); err != nil {
			return err
		}
		if req.Command == commandClose {
			return nil
		}
	}
}

func (s *server) answer(req request) (response, error) {
	switch req.Command {
	case commandGet:
		return s.get(req.ActionID)
	case commandPut:
		return s.put(req)
	case commandClose:
		return response{}, s.finish()
	}
	return response{}, fmt.Errorf("unknown command %q", req.Command)
}

func (s *server) get(action []byte) (response, error) {
	e, ok := Entry{}, false
	from := s.store
	if s.seed != nil {
		if e, ok = s.seed.Get(action); ok {
			from = *s.seed
		}
	}
	if !ok {
		if e, ok = s.store.Get(action); !ok {
			return response{Miss: true}, nil
		}
		s.store.touch(action, e, s.now)
	}
	s.keep(from, action, e)
	file, err := filepath.Abs(e.File)
	return response{OutputID: e.Output, Size: e.Size, DiskPath: file}, err
}

func (s *server) put(req request) (response, error) {
	encoded := int64(base64.StdEncoding.EncodedLen(int(req.BodySize)))
	if req.BodySize > 0 {
		if _, err := s.skipTo('"'); err != nil {
			return response{}, err
		}
	}
	text := io.LimitReader(s.in, encoded)
	file, err := s.store.Put(req.ActionID, req.OutputID, req.BodySize, base64.NewDecoder(base64.StdEncoding, text))
	if req.BodySize > 0 {
		// Also what was there already, or did not fit on the disk.
		_, readErr := io.Copy(io.Discard, text)
		_, quoteErr := s.skipTo('"')
		err = errors.Join(err, readErr, quoteErr)
	}
	if err != nil {
		return response{}, err
	}
	s.keep(s.store, req.ActionID, Entry{Output: req.OutputID, Size: req.BodySize, File: file})
	file, err = filepath.Abs(file)
	return response{DiskPath: file}, err
}

func (s *server) skipTo(end byte) (skipped []byte, err error) { return s.in.ReadBytes(end) }

// keep harvests an entry. The go command need not wait for it.
func (s *server) keep(from Store, action []byte, e Entry) {
	if s.harvest == nil {
		return
	}
	if _, ok := s.harvest.Get(action); ok {
		return
	}
	s.copying <- struct{}{}
	s.copies.Go(func() {
		defer func() { <-s.copying }()
		if err := from.copyTo(*s.harvest, action, e); err != nil {
			s.mu.Lock()
			s.failed = errors.Join(s.failed, err)
			s.mu.Unlock()
		}
	})
}

func (s *server) finish() error {
	s.copies.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}
