package rust_test

import (
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
	"github.com/fromscratch-build/fromscratch/internal/llbtest"
	"github.com/fromscratch-build/fromscratch/llb/rust"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// depends is a project whose lock file has these crates, each the only dependency of
// the one before.
func depends(crates ...string) fs.FS {
	var lock strings.Builder
	lock.WriteString("version = 4\n")
	for i, name := range append([]string{"api"}, crates...) {
		lock.WriteString("\n[[package]]\nname = \"" + name + "\"\nversion = \"1.0.0\"\n")
		if i > 0 {
			lock.WriteString("source = \"" + registry + "\"\n")
		}
		if i < len(crates) {
			lock.WriteString("dependencies = [\"" + crates[i] + "\"]\n")
		}
	}
	return llbtest.Files("Cargo.toml="+manifest("api", ""), "src/main.rs=", "Cargo.lock="+lock.String())
}

// builder is a graph for a platform, on a builder of an architecture.
type builder struct {
	*llbtest.Graph
	// prepare are the execs that prepare the toolchain.
	prepare []llbtest.Exec
	compile llbtest.Exec
	// files are those that the graph adds for the compile.
	files map[string]string
}

const rustup = "RUSTUP_HOME=/usr/local/rustup"

func on(t *testing.T, p *rust.Plan, platform, buildArch string, imageEnv ...string) builder {
	t.Helper()
	e := env()
	e.BuildArch = buildArch
	e.Image.Config.Config.Env = append(e.Image.Config.Config.Env, imageEnv...)
	b := builder{Graph: llbtest.Marshal(t, p.Compile(e, llbtest.Platform(t, platform)), llb.Platform(ocispecs.Platform{OS: "linux", Architecture: buildArch})), files: map[string]string{}}
	for _, x := range b.Execs() {
		if strings.HasPrefix(x.Name, "[toolchain] ") {
			b.prepare = append(b.prepare, x)
		}
	}
	b.compile = b.LastExec(t)
	for _, a := range b.FileActions() {
		if f := a.GetMkfile(); f != nil && strings.HasPrefix(f.Path, "/usr/local/share/fromscratch/") {
			require.Zero(t, f.Timestamp)
			b.files[f.Path] = string(f.Data)
		}
	}
	return b
}

func (b builder) prepared() []string {
	var out []string
	for _, x := range b.prepare {
		out = append(out, x.Name)
	}
	return out
}

// TestPrepared: what an image lacks is added in vertices of their own, by what the
// project compiles and where.
func TestPrepared(t *testing.T) {
	const (
		addAMD64  = "[toolchain] rustup target add x86_64-unknown-linux-musl"
		addARM64  = "[toolchain] rustup target add aarch64-unknown-linux-musl"
		linkARM64 = "[toolchain] linker for aarch64-unknown-linux-musl"
	)
	for _, tc := range []struct {
		name                string
		src                 fs.FS
		platform, buildArch string
		want                []string
	}{
		{"nothing to add", depends("serde"), "linux/amd64", "amd64", []string{addAMD64}},
		{"on arm64 itself", depends("serde"), "linux/arm64", "arm64", []string{addARM64}},
		{"C in a crate", depends("ring", "cc"), "linux/amd64", "amd64", []string{addAMD64, "[toolchain] C compiler for x86_64-linux-musl"}},
		{"C in a crate for another machine", depends("ring", "cc"), "linux/arm64", "amd64", []string{addARM64, "[toolchain] C compiler for aarch64-linux-musl"}},
		{"C from arm64 to amd64", depends("ring", "cc"), "linux/amd64", "arm64", []string{addAMD64, "[toolchain] C compiler for x86_64-linux-musl"}},
		{"headers of C", depends("bindgen", "clang-sys"), "linux/amd64", "amd64", []string{addAMD64, "[toolchain] C compiler for x86_64-linux-musl"}},
		{"C for another system", depends("chrono", "iana-time-zone-haiku", "cc"), "linux/arm64", "amd64", []string{addARM64, linkARM64}},
		{"another machine", depends("serde"), "linux/arm64", "amd64", []string{addARM64, linkARM64}},
		{"from arm64 to amd64", depends("serde"), "linux/amd64", "arm64", []string{addAMD64, "[toolchain] linker for x86_64-unknown-linux-musl"}},
		{"another variant is no other machine", depends("serde"), "linux/amd64/v3", "amd64", []string{addAMD64}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, "{}", tc.src)
			require.NoError(t, err)
			b := on(t, p, tc.platform, tc.buildArch, rustup)
			require.Equal(t, tc.want, b.prepared())
			for _, x := range b.prepare {
				require.Equal(t, tc.buildArch, x.Platform.Architecture)
				require.NotContains(t, x.Mounts, "/src", "an edit never reruns it")
			}
			require.Equal(t, tc.want[1:], append([]string{}, on(t, p, tc.platform, tc.buildArch).prepared()...), "without rustup, the image has the target")
		})
	}
}

