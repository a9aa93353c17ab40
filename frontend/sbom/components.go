package sbom

import (
	"runtime/debug"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// purl is the package URL of a name in a namespace; q are its qualifiers, by turns a
// key and a value. Those without a value are left out.
func purl(kind, space, name, version string, q ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(q); i += 2 {
		if q[i+1] != "" {
			m[q[i]] = q[i+1]
		}
	}
	u := packageurl.NewPackageURL(kind, space, name, version, packageurl.QualifiersFromMap(m), "")
	if err := u.Normalize(); err != nil {
		return ""
	}
	return u.ToString()
}

// Go is what a Go program says that it was compiled from ("go version -m"). It does not
// say which module needs which, so all are dependencies of its own.
func Go(info *debug.BuildInfo) Graph {
	var g Graph
	root := goModule(&info.Main)
	if info.Main.Path == "" {
		// A program of a single file has no module.
		root = Component{Name: info.Path}
	}
	root.Purpose = Application
	g.Components = append(g.Components, root)
	add := func(c Component) {
		c.Purpose = Library
		g.Edges = append(g.Edges, Edge{From: 0, To: len(g.Components)})
		g.Components = append(g.Components, c)
	}
	// Experiments and the like follow the version.
	version, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	add(Component{Name: "stdlib", Version: version, PURL: purl("golang", "", "stdlib", version), Comment: "the standard library of Go"})
	for _, m := range info.Deps {
		add(goModule(m))
	}
	return g
}

// goModule is a module, or what stands for it.
func goModule(m *debug.Module) Component {
	c := Component{}
	if r := m.Replace; r != nil {
		if r.Version == "" {
			c.Comment = "replaced by a folder of the build context"
			m = &debug.Module{Path: m.Path}
		} else {
			c.Comment = "in place of " + m.Path + " " + m.Version
			m = r
		}
	}
	c.Name = m.Path
	// A module that git says nothing of has no version.
	if m.Version != "(devel)" {
		c.Version = m.Version
	}
	if m.Sum != "" {
		// It is a sum of sums, which no checksum of SPDX is.
		c.Source = "go.sum " + m.Sum
	}
	space, name := "", m.Path
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		space, name = name[:i], name[i+1:]
	}
	c.PURL = purl("golang", space, name, c.Version)
	return c
}

const cratesIO = "registry+https://github.com/rust-lang/crates.io-index"

// Rust is what Cargo compiled a program from. checksum tells, by name, version and
// source, the SHA-256 of what a registry has; it may know none.
func Rust(list *sourcesync.Packages, checksum func(name, version, source string) string) Graph {
	var g Graph
	for i, p := range list.Packages {
		c := Component{Name: p.Name, Version: p.Version, Purpose: Library, SHA256: checksum(p.Name, p.Version, p.Source)}
		kind, address, _ := strings.Cut(p.Source, "+")
		switch {
		case p.Source == "":
			c.Source = "the build context"
			c.PURL = purl("cargo", "", p.Name, p.Version)
		case p.Source == cratesIO:
			c.Download = "https://crates.io/api/v1/crates/" + p.Name + "/" + p.Version + "/download"
			c.PURL = purl("cargo", "", p.Name, p.Version)
		case kind == "git":
			// Cargo writes the commit last.
			repo, commit, _ := strings.Cut(address, "#")
			repo, _, _ = strings.Cut(repo, "?")
			c.Source = "git " + repo + " " + commit
			c.Download = "git+" + repo + "@" + commit
			c.PURL = purl("cargo", "", p.Name, p.Version, "vcs_url", c.Download)
		default:
			c.Source = "the registry " + address
			c.PURL = purl("cargo", "", p.Name, p.Version, "repository_url", address)
		}
		if p.Root {
			g.Root, c.Purpose = i, Application
		}
		g.Components = append(g.Components, c)
		for _, to := range p.Dependencies {
			g.Edges = append(g.Edges, Edge{From: i, To: to})
		}
		for _, to := range p.BuildDependencies {
			g.Edges = append(g.Edges, Edge{From: i, To: to, Build: true})
		}
	}
	return g
}

// Debian is a package of Debian that data comes from; comment says what of it.
func Debian(name, version, comment string) Component {
	return Component{Name: name, Version: version, PURL: purl("deb", "debian", name, version, "arch", "all"), Comment: comment, Purpose: File}
}

// OCI is an image in a registry: its name with the registry and without a tag, the tag
// and the digest, each of which but the name may be empty.
func OCI(name, tag, digest, comment string) Component {
	c := Component{Name: name, Version: tag, Comment: comment, Purpose: Container}
	if digest == "" {
		return c
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	c.PURL = purl("oci", "", base, digest, "repository_url", name, "tag", tag)
	if sum, ok := strings.CutPrefix(digest, "sha256:"); ok {
		c.SHA256 = sum
	}
	return c
}
