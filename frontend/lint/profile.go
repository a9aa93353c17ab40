package lint

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// profile is what the rules look at in a profile of Cargo. Its values are of
// several types: lto = true, lto = "fat".
type profile struct {
	Inherits string `toml:"inherits"`
	Debug    any    `toml:"debug"`
	LTO      any    `toml:"lto"`
}

// profileSetting is the value of a key of a profile.
type profileSetting struct {
	value string
	// where says in messages where it stands, and that it does.
	where string
	at    spec.Range
	// shared tells that it counts for more than this target.
	shared bool
}

// cargoConfig is a .cargo/config.toml.
type cargoConfig struct {
	name     string
	text     string
	profiles map[string]profile
}

// cargoConfigs lists those that count for a build in dir, the one that goes before
// all others first.
func (s *sources) cargoConfigs(dir string) []*cargoConfig {
	var out []*cargoConfig
	for ; ; dir = path.Dir(dir) {
		c, ok := s.configs[dir]
		if !ok {
			c = s.readConfig(path.Join(dir, ".cargo/config.toml"))
			s.configs[dir] = c
		}
		if c != nil {
			out = append(out, c)
		}
		if dir == "." {
			return out
		}
	}
}

func (s *sources) readConfig(name string) *cargoConfig {
	data := s.read(name)
	if data == nil {
		return nil
	}
	var file struct {
		Profile map[string]profile `toml:"profile"`
	}
	if toml.Unmarshal(data, &file) != nil {
		file.Profile = nil
	}
	return &cargoConfig{name, string(data), file.Profile}
}

// configMentions tells whether Cargo's config for a build in dir mentions text.
func (s *sources) configMentions(dir, text string) bool {
	return slices.ContainsFunc(s.cargoConfigs(dir), func(c *cargoConfig) bool { return strings.Contains(c.text, text) })
}

// profileOf names the profile that t is compiled with.
func profileOf(t *spec.Target) string { return cmp.Or(t.Build.Profile, "release") }

// profileVariable is the environment variable for a key of a profile.
func profileVariable(profile, key string) string {
	return "CARGO_PROFILE_" + strings.ToUpper(strings.ReplaceAll(profile, "-", "_")+"_"+key)
}

// inherits is what the profiles inherit from that Cargo has by itself.
var inherits = map[string]string{"test": "dev", "bench": "release"}

// setting finds the value that t's profile has for a key. As in Cargo, the
// environment goes before config, and config before the manifest ("Profiles" in the
// Cargo book). Defaults are no settings.
func (p *pass) setting(t *spec.Target, key string, of func(profile) any) (profileSetting, bool) {
	sources := p.src.cargoConfigs(t.Build.Dir)
	root := p.src.cargoRoot(t.Build.Dir)
	if m := p.src.manifest(root); m != nil {
		sources = append(sources, &cargoConfig{name: path.Join(root, "Cargo.toml"), profiles: m.Profile})
	}
	seen := map[string]bool{}
	for name := profileOf(t); name != "" && !seen[name]; {
		seen[name] = true
		env := profileVariable(name, key)
		if v, ok := t.Build.Env[env]; ok {
			return profileSetting{value: v, where: fmt.Sprintf("build.env has %s: %s", env, v), at: p.keyRange(pathOf(t, "build", "env", env))}, true
		}
		parent := ""
		for _, s := range sources {
			table := s.profiles[name]
			parent = cmp.Or(parent, table.Inherits)
			v := of(table)
			if v == nil {
				continue
			}
			written := fmt.Sprint(v)
			if text, ok := v.(string); ok {
				written = fmt.Sprintf("%q", text)
			}
			at := p.spec.BuildRange(t.Name())
			if own := pathOf(t, "build", "profile"); p.spec.Wrote(own) {
				at = p.valueRange(own)
			}
			where := fmt.Sprintf("[profile.%s] of %s has %s = %s", name, s.name, key, written)
			return profileSetting{value: fmt.Sprint(v), where: where, at: at, shared: true}, true
		}
		name = cmp.Or(parent, inherits[name])
	}
	return profileSetting{}, false
}

// reportSetting adds a finding about s. What a manifest says to many targets is
// said once.
func (p *pass) reportSetting(s profileSetting, why string) {
	message := s.where + ", " + why
	if s.shared && slices.ContainsFunc(p.findings, func(f Finding) bool { return f.Rule == p.rule && f.Message == message }) {
		return
	}
	p.report(s.at, "%s", message)
}
