#!/bin/bash
# Brings .venv up to the lock files: `venv.sh` what the service needs, `venv.sh test` what the tests
# need as well. Does nothing when they have not changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/.."
V=.venv
digest() { cat "$@" | cksum; }
current() { [ "$(cat "$V/$1" 2>/dev/null)" = "$2" ]; }

base=$(digest requirements.lock requirements-build.lock pyproject.toml)
if ! current .stamp "$base"; then
  echo "building $V" >&2
  rm -rf "$V"
  "${PYTHON:-python3}" -m venv "$V"
  "$V/bin/pip" install -q --require-hashes -r requirements.lock -r requirements-build.lock
  # Without isolation the build takes the hashed backend just installed, not the newest of an index.
  "$V/bin/pip" install -q --no-deps --no-build-isolation -e .
  echo "$base" >"$V/.stamp"
fi

[ "${1-}" = test ] || exit 0
tools=$(digest requirements-test.lock pyproject.toml)
if ! current .stamp-test "$tools"; then
  echo "adding what the tests need to $V" >&2
  "$V/bin/pip" install -q --require-hashes -r requirements-test.lock
  echo "$tools" >"$V/.stamp-test"
fi
