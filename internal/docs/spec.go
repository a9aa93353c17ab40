package docs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Kinds of YAML that the attribute of a block tells.
const (
	// Part has keys of the top level of a spec.
	Part = "part"
	// Wrong is a spec that the frontend refuses.
	Wrong = "wrong"
)

// Spec is the whole spec that a block of YAML stands for. ok is false when it is
// another file.
func (b Block) Spec() (text string, ok bool, err error) {
	switch {
	case b.Language != "yaml" || b.File() && b.Attribute != "fromscratch.yaml":
		return "", false, nil
	case slices.Contains(spec.Toolchains, b.Attribute):
		return "toolchain: " + b.Attribute + "\ntargets:\n  app:\n    " + strings.ReplaceAll(b.Text, "\n", "\n    "), true, nil
	case b.Attribute != Part:
		return b.Text, true, nil
	}
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(b.Text), &keys); err != nil {
		return "", true, err
	}
	text = b.Text
	if _, there := keys["toolchain"]; !there {
		text += "toolchain: go-cgo0\n"
	}
	if _, there := keys["targets"]; !there {
		text += "targets:\n  app: {}\n"
	}
	return text, true, nil
}
