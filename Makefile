# What a developer needs: make help
#
# BUILDER=<name> uses a buildx builder of your own, on a machine with Docker and
# internet access. Nothing is installed or started then, and no root is needed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

BUILDER ?=
VERSION ?= dev
GO_VERSION ?= 1.26
TESTBED = go run ./integration/testbed/cmd/testbed

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-zA-Z_-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Test bed ----------------------------------------------------------------

.PHONY: testbed testbed-down testbed-clean testbed-docker
ifeq ($(BUILDER),)
testbed: ## Bring up registry, buildkitd and toolchain images (root, Debian; REGISTRY_PORT=5000)
	@$(TESTBED) up
else
testbed:
endif

testbed-down: ## End all daemons of the test bed; caches and images stay
	@$(TESTBED) down

testbed-clean: ## End all daemons of the test bed, and remove its state
	@$(TESTBED) clean

testbed-docker: testbed ## Start the test bed's Docker Engine too
	@$(TESTBED) docker-up

# --- Frontend image ----------------------------------------------------------

# For your own builder the image is left as an OCI layout: no registry is
# needed, and a build takes it by
#   --build-context fromscratch/frontend:1=oci-layout://<checkout>/.testbed/frontend
.PHONY: frontend
ifeq ($(BUILDER),)
frontend: testbed ## Build the frontend image from the working tree, as fromscratch/frontend:1
	@. .testbed/env && VERSION='$(VERSION)' GO_VERSION='$(GO_VERSION)' docker buildx bake --provenance=false --push frontend
else
frontend:
	@mkdir -p .testbed
	@VERSION='$(VERSION)' GO_VERSION='$(GO_VERSION)' docker buildx --builder '$(BUILDER)' bake --provenance=false \
		--set 'frontend.output=type=oci,dest=.testbed/frontend,tar=false' frontend
endif

# --- Demo --------------------------------------------------------------------

.PHONY: demo
demo: frontend ## Build the examples for two platforms, run them, and edit one service of a monorepo
	@BUILDER='$(BUILDER)' go run ./integration/cmd/demo

# --- Reproducible builds -----------------------------------------------------

.PHONY: reproduce
EXAMPLE ?= go-service
ifeq ($(BUILDER),)
reproduce: frontend
endif
reproduce: ## Build an example twice on two empty builders, and compare every byte (EXAMPLE=go-service; frontend is a release)
	@BUILDER='$(BUILDER)' go run ./integration/cmd/reproduce '$(EXAMPLE)'

# --- Tests -------------------------------------------------------------------

.PHONY: test test-unit test-full fuzz
test-unit: ## Unit tests, those of the examples in Go too: no root, no daemon, no network
	go test ./...
	@for module in examples/go-service examples/monorepo/go; do (cd "$$module" && go test ./...) || exit 1; done

# Half of the time that the test bed takes to come up is spent waiting.
test: ## All tests but the long ones, against real daemons
	@$(MAKE) --no-print-directory -j2 frontend test-unit
	go test -tags integration -count=1 -timeout 25m ./integration/...

test-full: frontend ## All tests with the race detector, and longer random ones
	FROMSCRATCH_SOAK=300 go test -race -timeout 60m ./...
	FROMSCRATCH_LONG=1 go test -race -tags integration -count=1 -timeout 60m ./integration/...

.PHONY: soak
STEPS ?= 200
soak: frontend ## Random edits of a Rust project, each build against a clean one (STEPS=200; FROMSCRATCH_SOAK_SEED)
	FROMSCRATCH_SOAK_STEPS=$(STEPS) go test -tags integration -count=1 -timeout 120m -run '^TestSoak$$' -v ./integration/

FUZZTIME ?= 10m
fuzz: ## Fuzz the parser of the spec (FUZZTIME=10m)
	go test ./frontend/spec -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)

# --- Benchmark ---------------------------------------------------------------

.PHONY: bench
BENCH ?=
bench: frontend ## Time builds of the examples and more by fromscratch and its peers (BENCH='-program X -scenario Y -builder Z -rounds N')
	@go run ./integration/bench $(BENCH)

.PHONY: bench-cost bench-growth
COST ?=
bench-cost: frontend ## Say where the time of a build goes, and what the frontend asks and uses (COST='-program go-service -rounds N')
	@go run ./integration/bench/cost $(COST)

GROWTH ?=
bench-growth: frontend ## Say how the frontend's cost grows with targets, platforms, files and dependencies (GROWTH='-of files -rounds N')
	@go run ./integration/bench/growth $(GROWTH)

# --- Lint --------------------------------------------------------------------

.PHONY: lint
lint: ## Static checks with the pinned golangci-lint, and actionlint for workflows
	@linter=$$($(TESTBED) tool golangci-lint) && "$$linter" run ./...
	@linter=$$($(TESTBED) tool actionlint) && "$$linter" .github/workflows/*.yml examples/pipelines/github-*.yml
