# Everything below works on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WEBUI := $(shell find webui -path webui/node_modules -prune -o -type f -print 2>/dev/null)
# npm of the virtual environment where the machine has none.
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm --prefix webui

.PHONY: run demo test bench lint format lock clean

run: $(STAMP)            ## start a node and open its page
	$(BIN)/p2ptube serve

demo: $(STAMP)           ## three nodes on this machine share, search and play a clip
	$(BIN)/p2ptube demo

test: $(STAMP) lint      ## everything that must hold; installs a browser and players where it may
	scripts/install-test-tools.sh
	$(NPM) run test
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder tests

bench: $(STAMP)          ## measurements, side by side with other programs
	scripts/install-test-tools.sh
	$(BIN)/python -m bench

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)           ## renew the pinned versions
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url -o requirements.lock

$(STAMP): $(VENV)/.locked pyproject.toml hatch_build.py $(WEBUI)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.locked: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	touch $@

clean:
	rm -rf $(VENV) dist build webui/node_modules src/p2ptube/web/static
