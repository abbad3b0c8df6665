# Every target does its own set-up. PYTHON=... names the Python to use, APT=no leaves the system's packages alone.
here := $(shell f='$(MAKEFILE_LIST)'; dirname "$${f# }")
setup := cd "$(here)" && sh .ci/setup

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' "$(here)/Makefile" | expand -t 12

demo: ## run the program on the bundled session; ARGS='...' is passed on
	@$(setup) demo && .venv/bin/egopose demo $(ARGS)

test: ## run the tests; ARGS='...' is passed on to pytest
	@$(setup) test && .venv/bin/python -m pytest $(ARGS)

lint: ## check style and format
	@$(setup) test && .venv/bin/ruff check . && .venv/bin/ruff format --check .

types: ## check types
	@$(setup) test && .venv/bin/mypy

contract: ## check what may import what
	@$(setup) test && .venv/bin/lint-imports

clean: ## remove the virtual environment, caches and build output
	@cd "$(here)" && rm -rf .venv .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache build dist
	@cd "$(here)" && find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help demo test lint types contract clean
