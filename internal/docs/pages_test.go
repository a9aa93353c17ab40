package docs_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/docs"
)

const root = "../.."

// checks are what every page has to pass. Each gives its findings as a reader
// would report them.
var checks = map[string]func(p *docs.Page) []string{
	"languages":   languages,
	"files":       files,
	"specs":       specs,
	"mistakes":    mistakes,
	"Dockerfiles": dockerfiles,
	"commands":    commands,
	"links":       links,
}

// TestPages holds every page to what it says.
func TestPages(t *testing.T) {
	pages, err := docs.Pages(root)
	require.NoError(t, err)
	require.Greater(t, len(pages), 15)
	for _, p := range pages {
		t.Run(p.Path, func(t *testing.T) {
			for name, check := range checks {
				for _, finding := range check(p) {
					t.Errorf("%s: %s", name, finding)
				}
			}
		})
	}
}

// TestChecksFind breaks a page in all the ways that the checks are for.
func TestChecksFind(t *testing.T) {
	fence := func(info, text string) string { return "# Page\n\n```" + info + "\n" + text + "\n```\n" }
	const spec = "# syntax=fromscratch/frontend:1\ntoolchain: go-cgo0\ntargets:\n  api:\n    build: ./cmd/api\n"
	for _, tc := range []struct {
		name, check, text, want string
	}{
		{"no language", "languages", fence("", "hello"), "page.md:4: a block of code without a language"},
		{"indented", "languages", "# Page\n\n    hello\n", "page.md:3: a block of code without a language"},
		{"language of nobody", "languages", fence("cobol", "hello"), `page.md:4: no check knows the language "cobol"`},
		{"attribute of nobody", "languages", fence("yaml prat", "a: b"), `page.md:4: "prat" says nothing`},
		{"an error that nobody vouches for", "languages", fence("text", "ERROR: boom"), "page.md:4: an error that is not compared with what the frontend says"},
		{"YAML", "files", fence("yaml a.yaml", "a: [b"), "page.md:4: "},
		{"JSON", "files", fence("json", "{a}"), "page.md:4: invalid character"},
		{"TOML", "files", fence("toml Cargo.toml", "a = "), "page.md:4: toml"},
		{"Go", "files", fence("go main.go", "package"), "page.md:4: "},
		{"other text than the file", "files", fence("yaml examples/go-service/fromscratch.yaml", "toolchain: go-cgo0\n\nextras: [tzdata, tmp]"), "page.md:4: examples/go-service/fromscratch.yaml does not have:\nextras: [tzdata, tmp]"},
		{"text of the file", "files", fence("yaml examples/go-service/fromscratch.yaml", "toolchain: go-cgo0\n\nextras: [tzdata]"), ""},
		{"misspelled key", "specs", fence("yaml", strings.Replace(spec, "build", "biuld", 1)), `unknown key "biuld" in target "api"; did you mean "build"?`},
		{"misspelled key of a part", "specs", fence("yaml part", "extrsa: [tzdata]"), `unknown key "extrsa"`},
		{"key of another toolchain", "specs", fence("yaml go-cgo0", "build: {features: [a]}"), "features"},
		{"undeclared variable", "specs", fence("yaml", spec+"    cmd: [\"$NOBODY\"]"), "NOBODY"},
		{"no syntax line", "specs", fence("yaml", strings.SplitN(spec, "\n", 2)[1]), "page.md:4: BuildKit finds no syntax line"},
		{"wrong that is right", "mistakes", fence("yaml wrong", "toolchain: prebuilt\ntargets:\n  api:\n    build: api\n") + fence("text", "ERROR"), "page.md:4: this builds"},
		{"wrong without words", "mistakes", fence("yaml wrong", spec+"    a: b"), "page.md:4: no text below says how this is refused"},
		{"other words", "mistakes", fence("yaml wrong", spec+"    a: b") + fence("text", "ERROR: what?"), `unknown key "a" in target "api"`},
		{"other words of a mistake", "mistakes", fence("yaml", spec) + "<!-- error: \"./cmd/ap\" for \"./cmd/api\" -->\n" + fence("text", "ERROR: what?")[8:], "there is no folder cmd/ap in the build context"},
		{"mistake of nothing", "mistakes", "<!-- error: \"a\" for \"b\" -->\n" + fence("text", "ERROR: what?")[8:], "page.md:3: no spec above has \"b\""},
		{"no Dockerfile", "Dockerfiles", fence("dockerfile", "FROM scratch\nCOPPY a b"), "unknown instruction: COPPY"},
		{"lint of a Dockerfile", "Dockerfiles", fence("dockerfile", "FROM scratch as a"), "FromAsCasing"},
		{"stage that is not there", "Dockerfiles", fence("dockerfile", "FROM scratch\nCOPY --from=build /a /a\n"), ""},
		{"quote", "commands", fence("sh", "docker buildx build '."), "reached EOF without closing quote"},
		{"make", "commands", fence("sh", "make dmeo"), "page.md:4: make dmeo: the Makefile has no target dmeo"},
		{"variable of make", "commands", fence("sh", "make demo BUILDERS=x"), "the Makefile has no variable BUILDERS"},
		{"go", "commands", fence("sh", "go biuld ./..."), "go has no command biuld"},
		{"flag of go", "commands", fence("sh", "go test -tag integration ./..."), "go test has no flag -tag"},
		{"folder of go", "commands", fence("console", "$ go run ./cmd/nothing"), "there is no ./cmd/nothing"},
		{"cargo", "commands", fence("sh", "cargo biuld"), "cargo has no command biuld"},
		{"docker", "commands", fence("sh", "docker biuldx build ."), "docker has no command biuldx"},
		{"file", "commands", fence("sh", "docker buildx build -f examples/nothing/fromscratch.yaml ."), "there is no examples/nothing/fromscratch.yaml"},
		{"call", "commands", fence("sh", "docker buildx build --call schmea ."), "there is no call schmea"},
		{"program", "commands", fence("sh", "true | frobnicate"), "no check knows the program frobnicate"},
		{"console without a prompt", "commands", fence("console", "make demo"), "page.md:4: a console without a command"},
		{"page", "links", "# A\n\nSee [b](b.md).\n", "page.md:3: there is no b.md"},
		{"section", "links", "# A\n\nSee [b](#b).\n", "page.md:3: page.md has no section b"},
		{"section elsewhere", "links", "# A\n\nSee [b](docs/spec.md#nothing).\n", "page.md:3: docs/spec.md has no section nothing"},
		{"picture", "links", "# A\n\n![b](docs/b.svg)\n", "page.md:3: there is no docs/b.svg"},
		{"reference", "links", "# A\n\nSee [b][c].\n\n[c]: docs/nothing.md\n", "page.md:3: there is no docs/nothing.md"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "page.md"), []byte(tc.text), 0o644))
			p, err := docs.Read(dir, "page.md")
			require.NoError(t, err)
			found := checks[tc.check](p)
			if tc.want == "" {
				require.Empty(t, found)
				return
			}
			require.Contains(t, strings.Join(found, "\n"), tc.want)
		})
	}
}

// TestIndex: docs/README.md leads to every page beside it.
func TestIndex(t *testing.T) {
	index, err := docs.Read(root, "docs/README.md")
	require.NoError(t, err)
	linked := map[string]bool{"README.md": true}
	for _, l := range index.Links {
		linked[l.To] = true
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if !linked[filepath.Base(file)] {
			t.Errorf("docs/README.md has no link to %s", filepath.Base(file))
		}
	}
}

// TestLength keeps the first page short.
func TestLength(t *testing.T) {
	p, err := docs.Read(root, "README.md")
	require.NoError(t, err)
	require.Less(t, strings.Count(p.Text, "\n"), 150)
}

// TestPictures: drawings are whole, take nothing from elsewhere, and are drawn for
// dark pages too.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "caching*.svg"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file)
			if start, ok := token.(xml.StartElement); ok {
				for _, a := range start.Attr {
					require.NotContains(t, a.Name.Local, "href", file)
				}
			}
		}
		require.Contains(t, string(data), "prefers-color-scheme:dark")
		require.Less(t, len(data), 8<<10, file)
	}
}
