package golang

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// closure is what programs are made of, for one platform.
type closure struct {
	// packages are those in the build context, by their folders.
	packages map[string]*build.Package
	// external and standard are the packages that they import from elsewhere.
	external, standard map[string]bool
	// broken is set when a package cannot be read as the go command will read it. What
	// is wrong is for the go command to say.
	broken bool
}

// scanner reads the imports of packages, each once. Many read at a time, since every
// file is a question to BuildKit.
type scanner struct {
	project *project
	context build.Context
	mu      sync.Mutex
	read    map[string]*scanned
}

type scanned struct {
	once sync.Once
	pkg  *build.Package
	err  error
}

// root is where go/build believes the sources to be. It wants absolute paths.
const root = "/"

// newScanner reads packages as the go command does for pf with these tags.
func newScanner(p *project, pf platform.Platform, version string, tags []string, experiments string) *scanner {
	s := &scanner{project: p, read: map[string]*scanned{}}
	s.context = build.Context{
		GOARCH: pf.Go.Arch, GOOS: "linux", Compiler: "gc", BuildTags: tags, ToolTags: toolTags(pf, experiments),
		JoinPath:      path.Join,
		SplitPathList: filepath.SplitList,
		IsAbsPath:     path.IsAbs,
		HasSubdir:     func(string, string) (string, bool) { return "", false },
		IsDir: func(name string) bool {
			info, err := fs.Stat(p.src, local(name))
			return err == nil && info.IsDir()
		},
		ReadDir:  func(name string) ([]fs.FileInfo, error) { return p.sources(local(name)) },
		OpenFile: func(name string) (io.ReadCloser, error) { return p.src.Open(local(name)) },
	}
	for n := 1; n <= minor(version); n++ {
		s.context.ReleaseTags = append(s.context.ReleaseTags, "go1."+strconv.Itoa(n))
	}
	return s
}

func local(name string) string {
	name = strings.TrimPrefix(name, root)
	if name == "" {
		return "."
	}
	return name
}

// sources lists the files of a folder that a package may be made of.
func (p *project) sources(dir string) ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(p.src, dir)
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			// The go command follows links to files.
			if info, err = fs.Stat(p.src, path.Join(dir, e.Name())); err != nil || info.IsDir() {
				continue
			}
			info = renamed{info, e.Name()}
		}
		out = append(out, info)
	}
	return out, nil
}

// renamed is what a link leads to, under the name of the link.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

// toolTags are the build tags that the go command sets by itself, for the level of
// the instruction set and for GOEXPERIMENT ("go help buildconstraint").
func toolTags(pf platform.Platform, experiments string) []string {
	var tags []string
	for _, name := range strings.Split(experiments, ",") {
		if name != "" {
			tags = append(tags, "goexperiment."+name)
		}
	}
	for _, tag := range build.Default.ToolTags {
		if strings.HasPrefix(tag, "goexperiment.") {
			tags = append(tags, tag)
		}
	}
	level := strings.TrimPrefix(pf.Go.Variant[1], "v")
	n, err := strconv.Atoi(level)
	if err != nil {
		return tags
	}
	first, prefix := 1, ".v"
	if pf.Go.Arch == "arm" {
		first, prefix = 5, "."
	}
	for i := first; i <= n; i++ {
		tags = append(tags, pf.Go.Arch+prefix+strconv.Itoa(i))
	}
	return tags
}

// pkg reads the package in a folder of the build context.
func (s *scanner) pkg(dir string) (*build.Package, error) {
	s.mu.Lock()
	r := s.read[dir]
	if r == nil {
		r = &scanned{}
		s.read[dir] = r
	}
	s.mu.Unlock()
	r.once.Do(func() {
		s.readFiles(dir)
		r.pkg, r.err = s.context.ImportDir(path.Join(root, dir), 0)
	})
	return r.pkg, r.err
}

// readFiles reads the beginnings of a package's files, all at a time: go/build reads
// one after the other.
func (s *scanner) readFiles(dir string) {
	infos, err := s.project.sources(dir)
	if err != nil {
		return // Whoever reads the package is told.
	}
	toolchain.ReadAhead(infos, func(info fs.FileInfo) {
		if path.Ext(info.Name()) != ".go" {
			return
		}
		if f, err := s.project.src.Open(path.Join(dir, info.Name())); err == nil {
			_, _ = f.Read(make([]byte, 1))
			_ = f.Close()
		}
	})
}

// follow finds all that the packages in dirs import.
func (s *scanner) follow(dirs []string) *closure {
	c := &closure{packages: map[string]*build.Package{}, external: map[string]bool{}, standard: map[string]bool{}}
	todo := dirs
	for len(todo) > 0 {
		toolchain.ReadAhead(todo, func(dir string) { _, _ = s.pkg(dir) })
		var next []string
		for _, dir := range todo {
			if c.packages[dir] != nil {
				continue
			}
			pkg, err := s.pkg(dir)
			if err != nil {
				c.broken = true
			}
			if pkg == nil {
				continue
			}
			c.packages[dir] = pkg
			for _, name := range pkg.Imports {
				at, ok := s.project.resolve(name)
				switch {
				case name == "C" || name == "unsafe":
				case ok:
					next = append(next, at)
				case s.project.external(name):
					c.external[name] = true
				default:
					c.standard[name] = true
				}
			}
		}
		todo = next
	}
	return c
}

// compiled lists what is compiled before the programs: what they import from other
// modules, and of the standard library.
func (c *closure) compiled() []string {
	return slices.Concat(slices.Sorted(maps.Keys(c.external)), slices.Sorted(maps.Keys(c.standard)))
}

// importer is a file that imports a package, and the line.
func (c *closure) importer(name string) (file string, line int) {
	for _, dir := range slices.Sorted(maps.Keys(c.packages)) {
		if at := c.packages[dir].ImportPos[name]; len(at) > 0 {
			return path.Join(dir, path.Base(at[0].Filename)), at[0].Line
		}
	}
	return "", 0
}

// onlyCgo tells whether a package is left with no files for want of cgo.
func (s *scanner) onlyCgo(dir string) bool {
	pkg, err := s.pkg(dir)
	if !isNoGo(err) || pkg == nil {
		return false
	}
	for _, name := range pkg.IgnoredGoFiles {
		data, err := fs.ReadFile(s.project.src, path.Join(dir, name))
		if err != nil {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly)
		if err == nil && slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"C"` }) {
			return true
		}
	}
	return false
}

// embeds lists the files and folders that a package embeds, as paths in the build
// context. Of a pattern with a wildcard it is what the first part of it matches.
func (p *project) embeds(dir string, pkg *build.Package) []string {
	var out []string
	for _, pattern := range pkg.EmbedPatterns {
		pattern = path.Clean(strings.TrimPrefix(pattern, "all:"))
		fixed, rest := ".", strings.Split(pattern, "/")
		for len(rest) > 0 && !strings.ContainsAny(rest[0], `*?[\`) {
			fixed, rest = path.Join(fixed, rest[0]), rest[1:]
		}
		if len(rest) == 0 {
			out = append(out, path.Join(dir, fixed))
			continue
		}
		entries, err := fs.ReadDir(p.src, path.Join(dir, fixed))
		if err != nil {
			continue // The go command says so.
		}
		for _, e := range entries {
			if ok, err := path.Match(rest[0], e.Name()); ok && err == nil {
				out = append(out, path.Join(dir, fixed, e.Name()))
			}
		}
	}
	return out
}
