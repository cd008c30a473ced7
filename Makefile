# Every target but lock works on a fresh clone with only python3 (3.11 or newer, with venv), make
# and git.
PYTHON := .venv/bin/python
LOCK ?= requirements-dev.lock
UV ?= uv
TIMES ?= 100
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --universal \
	--python-version 3.11 --fork-strategy fewest --generate-hashes

.DEFAULT_GOAL := help
.PHONY: help run test check teeth kills venv format lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## play one session against the paper exchange; ARGS="--seed 7" is handed on
	@.ci/venv requirements.lock
	@$(PYTHON) run.py sandbox $(ARGS)

test: ## run every layer of tests, cheapest first; ARGS="domain threads" picks layers
	@.ci/venv requirements-dev.lock
	@$(PYTHON) -m tests.layers $(ARGS)

check: ## check lock files, secrets, lint, format, types
	@.ci/venv requirements-dev.lock
	$(PYTHON) -m tests.gates
	$(PYTHON) -m pip check
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

kills: ## kill -9 the agent at every boundary and TIMES times at random, beside a living exchange
	@.ci/venv requirements-dev.lock
	@$(PYTHON) -m tests.processes.kills --times $(TIMES) $(ARGS)

teeth: ## hunt bad policies and mutants of the order path; ARGS="--seeds 100" is handed on
	@.ci/venv requirements-dev.lock
	$(PYTHON) -m tests.simulation.teeth $(ARGS)

venv: ## create or refresh .venv only; LOCK=requirements.lock leaves the test tools out
	@.ci/venv $(LOCK)

format: ## let ruff format the code and mend what it safely can
	@.ci/venv requirements-dev.lock
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

lock: ## pin what setup.cfg asks for (needs uv); UPGRADE=--upgrade takes newer versions
	$(COMPILE) $(UPGRADE) --extra dev setup.cfg -o requirements-dev.lock
	$(COMPILE) $(UPGRADE) -c requirements-dev.lock setup.cfg -o requirements.lock

clean: ## remove what make made: .venv, caches, coverage
	rm -rf .venv .layers .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
