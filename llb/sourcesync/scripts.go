package sourcesync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// packageName finds the names in a manifest: that of the package, and those of its
// targets, which do no harm.
var packageName = regexp.MustCompile(`\bname\s*=\s*["']([\w-]+)["']`)

// forgetScripts removes what the build scripts of packages left. Cargo runs a
// build script again into the same folder, where what it generated from inputs
// that are gone is still there for a macro that reads the folder.
func forgetScripts(mirror, target string, packages []string) error {
	for _, dir := range packages {
		manifest, err := os.ReadFile(filepath.Join(mirror, dir, "Cargo.toml"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range packageName.FindAllSubmatch(manifest, -1) {
			script := string(name[1]) + "-" + strings.Repeat("[0-9a-f]", 16)
			// Below the profile, which may be below the target triple.
			for _, profile := range []string{"*", "*/*"} {
				left, err := filepath.Glob(filepath.Join(target, profile, "build", script))
				if err != nil {
					return err
				}
				for _, name := range left {
					if err := os.RemoveAll(name); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
