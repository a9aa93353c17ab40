// Package sources gives what a build result holds as an fs.FS, read through the
// gateway on demand, so that facts about sources are gathered by code that knows
// nothing of BuildKit.
package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/containerd/v2/defaults"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"
)

// FS reads the files of a reference. Symbolic links are followed by BuildKit,
// within the reference. What was read is kept: a result never changes, and each
// platform asks for the same facts.
type FS struct {
	ctx context.Context
	ref client.Reference

	files memo[[]byte]
	pages memo[[]byte]
	dirs  memo[[]fs.DirEntry]
	stats memo[fs.FileInfo]
	// heads are the beginnings of files, from a pack.
	heads memo[[]byte]

	asked atomic.Int64
	get   atomic.Pointer[func()]
}

// memo keeps the answers to questions about names, each of which is asked once. It
// is safe for concurrent use, and different questions do not wait for one another.
type memo[T any] struct {
	mu      sync.Mutex
	answers map[string]*answer[T]
}

type answer[T any] struct {
	once  sync.Once
	done  atomic.Bool
	value T
	err   error
}

func (m *memo[T]) get(name string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	a := m.answers[name]
	if a == nil {
		a = &answer[T]{}
		if m.answers == nil {
			m.answers = map[string]*answer[T]{}
		}
		m.answers[name] = a
	}
	m.mu.Unlock()
	a.once.Do(func() {
		a.value, a.err = ask()
		a.done.Store(true)
	})
	return a.value, a.err
}

// put is an answer to a question that was not asked yet; another is left as it is.
func (m *memo[T]) put(name string, value T) {
	_, _ = m.get(name, func() (T, error) { return value, nil })
}

// known is an answer that was given already. ok is false when there is none yet, or
// when it was an error.
func (m *memo[T]) known(name string) (value T, ok bool) {
	m.mu.Lock()
	a := m.answers[name]
	m.mu.Unlock()
	if a == nil || !a.done.Load() || a.err != nil {
		return value, false
	}
	return a.value, true
}

var (
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

// New returns the files of ref. ctx bounds every read, since the methods of fs.FS
// take none. ref may be nil, the result of a solve of nothing: then there are no
// files.
func New(ctx context.Context, ref client.Reference) *FS {
	return &FS{ctx: ctx, ref: ref}
}

func pathError(op, name string, err error) error {
	// What fails on the far side of the gateway arrives as text.
	msg := err.Error()
	if strings.Contains(msg, "no such file or directory") || strings.Contains(msg, "not a directory") {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// check refuses what cannot be there, and gives what is known of name without a request,
// nil for nothing.
func (f *FS) check(op, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if f.ref == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	info, known := f.listed(name)
	if known && info == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return info, nil
}

// listed tells what the listings of directories that were read say of name: what it
// is, or nil if it is not there. known is false if they say nothing, which they never
// do of what lies behind a symbolic link. Most questions are whether a file is there
// that is not, or about all files of one directory, and each would be a request.
func (f *FS) listed(name string) (info fs.FileInfo, known bool) {
	if name == "." {
		return nil, false
	}
	dir := path.Dir(name)
	entries, ok := f.dirs.known(dir)
	switch {
	case ok:
	case dir == ".":
		var err error
		if entries, err = f.list(dir); err != nil {
			return nil, false
		}
	default:
		above, known := f.listed(dir)
		return nil, known && (above == nil || !above.IsDir())
	}
	i, ok := find(entries, path.Base(name))
	if !ok {
		return nil, true
	}
	if entries[i].Type()&fs.ModeSymlink != 0 {
		return nil, false
	}
	info, err := entries[i].Info()
	return info, err == nil
}

// find is the place of name among entries, which are in the order of names.
func find(entries []fs.DirEntry, name string) (int, bool) {
	return slices.BinarySearchFunc(entries, name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
}

// Open opens a file or a directory. Of a file no more is read than is asked for, since
// the imports of a large generated file are all at its beginning.
func (f *FS) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		entries, err := f.ReadDir(name)
		return &openDir{openFile: openFile{info: info}, entries: entries}, err
	}
	return &openFile{info: info, fs: f, name: name}, nil
}

// maxFileSize is what fits into one message of the gateway.
const maxFileSize = defaults.DefaultMaxRecvMsgSize

// ReadFile reads a whole file of at most 16 MiB.
func (f *FS) ReadFile(name string) ([]byte, error) {
	info, err := f.check("open", name)
	if err != nil {
		return nil, err
	}
	tooLarge := fmt.Errorf("the file is larger than %d MiB", maxFileSize>>20)
	// The gateway refuses such a message in words of its own.
	if info != nil && info.Size() > maxFileSize {
		return nil, pathError("open", name, tooLarge)
	}
	data, err := f.files.get(name, func() ([]byte, error) {
		f.asks()
		data, err := f.ref.ReadFile(f.ctx, client.ReadRequest{Filename: name, Range: &client.FileRange{Length: maxFileSize + 1}})
		if err == nil && len(data) > maxFileSize {
			err = tooLarge
		}
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return data, nil
	})
	return slices.Clone(data), err
}

// ReadDir lists a directory in the order of names.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, err := f.check("readdir", name); err != nil {
		return nil, err
	}
	entries, err := f.list(name)
	return slices.Clone(entries), err
}

