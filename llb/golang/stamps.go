package golang

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Variables are the variables of the sources that the linker may set. Packages are
// read when they are first asked for.
type Variables struct {
	project  *project
	programs []string
	read     map[string]*declarations
}

// NewVariables is for the programs of t. The error is that of [New].
func NewVariables(s *spec.Spec, t *spec.Target, src fs.FS) (*Variables, error) {
	p, err := New(s, t, src)
	if err != nil {
		return nil, err
	}
	return &Variables{project: p.project, programs: p.own.dirs, read: map[string]*declarations{}}, nil
}

// Stampable says why the linker has no effect on the variable name, such as
// main.version, and what to do; it is empty when it has, or when the sources do not
// show it. The linker itself is silent ("go doc cmd/link", -X).
func (v *Variables) Stampable(name string) string {
	dot := strings.LastIndex(name, ".")
	if dot < 0 {
		return ""
	}
	importPath, variable := name[:dot], name[dot+1:]
	dirs := v.programs
	if importPath != "main" {
		dir, ok := v.project.resolve(importPath)
		if !ok {
			return ""
		}
		if slices.Contains(v.programs, dir) {
			return fmt.Sprintf("the linker knows the package of a program as main: write main.%s", variable)
		}
		dirs = []string{dir}
	}
	why := ""
	for _, dir := range dirs {
		d := v.declarations(dir)
		if d == nil {
			return ""
		}
		if why = d.stampable(variable, dir); why == "" {
			return ""
		}
	}
	return why
}

// declarations are what one package declares at its top level.
type declarations struct {
	consts map[string]bool
	// vars holds why a variable cannot be set, empty for those that can.
	vars map[string]string
}

func (d *declarations) stampable(name, dir string) string {
	why, ok := d.vars[name]
	switch {
	case d.consts[name]:
		return fmt.Sprintf("%s is a constant, which the linker cannot set; declare it with var", name)
	case !ok:
		var settable []string
		for v, why := range d.vars {
			if why == "" {
				settable = append(settable, v)
			}
		}
		slices.Sort(settable)
		return fmt.Sprintf("there is no variable %s in %s%s", name, dir, spec.DidYouMean(name, settable))
	case why != "":
		return fmt.Sprintf("%s %s", name, why)
	}
	return ""
}

// declarations reads a package. It is nil when a file of it cannot be read, which is
// for the go command to say. Files of other platforms count too: a variable that one
// of them declares may be what is meant.
func (v *Variables) declarations(dir string) *declarations {
	if d, ok := v.read[dir]; ok {
		return d
	}
	v.read[dir] = nil
	files, err := v.project.sources(dir)
	if err != nil {
		return nil
	}
	d := &declarations{consts: map[string]bool{}, vars: map[string]string{}}
	var specs []*ast.ValueSpec
	for _, f := range files {
		if path.Ext(f.Name()) != ".go" {
			continue
		}
		text, err := fs.ReadFile(v.project.src, path.Join(dir, f.Name()))
		if err != nil {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), text, parser.SkipObjectResolution)
		if err != nil {
			return nil
		}
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				switch s, ok := s.(*ast.ValueSpec); {
				case ok && g.Tok == token.CONST:
					for _, n := range s.Names {
						d.consts[n.Name] = true
					}
				case ok && g.Tok == token.VAR:
					specs = append(specs, s)
				}
			}
		}
	}
	for _, s := range specs {
		maps.Copy(d.vars, d.settable(s))
	}
	v.read[dir] = d
	return d
}

// settable says of the variables of one declaration why they cannot be set.
func (d *declarations) settable(s *ast.ValueSpec) map[string]string {
	out := map[string]string{}
	for i, n := range s.Names {
		var value ast.Expr
		if i < len(s.Values) {
			value = s.Values[i]
		}
		switch {
		case !d.isString(s.Type, value):
			out[n.Name] = "is not a string, and the linker sets nothing else; declare it as a string"
		case len(s.Values) > 0 && !d.constant(value):
			out[n.Name] = "gets its value when the program starts, which goes over what the linker sets; declare it without a value, or with a text"
		default:
			out[n.Name] = ""
		}
	}
	return out
}

// isString tells whether a variable of that type or value is, or may be, a string.
func (d *declarations) isString(typ, value ast.Expr) bool {
	if typ != nil {
		id, ok := typ.(*ast.Ident)
		return ok && id.Name == "string"
	}
	switch x := value.(type) {
	case *ast.BasicLit:
		return x.Kind == token.STRING
	case *ast.CompositeLit, *ast.FuncLit, *ast.UnaryExpr, *ast.StarExpr:
		return false
	case *ast.Ident:
		return x.Name != "true" && x.Name != "false" && x.Name != "nil"
	}
	return true
}

// constant tells whether an expression is, or may be, a constant.
func (d *declarations) constant(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit, *ast.SelectorExpr:
		return true
	case *ast.ParenExpr:
		return d.constant(x.X)
	case *ast.BinaryExpr:
		return d.constant(x.X) && d.constant(x.Y)
	case *ast.Ident:
		return d.consts[x.Name]
	case *ast.CallExpr:
		// A conversion of a constant is one.
		id, ok := x.Fun.(*ast.Ident)
		return ok && id.Name == "string" && len(x.Args) == 1 && d.constant(x.Args[0])
	}
	return false
}
