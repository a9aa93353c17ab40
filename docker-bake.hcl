# Builds the frontend image from the working tree:
#
#   docker buildx bake --push frontend
#
# or, with nothing but a builder of your own, to a folder for --build-context:
#
#   docker buildx bake --set frontend.output=type=oci,dest=.testbed/frontend,tar=false frontend

variable "REGISTRY" {
  description = "Where the image is pushed to; empty for Docker Hub"
  default     = ""
}

variable "VERSION" {
  description = "What the frontend says its version is"
  default     = "dev"
}

variable "GO_VERSION" {
  description = "Tag of the golang image that compiles it"
  default     = "1.26"
}

group "default" {
  targets = ["frontend"]
}

target "frontend" {
  dockerfile = "Dockerfile.frontend"
  args = {
    VERSION    = VERSION
    GO_VERSION = GO_VERSION
  }
  tags = ["${REGISTRY == "" ? "" : "${REGISTRY}/"}fromscratch/frontend:1"]
}

target "frontend-release" {
  inherits  = ["frontend"]
  platforms = ["linux/amd64", "linux/arm64"]
}
