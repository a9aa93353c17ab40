//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// printing is a Rust program whose output tells which sources it was made of.
func printing(main, lib string) map[string]string {
	return with(rustProgram(""), "src/main.rs",
		fmt.Sprintf("mod part;\nfn main() { println!(\"%s {} {}\", part::TEXT, include_str!(\"data.txt\").trim()); }\n", main),
		"src/part.rs", fmt.Sprintf("pub const TEXT: &str = \"%s\";\n", lib),
		"src/data.txt", "data")
}

// setTimes gives every file of a context one modification time.
func setTimes(t *testing.T, dir string, to time.Time) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(p, to, to)
	}))
}

func edit(t *testing.T, dir, name, text string, mtime time.Time) {
	t.Helper()
	p := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(p, []byte(text), 0o644))
	require.NoError(t, os.Chtimes(p, mtime, mtime))
}

// output builds for the machine's own platform and returns what the program
// prints, or the linked bytes with all of it as data.
func output(t *testing.T, via builds.Via, dir string) string {
	t.Helper()
	r := builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.OK(t, via)
	return runs(t, r.Layout.Images["linux/amd64"].Files["/app"].Data)
}

// runs is what a program prints.
func runs(t *testing.T, program []byte) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "app")
	require.NoError(t, os.WriteFile(bin, program, 0o755))
	out, err := exec.CommandContext(t.Context(), bin).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(bytes.TrimSpace(out))
}

// TestNoStaleBinary: a target directory outlives a build, and Cargo compares
// modification times alone. Each case is one that links old code without the
// source table.
func TestNoStaleBinary(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	each(t, func(t *testing.T, via builds.Via) {
		t.Run("time moved back", func(t *testing.T) {
			dir := builds.Write(t, printing("one", "a"))
			require.Equal(t, "one a data", output(t, via, dir))
			edit(t, dir, "src/part.rs", "pub const TEXT: &str = \"b\";\n", now.Add(-48*time.Hour))
			require.Equal(t, "one b data", output(t, via, dir))
			edit(t, dir, "src/data.txt", "other", now.Add(-72*time.Hour))
			require.Equal(t, "one b other", output(t, via, dir))
		})
		t.Run("all times equal", func(t *testing.T) {
			then := time.Unix(1_000_000_000, 0)
			dir := builds.Write(t, printing("two", "a"))
			setTimes(t, dir, then)
			require.Equal(t, "two a data", output(t, via, dir))
			edit(t, dir, "src/part.rs", "pub const TEXT: &str = \"bb\";\n", then)
			require.Equal(t, "two bb data", output(t, via, dir))
		})
		t.Run("two checkouts share a cache", func(t *testing.T) {
			a, b := builds.Write(t, printing("three", "a")), builds.Write(t, printing("three", "b"))
			setTimes(t, a, now.Add(-time.Hour))
			setTimes(t, b, now.Add(-2*time.Hour))
			for range 2 {
				require.Equal(t, "three a data", output(t, via, a))
				require.Equal(t, "three b data", output(t, via, b))
				edit(t, a, "src/new.rs", fmt.Sprintf("// %s", t.Name()), now)
				edit(t, b, "src/new.rs", fmt.Sprintf("// %s!", t.Name()), now)
			}
		})
		t.Run("failed build between", func(t *testing.T) {
			dir := builds.Write(t, printing("four", "a"))
			require.Equal(t, "four a data", output(t, via, dir))
			edit(t, dir, "src/part.rs", "pub const TEXT: &str = 1;\n", now.Add(-time.Hour))
			builds.Build{Bed: bed, Context: dir, Platforms: []string{"linux/amd64"}}.Fails(t, via)
			edit(t, dir, "src/part.rs", "pub const TEXT: &str = \"c\";\n", now.Add(-2*time.Hour))
			require.Equal(t, "four c data", output(t, via, dir))
		})
	})
}

// TestStaleWithoutTable shows that the cases above are real: the same edit, with
// the same caches but no source table, links the old code and exits 0.
func TestStaleWithoutTable(t *testing.T) {
	dockerfile := `FROM rust:1.96-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=` + t.Name() + `,target=/target CARGO_TARGET_DIR=/target cargo build --release --locked && cp /target/release/app /app
FROM scratch
COPY --from=build /app /app
`
	run := func(dir string) string {
		out := t.TempDir()
		cmd := bed.Command(t.Context(), "docker", "buildx", "build", "--output", out, "-f", filepath.Join(dir, "Dockerfile"), dir)
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, string(text))
		got, err := exec.CommandContext(t.Context(), filepath.Join(out, "app")).CombinedOutput()
		require.NoError(t, err)
		return string(bytes.TrimSpace(got))
	}
	// Another text every time: the cache mount outlives the test, and what an
	// earlier run compiled must not pass for this one's.
	first, second := fmt.Sprintf("a%d", time.Now().UnixNano()), fmt.Sprintf("bb%d", time.Now().UnixNano())
	dir := builds.Write(t, with(printing("five", first), "Dockerfile", dockerfile))
	require.Equal(t, "five "+first+" data", run(dir))
	edit(t, dir, "src/part.rs", fmt.Sprintf("pub const TEXT: &str = %q;\n", second), time.Now().Add(-48*time.Hour))
	require.Equal(t, "five "+first+" data", run(dir), "Cargo alone links what it compiled before the edit")
}

// TestNoStaleGo: the go command indexes imports by size and time of files, so two
// files with the same of both must not be taken for one another.
func TestNoStaleGo(t *testing.T) {
	program := func(pkg string) string {
		return fmt.Sprintf("package main\n\nimport p %q\n\nfunc main() { println(p.Text) }\n", "example.com/app/"+pkg)
	}
	then := time.Unix(1_000_000_000, 0)
	make := func(pkg string) string {
		dir := builds.Write(t, with(goProgram(program(pkg)), "one/one.go", "package one\n\nconst Text = \"one\"\n", "two/two.go", "package two\n\nconst Text = \"two\"\n"))
		setTimes(t, dir, then)
		return dir
	}
	builds.Each(t, func(t *testing.T, via builds.Via) {
		for range 2 {
			for _, pkg := range []string{"one", "two"} {
				require.Equal(t, pkg, output(t, via, make(pkg)))
			}
		}
	})
}
