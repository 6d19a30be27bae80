# make demo        shows the product at work (RESET=1 starts afresh, EMPTY=1 without the example workspace)
# make test        all tests, on SQLite and, where one answers, PostgreSQL
# make check       what CI runs: tests, style, types, layers, migrations, deployment checks

PYTHON ?= python3.11
BIN := .venv/bin
RESET ?=
POSTGRES := $(or $(TEST_POSTGRES_URL),postgresql://postgres@127.0.0.1:5432/postgres)
EMPTY ?=

# Another Python than the wanted one would only fail later, and less clearly.
ifeq (,$(shell command -v $(PYTHON) 2>/dev/null))
PYTHON := python3
endif

.PHONY: help demo sandbox test test-browser screenshots bench lint format types layers migrations deploy-check check clean

help:
	@sed -n 's/^# \(make\)/\1/p' Makefile

# A stamp per requirements file: nothing is installed, and no network needed, until that file changes.
.venv/runtime.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/runtime.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/runtime.stamp
	@exec $(BIN)/python manage.py demo $(if $(RESET),--reset) $(if $(EMPTY),--empty)

sandbox: .venv/runtime.stamp
	@mkdir -p var
	@exec $(BIN)/python manage.py sandbox

test: .venv/dev.stamp
	@$(BIN)/python -m tests $(TESTS)

test-browser: .venv/dev.stamp
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m browser tests/browser

screenshots: .venv/dev.stamp
	@$(BIN)/python -m tests.browser.screenshots

bench: .venv/dev.stamp
	@$(BIN)/python -m pytest -q -s -m bench tests/bench/test_audit_append.py
	@TEST_DATABASE_URL=$(POSTGRES) $(BIN)/python -m pytest -q -s -m bench tests/bench/test_pages.py
	@$(BIN)/python -m tests.bench.first_sync --repeat 3

lint: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: .venv/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: .venv/dev.stamp
	@$(BIN)/mypy

layers: .venv/dev.stamp
	@$(BIN)/lint-imports

migrations: .venv/dev.stamp
	@DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run

# With the settings a production would have; the keys are made up here and forgotten.
deploy-check: .venv/dev.stamp
	@ENV_FILE=/dev/null DEBUG=false HTTPS=true ALLOWED_HOSTS=connector.example.com ALLOWED_PRIVATE_HOSTS= \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	FERNET_KEYS=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))') \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

check: test lint types layers migrations deploy-check

clean:
	rm -rf .venv var .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
