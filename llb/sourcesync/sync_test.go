package sourcesync_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// tree is a source tree and a work directory.
type tree struct {
	testing.TB
	src, work string
}

func newTree(t testing.TB, files ...string) tree {
	t.Helper()
	dir := t.TempDir()
	tr := tree{t, filepath.Join(dir, "source"), filepath.Join(dir, "work")}
	tr.must(os.Mkdir(tr.src, 0o755))
	for _, name := range files {
		tr.write(name, "content of "+name)
	}
	return tr
}

func (t tree) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t tree) source(name string) string { return filepath.Join(t.src, name) }
func (t tree) mirror(name string) string {
	return filepath.Join(t.work, sourcesync.MirrorDir, name)
}
func (t tree) target(name string) string {
	return filepath.Join(t.work, sourcesync.TargetDir, name)
}

func (t tree) put(name, content string) {
	t.Helper()
	t.must(os.MkdirAll(filepath.Dir(name), 0o755))
	t.must(os.WriteFile(name, []byte(content), 0o644))
}

func (t tree) write(name, content string) { t.Helper(); t.put(t.source(name), content) }
func (t tree) remove(name string)         { t.Helper(); t.must(os.RemoveAll(t.source(name))) }
func (t tree) link(to, name string)       { t.Helper(); t.must(os.Symlink(to, t.source(name))) }
func (t tree) age(name string, at time.Time) {
	t.Helper()
	t.must(os.Chtimes(name, at, at))
}

// compiled leaves a fingerprint as Cargo does.
func (t tree) compiled(at time.Time) {
	t.Helper()
	name := t.target("release/.fingerprint/app-0123456789abcdef/dep-bin-app")
	t.put(name, "x")
	t.age(name, at)
}

// sync runs Sync, and checks that the mirror is the source.
func (t tree) sync() sourcesync.Report {
	t.Helper()
	report, err := sourcesync.Sync(t.src, t.work)
	t.must(err)
	want, got := t.list(t.src), t.list(t.mirror(""))
	if !maps.Equal(want, got) {
		t.Fatalf("mirror is %q, want %q", got, want)
	}
	if report.Total != len(want) {
		t.Errorf("counted %d paths of %d", report.Total, len(want))
	}
	left, err := os.ReadDir(t.work)
	t.must(err)
	for _, e := range left {
		if !slices.Contains([]string{"src", "target", "table"}, e.Name()) {
			t.Errorf("left %s in the work directory", e.Name())
		}
	}
	return report
}

// list is what every path of a tree holds.
func (t tree) list(root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	t.must(filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			what += " " + string(content)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			what = "-> " + link
		case !d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(root, name)
		out[rel] = what
		return err
	}))
	return out
}

// times is the time of every path of the mirror but links.
func (t tree) times() map[string]time.Time {
	t.Helper()
	out := map[string]time.Time{}
	for name, what := range t.list(t.mirror("")) {
		if !strings.HasPrefix(what, "-> ") {
			info, err := os.Lstat(t.mirror(name))
			t.must(err)
			out[name] = info.ModTime()
		}
	}
	return out
}

// moved lists what has another time than before, without directories unless all,
// and fails when a time is not later.
func (t tree) moved(before map[string]time.Time, all bool) []string {
	t.Helper()
	out := []string{}
	for name, at := range t.times() {
		was, ok := before[name]
		if ok && at.Before(was) {
			t.Errorf("%s went back from %v to %v", name, was, at)
		}
		info, err := os.Lstat(t.mirror(name))
		t.must(err)
		if (!ok || !at.Equal(was)) && (all || !info.IsDir()) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (t tree) wantMoved(before map[string]time.Time, want ...string) {
	t.Helper()
	if got := t.moved(before, false); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("new times for %q, want %q", got, want)
	}
}

func TestFirstRun(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "Cargo.toml", "src/main.rs", "a/b/c/d.txt")
	tr.age(tr.source("src/main.rs"), time.Now().Add(time.Hour))
	tr.put(tr.target("release/stale"), "x")
	before := time.Now().Add(-time.Second)
	report := tr.sync()
	if !report.Emptied || report.Foreign != "" || report.Changed != report.Total {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Stat(tr.target("release/stale")); err == nil {
		t.Error("a target directory without a table survived")
	}
	for name, at := range tr.times() {
		if at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("%s is of %v", name, at)
		}
	}
}

