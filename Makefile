# Mimic: `make book` builds the book, `make test` proves it. `make help` lists the rest.
#
# Everything happens in .venv, which is made from requirements.txt on first use; nothing needs to be
# activated. The programs are called by path.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV    := .venv
BIN     := $(VENV)/bin
PY      := $(BIN)/python
BENCH   := .venv-bench
# Python 3.11 where it has a name of its own, else whatever python3 is: checked below.
PYTHON  ?= $(shell command -v python3.11 || command -v python3 || command -v python)
# Notebooks and unit tests run on this many processes, with one thread of arithmetic each.
WORKERS ?= 2
THREADS ?= 1
BOOK    := _build/html/index.html
AXE     := $(VENV)/axe/node_modules/axe-core/axe.min.js

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

NBVAL = $(BIN)/pytest notebooks --nbval --nbval-current-env -p no:cacheprovider
BOUND = OMP_NUM_THREADS=$(THREADS) MKL_NUM_THREADS=$(THREADS) OPENBLAS_NUM_THREADS=$(THREADS)

.PHONY: help
help: ## list the commands
	@echo "Commands (make COMMAND):"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | \
		while IFS='|' read -r name text; do printf '  %-15s %s\n' $$name "$$text"; done

# ---------------------------------------------------------------- environment

define CHECK_PYTHON
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 is needed and no python3 was found."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 is needed, this is $$("$(PYTHON)" -V). Say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import os, sys; sys.exit(sys.version_info >= (3, 12) and not os.environ.get("ANY_PYTHON"))' || { \
		echo "The environment is pinned for Python 3.11, this is $$("$(PYTHON)" -V)."; \
		echo "Say where 3.11 is (make PYTHON=/path/to/python3.11), or try this one at your own risk (ANY_PYTHON=1 make ...)."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$$("$(PYTHON)" -V) lacks the venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
endef

# A stamp is written last, so an interrupted installation is repeated.
$(VENV)/.requirements: requirements.txt
	$(CHECK_PYTHON)
	@echo "Making $(VENV) from requirements.txt: a few minutes the first time."
	@$(PY) -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	@$(PY) -m pip install -q -r requirements.txt
	@touch $@

$(VENV)/.stamp: $(VENV)/.requirements pyproject.toml
	@$(PY) -m pip install -q --no-build-isolation --no-deps -e .
	@touch $@

.PHONY: environment
environment: $(VENV)/.stamp ## make .venv and install everything

$(BENCH)/.stamp: requirements-bench.txt requirements.txt pyproject.toml
	$(CHECK_PYTHON)
	@echo "Making $(BENCH) from requirements-bench.txt."
	@$(BENCH)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install -q -r requirements-bench.txt
	@$(BENCH)/bin/python -m pip install -q --no-build-isolation --no-deps -e .
	@touch $@

# The accessibility checker of the browser tests: one script, from npm. Without npm they say so and go on.
$(AXE): | $(VENV)/.stamp
	@if command -v npm >/dev/null; then \
		npm install --silent --no-save --no-package-lock --prefix $(VENV)/axe axe-core@4.14.1 \
			|| echo "axe-core could not be fetched: accessibility is not tested here."; \
	else echo "No npm: accessibility is not tested here."; fi

# ---------------------------------------------------------------- the book

.PHONY: book
book: $(VENV)/.stamp ## build the book and print where it is
	@$(BIN)/jupyter-book build . --all -q
	@echo "The book: $(CURDIR)/$(BOOK)"

.PHONY: lab
lab: $(VENV)/.stamp ## open the chapters in JupyterLab
	@$(BIN)/jupyter labextension disable "@jupyterlab/apputils-extension:announcements" >/dev/null 2>&1 || true
	@$(BIN)/jupyter trust notebooks/*.ipynb >/dev/null 2>&1 || true
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		--KernelManager.transport_encryption=auto notebooks/01_the_funnel.ipynb

.PHONY: execute
execute: $(VENV)/.stamp ## run every notebook and store its outputs in canonical form
	$(BIN)/ruff format notebooks
	$(BIN)/python scripts/execute_notebooks.py

# ---------------------------------------------------------------- the machine

.PHONY: data
data: $(VENV)/.stamp ## generate the data set of the book where it is missing
	@$(PY) -c "from prep import ensure_dataset; print(ensure_dataset('course'))"

.PHONY: train
train: data ## build what is cached: columns, models and indexes
	@$(BOUND) $(PY) -m mimic train --data "$$($(PY) -c "from prep import ensure_dataset; print(ensure_dataset('course'))")"

# ---------------------------------------------------------------- tests

.PHONY: test
test: test-fast test-course nbval test-book ## everything: lint, types, unit tests, notebooks, book, browser

.PHONY: test-fast
test-fast: $(VENV)/.stamp ## lint, types, import rules, unit tests (three minutes)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BOUND) $(BIN)/pytest tests -n $(WORKERS) -m "not course and not browser and not slow"

.PHONY: test-course
test-course: data ## the slow tests and those on the data set of the book
	$(BOUND) $(BIN)/pytest tests -m "(course or slow) and not browser"

.PHONY: nbval
nbval: train ## run every notebook and compare with the stored outputs
	$(BOUND) $(NBVAL) -n $(WORKERS) --dist loadfile

.PHONY: nbval-threads
nbval-threads: data ## the same with one and with two threads of arithmetic
	$(MAKE) nbval THREADS=1
	$(MAKE) nbval THREADS=2

.PHONY: test-book
test-book: $(VENV)/.stamp $(AXE) ## build the book with warnings as errors and open every page in a browser
	$(BIN)/jupyter-book build . --all -W --keep-going -q
	AXE=$(AXE) $(BIN)/pytest tests -n $(WORKERS) -m browser

# An older processor, as far as the libraries let one pretend: everything is made anew, then compared.
.PHONY: test-cpus
test-cpus: $(VENV)/.stamp ## data and notebooks anew as on an older processor
	@set -e; home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; \
	export MIMIC_HOME="$$home" ATEN_CPU_CAPABILITY=default FAISS_OPT_LEVEL=generic \
		NPY_DISABLE_CPU_FEATURES="$$($(PY) scripts/cpu_features.py)" \
		OPENBLAS_CORETYPE=Nehalem ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2; \
	echo "numpy without: $$NPY_DISABLE_CPU_FEATURES"; \
	$(MAKE) nbval

.PHONY: evaluate
evaluate: data ## every quality figure, into benchmarks/results/quality.json (resumable)
	$(BOUND) $(PY) benchmarks/evaluate.py

# What has a result already is left out: benchmarks/run_all.py --again does it anew.
.PHONY: bench
bench: $(BENCH)/.stamp ## speed, and peers in an environment of their own, into benchmarks/results
	@$(BENCH)/bin/python benchmarks/run_all.py \
		--data "$$($(BENCH)/bin/python -c "from prep import ensure_dataset; print(ensure_dataset('course'))")"

# ---------------------------------------------------------------- cleaning

.PHONY: clean
clean: ## remove the built book and caches
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

.PHONY: clean-data
clean-data: ## remove generated data sets, models and indexes
	rm -rf data
