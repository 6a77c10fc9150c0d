#!/usr/bin/env bash
# Run the tests on SQLite, then on PostgreSQL: the serial ones alone, the rest on every core. Stops at the first
# failing run, so the last line is pytest's summary either way. Arguments go to pytest.
#
# Where no Chromium or PostgreSQL is found, what needs them is left out and named, unless REQUIRE_ALL=1 or CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
if [ "${CI:-}" = true ]; then REQUIRE_ALL=1; fi
export REQUIRE_ALL=${REQUIRE_ALL:-0}
export COACHBOT_ENV=test COACHBOT_DATA_DIR=$PWD/var/test
unset DATABASE_URL PUBLIC_BASE_URL ALLOWED_HOSTS COACHBOT_SECRET_KEY COACHBOT_ENCRYPTION_KEYS
unset VAPI_BASE_URL TWILIO_BASE_URL OPENAI_BASE_URL CALCOM_BASE_URL
unset INNGEST_DEV INNGEST_BASE_URL INNGEST_EVENT_KEY INNGEST_SIGNING_KEY
mkdir -p "$COACHBOT_DATA_DIR"

leave_out() {
    if [ "$REQUIRE_ALL" = 1 ]; then
        echo "$1, and REQUIRE_ALL is set." >&2
        exit 1
    fi
    echo "$1: $2" >&2
}

find_chromium() {
    local name
    # The first is the same browser without windows: it takes a quarter less of the processor.
    for name in chromium-headless-shell chromium chromium-browser google-chrome; do
        command -v "$name" && return
    done
    return 1
}

answers() {
    "$python" -c 'import sys, psycopg; psycopg.connect(sys.argv[1], connect_timeout=3).close()' "$1" 2>/dev/null
}

export CHROMIUM=${CHROMIUM:-$(find_chromium || true)}
if [ -z "$CHROMIUM" ]; then
    leave_out "No Chromium found (CHROMIUM, chromium-headless-shell, chromium, google-chrome)" "leaving out browser tests."
fi

postgres=${TEST_DATABASE_URL:-}
if [ -n "$postgres" ]; then
    answers "$postgres" || { echo "The database at TEST_DATABASE_URL does not answer." >&2; exit 1; }
elif answers postgres://postgres@127.0.0.1:5432/postgres; then
    # Never created itself: Django makes test_… beside it. Named by process, so that two runs don't share one.
    postgres=postgres://postgres@127.0.0.1:5432/coachbot_$$
else
    leave_out "No PostgreSQL answers (TEST_DATABASE_URL, 127.0.0.1:5432)" "testing on SQLite only."
fi

run() {
    local title=$1 status=0
    shift
    echo "── $title" >&2
    "$python" -m pytest -p scripts.pytest_require_all "$@" || status=$?
    # 5: nothing was selected, as with ARGS="-k something".
    if [ "$status" = 5 ] && [ "$REQUIRE_ALL" != 1 ]; then status=0; fi
    return "$status"
}

# Browser tests in a run of their own: Playwright keeps an event loop going in the thread that the others run in. Two
# at a time, each with a browser, a server and a database of its own.
run "SQLite, one by one" -m "serial and not browser and not postgres" "$@"
if [ -n "$CHROMIUM" ]; then run "SQLite, in a browser" -m "browser and not postgres" -n 2 "$@"; fi
run "SQLite, the rest" -m "not serial and not browser and not postgres" -n auto "$@"
if [ -n "$postgres" ]; then
    export DATABASE_URL=$postgres
    run "PostgreSQL, one by one" -m "serial and not browser" "$@"
    if [ -n "$CHROMIUM" ]; then run "PostgreSQL, in a browser" -m "browser" -n 2 "$@"; fi
    run "PostgreSQL, the rest" -m "not serial and not browser" -n auto "$@"
fi
