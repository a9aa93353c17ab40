package builds

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// Steps are the vertices of a build, by their names. Of several builds in one
// (bake), a name begins with that of the target: "[api linux/amd64] go build .".
type Steps struct {
	// ran tells of each whether it ran; what came out of the cache did not.
	ran map[string]bool
	// digests are those of the vertices.
	digests map[string]digest.Digest
}

// Ran lists the steps that ran and whose names match, sorted.
func (s Steps) Ran(names *regexp.Regexp) []string { return s.list(names, true) }

// Cached lists the steps that came out of the cache and whose names match, sorted.
func (s Steps) Cached(names *regexp.Regexp) []string { return s.list(names, false) }

// Distinct counts the steps whose names match. What several targets share is one.
func (s Steps) Distinct(names *regexp.Regexp) int {
	seen := map[digest.Digest]bool{}
	for name, d := range s.digests {
		if names.MatchString(name) {
			seen[d] = true
		}
	}
	return len(seen)
}

func (s Steps) list(names *regexp.Regexp, ran bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.ran)) {
		if s.ran[name] == ran && names.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}

// ReadSteps reads what --progress=rawjson writes, up to its end. It returns the
// steps that finished, and what ReadProgress leaves for people. The build began at
// since, by the clock of the builder: what started before ran for another build.
// done, if it is not nil, is called for each step that ran, as soon as it finished.
func ReadSteps(progress io.Reader, since time.Time, done func(*client.Vertex)) (Steps, string, error) {
	s := Steps{ran: map[string]bool{}, digests: map[string]digest.Digest{}}
	text, err := ReadProgress(progress, func(status *client.SolveStatus) {
		for _, v := range status.Vertexes {
			if v.Completed == nil {
				continue
			}
			// A step that is part of several builds ran if it did for one of them.
			ran := s.ran[v.Name]
			ours := !v.Cached && (v.Started == nil || !v.Started.Before(since))
			s.ran[v.Name], s.digests[v.Name] = ran || ours, v.Digest
			if done != nil && s.ran[v.Name] && !ran {
				done(v)
			}
		}
	})
	if err != nil {
		return Steps{}, "", err
	}
	return s, text, nil
}
