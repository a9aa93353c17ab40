package imagediff

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// layer names the first difference of two layers that have different digests.
func (d *differ) layer(x, y ocispecs.Descriptor) (string, error) {
	if x.MediaType != y.MediaType {
		return versus("media type", x.MediaType, y.MediaType), nil
	}
	a, err := d.a.Archive(d.ctx, x)
	if err != nil {
		return "", err
	}
	b, err := d.b.Archive(d.ctx, y)
	if err != nil {
		return "", err
	}
	if bytes.Equal(a, b) {
		return versus("the same files, compressed in another way", fmt.Sprint(x.Size, " bytes"), fmt.Sprint(y.Size, " bytes")), nil
	}
	filesA, err := entries(a)
	if err != nil {
		return "", err
	}
	filesB, err := entries(b)
	if err != nil {
		return "", err
	}
	if what := files(filesA, filesB); what != "" {
		return what, nil
	}
	return "the archives differ " + offset(a, b), nil
}

// entry is a file of a layer, in the order of the archive.
type entry struct {
	*tar.Header
	data []byte
}

// path is where the file is in the image.
func (e entry) path() string { return path.Join("/", e.Name) }

func entries(archive []byte) ([]entry, error) {
	var out []entry
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{h, data})
	}
}

// files names the first difference of two lists of files: one that the other lacks,
// another order, or what is different of one that both have.
func files(a, b []entry) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].path() + ": only in the second"
		case i >= len(b):
			return a[i].path() + ": only in the first"
		case a[i].path() == b[i].path():
			if what := file(a[i], b[i]); what != "" {
				return a[i].path() + ": " + what
			}
		case !has(b, a[i]):
			return a[i].path() + ": only in the first"
		case !has(a, b[i]):
			return b[i].path() + ": only in the second"
		default:
			return versus("order of the files", a[i].path(), b[i].path())
		}
	}
	return ""
}

func has(list []entry, e entry) bool {
	return slices.ContainsFunc(list, func(other entry) bool { return other.path() == e.path() })
}

// file names the first field that is different of two files of one path, or where
// their content is.
func file(a, b entry) string {
	for _, f := range []struct{ name, a, b string }{
		{"name in the archive", a.Name, b.Name},
		{"type", typeName(a.Typeflag), typeName(b.Typeflag)},
		{"link", a.Linkname, b.Linkname},
		{"mode", fmt.Sprintf("%#o", a.Mode), fmt.Sprintf("%#o", b.Mode)},
		{"uid", fmt.Sprint(a.Uid), fmt.Sprint(b.Uid)},
		{"gid", fmt.Sprint(a.Gid), fmt.Sprint(b.Gid)},
		{"user name", a.Uname, b.Uname},
		{"group name", a.Gname, b.Gname},
		{"time", when(a.ModTime), when(b.ModTime)},
		{"time of access", when(a.AccessTime), when(b.AccessTime)},
		{"time of change", when(a.ChangeTime), when(b.ChangeTime)},
		{"device", fmt.Sprint(a.Devmajor, ":", a.Devminor), fmt.Sprint(b.Devmajor, ":", b.Devminor)},
	} {
		if f.a != f.b {
			return versus(f.name, orEmpty(f.a), orEmpty(f.b))
		}
	}
	records := maps.Clone(a.PAXRecords)
	if records == nil {
		records = map[string]string{}
	}
	maps.Copy(records, b.PAXRecords)
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if x, y := record(a, name), record(b, name); x != y {
			return versus("PAX record "+name, x, y)
		}
	}
	if bytes.Equal(a.data, b.data) {
		if a.Format != b.Format {
			return versus("format of the header", a.Format, b.Format)
		}
		return ""
	}
	size := ""
	if a.Size != b.Size {
		size = versus("size", a.Size, b.Size) + "; "
	}
	return size + "content differs " + offset(a.data, b.data)
}

func record(e entry, name string) string {
	if v, ok := e.PAXRecords[name]; ok {
		return fmt.Sprintf("%q", v)
	}
	return "nothing"
}

func orEmpty(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// when is a time to the last digit that an archive can have.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func typeName(flag byte) string {
	switch flag {
	case tar.TypeReg:
		return "file"
	case tar.TypeDir:
		return "directory"
	case tar.TypeSymlink:
		return "symlink"
	case tar.TypeLink:
		return "hard link"
	}
	return fmt.Sprintf("%q", flag)
}

// offset says where two contents begin to differ, and what is there.
func offset(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("from byte %d on: %s and %s", i, excerpt(a, i), excerpt(b, i))
}

func excerpt(data []byte, from int) string {
	const length = 24
	if from >= len(data) {
		return "the end"
	}
	return fmt.Sprintf("%q", data[from:min(len(data), from+length)])
}
