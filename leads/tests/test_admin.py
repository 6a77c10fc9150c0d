"""Leads, dispatches and the journal in Django admin, through HTTP."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from conftest import NOW, make_dispatch, make_lead, make_member, make_user, make_workspace
from leads.models import Dispatch, Lead, LeadEvent
from voice.models import CallSession
from whatsapp.models import Message
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db
LEADS = "/admin/leads/lead/"
JOURNAL = "/admin/workspaces/logentry/"


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def make_entry(workspace: Workspace, **overrides: Any) -> LogEntry:
    fields = {
        **{"direction": "out", "provider": "vapi", "operation": "POST /call", "outcome": "rejected"},
        **{"request": '{"apiKey": "•••"}', "response": "<b>no</b>", "request_id": "req-1", "created_at": NOW},
    }
    return LogEntry.objects.create(workspace=workspace, **(fields | overrides))


def make_everything(workspace: Workspace, **lead: Any) -> dict[str, Any]:
    made = make_lead(workspace, **lead)
    dispatch = make_dispatch(made, status="done")
    times = {"created_at": NOW, "updated_at": NOW}
    return {
        LEADS: made,
        "/admin/leads/dispatch/": dispatch,
        "/admin/voice/callsession/": CallSession.objects.create(
            lead=made, dispatch=dispatch, vapi_call_id=str(uuid4()), transcript="AI: Hello", **times
        ),
        "/admin/whatsapp/message/": Message.objects.create(
            lead=made, role="user", text="Hi there", status="received", **times
        ),
        JOURNAL: make_entry(workspace, lead_id=made.pk),
    }


def test_hides_rows_of_other_workspaces() -> None:
    own, other = make_workspace(name="Own Ltd"), make_workspace(name="Foreign Ltd")
    make_everything(own, name="Ours")
    theirs = make_everything(other, name="Theirs", phone="+447700900999")
    client = sign_in(make_member(own))

    for address, row in theirs.items():
        for query in ("", f"?workspace={other.pk}", "?workspace=nonsense", "?q=%2B447700900999", f"?q={row.pk}"):
            text = client.get(address + query).content.decode()
            assert "Theirs" not in text
            assert "Foreign Ltd" not in text
        for page in ("change", "delete", "history"):
            assert client.get(f"{address}{row.pk}/{page}/").status_code in {302, 403, 404}


def test_finds_what_hangs_on_a_lead_by_its_own_id_or_the_lead_s() -> None:
    workspace = make_workspace()
    made = make_everything(workspace, name="Ada", phone="+447700900111")
    make_everything(workspace, name="Grace", phone="+447700900222")
    client = sign_in(make_member(workspace))

    for kind, own_id in (
        ("leads/dispatch", "pk"),
        ("voice/callsession", "vapi_call_id"),
        ("whatsapp/message", "lead_id"),
    ):
        row = made[f"/admin/{kind}/"]
        for term in (str(getattr(row, own_id)), str(row.lead_id), "+44 7700 900111", "ada"):
            text = client.get(f"/admin/{kind}/", {"q": term}).content.decode()
            assert ("Ada" in text, "Grace" in text) == (True, False), (kind, term)


def test_opens_every_list_and_row_to_an_owner() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    for address, row in make_everything(workspace).items():
        assert client.get(address).status_code == 200
        assert client.get(f"{address}{row.pk}/change/").status_code == 200
        if address != LEADS:
            assert client.post(f"{address}{row.pk}/change/", {}).status_code == 403
            assert client.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"{address}add/").status_code == 403


def test_gives_agents_leads_alone() -> None:
    workspace = make_workspace()
    rows = make_everything(workspace)
    client = sign_in(make_member(workspace, role="agent"))

    assert client.get(f"{LEADS}{rows[LEADS].pk}/change/").status_code == 200
    assert client.post(f"{LEADS}{rows[LEADS].pk}/delete/", {"post": "yes"}).status_code == 403
    for address in rows:
        assert client.get(address).status_code == (200 if address == LEADS else 403)


def test_changes_of_a_lead_only_what_may_change() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, metadata={"a": 1})
    data = {"name": "New Name", "email": "", "goal": "", "status": "booked", "qualification_notes": ""}

    answer = sign_in(make_member(workspace)).post(
        f"{LEADS}{lead.pk}/change/", data | {"phone": "+447700900000", "is_test": "on", "channel": "whatsapp"}
    )

    after = Lead.objects.get()
    assert answer.status_code == 302
    assert (after.name, after.status, after.email) == ("New Name", "booked", None)
    assert (after.phone, after.is_test, after.channel, after.metadata) == (lead.phone, False, "voice", {"a": 1})
    assert after.updated_at > lead.updated_at


def test_a_change_of_status_leaves_its_line_in_the_timeline() -> None:
    workspace = make_workspace()
    lead, member = make_lead(workspace), make_member(workspace)
    data = {"name": lead.name, "email": "", "goal": "", "qualification_notes": ""}

    for status in ("booked", "booked"):
        sign_in(member).post(f"{LEADS}{lead.pk}/change/", data | {"status": status})

    event = LeadEvent.objects.get()
    assert (event.kind, event.data["from"], event.data["to"], event.by) == ("status", "new", "booked", member)


@pytest.mark.parametrize("term", ["+44 7700 900123", "00447700900123", "+44770090", "jane@x", "JANE R", "jane@x.com"])
def test_finds_a_lead_by_phone_email_or_name(term: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, name="Jane Roe", phone="+447700900123", email="jane@x.com")
    make_lead(workspace, name="Someone Else", phone="+12015550123", email="else@example.com")

    text = sign_in(make_member(workspace)).get(LEADS, {"q": term}).content.decode()

    assert "Jane Roe" in text
    assert "Someone Else" not in text


def test_says_what_goes_with_a_lead_and_frees_its_phone() -> None:
    workspace = make_workspace()
    lead = make_everything(workspace)[LEADS]
    client = sign_in(make_member(workspace))
    address = f"{LEADS}{lead.pk}/delete/"

    asked = client.get(address).content.decode()
    for words in ("Dispatches: 1", "Call sessions: 1", "Messages: 1", "Journal: 1", "phone number becomes free"):
        assert words.lower() in asked.lower()
    assert client.post(address, {"post": "yes"}).status_code == 302

    for model in (Lead, Dispatch, CallSession, Message, LogEntry):
        assert not model._default_manager.exists()
    make_lead(workspace, phone=lead.phone)


def test_counts_the_journal_entries_that_go_by_the_phone_alone() -> None:
    workspace, other = make_workspace(), make_workspace()
    lead = make_lead(workspace, phone="+447700900123")
    kept = {"phone": "+447700900123", "is_test": False}
    make_entry(workspace, lead_id=lead.pk, submission=kept)
    make_entry(workspace, submission=kept)
    make_entry(workspace, submission=kept | {"is_test": True})
    make_entry(workspace, submission=kept | {"phone": "+447700900999"})
    make_entry(other, submission=kept)
    client = sign_in(make_member(workspace))

    assert "journal: 2" in client.get(f"{LEADS}{lead.pk}/delete/").content.decode().lower()
    client.post(f"{LEADS}{lead.pk}/delete/", {"post": "yes"})

    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("failed", "Out of <credits>: top it up.", ["failed", "Out of &lt;credits&gt;: top it up.", "not tried again"]),
        ("skipped", "paused", ["not sent on purpose", "paused", "Nobody was contacted"]),
        ("done", "", ['<div class="readonly">done</div>']),
    ],
)
def test_says_on_the_lead_what_became_of_its_newest_dispatch(status: str, reason: str, words: list[str]) -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, status="needs_human")
    make_dispatch(lead, status="done", created_at=NOW - timedelta(days=1))
    make_dispatch(lead, status=status, reason=reason, created_at=NOW)

    text = sign_in(make_member(workspace, role="agent")).get(f"{LEADS}{lead.pk}/change/").content.decode()

    for word in words:
        assert word in text


def test_deletes_selected_leads_of_the_own_workspace_alone() -> None:
    own, other = make_workspace(), make_workspace()
    mine, theirs = make_lead(own), make_lead(other)
    data = {"action": "delete_selected", "_selected_action": [str(mine.pk), str(theirs.pk)]}
    client = sign_in(make_member(own))

    assert "phone number becomes free" in client.post(LEADS, data).content.decode()
    client.post(LEADS, data | {"post": "yes"})

    assert list(Lead.objects.all()) == [theirs]


def test_deletes_nothing_where_the_role_is_too_small() -> None:
    own, other = make_workspace(), make_workspace()
    member = make_member(own)
    other.memberships.create(user=member, role="agent")
    lead = make_lead(other)
    data = {"action": "delete_selected", "_selected_action": [str(lead.pk)], "post": "yes"}

    sign_in(member).post(LEADS, data)

    assert Lead.objects.filter(pk=lead.pk).exists()


def test_finds_journal_entries_and_shows_payloads_as_text() -> None:
    workspace = make_workspace()
    lead_id = uuid4()
    row = make_entry(workspace, lead_id=lead_id)
    make_entry(workspace, request_id="req-2", operation="POST /other")
    client = sign_in(make_member(workspace))

    for term in ("req-1", str(lead_id)):
        text = client.get(JOURNAL, {"q": term}).content.decode()
        assert "POST /call" in text
        assert "POST /other" not in text
    shown = client.get(f"{JOURNAL}{row.pk}/change/").content.decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in shown


def test_filters_the_journal_by_provider_outcome_and_direction() -> None:
    workspace = make_workspace()
    make_entry(workspace, operation="POST /call")
    make_entry(workspace, provider="twilio", operation="POST /other", outcome="ok", direction="in", submission={"a": 1})
    client = sign_in(make_member(workspace))

    for query in ("provider=twilio", "outcome__exact=ok", "direction__exact=in", "again=open"):
        text = client.get(f"{JOURNAL}?{query}").content.decode()
        assert "POST /other" in text, query
        assert "POST /call" not in text, query


def test_sends_again_what_the_journal_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = make_workspace(), make_workspace()
    submission = {"name": "Jane", "phone": "+447700900123"}
    row, theirs = make_entry(own, submission=submission), make_entry(other, submission=submission)
    sent = []
    monkeypatch.setattr("leads.dispatch.send_again", lambda entry, *, now: sent.append(entry.pk))
    data = {"action": "send_again", "_selected_action": [str(row.pk), str(theirs.pk)]}

    answer = sign_in(make_member(own)).post(JOURNAL, data, follow=True)

    assert sent == [row.pk]
    assert "sent." in answer.content.decode()


def test_sends_again_from_the_entry_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    row, bare = make_entry(workspace, submission={"name": "Jane"}), make_entry(workspace)
    sent = []
    monkeypatch.setattr("leads.dispatch.send_again", lambda entry, *, now: sent.append(entry.pk))
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(workspace))

    assert "Send again" not in client.get(f"{JOURNAL}{bare.pk}/change/").content.decode()
    page = client.get(f"{JOURNAL}{row.pk}/change/").content.decode()
    form = re.search(r'<form class="send-again".*?</form>', page, re.DOTALL)
    assert form
    data = dict(re.findall(r'name="(\w+)" value="(\w+)"', form[0]))
    assert client.post(JOURNAL, data).status_code == 302

    assert sent == [row.pk]


def test_masks_a_submission_where_it_is_shown_and_keeps_it_as_it_came() -> None:
    workspace = make_workspace()
    submission = {"name": "Jane", "metadata": {"password": "hunter2", "card": "4111 1111 1111 1111"}}
    row = make_entry(workspace, submission=submission)

    text = sign_in(make_member(workspace)).get(f"{JOURNAL}{row.pk}/change/").content.decode()

    assert "Jane" in text
    assert "hunter2" not in text
    assert "4111" not in text
    row.refresh_from_db()
    assert row.submission == submission


def test_calls_an_outcome_by_one_word() -> None:
    workspace = make_workspace()
    row = make_entry(workspace, outcome="rejected")

    text = sign_in(make_member(workspace)).get(f"{JOURNAL}{row.pk}/change/").content.decode()

    assert "vapi POST /call: refused" in text
    assert "rejected" not in text


def test_stops_counting_where_nobody_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspaces.admin_scope.COUNT_AT_MOST", 2)
    workspace = make_workspace()
    for _ in range(3):
        make_lead(workspace)

    text = sign_in(make_user(is_superuser=True)).get(LEADS).content.decode()

    assert "more than 2" in text