func TestUnchangedRunKeepsTimes(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "Cargo.toml", "src/main.rs", "assets/a.txt")
	tr.link("a.txt", "assets/link")
	tr.sync()
	before := tr.times()
	for i, at := range []time.Time{time.Now().Add(time.Hour), time.Unix(0, 0), time.Now()} {
		for _, name := range []string{"Cargo.toml", "src/main.rs", "assets/a.txt", "assets", "src", "."} {
			tr.age(tr.source(name), at)
		}
		tr.compiled(time.Now())
		if report := tr.sync(); report.Changed != 0 || report.Emptied {
			t.Errorf("run %d: %+v", i, report)
		}
		if got := tr.moved(before, true); len(got) != 0 {
			t.Errorf("run %d moved %q", i, got)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	files := []string{"Cargo.toml", "src/main.rs", "src/util.rs", "assets/a.txt", "README.md", "crates/lib/Cargo.toml", "crates/lib/src/lib.rs"}
	// A change that macros may see without telling moves all files of the package
	// that it is in, or of all packages when it is at the root of the workspace.
	everything := []string{"Cargo.toml", "src/main.rs", "src/util.rs", "assets/a.txt", "crates/lib/Cargo.toml", "crates/lib/src/lib.rs", "README.md"}
	root := []string{"Cargo.toml", "src/main.rs", "src/util.rs", "assets/a.txt", "README.md"}
	lib := []string{"crates/lib/Cargo.toml", "crates/lib/src/lib.rs"}
	long := time.Unix(1, 0)
	for name, test := range map[string]struct {
		change func(tree)
		moved  []string
		dirs   []string // among what else moves
	}{
		"a later time and other content": {func(tr tree) { tr.write("src/main.rs", "x") }, []string{"src/main.rs"}, nil},
		"an equal time and size": {func(tr tree) {
			info, err := os.Stat(tr.source("src/main.rs"))
			tr.must(err)
			tr.write("src/main.rs", strings.Repeat("x", int(info.Size())))
			tr.age(tr.source("src/main.rs"), info.ModTime())
		}, []string{"src/main.rs"}, nil},
		"an older time": {func(tr tree) {
			tr.write("src/main.rs", "x")
			tr.age(tr.source("src/main.rs"), long)
		}, []string{"src/main.rs"}, nil},
		"an emptied file":         {func(tr tree) { tr.write("src/util.rs", "") }, []string{"src/util.rs"}, nil},
		"a mode":                  {func(tr tree) { tr.must(os.Chmod(tr.source("src/util.rs"), 0o755)) }, []string{"src/util.rs"}, nil},
		"the mode of a directory": {func(tr tree) { tr.must(os.Chmod(tr.source("assets"), 0o700)) }, nil, []string{"assets"}},
		"an asset":                {func(tr tree) { tr.write("assets/a.txt", "x") }, everything, nil},
		"an added asset":          {func(tr tree) { tr.write("assets/b.txt", "x") }, append(everything, "assets/b.txt"), []string{"assets"}},
		"a removed asset":         {func(tr tree) { tr.remove("assets/a.txt") }, slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == "assets/a.txt" }), []string{"assets"}},
		"an added directory":      {func(tr tree) { tr.must(os.Mkdir(tr.source("assets/new"), 0o755)) }, everything, []string{"assets", "assets/new"}},
		"an asset among sources":  {func(tr tree) { tr.write("src/a.html", "x") }, append(root, "src/a.html"), []string{"src"}},
		"an added source":         {func(tr tree) { tr.write("src/new.rs", "x") }, append(root, "src/new.rs"), []string{"src"}},
		"a renamed source": {func(tr tree) {
			tr.must(os.Rename(tr.source("src/util.rs"), tr.source("src/other.rs")))
		}, []string{"Cargo.toml", "src/main.rs", "src/other.rs", "assets/a.txt", "README.md"}, []string{"src"}},
		"a removed source":      {func(tr tree) { tr.remove("crates/lib/src/lib.rs") }, []string{"crates/lib/Cargo.toml"}, []string{"crates/lib/src"}},
		"a member's asset":      {func(tr tree) { tr.write("crates/lib/templates/a", "x") }, append(lib, "crates/lib/templates/a"), []string{"crates/lib"}},
		"a member's manifest":   {func(tr tree) { tr.write("crates/lib/Cargo.toml", "x") }, lib, nil},
		"a build script":        {func(tr tree) { tr.write("crates/lib/build.rs", "x") }, append(lib, "crates/lib/build.rs"), []string{"crates/lib"}},
		"a read-me":             {func(tr tree) { tr.write("README.md", "x") }, []string{"README.md"}, nil},
		"an added licence":      {func(tr tree) { tr.write("LICENSE-MIT", "x") }, []string{"LICENSE-MIT"}, []string{"."}},
		"a spec":                {func(tr tree) { tr.write("fromscratch.yaml", "x") }, []string{"fromscratch.yaml"}, []string{"."}},
		"a workflow":            {func(tr tree) { tr.write(".github/workflows/ci.yml", "x") }, []string{".github/workflows/ci.yml"}, []string{"."}},
		"an environment":        {func(tr tree) { tr.write(".env", "x") }, append(everything, ".env"), []string{"."}},
		"another configuration": {func(tr tree) { tr.write(".cargo/config.toml", "x") }, append(everything, ".cargo/config.toml"), []string{"."}},
		"recorded queries":      {func(tr tree) { tr.write(".sqlx/q.json", "x") }, append(everything, ".sqlx/q.json"), []string{"."}},
		"a lock":                {func(tr tree) { tr.write("Cargo.lock", "x") }, append(everything, "Cargo.lock"), []string{"."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, files...)
			tr.sync()
			tr.compiled(time.Now())
			before := tr.times()
			test.change(tr)
			if report := tr.sync(); report.Emptied {
				t.Errorf("report %+v", report)
			}
			tr.wantMoved(before, test.moved...)
			after := tr.times()
			for _, name := range test.moved {
				info, err := os.Stat(tr.target("release/.fingerprint/app-0123456789abcdef/dep-bin-app"))
				tr.must(err)
				if !after[name].After(info.ModTime()) {
					t.Errorf("%s is not later than what was compiled", name)
				}
			}
			all := tr.moved(before, true)
			for _, dir := range test.dirs {
				if !slices.Contains(all, dir) {
					t.Errorf("directory %s did not move", dir)
				}
			}
			tr.sync()
			if got := tr.moved(after, true); len(got) != 0 {
				t.Errorf("the run after moved %q", got)
			}
		})
	}
}

