//go:build integration

package integration

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
)

// checkout is a folder with a project in it.
type checkout struct {
	dir   string
	state soakState
	// written is what the folder holds.
	written map[string]string
	// readme is a file that no program depends on. With another one, BuildKit has no
	// result to take instead of a compile.
	readme string
	// seen holds the content of all files that ever were in the folder, by path, size
	// and time: a client sends a file again when one of these changes.
	seen map[string]string
}

// clock gives the files of a checkout their times. Zero leaves the one that the
// file got by being written.
type clock func(changed bool) time.Time

// write makes the folder what files says. It is what an author does, or git: what
// stays the same is not written again.
func (c *checkout) write(t *testing.T, files map[string]string, at clock) {
	t.Helper()
	for name := range c.written {
		if _, ok := files[name]; !ok {
			require.NoError(t, os.Remove(filepath.Join(c.dir, name)))
			// Git leaves no empty folders.
			for dir := filepath.Dir(name); dir != "." && os.Remove(filepath.Join(c.dir, dir)) == nil; {
				dir = filepath.Dir(dir)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content, file := files[name], filepath.Join(c.dir, name)
		old, ok := c.written[name]
		changed := !ok || old != content
		to, link := strings.CutPrefix(content, linkTo)
		if changed {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			if link {
				_ = os.Remove(file)
				require.NoError(t, os.Symlink(to, file))
			} else {
				require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
			}
		}
		if when := at(changed); !link && (changed || !when.IsZero()) {
			c.setTime(t, name, content, when)
		}
	}
	c.written = files
}

// setTime gives a file a time, or one shortly after it if the file had that when
// it had the same size and held something else. BuildKit's client would not send
// it then; this is a documented limit.
func (c *checkout) setTime(t *testing.T, name, content string, when time.Time) {
	t.Helper()
	file := filepath.Join(c.dir, name)
	for {
		if !when.IsZero() {
			require.NoError(t, os.Chtimes(file, when, when))
		}
		info, err := os.Stat(file)
		require.NoError(t, err)
		key := fmt.Sprint(name, " ", info.Size(), " ", info.ModTime().UnixNano())
		if old, ok := c.seen[key]; !ok || old == content {
			c.seen[key] = content
			return
		}
		when = info.ModTime().Add(time.Second)
	}
}

// action is what one step does with the builder.
type action struct {
	// what is the step in words.
	what string
	via  builds.Via
	// build lists the checkouts that are built, at once.
	build     []*checkout
	platforms []string
	// prune filters what is removed from the builder's cache before.
	prune [][]string
	// interrupt is after what time a build is given up that comes before.
	interrupt time.Duration
}

// steps draws random steps, and does them to two checkouts.
type steps struct {
	t         *testing.T
	random    *rand.Rand
	start     time.Time
	checkouts [2]*checkout
	current   int
	history   []soakState
	// deck holds the cards that were not drawn yet.
	deck []string
	done int
}

func newSteps(t *testing.T, seed uint64) *steps {
	s := &steps{t: t, random: rand.New(rand.NewPCG(seed, 0)), start: time.Now()}
	for i := range s.checkouts {
		s.checkouts[i] = &checkout{dir: t.TempDir(), state: newSoakState(fmt.Sprint("v", i)), readme: "read me", seen: map[string]string{}}
	}
	return s
}

func (s *steps) oneOf(names ...string) string { return names[s.random.IntN(len(names))] }

// value is of one length, and comes again.
func (s *steps) value() string { return fmt.Sprint("v", s.random.IntN(10)) }

// edits are steps that change what is in a checkout.
var edits = map[string]func(*steps, *soakState){
	"edit app":    func(s *steps, p *soakState) { p.files["app/src/local.rs"] = rustConstant(s.value()) },
	"edit lib":    func(s *steps, p *soakState) { p.files["lib/src/value.rs"] = rustConstant(s.value()) },
	"edit macro":  func(s *steps, p *soakState) { p.files["mac/src/mark.rs"] = rustConstant(s.value()) },
	"edit text":   func(s *steps, p *soakState) { p.files["lib/data.txt"] = s.value() },
	"edit bytes":  func(s *steps, p *soakState) { p.files["app/blob.bin"] = s.value() },
	"edit script": func(s *steps, p *soakState) { p.script = s.value() },
	"edit input": func(s *steps, p *soakState) {
		p.files["app/input.txt"] = s.oneOf("one", "two one", "three") + " " + s.value()
	},
	"edit extra":   func(s *steps, p *soakState) { p.files["app/extra.txt"] = s.value() },
	"edit linked":  func(s *steps, p *soakState) { p.files["lib/texts/"+s.oneOf("one", "two")] = s.value() },
	"edit web":     func(s *steps, p *soakState) { p.files["web/src/value.rs"] = rustConstant(s.value()) },
	"turn link":    func(s *steps, p *soakState) { p.files["lib/current"] = linkTo + "texts/" + s.oneOf("one", "two") },
	"add asset":    func(s *steps, p *soakState) { p.files["app/assets/"+s.oneOf("a", "b", "c")] = s.value() },
	"remove asset": func(s *steps, p *soakState) { delete(p.files, "app/assets/"+s.oneOf("a", "b", "c")) },
	"rename asset": func(s *steps, p *soakState) {
		p.move("app/assets/"+s.oneOf("a", "b", "c"), "app/assets/"+s.oneOf("d", "e"))
	},
	"add shared":    func(s *steps, p *soakState) { p.files["common/"+s.oneOf("s", "t")] = s.value() },
	"remove shared": func(s *steps, p *soakState) { delete(p.files, "common/"+s.oneOf("s", "t")) },
	"move module":   func(s *steps, p *soakState) { p.move("app/src/part.rs", "app/src/part/mod.rs") },
	"move it back":  func(s *steps, p *soakState) { p.move("app/src/part/mod.rs", "app/src/part.rs") },
	"stray file":    func(s *steps, p *soakState) { p.files[s.oneOf("", "app/", "lib/")+"notes"] = s.value() },
	"whitespace": func(s *steps, p *soakState) {
		p.whitespace(s.oneOf("app/src/local.rs", "lib/src/value.rs", "mac/src/mark.rs"))
	},
	"break": func(s *steps, p *soakState) {
		p.broken = s.oneOf("app/src/local.rs", "lib/src/value.rs", "mac/src/mark.rs", "app/build.rs", "app/input.txt")
	},
	"forget lock": func(s *steps, p *soakState) { p.broken = lockFile },
	"dependency":  func(s *steps, p *soakState) { p.dependencies = s.random.IntN(len(soakDependencies)) },
	"version":     func(s *steps, p *soakState) { p.version = s.oneOf("0.1.0", "0.1.1", "0.2.0") },
	"rustflags":   func(s *steps, p *soakState) { p.loud = !p.loud },
	"checks":      func(s *steps, p *soakState) { p.checks = !p.checks },
	"feature":     func(s *steps, p *soakState) { p.wide = !p.wide },
	"profile":     func(s *steps, p *soakState) { p.profile = s.oneOf("release", "fast") },
	"configure":   func(s *steps, p *soakState) { p.configured = s.oneOf("", "c1", "c2") },
	"stamp deep":  func(s *steps, p *soakState) { p.stamped = s.oneOf("", "d1", "d2") },
	"stamp":       func(s *steps, p *soakState) { p.stamp = s.oneOf("", "s1", "s2") },
	"environment": func(s *steps, p *soakState) { p.flavour = s.oneOf("", "sweet") },
	"cache":       func(s *steps, p *soakState) { p.cache = s.oneOf("auto", "layers", "mounts") },
	"targets": func(s *steps, p *soakState) {
		p.targets, p.target = s.oneOf("one", "two", "group"), "app"
		if p.targets != "one" {
			p.target = s.oneOf("app", "app", "web")
		}
	},
	"change nothing": func(*steps, *soakState) {},
	"revert": func(s *steps, p *soakState) {
		if len(s.history) > 0 {
			*p = s.history[s.random.IntN(len(s.history))].clone()
		}
	},
}

func (p *soakState) move(from, to string) {
	if content, ok := p.files[from]; ok {
		delete(p.files, from)
		p.files[to] = content
	}
}

func (p *soakState) whitespace(name string) {
	if trimmed, ok := strings.CutSuffix(p.files[name], "\n\n"); ok {
		p.files[name] = trimmed + "\n"
	} else {
		p.files[name] += "\n"
	}
}

// Filters of what is pruned, as the daemon takes them.
var (
	pruneMounts = []string{"type==exec.cachemount"}
	// What the graph of a program made, but for the mounts and the toolchain.
	pruneLayers = []string{"type==regular,description~=sourcesync"}
)

// actions are steps that change what the builder does or has.
var actions = map[string]func(*steps, *action){
	"switch":        func(s *steps, _ *action) { s.current = 1 - s.current },
	"two builds":    func(s *steps, a *action) { a.build = s.checkouts[:] },
	"two platforms": func(_ *steps, a *action) { a.platforms = []string{"linux/amd64", "linux/arm64"} },
	"interrupt":     func(s *steps, a *action) { a.interrupt = time.Duration(100+s.random.IntN(2500)) * time.Millisecond },
	"prune mounts":  func(_ *steps, a *action) { a.prune = append(a.prune, pruneMounts) },
	"prune layers":  func(_ *steps, a *action) { a.prune = append(a.prune, pruneLayers) },
	"prune all":     func(_ *steps, a *action) { a.prune = append(a.prune, nil) },
}

// often are the cards that are in the deck more than once.
var often = map[string]int{
	"break": 2, "configure": 2, "dependency": 3, "edit input": 3, "interrupt": 2, "remove asset": 2, "revert": 3, "stamp": 2, "switch": 3, "two builds": 2,
}

// draw takes a card. Each comes before any comes again.
func (s *steps) draw() string {
	if len(s.deck) == 0 {
		s.deck = slices.Sorted(maps.Keys(edits))
		s.deck = append(s.deck, slices.Sorted(maps.Keys(actions))...)
		for _, name := range slices.Sorted(maps.Keys(often)) {
			s.deck = append(s.deck, slices.Repeat([]string{name}, often[name]-1)...)
		}
		s.random.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
	}
	card := s.deck[0]
	s.deck = s.deck[1:]
	return card
}

// clocks are the ways that files come by their times: those of an editor, of git,
// of an archive, of a copy, of a machine whose clock is wrong.
var clocks = map[string]func(*steps) clock{
	"now":     func(*steps) clock { return func(bool) time.Time { return time.Time{} } },
	"old":     func(s *steps) clock { return s.ifChanged(s.start.Add(-48 * time.Hour)) },
	"future":  func(s *steps) clock { return s.ifChanged(s.start.Add(24 * time.Hour)) },
	"all now": func(*steps) clock { return func(bool) time.Time { return time.Now() } },
	"all one": func(s *steps) clock { return func(bool) time.Time { return s.start } },
	"all old": func(*steps) clock { return func(bool) time.Time { return time.Unix(1e9, 0) } },
	"all mixed": func(s *steps) clock {
		return func(bool) time.Time { return s.start.Add(time.Duration(s.random.IntN(7200)-3600) * time.Second) }
	},
	"some touched": func(s *steps) clock {
		return func(changed bool) time.Time {
			if !changed && s.random.IntN(6) == 0 {
				return time.Now()
			}
			return time.Time{}
		}
	},
}

func (*steps) ifChanged(to time.Time) clock {
	return func(changed bool) time.Time {
		if changed {
			return to
		}
		return time.Time{}
	}
}

// next does one step to the checkouts, and tells what to do with the builder.
func (s *steps) next() action {
	s.t.Helper()
	a := action{platforms: []string{"linux/amd64"}, via: builds.InProcess}
	if s.random.IntN(3) == 0 {
		a.via = builds.Image
	}
	for _, c := range s.checkouts {
		if s.random.IntN(3) > 0 {
			c.state.broken = ""
		}
	}
	var cards []string
	for range 1 + s.random.IntN(3) {
		card := s.draw()
		cards = append(cards, card)
		if edit, ok := edits[card]; ok {
			edit(s, &s.checkouts[s.current].state)
		} else {
			actions[card](s, &a)
		}
	}
	if a.build == nil {
		a.build = []*checkout{s.checkouts[s.current]}
	}
	for _, c := range s.checkouts {
		// What is broken is none of the other program's business.
		if c.state.target == "web" {
			c.state.broken = ""
		}
	}
	times := s.oneOf(slices.Sorted(maps.Keys(clocks))...)
	s.done++
	for _, c := range a.build {
		if s.random.IntN(4) > 0 || a.interrupt > 0 {
			c.readme = fmt.Sprint("step ", s.done)
		}
		files := c.state.render()
		files["README.md"] = c.readme
		c.write(s.t, files, clocks[times](s))
	}
	where := fmt.Sprint("checkout ", s.current)
	if len(a.build) > 1 {
		where = "both checkouts"
	}
	a.what = fmt.Sprintf("step %d: %s; %s, times %s, %s", s.done, strings.Join(cards, ", "), where, times, a.via)
	return a
}
