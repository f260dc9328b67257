# Two commands matter to a newcomer: `make demo` and `make test`. Everything else is for those who stay.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: setup demo run test check bench field conformance fuzz soak clean help

help:
	@echo "make demo                       see the whole product at work for 40 seconds"
	@echo "make run ORIGIN=http://host:port   stand before your own site"
	@echo "make test                       everything that must hold"
	@echo "make check | make bench         style, types, contracts | the comparison with peers"

# Compiled here, because a service may not write beside its code and would compile all of it at each start.
setup: $(STAMP)
	@$(BIN)/python -m compileall -q -j 0 shieldproxy

$(STAMP): pyproject.toml deploy/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "shieldproxy needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/debian-packages python3-venv
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qqq -r deploy/requirements.lock
	@$(BIN)/pip install -qqq --no-deps -e .
	@touch $@

$(VENV)/.set-up-tests: $(STAMP) deploy/requirements-test.lock
	@$(BIN)/pip install -qqq -r deploy/requirements-test.lock
	@deploy/debian-packages --for-tests
	@touch $@

demo: setup
	@$(BIN)/shieldproxy demo

run: setup
	@test -n "$(ORIGIN)" || { echo "Say which site: make run ORIGIN=http://127.0.0.1:9000"; exit 2; }
	@$(BIN)/shieldproxy run --origin $(ORIGIN)

check: $(VENV)/.set-up-tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check
	@$(BIN)/pytest

bench: $(VENV)/.set-up-tests
	@$(BIN)/python -m benchmarks

# People, the flood of 2024-01-17, the same twenty times faster, and a crowd, before the repository's configuration.
field: $(VENV)/.set-up-tests
	@$(BIN)/python -m benchmarks.field --seed $${SEED:-1}

# The table of tests/proxy/conformance beside what nginx and HAProxy make of the same bytes, where they are installed.
conformance: $(VENV)/.set-up-tests
	@$(BIN)/python -m tests.proxy.conformance

# The parsers of the main door against mutated bytes: eight searches of eight seconds, or of as many as you like.
fuzz: $(VENV)/.set-up-tests
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-8} $(BIN)/pytest -m fuzz

# What takes too long for every day: a gigabyte each way, thousands of hanging clients, and ten minutes of a mixed day
# (SOAK_SECONDS=60 make soak for a shorter one).
soak: $(VENV)/.set-up-tests
	@SOAK=1 $(BIN)/pytest -m soak -s

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