// TestReverted goes back to content that was compiled before, at its old time.
func TestReverted(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "src/main.rs")
	first := time.Unix(1e9, 0)
	tr.age(tr.source("src/main.rs"), first)
	var last time.Time
	for i := range 6 {
		tr.write("src/main.rs", fmt.Sprint(i%2))
		tr.age(tr.source("src/main.rs"), first)
		tr.sync()
		if at := tr.times()["src/main.rs"]; !at.After(last) {
			t.Errorf("run %d: %v is not later than %v", i, at, last)
		} else {
			last = at
		}
	}
}

// TestOtherPackages changes an asset of the package web.
func TestOtherPackages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source string
		moves  bool
	}{
		"a path in a literal":     {`#[folder = "../web/dist"]`, true},
		"a path of joined parts":  {`root.join("web").join("dist")`, true},
		"the folder itself":       {`read_dir("../web")`, true},
		"a word that only begins": {`website`, false},
		"a module of its name":    {`use web::page;`, false},
		"nothing":                 {``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, "Cargo.toml", "web/Cargo.toml", "web/src/lib.rs", "web/dist/a.js", "server/Cargo.toml", "server/deep/Cargo.toml", "server/deep/src/lib.rs")
			tr.write("server/src/main.rs", test.source)
			tr.sync()
			before := tr.times()
			tr.write("web/dist/b.js", "x")
			tr.sync()
			got := tr.moved(before, false)
			if slices.Contains(got, "server/src/main.rs") != test.moves {
				t.Errorf("moved %q", got)
			}
			if !slices.Contains(got, "web/src/lib.rs") || slices.Contains(got, "server/deep/src/lib.rs") {
				t.Errorf("moved %q", got)
			}
		})
	}
}

