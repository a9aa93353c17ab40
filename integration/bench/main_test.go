package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSelection(t *testing.T) {
	cells, err := selectCells(names{"rust-service"}, names{"edit", "platform-added"}, names{"chef", floor, fromscratch})
	var got []string
	for _, c := range cells {
		got = append(got, c.String())
	}
	// The host has no platforms, and builders take turns within a scenario.
	want := []string{"rust-service edit fromscratch", "rust-service edit chef", "rust-service edit host", "rust-service platform-added fromscratch", "rust-service platform-added chef"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := selectCells(nil, names{"no-such"}, nil); err == nil || !strings.Contains(err.Error(), "no-change") {
		t.Errorf("an unknown scenario: %v", err)
	}
	if _, err := selectCells(names{"ripgrep"}, names{"edit-library"}, nil); err == nil {
		t.Error("a program of one crate has no library to edit")
	}
	for _, c := range []struct {
		program, scenario string
		want              []string
	}{
		{"go-service", "cold", []string{fromscratch, "common", "expert", "expert-image", "ko", floor}},
		{"govmomi", "dependency-added", []string{fromscratch, "common", "expert", "expert-image", "ko", floor}},
		// ko and the host have no cache mounts and no cache in the registry, and the
		// host no platforms.
		{"go-service", "edit-after-prune", []string{fromscratch, "common", "expert", "expert-image"}},
		{"govmomi", "registry-cache-edit", []string{fromscratch, "common", "expert", "expert-image"}},
		{"go-service", "edit-two-platforms", []string{fromscratch, "common", "expert", "expert-image", "ko"}},
		{"go-module", "six-commands", []string{fromscratch, "common", "expert", "expert-image", "ko", "fromscratch-group", "expert-group", floor}},
		{"go-module", "ten-services-edit", []string{fromscratch, "common", "expert", "expert-image", "ko", "fromscratch-group", "expert-group", floor}},
		{"rust-workspace", "ten-services", []string{fromscratch, "dummy", "mounts", "mounts-image", "chef", "fromscratch-group", "mounts-group", floor}},
		{"rust-workspace", "edit", []string{fromscratch, "dummy", "mounts", "mounts-image", "chef", floor}},
		// Others have no image of a frontend that could be missing.
		{"go-service", "frontend-cold", []string{fromscratch, "expert-image"}},
		{"rust-service", "frontend-cold", []string{fromscratch, "mounts-image"}},
	} {
		cells, err := selectCells(names{c.program}, names{c.scenario}, nil)
		var got []string
		for _, cell := range cells {
			got = append(got, cell.Builder)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s %s: got %q, %v", c.program, c.scenario, got, err)
		}
	}
	if _, err := selectCells(names{"rust-workspace"}, names{"six-commands"}, nil); err == nil {
		t.Error("a scenario for Go has Rust")
	}
	for _, scenario := range []string{"six-commands", "ten-services", "ten-services-edit"} {
		if _, err := selectCells(names{"go-service"}, names{scenario}, nil); err == nil {
			t.Errorf("a program of one command has %s", scenario)
		}
	}
	if _, err := selectCells(names{"go-module"}, names{"cold"}, names{"expert-group"}); err == nil {
		t.Error("a builder for several commands builds one")
	}
	all, err := selectCells(nil, nil, nil)
	seen := map[Cell]bool{}
	for _, c := range all {
		seen[c] = true
	}
	if err != nil || len(seen) != len(all) {
		t.Errorf("%d cells, %d of them different, %v", len(all), len(seen), err)
	}
}
