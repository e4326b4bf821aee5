# Photomesh. `make help` lists what there is; everything works in a fresh clone, and again at any time.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m photomesh_local
PYTEST := $(PYTHON) -m pytest
TWO_WORKERS := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

STACK ?= dev
ENGINE ?= auto
PHOTOS ?=
GRAPH ?=
S ?=
T ?=
ID ?=
SERVERS ?=
MINUTES ?= 10
SEED ?=
OUTAGES ?=
ARGS ?=
export ENGINE SERVERS
# Where a shell forbids Python to keep what it compiles, every process of a test compiles some 1,500 modules again.
unexport PYTHONDONTWRITEBYTECODE
include deploy/local/ports.env deploy/local/programs.env

# Tests take servers from containers or from processes (SERVERS=containers|native; tests/README.md), benchmarks from
# processes.
test test-integration test-e2e test-clients faults: export ENGINE = $(if $(filter native,$(SERVERS)),native,auto)
bench bench-%: export ENGINE = native

MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard $(addsuffix /pyproject.toml,shared gateway services/* deploy/local)))
PACKAGES := $(subst -,_,$(notdir $(MEMBERS)))
TYPED := $(PACKAGES:%=-p photomesh_%) $(patsubst %/,-p %,$(wildcard demo/ tools/ benchmarks/ tests/))
UV = $(shell command -v uv || echo .tools/bin/uv)

##@ The mesh
.PHONY: setup up down status ps logs clean demo
setup: ## Install what is missing: Python packages, servers, jars (again: under a second)
	@deploy/local/bootstrap.sh

up: setup ## Start everything and wait until it is ready (ENGINE=auto|native|docker, STACK=dev|test)
	@$(LOCAL) up --stack $(STACK) $(ARGS)

down: ## Stop everything; keep data
	@[ ! -x $(PYTHON) ] || $(LOCAL) down --stack $(STACK)

status: .venv ## Show every program's state, start time and address
	@$(LOCAL) status --stack $(STACK)

ps: .venv ## Show every program's processes and memory
	@$(LOCAL) ps --stack $(STACK)

logs: .venv ## Follow the logs of all programs, or of some: S="post gateway"
	@$(LOCAL) logs --stack $(STACK) $(S)

clean: ## Stop everything and delete data, logs and secrets
	@[ ! -x $(PYTHON) ] || $(LOCAL) clean --stack $(STACK)

demo: up ## Demo users upload the photos of a folder (PHOTOS=…), publish posts and view them
	@$(PYTHON) -m demo --url http://127.0.0.1:$(GATEWAY) --photos "$(PHOTOS)" \
	  --receiver 127.18.0.1 --certificate .photomesh/dev/receiver.pem $(ARGS)

##@ Looking inside
.PHONY: topics mails trace
topics: .venv ## List the topics, or print one topic's events: T=photo_ready
	@$(LOCAL) topics --stack $(STACK) $(T)

mails: .venv ## Print the mails that the mesh has sent
	@$(LOCAL) mails --stack $(STACK)

trace: .venv ## Draw a trace: ID=<trace id, request id, photo id …>
	@$(if $(ID),,$(error ID=… says which trace))$(LOCAL) trace --stack $(STACK) $(ID)

##@ Operation
.PHONY: reprocess topics-verify rebuild-check train-ranking
topics-verify: .venv ## Check that topics hold what docs/events.md promises: T="posts follows" (ARGS="--since 2026-11-01T00:00:00Z")
	@set -a; eval "$$($(LOCAL) env operator --stack $(STACK))"; $(PYTHON) -m photomesh_shared.verify_topics $(T) $(ARGS)

rebuild-check: .venv ## Make read models from zero, from the topics, and compare them: post's tables, feed's Redis
	@(set -a; eval "$$($(LOCAL) env post-consumer --stack $(STACK))"; $(PYTHON) -m photomesh_post.rebuild --check)
	@(set -a; eval "$$($(LOCAL) env feed-consumer --stack $(STACK))"; $(PYTHON) -m photomesh_feed.rebuild --check $(ARGS))

train-ranking: .venv ## Judge and train models of the ranked feed, as the cluster does every hour (ARGS=--back: take one back)
	@set -a; eval "$$($(LOCAL) env explore-trainer --stack $(STACK))"; $(PYTHON) -m photomesh_explore_trainer $(ARGS)

reprocess: .venv ## Process photos again: ARGS="--photo p_…", "--account u_…", "--before 2026-11-01T00:00:00Z"; --dry-run
	@set -a; eval "$$($(LOCAL) env upload --stack $(STACK))"; $(PYTHON) -m photomesh_upload.reprocess $(ARGS)

##@ Quality
.PHONY: check check-alerts check-k8s format test test-unit test-integration test-e2e test-clients faults
check: .venv ## Formatting, lint, strict types, import rules, generated files
	@echo "==> ruff format --check"; $(PYTHON) -m ruff format --check --quiet .
	@echo "==> ruff check"; $(PYTHON) -m ruff check --quiet .
	@echo "==> mypy --strict"; $(PYTHON) -m mypy $(TYPED)
	@echo "==> import rules"; .venv/bin/lint-imports --no-cache --no-logo
	@echo "==> architecture"; $(PYTEST) -q --no-header tests/architecture
	@echo "==> generated files"; $(PYTHON) -m tools.programs --check || { echo "run: make programs"; exit 1; }

check-alerts: .venv ## Check the alerts' expressions, and test when they fire (fetches promtool)
	@$(PYTHON) -m tools.alerts

check-k8s: .venv check-alerts ## Render all Kubernetes targets and validate them against the operators' schemas (needs Go)
	@$(PYTHON) -m tools.manifests

format: .venv ## Format the code and apply the linter's fixes
	@$(PYTHON) -m ruff format --quiet .
	@$(PYTHON) -m ruff check --quiet --fix .

test: setup check ## Checks, then all tests on a separate stack, which is emptied before and stopped afterwards
	@trap '$(LOCAL) down --stack test >/dev/null' EXIT; $(PYTHON) -m tests.support.whole_run $(ARGS)

test-unit: .venv ## Tests that need no server
	@$(PYTEST) $(wildcard tests/unit tests/contract tests/architecture) $(TWO_WORKERS) $(ARGS)

test-integration: setup ## Tests of each deployable on real servers, which keep running (make down STACK=test)
	@$(PYTEST) tests/integration $(ARGS)

test-e2e: setup ## Tests of the whole mesh on a separate stack, which keeps running (make down STACK=test)
	@$(PYTEST) tests/e2e $(ARGS)

test-clients: setup ## Clients that other people's generators make of the API document (make down STACK=test)
	@$(PYTEST) tests/e2e/test_clients.py $(ARGS)

faults: setup ## Random faults against the whole mesh (MINUTES=60 SEED=7, or OUTAGES=1); removes the test stack's data
	@trap '$(LOCAL) down --stack test >/dev/null' EXIT; \
	$(PYTHON) -m tests.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) \
	  $(if $(OUTAGES),--outages $(if $(filter 1,$(OUTAGES)),10 70 600,$(OUTAGES))) $(ARGS)

##@ Speed
.PHONY: bench bench-media bench-upload bench-gateway bench-feed bench-likes bench-follows bench-fanout bench-topics \
  bench-comments bench-explore bench-notifications bench-ranking bench-scaling bench-search bench-stories bench-streams \
  bench-webhooks bench-writes
bench: setup ## All benchmarks within an hour, and what they reached against their goals (ARGS="--summary": no measuring)
	@$(PYTHON) -m benchmarks $(ARGS)

bench-media: setup ## The media pipeline compared with Pillow, sharp and plain libvips
	@$(PYTHON) -m benchmarks.media $(ARGS)

bench-upload: setup ## Uploads: latency of init and complete, time to ready, photos per second
	@$(PYTHON) -m benchmarks.upload $(ARGS)

bench-gateway: setup ## The gateway compared with a bare proxy and with no proxy
	@$(PYTHON) -m benchmarks.gateway $(ARGS)

bench-feed: setup ## Feed reads compared with the naive design (GRAPH=file of follows; default: synthetic)
	@$(PYTHON) -m benchmarks.feed --graph "$(GRAPH)" $(ARGS)

bench-likes: setup ## A burst of likes on one post, compared with the naive design
	@$(PYTHON) -m benchmarks.likes $(ARGS)

bench-follows: setup ## Follows, unfollows and their delay in feeds, compared with the naive design
	@$(PYTHON) -m benchmarks.follows $(ARGS)

bench-comments: setup ## Pages of comments in months with a thousand to a million of them
	@$(PYTHON) -m benchmarks.comments $(ARGS)

bench-fanout: setup ## Fan-out of a post to 1,000, 10,000 and 1,000,000 followers, compared with the naive design
	@$(PYTHON) -m benchmarks.fanout $(ARGS)

bench-explore: .venv ## Explore's candidates compared with popularity (fetches MovieLens 100k)
	@$(PYTHON) -m benchmarks.explore $(ARGS)

bench-ranking: .venv ## Learnt rankings compared with the weighted sum (fetches MovieLens 100k)
	@$(PYTHON) -m benchmarks.ranking $(ARGS)

bench-scaling: .venv ## Pods of consumers and waits of records, simulated, compared with scaling on lag alone
	@$(PYTHON) -m benchmarks.scaling $(ARGS)

bench-notifications: setup ## A burst of likes on one post, likes while 1,000 people listen, and their lists
	@$(PYTHON) -m benchmarks.notifications $(ARGS)

bench-streams: setup ## Open streams: memory of each, and processor time of each event, beside fastapi.sse
	@$(PYTHON) -m benchmarks.streams $(ARGS)

bench-search: setup ## Finding what was meant, suggestions, indexing (fetches GeoNames), compared with PostgreSQL
	@$(PYTHON) -m benchmarks.search $(ARGS)

bench-stories: setup ## Trays of people who follow up to 9,000, beside a loop over them, and views of one story
	@$(PYTHON) -m benchmarks.stories $(ARGS)

bench-writes: setup ## Processor time of likes, saves, comments, follows and warm reads, by program
	@$(PYTHON) -m benchmarks.writes $(ARGS)

bench-webhooks: setup ## An endpoint that catches up, and one that hangs beside others
	@$(PYTHON) -m benchmarks.webhooks $(ARGS)

bench-topics: setup ## Records a second of topics-verify, reading from Kafka included
	@$(PYTHON) -m benchmarks.topics $(ARGS)

##@ Committed documents and locks
.PHONY: programs openapi schemas lock
programs: .venv ## Generate files from deploy/programs.toml: compose, Kubernetes base, ports, lists, tables
	@$(PYTHON) -m tools.programs

openapi: .venv ## Regenerate the OpenAPI documents
	@$(PYTHON) -m tools.openapi

schemas: .venv ## Regenerate the events' JSON Schemas, AsyncAPI and docs/events.md (ARGS='--because "reason"')
	@$(PYTHON) -m tools.schemas $(ARGS)

lock: .venv ## Resolve the dependencies again (the lock files name no package index, so any mirror works)
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-emit-package photomesh-shared \
	  $(MEMBERS:%=%/pyproject.toml) -o requirements.lock $(ARGS)
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --group dev pyproject.toml \
	  -c requirements.lock -o requirements-dev.lock $(ARGS)

# The script knows by itself whether anything is to do.
.PHONY: .venv
.venv:
	@deploy/local/bootstrap.sh python

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":[^#]*## " } \
	  /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:[^#]*## / { printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
