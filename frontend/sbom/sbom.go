// Package sbom writes down what an image is made of, as an SPDX 2.3 document. It knows
// nothing of BuildKit: facts go in, JSON comes out, and the same facts give the same
// bytes.
package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdx/v2/common"
)

// Purposes of a component ("Primary Package Purpose" in SPDX 2.3, section 7.24).
const (
	Application = "APPLICATION"
	Library     = "LIBRARY"
	Container   = "CONTAINER"
	File        = "FILE"
)

// Image is what is known of an image for one platform.
type Image struct {
	// Name is the name of the target, Platform such as linux/arm64.
	Name, Platform string
	// Created is the time of the image.
	Created time.Time
	// Tool names the program that writes the document, with its version.
	Tool string
	// Programs are its programs, and Parts what it holds besides.
	Programs []Program
	Parts    []Component
}

// Program is one program of an image.
type Program struct {
	// Path is where it is in the image, SHA1 and SHA256 are its checksums in
	// hexadecimal.
	Path, SHA1, SHA256 string
	// Graph is what it was compiled from. Of a program that nothing is known of there is
	// none.
	Graph Graph
	// Tools are the images that it was compiled with.
	Tools []Component
}

// Graph is what a program was compiled from.
type Graph struct {
	// Components are all there is; Root is the index of what the program itself is.
	Components []Component
	Root       int
	Edges      []Edge
}

// Edge says that a component of a graph depends on another. Both are indices.
type Edge struct {
	From, To int
	// Build is set when the dependency only takes part in the compile.
	Build bool
}

// Component is a package in the words of SPDX.
type Component struct {
	Name, Version string
	// PURL is the package URL, empty for what is known under none.
	PURL string
	// Download is the address that it comes from, empty when that is not known.
	Download string
	// SHA256 is the checksum, in hexadecimal, of what Download gives.
	SHA256 string
	// Source says in words where it comes from, Comment what else there is to say.
	Source, Comment string
	// Purpose is one of those above.
	Purpose string
}

// namespace is what the address of a document begins with. Nothing is there to be
// had: the address only tells documents apart (SPDX 2.3, section 6.5).
const namespace = "https://github.com/fromscratch-build/fromscratch/spdx/"

// Marshal writes the document. It is on one line and ends in no newline, so that it has
// the same bytes as the predicate of an attestation and as a file.
func (img Image) Marshal() ([]byte, error) {
	d := document{ids: map[string]common.ElementID{}, said: map[string]bool{}}
	root := d.component(Component{Name: img.Name, Purpose: Container, Comment: "the image for " + img.Platform})
	d.relate(common.ElementID("DOCUMENT"), common.TypeRelationshipDescribe, root)
	for _, p := range img.Programs {
		d.program(root, p)
	}
	for _, c := range img.Parts {
		d.relate(root, common.TypeRelationshipContains, d.component(c))
	}
	doc := &spdx.Document{
		SPDXVersion:    spdx.Version,
		DataLicense:    spdx.DataLicense,
		SPDXIdentifier: "DOCUMENT",
		DocumentName:   img.Name + " " + img.Platform,
		CreationInfo: &spdx.CreationInfo{
			Created:  img.Created.UTC().Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: img.Tool}},
		},
		Packages:      d.packages,
		Files:         d.files,
		Relationships: d.relations,
	}
	// Documents with different content must have different addresses.
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	doc.DocumentNamespace = namespace + idOf(img.Name, img.Platform) + "-" + hex.EncodeToString(sum[:])
	return json.Marshal(doc)
}

// document is a document that grows.
type document struct {
	packages  []*spdx.Package
	files     []*spdx.File
	relations []*spdx.Relationship
	// ids are those of components by what makes them one, and said what was related.
	ids  map[string]common.ElementID
	said map[string]bool
}

// program adds a program of the image root.
func (d *document) program(root common.ElementID, p Program) {
	sum := sha256.Sum256([]byte(p.Path))
	file := common.ElementID(idOf("File", p.Path, hex.EncodeToString(sum[:6])))
	d.files = append(d.files, &spdx.File{
		FileName:           "." + p.Path, // Relative to the root, section 8.1.
		FileSPDXIdentifier: file,
		FileTypes:          []string{"BINARY"},
		FileCopyrightText:  "NOASSERTION",
		Checksums:          []common.Checksum{{Algorithm: common.SHA1, Value: p.SHA1}, {Algorithm: common.SHA256, Value: p.SHA256}},
	})
	d.relate(file, common.TypeRelationshipDescribeBy, "DOCUMENT")
	g := p.Graph
	if len(g.Components) == 0 {
		return
	}
	ids := make([]common.ElementID, len(g.Components))
	for i, c := range g.Components {
		ids[i] = d.component(c)
	}
	program := ids[g.Root]
	d.relate(file, common.TypeRelationshipGeneratedFrom, program)
	d.relate(root, common.TypeRelationshipContains, program)
	for _, e := range g.Edges {
		if e.Build {
			d.relate(ids[e.To], common.TypeRelationshipBuildDependencyOf, ids[e.From])
		} else {
			d.relate(ids[e.From], common.TypeRelationshipDependsOn, ids[e.To])
		}
	}
	for _, c := range p.Tools {
		d.relate(d.component(c), common.TypeRelationshipBuildToolOf, program)
	}
}

// component adds a component, once.
func (d *document) component(c Component) common.ElementID {
	key := strings.Join([]string{c.Purpose, c.Name, c.Version, c.PURL, c.Download, c.SHA256, c.Source, c.Comment}, "\x00")
	if id, ok := d.ids[key]; ok {
		return id
	}
	sum := sha256.Sum256([]byte(key))
	id := common.ElementID(idOf("Package", c.Name, c.Version, hex.EncodeToString(sum[:6])))
	d.ids[key] = id
	p := &spdx.Package{
		PackageName:             c.Name,
		PackageSPDXIdentifier:   id,
		PackageVersion:          c.Version,
		PackageDownloadLocation: "NOASSERTION",
		PackageSourceInfo:       c.Source,
		PackageComment:          c.Comment,
		PrimaryPackagePurpose:   c.Purpose,
	}
	if c.Download != "" {
		p.PackageDownloadLocation = c.Download
	}
	if c.SHA256 != "" {
		p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: c.SHA256}}
	}
	if c.PURL != "" {
		p.PackageExternalReferences = []*spdx.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: c.PURL}}
	}
	d.packages = append(d.packages, p)
	return id
}

// relate says, once, how two elements are related.
func (d *document) relate(a common.ElementID, how string, b common.ElementID) {
	key := fmt.Sprintf("%s %s %s", a, how, b)
	if d.said[key] {
		return
	}
	d.said[key] = true
	d.relations = append(d.relations, &spdx.Relationship{
		RefA:         common.MakeDocElementID("", string(a)),
		RefB:         common.MakeDocElementID("", string(b)),
		Relationship: how,
	})
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// idOf makes an identifier of words: letters, digits, dots and dashes (section 6.3).
func idOf(words ...string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
	return strings.Trim(notInID.ReplaceAllString(strings.Join(words, "-"), "-"), "-")
}
