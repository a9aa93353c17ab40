package rust

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// cargoLock is the part of a Cargo.lock that tells what is compiled.
type cargoLock struct {
	Package []lockedPackage `toml:"package"`
}

type lockedPackage struct {
	Name    string `toml:"name"`
	Version string `toml:"version"`
	// Source is empty for a package of the project.
	Source string `toml:"source"`
	// Checksum is the SHA-256 of the archive that a registry has, in hexadecimal.
	Checksum     string   `toml:"checksum"`
	Dependencies []string `toml:"dependencies"`
}

// readLock reads a lock file. One that cannot be read is for Cargo to refuse, and
// gives an empty one.
func readLock(data []byte) cargoLock {
	var l cargoLock
	if err := toml.Unmarshal(data, &l); err != nil {
		return cargoLock{}
	}
	return l
}

// Checksum is the SHA-256 of the archive of a package, in hexadecimal, as the lock
// file has it; empty for what comes from no registry.
func (p *Plan) Checksum(name, version, source string) string {
	for _, l := range p.workspace.lockFile.Package {
		if l.Name == name && l.Version == version && l.Source == source {
			return l.Checksum
		}
	}
	return ""
}

// external tells whether anything comes from elsewhere.
func (l cargoLock) external() bool {
	for _, p := range l.Package {
		if p.Source != "" {
			return true
		}
	}
	return false
}

// git lists the repositories that dependencies come from.
func (l cargoLock) git() []string {
	var out []string
	for _, p := range l.Package {
		if repo, ok := strings.CutPrefix(p.Source, "git+"); ok {
			repo, _, _ = strings.Cut(repo, "#")
			repo, _, _ = strings.Cut(repo, "?")
			out = append(out, repo)
		}
	}
	return out
}

// maskable lists the packages of the project whose version nothing but the project
// itself refers to.
func (l cargoLock) maskable() map[string]bool {
	count, outside := map[string]int{}, map[string]bool{}
	for _, p := range l.Package {
		count[p.Name]++
		if p.Source == "" {
			continue
		}
		for _, dep := range p.Dependencies {
			name, _, _ := strings.Cut(dep, " ")
			outside[name] = true
		}
	}
	out := map[string]bool{}
	for _, p := range l.Package {
		if p.Source == "" && count[p.Name] == 1 && !outside[p.Name] {
			out[p.Name] = true
		}
	}
	return out
}

// maskedVersion is the version that packages of the project have in the skeleton,
// so that a release, which changes nothing else, compiles no dependency.
const maskedVersion = "0.0.0"

// maskLock gives the packages in masked that version. Cargo compares a lock file
// with what it would write letter by letter, so everything else stays as it is.
func maskLock(lock []byte, masked map[string]bool) []byte {
	var out bytes.Buffer
	name := ""
	for line := range bytes.Lines(lock) {
		key, value, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " = ")
		switch key {
		case "[[package]]":
			name = ""
		case "name":
			name = strings.Trim(value, `"`)
		case "version":
			if masked[name] {
				line = []byte("version = \"" + maskedVersion + "\"\n")
			}
		}
		out.Write(line)
	}
	return out.Bytes()
}
