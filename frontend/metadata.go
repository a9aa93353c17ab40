package frontend

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/frontend/dockerui"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil/gitobject"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
)

// provenance is what is known of where an image comes from.
type provenance struct {
	// epoch is the time of the image: SOURCE_DATE_EPOCH, else the time of the commit
	// that a git context is at, else the beginning of 1970. It goes into the config,
	// its history and annotations only.
	epoch time.Time
	// annotations are those of the OCI that nobody has to write. A local context has
	// none: what is in it is known, which commit it is like is not, and the same files
	// would be another image with every commit.
	annotations map[string]string
}

// provenance asks what is known of the build context.
func (r *request) provenance(ctx context.Context) (provenance, error) {
	p := provenance{epoch: time.Unix(0, 0).UTC(), annotations: map[string]string{}}
	known := false
	git, err := r.gitContext(ctx)
	switch {
	case err != nil:
		return p, err
	case git != nil:
		for name, v := range map[string]string{
			ocispecs.AnnotationRevision: git.commit,
			ocispecs.AnnotationSource:   git.url,
			ocispecs.AnnotationVersion:  git.tag,
		} {
			if v != "" {
				p.annotations[name] = v
			}
		}
		if git.time != nil {
			p.epoch, known = git.time.UTC(), true
		}
	case r.tellsOfSources():
		t, err := r.ResolveMainContextSourceDateEpoch(ctx)
		if err != nil {
			return p, errors.Wrap(err, "failed to read the time of the context")
		}
		if t != nil {
			p.epoch = t.UTC()
		}
	}
	if v := r.BuildArgs[keySourceDateEpoch]; v != "" {
		sec, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return p, errors.Errorf("SOURCE_DATE_EPOCH must be a number of seconds since 1970, not %q", v)
		}
		p.epoch, known = time.Unix(sec, 0).UTC(), true
	}
	if known {
		p.annotations[ocispecs.AnnotationCreated] = p.epoch.Format(time.RFC3339)
	}
	return p, nil
}

// tellsOfSources tells whether the daemon can say more of a source than its files.
func (r *request) tellsOfSources() bool {
	caps := r.BuildOpts().Caps
	return caps.Supports(gwpb.CapSourceMetaResolver) == nil
}

// gitSource is a commit of a repository.
type gitSource struct {
	url, commit string
	// tag is the tag that the request names, if it names one.
	tag string
	// time is when it was committed; nil if the daemon does not say.
	time *time.Time
}

// gitContext is the commit that the build context is; nil when it is no git
// repository.
func (r *request) gitContext(ctx context.Context) (*gitSource, error) {
	name := contextOf(r.BuildOpts().Opts)
	st, ok, err := dockerui.DetectGitContext(name, nil)
	if !ok || err != nil || !r.tellsOfSources() {
		// What is wrong with it, loading the context tells.
		return nil, nil
	}
	ref, _, err := dfgitutil.ParseGitRef(name)
	if err != nil {
		return nil, err
	}
	op, err := sourceOp(ctx, *st)
	if err != nil {
		return nil, err
	}
	md, err := r.GatewayClient().ResolveSourceMetadata(ctx, op, sourceresolver.Opt{
		LogName: "[internal] read the commit of the build context",
		GitOpt:  &sourceresolver.ResolveGitOpt{ReturnObject: true},
	})
	if err != nil {
		return nil, errors.Wrap(err, "failed to read the commit of the build context")
	}
	if md == nil || md.Git == nil {
		return nil, nil
	}
	src := &gitSource{url: publicURL(ref), commit: cmp.Or(md.Git.CommitChecksum, md.Git.Checksum)}
	src.tag, _ = strings.CutPrefix(md.Git.Ref, "refs/tags/")
	if src.tag == md.Git.Ref {
		src.tag = ""
	}
	if len(md.Git.CommitObject) == 0 {
		return src, nil
	}
	obj, err := gitobject.Parse(md.Git.CommitObject)
	if err != nil {
		return nil, err
	}
	commit, err := obj.ToCommit()
	if err != nil {
		return nil, err
	}
	src.time = commit.Committer.When
	return src, nil
}

// sourceOp is the operation that a state of one source is made of.
func sourceOp(ctx context.Context, st llb.State) (*pb.SourceOp, error) {
	def, err := st.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	for _, dt := range def.ToPB().Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		if src := op.GetSource(); src != nil {
			return src, nil
		}
	}
	return nil, errors.New("the build context is no source")
}

// publicURL is the address of a repository without what only its owner should know.
// The user of SSH is part of the address; a user of HTTP is a credential.
func publicURL(ref *dfgitutil.GitRef) string {
	if ref.IndistinguishableFromLocal {
		return "https://" + ref.Remote
	}
	if !strings.Contains(ref.Remote, "://") {
		return ref.Remote
	}
	u, err := url.Parse(ref.Remote)
	if err != nil {
		return ""
	}
	if u.Scheme == "ssh" && u.User != nil {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}

// annotations are what is known of the image by itself, and over it what the spec
// says in metadata.
func (b *builder) annotations() map[string]string {
	return joined(b.known, b.target.Metadata.Annotations())
}
