"""The page of one lead: all that is known, and what an operator may do about it."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from conftest import NOW, make_dispatch, make_lead, make_member, make_workspace
from leads.erasure import erase_leads
from leads.models import Consent, Dispatch, Lead, LeadEvent, Suppression
from leads.status import change_status
from leads.suppression import is_suppressed, suppress
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def sign_in(client: Any, workspace: Workspace, *, role: str = "agent") -> Any:
    member = make_member(workspace, role=role, is_staff=False)
    client.force_login(member)
    return member


def url(lead: Lead, page: str = "") -> str:
    return f"/admin/{lead.workspace.slug}/leads/{lead.pk}{page}"


def make_known_lead(**overrides: Any) -> Lead:
    lead = make_lead(
        make_workspace(),
        name="Ada Lovelace",
        email="ada@example.com",
        goal="A career change",
        source="form",
        metadata={"utm_source": "spring", "score": 3},
        form_responses={"q_abc123": "5-10k"},
        profile={"budget": "6000"},
        **overrides,
    )
    Consent.objects.create(
        lead=lead, text="Yes, <b>call</b> me.", version=2, text_sha256="0" * 64, given_at=NOW, ip="192.0.2.7"
    )
    return lead


def test_shows_all_that_is_known(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    page = client.get(url(lead)).content.decode()

    for text in ("Ada Lovelace", "ada@example.com", "A career change", "spring", "5-10k", "6000", "192.0.2.7"):
        assert text in page
    assert "Yes, &lt;b&gt;call&lt;/b&gt; me." in page


@pytest.mark.parametrize(
    "page", ["", "/timeline", "/export", "/delete", "/status", "/take-over", "/write", "/note", "/opt-out"]
)
def test_hides_leads_of_other_workspaces(client: Any, page: str) -> None:
    lead, own = make_known_lead(), make_workspace()
    sign_in(client, own, role="owner")
    send = client.get if page in {"", "/timeline", "/export", "/delete"} else client.post

    assert send(url(lead, page)).status_code == 404
    assert send(f"/admin/{own.slug}/leads/{lead.pk}{page}").status_code == 404


def test_answers_304_until_something_happens(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    first = client.get(url(lead, "/timeline"))

    same = client.get(url(lead, "/timeline"), headers={"If-None-Match": first["ETag"]})
    client.post(url(lead, "/note"), {"text": "Rang back"})
    other = client.get(url(lead, "/timeline"), headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert "Rang back" in other.content.decode()


def test_a_long_story_is_shown_from_its_end_and_whole_on_request(client: Any) -> None:
    lead = make_known_lead()
    LeadEvent.objects.bulk_create(
        LeadEvent(lead=lead, kind="note", data={"text": f"Note {n}."}, at=NOW + timedelta(minutes=n))
        for n in range(150)
    )
    sign_in(client, lead.workspace)

    page, whole, part = (client.get(url(lead, rest)).content.decode() for rest in ("", "?all=1", "/timeline"))

    for newest in (page, part):
        assert newest.count('class="timeline-item"') == 100
        assert "Note 149." in newest
        assert "Note 9." not in newest
    assert f'href="{url(lead)}?all=1"' in page
    assert "Note 0." in whole
    assert 'href="?all=1"' not in whole
    assert len(client.get(url(lead, "/export")).json()["timeline"]) > 150


def test_says_first_why_a_human_is_needed(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    change_status(lead.pk, "needs_human", now=NOW, frm=Lead.Status.values, reason="Wants to talk about a refund.")

    page = client.get(url(lead)).content.decode()
    assert "Wants to talk about a refund." in page.partition('id="timeline-title"')[0]

    client.post(url(lead, "/status"), {"status": "new"})
    assert "Wants to talk" not in client.get(url(lead)).content.decode().partition('id="timeline-title"')[0]


def test_every_page_counts_the_leads_that_need_a_human(client: Any) -> None:
    lead = make_known_lead(status="needs_human")
    make_lead(lead.workspace, status="needs_human", is_test=True)
    make_lead(lead.workspace, status="new")
    make_lead(make_workspace(), status="needs_human")
    sign_in(client, lead.workspace, role="admin")

    for page in ("leads", f"leads/{lead.pk}", "settings/agent"):
        text = " ".join(client.get(f"/admin/{lead.workspace.slug}/{page}").content.decode().split())
        assert 'Need a human <b class="badge badge-count">1<span class="visually-hidden"> waiting</span></b>' in text


def test_takes_over_and_hands_back_with_a_line_each(client: Any) -> None:
    lead = make_known_lead()
    member = sign_in(client, lead.workspace)

    client.post(url(lead, "/take-over"))
    lead.refresh_from_db()
    assert lead.taken_over_by == member
    client.post(url(lead, "/hand-back"))
    lead.refresh_from_db()

    assert lead.taken_over_at is None
    assert [event.kind for event in lead.events.all()] == ["taken_over", "handed_back"]


def test_changes_the_status_and_says_who_did(client: Any) -> None:
    lead = make_known_lead()
    member = sign_in(client, lead.workspace)

    client.post(url(lead, "/status"), {"status": "needs_human"})
    client.post(url(lead, "/status"), {"status": "nonsense"})

    lead.refresh_from_db()
    assert lead.status == "needs_human"
    assert lead.events.get().by == member


def test_calls_again_once(client: Any) -> None:
    lead = make_known_lead()
    make_dispatch(lead, status="done", finished_at=NOW)
    sign_in(client, lead.workspace)

    for _ in range(2):
        client.post(url(lead, "/contact-again"))

    assert Dispatch.objects.filter(lead=lead, status="pending").count() == 1


def test_says_why_it_does_not_call_again(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    client.post(url(lead, "/opt-out"))

    page = client.post(url(lead, "/contact-again"), follow=True).content.decode()

    assert "opted out" in page
    assert not Dispatch.objects.filter(lead=lead).exists()


def test_opts_out_and_says_where_to_take_that_back(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    client.post(url(lead, "/opt-out"))

    assert is_suppressed(lead.workspace_id, lead.phone)
    address = f"/admin/{lead.workspace.slug}/settings/opt-outs?q=%2B{lead.phone[1:]}"
    assert address in client.get(url(lead)).content.decode()
    client.post(url(lead, "/opt-out"), {"lift": "yes"})
    assert is_suppressed(lead.workspace_id, lead.phone)


class TestLifting:
    """What a lead said itself is lifted by owners and admins, with a reason that stays in its timeline."""

    def lift(self, client: Any, lead: Lead, **fields: str) -> Any:
        row = Suppression.objects.get()
        return client.post(f"/admin/{lead.workspace.slug}/settings/opt-outs/{row.pk}/lift", fields, follow=True)

    def make_stopped(self, reason: str) -> Lead:
        lead = make_known_lead()
        suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason=reason, now=NOW)
        return lead

    @pytest.mark.parametrize("reason", ["stop", "provider", "call", "message"])
    def test_an_agent_lifts_nothing_that_the_lead_said(self, client: Any, reason: str) -> None:
        lead = self.make_stopped(reason)
        sign_in(client, lead.workspace, role="agent")
        page = client.get(f"/admin/{lead.workspace.slug}/settings/opt-outs").content.decode()

        assert self.lift(client, lead, reason="They called.").status_code == 403

        assert is_suppressed(lead.workspace_id, lead.phone)
        assert "An owner or admin can allow contact" in page

    def test_an_agent_takes_back_what_a_colleague_entered(self, client: Any) -> None:
        lead = self.make_stopped("operator")
        sign_in(client, lead.workspace, role="agent")

        assert self.lift(client, lead).status_code == 200

        assert not is_suppressed(lead.workspace_id, lead.phone)

    @pytest.mark.parametrize("role", ["owner", "admin"])
    def test_a_manager_lifts_it_with_a_reason_that_the_timeline_shows(self, client: Any, role: str) -> None:
        lead = self.make_stopped("stop")
        user = sign_in(client, lead.workspace, role=role)

        told = self.lift(client, lead, reason="  ").content.decode()
        assert is_suppressed(lead.workspace_id, lead.phone)
        assert "Enter why" in told
        self.lift(client, lead, reason="Asked for it on the phone.")

        assert not is_suppressed(lead.workspace_id, lead.phone)
        event = LeadEvent.objects.get(kind="opted_in")
        assert (event.by, event.data["detail"]) == (user, "Asked for it on the phone.")
        assert "Asked for it on the phone." in client.get(url(lead)).content.decode()


@pytest.mark.parametrize("text", ["", "  ", "\x00"])
def test_keeps_no_empty_note(client: Any, text: str) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    client.post(url(lead, "/note"), {"text": text})

    assert not lead.events.exists()


def test_a_voice_lead_is_not_written_to(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    page = client.post(url(lead, "/write"), {"text": "Hello"}, follow=True)

    assert page.status_code == 409
    assert "alert-error" in page.content.decode()


def test_gives_back_a_message_that_can_not_be_sent(client: Any) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    sign_in(client, lead.workspace)

    page = client.post(url(lead, "/write"), {"text": "Half an hour's <work>"})

    assert page.status_code == 409
    form = re.search(r"<form[^>]+/write.*?</form>", page.content.decode(), re.DOTALL)
    assert form is not None
    assert "Half an hour&#x27;s &lt;work&gt;</textarea>" in form[0]
    assert " hidden" not in form[0].partition(">")[0]


def test_keeps_a_note_of_the_longest_kind_whole_and_gives_back_a_longer_one(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    # The browser counts a line's end as one character and sends two.
    longest = "a\r\n" * 2499 + "ab"

    taken = client.post(url(lead, "/note"), {"text": longest})
    refused = client.post(url(lead, "/note"), {"text": "b" * 5001})

    assert taken["Location"] == f"{url(lead)}#newest"
    assert lead.events.get().data == {"text": longest.replace("\r\n", "\n")}
    assert (refused.status_code, f"{'b' * 5001}</textarea>" in refused.content.decode()) == (400, True)


def test_who_was_logged_out_meanwhile_is_led_back_to_the_page(client: Any) -> None:
    lead = make_known_lead()

    def sent_from(page: str) -> str:
        answer = client.post(url(lead, "/note"), {"text": "Rang back"}, headers={"referer": page})
        return str(answer["Location"])

    assert sent_from(f"http://testserver{url(lead)}?all=1") == f"/admin/login/?next={url(lead)}%3Fall%3D1"
    assert sent_from("https://elsewhere.example/x") == "/admin/login/?next=/"
    assert client.get(url(lead, "/delete"))["Location"] == f"/admin/login/?next={url(lead, '/delete')}"


@pytest.mark.parametrize("page", ["/write", "/note", "/take-over", "/opt-out", "/status"])
def test_a_tab_that_is_brought_back_shows_the_lead_and_does_nothing(client: Any, page: str) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    assert client.get(url(lead, page))["Location"] == url(lead)

    assert not lead.events.exists()


def test_says_of_a_call_what_taking_over_does_and_does_not(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)

    taken = client.post(url(lead, "/take-over"), follow=True).content.decode()
    given_back = client.post(url(lead, "/hand-back"), follow=True).content.decode()

    assert "a call that goes on now is not cut off" in taken
    assert "The agent may call again:" in given_back


def test_who_comes_second_is_told_who_has_taken_over(client: Any) -> None:
    lead = make_known_lead()
    first = sign_in(client, lead.workspace)
    client.post(url(lead, "/take-over"))
    sign_in(client, lead.workspace)

    page = client.post(url(lead, "/take-over"), follow=True).content.decode()

    assert f"{first.username} has taken over this conversation already" in page


def test_hands_out_everything_as_json(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    client.post(url(lead, "/note"), {"text": "Rang back"})

    answer = client.get(url(lead, "/export"))

    whole = json.loads(answer.content)
    assert "attachment" in answer["Content-Disposition"]
    assert whole["lead"]["phone"] == lead.phone
    assert whole["consent"]["text"] == "Yes, <b>call</b> me."
    assert whole["formAnswers"] == [{"question": "q_abc123", "answer": "5-10k"}]
    assert "Rang back" in json.dumps(whole["timeline"])


def test_deletes_when_asked_twice_and_by_managers(client: Any) -> None:
    lead = make_known_lead()
    sign_in(client, lead.workspace)
    assert client.post(url(lead, "/delete")).status_code == 403
    sign_in(client, lead.workspace, role="admin")

    assert "Nobody can bring them back" in client.get(url(lead, "/delete")).content.decode()
    assert Lead.objects.count() == 1
    client.post(url(lead, "/delete"))

    assert not Lead.objects.exists()


def test_manages_the_list_of_opt_outs(client: Any) -> None:
    workspace, other = make_workspace(default_region="GB"), make_workspace()
    sign_in(client, workspace)
    base = f"/admin/{workspace.slug}/settings/opt-outs"

    refused = client.post(f"{base}/add", {"phone": "hello"})
    assert client.get(f"{base}/add")["Location"] == base
    client.post(f"{base}/add", {"phone": "07123 456789"})
    row = Suppression.objects.get()
    assert refused.status_code == 400
    assert "hello" in refused.content.decode()
    assert (row.workspace, row.phone) == (workspace, "+447123456789")
    for term in ("456789", "07123", "0044 7123", "+44 (0)7123 456789"):
        assert "+447123456789" in client.get(base, {"q": term}).content.decode(), term
    for term in ("99999", "ada", "0"):
        assert "Not on the list" in client.get(base, {"q": term}).content.decode(), term
    assert client.post(f"/admin/{other.slug}/settings/opt-outs/{row.pk}/lift").status_code == 404
    client.post(f"{base}/{row.pk}/lift")

    assert not Suppression.objects.exists()


def test_finds_the_stop_of_who_was_erased_by_the_whole_phone(client: Any) -> None:
    lead = make_known_lead(phone="+447123456789")
    sign_in(client, lead.workspace)
    base = f"/admin/{lead.workspace.slug}/settings/opt-outs"
    client.post(f"{base}/add", {"phone": lead.phone})
    erase_leads(Lead.objects.filter(pk=lead.pk), now=NOW)

    assert "erased person" in client.get(base, {"q": "+44 7123 456789"}).content.decode()
    assert "Not on the list" in client.get(base, {"q": "+44 7123 456"}).content.decode()
