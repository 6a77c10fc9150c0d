#!/usr/bin/env bash
# Format code and templates and mend what can be mended by machine.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

"$bin/ruff" check --fix-only --quiet .
"$bin/ruff" format .
mapfile -t templates < <(find . -path ./.venv -prune -o -path '*/templates/*' \( -name '*.html' -o -name '*.txt' \) -print)
# djade answers 1 when it changed something.
((${#templates[@]} == 0)) || "$bin/djade" --target-version 5.2 "${templates[@]}" || true
if command -v npm >/dev/null; then
    [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent
    node_modules/.bin/biome format --write
fi
