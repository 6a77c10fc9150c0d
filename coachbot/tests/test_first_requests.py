"""A fresh process whose first requests come at the same time: each is answered as if it were alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = [pytest.mark.serial, pytest.mark.slow]

# Eight threads that start together, each with the paths in another order.
PROGRAM = """
import io, json, sys, threading
from coachbot.wsgi import application

paths, answers, together = sys.argv[1:], [], threading.Barrier(8)


def ask(path):
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "HTTP_HOST": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
    }
    body = b"".join(application(environ, lambda status, *_: answers.append([path, status])))
    assert body


def ask_all(first):
    together.wait()
    for path in paths[first:] + paths[:first]:
        ask(path)


threads = [threading.Thread(target=ask_all, args=[n % len(paths)]) for n in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
print(json.dumps(answers))
"""


@pytest.mark.parametrize(
    "paths",
    [
        ["/docs/api"],
        ["/api/public/openapi.json"],
        ["/api/inngest"],
        ["/docs/api", "/api/public/openapi.json", "/api/inngest", "/docs/integrators", "/forms/embed.js", "/docs/"],
    ],
    ids=lambda paths: paths[0] if len(paths) == 1 else "all",
)
def test_first_requests_at_the_same_time(tmp_path: Path, paths: list[str]) -> None:
    environ = os.environ | {
        "COACHBOT_ENV": "test",
        "COACHBOT_DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
        "INNGEST_DEV": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths],
        cwd=settings.BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert sorted(answers) == sorted([path, "200 OK"] for path in paths * 8)
