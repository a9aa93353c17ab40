//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// baseDockerfile is an image with what a layer on top of it could break: links in
// the place of directories, directories that are not root's, accounts.
const baseDockerfile = `FROM scratch AS files
COPY --chown=7:8 --chmod=0750 keep /srv/mine/
COPY tree/ /
FROM scratch
COPY --from=files / /
ENV A=base B=base
LABEL base=1 both=base
USER tool
WORKDIR /srv
EXPOSE 7777
VOLUME /srv/mine
STOPSIGNAL SIGINT
HEALTHCHECK CMD ["/usr/bin/tool"]
ENTRYPOINT ["/usr/bin/tool"]
CMD ["serve"]
ONBUILD COPY a b
`

// TestBase: what the base has stays as it is, below what the target adds to it.
func TestBase(t *testing.T) {
	each(t, func(t *testing.T, via builds.Via) {
		name := bed.Registry + "/test/base-" + strings.ReplaceAll(string(via), " ", "-")
		files := builds.Write(t, map[string]string{
			"Dockerfile": baseDockerfile, "tree/etc/passwd": "root:x:0:0:root:/root:/bin/sh\ntool:x:7:8::/srv/mine:/bin/sh\n", "tree/usr/bin/tool": "", "tree/etc/group": "root:x:0:\ntool:x:8:\n", "keep/file": "",
		})
		require.NoError(t, os.MkdirAll(filepath.Join(files, "tree/tmp"), 0o755))
		require.NoError(t, os.Chmod(filepath.Join(files, "tree/tmp"), os.ModeSticky|0o777))
		require.NoError(t, os.Symlink("usr/bin", filepath.Join(files, "tree/bin")))
		under := builds.Build{Bed: bed, Context: files, File: "Dockerfile", Push: name + ":base", Platforms: []string{"linux/amd64", "linux/s390x"}}.OK(t, builds.Image).Layout.Images["linux/amd64"]

		main := "package main\n\nimport \"syscall\"\n\nfunc main() {\n\tfor _, name := range []string{\"HOME\", \"A\", \"B\"} {\n\t\tvalue, _ := syscall.Getenv(name)\n\t\tprint(value, \" \")\n\t}\n\tprintln(syscall.Getuid())\n}\n"
		spec := syntax + "toolchain: prebuilt\nbase: " + name + ":base\ntargets:\n  app:\n    build: program\n    path: /bin/app\n    env: {B: own, C: own}\n    labels: {both: own}\n    expose: [80]\n" +
			"    copy: [{src: text, dest: /srv/mine/}, {src: text, dest: /tmp}]\n"
		dir := builds.Write(t, map[string]string{"fromscratch.yaml": spec, "text": ""})
		compileHere(t, main, filepath.Join(dir, "program"), "amd64")
		build := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}, Push: name + ":app"}
		img := build.OK(t, via).Layout.Images["linux/amd64"]
		n := len(under.Manifest.Layers)
		require.Equal(t, under.Manifest.Layers, img.Manifest.Layers[:n])
		require.Equal(t, under.Config.RootFS.DiffIDs, img.Config.RootFS.DiffIDs[:n])
		require.Equal(t, under.Config.History, img.Config.History[:len(under.Config.History)])

		cfg := img.Config.Config
		require.Equal(t, []string{"A=base", "B=own", "C=own", "HOME=/home/nonroot"}, cfg.Env[len(cfg.Env)-4:])
		require.Equal(t, map[string]string{"base": "1", "both": "own"}, cfg.Labels)
		require.Equal(t, "65532:65532", cfg.User)
		require.Equal(t, "/srv", cfg.WorkingDir)
		require.Equal(t, map[string]struct{}{"7777/tcp": {}, "80/tcp": {}}, cfg.ExposedPorts)
		require.Contains(t, cfg.Volumes, "/srv/mine")
		require.Equal(t, "SIGINT", cfg.StopSignal)
		require.Equal(t, []string{"CMD", "/usr/bin/tool"}, cfg.Healthcheck.Test)
		require.Equal(t, []string{"/usr/bin/app"}, cfg.Entrypoint)
		require.Empty(t, cfg.Cmd)
		require.Empty(t, cfg.OnBuild)

		for name, want := range map[string]string{"/srv/mine": "7:8 750", "/tmp": "0:0 1777", "/usr/bin": "0:0 755", "/home/nonroot": "65532:65532 700"} {
			h := img.Files[name].Header
			require.Equal(t, want, fmt.Sprintf("%d:%d %o", h.Uid, h.Gid, h.Mode), name)
		}
		require.Equal(t, "usr/bin", img.Files["/bin"].Header.Linkname)
		require.Equal(t, "root:x:0:0:root:/root:/bin/sh\ntool:x:7:8::/srv/mine:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n", string(img.Files["/etc/passwd"].Data))
		require.Contains(t, img.Files, "/etc/ssl/certs/ca-certificates.crt", "the base has none")
		require.Contains(t, img.Files, "/tmp/text")
		out, err := engine(t.Context(), t, name+":app")
		require.NoError(t, err, out)
		require.Equal(t, "/home/nonroot base own 65532\n", out)

		build.Platforms, build.Push = []string{"linux/arm64"}, ""
		failed := build.Fails(t, via)
		require.Contains(t, failed, "has no image for linux/arm64, only for linux/amd64 and linux/s390x; build for these, or name another base")
		require.Contains(t, failed, ">>> base: ")

		build.Contexts = map[string]string{name + ":base": "docker-image://" + name + ":app"}
		build.Platforms = []string{"linux/amd64"}
		again := build.OK(t, via).Layout.Images["linux/amd64"]
		require.Equal(t, img.Manifest.Layers, again.Manifest.Layers[:len(img.Manifest.Layers)], "a named context in its place")
		data, err := json.Marshal(again.Config.History)
		require.NoError(t, err)
		require.Equal(t, 2, strings.Count(string(data), "extras:"), "certificates and accounts are there already")

		build.Contexts = map[string]string{name + ":base": filepath.Join(files, "tree")}
		if via == builds.InProcess {
			return
		}
		folder := build.OK(t, via).Layout.Images["linux/amd64"]
		require.Contains(t, folder.Files, "/usr/bin/tool")
		require.Equal(t, "usr/bin", folder.Files["/bin"].Header.Linkname)
		require.Len(t, folder.Config.History, len(folder.Manifest.Layers))
		require.Equal(t, "base "+name+":base", folder.Config.History[0].CreatedBy)
	})
}
