# The whole house from a fresh checkout: every target sets up what it needs, and re-uses it when it is up to date.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo test check bench validity faults lock clean browser

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Python 3.11 first, else a newer one; a candidate must run and be able to make a virtual environment.
PROBE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

demo: $(READY)
	$(BIN)/loyalty-exp demo

test: $(READY) browser
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 2

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@set -e; for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

# The simulation studies of the estimators; writes docs/validity.md and .json.
validity: $(READY)
	$(BIN)/python benchmarks/validity

# The long version of the fault tests: every command killed at 50 instants, on SQLite and on PostgreSQL.
faults: $(READY)
	$(BIN)/python tests/store/killed.py --instants 50
	$(BIN)/python tests/store/killed.py --instants 10 --store postgresql
	FAULTS=long $(BIN)/pytest -n 2 tests/store tests/reliability

$(READY): requirements-dev.lock pyproject.toml
	@python=; for p in python3.11 python3.12 python3.13 python3; do \
	  if "$$p" -c '$(PROBE)' >/dev/null 2>&1; then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer with venv found. On Debian or Ubuntu: apt-get install python3.11-venv" >&2; exit 1; fi; \
	if ! $(BIN)/python -c 'import pip' >/dev/null 2>&1; then \
	  echo "Setting up $(VENV) with $$python; this happens once ..." >&2; "$$python" -m venv --clear $(VENV); fi
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The browser tests open the page in Chromium; without it they skip and say so.
browser:
	@has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }; \
	has_font() { fc-list 2>/dev/null | grep -qi -e wqy -e 'noto sans cjk'; }; \
	want=; has_browser >/dev/null || want="chromium"; has_font || want="$$want fonts-wqy-microhei"; \
	[ -n "$$want" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $$want for the browser tests ..." >&2; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$want; } \
	    >/dev/null 2>&1 || echo "Could not install $$want; tests that need it are skipped." >&2; \
	else \
	  echo "Browser tests are skipped until these are installed: $$want (apt-get install $$want)" >&2; \
	fi

# Names, versions and hashes of everything, for the oldest Python that is supported.
lock: $(READY)
	$(BIN)/pip-compile --quiet --generate-hashes --extra dev --allow-unsafe --strip-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements-dev.lock pyproject.toml
	@if grep -nE '://|^-|/[a-z]+/' requirements-dev.lock; then echo "An address slipped into the lock; take it out." >&2; exit 1; fi

clean:
	rm -rf $(VENV) loyalty-exp-demo dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache experiments/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
