"""What anybody on the internet can send leaves warnings in the log, never errors: those are for us to mend."""

from typing import Any

import pytest
from django.http.request import UnreadablePostError
from django.test import Client

from conftest import make_member, make_workspace

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
BROKEN_OFF = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_member(make_workspace(slug="acme"), is_superuser=True))
    return client


@pytest.mark.parametrize(
    "query",
    [
        "password__startswith=p",
        "workspace__api_keys__token_hash__startswith=a",
        "_to_field=password&_popup=1",
        "nope=1",
        "id__in=x",
        "p=-1",
    ],
)
@pytest.mark.parametrize("page", ["auth/user", "leads/lead", "workspaces/integration"])
def test_bad_look_ups_of_the_admin(page: str, query: str, client: Client, logged_levels: Any) -> None:
    assert client.get(f"/admin/{page}/?{query}").status_code in {200, 302, 400}
    assert logged_levels() <= {"warning"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/public/leads",
        "/api/vapi/acme/events",
        "/api/vapi/acme/tools/listSlots",
        "/api/whatsapp/inbound",
        "/api/whatsapp/status",
        "/forms/acme",
        "/admin/login/",
        "/admin/acme/form/draft/save",
        "/admin/acme/form/publish",
        "/admin/acme/form/preview",
        "/admin/acme/design/logo",
        "/admin/acme/settings/agent",
        "/admin/workspaces/workspace/add/",
    ],
)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"\xff\xfe"),
        (FORM, b"a=1&" * 1500),
        (FORM, b"%ff=%00"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", BROKEN_OFF),
        ("text/plain", b"x" * 3_000_000),
    ],
)
def test_malformed_and_unsigned_requests(path: str, kind: str, body: bytes, client: Client, logged_levels: Any) -> None:
    answer = client.post(path, body, content_type=kind)

    assert answer.status_code < 500
    assert logged_levels() <= {"warning", "info"}


def test_what_breaks_off_is_a_400(client: Client, logged_levels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(*_: Any, **__: Any) -> Any:
        raise UnreadablePostError("the client went away")

    monkeypatch.setattr("django.http.request.HttpRequest._load_post_and_files", breaks_off)

    assert client.post("/admin/acme/settings/agent", {"a": "1"}).status_code == 400
    assert logged_levels() <= {"warning"}
