# make            build bin/assay
# make demo       build a real image twice, prove that it is the same, find a planted change
# make test       everything fast, and a seeded sample of everything slow (what CI runs)
# make test-full  every kill point, every boot, every oracle (hours)
# make fuzz T=30m every fuzz target for T
# make bench      ratios against peers and limits, measured side by side
# make release    static binaries, packages, SBOM, checksums in dist/

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The machine's Go, or the pinned one from the module proxy.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),build)),)
GODIR := $(shell (command -v curl && command -v unzip) >/dev/null || .ci/setup build; .ci/go)
ifeq ($(GODIR),)
$(error no Go toolchain: see the message above)
endif
export PATH := $(GODIR):$(PATH)
endif
export CGO_ENABLED := 0
export GOTOOLCHAIN := local
export GOFLAGS := -buildvcs=false -trimpath

OUT ?= out
T ?= 30m

.PHONY: build demo test test-full fuzz bench lint docs release clean help
help: ; @sed -n 's/^# //p' Makefile

build:
	go build -o bin/assay ./cmd/assay

demo: export FRESH := $(FRESH)
demo:
	@.ci/setup demo
	@$(MAKE) --no-print-directory -s build
	@fixtures/demo $(OUT)

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted" >&2; exit 1; }
	go vet ./...
	.ci/lint

test: build
	.ci/setup
	$(MAKE) --no-print-directory lint
	.ci/test

test-full: export ASSAY_FULL := 1
test-full: build
	.ci/setup
	.ci/evidence make-test-full .ci/test -timeout 6h

fuzz:
	.ci/evidence "make fuzz T=$(T)" .ci/fuzz $(T)

bench: build
	.ci/setup
	fixtures/bench

docs: build
	bin/assay docs docs

release:
	.ci/release dist

clean:
	rm -rf bin out dist
