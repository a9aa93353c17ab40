// Package release builds the image of the frontend as a release does, by the target
// frontend-release of docker-bake.hcl.
package release

import (
	"os"
	"path/filepath"
)

// Target is the target of the bake file.
const Target = "frontend-release"

// sources are what the image is built from, and the files that say how.
var sources = []string{"docker-bake.hcl", "fromscratch.yaml", "Dockerfile.frontend", ".dockerignore", "go.mod", "go.sum", "frontend", "internal", "llb"}

// Sources copies what the image is built from out of the checkout at root into dir.
func Sources(root, dir string) error {
	for _, name := range sources {
		from, to := filepath.Join(root, name), filepath.Join(dir, name)
		info, err := os.Stat(from)
		if err != nil {
			return err
		}
		if info.IsDir() {
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Bake are the arguments of docker that build target to an OCI layout in dest, in the
// folder of the sources. The index is that of the images alone: what attests them says
// when they were built.
func Bake(builder, target, dest string, set ...string) []string {
	args := []string{"buildx", "bake", "--builder", builder, "--progress", "plain", "--provenance=false", "--sbom=false",
		"--set", target + ".output=type=oci,tar=false,dest=" + dest}
	for _, s := range set {
		args = append(args, "--set", target+"."+s)
	}
	return append(args, target)
}