// TestEmptied lists what empties the target directory.
func TestEmptied(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(tree)
		foreign string
	}{
		"a link that points elsewhere": {func(tr tree) { tr.remove("link"); tr.link("b.txt", "link") }, ""},
		"an added link":                {func(tr tree) { tr.link("a.txt", "link2") }, ""},
		"a removed link":               {func(tr tree) { tr.remove("link") }, ""},
		"a file that becomes a link":   {func(tr tree) { tr.remove("a.txt"); tr.link("b.txt", "a.txt") }, ""},
		"a link that becomes a file":   {func(tr tree) { tr.remove("link"); tr.write("link", "x") }, ""},
		"a directory for a link":       {func(tr tree) { tr.remove("link"); tr.write("link/x", "x") }, ""},
		"a link for a directory":       {func(tr tree) { tr.remove("src"); tr.link("vendor", "src") }, ""},
		"a patched vendored crate":     {func(tr tree) { tr.write("vendor/dep/src/lib.rs", "x") }, ""},
		"a smaller vendored crate":     {func(tr tree) { tr.remove("vendor/dep/src/lib.rs") }, ""},
		"a new vendored crate":         {func(tr tree) { tr.write("vendor/new/.cargo-checksum.json", "x") }, ""},
		"no more vendored crates":      {func(tr tree) { tr.remove("vendor") }, ""},
		"no table":                     {func(tr tree) { tr.must(os.Remove(filepath.Join(tr.work, "table"))) }, ""},
		"an unreadable table": {func(tr tree) {
			tr.must(os.Remove(filepath.Join(tr.work, "table")))
			tr.must(os.MkdirAll(filepath.Join(tr.work, "table/x"), 0o755))
		}, ""},
		"a damaged table":                 {func(tr tree) { tr.must(os.Truncate(filepath.Join(tr.work, "table"), 300)) }, ""},
		"a file that a script made":       {func(tr tree) { tr.put(tr.mirror("src/gen.rs"), "x") }, "src/gen.rs"},
		"a directory that a script made":  {func(tr tree) { tr.must(os.Mkdir(tr.mirror("gen"), 0o755)) }, "gen"},
		"a file that a script changed":    {func(tr tree) { tr.put(tr.mirror("a.txt"), "content of x.txt") }, "a.txt"},
		"a file that a script lengthened": {func(tr tree) { tr.put(tr.mirror("a.txt"), "xx") }, "a.txt"},
		"a file that a script removed":    {func(tr tree) { tr.must(os.Remove(tr.mirror("a.txt"))) }, "a.txt"},
		"a folder that a script removed":  {func(tr tree) { tr.must(os.RemoveAll(tr.mirror("src"))) }, "src"},
		"a mode that a script changed":    {func(tr tree) { tr.must(os.Chmod(tr.mirror("a.txt"), 0o600)) }, "a.txt"},
		"a link that a script changed": {func(tr tree) {
			tr.must(os.Remove(tr.mirror("link")))
			tr.must(os.Symlink("b.txt", tr.mirror("link")))
		}, "link"},
		"a pipe in place of a file": {func(tr tree) {
			tr.must(os.Remove(tr.mirror("a.txt")))
			tr.must(syscall.Mkfifo(tr.mirror("a.txt"), 0o644))
		}, "a.txt"},
		"no mirror":              {func(tr tree) { tr.must(os.RemoveAll(tr.mirror(""))) }, "."},
		"a file for the mirror":  {func(tr tree) { tr.must(os.RemoveAll(tr.mirror(""))); tr.put(tr.mirror(""), "x") }, "."},
		"a clock that went back": {func(tr tree) { tr.compiled(time.Now().Add(time.Hour)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, "a.txt", "b.txt", "src/main.rs", "vendor/dep/.cargo-checksum.json", "vendor/dep/Cargo.toml", "vendor/dep/src/lib.rs")
			tr.link("a.txt", "link")
			tr.sync()
			tr.compiled(time.Now())
			if report := tr.sync(); report.Emptied {
				t.Fatalf("emptied without a change: %+v", report)
			}
			test.change(tr)
			report := tr.sync()
			if !report.Emptied || report.Foreign != test.foreign || report.Changed != report.Total {
				t.Errorf("report %+v", report)
			}
			if _, err := os.Stat(tr.target("release")); err == nil {
				t.Error("the target directory survived")
			}
			if report := tr.sync(); report.Emptied || report.Changed != 0 {
				t.Errorf("the run after: %+v", report)
			}
		})
	}
}

