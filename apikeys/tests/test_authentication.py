"""Who calls: `Authorization: Bearer ck_…`, and three sentences for everybody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apikeys import authentication
from apikeys.models import ApiKey
from conftest import make_key, make_lead, make_workspace
from webapi.tests.backend import LEADS, Backend, submission

pytestmark = pytest.mark.django_db

MISSING = {"ok": False, "error": "Missing Authorization header."}
SCHEME = {"ok": False, "error": "Authorization header must use the `Bearer <api key>` scheme."}
INVALID = {"ok": False, "error": "API key is invalid or revoked."}
UNKNOWN = "ck_live_" + "0" * 32
ENDPOINTS = [
    ("GET", "/api/public/me"),
    ("GET", LEADS),
    ("POST", LEADS),
    ("GET", f"{LEADS}/5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10"),
    ("DELETE", f"{LEADS}/5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10"),
]


def ask(authorization: str | None, method: str = "GET", path: str = "/api/public/me") -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client().generic(method, path, headers=headers)


def assert_refused(answer: Any, body: dict[str, Any]) -> None:
    assert (answer.status_code, answer.json()) == (401, body)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-Id"]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_every_endpoint_wants_the_header(method: str, path: str) -> None:
    assert_refused(ask(None, method, path), MISSING)
    assert_refused(ask("Basic dXNlcjpwYXNz", method, path), SCHEME)
    assert_refused(ask(f"Bearer {UNKNOWN}", method, path), INVALID)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer    ", "Basic x", f"Token {UNKNOWN}", UNKNOWN, f"Bearer:{UNKNOWN}"],
)
def test_names_the_scheme_when_it_is_another_or_has_no_token(authorization: str) -> None:
    assert_refused(ask(authorization), SCHEME)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_takes_the_scheme_in_any_case(scheme: str) -> None:
    assert ask(f"{scheme} {make_key(make_workspace())}").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", ["revoked_at", "expires_at", "deleted"])
def test_a_key_stops_at_once_although_this_process_has_just_used_it(end: str, method: str) -> None:
    backend = Backend()
    path = "/api/public/me" if method == "GET" else LEADS
    assert backend.ask(method, path).status_code in {200, 400}

    if end == "deleted":
        ApiKey.objects.all().delete()
    else:
        ApiKey.objects.update(**{end: timezone.now() - timedelta(milliseconds=1)})

    body = "" if method == "GET" else '{"name": "Jane Doe", "phone": "+447123456789", "consent": true}'
    assert_refused(backend.ask(method, path, body), INVALID)
    assert not backend.workspace.leads.exists()


@pytest.mark.parametrize("headers", [{}, {"If_None_Match": "*"}])
def test_a_revoked_key_reads_no_lead_any_more(headers: dict[str, str]) -> None:
    backend = Backend()
    lead = make_lead(backend.workspace)
    assert backend.show(lead.pk).status_code == 200

    ApiKey.objects.update(revoked_at=timezone.now())

    assert_refused(backend.show(lead.pk, **headers), INVALID)
    assert_refused(backend.show("nope", **headers), INVALID)
    assert_refused(backend.get(), INVALID)
    assert_refused(backend.delete(lead.pk), INVALID)


def test_a_revoked_key_is_not_given_a_stored_answer_either() -> None:
    backend = Backend(mode="test")
    body = submission()
    assert backend.post(body, Idempotency_Key="one").status_code == 201

    ApiKey.objects.update(revoked_at=timezone.now())

    assert_refused(backend.post(body, Idempotency_Key="one"), INVALID)


@pytest.mark.parametrize("body", ["", "{", '{"consent": false}'])
def test_a_revoked_key_learns_nothing_about_its_body(body: str) -> None:
    backend = Backend()
    assert backend.ask("POST", LEADS, body).status_code == 400

    ApiKey.objects.update(revoked_at=timezone.now())

    assert_refused(backend.ask("POST", LEADS, body), INVALID)


def test_an_expiring_key_works_until_then() -> None:
    backend = Backend(expires_at=timezone.now() + timedelta(minutes=1))

    assert backend.get("/api/public/me").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.upper(),
        lambda key: key.replace("ck_live_", "ck_test_"),
        lambda key: key.removeprefix("ck_live_"),
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key[:16],
        lambda key: key + " x",
        lambda key: key.replace("_", "-"),
        lambda key: "é" + key,
    ],
)
def test_a_malformed_key_gets_the_answer_of_an_unknown_one(change: Any) -> None:
    assert_refused(ask(f"Bearer {change(make_key(make_workspace()))}"), INVALID)


def test_two_keys_with_the_same_prefix_open_their_own_workspaces() -> None:
    one, other = make_workspace(), make_workspace()
    keys = {}
    for workspace, tail in ((one, "1" * 24), (other, "2" * 24)):
        keys[workspace] = f"ck_live_a1b2c3d4{tail}"
        ApiKey.objects.create(
            workspace=workspace, name="Same", prefix="a1b2c3d4", token_hash=authentication_hash(keys[workspace])
        )

    for workspace, key in keys.items():
        assert ask(f"Bearer {key}").json()["workspace"]["id"] == str(workspace.pk)


def authentication_hash(key: str) -> str:
    from apikeys.models import hash_token

    return hash_token(key)


def test_opens_its_own_workspace_only() -> None:
    lead = make_lead(make_workspace())

    assert Backend().show(lead.pk).status_code == 404


def test_notes_when_it_was_used_at_most_once_a_minute() -> None:
    backend = Backend()
    assert ApiKey.objects.get().last_used_at is None

    backend.get("/api/public/me")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    assert timezone.now() - first < timedelta(seconds=10)

    backend.get("/api/public/me")
    # Another process, which remembers nothing.
    authentication.forget()
    backend.get("/api/public/me")
    backend.post("{}")
    assert ApiKey.objects.get().last_used_at == first

    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    ApiKey.objects.update(last_used_at=long_ago)
    authentication.forget()
    backend.get("/api/public/me")
    assert ApiKey.objects.get().last_used_at != long_ago


@pytest.mark.parametrize("authorization", [f"Bearer {UNKNOWN}", "Bearer ck_live_x"])
def test_a_refusal_is_no_use(authorization: str) -> None:
    make_key(make_workspace())

    ask(authorization)

    assert ApiKey.objects.get().last_used_at is None


def test_me_says_what_the_key_opens() -> None:
    workspace = make_workspace(name="Acme", slug="acme", channel="whatsapp")
    backend = Backend(workspace, name="CRM", mode="test", limit_per_minute=7, limit_per_hour=0)
    key = ApiKey.objects.get()
    ApiKey.objects.update(created_at=datetime(2026, 6, 7, 13, 3, 37, 162999, tzinfo=UTC))

    answer = backend.get("/api/public/me")

    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "workspace": {"id": str(workspace.pk), "name": "Acme", "slug": "acme", "channel": "whatsapp"},
        "key": {
            "name": "CRM",
            "prefix": f"ck_test_{key.prefix}…",
            "mode": "test",
            "createdAt": "2026-06-07T13:03:37.162Z",
            "expiresAt": None,
        },
        "limits": {"perMinute": 7, "perHour": None},
    }


def test_a_revocation_ends_no_other_key() -> None:
    one, other = Backend(), Backend()
    lead = make_lead(other.workspace)
    other.show(lead.pk)

    ApiKey.objects.filter(workspace=one.workspace).update(revoked_at=timezone.now())

    assert other.show(lead.pk).status_code == 200
