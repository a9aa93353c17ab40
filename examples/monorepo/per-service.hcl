# docker buildx bake -f per-service.hcl
#
# The other way: a spec beside each service. The build context is the root of the
# repository nevertheless, for a service is compiled from more than its folder.

variable "REGISTRY" {
  default = "registry.example.com/notes"
}

variable "PLATFORMS" {
  default = "linux/amd64,linux/arm64"
}

target "default" {
  name = item.name
  matrix = {
    item = [
      { name = "web", dir = "go/cmd/web", version = "2.1.0", contexts = { ui = "target:ui" } },
      { name = "notes", dir = "go/cmd/notes", version = "1.4.0", contexts = {} },
      { name = "feed", dir = "go/cmd/feed", version = "0.9.2", contexts = {} },
      { name = "words", dir = "rust/words", version = "1.0.3", contexts = {} },
      { name = "slugs", dir = "rust/slugs", version = "1.1.0", contexts = {} },
    ]
  }
  context    = "."
  dockerfile = "${item.dir}/fromscratch.yaml"
  contexts   = item.contexts
  platforms  = split(",", PLATFORMS)
  args       = { VERSION = item.version }
  tags       = ["${REGISTRY}/${item.name}:${item.version}"]
}

target "ui" {
  context = "ui"
  args    = { VERSION = "3.0.0" }
}
