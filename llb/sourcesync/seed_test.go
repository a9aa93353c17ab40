package sourcesync_test

import (
	"bytes"
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

const (
	unitA = "aaaaaaaaaaaaaaaa"
	unitB = "bbbbbbbbbbbbbbbb"
	own   = "0123456789abcdef"
)

func TestReadUnits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ line, all, shared, rest string }{
		"library": {
			`{"reason":"compiler-artifact","package_id":"registry+https://x#a@1.0.0","filenames":["/t/release/deps/liba-` + unitA + `.rlib","/t/release/deps/liba-` + unitA + `.rmeta"]}`,
			unitA, unitA, ""},
		"build script": {
			`{"reason":"compiler-artifact","package_id":"registry+https://x#a@1.0.0","filenames":["/t/release/build/a-` + unitA + `/build-script-build"]}`,
			unitA, unitA, ""},
		"run of a build script":          {`{"reason":"build-script-executed","package_id":"git+ssh://x#a@1.0.0","out_dir":"/t/x/release/build/a-` + unitA + `/out"}`, unitA, unitA, ""},
		"the project's own":              {`{"reason":"compiler-artifact","package_id":"path+file:///p#a@0.1.0","filenames":["/t/release/deps/liba-` + unitA + `.rlib"]}`, unitA, "", ""},
		"the project's own, as of old":   {`{"reason":"compiler-artifact","package_id":"a 0.1.0 (path+file:///p)","filenames":["/t/release/deps/liba-` + unitA + `.rlib"]}`, unitA, "", ""},
		"program without a hash":         {`{"reason":"compiler-artifact","package_id":"path+file:///p#a@0.1.0","filenames":["/t/release/a"]}`, "", "", ""},
		"folder named by the hash alone": {`{"reason":"compiler-artifact","package_id":"registry+https://x#a@1.0.0","filenames":["/t/build/a/` + unitA + `/liba.rlib"]}`, unitA, unitA, ""},
		"other message":                  {`{"reason":"build-finished","success":true}`, "", "", ""},
		"other program":                  {"hello", "", "", "hello"},
		"other program's JSON":           {`{"a":1}`, "", "", `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var u sourcesync.Units
			var rest bytes.Buffer
			if err := sourcesync.ReadUnits(strings.NewReader(test.line), &u, &rest); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(u.All)), " "); got != test.all {
				t.Errorf("all: %q", got)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(u.Shared)), " "); got != test.shared {
				t.Errorf("shared: %q", got)
			}
			if rest.String() != test.rest {
				t.Errorf("rest: %q", rest.String())
			}
		})
	}
}

// unit leaves what Cargo does for a library with a build script.
func (t tree) unit(hash, content string) {
	t.Helper()
	for _, name := range []string{
		"release/.fingerprint/dep-" + hash + "/lib-dep", "release/deps/libdep-" + hash + ".rlib", "release/deps/libdep-" + hash + ".rmeta", "release/deps/dep-" + hash + ".d",
		"release/build/dep-" + hash + "/out/gen.rs", "release/build/dep-" + hash + "/out/libc.so", "release/build/dep-" + hash + "/output",
		"release/build/dep-" + hash + "/build-script-build",
	} {
		t.put(t.target(name), content+" "+name)
	}
	t.must(os.Link(t.target("release/build/dep-"+hash+"/build-script-build"), t.target("release/build/dep-"+hash+"/build_script_build-"+hash)))
}

func (t tree) harvest(units ...string) string {
	t.Helper()
	seed := filepath.Join(t.TB.(*testing.T).TempDir(), "seed")
	keep := map[string]bool{}
	for _, u := range units {
		keep[u] = true
	}
	_, _, err := sourcesync.Harvest(t.work, seed, keep)
	t.must(err)
	return seed
}

func (t tree) plant(seed string) sourcesync.Planted {
	t.Helper()
	done, err := sourcesync.Plant(seed, t.work)
	t.must(err)
	return done
}

func TestHarvest(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.unit(unitA, "a")
	tr.unit(own, "own")
	tr.put(tr.target("release/app"), "program")
	tr.put(tr.target("release/incremental/dep-"+unitA+"/x"), "x")
	tr.put(tr.target(".rustc_info.json"), "{}")
	tr.put(tr.target("release/build/dep-"+unitA+"/out/c/a.o"), "object")
	seed := tr.harvest(unitA)
	files := tr.list(seed)
	for name := range files {
		if info, err := os.Stat(filepath.Join(seed, name)); err != nil || !info.ModTime().Equal(sourcesync.SeedTime) {
			t.Errorf("%s: %v %v", name, info.ModTime(), err)
		}
		if strings.Contains(name, own) || strings.Contains(name, "app") || strings.Contains(name, "incremental") || strings.HasSuffix(name, ".o") {
			t.Errorf("%s is none of the dependencies", name)
		}
	}
	for _, name := range []string{"units", "target/.rustc_info.json", "target/release/deps/libdep-" + unitA + ".rlib", "target/release/build/dep-" + unitA + "/out/gen.rs"} {
		if files[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	info, err := os.Stat(filepath.Join(seed, "target/release/build/dep-"+unitA+"/build-script-build"))
	if err != nil || info.Sys().(*syscall.Stat_t).Nlink != 2 {
		t.Error("a file with two names is there twice")
	}
	other := tr.harvest(unitA)
	if !maps.Equal(tr.list(other), files) {
		t.Error("the same units gave another seed")
	}
}

func TestPlant(t *testing.T) {
	t.Parallel()
	builder, project := newTree(t), newTree(t)
	builder.unit(unitA, "a")
	builder.unit(unitB, "b")
	builder.put(builder.target(".rustc_info.json"), "{}")
	both, onlyB := builder.harvest(unitA, unitB), builder.harvest(unitB)

	if done := project.plant(both); done.New == 0 || done.Gone != 0 || done.Emptied {
		t.Fatalf("%+v", done)
	}
	project.unit(own, "own")
	at := func(hash string, links ...string) {
		t.Helper()
		for _, name := range []string{
			"release/.fingerprint/dep-" + hash + "/lib-dep", "release/deps/libdep-" + hash + ".rlib", "release/deps/libdep-" + hash + ".rmeta", "release/deps/dep-" + hash + ".d",
			"release/build/dep-" + hash + "/out/gen.rs", "release/build/dep-" + hash + "/out/libc.so", "release/build/dep-" + hash + "/build-script-build", "release/build/dep-" + hash + "/build_script_build-" + hash,
		} {
			want, err := os.ReadFile(builder.target(name))
			project.must(err)
			got, err := os.ReadFile(project.target(name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			info, err := os.Stat(project.target(name))
			if err != nil || !info.ModTime().Equal(sourcesync.SeedTime) {
				t.Errorf("%s has the time %v", name, info.ModTime())
			}
			link, _ := os.Readlink(project.target(name))
			large := strings.Contains(name, "deps/lib") || strings.Contains(name, "build-script-build") || strings.Contains(name, "build_script_build")
			if (link != "") != large {
				t.Errorf("%s is a link to %q", name, link)
			}
		}
	}
	at(unitA)
	at(unitB)
	if done := project.plant(both); done.New != 0 || done.Gone != 0 || done.Emptied {
		t.Errorf("planted again: %+v", done)
	}

	// A dependency is gone.
	if done := project.plant(onlyB); done.New != 0 || done.Gone == 0 || done.Emptied {
		t.Errorf("%+v", done)
	}
	at(unitB)
	left := project.list(project.target(""))
	for name := range left {
		if strings.Contains(name, unitA) {
			t.Errorf("%s is left", name)
		}
	}
	if left["release/deps/libdep-"+own+".rlib"] == "" {
		t.Error("the project's own code is gone")
	}

	// It comes back.
	project.plant(both)
	at(unitA)

	// What was compiled with the former content is of no use with the new one.
	builder.must(os.RemoveAll(builder.target("")))
	builder.unit(unitA, "other a")
	builder.unit(unitB, "b")
	if done := project.plant(builder.harvest(unitA, unitB)); !done.Emptied {
		t.Errorf("%+v", done)
	}
	at(unitA)
	at(unitB)
	if _, err := os.Stat(project.target("release/deps/libdep-" + own + ".rlib")); err == nil {
		t.Error("the project's own code was compiled with another library, and is still there")
	}
}

// TestPlantOverOwn: a unit that no seed had was compiled by the project itself.
func TestPlantOverOwn(t *testing.T) {
	t.Parallel()
	builder, project := newTree(t), newTree(t)
	builder.unit(unitA, "a")
	project.unit(unitA, "compiled here")
	project.unit(own, "own")
	if done := project.plant(builder.harvest(unitA)); !done.Emptied {
		t.Errorf("%+v", done)
	}
	if got, _ := os.ReadFile(project.target("release/deps/libdep-" + unitA + ".rlib")); !strings.HasPrefix(string(got), "a ") {
		t.Errorf("%q", got)
	}
}

// TestPlantInterrupted: a fingerprint says that all else is there, so it comes last.
func TestPlantInterrupted(t *testing.T) {
	t.Parallel()
	builder, project := newTree(t), newTree(t)
	builder.unit(unitA, "a")
	seed := builder.harvest(unitA)
	// A file where a folder belongs makes it fail half way.
	project.put(project.target("release/deps"), "a file")
	if _, err := sourcesync.Plant(seed, project.work); err == nil {
		t.Fatal("planted over a file")
	}
	if _, err := os.Stat(project.target("release/.fingerprint/dep-" + unitA)); err == nil {
		t.Error("the fingerprint is there, and the library is not")
	}
}

func TestPlantNoSeed(t *testing.T) {
	t.Parallel()
	project := newTree(t)
	project.must(os.MkdirAll(project.work, 0o755))
	if _, err := sourcesync.Plant(t.TempDir(), project.work); err == nil {
		t.Error("an empty folder is no seed")
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.unit(unitA, "a")
	tr.unit(unitB, "b")
	keep := map[string]bool{unitA: true}
	if _, removed, err := sourcesync.Sweep(tr.work, keep, 1<<20); err != nil || removed != 0 {
		t.Errorf("below the limit: removed %d, %v", removed, err)
	}
	if _, removed, err := sourcesync.Sweep(tr.work, nil, 1); err != nil || removed != 0 {
		t.Errorf("without knowing what is in use: removed %d, %v", removed, err)
	}
	left, removed, err := sourcesync.Sweep(tr.work, keep, 1)
	if err != nil || removed == 0 || left == 0 {
		t.Errorf("removed %d, left %d, %v", removed, left, err)
	}
	for name := range tr.list(tr.target("")) {
		if strings.Contains(name, unitB) {
			t.Errorf("%s is left", name)
		}
	}
	if _, err := os.Stat(tr.target("release/deps/libdep-" + unitA + ".rlib")); err != nil {
		t.Error(err)
	}
}

// TestStamps: another value compiles what may read it, and nothing else.
func TestStamps(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "app/Cargo.toml", "app/src/main.rs", "lib/Cargo.toml", "lib/src/lib.rs", "reads/Cargo.toml", "script/Cargo.toml", "script/build.rs", "script/src/lib.rs", "custom/src/lib.rs")
	tr.write("reads/src/lib.rs", "option_env!(\"VERSION\")")
	tr.write("custom/Cargo.toml", "[package]\nname = \"custom\"\nbuild = \"gen.rs\"\n")
	sync := func(version string) {
		t.Helper()
		s := sourcesync.Stamps{Values: map[string]string{"VERSION": version}, Final: []string{"app"}}
		if _, err := sourcesync.SyncStamped(tr.src, tr.work, s); err != nil {
			t.Fatal(err)
		}
	}
	sync("1")
	tr.compiled(time.Now())
	before := tr.times()
	sync("1")
	tr.wantMoved(before)
	sync("2")
	tr.wantMoved(before, "app/Cargo.toml", "app/src/main.rs", "reads/Cargo.toml", "reads/src/lib.rs",
		"script/Cargo.toml", "script/build.rs", "script/src/lib.rs", "custom/Cargo.toml", "custom/src/lib.rs")

	// A stamp that is gone from the spec: nobody knows who read it.
	before = tr.times()
	tr.sync()
	if moved := tr.moved(before, false); len(moved) != len(before)-tr.folders() {
		t.Errorf("new times for %q alone", moved)
	}
}

// folders counts the directories of the mirror.
func (t tree) folders() (n int) {
	for _, what := range t.list(t.mirror("")) {
		if strings.HasPrefix(what, "d") {
			n++
		}
	}
	return n
}

// TestVendoredTimes: a build script of a vendored crate must not run again because
// its sources were copied after it ran.
func TestVendoredTimes(t *testing.T) {
	t.Parallel()
	tr := newTree(t, "Cargo.toml", "vendor/dep/Cargo.toml", "vendor/dep/.cargo-checksum.json", "vendor/dep/src/lib.rs")
	tr.sync()
	for _, name := range []string{"vendor/dep", "vendor/dep/src", "vendor/dep/src/lib.rs"} {
		if at := tr.times()[name]; !at.Equal(sourcesync.SeedTime) {
			t.Errorf("%s has the time %v", name, at)
		}
	}
	if at := tr.times()["Cargo.toml"]; !at.After(sourcesync.SeedTime) {
		t.Errorf("Cargo.toml has the time %v", at)
	}
}
