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

// goExternal are the dependencies of a generated module: what most services have.
var goExternal = []struct{ module, version string }{
	{"github.com/go-chi/chi/v5", "v5.5.0"},
	{"github.com/prometheus/client_golang", "v1.23.2"},
	{"github.com/spf13/cobra", "v1.10.2"},
	{"go.uber.org/zap", "v1.28.0"},
}

// goUse is what every few packages do with a dependency.
var goUse = map[int]struct{ imports, code string }{
	1: {"\t\"go.uber.org/zap\"\n", "\tzap.NewNop().Debug(\"run\", zap.Int(\"depth\", depth))\n"},
	3: {"\t\"github.com/prometheus/client_golang/prometheus\"\n", "\tprometheus.NewCounter(prometheus.CounterOpts{Name: \"runs_total\"}).Inc()\n"},
	5: {"\t\"net/http\"\n\n\t\"github.com/go-chi/chi/v5\"\n", "\tchi.NewRouter().Get(\"/run\", func(http.ResponseWriter, *http.Request) {})\n"},
}

// GoModule is a module of so many commands over so many packages. Each package
// uses the one before it and up to two earlier ones; each command uses all. What
// go.mod requires beside its direct dependencies, and go.sum, are left to the go
// command.
func GoModule(commands, packages int) map[string]string {
	var mod strings.Builder
	mod.WriteString("module example.com/generated\n\ngo 1.26\n\nrequire (\n")
	for _, d := range goExternal {
		fmt.Fprintf(&mod, "\t%s %s\n", d.module, d.version)
	}
	mod.WriteString(")\n")
	files := map[string]string{"go.mod": mod.String()}
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

%[2]s%[5]s)

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
%[4]s%[6]s	return sum, nil
}
`, name(i), imports(uses(i)), 1000+i, calls.String(), goUse[i%8].imports, goUse[i%8].code)
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

	"github.com/spf13/cobra"

%[1]s)

var version = "dev"

func main() {
	command := &cobra.Command{Use: "app%02[2]d", Version: version, SilenceUsage: true, RunE: run}
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

func run(*cobra.Command, []string) error {
	depth := %[3]d
	sum := 0
	for _, unit := range []func(int) (int, error){
%[4]s	} {
		n, err := unit(depth)
		if err != nil {
			return err
		}
		sum += n
	}
	fmt.Println(version, sum)
	return nil
}
`, imports(all), c, c+3, calls.String())
	}
	return files
}
