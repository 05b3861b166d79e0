# Two commands: `make demo` and `make test`. Both make their own .venv from constraints.txt.
PYTHON ?= python3.11
