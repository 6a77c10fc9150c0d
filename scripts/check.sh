#!/usr/bin/env bash
# Everything that can be proven without running a test.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
export COACHBOT_ENV=test

step() {
    echo "── $*" >&2
}

step ruff
"$bin/ruff" format --check .
"$bin/ruff" check .

step djade
mapfile -t templates < <(find . -path ./.venv -prune -o -path '*/templates/*' \( -name '*.html' -o -name '*.txt' \) -print)
((${#templates[@]} == 0)) || "$bin/djade" --check --target-version 5.2 "${templates[@]}"

step biome
if command -v npm >/dev/null; then
    [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent
    node_modules/.bin/biome format
elif [ "${CI:-}" = true ]; then
    echo "No npm, and CI is set." >&2
    exit 1
else
    echo "No npm: leaving out the format of scripts and styles." >&2
fi

step spelling
"$bin/codespell"

step imports
# Whoever imports Hypothesis itself gets its deadline of 200 ms: red on a slow machine.
if git grep -nE '^(from|import) hypothesis( |$)' -- '*/test_*.py'; then
    echo "Import it from tests.properties." >&2
    exit 1
fi
# A package the contracts don't know would be free to import anything.
for package in */__init__.py; do
    name=${package%/__init__.py}
    case $name in benchmarks | scripts | tests) continue ;; esac
    grep -q "^    \"$name\",$" pyproject.toml || {
        echo "$name is missing from root_packages in pyproject.toml" >&2
        exit 1
    }
done
"$bin/lint-imports" --no-cache

step mypy
"$bin/mypy"

step messages
"$bin/python" scripts/messages.py --check

step migrations
"$bin/python" manage.py makemigrations --check --dry-run

step deploy
throwaway=$(mktemp -d)
trap 'rm -rf "$throwaway"' EXIT
env COACHBOT_ENV=production \
    COACHBOT_DATA_DIR="$throwaway" \
    COACHBOT_SECRET_KEY="$("$bin/python" -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    COACHBOT_ENCRYPTION_KEYS="check:$("$bin/python" -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
    DATABASE_URL=postgres://coachbot@127.0.0.1:5432/coachbot \
    REDIS_URL=redis://127.0.0.1:6379/0 \
    PUBLIC_BASE_URL=https://coachbot.example \
    ALLOWED_HOSTS=coachbot.example \
    TRUSTED_PROXIES=1 \
    INNGEST_BASE_URL=https://inngest.example \
    INNGEST_EVENT_KEY=00 \
    INNGEST_SIGNING_KEY=signkey-prod-00 \
    bash -c "$bin/python manage.py collectstatic --no-input >/dev/null && $bin/python manage.py check --deploy --fail-level WARNING"
