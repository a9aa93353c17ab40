package toolchain

import (
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PackagesTitle begins the name of the vertex that installs packages into a
// toolchain image.
const PackagesTitle = "apt-get install"

// PackagesCommand names the script that does, in its command line.
const PackagesCommand = "install-packages"

// WithPackages is the toolchain image with more of Debian's packages. They are one
// vertex, cached by the content of the image and by their names.
func (e Env) WithPackages(names []string) llb.State {
	if len(names) == 0 {
		return e.Image.State
	}
	install := Packages(names)
	opts := []llb.RunOption{
		llb.Args(install.Args),
		llb.WithCustomNamef("[toolchain] %s", install.Title),
		e.ToolchainLocation,
	}
	return e.Image.State.Run(append(opts, e.Run...)...).Root()
}

// Packages is the script that installs packages.
func Packages(names []string) Script {
	return Script{PackagesTitle + " " + strings.Join(names, " "), append([]string{"/bin/sh", "-c", installPackages, PackagesCommand}, names...)}
}

// installPackages takes the names as its arguments: no shell reads them. apt-get
// takes a name that it does not know for a regular expression, unless it is told not
// to.
const installPackages = `set -eu
if ! command -v apt-get >/dev/null; then
	echo "the toolchain image has no apt-get to install packages with; use an image based on Debian, or one that has $*" >&2
	exit 1
fi
for package; do
	name=${package%%=*}
	case $name in
	*:*)
		if test "${name#*:}" != "$(dpkg --print-architecture)"; then dpkg --add-architecture "${name#*:}"; fi
		;;
	esac
done
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o APT::Cmd::Pattern-Only=true -- "$@"
rm -rf /var/lib/apt/lists/*
`
