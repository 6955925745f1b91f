# Every command a user needs. Paths are relative and quoted, so that a checkout may lie in a
# folder with spaces; no target needs anything but Python >= 3.11, Node >= 20 and make.

PYTHON ?= python3
ENV ?= local
unexport ENV
# Node 20 works; jsii says on every start that it is past its end of life.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20,21,23
export CDK_DISABLE_CLI_TELEMETRY = true
export npm_config_update_notifier = false
VENV := .venv/bin/python
CDK := node node_modules/aws-cdk/bin/cdk
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test check format synth setup node lock clean help

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup  ## Deploy to a local cloud, run the pipeline on real credit data, score an applicant
	@$(VENV) -m warmfold.cli demo $(if $(KEEP),--keep) $(if $(ENGINE),--engine $(ENGINE))

test: setup  ## Unit, synth and local-cloud tests
	@$(VENV) -m tests.run

check: setup  ## Format, lint, types, import contracts, dead code, templates
	@$(VENV) -m ruff format --check .
	@$(VENV) -m ruff check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports
	@$(VENV) -m vulture
	@$(VENV) -m warmfold.cli check-templates

format: setup  ## Rewrite the code in the house format
	@$(VENV) -m ruff format .
	@$(VENV) -m ruff check --fix .

# A variable of the recipe's, so that no character of it means anything to make or to the shell.
synth: export SYNTH_ENV := $(value ENV)
synth: setup  ## Synthesize one environment: make synth ENV=prod
	@$(VENV) -m config "$$SYNTH_ENV"
	@$(CDK) synth --quiet -c "env=$$SYNTH_ENV" --output "build/cdk.out/$$SYNTH_ENV"

setup: .venv/installed node_modules/.installed  ## Virtual environment, CDK CLI

.venv/installed: requirements/dev.txt pyproject.toml | node
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "warmfold needs Python 3.11 or newer, this is %s: make PYTHON=python3.12 ..." % sys.version.split()[0])'
	@echo "setting up .venv (first time: about a minute)"
	@$(PYTHON) -m venv .venv
	@$(VENV) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(VENV) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/installed

# First of all: without it, everything that is installed before is in vain.
node:
	@command -v node >/dev/null || { echo "warmfold needs Node.js 20 or newer: the CDK runs on it"; exit 1; }
	@node -e 'if (Number(process.versions.node.split(".")[0]) < 20) { console.error("warmfold needs Node.js 20 or newer, this is " + process.versions.node); process.exit(1) }'

node_modules/.installed: package-lock.json | node
	@npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch node_modules/.installed

lock: setup  ## Rewrite the hash-pinned requirement files after editing a .in file
	@for name in containers/trainer/requirements containers/server/requirements requirements/dev \
	    containers/build-requirements requirements/sdk requirements/sagemaker-training requirements/checkov \
	    requirements/benchmarks; do \
	  $(VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header $$name.in -o $$name.txt || exit 1; done

clean:  ## Remove everything that the other targets made
	@rm -rf .venv node_modules build .warmfold cdk.out