func TestTypeChanges(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "x", "keep.rs")
	tr.sync()
	for i, change := range []func(){
		func() { tr.write("x/y/z", "file to directory") },
		func() { tr.write("x", "directory to file") },
		func() { tr.link("keep.rs", "x") },
		func() { tr.write("x/y", "link to directory") },
		func() { tr.link(".", "x") },
		func() { tr.write("x", "link to file") },
	} {
		tr.remove("x")
		change()
		tr.sync()
		if report := tr.sync(); report.Changed != 0 {
			t.Errorf("change %d: the run after found %+v", i, report)
		}
	}
}

// TestRewritten lets a build script write what was there already.
func TestRewritten(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "src/gen.rs", "src/main.rs")
	tr.sync()
	before := tr.times()
	tr.put(tr.mirror("src/gen.rs"), "content of src/gen.rs")
	tr.age(tr.mirror("src/gen.rs"), time.Now().Add(time.Minute))
	tr.put(tr.mirror("src/tmp"), "x")
	tr.must(os.Remove(tr.mirror("src/tmp")))
	if report := tr.sync(); report.Emptied || report.Changed != 0 {
		t.Errorf("report %+v", report)
	}
	if got := tr.moved(before, true); len(got) != 0 {
		t.Errorf("moved %q", got)
	}
}

// TestInterrupted kills a run after the mirror was written, wholly or in part,
// and before the table was.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, undo := range map[string]bool{"then goes on": false, "then goes back": true} {
		for _, part := range []string{"src/main.rs", "src/new.rs", "gone.txt"} {
			t.Run(name+" after "+part, func(t *testing.T) {
				t.Parallel()
				tr := newTree(t, "src/main.rs", "gone.txt")
				tr.sync()
				tr.compiled(time.Now())
				switch part {
				case "src/main.rs":
					tr.put(tr.mirror(part), "other of src/main.rs")
				case "src/new.rs":
					tr.put(tr.mirror(part), "new")
				case "gone.txt":
					tr.must(os.Remove(tr.mirror(part)))
				}
				if !undo {
					tr.write("src/main.rs", "other of src/main.rs")
					tr.write("src/new.rs", "new")
					tr.remove("gone.txt")
				}
				tr.put(filepath.Join(tr.work, "table.new"), "half a ta")
				tr.put(filepath.Join(tr.work, "clock"), "x")
				if report := tr.sync(); !report.Emptied {
					t.Errorf("report %+v", report)
				}
			})
		}
	}
}

