"""Every connection of the pool is taken: whoever asks meanwhile is told to come again, whichever page they ask for."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.databases import Postgres
from tests.survival.processes import wait_for
from tests.survival.seed import PASSWORD, USERNAME
from tests.survival.system import System, at_once, in_background

pytestmark = pytest.mark.postgres
POOL = 2


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """One process with two connections."""
    return launch(threads=32, DATABASE_POOL_SIZE=POOL)


def sign_in(system: System) -> requests.Session:
    """Sign in to the console."""
    session, url = requests.Session(), f"{system.url}/admin/login/"
    found = re.search(r'csrfmiddlewaretoken" value="([^"]+)', session.get(url, timeout=30).text)
    assert found is not None
    form = {"username": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    session.post(url, form, headers={"Referer": url}, timeout=30).raise_for_status()
    assert session.cookies.get("sessionid")
    return session


@contextlib.contextmanager
def taken(system: System) -> Iterator[None]:
    """Have the pool's connections wait for a table that somebody else has locked."""
    assert isinstance(system.database, Postgres)
    form: Callable[[], requests.Response] = partial(requests.get, f"{system.url}/forms/nothing-here", timeout=60)
    locker = psycopg.connect(system.database.url)
    locker.execute("LOCK TABLE workspaces_pastslug IN ACCESS EXCLUSIVE MODE")
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'workspaces_pastslug'::regclass AND NOT granted"
    with in_background([form] * POOL) as holders:
        holders.begin()
        wait_for("the pool is empty", lambda: system.database.query(waiting)[0][0] >= POOL)
        try:
            yield
        finally:
            locker.rollback()
            locker.close()


def test_every_page_says_so_and_nothing_of_it_is_an_error(system: System) -> None:
    session = sign_in(system)
    pages = ("/", "/admin/", "/admin/login/", "/admin/voice-ltd/leads", "/forms/whatsapp-ltd", "/readyz")
    asks = [partial(session.get, f"{system.url}{page}", timeout=30) for page in pages]
    asks += [partial(system.api("voice").get, "me"), partial(system.api("voice").get, "leads")]

    with taken(system):
        began = time.monotonic()
        answers = at_once(asks)
        took_s = time.monotonic() - began

    assert {answer.request.path_url: answer.status_code for answer in answers} == {
        **dict.fromkeys(pages, 503),
        "/api/public/me": 503,
        "/api/public/leads": 503,
    }
    assert took_s < 15
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.request.path_url != "/readyz")
    assert system.web is not None
    assert '"level": "error"' not in system.web.said
    wait_for("it works again", lambda: session.get(f"{system.url}/admin/", timeout=30).status_code == 200)
