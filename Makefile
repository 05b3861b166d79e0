# make demo    the whole loop on real recordings, on this machine, in about five minutes
# make test    lint, format, types, unused names and all tests, on all cores
# make chaos   kills, stops and cuts of everything, and a table of what was lost: with KAFKA_HOME an hour and more;
#              make chaos ARGS="--short" two minutes; ARGS="--help" says what else
# make mutants one line of binding, precision, replay or training is made wrong at a time, and a test must fail;
#              make mutants ARGS="--only smoothing" tries some
# make poison  200,000 bad messages among good ones: every good one must come out
# make docs    the pages as a site, in ./site; a link that leads nowhere is an error
# make install only the environment, ./.venv
# make audit-deps  known vulnerabilities of all pinned packages, asked of PyPI
# make clean   removes it
#
# On x86 Linux PyPI's torch is the CUDA build, several GB. A CPU-only one:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3.11
TORCH_INDEX ?=
SEGLEARN := seglearn==1.2.5

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: demo test chaos mutants poison docs install audit-deps clean
.DEFAULT_GOAL := demo

demo: .venv/demo.stamp
	$(BIN)/mmbind demo

test: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture
	@# A file's tests stay together, with their brokers, and files begin in the order of tests/conftest.py.
	@# Bytecode is kept, since the tests start a hundred processes; each has one thread, so that cores are not shared.
	@# Half as many again as there are cores: many tests wait for processes.
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 \
	  PYTEST_XDIST_AUTO_NUM_WORKERS=$$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)) \
	  $(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder

chaos: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos $(ARGS)

# On copies in a temporary folder; ends with 1 if more than five survive.
mutants: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutants $(ARGS)

# Bad messages among good ones through the cores of both services; ends with 1 if a good one is lost.
poison: .venv/dev.stamp
	$(BIN)/python -m tests.support.poison_run --bad 200000

docs: .venv/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --config-file deploy/mkdocs.yml

install: .venv/dev.stamp

audit-deps: | .venv/bin/python
	$(PIP) -c constraints.txt pip-audit
	@# All are pinned, so nothing is resolved; what could not be asked is a failure, not a pass.
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

clean:
	rm -rf .venv

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) was not found. Install Python 3.11 or newer, or say which: make PYTHON=python3.12"; exit 2; }
	@command -v $(firstword $(CXX)) >/dev/null || { \
	  echo "make: no C++ compiler ($(CXX)) was found, and hnswlib is compiled on installation."; \
	  echo "  Debian, Ubuntu: sudo apt-get install g++    Fedora: sudo dnf install gcc-c++    macOS: xcode-select --install"; \
	  exit 2; }
	@$(PYTHON) -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { \
	  echo "make: the headers of $(PYTHON) (Python.h) were not found, and hnswlib needs them on installation."; \
	  echo "  Debian, Ubuntu: sudo apt-get install $(notdir $(PYTHON))-dev    Fedora: sudo dnf install $(notdir $(PYTHON))-devel"; \
	  exit 2; }
	@$(PYTHON) -c 'import ensurepip' || { \
	  echo "make: $(PYTHON) cannot make an environment. Debian, Ubuntu: sudo apt-get install $(notdir $(PYTHON))-venv"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/demo.stamp: EXTRAS := all,embedded,demo
.venv/dev.stamp: EXTRAS := dev
.venv/demo.stamp .venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing into ./.venv, once; this takes some minutes."
	@echo "1 of 3: packages ($(EXTRAS)): torch is the largest, hnswlib is compiled ..."
	$(PIP) $(INDEX) -c constraints.txt -e '.[$(EXTRAS)]'
	@echo "2 of 3: the demo's recordings ..."
	@# The demo's recordings. Without its dependencies: the package itself is never imported.
	$(PIP) --no-deps '$(SEGLEARN)'
	@echo "3 of 3: compiling packages' Python ..."
	@# On all cores, as pip does not. Packages ship files that do not compile, and never import them.
	@$(BIN)/python -m compileall -q -q -j 0 .venv/lib || true
	@touch $@
