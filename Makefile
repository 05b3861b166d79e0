# make demo    the whole loop on real recordings, on this machine, in about five minutes
# make test    lint, format, types, unused names and all tests, on all cores
# make poison  bad messages among good ones, through the cores of both services
# make install only the environment, ./.venv
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

.PHONY: demo test poison install clean
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
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder

# Bad messages among good ones through the cores of both services; ends with 1 if a good one is lost.
poison: .venv/dev.stamp
	$(BIN)/python -m tests.support.poison_run --bad 200000

install: .venv/dev.stamp

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

.venv/demo.stamp: EXTRAS := embedded,demo
.venv/dev.stamp: EXTRAS := dev
.venv/demo.stamp .venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing into ./.venv (once; a minute or two, hnswlib is compiled) ..."
	$(PIP) $(INDEX) -c constraints.txt -e '.[$(EXTRAS)]'
	@# The demo's recordings. Without its dependencies: the package itself is never imported.
	$(PIP) --no-deps '$(SEGLEARN)'
	@# On all cores, as pip does not. Packages ship files that do not compile, and never import them.
	@$(BIN)/python -m compileall -q -q -j 0 .venv/lib || true
	@touch $@