// TestPreparedForArguments: the project's own link arguments need a gcc, which the
// machine itself has.
func TestPreparedForArguments(t *testing.T) {
	p, err := plan(t, `{build: {env: {RUSTFLAGS: "-Clink-arg=-s"}}}`, depends("serde"))
	require.NoError(t, err)
	require.Empty(t, on(t, p, "linux/amd64", "amd64").prepared())
	require.Equal(t, []string{"[toolchain] C compiler for aarch64-linux-musl"}, on(t, p, "linux/arm64", "amd64").prepared())
}

// TestInstallC: Debian's names of an architecture are not those of images.
func TestInstallC(t *testing.T) {
	for platform, want := range map[string]string{
		"linux/amd64":   "x86_64-linux-gnu x86_64-linux-musl amd64 /usr/local/share/fromscratch/x86_64-unknown-linux-musl",
		"linux/arm64":   "aarch64-linux-gnu aarch64-linux-musl arm64 /usr/local/share/fromscratch/aarch64-unknown-linux-musl",
		"linux/arm/v7":  "arm-linux-gnueabihf arm-linux-musleabihf armhf /usr/local/share/fromscratch/armv7-unknown-linux-musleabihf",
		"linux/arm/v6":  "arm-linux-gnueabihf arm-linux-musleabihf armhf /usr/local/share/fromscratch/arm-unknown-linux-musleabihf",
		"linux/arm/v5":  "arm-linux-gnueabi arm-linux-musleabi armel /usr/local/share/fromscratch/armv5te-unknown-linux-musleabi",
		"linux/386":     "i686-linux-gnu i386-linux-musl i386 /usr/local/share/fromscratch/i686-unknown-linux-musl",
		"linux/ppc64le": "powerpc64le-linux-gnu powerpc64le-linux-musl ppc64el /usr/local/share/fromscratch/powerpc64le-unknown-linux-musl",
		"linux/riscv64": "riscv64-linux-gnu riscv64-linux-musl riscv64 /usr/local/share/fromscratch/riscv64gc-unknown-linux-musl",
	} {
		p, err := plan(t, "{}", depends("ring", "cc"))
		require.NoError(t, err)
		prepare := on(t, p, platform, "amd64").prepare
		require.Equal(t, "install-c", prepare[0].Args[3], "what tells a failure here from one of the compile")
		require.Equal(t, strings.Fields(want), prepare[0].Args[4:], platform)
	}
}

// TestTools: what build scripts run is installed if the lock file shows that they do.
func TestTools(t *testing.T) {
	for _, tc := range []struct {
		crates []string
		want   []string
	}{
		{[]string{"ring", "cc"}, nil},
		{[]string{"libz-ng-sys", "cmake", "cc"}, []string{"cmake", "make"}},
		{[]string{"tikv-jemalloc-sys", "cc"}, []string{"make"}},
		{[]string{"openssl-src", "cc"}, []string{"make", "perl"}},
		{[]string{"bindgen", "clang-sys"}, []string{"libclang-dev"}},
		{[]string{"nasm-rs"}, []string{"nasm"}},
		{[]string{"rdkafka-sys"}, []string{"g++", "make"}},
	} {
		p, err := plan(t, "{}", depends(tc.crates...))
		require.NoError(t, err)
		require.Equal(t, tc.want, append([]string(nil), on(t, p, "linux/amd64", "amd64").prepare[0].Args[8:]...), tc.crates)
	}
}

// TestPackages: the spec's own packages come first, and are the same for all
// platforms.
func TestPackages(t *testing.T) {
	p := specified(t, "toolchain: {name: rust-musl, packages: [protobuf-compiler, libudev-dev=252]}\ntargets: {api: {}}", depends("ring", "cc"))
	digests := map[string]bool{}
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		b := on(t, p, platform, "amd64", rustup)
		require.Equal(t, "[toolchain] apt-get install protobuf-compiler libudev-dev=252", b.prepared()[0])
		require.Equal(t, []string{toolchain.PackagesCommand, "protobuf-compiler", "libudev-dev=252"}, b.prepare[0].Args[3:])
		digests[b.prepare[0].String()] = true
	}
	require.Len(t, digests, 1)
}

func specified(t *testing.T, text string, src fs.FS) *rust.Plan {
	t.Helper()
	s, err := spec.Parse("s", []byte(text))
	require.NoError(t, err)
	p, err := rust.New(s, s.Targets["api"], src)
	require.NoError(t, err)
	return p
}

// shell runs a script with nothing in PATH but what a test puts there, and a few
// commands that need no test. Nothing is removed: what scripts remove is the lists of
// apt, and those here are the machine's own.
func shell(t *testing.T, dir string, script string, args ...string) (output string, code int) {
	t.Helper()
	for _, name := range []string{"sh", "cat", "tr", "mkdir", "find", "grep", "ln"} {
		at, err := osexec.LookPath(name)
		require.NoError(t, err)
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil {
			require.ErrorIs(t, err, fs.ErrExist)
		}
	}
	program(t, dir, "rm", "")
	cmd := osexec.Command("/bin/sh", append([]string{"-c", script}, args...)...)
	cmd.Env = []string{"PATH=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		var exit *osexec.ExitError
		require.ErrorAs(t, err, &exit)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func program(t *testing.T, dir, name, body string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755))
}

