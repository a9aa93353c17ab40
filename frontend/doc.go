// Package frontend answers BuildKit's requests: it reads the spec and the
// sources, lets the graph be built and solved, proves the result and hands it
// back. Build reads as the story of a request.
package frontend
