// Command generate writes the JSON schema and the reference of the spec
// language. It is run by go generate in the folder of package schema.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/fromscratch-build/fromscratch/frontend/schema/internal/language"
)

func main() {
	log.SetFlags(0)
	files, err := language.Generate()
	if err != nil {
		log.Fatal(err)
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
