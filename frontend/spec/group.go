package spec

import (
	"fmt"
	"reflect"
	"slices"
)

// validateGroups refuses groups whose targets cannot be compiled together.
func (d *decoder) validateGroups(s *Spec) {
	first := map[string]*Target{}
	for _, name := range s.TargetNames() {
		t := s.Targets[name]
		if t == nil || t.Build.Group == "" {
			continue
		}
		other, ok := first[t.Build.Group]
		if !ok {
			first[t.Build.Group] = t
			continue
		}
		if key := difference(other, t); key != "" {
			d.problemAt(d.at.key(Path{"targets", name, "build", "group"}), "targets %s and %s of group %s are compiled together, and differ in %s; give them the same, or another group",
				other.name, name, t.Build.Group, key)
		}
	}
}

// difference is the key in which two targets of a group differ, empty when they
// can be compiled together.
func difference(a, b *Target) string {
	x, y := reflect.ValueOf(a.Build), reflect.ValueOf(b.Build)
	for i := range x.NumField() {
		key, ok := x.Type().Field(i).Tag.Lookup("yaml")
		if !ok || key == "package" || key == "bin" {
			continue
		}
		// An empty table is as good as none.
		if p, q := fmt.Sprint(deref(x.Field(i))), fmt.Sprint(deref(y.Field(i))); p != q {
			return key
		}
	}
	if !reflect.DeepEqual(a.Toolchain, b.Toolchain) {
		return "toolchain"
	}
	return ""
}

func deref(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	return v.Interface()
}

// Together lists the targets that are compiled with t, t among them, by name.
func (s *Spec) Together(t *Target) []*Target {
	if t.Build.Group == "" {
		return []*Target{t}
	}
	var out []*Target
	for _, name := range s.TargetNames() {
		if other := s.Targets[name]; other.Build.Group == t.Build.Group {
			out = append(out, other)
		}
	}
	return slices.Clip(out)
}
