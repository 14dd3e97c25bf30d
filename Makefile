# The two that matter: `make run` starts everything, `make test` runs all tests. `make` alone lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Options for `stronghouse up`, as in: make run UP="--port-base 9440".
UP ?=
# What to test, as in: make test T=tests/unit/audit. Tests run on two processors unless one part is chosen.
T ?=
WORKERS := $(if $(T),0,2)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet
SITE := $(BIN)/sphinx-build --quiet --fail-on-warning --nitpicky --keep-going --doctree-dir build/doctrees
STATE := $(or $(XDG_STATE_HOME),$(HOME)/.local/state)/stronghouse

##@ Use

.PHONY: run
run: $(VENV)/.runtime ## Start Stronghouse here; the first start makes a demo service (UP="…" adds options)
	@exec $(BIN)/stronghouse up $(UP)

.PHONY: demo
demo: run ## The same as run

.PHONY: reset
reset: ## Delete the default state directory with all its data (asks first)
	@printf 'Delete %s with every service in it? Type yes: ' '$(STATE)'; read answer; [ "$$answer" = yes ] || exit 1
	rm -rf -- '$(STATE)'

##@ Develop

.PHONY: setup
setup: $(VENV)/.development ## Install everything that development needs

.PHONY: check
check: lint test ## Everything that must hold before a change lands

.PHONY: test
test: $(VENV)/.development node browser programs ## Run all tests but the long ones (T=path runs a part)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not long and not alone' $(T)
	$(if $(T),,$(BIN)/python -m pytest -n 0 -m alone)

.PHONY: test-all
test-all: $(VENV)/.development node browser programs ## Run all tests, the long ones too
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not alone' $(T)
	$(if $(T),,$(BIN)/python -m pytest -n 0 -m alone)

.PHONY: fuzz
fuzz: $(VENV)/.development ## Search for inputs that break the parsers, and for SQL that gets past the boundary (10 minutes)
	$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=fuzz --timeout=3600 tests

.PHONY: lint
lint: $(VENV)/.development ## Style, types and the order of packages
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: fix
fix: $(VENV)/.development ## Put the code into the form that lint asks for, where that can be done by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: golden
golden: $(VENV)/.development ## Rewrite the files in tests/golden; look at the difference before you commit it
	-STRONGHOUSE_GOLDEN=write $(BIN)/python -m pytest -q -n 0 $$(grep -rl --include='*.py' STRONGHOUSE_GOLDEN tests)
	git --no-pager diff --stat -- tests/golden docs

.PHONY: bench
bench: $(VENV)/.development ## Measure time to ready, memory, the edge, scans and the matrix
	$(BIN)/python -m benchmarks

.PHONY: docs
docs: $(VENV)/.development ## Build the documentation's site in build/docs; a link that leads nowhere is an error
	@rm -rf -- build/docs build/doctrees
	@$(SITE) -b html docs build/docs
	@echo "The documentation is at build/docs/index.html"

.PHONY: screenshots
screenshots: $(VENV)/.development browser ## Make the documentation's pictures anew, by walking through the console
	STRONGHOUSE_SCREENSHOTS=write $(BIN)/python -m pytest -q -n 0 tests/browser/test_walk.py

.PHONY: linkcheck
linkcheck: $(VENV)/.development ## Ask whether the documentation's links to other sites still answer (needs the network)
	$(SITE) -b linkcheck docs build/linkcheck

.PHONY: lock
lock: ## Resolve dependencies anew into the lock files (needs uv: pip install uv)
	@command -v uv >/dev/null || { echo "uv is missing; install it with: pip install uv" >&2; exit 1; }
	./scripts/lock

.PHONY: clean
clean: ## Remove everything that can be made again
	rm -rf -- $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	rm -rf -- tests/support/javascript/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

# What the targets above stand on.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Stronghouse needs Python 3.11 or newer; $(PYTHON) is older or missing. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The build tool comes first, so that a package without a wheel is built with what has a hash, and nothing else.
$(VENV)/.build: requirements-build.lock | $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(PIP) install --require-hashes --no-deps -r requirements-build.lock
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/.build
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements-dev.lock
	@touch $@

JAVASCRIPT := tests/support/javascript
.PHONY: node
node: $(JAVASCRIPT)/node_modules/.installed

$(JAVASCRIPT)/node_modules/.installed: $(JAVASCRIPT)/package-lock.json
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq --yes --no-install-recommends nodejs npm >/dev/null; } \
		|| { echo "Node.js is missing, which tests of the JavaScript client need; on Debian and Ubuntu: apt-get install nodejs npm" >&2; exit 1; }
	@cd $(JAVASCRIPT) && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Debian's own, since Playwright's would be a download that no lock file names. Fonts, so that pages look the same.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq >/dev/null \
		&& apt-get install -qq --yes --no-install-recommends chromium fonts-liberation fonts-noto-core \
			fonts-noto-color-emoji >/dev/null; } \
		|| { echo "Chromium is missing, which tests of the console need; on Debian and Ubuntu: apt-get install chromium fonts-liberation fonts-noto-core fonts-noto-color-emoji" >&2; exit 1; }

.PHONY: programs
programs:
	@{ command -v curl && command -v openssl; } >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq >/dev/null \
		&& apt-get install -qq --yes --no-install-recommends curl openssl >/dev/null; } \
		|| { echo "curl or openssl is missing, which examples of the documentation need; on Debian and Ubuntu: apt-get install curl openssl" >&2; exit 1; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && apt-get update -qq >/dev/null \
		&& apt-get install -qq --yes --no-install-recommends postgresql >/dev/null; } \
		|| { echo "PostgreSQL is missing, which tests of the second storage back end need; on Debian and Ubuntu: apt-get install postgresql" >&2; exit 1; }
