"""The operator's page of what was kept back, through HTTP."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import responses
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from conftest import NOW, make_lead, make_member, make_user, make_workspace
from leadforms.held_pages import PAGE_SIZE
from leadforms.models import ContactsOfDay, FormVersion, HeldSubmission
from leadforms.tests.factories import document, make_form, make_held, make_published, question
from leads.models import Dispatch, Lead
from webapi.tests.backend import VAPI, calls_to_vapi, vapi_takes
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
COLOUR = question("single_choice", "Which colour?", id="q_colour")


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def make_version(**workspace: Any) -> FormVersion:
    return make_published(make_workspace(**workspace), document(COLOUR))


def address(workspace: Workspace, rest: str = "") -> str:
    return f"/admin/{workspace.slug}/form/held{rest}"


class Operator:
    """A member who works on the page of one workspace."""

    def __init__(self, version: FormVersion, **member: Any) -> None:
        self.workspace = version.form.workspace
        self.client = sign_in(make_member(self.workspace, **member))

    def see(self, rest: str = "") -> str:
        answer = self.client.get(address(self.workspace, rest))
        assert answer.status_code == 200
        return str(answer.content.decode())

    def do(self, rest: str = "", **data: Any) -> str:
        answer = self.client.post(address(self.workspace, rest), data, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())


def names(text: str) -> list[str]:
    return re.findall(r'<div class="held-who">\s*<h2>([^<]+)</h2>', text)


def alerts(text: str) -> list[str]:
    found = re.findall(r'<p class="alert alert-(\w+)" role="status">(.*?)</p>', text, re.DOTALL)
    return [f"{level}: {words}" for level, words in found]


def test_shows_what_waits_newest_first_with_all_there_is_to_know() -> None:
    version = make_version(timezone="Europe/London")
    make_held(version, name="Early Bird", created_at=NOW - timedelta(days=1))
    make_held(version, name="Jane Doe", reason="too_fast", form_responses={"q_colour": "Red"})

    text = Operator(version).see()

    assert names(text) == ["Jane Doe", "Early Bird"]
    assert "Sent faster than a person types" in text
    assert "Filled in a field that people don&#x27;t see" in text
    assert "7 Jun 2026, 14:03" in text
    assert '<dt>Which colour?</dt><dd class="held-text">Red</dd>' in text
    for detail in ("jane@example.com", "Sleep better", "utm_source", "google", "192.0.2.7", "Mozilla/5.0"):
        assert detail in text


def test_hides_what_belongs_to_other_workspaces() -> None:
    own, other = make_version(), make_version()
    foreign = make_held(other, name="Foreign Person")
    operator = Operator(own)

    assert "Foreign Person" not in operator.see()
    assert operator.client.post(address(own.form.workspace), {"release": foreign.pk}).status_code == 404
    operator.do(discard=foreign.pk)
    operator.do(many="release", chosen=[foreign.pk])
    operator.do(many="discard", chosen=[foreign.pk])
    assert HeldSubmission.objects.waiting().get() == foreign
    assert not Lead.objects.exists()
    assert operator.client.get(address(other.form.workspace)).status_code == 404
    assert operator.client.post(address(other.form.workspace, "/cap"), {"daily_cap": 0}).status_code == 404


@responses.activate
@pytest.mark.parametrize("role", ["owner", "admin", "agent"])
def test_releases_in_one_click_and_says_what_happened(role: str) -> None:
    vapi_takes()
    version = make_version()
    waiting = make_held(version, name="Jane Doe")

    text = Operator(version, role=role).do(release=waiting.pk)

    lead = Lead.objects.get()
    link = f'<a href="/admin/{lead.workspace.slug}/leads/{lead.pk}">Open the lead</a>'
    assert alerts(text) == [f"success: Jane Doe is a lead now, and the call was started. {link}"]
    assert names(text) == []
    assert len(calls_to_vapi()) == 1


@responses.activate
def test_says_so_when_the_call_is_refused() -> None:
    responses.post(VAPI, json={"message": "No credits left."}, status=402)
    version = make_version()

    text = Operator(version, is_staff=False).do(release=make_held(version).pk)

    (alert,) = alerts(text)
    assert alert.startswith("warning: Jane Doe is a lead now, but could not be contacted: ")
    assert "No credits left" in alert
    assert ". Please get in touch yourself. <a href=" in alert


def test_says_so_when_nobody_is_contacted() -> None:
    version = make_version(agent_enabled=False)

    text = Operator(version, is_staff=False).do(release=make_held(version).pk)

    (alert,) = alerts(text)
    assert alert.startswith(
        "success: Jane Doe is a lead now. Nobody is contacted while the agent is off: get in touch yourself. <a href="
    )


def test_a_whatsapp_lead_is_contacted_in_a_moment() -> None:
    version = make_version(channel="whatsapp")

    text = Operator(version, is_staff=False).do(release=make_held(version).pk)

    (alert,) = alerts(text)
    assert alert.startswith("success: Jane Doe is a lead now and will be contacted in a moment. <a href=")
    assert Dispatch.objects.get().channel == "whatsapp"


def test_says_who_is_a_lead_already() -> None:
    version = make_version()
    waiting = make_held(version)
    known = make_lead(version.form.workspace, phone=waiting.phone)

    text = Operator(version).do(release=waiting.pk)

    (alert,) = alerts(text)
    assert alert.startswith("warning: Jane Doe’s number is a lead already, so nobody was contacted again.")
    assert f"/admin/{known.workspace.slug}/leads/{known.pk}" in alert
    assert names(text) == ["Jane Doe"]


@responses.activate
def test_a_second_click_is_told_of_the_first() -> None:
    vapi_takes()
    version = make_version()
    waiting, operator = make_held(version), Operator(version)
    operator.do(release=waiting.pk)

    text = operator.do(release=waiting.pk)

    assert alerts(text) == ["info: Jane Doe had been released or discarded before."]
    assert len(calls_to_vapi()) == 1


@responses.activate
def test_lists_what_was_released_with_who_did_it_and_a_link_to_the_lead() -> None:
    vapi_takes()
    version = make_version()
    operator = Operator(version, username="maya")
    operator.do(release=make_held(version).pk)
    lead = Lead.objects.get()
    link = f'href="/admin/{lead.workspace.slug}/leads/{lead.pk}"'

    text = operator.see("?state=released")
    Lead.objects.all().delete()
    without_lead = operator.see("?state=released")

    assert re.search(r"Released \d+ \w+ \d{4}, \d\d:\d\d by maya", text)
    assert link in text
    assert names(without_lead) == ["Jane Doe"]
    assert link not in without_lead


def test_discards_and_puts_back() -> None:
    version = make_version()
    waiting, operator = make_held(version), Operator(version, username="maya")

    assert alerts(operator.do(discard=waiting.pk)) == ["success: 1 discarded."]
    assert names(operator.see()) == []
    listed = operator.see("?state=discarded")
    assert names(listed) == ["Jane Doe"]
    assert "by maya" in listed
    assert alerts(operator.do("?state=discarded", put_back=waiting.pk)) == ["success: 1 waits again."]
    assert names(operator.see()) == ["Jane Doe"]


@responses.activate
def test_releases_many_and_names_those_that_stay() -> None:
    version = make_version()
    rows = [make_held(version, name=name) for name in ("Ada", "Ben", "Cleo")]
    make_lead(version.form.workspace, phone=rows[1].phone)

    text = Operator(version).do(many="release", chosen=[row.pk for row in rows])

    assert alerts(text) == [
        "success: 2 are leads now. The agent contacts them in a moment.",
        "warning: Their numbers are leads already, so these stay here: Ben.",
    ]
    assert names(text) == ["Ben"]
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"pending"}


def test_discards_many() -> None:
    version = make_version()
    rows = [make_held(version) for _ in range(3)]
    operator = Operator(version)

    text = operator.do(many="discard", chosen=[rows[0].pk, rows[2].pk])
    back = operator.do("?state=discarded", many="put_back", chosen=[rows[0].pk])

    assert alerts(text) == ["success: 2 discarded."]
    assert alerts(back) == ["success: 1 waits again."]
    assert {row.pk for row in HeldSubmission.objects.waiting()} == {rows[0].pk, rows[1].pk}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"many": "release"},
        {"many": "discard", "chosen": ["x", ""]},
        {"discard": "not-an-id"},
        {"discard": ""},
        {"many": "explode", "chosen": ["x"]},
    ],
)
def test_does_nothing_when_nothing_was_chosen(data: dict[str, Any]) -> None:
    version = make_version()
    make_held(version)

    text = Operator(version).do(**data)

    assert alerts(text) == ["info: Nothing was chosen."]
    assert HeldSubmission.objects.waiting().count() == 1


def test_chooses_all_without_a_script() -> None:
    version = make_version()
    for _ in range(2):
        make_held(version)
    operator = Operator(version)

    assert operator.see().count(" checked") == 0
    assert operator.see("?chosen=all").count(" checked") == 2


def test_sending_without_a_decision_keeps_what_was_chosen() -> None:
    version = make_version()
    rows = [make_held(version) for _ in range(2)]

    text = Operator(version).do(many="undecided", chosen=[rows[0].pk])

    assert re.findall(r'value="([^"]+)" checked', text) == [str(rows[0].pk)]
    assert alerts(text) == []
    assert HeldSubmission.objects.waiting().count() == 2


def test_pages_through_many_without_losing_or_repeating_one() -> None:
    version = make_version()
    expected = [f"Person {n:02d}" for n in range(PAGE_SIZE * 2 + 3)]
    for n, name in enumerate(expected):
        # Three at each moment: the id decides between them.
        make_held(version, name=name, created_at=NOW - timedelta(seconds=n // 3))
    operator, seen, rest = Operator(version), [], ""

    for _ in range(3):
        text = operator.see(rest)
        seen += names(text)
        older = re.search(r'href="[^"]+/form/held(\?before=[^"]+)">Older<', text)
        rest = older[1] if older else "end"

    assert rest == "end"
    assert len(seen) == len(set(seen)) == len(expected)
    assert sorted(seen) == expected
    assert ">Newest<" in text


@pytest.mark.parametrize("rest", ["?before=x", "?before=1-2", "?before=99999999999999999-" + "f" * 32, "?state=other"])
def test_an_address_that_was_tampered_with_shows_a_page(rest: str) -> None:
    version = make_version()
    make_held(version)

    assert names(Operator(version).see(rest)) == ["Jane Doe"]


def test_stays_on_the_page_that_was_worked_on() -> None:
    version = make_version()
    for n in range(PAGE_SIZE + 2):
        row = make_held(version, created_at=NOW - timedelta(seconds=n))
    operator = Operator(version)
    older = re.search(r"(\?before=[^\"]+)\">Older<", operator.see())
    assert older

    answer = operator.client.post(address(version.form.workspace, older[1]), {"discard": row.pk})

    assert answer.headers["Location"] == address(version.form.workspace, older[1])


def test_shows_what_waits_for_one_reason_and_discards_all_of_it_that_was_seen() -> None:
    version = make_version()
    for n in range(PAGE_SIZE + 2):
        make_held(version, name=f"Bot {n}", created_at=NOW - timedelta(hours=n))
    make_held(version, name="Jane Doe", reason="daily_cap", created_at=NOW - timedelta(days=9))
    elsewhere = make_held(make_version())
    operator = Operator(version)

    page = operator.see()
    assert "Filled in a field that people don&#x27;t see (27)" in page
    assert "The day&#x27;s cap of contacts was reached (1)" in page
    assert "Discard all with this reason" not in page
    assert names(operator.see("?reason=daily_cap")) == ["Jane Doe"]
    page = operator.see("?reason=honeypot")
    assert "reason=honeypot&amp;before=" in page
    seen = str(re.findall(r'name="seen" value="(\d+)"', page)[0])
    make_held(version, name="Latecomer", created_at=timezone.now() + timedelta(hours=1))

    page = operator.do("?reason=honeypot", many="discard_all", seen=seen)

    assert alerts(page) == ["success: 27 discarded."]
    assert names(page) == ["Latecomer"]
    assert names(operator.see("?reason=nonsense")) == ["Latecomer", "Jane Doe"]
    elsewhere.refresh_from_db()
    assert elsewhere.discarded_at is None


@pytest.mark.parametrize("rest", ["", "?reason=nonsense", "?state=released"])
def test_discards_all_of_no_reason_but_a_known_one(rest: str) -> None:
    version = make_version()
    make_held(version)

    Operator(version).do(rest, many="discard_all", seen="9" * 18)

    assert HeldSubmission.objects.waiting().count() == 1


def test_says_how_many_made_way_for_others() -> None:
    version = make_version()
    operator = Operator(version)
    assert "deleted unseen" not in operator.see()
    for day, number in (("2026-06-01", 1), ("2026-06-02", 2)):
        ContactsOfDay.objects.create(workspace=version.form.workspace, day=day, made_way=number)

    assert "3 submissions of the last week were deleted unseen" in operator.see()


def test_says_what_would_land_here() -> None:
    version = make_version()
    operator = Operator(version)

    assert "Nothing is waiting" in operator.see()
    assert "Nothing was released" in operator.see("?state=released")
    assert "Nothing was discarded" in operator.see("?state=discarded")


def test_leads_to_the_builder_where_there_is_no_form_yet() -> None:
    workspace = make_workspace()
    text = sign_in(make_member(workspace)).get(address(workspace)).content.decode()

    assert "Make the form" in text
    assert "Daily cap" not in text


def test_changes_the_daily_cap_and_shows_how_much_of_it_is_used() -> None:
    version = make_version()
    ContactsOfDay.objects.create(workspace=version.form.workspace, day=timezone.now().date(), count=37)
    operator = Operator(version, role="admin")

    before = operator.see()
    operator.do("/cap", daily_cap="45")

    version.form.refresh_from_db()
    assert "37 of today’s 200 contacts are used." in before
    assert version.form.daily_cap == 45
    assert "37 of today’s 45 contacts are used." in operator.see()


@pytest.mark.parametrize(
    ("cap", "problem"),
    [
        ("", "This field is required."),
        ("x", "Enter a whole number."),
        ("-1", "greater than or equal to 0"),
        ("100001", "less than or equal to 100000"),
    ],
)
def test_names_what_is_wrong_with_a_cap(cap: str, problem: str) -> None:
    version = make_version()

    text = Operator(version).do("/cap", daily_cap=cap)

    version.form.refresh_from_db()
    assert problem in text
    assert version.form.daily_cap == 200


def test_agents_change_no_cap() -> None:
    version = make_version()
    operator = Operator(version, role="agent")

    assert "Daily cap" not in operator.see()
    assert operator.client.post(address(version.form.workspace, "/cap"), {"daily_cap": 0}).status_code == 403


def test_a_cap_needs_a_form() -> None:
    workspace = make_workspace()

    answer = sign_in(make_member(workspace)).post(address(workspace, "/cap"), {"daily_cap": 5})

    assert answer.status_code == 404


def test_a_decision_comes_from_our_own_page() -> None:
    version = make_version()
    waiting = make_held(version)
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(version.form.workspace))

    assert client.post(address(version.form.workspace), {"release": waiting.pk}).status_code == 403
    assert HeldSubmission.objects.waiting().exists()


def test_shows_what_was_sent_as_text() -> None:
    version = make_version()
    evil = "<script>alert(1)</script>"
    make_held(version, name=evil, goal=evil, metadata={evil: evil}, form_responses={"q_colour": evil})

    assert evil not in Operator(version).see()


def test_the_navigation_counts_what_waits() -> None:
    version = make_version()
    for _ in range(2):
        make_held(version)
    operator = Operator(version)

    def counted() -> str:
        page = operator.client.get(f"/admin/{version.form.workspace.slug}/settings/api-keys")
        found = re.search(r'badge-count">([^<]+)<', page.content.decode())
        return found[1] if found else ""

    assert counted() == "2"
    row: Any = HeldSubmission.objects.values().first()
    HeldSubmission.objects.bulk_create([HeldSubmission(**row | {"id": uuid4()}) for _ in range(98)])
    assert counted() == "99+"
    HeldSubmission.objects.update(discarded_at=NOW)
    assert counted() == ""


def test_the_navigation_leads_here_once_there_is_a_form() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    page = f"/admin/{workspace.slug}/settings/api-keys"

    assert address(workspace) not in client.get(page).content.decode()
    make_form(workspace)
    assert address(workspace) in client.get(page).content.decode()


def test_asks_no_more_of_the_database_for_more_rows(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    version = make_version()
    user = make_user()
    for _ in range(PAGE_SIZE):
        make_held(version, form_responses={"q_colour": "Red"})
    lead = make_lead(version.form.workspace)
    HeldSubmission.objects.update(released_at=NOW, decided_by=user, lead_id=lead.pk)
    operator = Operator(version)
    operator.see("?state=released")

    with django_assert_num_queries(14):
        operator.see("?state=released")
