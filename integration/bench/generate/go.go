package generate

import (
	"fmt"
	"strings"
)

// The files of a generated Go module that a benchmark edits.
const (
	GoBaseFile = "internal/unit000/unit.go"
	GoMainFile = "cmd/app00/main.go"
)

// GoModule is a module of so many commands over so many packages. Each package
// uses the one before it and up to two earlier ones; each command uses all.
func GoModule(commands, packages int) map[string]string {
	files := map[string]string{"go.mod": "module example.com/generated\n\ngo 1.26\n"}
	name := func(i int) string { return fmt.Sprintf("unit%03d", i) }
	imports := func(units []int) string {
		var s strings.Builder
		for _, u := range units {
			fmt.Fprintf(&s, "\t\"example.com/generated/internal/%s\"\n", name(u))
		}
		return s.String()
	}
	for i := range packages {
		var calls strings.Builder
		for _, u := range uses(i) {
			fmt.Fprintf(&calls, "\tsum += len(%[1]s.New(depth).Name) + %[1]s.Seed\n", name(u))
		}
		files["internal/"+name(i)+"/unit.go"] = fmt.Sprintf(`package %[1]s

import (
	"encoding/json"
	"fmt"
	"strings"

%[2]s)

const Seed = %[3]d

type Record struct {
	ID     int
	Name   string
	Tags   []string
	Parent *Record
}

func New(id int) Record {
	r := Record{ID: id, Name: fmt.Sprintf("record-%%d", id)}
	for n := range id %% 5 {
		r.Tags = append(r.Tags, strings.Repeat("tag", n))
	}
	return r
}

func Run(depth int) (int, error) {
	sum := Seed
	for i := range depth {
		text, err := json.Marshal(New(i))
		if err != nil {
			return 0, err
		}
		sum += len(text)
	}
%[4]s	return sum, nil
}
`, name(i), imports(uses(i)), 1000+i, calls.String())
	}
	all := make([]int, packages)
	var calls strings.Builder
	for i := range all {
		all[i] = i
		fmt.Fprintf(&calls, "\t\t%s.Run,\n", name(i))
	}
	for c := range commands {
		files[fmt.Sprintf("cmd/app%02d/main.go", c)] = fmt.Sprintf(`package main

import (
	"fmt"
	"os"

%s)

var version = "dev"

func main() {
	depth := %d
	sum := 0
	for _, run := range []func(int) (int, error){
%s	} {
		n, err := run(depth)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		sum += n
	}
	fmt.Println(version, sum)
}
`, imports(all), c+3, calls.String())
	}
	return files
}
