# docker buildx bake [web] [notes] [feed] [words] [slugs] [go] [rust]

variable "REGISTRY" {
  description = "What the names of the images begin with"
  default     = "registry.example.com/notes"
}

variable "PLATFORMS" {
  description = "The platforms of the images, separated by commas"
  default     = "linux/amd64,linux/arm64"
}

group "default" {
  targets = ["go", "rust"]
}

group "go" {
  targets = ["web", "backend"]
}

# What all images have in common. A name with an underscore is no use on the
# command line.
target "_service" {
  context    = "."
  dockerfile = "fromscratch.yaml"
  platforms  = split(",", PLATFORMS)
}

# The pages: files for web, and no image of their own.
target "ui" {
  context = "ui"
  args    = { VERSION = "3.0.0" }
}

target "web" {
  inherits = ["_service"]
  target   = "web"
  args     = { VERSION = "2.1.0" }
  tags     = ["${REGISTRY}/web:2.1.0"]
  # build.inputs of the spec asks for ui.
  contexts = { ui = "target:ui" }
}

# A target with a matrix is one target for each item, and the group of them.
target "backend" {
  name     = item.name
  inherits = ["_service"]
  matrix = {
    item = [
      { name = "notes", version = "1.4.0" },
      { name = "feed", version = "0.9.2" },
    ]
  }
  target = item.name
  args   = { VERSION = item.version }
  tags   = ["${REGISTRY}/${item.name}:${item.version}"]
}

target "rust" {
  name     = item.name
  inherits = ["_service"]
  matrix = {
    item = [
      { name = "words", version = "1.0.3" },
      { name = "slugs", version = "1.1.0" },
    ]
  }
  target = item.name
  args   = { VERSION = item.version }
  tags   = ["${REGISTRY}/${item.name}:${item.version}"]
}
