package inspect

import (
	"debug/buildinfo"
	"io"
)

// Modules lists the paths of the modules that a Go program has code of, its own left
// out. They are what the linker wrote down ("go version -m").
func Modules(r io.ReaderAt) ([]string, error) {
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range info.Deps {
		out = append(out, m.Path)
		if m.Replace != nil {
			out = append(out, m.Replace.Path)
		}
	}
	return out, nil
}