// TestInterruptedEmptying kills a run that empties the target directory.
func TestInterruptedEmptying(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing keeps root from removing a file")
	}
	tr := newTree(t, "a.rs")
	tr.link("a.rs", "link")
	tr.sync()
	tr.compiled(time.Now())
	stuck := tr.target("stuck/x")
	tr.put(stuck, "x")
	tr.must(os.Chmod(filepath.Dir(stuck), 0o555))
	tr.remove("link")
	if report, err := sourcesync.Sync(tr.src, tr.work); err == nil {
		t.Fatalf("report %+v", report)
	}
	tr.must(os.Chmod(filepath.Dir(stuck), 0o755))
	tr.link("a.rs", "link")
	if report := tr.sync(); !report.Emptied {
		t.Errorf("half a target directory was kept: %+v", report)
	}
}

func TestRunsWithinOneTick(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "a.rs")
	var last time.Time
	for i := range 200 {
		tr.write("a.rs", fmt.Sprint(i))
		if report := tr.sync(); report.Emptied != (i == 0) {
			t.Fatalf("run %d: %+v", i, report)
		}
		at := tr.times()["a.rs"]
		if !at.After(last) {
			t.Fatalf("run %d: %v after %v", i, at, last)
		}
		last = at
	}
}

// TestCompiledWithinOneTick has a compile that the coarse clock of the kernel puts
// a little ahead of the next edit.
func TestCompiledWithinOneTick(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "a.rs")
	tr.sync()
	probe := filepath.Join(t.TempDir(), "probe")
	for i := range 20 {
		// The clock that files have lags behind the one that time.Now reads, by up to
		// a tick, so it is asked itself.
		if err := os.WriteFile(probe, []byte(fmt.Sprint(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(probe)
		if err != nil {
			t.Fatal(err)
		}
		compiled := info.ModTime().Add(8 * time.Millisecond)
		tr.compiled(compiled)
		tr.write("a.rs", fmt.Sprint(i))
		if report := tr.sync(); report.Emptied {
			t.Fatalf("run %d: %+v", i, report)
		}
		if at := tr.times()["a.rs"]; !at.After(compiled) {
			t.Errorf("run %d: %v is not after %v", i, at, compiled)
		}
	}
}

func TestUnusualTrees(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("deep/", 200)
	for name, files := range map[string][]string{
		"empty":        nil,
		"spaces":       {"a b/c  d.rs", " lead", "trail "},
		"line breaks":  {"a\nb", "a\n", "\n/\n"},
		"unicode":      {"ünïcödé/日本.rs", "u\u0308", "ü"},
		"no unicode":   {"\xff\xfe/\x80"},
		"dashes":       {"-rf", "--", "-/-"},
		"dots":         {".hidden", "...", "a/..b"},
		"quotes":       {`"`, `\`, `'$(x)`, "*?[a]"},
		"prefixes":     {"a/b", "a.b", "a-b/c", "ab"},
		"deep":         {deep + "x.rs"},
		"like our own": {"src/table", "table", "target/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, files...)
			tr.sync()
			before := tr.times()
			if report := tr.sync(); report.Changed != 0 || report.Emptied {
				t.Errorf("an unchanged run: %+v", report)
			}
			if len(files) == 0 {
				return
			}
			tr.write(files[0], "changed")
			if report := tr.sync(); report.Emptied {
				t.Errorf("a changed run: %+v", report)
			}
			if got := tr.moved(before, false); !slices.Contains(got, files[0]) {
				t.Errorf("moved %q", got)
			}
			tr.remove(files[0])
			tr.sync()
		})
	}
}

// TestReadOnly has a source that nobody may write to.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src, work := filepath.Join(dir, "src"), filepath.Join(dir, "work")
	tr := tree{t, src, work}
	tr.write("d/a.rs", "1")
	tr.must(os.Chmod(tr.source("d/a.rs"), 0o444))
	tr.must(os.Chmod(tr.source("d"), 0o555))
	t.Cleanup(func() { _ = os.Chmod(tr.source("d"), 0o755) })
	for i := range 2 {
		report, err := sourcesync.Sync(src, work)
		if err != nil || i == 1 && report.Changed != 0 {
			t.Fatalf("run %d: %+v, %v", i, report, err)
		}
	}
	info, err := os.Stat(tr.mirror("d"))
	tr.must(err)
	if info.Mode().Perm() != 0o755 {
		t.Errorf("the mirror has mode %v", info.Mode())
	}
}

func TestSpecialFilesAreNoSources(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "a.rs")
	tr.must(syscall.Mkfifo(tr.source("pipe"), 0o644))
	tr.sync()
	if report := tr.sync(); report.Changed != 0 || report.Emptied {
		t.Errorf("report %+v", report)
	}
}

