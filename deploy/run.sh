#!/bin/bash
# `make run`: the embedded default in this checkout, with a token to try at every start.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/authsvc init --example
cat <<'TEXT'

An anonymous token for the example's public namespace:

  curl 'http://localhost:5001/token?service=localhost:5000&scope=repository:public/hello:pull'

TEXT
exec .venv/bin/authsvc serve
