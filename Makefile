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
# For "make live": the sandbox site, a keyring connection of yours, and what is optional.
SITE ?=
SITE_AGAIN ?=
KEYRING ?=
EXTERNAL_USER ?=
LAST ?=
OUTPUT ?= live-switches.yml

nox := @bash .ci/nox

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "  .venv/bin/nox -l    Show every session; the first make installs nox in .venv"

.PHONY: demo
demo: ## Run the demo playbook against a WordPress.com simulator on this machine
	$(nox) -s demo

.PHONY: test
test: ## Run every check, several at a time, or some: make test SESSIONS="unit ruff"
	$(nox) -s test -- $(SESSIONS)

.PHONY: docs
docs: ## Build the documentation site in build/docs
	$(nox) -s docs

.PHONY: build
build: ## Build the artefact in dist/
	$(nox) -s build

.PHONY: benchmark
benchmark: ## Measure the collection, in about 25 minutes; or in one minute: make benchmark QUICK=1
	$(nox) -s benchmark -- $(if $(QUICK),--quick) $(BENCHMARK)

.PHONY: live
live: ## Find out what the real API does, on one sandbox site: WPCOM_API_TOKEN=... make live SITE=... KEYRING=...
	$(nox) -s live -- --site "$(SITE)" --keyring "$(KEYRING)" --site-again "$(SITE_AGAIN)" \
		--external-user "$(EXTERNAL_USER)" --last-connection "$(LAST)" --output "$(OUTPUT)"

.PHONY: requirements
requirements: ## Update the pinned requirements
	$(nox) -s requirements

.PHONY: release
release: ## Prepare a release: make release VERSION=x.y.z
	$(nox) -s release -- $(VERSION)

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf .ansible .hypothesis .mypy_cache .nox .ruff_cache .venv build dist tests/output
