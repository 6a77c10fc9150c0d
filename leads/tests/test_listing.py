"""The list of leads: what it is narrowed to, and its pages."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.http import QueryDict

from conftest import NOW, make_lead, make_member, make_workspace
from leads import listing
from leads.models import Lead
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def sign_in(client: Any, workspace: Workspace, *, role: str = "agent") -> None:
    client.force_login(make_member(workspace, role=role, is_staff=False))


def names(client: Any, workspace: Workspace, query: str = "") -> list[str]:
    answer = client.get(f"/admin/{workspace.slug}/leads{query}")
    assert answer.status_code == 200
    return [row["lead"].name for row in answer.context["rows"]]


def test_finds_by_name_phone_in_any_spelling_and_email(client: Any) -> None:
    workspace = make_workspace(default_region="GB")
    make_lead(workspace, name="Ada Lovelace", phone="+447123456789", email="ada@example.com")
    make_lead(workspace, name="Grace Hopper", phone="+12025550123", email="grace@example.com")
    sign_in(client, workspace)

    for query in ("lovelace", "07123 456789", "+44 7123", "ada@ex"):
        assert names(client, workspace, f"?q={query.replace('+', '%2B')}") == ["Ada Lovelace"], query
    assert names(client, workspace, "?q=nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        *("zoe", "ZOË MULLER", "müller  zoë", "o'brien", "o'brien-mull", "strasse", "STRAßE"),
        *("example.com", "zoe@", "020 7946 0001", "+44 (0)20 7946", "0207946", "0044 20 7946 0001"),
    ],
)
@pytest.mark.parametrize("name", ["Zoë Ó’Brien-Müller Straße", "Zoe\u0308 O'Brien\u2010Mu\u0308ller Straße"])
def test_finds_in_spite_of_accents_order_case_and_how_a_number_is_written(client: Any, name: str, query: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, name=name, phone="+442079460001", email="Zoe@Example.com")
    make_lead(workspace, name="Ada (Lovelace) [x]", phone="+12025550123", email=None)
    sign_in(client, workspace)

    assert names(client, workspace, f"?q={quote(query)}") == [name]


@pytest.mark.parametrize("query", ["İbrahim", "ibrahim", "IBRAHIM", "yildiz", "YILDIZ", "groß", "GROẞ"])
def test_finds_letters_whose_capital_is_another_matter(client: Any, query: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, name="İbrahim Yıldız-GROẞ", phone="+442079460001", email=None)
    sign_in(client, workspace)

    assert names(client, workspace, f"?q={quote(query)}") == ["İbrahim Yıldız-GROẞ"]


@pytest.mark.parametrize("query", [".", ".*", "[", "\\", "(?i)", "%", "_", "***=x", "zzz", "Zoe Nobody"])
def test_takes_what_is_typed_for_itself(client: Any, query: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, name="Zoe", phone="+442079460001", email=None)
    sign_in(client, workspace)

    assert names(client, workspace, f"?q={quote(query)}") == []


def test_narrows_by_status_source_kind_and_the_workspaces_own_days(client: Any) -> None:
    workspace = make_workspace(timezone="Asia/Tokyo")
    make_lead(workspace, name="Booked", status="booked", source="form")
    make_lead(workspace, name="Test", is_test=True)
    # 15:30 UTC is the next day in Tokyo.
    make_lead(workspace, name="Late", created_at=NOW.replace(hour=15, minute=30))
    sign_in(client, workspace)

    assert names(client, workspace, "?status=booked&status=new&source=form") == ["Booked"]
    assert names(client, workspace, "?kind=test") == ["Test"]
    assert names(client, workspace, "?since=2026-06-08") == ["Late"]
    assert names(client, workspace, "?until=2026-06-07&kind=live") == ["Booked"]


@pytest.mark.parametrize("query", ["status=x", "since=2026-13-45", "since=0001-01-01", "after=%00", "q=%00", "sort=x"])
def test_ignores_what_means_nothing(client: Any, query: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, name="Ada")
    sign_in(client, workspace)

    assert names(client, workspace, f"?{query}") == ["Ada"]


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_pages_there_and_back_miss_nobody(monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 3)
    workspace = make_workspace()
    # Pairs share a moment, so that the id has to decide.
    for n in range(10):
        make_lead(workspace, name=str(n), created_at=NOW + timedelta(minutes=n // 2))
    leads = Lead.objects.filter(workspace=workspace)
    order = ("-created_at", "-id") if sort == "newest" else ("created_at", "id")

    pages = [listing.read_page(leads, sort=sort)]
    while pages[-1].after:
        pages.append(listing.read_page(leads, sort=sort, after=pages[-1].after))
    back = [pages[-1]]
    while back[-1].before:
        back.append(listing.read_page(leads, sort=sort, before=back[-1].before))

    assert [lead.pk for page in pages for lead in page.leads] == list(
        leads.order_by(*order).values_list("pk", flat=True)
    )
    assert [[lead.pk for lead in page.leads] for page in reversed(back)] == [
        [lead.pk for lead in page.leads] for page in pages
    ]


def test_a_filter_is_the_same_after_a_round_through_the_address() -> None:
    given = QueryDict("q=ada&status=booked&status=new&kind=live&since=2026-06-01&sort=oldest")

    chosen = listing.read_filter(given)

    assert listing.read_filter(QueryDict(chosen.query().removeprefix("?"))) == chosen


def test_says_what_an_appointment_is_booked_for_in_the_workspaces_own_time(client: Any) -> None:
    workspace = make_workspace(timezone="Asia/Tokyo")
    make_lead(workspace, status="booked", booking_uid="b1", booking_start=datetime(2026, 12, 1, 14, 30, tzinfo=UTC))
    sign_in(client, workspace)

    assert "1 Dec 2026, 23:30" in client.get(f"/admin/{workspace.slug}/leads").content.decode()


def test_hides_leads_of_other_workspaces(client: Any) -> None:
    workspace, other = make_workspace(), make_workspace()
    make_lead(other, name="Theirs")
    sign_in(client, workspace)

    assert names(client, workspace) == []
    assert client.get(f"/admin/{other.slug}/leads").status_code == 404


def test_says_how_to_get_the_first_lead(client: Any) -> None:
    workspace = make_workspace()
    sign_in(client, workspace, role="owner")

    page = client.get(f"/admin/{workspace.slug}/leads").content.decode()

    assert "No lead yet" in page
    assert f"/admin/{workspace.slug}/form" in page


def test_moves_many_and_says_who_did(client: Any) -> None:
    workspace, other = make_workspace(), make_workspace()
    mine, theirs = make_lead(workspace), make_lead(other)
    sign_in(client, workspace)

    client.post(
        f"/admin/{workspace.slug}/leads/change",
        {"lead": [mine.pk, theirs.pk, "x"], "status": "booked", "action": "status"},
    )

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.status, theirs.status) == ("booked", "new")
    event = mine.events.get()
    assert (event.kind, event.data["to"]) == ("status", "booked")
    assert event.by is not None


@pytest.mark.parametrize("action", ["status", "delete"])
def test_asks_for_leads_where_none_is_chosen(client: Any, action: str) -> None:
    workspace = make_workspace()
    sign_in(client, workspace, role="admin")

    answer = client.post(f"/admin/{workspace.slug}/leads/change", {"status": "booked", "action": action}, follow=True)

    assert "Choose the leads first." in answer.content.decode()
    assert "changed." not in answer.content.decode()


def test_stays_on_the_page_after_a_change_and_goes_to_the_first_when_it_is_empty(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    workspace = make_workspace()
    leads = [make_lead(workspace, name=str(n), created_at=NOW - timedelta(minutes=n)) for n in range(3)]
    sign_in(client, workspace, role="admin")
    page = client.get(f"/admin/{workspace.slug}/leads?status=new")
    second = client.get(f"/admin/{workspace.slug}/leads{page.context['after']}")
    action = html.unescape(re.findall(r'action="([^"]+/leads/change[^"]+)"', second.content.decode())[0])

    moved = client.post(action, {"lead": [leads[2].pk], "status": "booked", "action": "status"})

    assert moved["Location"].endswith(page.context["after"])
    assert [row["lead"].name for row in client.get(moved["Location"]).context["rows"]] == ["0", "1"]


def test_a_tab_that_asked_about_deleting_comes_back_as_the_list(client: Any) -> None:
    lead = make_lead()
    sign_in(client, lead.workspace, role="admin")
    base = f"/admin/{lead.workspace.slug}/leads"

    assert client.get(f"{base}/change?q=ada&lead={lead.pk}&action=delete&sure=yes")["Location"] == f"{base}?q=ada"

    assert Lead.objects.exists()


def test_deletes_many_only_when_it_is_sure_and_by_managers(client: Any) -> None:
    workspace = make_workspace()
    leads = [make_lead(workspace) for _ in range(3)]
    url, chosen = f"/admin/{workspace.slug}/leads/change", {"lead": [lead.pk for lead in leads[:2]], "action": "delete"}
    sign_in(client, workspace)
    assert client.post(url, chosen | {"sure": "yes"}).status_code == 403
    sign_in(client, workspace, role="admin")

    asked = client.post(url, chosen)
    assert "Delete 2 leads?" in asked.content.decode()
    assert Lead.objects.count() == 3
    client.post(url, chosen | {"sure": "yes"})

    assert list(Lead.objects.all()) == [leads[2]]
