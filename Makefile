# AutoLoop's commands. Each sets up what it needs, and skips what is done already.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TESTED := $(VENV)/.tested

.DEFAULT_GOAL := help
.PHONY: help run demo test check format sure bench crash clean lock assets

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) assets ## Start everything and open the dashboard's address
	@$(BIN)/autoloop up

demo: $(STAMP) assets ## Walk 3,000 contacts through a three-mail workflow, and show it
	@$(BIN)/autoloop demo

test: $(TESTED) assets ## All tests that need nothing installed beforehand
	@$(BIN)/python -m pytest -n 2 tests/unit tests/architecture tests/contracts tests/bad_input tests/functional tests/crash

check: $(TESTED) ## Format, lint, types, imports
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

sure: check test ## make check and make test

format: $(TESTED) ## Put the code into its form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(TESTED) assets ## Speed and memory beside their floors
	@$(BIN)/python -m benchmarks

crash: $(TESTED) assets ## The crash test, long form
	@$(BIN)/python -m pytest tests/crash --runs 5000 --kills 1000

assets: $(STAMP)
	@$(BIN)/python -m autoloop.web.layout.build

clean: ## Remove what was built; data in var stays
	rm -rf $(VENV) build dist *.egg-info autoloop/web/static/dist autoloop/web/frontend/node_modules

lock: ## Pin the newest allowed versions, with hashes
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install -q uv
	@build/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate setup.cfg --extra browser -o requirements.lock
	@build/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate setup.cfg --extra test --extra dev -c requirements.lock -o requirements-test.lock

$(STAMP): requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("AutoLoop needs Python 3.11 or newer; set PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "Installing AutoLoop into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(TESTED): $(STAMP) requirements-test.lock
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-test.lock
	@touch $@
