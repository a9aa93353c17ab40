package dockerfile

import (
	"regexp"
	"strings"
)

// continues are the ends of lines of a shell script behind which no semicolon can be.
var continues = regexp.MustCompile(`(^|[\s;])(then|else|do|in)$|(\{|;;|\|\||&&|\||;)$|^[^()]*\)$`)

// logicalLine makes a shell script one command line of several lines in a Dockerfile,
// where an instruction ends with its line. The script has no comments, and no quotes
// over the end of a line.
func logicalLine(script string) []string {
	var out []string
	for _, l := range strings.Split(strings.TrimSpace(script), "\n") {
		if strings.TrimSpace(l) == "" {
			continue
		}
		if !continues.MatchString(strings.TrimSpace(l)) {
			l += ";"
		}
		out = append(out, strings.ReplaceAll(l, "\t", "  "))
	}
	last := len(out) - 1
	out[last] = strings.TrimSuffix(out[last], ";")
	return out
}

// machineVariable says in a stage which machine it compiles for, in the numbers of ELF.
const machineVariable = "ELF_MACHINE"

// static refuses what is no static program for the machine: it reads the header of ELF
// files with od, which every image with a shell has ("ELF-64 Object File Format"). A
// program header of type 3, PT_INTERP, names a dynamic linker.
const static = `set -eu
word() {
	little=0 big=0 unit=1
	for byte in $(od -A n -v -t u1 -j "$2" -N "$3" "$1"); do
		little=$((little + byte * unit)) big=$((big * 256 + byte)) unit=$((unit * 256))
	done
	if test "$order" = 2; then
		echo "$big"
	else
		echo "$little"
	fi
}
for f in FILES; do
	order=1
	test "$(word "$f" 0 4)" = 1179403647 || {
		echo "$f is no program for Linux" >&2
		exit 1
	}
	order=$(word "$f" 5 1)
	test "$(word "$f" 18 2)" = "$MACHINE" || {
		echo "$f is for another machine" >&2
		exit 1
	}
	if test "$(word "$f" 4 1)" = 2; then
		at=$(word "$f" 32 8) size=$(word "$f" 54 2) left=$(word "$f" 56 2)
	else
		at=$(word "$f" 28 4) size=$(word "$f" 42 2) left=$(word "$f" 44 2)
	fi
	while test "$left" -gt 0; do
		test "$(word "$f" "$at" 4)" != 3 || {
			echo "$f is linked dynamically: it would not start in an image from scratch" >&2
			exit 1
		}
		at=$((at + size)) left=$((left - 1))
	done
done`

func staticCheck(files []string) []string {
	script := strings.ReplaceAll(static, "MACHINE", machineVariable)
	return logicalLine(strings.ReplaceAll(script, "FILES", command(files)))
}

// runScript is an argument vector that runs a script by a shell, as lines of RUN.
func runScript(args []string) []string {
	if len(args) < 4 || args[0] != "/bin/sh" || args[1] != "-c" {
		return []string{command(args)}
	}
	lines := logicalLine(args[2])
	if len(args) > 4 {
		lines = append([]string{"set -- " + command(args[4:]) + ";"}, lines...)
	}
	return lines
}
