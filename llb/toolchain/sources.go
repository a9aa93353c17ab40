package toolchain

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Missing says that the sources of t have no file of that name where the build
// starts, or not even that folder, and where there is one instead; cure is what to do
// when there is none.
func Missing(t *spec.Target, src fs.FS, file, cure string) string {
	where := "in the root of the build context"
	if t.Build.Dir != "." {
		where = fmt.Sprintf("in %s of the build context", t.Build.Dir)
	}
	msg := fmt.Sprintf("there is no %s %s", file, where)
	if t.Build.Dir != "." && !IsDir(src, t.Build.Dir) {
		msg = fmt.Sprintf("there is no folder %s in the build context", t.Build.Dir)
		cure = fmt.Sprintf("build.dir is relative to the build context, so pass the folder that holds %s as the context, or see whether .dockerignore leaves it out", t.Build.Dir)
	}
	for _, pattern := range []string{"*", "*/*"} {
		if found, _ := fs.Glob(src, path.Join(pattern, file)); len(found) > 0 {
			dir := path.Dir(found[0])
			return fmt.Sprintf("%s, but there is one in %s: write build: {dir: %s}", msg, dir, dir)
		}
	}
	return msg + "; " + cure
}

// IsDir tells whether src has a directory of that name.
func IsDir(src fs.FS, name string) bool {
	info, err := fs.Stat(src, path.Clean(name))
	return err == nil && info.IsDir()
}

// IsFile tells whether src has a file of that name.
func IsFile(src fs.FS, name string) bool {
	info, err := fs.Stat(src, path.Clean(name))
	return err == nil && !info.IsDir()
}
