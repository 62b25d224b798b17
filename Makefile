# `make demo` and `make test` set everything up on a fresh Debian or Raspberry Pi OS machine first.

CARGO_BUILD_JOBS ?= $(shell tools/build-jobs.sh)
export CARGO_BUILD_JOBS
# A Rust that was just installed is found without logging in again.
export PATH := $(PATH):$(HOME)/.cargo/bin:$(CURDIR)/target/tools/bin
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
PREFIX ?= /usr/local
ARGS ?=

.PHONY: help demo test build bench train-quick deny cross-aarch64 deb test-board release install clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: build ## build and show it on a synthetic place; needs no device, no download (ARGS="--seconds 60")
	@$(TARGET_DIR)/release/habituate demo $(ARGS)

test: ## set up, then format, lints, documentation and all tests
	@tools/setup.sh test
	@tools/test.sh

build: ## set up, then the release binary
	@tools/setup.sh build
	@cargo build --release --locked

bench: ## set up, then all benchmarks
	@tools/setup.sh build
	@cargo bench --locked

train-quick: ## train our encoders for a minute, to see that all of it works (installs PyTorch: gigabytes)
	@tools/train-quick.sh --install

deny: ## licences, duplicates and origins of all dependencies, offline
	@tools/deny.sh

cross-aarch64: ## build for 64-bit boards and run unit tests and a replay under QEMU
	@cross/test.sh

deb: build ## build, then the Debian package for this machine (packaging/build-deb.sh TARGET for others)
	@packaging/build-deb.sh

test-board: deb ## install the package in a virtual machine with camera, microphone and systemd, and break things
	@tests/board/test.sh

release: deb ## packages, source, checksums, list of parts and changes in one folder
	@tools/release.sh

install: ## install what `make build` made (PREFIX=/usr/local, DESTDIR=)
	@test -x $(TARGET_DIR)/release/habituate || { echo "nothing to install yet: make build" >&2; exit 1; }
	@install -D -m 755 $(TARGET_DIR)/release/habituate $(DESTDIR)$(PREFIX)/bin/habituate

clean: ## remove everything that was built, and the unpacked recordings
	@rm -rf target
