# Everything a developer runs. `make demo` and `make test` need Python 3.11 or later and nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
DEMO_ARGS ?=
TEST_ARGS ?=

.PHONY: demo test test-long lint bench clean

demo: $(STAMP)
	$(BIN)/scoville demo $(DEMO_ARGS)

test: $(STAMP)
	$(BIN)/pytest -n 2 --dist worksteal $(TEST_ARGS)

# What `make test` leaves out; with ONLINE_RETAIL_CSV also the import of that whole file, which one process does once.
test-long: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile -m slow $(TEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamp is newer than pyproject.toml once the dependencies are in: a second run installs nothing.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Scoville needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)
