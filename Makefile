# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
SHELL := /bin/bash
STEPS ?=
# Further options of the benchmark, such as --publish.
BENCHMARK ?=

# The steps and groups of the gate that have a target of their own; "make steps" lists all.
GATE := unit simulator system sanity units integration lint package ansible-lint docs-lint changelog yamllint ruff mypy reuse

run := @bash tests/tools/python.sh tests/tools

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "  make STEP           One step or group of the gate: $(GATE)"

.PHONY: demo
demo: ## Run the demo playbook against a WordPress.com simulator on this machine
	$(run)/tasks.py demo

.PHONY: benchmark
benchmark: ## Measure the collection on the simulator, in 12 minutes; make benchmark QUICK=1 in one
	$(run)/tasks.py benchmark $(BENCHMARK)

.PHONY: test
test: ## Run the whole gate, or a part: make test STEPS="unit lint"
	$(run)/gate.py $(STEPS)

.PHONY: steps
steps: ## List the steps of the gate and their groups
	$(run)/gate.py --list

.PHONY: $(GATE)
$(GATE):
	$(run)/gate.py $@

.PHONY: docs
docs: ## Build the documentation site in build/docs
	$(run)/tasks.py docs

.PHONY: build
build: ## Build the artefact in dist/
	$(run)/tasks.py build

.PHONY: requirements
requirements: ## Pin anew what requirements/*.in ask for
	$(run)/tasks.py requirements

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf .ansible .cache .hypothesis .venv build dist tests/output
