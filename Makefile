# Everything that is done with a checkout; `make` alone lists it.
SHELL  := /bin/bash
PYTHON ?= python3
BIN    := .venv/bin
REAL   := .cache/real
# What the tests need of Debian, installed when missing (root) or named (anybody else).
PACKAGES := docker-registry skopeo podman buildah crun containerd apache2-utils postgresql openssl iproute2 slapd ldap-utils redis-server \
	nginx-light haproxy pgbouncer prometheus
# What `make test-ad` needs beside: a domain controller.
SAMBA := samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind krb5-user ldap-utils iproute2
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run demo test test-all test-ad check bench migrate soak venv venv-test real real-all

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: venv ## initialise the embedded default and serve it on http://localhost:5001
	@deploy/run.sh

demo: venv ## a real registry beside the service: login, push, pull, denied push, step by step
	@tests/real/install.sh docker-registry skopeo
	@$(BIN)/python demo/demo.py

test: real check ## everything that CI runs, installing what it needs
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not all'

test-all: real-all check ## `make test` and the cases that need distribution 3.0 or minutes
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-ad: venv-test ## Active Directory: Samba as a domain controller, in a network of its own (root)
	@tests/real/install.sh $(SAMBA)
	@$(BIN)/python -m pytest -v --no-header tests/ad

check: venv-test ## format, lint, types, import rules; no tests
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@# libpass answers to the name passlib too: with both, the one installed last wins.
	@! $(BIN)/pip show -qq passlib || { echo 'passlib is installed beside libpass'; exit 1; }
	@# A tracked file that names a package index sends its reader there, whatever their settings say.
	@! git grep -nIE 'py[p]i\.org|python[h]osted\.org|go[l]ang\.org/(dl|toolchain)|(proxy|sum)\.go[l]ang\.org|npm[j]s\.org'

bench: venv-test ## the benchmark table
	@$(BIN)/python bench/run.py

migrate: venv ## bring the database to this release's schema
	@$(BIN)/authsvc db upgrade

soak: real ## the tests that run for a long time: fuzzing, random policies, hundreds of kills
	@FUZZ=20 AUTHSVC_POLICY_EXAMPLES=100000 AUTHSVC_ROUND_TRIPS=10000 AUTHSVC_IMPORT_EXAMPLES=3000 \
		KILLS=200 POLICY_KILLS=50 TAMPERINGS=500 \
		$(BIN)/python -m pytest -o timeout=14400 -v \
		tests/tokens/test_realm_fuzzed.py tests/access/test_engine_and_oracle.py \
		tests/changes/test_policy_round_trip.py tests/changes/test_policy_plan_and_outcome.py \
		tests/changes/test_import_first_match.py tests/faults/test_policy_apply_killed.py \
		tests/changes/test_owners_and_the_oracle.py tests/admin/test_api_fuzzed.py \
		tests/admin/test_openapi_by_schemathesis.py tests/faults/test_killed_at_any_moment.py \
		tests/audit/test_tampering_found.py tests/faults/test_proofs_of_killed_workers.py

venv:
	@.ci/venv.sh

venv-test:
	@.ci/venv.sh test

real: venv-test
	@tests/real/install.sh $(PACKAGES)
	@tests/real/build.sh $(REAL)

real-all: real
	@tests/real/build.sh $(REAL) v30
