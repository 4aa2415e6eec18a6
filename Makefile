# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
SHELL := /bin/bash
# Sessions for "make test"; every check by default.
SESSIONS ?=
# For "make benchmark": QUICK=1 measures a small part, BENCHMARK holds further options.
QUICK ?=
BENCHMARK ?=
VERSION ?=

nox := @bash .ci/nox

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "  .venv/bin/nox -l    Show every session; the first make installs nox in .venv"

.PHONY: demo
demo: ## Run the demo playbook against a WordPress.com simulator on this machine
	$(nox) -s demo

.PHONY: test
test: ## Run every check, two at a time, or some: make test SESSIONS="unit ruff"
	$(nox) -s test -- $(SESSIONS)

.PHONY: docs
docs: ## Build the documentation site in build/docs
	$(nox) -s docs

.PHONY: build
build: ## Build the artefact in dist/
	$(nox) -s build

.PHONY: benchmark
benchmark: ## Measure the collection, in 12 minutes; or in one minute: make benchmark QUICK=1
	$(nox) -s benchmark -- $(if $(QUICK),--quick) $(BENCHMARK)

.PHONY: requirements
requirements: ## Update the pinned requirements
	$(nox) -s requirements

.PHONY: release
release: ## Prepare a release: make release VERSION=x.y.z
	$(nox) -s release -- $(VERSION)

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf .ansible .hypothesis .mypy_cache .nox .ruff_cache .venv build dist tests/output
