# `make run` and `make test` need Python 3.11 or newer with pip, and nothing else.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PY := .venv/bin/python
# Two processes, each with its own databases on the run's servers; a part runs quicker in one: make test PYTEST="tours -x"
PYTEST ?= -n 2 --dist loadfile
# One lock for Python 3.11 and later, on Linux and macOS.
LOCK = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)

.PHONY: run test test-thorough check manage lock clean install install-test
.NOTPARALLEL:

run: install  ## The whole system on http://127.0.0.1:8000 (PORT= changes it); Ctrl-C ends it
	@exec $(PY) -m config.embedded run

test: install-test  ## The whole suite on a real PostgreSQL
	@exec $(PY) -m pytest $(PYTEST)

test-thorough: install-test  ## What takes too long for each run: every point of the crash matrix
	@exec $(PY) -m pytest -m thorough $(PYTEST)

check: install-test  ## What must hold before a push, beside the tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m config.embedded with $(PY) -m mypy .
	$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
	$(PY) -m config.embedded with $(PY) manage.py makemigrations --check --dry-run
	$(PY) -m config.embedded with $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null

manage: install  ## A command against the system that `make run` runs: make manage DO="check_invariants"
	@exec $(PY) -m config.embedded manage $(DO)

lock: install-test  ## Write what requirements/*.in ask for into the lock files; UPGRADE=--upgrade takes the newest
	$(PY) -m pip install --quiet 'uv==0.*'
	$(LOCK) requirements/test.in --output-file requirements/test.txt
	$(LOCK) requirements/embedded.in --constraints requirements/test.txt --output-file requirements/embedded.txt
	$(LOCK) requirements/production.in --constraints requirements/test.txt --output-file requirements/production.txt
	$(LOCK) requirements/observability.in --constraints requirements/test.txt --output-file requirements/observability.txt
	$(LOCK) requirements/benchmark.in --constraints requirements/test.txt --output-file requirements/benchmark.txt

clean:  ## Remove what was installed and made, but not the data in var/
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

install install-test:
	@[ -n "$(PYTHON)" ] || { echo "rihla: Python 3.11 or newer is needed, and none was found."; exit 1; }
	@$(PYTHON) -I config/embedded/install.py requirements/$(if $(filter install,$@),embedded,test).txt
