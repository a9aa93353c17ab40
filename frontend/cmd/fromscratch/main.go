// Command fromscratch is the BuildKit frontend. BuildKit runs it from its image
// and speaks gRPC with it over standard input and output, so nothing may ever be
// printed to standard output.
package main

import (
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	"github.com/moby/buildkit/util/bklog"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the codec that BuildKit speaks

	"github.com/fromscratch-build/fromscratch/frontend"
)

// version is stamped by the linker.
var version = "dev"

func main() {
	if len(os.Args) > 1 {
		if err := frontend.Pack(os.Args[1:]); err != nil {
			bklog.L.Error(err)
			os.Exit(1)
		}
		return
	}
	f := frontend.Frontend{Version: version}
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), f.Build); err != nil {
		bklog.L.Errorf("fatal error: %+v", err)
		os.Exit(1)
	}
}
