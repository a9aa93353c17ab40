// Command app prints its version. It stands for the program of yours that the
// pipelines beside it build.
package main

import "fmt"

// version is stamped by the linker.
var version = "dev"

func main() { fmt.Println("app", version) }
