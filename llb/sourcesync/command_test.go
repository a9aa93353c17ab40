package sourcesync_test

import (
	"reflect"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

func TestArgsRoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]sourcesync.Command{
		"smallest": {Helper: "/h", Source: "/src", Work: "/w", Run: []string{"cargo"}},
		"whole": {Helper: "/h", Source: "/src", Work: "/w", Dir: "services/api",
			Copy: []sourcesync.Copy{{From: "/w/target/a", To: "/out/a"}, {From: "/w/target/b", To: "/out/c"}},
			Run:  []string{"cargo", "build", "--release", "--config", `a="b c"`}},
		"words that look like flags": {Helper: "-x", Source: "-work", Work: "--", Dir: "-dir",
			Copy: []sourcesync.Copy{{From: "-copy", To: "--"}}, Run: []string{"--", "-source", "-copy"}},
		"odd names": {Helper: "/h", Source: "/s p", Work: "/ü\n", Dir: "*", Run: []string{"", "$HOME"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.Args()
			if args[0] != c.Helper {
				t.Errorf("args start with %q", args[0])
			}
			want := c
			want.Helper = ""
			if got, ok := sourcesync.ParseArgs(args[1:]); !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("ParseArgs(%q) = %+v, %v", args, got, ok)
			}
		})
	}
}

func TestParseArgsRefuses(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing":           nil,
		"no source":         {"-work", "w", "--", "cargo"},
		"no work":           {"-source", "s", "--", "cargo"},
		"no command":        {"-source", "s", "-work", "w"},
		"an empty command":  {"-source", "s", "-work", "w", "--"},
		"a flag cut off":    {"-source", "s", "-work"},
		"a copy cut off":    {"-source", "s", "-work", "w", "-copy", "a"},
		"a copy into --":    {"-source", "s", "-work", "w", "-copy", "a", "--", "cargo"},
		"an unknown flag":   {"-source", "s", "-work", "w", "-x", "--", "cargo"},
		"a stray word":      {"-source", "s", "x", "-work", "w", "--", "cargo"},
		"another notation":  {"-source=s", "-work=w", "--", "cargo"},
		"a double dash":     {"--source", "s", "-work", "w", "--", "cargo"},
		"an empty source":   {"-source", "", "-work", "w", "--", "cargo"},
		"the helper's name": {"/sourcesync", "-source", "s", "-work", "w", "--", "cargo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c, ok := sourcesync.ParseArgs(args); ok {
				t.Errorf("ParseArgs(%q) = %+v", args, c)
			}
		})
	}
}
