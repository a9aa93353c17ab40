//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
	"github.com/fromscratch-build/fromscratch/internal/elftest"
)

// bothPlatforms are those of the two machines of a builder.
const bothPlatforms = "linux/amd64,linux/arm64"

// buildx runs docker buildx with the environment of the test bed and more.
func buildx(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := bed.Command(t.Context(), "docker", append([]string{"buildx"}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustBuildx(t *testing.T, args ...string) string {
	t.Helper()
	out, err := buildx(t, nil, args...)
	require.NoError(t, err, out)
	return out
}

// twoMachines is a builder of two buildkitds, each of which gets the builds for one
// platform.
func twoMachines(t *testing.T, name string) (builder string, amd64, arm64 *testbed.Buildkitd) {
	t.Helper()
	machines := map[string]*testbed.Buildkitd{}
	for _, arch := range []string{"amd64", "arm64"} {
		d, err := bed.StartBuildkitd(t.Context(), name+"-"+arch, testbed.BuildkitdOpt{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		machines[arch] = d
	}
	mustBuildx(t, "create", "--name", name, "--driver", "remote", "--node", "amd64", "--platform", "linux/amd64", machines["amd64"].Addr)
	t.Cleanup(func() {
		// The context of the test is done by now.
		require.NoError(t, bed.Command(context.Background(), "docker", "buildx", "rm", "--force", name).Run())
	})
	mustBuildx(t, "create", "--name", name, "--driver", "remote", "--append", "--node", "arm64", "--platform", "linux/arm64", machines["arm64"].Addr)
	return name, machines["amd64"], machines["arm64"]
}

// pushed builds both platforms and gives the index that the registry has then.
func pushed(t *testing.T, builder, image, dir string, more ...string) (index ocispecs.Index, out string) {
	t.Helper()
	out = mustBuildx(t, append([]string{"build", "--builder", builder, "--progress", "plain", "--provenance=false", "--platform", bothPlatforms,
		"--push", "-t", image, "-f", filepath.Join(dir, "fromscratch.yaml"), dir}, more...)...)
	require.NoError(t, json.Unmarshal([]byte(mustBuildx(t, "imagetools", "inspect", "--raw", image)), &index))
	require.Len(t, index.Manifests, 2)
	return index, out
}

// TestManyBuilders: two machines build an index that is the same as that of one.
func TestManyBuilders(t *testing.T) {
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": syntax + "toolchain: prebuilt\ntargets:\n  app: {build: 'app-${TARGETARCH}', path: /app, labels: {built-on: '${BUILDPLATFORM}'}}\nextras: [tzdata]\n"})
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app-"+arch), elftest.File{Machine: machine}.Bytes(), 0o755))
	}
	name, amd64, arm64 := twoMachines(t, "many")
	image := bed.Registry + "/test/many-builders"
	one, _ := pushed(t, bed.Builder, image+":one", dir)
	two, out := pushed(t, name, image+":two", dir)
	require.Equal(t, one, two)
	require.Contains(t, out, "merging manifest list "+image+":two")
	for arch, machine := range map[string]*testbed.Buildkitd{"amd64": amd64, "arm64": arm64} {
		cached, err := bed.Command(t.Context(), "buildctl", "--addr", machine.Addr, "du", "--verbose").CombinedOutput()
		require.NoError(t, err, string(cached))
		found := regexp.MustCompile(`\[linux/(\w+)\] binary`).FindAllStringSubmatch(string(cached), -1)
		require.NotEmpty(t, found, string(cached))
		for _, m := range found {
			require.Equal(t, arch, m[1], "each machine builds for its platform")
		}
	}
}

// TestManyBuildersCompile: likewise for what is compiled, for either platform on this
// one's processor. Each machine has a cache of its own in the registry; with both, a
// machine that has nothing compiles nothing.
func TestManyBuildersCompile(t *testing.T) {
	long(t)
	name, _, _ := twoMachines(t, "compiling")
	stamp := fmt.Sprint(time.Now().UnixNano())
	cache := func(arch string) string { return bed.Registry + "/test/many-cache:" + stamp + "-" + arch }
	image := bed.Registry + "/test/many-compiled:" + stamp
	files := goModule(t, "many", "v0.9.1")
	files["fromscratch.yaml"] = goSpec + "    labels: {built-on: \"${BUILDPLATFORM}\"}\n"
	dir := builds.Write(t, files)
	one, _ := pushed(t, bed.Builder, image+"-one", dir)
	two, out := pushed(t, name, image, dir)
	require.Equal(t, one, two)
	require.Contains(t, out, "[linux/arm64] go build .")

	t.Run("a cache of both", func(t *testing.T) {
		// Two machines that export to one name: the last is what is left.
		shared := cache("shared")
		pushed(t, name, image, dir, "--cache-to", "type=registry,mode=max,ref="+shared)
		_, amd64, arm64 := twoMachines(t, "shared-cache")
		found := 0
		for pf, machine := range map[string]*testbed.Buildkitd{"linux/amd64": amd64, "linux/arm64": arm64} {
			r := builds.Build{Bed: bed, Buildkitd: machine, Context: dir, Platforms: []string{pf}, CacheFrom: shared}.OK(t, builds.Image)
			if len(goCompiled(r.Output)) == 0 {
				found++
			}
		}
		require.Equal(t, 1, found, "should this be 2, docs/builders.md can be shorter")
	})
	t.Run("a cache each", func(t *testing.T) {
		var tags []string
		for _, pf := range strings.Split(bothPlatforms, ",") {
			arch := strings.TrimPrefix(pf, "linux/")
			tags = append(tags, image+"-"+arch)
			mustBuildx(t, "build", "--builder", name, "--platform", pf, "--provenance=false", "--push", "-t", image+"-"+arch, "-f", filepath.Join(dir, "fromscratch.yaml"),
				"--cache-to", "type=registry,mode=max,ref="+cache(arch), dir)
		}
		mustBuildx(t, append([]string{"imagetools", "create", "-t", image + "-merged"}, tags...)...)
		var merged ocispecs.Index
		require.NoError(t, json.Unmarshal([]byte(mustBuildx(t, "imagetools", "inspect", "--raw", image+"-merged")), &merged))
		require.Equal(t, digests(one), digests(merged))

		fresh, _, _ := twoMachines(t, "many-fresh")
		again, out := pushed(t, fresh, image+"-again", dir, "--cache-from", "type=registry,ref="+cache("amd64"), "--cache-from", "type=registry,ref="+cache("arm64"))
		require.Equal(t, one, again)
		require.Empty(t, goCompiled(out))
		edit(t, dir, "main.go", goMain("edited"), time.Now())
		_, out = pushed(t, fresh, image+"-edited", dir, "--cache-from", "type=registry,ref="+cache("amd64"), "--cache-from", "type=registry,ref="+cache("arm64"))
		require.Equal(t, []string{"example.com/app", "example.com/app"}, goCompiled(out), "once a platform")
	})
}

// digests are the manifests of an index by platform.
func digests(index ocispecs.Index) map[string]string {
	out := map[string]string{}
	for _, m := range index.Manifests {
		out[m.Platform.OS+"/"+m.Platform.Architecture] = m.Digest.String()
	}
	return out
}

// TestBuilderDies: a machine that dies while it compiles fails the build, which goes
// on from where it was when the machine is back.
func TestBuilderDies(t *testing.T) {
	long(t)
	name, _, arm64 := twoMachines(t, "dying")
	files := goModule(t, fmt.Sprint("dying ", time.Now().UnixNano()), "v0.9.1")
	files["fromscratch.yaml"] = syntax + "toolchain: go-cgo0\ntargets:\n  app:\n    build: {package: ., cache: layers}\n"
	dir := builds.Write(t, files)
	image := bed.Registry + "/test/dying"
	args := []string{"buildx", "build", "--builder", name, "--progress", "plain", "--provenance=false", "--platform", bothPlatforms, "--push", "-t", image, "-f", filepath.Join(dir, "fromscratch.yaml"), dir}
	cmd := bed.Command(t.Context(), "docker", args...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var out strings.Builder
	alive := true
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(&out, lines.Text())
		if alive && strings.HasSuffix(lines.Text(), "[linux/arm64] go build .") {
			require.NoError(t, arm64.Kill())
			alive = false
		}
	}
	require.Error(t, cmd.Wait(), out.String())
	require.False(t, alive, out.String())
	require.Contains(t, out.String(), "ERROR: failed to build: ")
	require.Contains(t, out.String(), "Unavailable")

	// Until it is back, nothing is built, and buildx tells which machine it is when asked.
	down, err := buildx(t, nil, args[1:]...)
	require.Error(t, err, down)
	require.Contains(t, down, "waiting for connection")
	machines, _ := buildx(t, nil, "inspect", name)
	require.Regexp(t, `(?s)Name: +amd64\n.*Status: +running\n.*Name: +arm64\n.*Status: +inactive\n`, machines)

	require.NoError(t, arm64.Restart(t.Context()))
	_, again := pushed(t, name, image, dir)
	for _, step := range []string{"go mod download", "[linux/arm64] go build (dependencies)"} {
		require.Regexp(t, `(?m)^#(\d+) .*`+regexp.QuoteMeta(step)+`.*\n#\d+ CACHED`, again)
	}
	require.NotContains(t, again, "github.com/pkg/errors\n", "nor is a dependency compiled again")
}

// cluster answers as much of the API of Kubernetes as buildx asks when it starts a
// builder, and keeps what buildx makes, by its place in the API.
type cluster struct {
	mu   sync.Mutex
	made map[string]object
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	o, ok := c.made[r.URL.Path]
	if r.Method == http.MethodPost {
		data, err := io.ReadAll(r.Body)
		if err == nil {
			o, err = readObject(data)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.made[r.URL.Path+"/"+o.text(1, 1)], ok = o, true
		w.WriteHeader(http.StatusCreated)
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`)
		return
	}
	fmt.Fprintf(w, `{"kind": %q, "apiVersion": %q, "metadata": {"name": %q}, "status": {"readyReplicas": 1}}`, o.kind, o.version, o.text(1, 1))
}

// object is an object of the API in its wire format, whose field numbers are those of
// k8s.io/api (generated.proto).
type object struct {
	kind, version string
	data          []byte
}

// readObject opens the envelope that objects travel in (runtime.Unknown).
func readObject(data []byte) (object, error) {
	data, ok := bytes.CutPrefix(data, []byte("k8s\x00"))
	if !ok {
		return object{}, errors.New("this is no object in the format application/vnd.kubernetes.protobuf")
	}
	envelope := object{data: data}
	return object{kind: envelope.text(1, 2), version: envelope.text(1, 1), data: []byte(envelope.text(2))}, nil
}

// all are the values at a path of field numbers.
func (o object) all(path ...protowire.Number) []object {
	if len(path) == 0 {
		return []object{o}
	}
	var out []object
	for data := o.data; len(data) > 0; {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return out
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return out
		}
		if value, _ := protowire.ConsumeBytes(data[:n]); number == path[0] && kind == protowire.BytesType {
			out = append(out, object{data: value}.all(path[1:]...)...)
		}
		data = data[n:]
	}
	return out
}

// text is the first value at a path; empty when there is none.
func (o object) text(path ...protowire.Number) string {
	for _, v := range o.all(path...) {
		return string(v.data)
	}
	return ""
}

// entries is the map at a path. Of quantities it has the number.
func (o object) entries(path ...protowire.Number) map[string]string {
	out := map[string]string{}
	for _, e := range o.all(path...) {
		value := e.text(2)
		if quantity := e.text(2, 1); quantity != "" {
			value = quantity
		}
		out[e.text(1)] = value
	}
	return out
}

// documented are the commands of the first shell block below a heading of a page.
func documented(t *testing.T, page, heading string) string {
	t.Helper()
	root, err := testbed.FindRoot(".")
	require.NoError(t, err)
	_, text, ok := strings.Cut(read(t, filepath.Join(root, "docs", page)), "\n## "+heading+"\n")
	require.True(t, ok, "%s has no heading %s", page, heading)
	_, text, ok = strings.Cut(text, "\n```sh\n")
	require.True(t, ok)
	text, _, ok = strings.Cut(text, "```\n")
	require.True(t, ok)
	return text
}

// TestKubernetes: the commands of the page make the deployments that the page tells of.
// Nothing here runs them.
func TestKubernetes(t *testing.T) {
	c := &cluster{made: map[string]object{}}
	api := httptest.NewServer(c)
	t.Cleanup(api.Close)
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte("apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {server: '"+api.URL+"'}\n"+
		"contexts:\n- name: test\n  context: {cluster: test, user: test}\nusers:\n- name: test\n  user: {}\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "buildkitd.toml"), []byte("[registry.\"docker.io\"]\nmirrors = [\"mirror.example.com\"]\n"), 0o600))

	// docker is called as on the page, with what it keeps of builders in a folder of its own.
	cmd := bed.Command(t.Context(), "sh", "-euc", documented(t, "builders.md", "On Kubernetes"))
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "KUBECONFIG="+kubeconfig, "BUILDX_CONFIG="+filepath.Join(dir, "buildx"), "NO_PROXY=127.0.0.1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))

	cmd = bed.Command(t.Context(), "docker", "buildx", "inspect", "--bootstrap", "--builder", "cluster")
	cmd.Env = append(cmd.Env, "KUBECONFIG="+kubeconfig, "BUILDX_CONFIG="+filepath.Join(dir, "buildx"), "NO_PROXY=127.0.0.1")
	// There are no pods to ask for more than the deployments.
	shown, _ := cmd.CombinedOutput()
	for _, arch := range []string{"amd64", "arm64"} {
		set, ok := c.made["/apis/apps/v1/namespaces/builds/statefulsets/"+arch]
		require.True(t, ok, "%v\n%s", c.made, shown)
		require.Equal(t, "linux/"+arch, set.entries(1, 12)["buildx.docker.com/platform"], "metadata.annotations")
		pod := set.all(2, 3, 2)[0]
		require.Equal(t, map[string]string{"kubernetes.io/arch": arch}, pod.entries(7), "nodeSelector")
		require.Equal(t, map[string]string{"cpu": "4", "memory": "8Gi"}, pod.entries(2, 8, 2), "containers.resources.requests")
		require.Equal(t, map[string]string{"memory": "16Gi"}, pod.entries(2, 8, 1), "containers.resources.limits")
		require.Equal(t, map[string]string{"storage": "50Gi"}, set.entries(2, 4, 2, 2, 2), "volumeClaimTemplates.spec.resources.requests")
		require.Empty(t, pod.all(20), "no init container installs an emulator")
		config := c.made["/api/v1/namespaces/builds/configmaps/"+arch+"-config"]
		require.Equal(t, "buildkitd.toml", config.text(2, 1), "data")
		require.Contains(t, config.text(2, 2), "mirror.example.com", "data")
	}
}
