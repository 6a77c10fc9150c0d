"""What every page has in common: its errors, its policy, its way in."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from conftest import make_member, make_workspace

pytestmark = pytest.mark.django_db


def test_answers_an_unknown_page_in_the_same_look() -> None:
    answer = Client().get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_answers_a_crash_without_any_context() -> None:
    assert "Something went wrong" in render_to_string("500.html")


def test_answers_an_unknown_host_in_the_same_look() -> None:
    answer = Client(headers={"host": "evil.example"}).get("/admin/login/")

    assert answer.status_code == 400
    assert "could not be read" in answer.content.decode()


def test_refuses_forms_from_elsewhere_with_a_friendly_page() -> None:
    workspace = make_workspace()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(workspace))

    answer = client.post(f"/admin/{workspace.slug}/settings/api-keys/new", {"name": "x", "mode": "live"})

    assert answer.status_code == 403
    assert "Please send that once more" in answer.content.decode()


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/leads/lead/", "/nowhere"])
def test_allows_nothing_inline_and_nothing_foreign(path: str) -> None:
    client = Client()
    if path != "/admin/login/":
        client.force_login(make_member(make_workspace()))

    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    text = answer.content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert "https://" not in text


def test_never_follows_a_foreign_next() -> None:
    make_member(make_workspace(), username="maya", password="correct-horse")

    answer = Client().post(
        "/admin/login/", {"username": "maya", "password": "correct-horse", "next": "https://evil.example/"}
    )

    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


def test_tells_nobody_whether_a_username_exists() -> None:
    make_member(make_workspace(), username="maya", password="correct-horse")

    answers = [
        Client().post("/admin/login/", {"username": name, "password": "wrong", "next": "/"}).content.decode()
        for name in ("maya", "nobody")
    ]

    assert "Please enter a correct username and password" in answers[0]
    assert answers[0].split('role="alert"')[1][:200] == answers[1].split('role="alert"')[1][:200]
