# Herald's verbs; `make` alone lists them. Everything they write is below target/.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.PHONY: help demo lab lab-down test fuzz lint crds crds-check setup bench bench-full image deploy undeploy

TARGET := $(or $(CARGO_TARGET_DIR),target)
LAB := $(TARGET)/debug/herald-lab

help: ## lists the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r verb what; do printf '  make %-10s %s\n' "$$verb" "$$what"; done

demo: programs ## shows Herald's whole job on a cluster in a box (Linux, root)
	@$(LAB) demo --report target/demo/report.json

lab: programs ## brings such a cluster up and keeps it; prints a KUBECONFIG line
	@$(LAB) up

lab-down: ## takes it away again, every trace
	@if [ -x $(LAB) ]; then $(LAB) down; else echo "no lab was ever built here"; fi

test: root setup ## all suites: unit, property, CRD, API server, kubectl, end to end
	cargo build --workspace --all-targets
	cargo test --workspace

FUZZ_SECONDS ?= 60
fuzz: ## gives every parser any bytes, FUZZ_SECONDS=60 each (nightly compiler, cargo-fuzz; docs/testing.md)
	@command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }
	@cargo +nightly --version >/dev/null || { echo "a nightly compiler is missing: rustup toolchain install nightly" >&2; exit 1; }
	@for target in arp ndp membership bgp_frame bgp_open bgp_update bgp_notification bgp_state; do cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1; done

lint: ## rustfmt and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

crds: ## writes the CRDs' YAML from the types
	cargo run --quiet --features herald-crds/yaml --bin crdgen -- crds/yaml

# (All packages are selected, so that nothing is built a second time with other features.)
crds-check: ## fails when the committed YAML is not what the types say
	cargo test --workspace --test definitions

setup: ## gets what the lab needs from the distribution; starts and enables no service
	@lab/setup $(TARGET)/tools routers

bench: root setup ## measures what Herald promises, against budgets (Linux, root; docs/bench.md)
	@lab/setup $(TARGET)/tools keepalived
	cargo build --workspace --bins --release
	@$(TARGET)/release/herald-bench --report target/bench/report.json

SOAK_SECONDS ?= 3600
bench-full: root setup ## layer 2 and BGP at length, about three hours; goes on where it was interrupted (docs/bench.md)
	@lab/setup $(TARGET)/tools keepalived
	cargo build --workspace --bins --release
	@$(TARGET)/release/herald-bench --full target/bench/layer2.jsonl --report target/bench/full.json
	@[ -e target/bench/soak.json ] || $(TARGET)/release/herald-bench --bgp-soak $(SOAK_SECONDS) --report target/bench/soak.part
	@[ ! -e target/bench/soak.part ] || mv target/bench/soak.part target/bench/soak.json

image deploy undeploy: ## not yet
	@echo "make $@: comes with a later version of Herald; today there are demo, lab, lab-down, test, bench, lint and crds" >&2; exit 1

# The programs that the lab starts.
.PHONY: programs root
programs: root setup
	@cargo build --workspace --bins

root:
	@[ "$$(id -u)" = 0 ] || { echo "the lab makes network namespaces, so this needs root: run it as root or with sudo" >&2; exit 1; }
