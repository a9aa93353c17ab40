// Package schema holds the JSON schema of the spec language, by which editors
// complete and check a fromscratch.yaml while it is written.
//
// The schema and the reference of the language, docs/spec.md, are generated from
// the types and the comments of package spec. The schema never refuses what the
// parser accepts; what only the parser can know, such as whether an argument is
// declared, it leaves to the parser.
package schema

import (
	_ "embed"
	"slices"
)

//go:generate go run ./internal/generate

//go:embed schema.json
var schemaJSON []byte

// JSON returns the schema, in the draft 2020-12 of JSON Schema. The caller may
// change what it gets.
func JSON() []byte { return slices.Clone(schemaJSON) }
