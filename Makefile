SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test t check fix bench lock messages clean

PYTHON := .venv/bin/python

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## Start everything on this machine: simulators, web, worker (PORT=8000)
	@scripts/venv.sh run
	@exec $(PYTHON) scripts/run.py

test: ## Run the tests on SQLite and, where one answers, PostgreSQL (ARGS="-k lead")
	@scripts/venv.sh dev
	@exec scripts/test.sh $(ARGS)

t: ## Run one test file or folder on SQLite (ARGS=leads/tests/test_sweep.py)
	@scripts/venv.sh dev
	@exec env -u DATABASE_URL $(PYTHON) -m pytest $(ARGS)

check: ## Format, lint, types, import contracts, deploy check, migrations, all tests
	@scripts/venv.sh dev
	@scripts/check.sh
	@exec scripts/test.sh

fix: ## Format the code and the templates and mend what can be mended
	@scripts/venv.sh dev
	@scripts/fix.sh

bench: ## Measure (ARGS="--help" says what can be chosen)
	@scripts/venv.sh dev
	@exec $(PYTHON) -m benchmarks $(ARGS)

lock: ## Compile requirements*.in into the locks (ARGS=--upgrade)
	@scripts/venv.sh dev
	@scripts/lock.sh $(ARGS)

messages: ## Bring the form's translations in step with its texts
	@scripts/venv.sh dev
	@$(PYTHON) scripts/messages.py

clean: ## Remove .venv, caches and reports; keeps var/, where the data is
	@rm -rf .venv node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
