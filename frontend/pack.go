package frontend

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/fromscratch-build/fromscratch/frontend/sources"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

const (
	// program is the frontend in its own image.
	program     = "/fromscratch"
	packCommand = "pack"
	packFile    = "sources"
)

// Pack is what the program does in a build container, where it is called with arguments:
// it lists the sources in one directory for the frontend, in a file of another.
func Pack(args []string) (err error) {
	if len(args) != 3 || args[0] != packCommand {
		return errors.New("this program is a BuildKit frontend, which docker buildx build runs; it takes no arguments")
	}
	f, err := os.Create(path.Join(args[2], packFile))
	if err != nil {
		return fmt.Errorf("list the sources: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return sources.Pack(args[1], f)
}

// packAhead has much of src, which are the files of st, come in one piece when it turns
// out that much of it is asked for: each answer of BuildKit takes a third of a
// millisecond, and a workspace of 600 crates is two thousand questions. Until the piece
// is there, the questions go on, so that nobody waits for it. tools is the image of the
// frontend.
func (r *request) packAhead(tools func() (llb.State, error), st llb.State, src *sources.FS) {
	src.Ahead(func() {
		ahead(func() error {
			image, err := tools()
			if err != nil {
				return err
			}
			files, err := r.files(r.ctx, r.pack(image, st))
			if err != nil {
				return err
			}
			data, err := files.ReadFile(packFile)
			if err != nil {
				return err
			}
			return src.Load(data)
		})
	})
}

// pack is the vertex that lists the sources in st.
func (r *request) pack(tools, st llb.State) llb.State {
	opts := append(r.execOptions(""),
		llb.Args([]string{program, packCommand, toolchain.SourceDir, toolchain.OutDir}),
		llb.AddMount(toolchain.SourceDir, st, llb.Readonly),
		llb.Network(pb.NetMode_NONE),
		llb.WithCustomName("[sources] list packages"))
	return tools.Run(opts...).AddMount(toolchain.OutDir, llb.Scratch())
}
