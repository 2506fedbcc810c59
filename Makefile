# Dagbok. Needs Python 3.11 or newer and make; everything else comes from requirements.lock and package-lock.json.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: .venv demo test test-deep check format docs bench lock help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV ?= uv
WORKERS ?= 3
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
PAGES := .venv/.pages
CATALOGUES := $(wildcard api/web/locale/*/LC_MESSAGES/*.po)
COMPILE := pip compile --universal --generate-hashes --extra dev pyproject.toml -o requirements.lock

.venv: $(PAGES) ## make the environment: .venv/bin/dagbok is the program

demo: $(PAGES) ## a fictional municipality with a year of life, served on this machine (ARGS="--port 9000")
	$(BIN)/dagbok demo $(ARGS)

test: $(PAGES) ## every test but the long ones (ARGS="-k name")
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

test-deep: $(PAGES) ## the long mutation, kill and race runs
	$(BIN)/python -m pytest -m deep $(ARGS)

check: export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1
check: $(PAGES) ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(PAGES) ## lay the code out as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(PAGES) ## the pages that are made from the program: commands, settings, events
	$(BIN)/python -m tools.cli.page

bench: $(PAGES) ## measure, in ratios (ARGS="append verify --json")
	$(BIN)/dagbok bench $(ARGS)

lock: $(PAGES) ## resolve the dependencies anew into requirements.lock and package-lock.json (needs uv)
	$(UV) $(COMPILE) --upgrade --quiet --no-config --custom-compile-command "uv $(COMPILE)"
	$(BIN)/python -m api.web.assets --lock

help: ## this list
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamps are files, so that a command starts at once when nothing has changed. Pip builds nothing in isolation: its build
# tools stand in the lock too, and no byte comes in unhashed.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Dagbok needs Python 3.11 or newer, and found none."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "Python cannot make an environment here. This mends it: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(PAGES): $(READY) package.json package-lock.json $(CATALOGUES)
	$(BIN)/python -m api.web.assets
	@touch $@
