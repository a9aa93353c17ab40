package frontend

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	scan "github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// predicateSPDX is the type of an attestation that is an SPDX document. BuildKit runs
// its own generator when a result comes without one.
const predicateSPDX = "https://spdx.dev/Document"

// sbomFile is what BuildKit calls the SBOM of an image where attestations are files.
const sbomFile = "sbom.spdx.json"

// sbomKeys are the options of a request that ask for an SBOM.
var sbomKeys = []string{"attest:sbom", "build-arg:BUILDKIT_ATTEST_SBOM"}

// namesGenerator tells whether the request names the image that makes the SBOM, as in
// --attest type=sbom,generator=IMAGE. dockerui fills in BuildKit's own.
func (r *request) namesGenerator() bool {
	for _, key := range sbomKeys {
		fields, err := csv.NewReader(strings.NewReader(r.BuildOpts().Opts[key])).Read()
		if err != nil {
			continue // None, or what dockerui has refused before.
		}
		for _, field := range fields {
			if strings.HasPrefix(field, "generator=") {
				return true
			}
		}
	}
	return false
}

// scanner is the generator that the request names; nil when it names none.
func (r *request) scanner(ctx context.Context) (scan.Scanner, error) {
	if r.SBOM == nil || !r.namesGenerator() {
		return nil, nil
	}
	s, err := scan.CreateSBOMScanner(ctx, r.GatewayClient(), r.SBOM.Generator, r.BuildPlatforms[0],
		r.resolveOpt("[internal] load metadata for "+r.SBOM.Generator, r.BuildPlatforms[0]), r.SBOM.Parameters)
	if err != nil {
		// Of what it wraps, a client shows the status of the far side alone.
		return nil, fmt.Errorf("the SBOM generator %s cannot be used (%s); without generator= the frontend writes the SBOM itself", r.SBOM.Generator, err.Error())
	}
	return s, nil
}

// told is what there is to attest of the result for one platform.
type told struct {
	// image is what was built, and sources what of.
	image, sources llb.State
	// sbom is the document of the frontend's.
	sbom []byte
	opts []llb.ConstraintsOpt
}

// attest adds an SBOM to the result for each platform, if the request asks for it.
func (p *prepared) attest(ctx context.Context, rb *dockerui.ResultBuilder, products []product) error {
	if p.req.SBOM == nil {
		return nil
	}
	return rb.EachPlatform(ctx, func(ctx context.Context, id string, _ ocispecs.Platform) error {
		pf, of := products[0].attested()
		for _, other := range products[1:] {
			if opf, o := other.attested(); platforms.FormatAll(platforms.Normalize(opf.OCI)) == id {
				pf, of = opf, o
			}
		}
		att, err := p.attestation(ctx, id, pf, of)
		if err != nil {
			return err
		}
		rb.AddAttestation(id, *att)
		return nil
	})
}

// attestation is the SBOM of a result.
func (p *prepared) attestation(ctx context.Context, id string, pf platform.Platform, of told) (*client.Attestation, error) {
	att := result.Attestation[*llb.State]{
		// BuildKit adds to what is marked as its own generator's. Without that mark the
		// document stays byte for byte what it is.
		Kind:     gwpb.AttestationKind_InToto,
		Metadata: map[string][]byte{result.AttestationReasonKey: []byte(result.AttestationReasonSBOM)},
		Path:     sbomFile,
		InToto:   result.InTotoAttestation{PredicateType: predicateSPDX},
	}
	if p.generator == nil {
		st := toolchain.FilesState(map[string][]byte{sbomFile: of.sbom}, nil, fmt.Sprintf("[%s] SBOM", pf), of.opts...)
		att.Ref = &st
	} else {
		var err error
		if att, err = p.generator(ctx, id, of.image, map[string]llb.State{"sources": of.sources}, of.opts...); err != nil {
			return nil, err
		}
	}
	return result.ConvertAttestation(&att, func(st *llb.State) (client.Reference, error) { return p.req.solve(ctx, *st) })
}
