# Builds the frontend image from the working tree:
#
#   docker buildx bake --push frontend
#
# or, with nothing but a builder of your own, to a folder for --build-context:
#
#   docker buildx bake --set frontend.output=type=oci,dest=.testbed/frontend,tar=false frontend
#
# A release is made by docs/releasing.md.

variable "REGISTRY" {
  description = "Where the image is pushed to; empty for Docker Hub"
  default     = ""
}

variable "VERSION" {
  description = "What the frontend says its version is"
  default     = "dev"
}

variable "REVISION" {
  description = "Commit that a release is of"
  default     = ""
}

variable "GO_VERSION" {
  description = "Tag of the golang image that compiles it"
  default     = "1.26"
}

group "default" {
  targets = ["frontend"]
}

function "image" {
  params = [tag]
  result = "${REGISTRY == "" ? "" : "${REGISTRY}/"}fromscratch/frontend:${tag}"
}

# 1.4.2 is also 1.4 and 1; any other version, such as 1.4.2-rc.1, is itself alone.
function "tags" {
  params = [version]
  result = distinct([
    version,
    regex_replace(version, "^([0-9]+[.][0-9]+)[.][0-9]+$", "$1"),
    regex_replace(version, "^([0-9]+)[.][0-9]+[.][0-9]+$", "$1"),
  ])
}

target "frontend" {
  dockerfile = "Dockerfile.frontend"
  args = {
    VERSION    = VERSION
    GO_VERSION = GO_VERSION
  }
  tags = [image("1")]
}

# Certificates and time zones, for all platforms.
target "data" {
  dockerfile = "Dockerfile.frontend"
  target     = "data"
}

# Built by the frontend of the working tree: its syntax line is answered by the
# target frontend.
target "frontend-release" {
  dockerfile = "fromscratch.yaml"
  contexts = {
    "fromscratch/frontend:1" = "target:frontend"
    data                     = "target:data"
  }
  args = {
    VERSION    = VERSION
    REVISION   = REVISION
    GO_VERSION = GO_VERSION
  }
  platforms = ["linux/amd64", "linux/arm64"]
  attest    = ["type=provenance,mode=max", "type=sbom"]
  tags      = [for tag in tags(VERSION) : image(tag)]
}