// TestInstallScript runs the script with stand-ins for the commands of Debian.
func TestInstallScript(t *testing.T) {
	p, err := plan(t, "{}", depends("openssl-src", "cmake", "cc"))
	require.NoError(t, err)
	args := on(t, p, "linux/arm/v7", "amd64").prepare[0].Args
	args[7] = filepath.Join(t.TempDir(), "tools")

	bare := t.TempDir()
	out, code := shell(t, bare, args[2], args[3:]...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "the toolchain image has no arm-linux-gnueabihf-gcc with musl, and no apt-get to install it; use an image based on Debian")

	debian := t.TempDir()
	program(t, debian, "dpkg", `case $1 in --print-architecture) echo amd64 ;; *) echo "dpkg $*" ;; esac`)
	program(t, debian, "apt-get", `echo "apt-get $*"; case $1 in update) exit 100 ;; esac`)
	program(t, debian, "make", "")
	out, code = shell(t, debian, args[2], args[3:]...)
	require.Zero(t, code, out)
	require.Equal(t, "dpkg --add-architecture armhf\napt-get update -qq\n"+
		"apt-get install -y -qq --no-install-recommends musl-dev:armhf gcc-arm-linux-gnueabihf linux-libc-dev-armhf-cross cmake perl\n", out, "what there is is not installed again")

	args[6] = "amd64"
	out, code = shell(t, debian, args[2], args[3:]...)
	require.Zero(t, code, out)
	require.Contains(t, out, "--no-install-recommends musl-dev musl-tools cmake perl\n")

	program(t, debian, "apt-get", `case $1 in install) exit 100 ;; esac`)
	out, code = shell(t, debian, args[2], args[3:]...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "crates with C need packages that could not be installed: musl-dev musl-tools cmake perl. If the release of Debian")
}

// TestInstallCXX: the compiler for C++ is the target's, by Debian's name for it.
func TestInstallCXX(t *testing.T) {
	p, err := plan(t, "{}", depends("rdkafka", "rdkafka-sys"))
	require.NoError(t, err)
	args := on(t, p, "linux/arm64", "amd64").prepare[0].Args
	args[7] = filepath.Join(t.TempDir(), "tools")
	debian := t.TempDir()
	program(t, debian, "dpkg", `case $1 in --print-architecture) echo amd64 ;; esac`)
	program(t, debian, "apt-get", `echo "apt-get $*"`)
	program(t, debian, "g++", "")
	out, code := shell(t, debian, args[2], args[3:]...)
	require.Zero(t, code, out)
	require.Contains(t, out, " linux-libc-dev-arm64-cross g++-aarch64-linux-gnu make\n", "the builder's own is none for another machine")

	args[6] = "amd64"
	out, code = shell(t, debian, args[2], args[3:]...)
	require.Zero(t, code, out)
	require.Contains(t, out, " musl-tools g++ make\n")

	program(t, debian, "aarch64-linux-gnu-g++", "")
	out, code = shell(t, debian, args[2], args[3:]...)
	require.Zero(t, code, out)
	require.NotContains(t, out, "g++")
}

// TestInstallLinker: nothing is installed where a linker is.
func TestInstallLinker(t *testing.T) {
	p, err := plan(t, "{}", depends("serde"))
	require.NoError(t, err)
	x := on(t, p, "linux/arm64", "amd64").prepare[0]
	require.Contains(t, x.Args[3], "install-c", "what tells a failure here from one of the compile")

	for _, ld := range []string{"ld.lld", "aarch64-linux-gnu-ld", "rust-lld"} {
		dir := t.TempDir()
		program(t, dir, "rustc", "echo /nowhere")
		program(t, dir, ld, "")
		out, code := shell(t, dir, x.Args[2], x.Args[3:]...)
		require.Zero(t, code, out)
		require.Empty(t, out)
	}

	sysroot := t.TempDir()
	bin := filepath.Join(sysroot, "lib/rustlib/x86_64-unknown-linux-gnu/bin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	program(t, bin, "rust-lld", "")
	dir := t.TempDir()
	program(t, dir, "rustc", "echo "+sysroot)
	out, code := shell(t, dir, x.Args[2], x.Args[3:]...)
	require.Zero(t, code, out)
	require.Empty(t, out)

	program(t, dir, "rustc", "echo /nowhere")
	out, code = shell(t, dir, x.Args[2], x.Args[3:]...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "the toolchain image has no linker for another machine, neither rust-lld nor ld.lld nor aarch64-linux-gnu-ld, and no apt-get to install one")

	program(t, dir, "apt-get", `echo "apt-get $*"`)
	out, code = shell(t, dir, x.Args[2], x.Args[3:]...)
	require.Zero(t, code, out)
	require.Contains(t, out, "apt-get install -y -qq --no-install-recommends binutils-aarch64-linux-gnu\n")
}
