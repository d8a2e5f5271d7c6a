# make run | test | lint | bench | mutants: each makes .venv itself.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench mutants clean

run: .venv/.runtime
	exec $(BIN)/python -m service

test: .venv/.tests
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy service

bench: .venv/.runtime
	$(BIN)/python -m benchmarks $(ARGS)

mutants: .venv/.tests
	$(BIN)/python -m tests.mutants $(ARGS)

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kobai needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv

# When the interpreter that .venv was made with is gone, nothing counts as installed. The dates would not
# tell: make takes a link for as old as the file it leads to.
$(shell test -x .venv/bin/python || rm -f .venv/.runtime)

.venv/.runtime: requirements.txt .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/.tests: tests/requirements.txt .venv/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@
