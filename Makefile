# Everything a fresh machine needs: Python 3.11 or newer and make. `make demo` and `make test` set up the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo install dev test lint types contracts audit docs screens catalog clean

demo: install
	$(BIN)/proofwatch demo

install: $(VENV)/.installed

dev: $(VENV)/.dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Proofwatch needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,postgres]'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.txt
	$(PIP) install --quiet --constraint constraints.txt --requirement requirements-dev.txt
	@touch $@

test: dev
	$(BIN)/python -m pytest -n auto

lint: dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: dev
	$(BIN)/mypy

contracts: dev
	$(BIN)/lint-imports

# Mistakes of security in our code, known holes in what we depend on. The second needs PyPI's advisories:
# where they cannot be reached it says so for each package, and fails only on a hole that it was told of.
audit: dev
	$(BIN)/bandit --quiet --recursive src --configfile pyproject.toml --severity-level medium
	@told=$$($(BIN)/pip-audit --skip-editable --progress-spinner off 2>&1); \
	  if printf '%s' "$$told" | grep -q 'Found [0-9]* known vulnerabilit'; then printf '%s\n' "$$told"; exit 1; fi; \
	  echo "pip-audit: no known hole; $$(printf '%s\n' "$$told" | grep -c 'could not be audited') packages could not be looked up"

docs: dev
	$(BIN)/python -m proofwatch.cli.docs docs

# The pictures of docs/guide.md, taken while the suite walks the whole process in a browser.
screens: dev
	rm -rf build/guide && mkdir -p build/guide docs/screens
	PROOFWATCH_SHOTS=$(CURDIR)/build/guide $(BIN)/python -m pytest -q tests/web/browser/test_process.py
	cp build/guide/process-*.png docs/screens/

catalog: dev
	$(BIN)/python -m proofwatch.connectors.aws.schema

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
