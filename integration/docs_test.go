//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/internal/docs"
)

// page reads a page of the documentation.
func page(t *testing.T, name string) *docs.Page {
	t.Helper()
	p, err := docs.Read(bed.Root, name)
	require.NoError(t, err)
	return p
}

var flagInHelp = regexp.MustCompile(`(?m)^ +(?:(-\w), )?(--[\w-]+)(?: (\S+))?(?:   ?|$)`)

// flagsOf are the flags of a docker command, by name, with whether a value follows.
func flagsOf(t *testing.T, command []string) map[string]bool {
	t.Helper()
	out, err := bed.Command(t.Context(), "docker", append(slices.Clone(command), "--help")...).CombinedOutput()
	require.NoError(t, err, string(out))
	flags := map[string]bool{}
	for _, m := range flagInHelp.FindAllStringSubmatch(string(out), -1) {
		flags[m[1]], flags[m[2]] = m[3] != "", m[3] != ""
	}
	require.NotEmpty(t, flags, "%s: %s", command, out)
	return flags
}

// split takes a command of docker apart: the words that name it, what is wrong with
// its flags, and the words that are none, up to the image of docker run.
func split(t *testing.T, words []string, known map[string]map[string]bool) (name, wrong string, rest []string) {
	t.Helper()
	n := 1
	if words[0] == "buildx" {
		n = 2
	}
	if len(words) > 1 && words[1] == "imagetools" {
		n = 3
	}
	command := words[:n]
	name = strings.Join(command, " ")
	if known[name] == nil {
		known[name] = flagsOf(t, command)
	}
	for i := n; i < len(words); i++ {
		flag, _, valued := strings.Cut(words[i], "=")
		short := len(flag) > 2 && flag[0] == '-' && flag[1] != '-'
		switch takes, ok := known[name][flag]; {
		case !strings.HasPrefix(flag, "-") || flag == "-":
			rest = append(rest, words[i])
			if name == "run" || name == "exec" {
				return name, "", append(rest, words[i+1:]...)
			}
		case short:
			for _, letter := range flag[1:] {
				if _, ok := known[name]["-"+string(letter)]; !ok {
					return name, "there is no flag -" + string(letter), nil
				}
			}
		case !ok:
			return name, "there is no flag " + flag, nil
		case takes && !valued:
			i++
		}
	}
	return name, "", rest
}

// TestCommandsOfPages: docker knows every flag that the pages give it, and builds are
// of one context each.
func TestCommandsOfPages(t *testing.T) {
	pages, err := docs.Pages(bed.Root)
	require.NoError(t, err)
	known, count := map[string]map[string]bool{}, 0
	for _, p := range pages {
		for _, b := range p.Blocks {
			if b.Language != "sh" && b.Language != "console" {
				continue
			}
			commands, err := b.Commands()
			require.NoError(t, err)
			for _, c := range commands {
				// Compose is not part of the test bed.
				if c.Words[0] != "docker" || c.Words[1] == "compose" {
					continue
				}
				count++
				name, wrong, rest := split(t, c.Words[1:], known)
				if wrong != "" {
					t.Errorf("%s: %s", c, wrong)
				}
				if name == "buildx build" && len(rest) != 1 && !slices.Contains(c.Words, "--help") {
					t.Errorf("%s: a build is of one context, not %q", c, rest)
				}
			}
		}
	}
	require.Greater(t, count, 30)
	_, wrong, _ := split(t, []string{"buildx", "build", "--traget", "api", "."}, known)
	require.Equal(t, "there is no flag --traget", wrong)
}

// missedHere is what bake says of a part of a bake file, when all that it misses is
// what the other parts have.
var missedHere = regexp.MustCompile(`Unknown variable; |failed to find target `)

// TestBakeFilesOfPages: bake reads every bake file and every Compose file of the pages.
func TestBakeFilesOfPages(t *testing.T) {
	pages, err := docs.Pages(bed.Root)
	require.NoError(t, err)
	count := 0
	for _, p := range pages {
		for _, b := range p.Blocks {
			name := "docker-bake.hcl"
			if b.Language == "yaml" && strings.HasPrefix(filepath.Base(b.Attribute), "compose") {
				name = "compose.yaml"
			} else if b.Language != "hcl" || b.File() && !strings.Contains(b.Attribute, "bake") {
				continue
			}
			count++
			t.Run(b.String(), func(t *testing.T) {
				// A part of a file of an example misses what the rest of it has; that it is a part
				// of it is up to the unit tests.
				dir := filepath.Join(bed.Root, filepath.Dir(b.Attribute))
				if _, err := os.Stat(filepath.Join(bed.Root, b.Attribute)); !b.File() || err != nil {
					dir = builds.Write(t, map[string]string{name: b.Text})
				}
				cmd := bed.Command(t.Context(), "docker", "buildx", "bake", "--print", "-f", name)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if b.Attribute == docs.Part && missedHere.Match(out) {
					return
				}
				require.NoError(t, err, string(out))
			})
		}
	}
	require.NotZero(t, count)
}

// TestErrorOfReadme: docker buildx build shows the error that the README has.
func TestErrorOfReadme(t *testing.T) {
	p := page(t, "README.md")
	i := slices.IndexFunc(p.Blocks, func(b docs.Block) bool { return strings.HasPrefix(b.Before, "error:") })
	require.Positive(t, i)
	spec := p.Blocks[slices.IndexFunc(p.Blocks, func(b docs.Block) bool { return b.Language == "yaml" })].Text
	dir := builds.Write(t, map[string]string{"fromscratch.yaml": strings.Replace(spec, "./cmd/api", "./cmd/ap", 1), "go.mod": "module example.com/app\n\ngo 1.26\n", "cmd/api/main.go": hello})
	out := builds.Build{Bed: bed, Context: dir}.Fails(t, builds.Image)
	require.Contains(t, out, p.Blocks[i].Text)
}

// TestStartOfReadme: what the README has instead of a Dockerfile makes what the
// Dockerfile makes, and more.
func TestStartOfReadme(t *testing.T) {
	long(t)
	p := page(t, "README.md")
	text := func(language string) string {
		i := slices.IndexFunc(p.Blocks, func(b docs.Block) bool { return b.Language == language })
		require.NotEqual(t, -1, i, language)
		return p.Blocks[i].Text
	}
	was, is := migrate(t, map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n", "cmd/api/main.go": goAPI}, text("dockerfile"), text("yaml"), "readme", nil)
	require.Equal(t, was.files["/etc/passwd"], "nonroot:x:65532:65532::/:/sbin/nologin\n")
	for _, name := range []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/Europe/Paris", "/tmp"} {
		require.Contains(t, was.files, name)
		require.Contains(t, is.files, name)
	}
	require.Equal(t, was.config.ExposedPorts, is.config.ExposedPorts)
	require.Equal(t, was.config.User, is.config.User)
}
