package inspect_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/inspect"
	"github.com/fromscratch-build/fromscratch/llb/platform"
)

const program = "package main\nfunc main() { println(1.5) }\n"

// compile builds a real program for a platform and returns its bytes.
func compile(t *testing.T, p platform.Platform, flags ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	out := filepath.Join(dir, "out")
	cmd := exec.Command("go", append(append([]string{"build", "-ldflags=-s -w", "-o", out}, flags...), "main.go")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+p.Go.Arch, "GO111MODULE=off", "GOFLAGS=")
	if p.Go.Variant[0] != "" {
		cmd.Env = append(cmd.Env, p.Go.Variant[0]+"="+p.Go.Variant[1])
	}
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	return data
}

func lookup(t *testing.T, name string) platform.Platform {
	t.Helper()
	p, err := platform.Lookup(platforms.MustParse(name))
	require.NoError(t, err)
	return p
}

func check(data []byte, p platform.Platform) error {
	return inspect.Static(bytes.NewReader(data), int64(len(data)), p)
}

func TestStatic(t *testing.T) {
	names := []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"}
	for _, built := range names {
		data := compile(t, lookup(t, built))
		for _, wanted := range names {
			t.Run(built+" as "+wanted, func(t *testing.T) {
				err := check(data, lookup(t, wanted))
				if built == wanted {
					require.NoError(t, err)
					return
				}
				var bad *inspect.Error
				require.ErrorAs(t, err, &bad)
				require.Equal(t, inspect.WrongMachine, bad.Class)
			})
		}
	}
}

// TestWrongFloat gives a program the header that gcc writes for either calling
// convention.
func TestWrongFloat(t *testing.T) {
	data := compile(t, lookup(t, "linux/arm/v5"))
	for _, tc := range []struct {
		flags byte // the second byte of e_flags
		name  string
		ok    bool
	}{{2, "linux/arm/v7", false}, {4, "linux/arm/v7", true}, {4, "linux/arm/v5", false}, {2, "linux/arm/v5", true}} {
		data[37] = data[37]&^6 | tc.flags
		err := check(data, lookup(t, tc.name))
		if tc.ok {
			require.NoError(t, err)
			continue
		}
		var bad *inspect.Error
		require.ErrorAs(t, err, &bad)
		require.Equal(t, inspect.WrongFloat, bad.Class)
	}
}

func TestWrongMachineNamesBoth(t *testing.T) {
	err := check(compile(t, lookup(t, "linux/arm64")), lookup(t, "linux/amd64"))
	require.EqualError(t, err, "is a program for linux/arm64, not for linux/amd64")
}

func TestDynamic(t *testing.T) {
	amd64 := lookup(t, "linux/amd64")
	err := check(compile(t, amd64, "-buildmode=pie"), amd64)
	var bad *inspect.Error
	require.ErrorAs(t, err, &bad)
	require.Equal(t, inspect.Dynamic, bad.Class)
	require.Equal(t, "/lib64/ld-linux-x86-64.so.2", bad.Interpreter)
	require.Contains(t, bad.Detail, "is not static: it asks for the dynamic linker /lib64/ld-linux-x86-64.so.2")
}

// TestStaticPIE: a position-independent program that relocates itself, as
// rustc makes for musl, has a dynamic section and is static all the same.
func TestStaticPIE(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc to link a static position-independent program")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "main.c"), filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(src, []byte("int main(void) { return 0; }\n"), 0o600))
	for flag, class := range map[string]inspect.Class{"-static-pie": 0, "-static": 0, "-pie": inspect.Dynamic, "-shared": inspect.Library, "-c": inspect.Object} {
		args := []string{flag, "-o", out, src}
		if flag == "-shared" {
			args = append(args, "-fPIC", "-nostdlib", "-Wl,-e,0")
		}
		text, err := exec.Command(gcc, args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", flag, text)
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		err = check(data, hostPlatform(t))
		if class == 0 {
			require.NoError(t, err, flag)
			continue
		}
		var bad *inspect.Error
		require.ErrorAs(t, err, &bad, flag)
		require.Equal(t, class, bad.Class, "%s: %v", flag, err)
	}
}

func hostPlatform(t *testing.T) platform.Platform {
	t.Helper()
	p, err := platform.Lookup(platforms.DefaultSpec())
	require.NoError(t, err)
	return p
}

// TestDamaged cuts a real program off at many places, and finds what is wrong with
// it at each.
func TestDamaged(t *testing.T) {
	amd64 := lookup(t, "linux/amd64")
	whole := compile(t, amd64)
	for n := 4; n < 2000; n += 11 {
		var bad *inspect.Error
		if err := check(whole[:n], amd64); err != nil {
			require.ErrorAs(t, err, &bad, n)
			require.Equal(t, inspect.Damaged, bad.Class, bad.Detail)
		} else {
			require.Failf(t, "accepted", "%d bytes", n)
		}
	}
}

type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, errors.New("connection lost") }

// TestReadErrorIsNoVerdict: a file that cannot be read says nothing about the
// program.
func TestReadErrorIsNoVerdict(t *testing.T) {
	err := inspect.Static(brokenReader{}, 10, lookup(t, "linux/amd64"))
	require.EqualError(t, err, "connection lost")
	var bad *inspect.Error
	require.NotErrorAs(t, err, &bad)
}

type counting struct {
	r io.ReaderAt
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += n
	return n, err
}

// TestReadsHeadersOnly: the binary stays where it is.
func TestReadsHeadersOnly(t *testing.T) {
	p := lookup(t, "linux/arm64")
	data := compile(t, p)
	c := &counting{r: bytes.NewReader(data)}
	require.NoError(t, inspect.Static(c, int64(len(data)), p))
	require.Less(t, c.n, 64<<10, fmt.Sprintf("of %d bytes", len(data)))
}
