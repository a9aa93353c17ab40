package lint

import (
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// musl has one lock for all that a program allocates, which glibc has not. Nobody
// notices until the program runs on many cores. Another allocator costs memory, so
// that it is for the project to choose.
var muslAllocator = &Rule{
	Name:        "MuslAllocator",
	Description: "The threads of a program wait for one another when they allocate with musl, and another allocator ends that.",
	each: func(p *pass, t *spec.Target) {
		if t.Toolchain.Name != spec.RustMusl {
			return
		}
		w := p.src.workspace(t.Build.Dir)
		if w == nil {
			return
		}
		c := w.follow(t)
		threads := c.threads()
		if len(threads) == 0 || c.allocates() || p.linksAllocator(t) {
			return
		}
		p.report(p.spec.BuildRange(t.Name()), "the program runs threads with %s, and musl's malloc has one lock for all of them: with 32 threads, one program took 15 s, and 0.19 s with mimalloc; "+
			"run cargo add mimalloc, and write in src/main.rs: #[global_allocator] static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc; it takes more memory",
			spec.List(threads))
	},
}

// threaded are crates that run a program's work on many threads. smol runs it on
// one, and that of channels alone says nothing.
var threaded = []string{"actix-rt", "async-std", "rayon", "rocket", "tokio"}

// threads names those that the program uses, with what brings each in.
func (c *crates) threads() []string {
	var out []string
	for _, name := range threaded {
		by, ok := c.through[name]
		if !ok || !c.parallel(name, by) {
			continue
		}
		if by != name {
			name += " (through " + by + ")"
		}
		out = append(out, name)
	}
	return few(out)
}

// parallel tells whether a crate that can run threads runs any worth a word.
func (c *crates) parallel(name, by string) bool {
	switch name {
	case "tokio":
		// Most crates that need tokio need the part that runs on one thread. Which one
		// it is, the program says: where it starts, and before that by its features.
		return (c.asked[name]["rt-multi-thread"] || c.asked[name]["full"]) && !c.mention("current_thread")
	case "rayon":
		// These use it for a moment, for what is large or seldom.
		return by != "image" && by != "sysinfo"
	}
	return true
}

// mention tells whether the code that a program starts with mentions text.
func (c *crates) mention(text string) bool {
	return slices.ContainsFunc(c.packages, func(name string) bool {
		m := c.w.members[name]
		return m != nil && c.w.src.mentions(m.dir, "src/main.rs", text)
	})
}

// allocators are crates that allocate in the place of the C library, or that one
// of those is made of.
var allocators = []string{
	"dlmalloc", "ferroc", "jemalloc-sys", "jemallocator", "libmimalloc-sys", "mimalloc", "mimalloc-rust", "mimalloc-safe", "rpmalloc", "rpmalloc-sys",
	"scudo", "snmalloc-rs", "snmalloc-sys", "tcmalloc", "tcmalloc-better", "tikv-jemalloc-sys", "tikv-jemallocator",
}

func (c *crates) allocates() bool {
	return slices.ContainsFunc(allocators, func(name string) bool { return c.through[name] != "" })
}

// linksAllocator tells whether flags of the linker may bring another malloc.
func (p *pass) linksAllocator(t *spec.Target) bool {
	for _, value := range t.Build.Env {
		if strings.Contains(value, "malloc") {
			return true
		}
	}
	return p.src.configMentions(t.Build.Dir, "malloc")
}
