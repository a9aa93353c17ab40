package sources

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

const (
	// headSize is how much a pack has of a file at most, in bytes: mostly more than its
	// imports.
	headSize = 4 << 10
	// packSize is how much a pack has of all files together. With what is written around
	// them it is still one answer of the gateway.
	packSize = 12 << 20
	// packAfter is how many requests are made before a pack is asked for, which costs as
	// much as some fifty when BuildKit has it, and a container when not.
	packAfter = 150
)

// Pack writes what is worth knowing of the sources below root: the listings of all
// directories that have sources or manifests in them, and how these begin. What does not
// fit is left out, and whoever misses it asks for it.
//
// It writes pieces, each after its length: for a directory its name, and then for each
// entry an encoded types.Stat, as the gateway gives them, and the head, whose length is
// one more than it has, or 0 without one. An empty piece ends a directory.
func Pack(root string, w io.Writer) error {
	left := packSize
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := packDir(name, filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		if left -= len(text); left < 0 {
			return fs.SkipAll
		}
		_, err = w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("list the sources: %w", err)
	}
	return nil
}

// packDir gives nothing for a directory that nobody will ask about.
func packDir(name, rel string) ([]byte, error) {
	entries, err := os.ReadDir(name)
	if err != nil || !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isSource(e.Name()) }) {
		return nil, err
	}
	out := piece(nil, []byte(rel))
	for _, e := range entries {
		file := filepath.Join(name, e.Name())
		stat, err := fsutil.Stat(file)
		if err != nil {
			return nil, err
		}
		text, err := stat.MarshalVT()
		if err != nil {
			return nil, err
		}
		out = piece(out, text)
		if !e.Type().IsRegular() || !isRead(e.Name()) {
			out = binary.AppendUvarint(out, 0)
			continue
		}
		if text, err = head(file); err != nil {
			return nil, err
		}
		out = append(binary.AppendUvarint(out, uint64(len(text)+1)), text...)
	}
	return piece(out, nil), nil
}

func piece(to, text []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// isSource tells by the name of a file that a toolchain looks into its directory.
func isSource(name string) bool { return isRead(name) || path.Ext(name) == ".rs" }

// isRead tells by the name of a file that a toolchain looks into it.
func isRead(name string) bool {
	return path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") || name == "go.mod" || name == "Cargo.toml"
}

func head(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, headSize))
}

// Ahead has f call get, in a goroutine of its own, once it was asked so much that a pack
// of the same files is worth having. What get finds is for Load.
func (f *FS) Ahead(get func()) { f.get.Store(&get) }

// asks counts a request.
func (f *FS) asks() {
	if f.asked.Add(1) == packAfter {
		if get := f.get.Load(); get != nil {
			go (*get)()
		}
	}
}

// Load takes what Pack wrote of the same files for answers to questions that were not
// asked yet.
func (f *FS) Load(data []byte) error {
	in := unpacker{rest: data}
	for len(in.rest) > 0 && in.err == nil {
		dir := string(in.bytes(in.length()))
		var entries []fs.DirEntry
		for n := in.length(); n > 0; n = in.length() {
			stat := &types.Stat{}
			if err := stat.UnmarshalVT(in.bytes(n)); err != nil {
				in.fail(err)
			}
			entries = append(entries, fs.FileInfoToDirEntry(info{stat}))
			if n = in.length(); n == 0 {
				continue
			}
			name, head := path.Join(dir, stat.Path), in.bytes(n-1)
			if in.err != nil {
				break
			}
			f.heads.put(name, head)
			if int64(len(head)) == stat.Size {
				f.files.put(name, head)
			}
		}
		if in.err == nil {
			f.dirs.put(dir, entries)
		}
	}
	if in.err != nil {
		return fmt.Errorf("read the list of the sources: %w", in.err)
	}
	return nil
}

// unpacker takes a pack apart. After an error all lengths are 0.
type unpacker struct {
	rest []byte
	err  error
}

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err = err
	}
	u.rest = nil
}

func (u *unpacker) length() int {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 || n > uint64(len(u.rest)) {
		u.fail(io.ErrUnexpectedEOF)
		return 0
	}
	u.rest = u.rest[size:]
	return int(n)
}

func (u *unpacker) bytes(n int) []byte {
	if n > len(u.rest) {
		u.fail(io.ErrUnexpectedEOF)
		return nil
	}
	out := u.rest[:n:n]
	u.rest = u.rest[n:]
	return out
}
