// Package spec reads fromscratch.yaml: YAML in, a validated Spec with the
// source position of every key and value out.
//
// The package is pure data. It knows nothing of LLB, of the gateway or of the
// build context; what can be checked without them is checked here, and every
// mistake is reported at its line with what to write instead.
package spec
