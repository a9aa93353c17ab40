// Package gocache keeps what the go command compiles, in two places at once.
//
// The go command addresses what it compiled by the content of what it was compiled
// from, so nothing that lies in a cache is ever stale; all that matters is that it is
// there. A cache mount has everything, until it is pruned or the builder is a new one.
// A layer goes wherever a build cache is exported to, but a change of the project's
// dependencies makes another layer. So the helper serves the go command out of both,
// by the protocol of GOCACHEPROG (Go 1.24): a layer of compiled dependencies, which is
// read only, and behind it a store on a cache mount, which everything goes to. The
// build that makes such a layer harvests what it was served, so after a bump it
// compiles what is new and copies the rest.
//
// An older go command has no such protocol. It gets a cache directory as the go
// command itself lays it out: a new one for the layer, and the store with a copy of
// the layer for those that build on it.
//
// The package uses nothing but the standard library: the bytes of the helper are part
// of the key of every compile, and must not change when a dependency does.
package gocache
