package golang

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/fromscratch-build/fromscratch/llb/gocache"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

var _ toolchain.Learner = (*Plan)(nil)

// Facts is what the downloaded modules say of those of the sources. A module that
// was downloaded may import packages of a fork that replace names, of a member of
// the workspace, or of the project itself, and no file of the project shows which.
func (p *Plan) Facts(e toolchain.Env) (llb.State, bool) {
	if !p.layered() || p.project.vendor != "" {
		return llb.State{}, false
	}
	_, facts := p.download(e)
	return facts, true
}

// Learn notes the modules of the sources that downloaded ones require.
func (p *Plan) Learn(facts fs.FS) (again bool, err error) {
	text, err := fs.ReadFile(facts, gocache.RequiredFile)
	if err != nil {
		return false, fmt.Errorf("read which modules of the sources are required: %w", err)
	}
	p.project.required = strings.Fields(string(text))
	return len(p.project.required) > 0, nil
}

// shownWhole lists the folders of those modules of the sources that others may import
// packages of without being seen to. Where nothing was learned, that is each of
// several.
func (p *Plan) shownWhole() []string {
	pr := p.project
	learned := p.layered() && pr.vendor == ""
	all := len(pr.required) > 0 && pr.workspace || !learned && len(pr.modules) > 1 && len(pr.requires) > 0
	reached := pr.reached(pr.required)
	var dirs []string
	for _, m := range pr.modules {
		if all || slices.Contains(reached, m.path) {
			dirs = append(dirs, m.dir)
		}
	}
	return dirs
}

// reached adds to some modules of the sources those that they require.
func (p *project) reached(names []string) []string {
	out := slices.Clone(names)
	for i := 0; i < len(out); i++ {
		for _, m := range p.modules {
			if m.path != out[i] {
				continue
			}
			for _, name := range m.requires {
				if !slices.Contains(out, name) {
					out = append(out, name)
				}
			}
		}
	}
	return out
}