func TestNoSource(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "a.rs")
	tr.sync()
	tr.compiled(time.Now())
	if _, err := sourcesync.Sync(tr.source("none"), tr.work); err == nil {
		t.Fatal("synced with nothing")
	}
	if report := tr.sync(); report.Emptied {
		t.Errorf("a failed run cost the target directory: %+v", report)
	}
}

// TestScriptsForgotten wants what build scripts left to go with their inputs.
func TestScriptsForgotten(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "data/Cargo.toml", "data/build.rs", "data/in/a", "other/Cargo.toml", "other/build.rs")
	tr.write("data/Cargo.toml", "[package]\nversion = \"1.0.0\"\nname = \"my-data\"\n")
	tr.write("other/Cargo.toml", "package = { name = \"my-data-other\" }\n")
	tr.sync()
	const hash = "-0123456789abcdef"
	gone := []string{"release/build/my-data" + hash + "/out/a", "x86_64-unknown-linux-musl/release/build/my-data" + hash + "/output"}
	kept := []string{"release/build/my-data-other" + hash + "/out/a", "release/deps/my-data" + hash, "release/.fingerprint/my-data" + hash + "/x"}
	for _, name := range append(slices.Clone(gone), kept...) {
		tr.put(tr.target(name), "x")
	}
	tr.sync()
	for _, name := range append(slices.Clone(gone), kept...) {
		if _, err := os.Stat(tr.target(name)); err != nil {
			t.Fatalf("lost without a change: %v", err)
		}
	}
	tr.remove("data/in/a")
	tr.sync()
	for _, name := range gone {
		if _, err := os.Stat(tr.target(name)); err == nil {
			t.Errorf("kept %s", name)
		}
	}
	for _, name := range kept {
		if _, err := os.Stat(tr.target(name)); err != nil {
			t.Errorf("lost %s", name)
		}
	}
}

func BenchmarkSync(b *testing.B) {
	for _, n := range []int{10, 2000, 5000} {
		tr := newTree(b)
		for i := range n {
			tr.write(fmt.Sprintf("crates/c%d/src/m%d.rs", i/50, i), strings.Repeat(fmt.Sprintln("fn f() {}", i), 500))
		}
		sync := func(b *testing.B) {
			if _, err := sourcesync.Sync(tr.src, tr.work); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				tr.must(os.RemoveAll(tr.work))
				b.StartTimer()
				sync(b)
			}
		})
		b.Run(fmt.Sprintf("unchanged/%d", n), func(b *testing.B) {
			sync(b)
			for b.Loop() {
				sync(b)
			}
		})
		b.Run(fmt.Sprintf("edit/%d", n), func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				tr.write("crates/c0/src/m0.rs", fmt.Sprint(i))
				sync(b)
			}
		})
	}
}
