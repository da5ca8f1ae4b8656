# The commands of this project. What they run is described in README.md and CONTRIBUTING.md.
# Everything is installed into .venv from requirements.lock; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKSPACE ?= data
# Test files run side by side in this many processes; what takes long is made once for all.
TEST_PROCESSES ?= 2
TEST_OPTIONS ?=
PYTEST := $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
UV_VERSION := 0.13.9

# Certificates as the system knows them: companies put their own in front of the package registry.
export UV_SYSTEM_CERTS := true

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick check format docs dev wheel lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed ## Make .venv with everything that is needed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make setup PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Make the demo company, refresh it, and say where to look
	@$(BIN)/kunderegnskab demo --workspace $(WORKSPACE)

test: setup ## Run all tests
	@$(PYTEST) $(TEST_OPTIONS)

test-quick: setup ## Run the tests that answer within two minutes
	@$(PYTEST) -m quick $(TEST_OPTIONS)

check: setup ## Run what is quicker than the tests: format, lint, types, dependencies, SQL
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/ty check
	@$(BIN)/deptry --no-ansi kunderegnskab orchestration
	@$(BIN)/deptry --no-ansi --exclude '^$$' --ignore DEP002,DEP004 benchmarks tests $(wildcard tests/*/)
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models
	@$(BIN)/python tests/dbt/lint_rules.py
	@$(BIN)/python -m pytest -q tests/dbt/test_portable_sql.py

format: setup ## Put code into the common form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup ## Write the documents that follow from the code
	@$(BIN)/python -m kunderegnskab.feeds.documentation
	@$(BIN)/python -m kunderegnskab.publication.documentation
	@$(BIN)/python -m kunderegnskab.publication.power_query
	@$(BIN)/python -m kunderegnskab.dbt.macro_descriptions

dev: setup ## Open Dagster's page on the workspace
	@$(BIN)/kunderegnskab dev --workspace $(WORKSPACE)

wheel: setup ## Make the package for installing elsewhere, in dist/
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	@ls dist/*.whl

lock: ## Choose new versions of all packages within pyproject.toml's bounds
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv==$(UV_VERSION); }
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  --python-version 3.11 --group dev --upgrade pyproject.toml -o requirements.lock

clean: ## Remove .venv, dist, .cache and the caches of pytest, ruff and hypothesis; workspaces stay
	@rm -rf $(VENV) dist .cache .pytest_cache .ruff_cache .hypothesis
