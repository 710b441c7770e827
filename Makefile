# Everything creates the environment .venv by itself; `make PYTHON=python3.12 install` chooses another Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install test slow lint bench demo wheel clean

install: $(STAMP)

# Installs again only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

test: install
	$(BIN)/python -m pytest -n 2 -q

slow: install
	$(BIN)/python -m pytest -n 2 -q -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python -m pytest -q -m benchmark tests/benchmarks

demo: install
	$(BIN)/fleetwin demo

wheel: install
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
