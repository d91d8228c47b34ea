# The commands of the house. `make` without a word lists them.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check bench bench-full storm docs lock clean
BIN := .venv/bin
export PYTHON

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with Tiptoe in it (PYTHON=/path/to/python picks the interpreter)
	@.ci/setup runtime

setup-dev:
	@.ci/setup dev

run: setup ## start everything on this machine
	@exec $(BIN)/tiptoe up

test: setup-dev ## the whole gate: style, types, imports, docs, and every test
	@$(BIN)/python -m tests.gate

check: setup-dev ## the quick part of the gate: style, types, imports, docs, fast tests
	@$(BIN)/python -m tests.gate --quick

bench: setup-dev ## measure engine and gateway beside others, in five minutes
	@$(BIN)/python -m benchmarks

bench-full: setup-dev ## the same with more of everything, and beside Restate
	@$(BIN)/python -m benchmarks --full

storm: setup-dev ## let everything go wrong around 2,250 customers, on both databases (SEED=…)
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED))

docs: setup-dev ## write the generated pages of docs/ again
	@$(BIN)/python -m tiptoe.docs

lock: setup-dev ## choose versions again and write the lock files (UPGRADE=1 takes newer ones)
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet $(if $(UPGRADE),--upgrade)

clean: ## remove .venv and caches; ./var with its data stays
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
