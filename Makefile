# Every target sets up what it needs by itself: a virtual environment in .venv, pinned packages.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
NEWEST := .venv-newest
PYTEST_WORKERS ?= auto

.PHONY: demo test test-slow test-newest lint format throughput clean

demo: $(VENV)/.installed  ## watch the model in the box play all three games, and get a table
	$(BIN)/python benchmarks/model_in_the_box.py --demo

test: $(VENV)/.installed  ## the fast tests, in parallel
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) -m "not slow"

test-slow: $(VENV)/.installed  ## the slow ones
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) -m slow

test-newest: $(NEWEST)/.installed  ## those that need no NetHack and no model, on the newest Gymnasium
	$(NEWEST)/bin/python -m pytest -n $(PYTEST_WORKERS) -m "not slow and not nethack and not models"

lint: $(VENV)/.installed  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

throughput: $(VENV)/.installed  ## how fast, against named peers
	$(BIN)/python benchmarks/throughput.py

clean:
	rm -rf $(VENV) $(NEWEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call python) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

# NLE pins gymnasium 1.2.0, so the newest one needs an environment without it.
$(NEWEST)/.installed: pyproject.toml constraints.txt
	$(call python) -m venv $(NEWEST)
	grep -v '^gymnasium==' constraints.txt > $(NEWEST)/constraints.txt
	$(NEWEST)/bin/pip install --quiet --disable-pip-version-check -c $(NEWEST)/constraints.txt \
		--upgrade gymnasium hypothesis pytest pytest-xdist -e ".[babyai,crafter]"
	touch $@

# The interpreter that was asked for, or else whatever python3 is.
python = $(shell command -v $(PYTHON) || command -v python3)
