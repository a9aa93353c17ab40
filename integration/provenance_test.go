//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// provenance is the part of a SLSA provenance that is looked at ("SLSA definitions" in
// BuildKit's documentation).
type provenance struct {
	BuildDefinition struct {
		ExternalParameters struct {
			Request struct{ Locals []struct{ Name string } }
		}
		InternalParameters struct {
			BuildConfig struct {
				Steps []provenanceStep `json:"llbDefinition"`
			}
		}
		ResolvedDependencies []struct {
			URI    string
			Digest map[string]string
		}
	}
	RunDetails struct {
		Metadata struct {
			BuildKit struct {
				Source struct {
					Infos []struct {
						Filename string
						Data     []byte
					}
					Locations map[string]struct{ Locations []provenanceLocation }
				}
			} `json:"buildkit_metadata"`
		}
	}
}

type provenanceStep struct {
	ID string
	Op struct {
		Op struct {
			Exec   struct{ Meta struct{ Args []string } }
			Source struct{ Identifier string }
		}
	}
}

type provenanceLocation struct {
	Ranges []struct{ Start struct{ Line int } }
}

// digestOf is the digest of an image in the registry, after its algorithm.
func digestOf(t *testing.T, image string) string {
	t.Helper()
	return strings.TrimPrefix(strings.TrimSpace(string(attested(t, bed.Registry+"/"+image, "{{.Manifest.Digest}}"))), "sha256:")
}

// TestProvenance: what a build took is complete, and in max mode each step points at the
// line of the spec that it comes from.
func TestProvenance(t *testing.T) {
	files := with(goProgram(hello), "fromscratch.yaml", strings.Replace(goSpec, "toolchain: go-cgo0", "toolchain: {name: go-cgo0, image: 'golang:1.26'}", 1))
	dir := builds.Write(t, files)
	lines := strings.Split(files["fromscratch.yaml"], "\n")
	for _, mode := range []string{"min", "max"} {
		t.Run(mode, func(t *testing.T) {
			image := bed.Registry + "/test/provenance-" + mode
			push(t, builds.Build{Bed: bed, Context: dir, Attest: []string{"type=provenance,mode=" + mode}}, builds.Image, image)
			var p provenance
			require.NoError(t, json.Unmarshal(attested(t, image, "{{json .Provenance.SLSA}}"), &p))

			materials := map[string]string{}
			for _, d := range p.BuildDefinition.ResolvedDependencies {
				name, _, _ := strings.Cut(d.URI, "?")
				materials[name] = d.Digest["sha256"]
			}
			require.Equal(t, map[string]string{
				"pkg:docker/" + strings.Replace(builds.FrontendImage, ":", "@", 1): digestOf(t, builds.FrontendImage),
				"pkg:docker/golang@1.26": digestOf(t, "library/golang:1.26"),
			}, materials)
			if mode == "min" {
				require.Empty(t, p.BuildDefinition.InternalParameters.BuildConfig.Steps)
				return
			}
			locals := fmt.Sprint(p.BuildDefinition.ExternalParameters.Request.Locals)
			require.Contains(t, locals, "{context}")
			source := p.RunDetails.Metadata.BuildKit.Source
			require.Len(t, source.Infos, 1)
			require.Equal(t, "fromscratch.yaml", source.Infos[0].Filename)
			require.Equal(t, files["fromscratch.yaml"], string(source.Infos[0].Data))
			at := map[string]string{}
			for _, step := range p.BuildDefinition.InternalParameters.BuildConfig.Steps {
				line := ""
				if l := source.Locations[step.ID].Locations; len(l) > 0 && len(l[0].Ranges) > 0 {
					line = strings.TrimSpace(lines[l[0].Ranges[0].Start.Line-1])
				}
				switch op := step.Op.Op; {
				case slices.Contains(op.Exec.Meta.Args, "-trimpath"):
					at["compile"] = line
				case strings.Contains(op.Source.Identifier, "library/golang"):
					at["toolchain"] = line
				}
			}
			require.Equal(t, map[string]string{"compile": "build: .", "toolchain": "toolchain: {name: go-cgo0, image: 'golang:1.26'}"}, at)
		})
	}
}
