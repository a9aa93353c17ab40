// Package sourcesync keeps Cargo from linking stale code.
//
// Cargo compares the modification time of a source with that of what it last
// compiled, and never looks at the content. A target directory that outlives one
// build therefore links old code as soon as a time goes back or stands still: a
// branch switch, a git context with normalised times, two checkouts that share a
// cache. So Cargo never sees the times of the build context. The helper keeps a
// mirror of the sources beside the target directory, in the same locked cache
// mount, and a table of the content that each file had and the time it was given.
// Changed content gets a time later than anything in the target directory;
// unchanged content keeps the time it has. Then the helper runs the compiler and
// copies out what it left, all in one step.
//
// The work directory must be locked, and the source tree must not change, while
// the helper runs. What then can still go stale, as it does with Cargo alone:
//
//   - what a macro or a build script takes from outside the tree, such as the
//     network or a variable of the environment that it does not tell Cargo of;
//   - what a macro or a build script takes, untold, from the content of Rust
//     sources that are no modules of its crate;
//   - what a macro takes from a folder of another package that its own package
//     writes down nowhere, or from the files that bystander lists;
//   - a crate whose root lies outside the folder of its package, when a macro in
//     it reads a folder;
//   - what a build script writes outside of its OUT_DIR and of the tree, and what
//     it leaves in OUT_DIR although nothing but its build dependencies changed;
//   - everything, when the machine loses power while Cargo writes: neither Cargo
//     nor the helper waits for the disk.
//
// The package uses nothing but the standard library: the bytes of the helper are
// part of the key of every compile, and must not change when a dependency does.
package sourcesync

// Path is where the helper lies in the image of the frontend.
const Path = "/sourcesync"

// Command is one run of the helper.
type Command struct {
	// Helper is where the helper is mounted.
	Helper string
	// Source is the read-only source tree.
	Source string
	// Work is the cache mount; it holds the mirror, the table and the target
	// directory.
	Work string
	// Dir is the working directory of the compiler, relative to the source tree.
	Dir string
	// Copy lists what to copy out once the compiler has succeeded.
	Copy []Copy
	// Run is the argument vector of the compiler.
	Run []string
}

// Copy is one file that leaves the mount.
type Copy struct {
	From string
	To   string
}

// Args is the argument vector that runs the helper.
func (c Command) Args() []string {
	args := []string{c.Helper, "-source", c.Source, "-work", c.Work, "-dir", c.Dir}
	for _, cp := range c.Copy {
		args = append(args, "-copy", cp.From, cp.To)
	}
	return append(append(args, "--"), c.Run...)
}

// ParseArgs reads back what Args wrote, without the name of the helper. ok is
// false when args are none of Args' making.
func ParseArgs(args []string) (c Command, ok bool) {
	for i := 0; i < len(args); {
		next := func(n int) []string {
			if i+n >= len(args) {
				return nil
			}
			return args[i+1 : i+1+n]
		}
		switch args[i] {
		case "--":
			c.Run = args[i+1:]
			return c, c.Source != "" && c.Work != "" && len(c.Run) > 0
		case "-copy":
			v := next(2)
			if v == nil {
				return c, false
			}
			c.Copy = append(c.Copy, Copy{From: v[0], To: v[1]})
			i += 3
		case "-source", "-work", "-dir":
			v := next(1)
			if v == nil {
				return c, false
			}
			switch args[i] {
			case "-source":
				c.Source = v[0]
			case "-work":
				c.Work = v[0]
			case "-dir":
				c.Dir = v[0]
			}
			i += 2
		default:
			return c, false
		}
	}
	return c, false
}
