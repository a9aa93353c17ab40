package sourcesync_test

import (
	"reflect"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

func TestArgsRoundTrip(t *testing.T) {
	t.Parallel()
	type command interface{ Args() []string }
	for name, test := range map[string]struct{ c, want command }{
		"smallest": {
			sourcesync.Command{Helper: "/h", Source: "/src", Work: "/w", Run: [][]string{{"cargo"}}},
			sourcesync.Command{Source: "/src", Work: "/w", Run: [][]string{{"cargo"}}},
		},
		"whole": {
			sourcesync.Command{Helper: "/h", Source: "/src", Work: "/w", Dir: "services/api", Seed: "/s", Harvest: "/t",
				Stamps: []string{"VERSION", "SHA"}, Final: []string{"api", "."},
				Copy:     []sourcesync.Copy{{From: "/w/target/a", To: "/out/a"}, {From: "/w/target/b", To: "/out/c"}},
				Metadata: []string{"cargo", "metadata", "--offline"}, Auditable: true,
				Run: [][]string{{"cargo", "build", "--release", "--config", `a="b c"`}, {"cargo", "--", "x"}}},
			sourcesync.Command{Source: "/src", Work: "/w", Dir: "services/api", Seed: "/s", Harvest: "/t",
				Stamps: []string{"VERSION", "SHA"}, Final: []string{"api", "."},
				Copy:     []sourcesync.Copy{{From: "/w/target/a", To: "/out/a"}, {From: "/w/target/b", To: "/out/c"}},
				Metadata: []string{"cargo", "metadata", "--offline"}, Auditable: true,
				Run: [][]string{{"cargo", "build", "--release", "--config", `a="b c"`}, {"cargo", "--", "x"}}},
		},
		"words that look like flags": {
			sourcesync.Command{Helper: "-x", Source: "-work", Work: "--", Dir: "-dir", Copy: []sourcesync.Copy{{From: "-from", To: "--"}}, Run: [][]string{{"--", "-source", "-from"}}},
			sourcesync.Command{Source: "-work", Work: "--", Dir: "-dir", Copy: []sourcesync.Copy{{From: "-from", To: "--"}}, Run: [][]string{{"--", "-source", "-from"}}},
		},
		"odd names": {
			sourcesync.Command{Helper: "/h", Source: "/s p", Work: "/ü\n", Dir: "*", Run: [][]string{{"", "$HOME"}}},
			sourcesync.Command{Source: "/s p", Work: "/ü\n", Dir: "*", Run: [][]string{{"", "$HOME"}}},
		},
		"fetch": {
			sourcesync.Fetch{Helper: "/h", Source: "/src", Dir: "x", Home: "/home", Store: "/store", Run: []string{"cargo", "fetch", "--locked"}},
			sourcesync.Fetch{Source: "/src", Dir: "x", Home: "/home", Store: "/store", Run: []string{"cargo", "fetch", "--locked"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := test.c.Args()
			got, err := sourcesync.ParseArgs(args[1:])
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("ParseArgs(%q) = %+v, %v", args, got, err)
			}
		})
	}
}

func TestParseArgsRefuses(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing":              nil,
		"no verb":              {"-source", "s", "-work", "w", "--", "cargo"},
		"an unknown verb":      {"run", "-source", "s", "-work", "w", "--", "cargo"},
		"no source":            {"build", "-work", "w", "--", "cargo"},
		"no work":              {"build", "-source", "s", "--", "cargo"},
		"no command":           {"build", "-source", "s", "-work", "w"},
		"an empty command":     {"build", "-source", "s", "-work", "w", "--"},
		"an empty second one":  {"build", "-source", "s", "-work", "w", "--", "cargo", "--and--"},
		"a flag cut off":       {"build", "-source", "s", "-work"},
		"a copy cut off":       {"build", "-source", "s", "-work", "w", "-from", "a", "--", "cargo"},
		"a list of nothing":    {"build", "-source", "s", "-work", "w", "-auditable", "--", "cargo"},
		"an unknown flag":      {"build", "-source", "s", "-work", "w", "-x", "--", "cargo"},
		"an empty source":      {"build", "-source", "", "-work", "w", "--", "cargo"},
		"a fetch without home": {"fetch", "-source", "s", "-store", "w", "--", "cargo"},
		"a fetch of nothing":   {"fetch", "-source", "s", "-store", "w", "-home", "h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c, err := sourcesync.ParseArgs(args); err == nil {
				t.Errorf("ParseArgs(%q) = %+v", args, c)
			}
		})
	}
}
