package dockerfile_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/dockerfile"
	"github.com/fromscratch-build/fromscratch/internal/elftest"
	"github.com/fromscratch-build/fromscratch/llb/platform"
	"github.com/fromscratch-build/fromscratch/llb/toolchain"
)

// odd are values with what shells, Dockerfiles and CSV have a meaning for.
var odd = []string{
	"", "plain", "two words", "it's", `say "hi"`, `back\slash`, "$HOME and ${HOME}", "`id`", "$(id)", "#no comment", "a=b", "*", "~", "a,b", "tab\there", `\`, `trailing\`, `'"'`, "-s -w -X 'main.v=$x'", "ünïcode", "!", "{a,b}",
}

// TestShellWords: a shell reads each word as it was.
func TestShellWords(t *testing.T) {
	args := append([]string{"printf", `%s\0`}, odd...)
	got, err := exec.Command("/bin/sh", "-c", dockerfile.Command(args)).Output()
	require.NoError(t, err)
	require.Equal(t, odd, strings.Split(strings.TrimSuffix(string(got), "\x00"), "\x00"))
}

// TestShellVariables: a variable that a value keeps is one to the shell.
func TestShellVariables(t *testing.T) {
	const kept = "it's \ue000V\ue001, \ue000W:-\ue000V\ue001!\ue001 and \ue000V:+more\ue001 of $V"
	cmd := exec.Command("/bin/sh", "-c", dockerfile.Command([]string{"printf", "%s", kept}))
	cmd.Env = []string{"V=a b"}
	got, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "it's a b, a b! and more of $V", string(got))
}

// TestValues: BuildKit reads each value of ENV, LABEL and ARG, and each path of COPY, as
// it was.
func TestValues(t *testing.T) {
	lex := shell.NewLex('\\')
	for _, v := range append(odd, "\ue000V\ue001", "a\ue000W:-d\ue001$") {
		want := strings.NewReplacer("\ue000V\ue001", "value", "\ue000W:-d\ue001", "d").Replace(v)
		key := "a " + strings.ReplaceAll(want, "=", "")
		text := "FROM scratch\nENV " + dockerfile.Pair("NAME", v) + "\nLABEL " + dockerfile.Pair(key, v) + "\nCOPY " + dockerfile.Paths(v+"x", "/") + "\n"
		stages := parse(t, text)
		env := func(word string) string {
			out, _, err := lex.ProcessWord(word, shell.EnvsFromSlice([]string{"V=value"}))
			require.NoError(t, err, text)
			return out
		}
		require.Equal(t, want, env(stages[0].Commands[0].(*instructions.EnvCommand).Env[0].Value), text)
		label := stages[0].Commands[1].(*instructions.LabelCommand).Labels[0]
		require.Equal(t, key, env(label.Key), text)
		require.Equal(t, want, env(label.Value), text)
		require.Equal(t, want+"x", strings.TrimPrefix(env(stages[0].Commands[2].(*instructions.CopyCommand).SourcePaths[0]), "./"), text)
	}
}

func parse(t *testing.T, text string) []instructions.Stage {
	t.Helper()
	result, err := parser.Parse(strings.NewReader(text))
	require.NoError(t, err, text)
	stages, _, err := instructions.Parse(result.AST, nil)
	require.NoError(t, err, text)
	return stages
}

// TestStaticCheck runs the check on ELF files of every platform: it takes static programs
// for its machine, and nothing else.
func TestStaticCheck(t *testing.T) {
	dir := t.TempDir()
	for _, name := range platform.Supported(func(platform.Platform) bool { return true }) {
		pf, err := platform.Lookup(platforms.MustParse(name))
		require.NoError(t, err)
		good := elftest.File{Machine: pf.ELF.Machine, Class: pf.ELF.Class, Data: pf.ELF.Data}
		dynamic, other := good, good
		dynamic.Interpreter = "/lib/ld.so"
		other.Machine = elf.EM_SPARC
		for _, tc := range []struct {
			what, says string
			data       []byte
		}{
			{"static", "", good.Bytes()},
			{"dynamic", "linked dynamically", dynamic.Bytes()},
			{"other", "another machine", other.Bytes()},
			{"script", "no program", []byte("#!/bin/sh\n")},
			{"empty", "no program", nil},
		} {
			file := filepath.Join(dir, "a file")
			require.NoError(t, os.WriteFile(file, tc.data, 0o755))
			cmd := exec.Command("/bin/sh", "-c", strings.Join(dockerfile.StaticCheck([]string{file}), " "))
			cmd.Env = append(os.Environ(), "ELF_MACHINE="+dockerfile.Machine(pf))
			said, err := cmd.CombinedOutput()
			require.Equal(t, tc.says == "", err == nil, "%s %s: %s", name, tc.what, said)
			require.Contains(t, string(said), tc.says, "%s %s", name, tc.what)
		}
	}
}

// TestLogicalLine: a script of the graph does the same as one line, whatever its commands
// answer.
func TestLogicalLine(t *testing.T) {
	install := toolchain.Packages([]string{"make", "zlib1g-dev:arm64"})
	for _, apt := range []string{"exit 0", "exit 3"} {
		bin := t.TempDir()
		for name, does := range map[string]string{"apt-get": apt, "dpkg": "echo amd64", "rm": "exit 0"} {
			stub := "#!/bin/sh\necho " + name + " \"$@\" >> \"$LOG\"\n" + does + "\n"
			require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(stub), 0o755))
		}
		run := func(log string, args ...string) (string, error) {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = []string{"PATH=" + bin, "LOG=" + filepath.Join(bin, log)}
			_, err := cmd.Output()
			data, rerr := os.ReadFile(filepath.Join(bin, log))
			require.NoError(t, rerr)
			return string(data), err
		}
		want, wantErr := run("script", install.Args...)
		got, gotErr := run("line", "/bin/sh", "-c", strings.Join(dockerfile.RunScript(install.Args), " "))
		require.Equal(t, want, got)
		require.Equal(t, wantErr == nil, gotErr == nil)
		require.Contains(t, got, "apt-get")
	}
}
