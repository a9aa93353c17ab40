package lint

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/fromscratch-build/fromscratch/llb/rust"
)

// sources reads the build context, each manifest once: through the gateway a read
// is a round trip.
type sources struct {
	fsys      fs.FS
	modules   map[string]*modfile.File
	manifests map[string]*manifest
	configs   map[string]*cargoConfig
	cargo     map[string]*workspace
}

func newSources(fsys fs.FS) *sources {
	return &sources{fsys: fsys, modules: map[string]*modfile.File{}, manifests: map[string]*manifest{},
		configs: map[string]*cargoConfig{}, cargo: map[string]*workspace{}}
}

// read returns a file of the build context, or nil: a file that is missing and
// one that cannot be read are for the build to complain about.
func (s *sources) read(name string) []byte {
	if s.fsys == nil || !fs.ValidPath(name) {
		return nil
	}
	data, err := fs.ReadFile(s.fsys, name)
	if err != nil {
		return nil
	}
	return data
}

// stat finds a file of the build context.
func (s *sources) stat(name string) (fs.FileInfo, bool) {
	if s.fsys == nil || !fs.ValidPath(name) {
		return nil, false
	}
	info, err := fs.Stat(s.fsys, name)
	return info, err == nil
}

// module is the go.mod in dir, or nil.
func (s *sources) module(dir string) *modfile.File {
	if m, ok := s.modules[dir]; ok {
		return m
	}
	var m *modfile.File
	name := path.Join(dir, "go.mod")
	if data := s.read(name); data != nil {
		var err error
		if m, err = modfile.Parse(name, data, nil); err != nil {
			// A newer Go may know more than this reader. The lax one goes on, but leaves
			// out the toolchain line.
			if m, err = modfile.ParseLax(name, data, nil); err != nil || m.Module == nil {
				m = nil
			}
		}
	}
	s.modules[dir] = m
	return m
}

// goFloats tells whether the module in dir says nothing of the Go it is for.
func (s *sources) goFloats(dir string) bool {
	m := s.module(dir)
	return m != nil && m.Go == nil && (m.Toolchain == nil || m.Toolchain.Name == "default")
}

// requires lists those of the modules that the code in dir requires by itself.
func (s *sources) requires(dir string) []string {
	m := s.module(dir)
	if m == nil {
		return nil
	}
	var out []string
	for _, r := range m.Require {
		if !r.Indirect && !slices.Contains(out, r.Mod.Path) {
			out = append(out, r.Mod.Path)
		}
	}
	return out
}

// mentions tells whether a file of a project mentions text.
func (s *sources) mentions(dir, name, text string) bool {
	return strings.Contains(string(s.read(path.Join(dir, name))), text)
}

// rustFloats tells whether no file of the sources says which Rust to use. One that
// cannot be read is for the build to complain about.
func (s *sources) rustFloats(dir string) bool {
	if s.fsys == nil {
		return true
	}
	version, err := rust.ToolchainFile(s.fsys, dir)
	return version == "" && err == nil
}
