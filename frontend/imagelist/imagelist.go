// Package imagelist is the answer to docker buildx build --call images: every image that
// builds of a spec fetch, which somebody who mirrors them, or pins them, has to know.
package imagelist

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/solver/pb"
)

// Definition describes the call.
var Definition = subrequests.Request{
	Name:        "frontend.images",
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "List the images that a target, or all of them, is built with, and how to replace each",
	Opts:        []subrequests.Named{{Name: "target", Description: "Target of the spec; default: all"}},
	Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
}

// What an image is to a build.
const (
	Frontend  = "frontend"
	Toolchain = "toolchain"
	Base      = "base"
	Context   = "context"
	Packer    = "upx"
	Shell     = "shell"
	Generator = "SBOM generator"
)

// Image is one image of one target on one platform.
type Image struct {
	// Name is the image as the spec has it, or as the frontend chooses it.
	Name string `json:"name"`
	// Reference is what a build fetches now, with its digest. It is empty when Error is set.
	Reference string `json:"reference,omitempty"`
	// Error is why the image cannot be had.
	Error string `json:"error,omitempty"`
	// Role is what the image is to the build: a constant of this package.
	Role string `json:"role"`
	// Target and Platform are what is built with it; both are empty for what every build
	// has.
	Target   string `json:"target,omitempty"`
	Platform string `json:"platform,omitempty"`
	// ImagePlatform is the platform of the image that is fetched.
	ImagePlatform string `json:"imagePlatform"`
	// Key is the key of the spec that names the image, such as toolchain.image.
	Key string `json:"key,omitempty"`
	// BuildContext is the name that --build-context replaces the image by.
	BuildContext string `json:"buildContext,omitempty"`
	// BuildArg is the build argument that replaces it.
	BuildArg string `json:"buildArg,omitempty"`
	// Replaced tells that the request has replaced it already.
	Replaced bool `json:"replaced,omitempty"`
	// Location is where the spec asks for it.
	Location *pb.Location `json:"location,omitempty"`
}

// List is the answer.
type List struct {
	Images  []Image  `json:"images"`
	Sources [][]byte `json:"sources,omitempty"`
}

// JSON is the answer for programs.
func (l *List) JSON() ([]byte, error) { return json.MarshalIndent(l, "", "  ") }

// group is an image with all that is built with it.
type group struct {
	Image
	targets, platforms, imagePlatforms []string
}

// Print writes the list for people: each image once, with all that is built with it.
func (l *List) Print(w io.Writer) error {
	var groups []*group
	for _, img := range l.Images {
		i := slices.IndexFunc(groups, func(g *group) bool {
			return g.Name == img.Name && g.Role == img.Role && g.Reference == img.Reference && g.Error == img.Error
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{Image: img})
		}
		g := groups[i]
		g.targets = add(g.targets, img.Target)
		g.platforms = add(g.platforms, img.Platform)
		g.imagePlatforms = add(g.imagePlatforms, img.ImagePlatform)
	}
	for i, g := range groups {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, g.text()); err != nil {
			return err
		}
	}
	return nil
}

func add(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (g *group) text() string {
	var s strings.Builder
	fmt.Fprintln(&s, g.Name)
	what := g.Role
	if len(g.targets) > 0 {
		what += " of " + strings.Join(g.targets, ", ") + " for " + strings.Join(g.platforms, ", ")
	}
	fmt.Fprintf(&s, "  %s; taken for %s\n", what, strings.Join(g.imagePlatforms, ", "))
	switch {
	case g.Error != "":
		fmt.Fprintf(&s, "  cannot be had: %s\n", g.Error)
	case g.Replaced:
		fmt.Fprintf(&s, "  replaced by %s\n", g.Reference)
	default:
		fmt.Fprintf(&s, "  is %s\n", g.Reference)
	}
	var ways []string
	switch {
	case g.Role == Frontend:
		ways = append(ways, "the line # syntax= of the spec")
	case g.Key != "":
		ways = append(ways, g.Key+" in the spec")
	}
	if g.BuildArg != "" {
		ways = append(ways, "--build-arg "+g.BuildArg+"=…")
	}
	if g.BuildContext != "" {
		ways = append(ways, "--build-context "+g.BuildContext+"=docker-image://…")
	}
	if g.Role == Generator {
		ways = append(ways, "--attest type=sbom,generator=…")
	}
	fmt.Fprintf(&s, "  to replace it: %s\n", strings.Join(ways, ", or "))
	return s.String()
}
