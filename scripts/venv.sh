#!/usr/bin/env bash
# Make .venv hold a lock: `scripts/venv.sh run` or `scripts/venv.sh dev`. Does nothing when it already does.
set -euo pipefail
cd "$(dirname "$0")/.."

lock=requirements-$1.txt
stamp=.venv/.installed

fail() {
    echo "$*" >&2
    exit 1
}

digest() {
    cksum <"$1"
}

# The dev lock holds all of the run lock, in the same versions.
is_installed() {
    [ -f "$stamp" ] && [ -x .venv/bin/python ] || return 1
    local held
    held=$(<"$stamp")
    [ "$held" = "$(digest "$lock")" ] || [ "$held" = "$(digest requirements-dev.txt)" ]
}

is_recent_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null && is_recent_enough "$name"; then
            echo "$name"
            return
        fi
    done
    fail "Coachbot needs Python 3.11 or newer; found: $(python3 --version 2>/dev/null || echo none)"
}

is_installed && exit

if ! [ -x .venv/bin/python ] || ! is_recent_enough .venv/bin/python || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python can't make virtual environments. On Debian: apt-get install python3-venv"
    echo "Making .venv with $("$python" --version) …" >&2
    "$python" -m venv --clear .venv
fi

# pip unpacks here, so that nothing is written outside the project.
mkdir -p .venv/tmp
export TMPDIR=$PWD/.venv/tmp
trap 'rm -rf .venv/tmp' EXIT

echo "Installing $lock; needed once per change of the lock …" >&2
rm -f "$stamp"
.venv/bin/python -m pip install --quiet --quiet --no-cache-dir --no-input --disable-pip-version-check --require-hashes \
    --requirement "$lock"
digest "$lock" >"$stamp"
