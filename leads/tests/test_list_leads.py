"""GET /api/public/leads: newest first, page by page, filtered."""

from datetime import timedelta
from typing import Any

import pytest

from conftest import NOW, make_lead, make_workspace
from leads.models import Lead
from webapi.tests.backend import Backend

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend() -> Backend:
    return Backend()


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [lead["name"] for lead in answer.json()["leads"]]


def all_pages(backend: Backend, **query: Any) -> list[list[str]]:
    """Follow nextCursor to the end; ids by page."""
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        body = backend.get(**query, **cursor).json()
        pages.append([lead["id"] for lead in body["leads"]])
        if body["nextCursor"] is None:
            return pages
        cursor = {"cursor": body["nextCursor"]}


def test_an_empty_workspace_has_an_empty_list(backend: Backend) -> None:
    assert backend.get().json() == {"ok": True, "leads": [], "nextCursor": None}


def test_shows_leads_as_they_are_shown_alone(backend: Backend) -> None:
    lead = make_lead(backend.workspace, email="jane@acme.com", metadata={"a": 1})

    body = backend.get().json()

    assert list(body) == ["ok", "leads", "nextCursor"]
    assert body["leads"] == [backend.show(lead.pk).json()["lead"]]


def test_newest_first(backend: Backend) -> None:
    for minutes in (1, 3, 2):
        make_lead(backend.workspace, name=f"n{minutes}", created_at=NOW + timedelta(minutes=minutes))

    assert names(backend.get()) == ["n3", "n2", "n1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_pages_without_gap_or_repeat_also_among_equal_times(backend: Backend, limit: int) -> None:
    for n in range(6):
        make_lead(backend.workspace, created_at=NOW + timedelta(microseconds=n // 4))
    expected = [str(pk) for pk in Lead.objects.order_by("-created_at", "-id").values_list("pk", flat=True)]

    pages = all_pages(backend, limit=limit)

    assert [pk for page in pages for pk in page] == expected
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


def test_a_lead_that_comes_in_meanwhile_moves_nothing(backend: Backend) -> None:
    for n in range(3):
        make_lead(backend.workspace, name=f"n{n}", created_at=NOW + timedelta(seconds=n))
    first = backend.get(limit=2)

    make_lead(backend.workspace, name="new", created_at=NOW + timedelta(hours=1))

    assert names(first) == ["n2", "n1"]
    assert names(backend.get(limit=2, cursor=first.json()["nextCursor"])) == ["n0"]


def test_a_lead_that_goes_meanwhile_moves_nothing(backend: Backend) -> None:
    leads = [make_lead(backend.workspace, name=f"n{n}", created_at=NOW + timedelta(seconds=n)) for n in range(4)]
    first = backend.get(limit=2)

    leads[2].delete()

    assert names(backend.get(limit=2, cursor=first.json()["nextCursor"])) == ["n1", "n0"]


def test_25_unless_a_limit_is_given(backend: Backend) -> None:
    for _ in range(26):
        make_lead(backend.workspace)

    assert len(backend.get().json()["leads"]) == 25
    assert len(backend.get(limit=100).json()["leads"]) == 26
    assert len(backend.get(limit="").json()["leads"]) == 25


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "booked"}, ["joe"]),
        ({"status": "new"}, ["Jane Doe", "Anna"]),
        ({"phone": "+447123456789"}, ["Jane Doe"]),
        ({"phone": "00 44 7123 456789"}, ["Jane Doe"]),
        ({"phone": "+447999999999"}, []),
        ({"email": "jane@acme.com"}, ["Jane Doe"]),
        ({"email": "acme.com"}, []),
        ({"q": "jANE"}, ["Jane Doe"]),
        ({"q": "ACME"}, ["joe", "Jane Doe"]),
        ({"q": "7123"}, ["Jane Doe"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"createdAfter": "2026-06-07T13:04:37.162Z"}, ["joe"]),
        ({"createdBefore": "2026-06-07T13:04:37.162Z"}, ["Anna"]),
        ({"createdBefore": "2026-06-07T15:04:37.162+02:00"}, ["Anna"]),
        ({"createdAfter": "2026-06-07T13:03:37Z", "createdBefore": "2026-06-07T13:05:00Z"}, ["Jane Doe", "Anna"]),
        ({"q": "acme", "status": "new"}, ["Jane Doe"]),
        ({"unknown": "ignored", "q": "anna"}, ["Anna"]),
    ],
)
def test_filters(backend: Backend, query: dict[str, str], expected: list[str]) -> None:
    people: list[dict[str, Any]] = [
        {"name": "Anna", "phone": "+441111111111"},
        {"name": "Jane Doe", "phone": "+447123456789", "email": "jane@acme.com"},
        {"name": "joe", "phone": "+442222222222", "email": "joe@acme.com", "status": "booked"},
    ]
    for n, fields in enumerate(people):
        make_lead(backend.workspace, created_at=NOW + timedelta(minutes=n), **fields)

    assert names(backend.get(**query)) == expected


def test_a_filter_holds_on_every_page(backend: Backend) -> None:
    for n in range(7):
        make_lead(backend.workspace, status="booked" if n % 2 else "new", created_at=NOW + timedelta(seconds=n))

    pages = all_pages(backend, status="new", limit=1)

    assert [len(page) for page in pages] == [1, 1, 1, 1]


def test_reads_a_phone_in_the_workspaces_region() -> None:
    backend = Backend(make_workspace(default_region="GB"))
    make_lead(backend.workspace, phone="+447123456789")

    assert names(backend.get(phone="07123 456789")) == ["Jane Doe"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "01009"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"status": "won"}, "status"),
        ({"status": "New"}, "status"),
        ({"phone": "nope"}, "phone"),
        ({"createdAfter": "yesterday"}, "createdAfter"),
        ({"createdAfter": "2026-06-07"}, "createdAfter"),
        ({"createdBefore": "2026-06-07T13:03:37"}, "createdBefore"),
        ({"createdBefore": "2026-13-07T13:03:37Z"}, "createdBefore"),
        ({"cursor": "nope"}, "cursor"),
        ({"cursor": "bnVsbA"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"cursor": "ü"}, "cursor"),
        ({"q": "a\x00"}, "q"),
        ({"email": "\x00"}, "email"),
    ],
)
def test_refuses_a_parameter_it_cant_use(backend: Backend, query: dict[str, str], path: str) -> None:
    answer = backend.get(**query)

    assert answer.status_code == 400
    body = answer.json()
    assert (body["ok"], body["error"]) == (False, "Validation failed.")
    assert [issue["path"] for issue in body["issues"]] == [[path]]
    assert body["issues"][0]["message"]


def test_names_all_parameters_that_are_wrong(backend: Backend) -> None:
    answer = backend.get(limit="0", status="won", cursor="nope")

    assert [issue["path"] for issue in answer.json()["issues"]] == [["limit"], ["status"], ["cursor"]]


def test_a_foreign_cursor_shows_nothing_foreign(backend: Backend) -> None:
    other = Backend()
    for n in range(2):
        make_lead(other.workspace, created_at=NOW + timedelta(seconds=n))
    cursor = other.get(limit=1).json()["nextCursor"]

    assert backend.get(cursor=cursor).json() == {"ok": True, "leads": [], "nextCursor": None}
