#!/usr/bin/env bash
# Compile the three *.in files into locks with hashes; the wider ones keep the narrower ones' versions.
# Arguments go to uv: `make lock ARGS=--upgrade`.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    local name=$1
    shift
    .venv/bin/python -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --no-emit-index-url --custom-compile-command "make lock" "$name.in" --output-file "$name.txt" "$@"
}

compile requirements "$@"
compile requirements-run --constraints requirements.txt "$@"
compile requirements-dev --constraints requirements-run.txt "$@"