func (f *FS) list(name string) ([]fs.DirEntry, error) {
	return f.dirs.get(name, func() ([]fs.DirEntry, error) {
		f.asks()
		stats, err := f.ref.ReadDir(f.ctx, client.ReadDirRequest{Path: name})
		if err != nil {
			return nil, pathError("readdir", name, err)
		}
		entries := make([]fs.DirEntry, len(stats))
		for i, s := range stats {
			entries[i] = fs.FileInfoToDirEntry(info{s})
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		return entries, nil
	})
}

// Stat describes a file.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	if info, err := f.check("stat", name); info != nil || err != nil {
		return info, err
	}
	return f.stats.get(name, func() (fs.FileInfo, error) {
		f.asks()
		s, err := f.ref.StatFile(f.ctx, client.StatRequest{Path: name})
		if err != nil {
			return nil, pathError("stat", name, err)
		}
		return info{s}, nil
	})
}

// Lstat describes a file, or a symbolic link as such: the gateway follows links
// wherever it is asked for one file, but lists those of a directory as they are.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	if _, err := f.check("lstat", name); err != nil {
		return nil, err
	}
	if name == "." {
		return f.Stat(name)
	}
	entries, err := f.ReadDir(path.Dir(name))
	if err != nil {
		return nil, err
	}
	i, ok := find(entries, path.Base(name))
	if !ok {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return entries[i].Info()
}

// ReadLink tells where a symbolic link leads.
func (f *FS) ReadLink(name string) (string, error) {
	i, err := f.Lstat(name)
	if err != nil {
		return "", err
	}
	s, ok := i.Sys().(*types.Stat)
	if !ok || i.Mode()&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return s.Linkname, nil
}

// ReaderAt reads ranges of a file.
func (f *FS) ReaderAt(name string) io.ReaderAt { return &readerAt{fs: f, name: name} }

type readerAt struct {
	fs   *FS
	name string
}

// ReadAt answers what is smaller than a page from pages, which are kept: whoever reads
// headers asks for a few bytes at a time, again and again. The rest is asked for as it
// is, up to the gateway's limit of a message.
func (r *readerAt) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if _, err := r.fs.check("read", r.name); err != nil {
		return 0, err
	}
	if len(p) >= pageSize {
		data, err := r.fs.part(r.name, off, len(p))
		return filled(p, copy(p, data), err)
	}
	n := 0
	for n < len(p) {
		first := (off + int64(n)) / pageSize * pageSize
		page, err := r.fs.page(r.name, first)
		if err != nil {
			return n, err
		}
		from := min(int(off+int64(n)-first), len(page))
		n += copy(p[n:], page[from:])
		if len(page) < pageSize {
			break
		}
	}
	return filled(p, n, nil)
}

// filled is what io.ReaderAt returns for n bytes in p.
func filled(p []byte, n int, err error) (int, error) {
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// page is that of a file at off, shorter at its end.
func (f *FS) page(name string, off int64) ([]byte, error) {
	return f.pages.get(name+"@"+strconv.FormatInt(off, 10), func() ([]byte, error) { return f.part(name, off, pageSize) })
}

// part reads at most size bytes of a file from off.
func (f *FS) part(name string, off int64, size int) ([]byte, error) {
	f.asks()
	data, err := f.ref.ReadFile(f.ctx, client.ReadRequest{
		Filename: name,
		Range:    &client.FileRange{Offset: int(off), Length: size},
	})
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

type info struct{ s *types.Stat }

func (i info) Name() string       { return path.Base(i.s.Path) }
func (i info) Size() int64        { return i.s.Size }
func (i info) Mode() fs.FileMode  { return fs.FileMode(i.s.Mode) }
func (i info) ModTime() time.Time { return time.Unix(0, i.s.ModTime) }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return i.s }

type openFile struct {
	info fs.FileInfo
	fs   *FS
	name string
	// rest is what was read and not yet asked for, which ends at off.
	rest []byte
	off  int64
}

// How many bytes are read at a time: first those that say what a file is.
const (
	pageSize  = 16 << 10
	chunkSize = 512 << 10
)

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

func (f *openFile) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		if f.off >= f.info.Size() {
			return 0, io.EOF
		}
		head, known := f.fs.heads.known(f.name)
		var err error
		switch {
		case f.off == 0 && known:
			f.rest = head
		case f.off == 0:
			f.rest, err = f.fs.page(f.name, 0)
		case f.off < pageSize:
			f.rest, err = f.fs.part(f.name, f.off, int(pageSize-f.off))
		default:
			f.rest, err = f.fs.part(f.name, f.off, chunkSize)
		}
		if err != nil {
			return 0, err
		}
		if len(f.rest) == 0 {
			return 0, io.EOF
		}
		f.off += int64(len(f.rest))
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

type openDir struct {
	openFile
	entries []fs.DirEntry
}

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		out := d.entries
		d.entries = nil
		return out, nil
	}
	if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n]
	d.entries = d.entries[n:]
	return out, nil
}
