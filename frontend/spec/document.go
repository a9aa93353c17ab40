package spec

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is a spec as it was written, before variables have values. One is
// read once a request and resolved once a platform.
type Document struct {
	file string
	text string
	root *yaml.Node
	args args
}

// Read reads the YAML of a spec and the arguments that it declares. file names
// it in messages. The error is a Problems.
func Read(file string, data []byte) (*Document, error) {
	doc := &Document{file: file, text: strings.TrimPrefix(string(data), "\uFEFF")}
	d := newDecoder(file, doc.text)
	doc.root = d.parseYAML(doc.text)
	if doc.root != nil && doc.root.Kind == yaml.MappingNode {
		for _, p := range d.entries(doc.root, []*yaml.Node{doc.root}) {
			if p.name == "args" {
				d.value(p.value, Path{"args"}, reflect.ValueOf(&doc.args).Elem())
			}
		}
	}
	if doc.root == nil {
		return nil, d.problems.sorted()
	}
	return doc, nil
}

// Resolve gives variables their values and returns the spec that results. vars
// holds those of the predefined arguments and of the arguments that the request
// sets; others in it are ignored. The error is a Problems that lists every
// mistake found.
func (doc *Document) Resolve(vars map[string]string) (*Spec, error) {
	return doc.resolve(newExpander(doc.args, vars))
}

func (doc *Document) resolve(vars *expander) (*Spec, error) {
	d := newDecoder(doc.file, doc.text)
	d.vars = vars
	s := &Spec{file: doc.file}
	if d.root(doc.root, s) && !d.overflow {
		d.validate(s)
	}
	s.at = d.at
	for name := range d.vars.used {
		if a := s.Args[name]; a != nil {
			a.Used = true
		}
	}
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	return s, nil
}

// Declares tells whether the spec takes a build argument of that name.
func (doc *Document) Declares(name string) bool {
	return doc.args[name] != nil || slices.Contains(Predefined, name)
}

// Parse reads a spec and resolves it without any values from outside but those
// of a build for linux/amd64 on linux/amd64.
func Parse(file string, data []byte) (*Spec, error) {
	doc, err := Read(file, data)
	if err != nil {
		return nil, err
	}
	return doc.Resolve(map[string]string{
		"TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64", "TARGETVARIANT": "",
		"BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
	})
}
