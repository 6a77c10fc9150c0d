"""Members are told by e-mail of leads that need a human: once, together, and again where the server was away."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import make_lead, make_member, make_workspace
from leads import alerts
from leads.erasure import erase_leads
from leads.models import Alert, Lead
from leads.status import change_status
from leads.tests.link_examples import LINKS, NO_LINKS
from workspaces.models import Membership, Workspace

pytestmark = pytest.mark.django_db
NEEDS_HUMAN = Lead.Status.NEEDS_HUMAN


class Picky(EmailBackend):
    """Refuses who is called after the code that it is refused with."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            name = message.to[0].partition("@")[0]
            if name.isdecimal():
                raise SMTPRecipientsRefused({message.to[0]: (int(name), b"No.")})
        return super().send_messages(messages)


class Tired(EmailBackend):
    """Takes one mail and goes away."""

    def send_messages(self, messages: Any) -> int:
        if mail.outbox:
            raise SMTPServerDisconnected
        return super().send_messages(messages)


class Looking(EmailBackend):
    """Looks whether a connection of the database's is held while the server takes its time."""

    held: ClassVar[list[bool]] = []

    def open(self) -> bool:
        self.held.append(connection.connection is not None)
        return True

    def send_messages(self, messages: Any) -> int:
        self.held.append(connection.connection is not None)
        return super().send_messages(messages)


@pytest.fixture
def workspace() -> Workspace:
    found = make_workspace(name="Northlight Coaching", slug="northlight")
    make_member(found, username="maya", email="maya@example.com")
    return found


def need_human(lead: Lead, *, reason: str = "asked for a person", **rest: Any) -> bool:
    return change_status(lead.pk, NEEDS_HUMAN, now=timezone.now(), reason=reason, **rest)


def sweep(*, later: timedelta = timedelta(0)) -> int:
    return alerts.sweep(now=timezone.now() + later, limit=10)


def test_tells_each_member_by_a_mail_of_their_own(workspace: Workspace) -> None:
    make_member(workspace, username="noor", email="noor@example.com", role="agent")
    lead = make_lead(workspace, name="Jane Doe", phone="+447700900111")
    assert need_human(lead)

    assert sweep() == 1
    assert sorted(each.to[0] for each in mail.outbox) == ["maya@example.com", "noor@example.com"]
    told = mail.outbox[0]
    assert told.subject == "Northlight Coaching: “Jane Doe” needs a human"
    assert f"http://127.0.0.1:8000/admin/northlight/leads/{lead.pk}" in told.body
    assert told.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "asked for a person" in told.body
    assert "http://127.0.0.1:8000/admin/northlight/settings/alerts" in told.body
    assert "447700900111" not in told.body
    assert sweep(later=timedelta(hours=1)) == 0


@pytest.mark.parametrize("link", LINKS)
def test_a_mail_carries_no_strangers_link(workspace: Workspace, link: str) -> None:
    lead = make_lead(workspace, name=f"Ann {link} Lee")
    need_human(lead, reason=f"wants {link} first")

    sweep()

    (told,) = mail.outbox
    assert told.subject == "Northlight Coaching: “Ann Lee” needs a human"
    assert told.body.splitlines()[:2] == ["“Ann Lee”", "Why: wants first"]


def test_a_mail_names_a_lead_whose_name_is_a_link(workspace: Workspace) -> None:
    need_human(make_lead(workspace, name="evil.com"), reason="evil.com")

    sweep()

    (told,) = mail.outbox
    assert told.subject == "Northlight Coaching: “no name” needs a human"
    assert told.body.splitlines()[0] == "“no name”"
    assert "evil" not in told.body
    assert "Why" not in told.body


@pytest.mark.parametrize("words", NO_LINKS)
def test_a_mail_keeps_words_that_are_no_links(workspace: Workspace, words: str) -> None:
    need_human(make_lead(workspace, name=words), reason=words)

    sweep()

    (told,) = mail.outbox
    assert told.body.splitlines()[:2] == [f"“{words}”", f"Why: {words}"]


def test_what_the_mail_links_to_opens(workspace: Workspace, client: Client) -> None:
    need_human(make_lead(workspace))
    sweep()
    client.force_login(get_user_model().objects.get(username="maya"))
    links = [line for line in mail.outbox[0].body.splitlines() if line.startswith("http://127.0.0.1:8000")]
    assert len(links) == 2
    for link in links:
        assert client.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_leaves_out_who_wants_none_who_left_and_other_workspaces(workspace: Workspace) -> None:
    for username, user, membership in (
        ("off", {}, {"email_alerts": False}),
        ("gone", {"is_active": False}, {}),
        ("nowhere", {"email": ""}, {}),
    ):
        member = make_member(workspace, username=username, **{"email": f"{username}@example.com"} | user)
        Membership.objects.filter(user=member).update(**membership)
    make_member(make_workspace(slug="elsewhere"), username="stranger", email="stranger@example.com")
    need_human(make_lead(workspace))
    sweep()
    assert [each.to for each in mail.outbox] == [["maya@example.com"]]


@pytest.mark.parametrize("names", [["Ann", "Bo"], [f"Lead {n}" for n in range(alerts.LISTED_AT_MOST + 3)]])
def test_several_leads_are_one_mail(workspace: Workspace, names: list[str]) -> None:
    for name in names:
        need_human(make_lead(workspace, name=name))
    assert sweep() == len(names)
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject == f"Northlight Coaching: {len(names)} leads need a human"
    body = mail.outbox[0].body
    assert body.count("“") == min(len(names), alerts.LISTED_AT_MOST)
    assert ("And 3 more:" in body) == (len(names) > alerts.LISTED_AT_MOST)


def test_who_comes_soon_after_waits_for_the_next_mail(workspace: Workspace) -> None:
    need_human(make_lead(workspace, name="Ann"))
    sweep()
    need_human(make_lead(workspace, name="Bo"))
    need_human(make_lead(workspace, name="Cleo"))
    assert sweep(later=timedelta(minutes=1)) == 0
    assert sweep(later=alerts.SPACING + timedelta(seconds=1)) == 2
    assert len(mail.outbox) == 2
    assert "Bo" in mail.outbox[1].body
    assert "Cleo" in mail.outbox[1].body
    assert "Ann" not in mail.outbox[1].body


def test_a_change_by_hand_and_a_test_lead_alert_nobody(workspace: Workspace) -> None:
    maya = get_user_model().objects.get(username="maya")
    need_human(make_lead(workspace), by_id=maya.pk)
    need_human(make_lead(workspace, is_test=True))
    assert not Alert.objects.exists()


def test_without_a_mail_server_nothing_is_remembered(workspace: Workspace, settings: Settings) -> None:
    settings.SENDS_EMAIL = False
    need_human(make_lead(workspace))
    assert not Alert.objects.exists()


def test_a_name_does_not_write_headers_or_html(workspace: Workspace) -> None:
    need_human(make_lead(workspace, name="Jane\r\nBcc: all@example.com \x1b[2J <b>& co</b>"), reason="line\nbreak")
    sweep()
    assert "“Jane Bcc: [2J <b>& co</b>”" in mail.outbox[0].subject
    assert "<b>& co</b>" in mail.outbox[0].body
    assert "line break" in mail.outbox[0].body
    assert mail.outbox[0].recipients() == ["maya@example.com"]


def test_the_subject_claims_no_need_that_the_page_does_not_show(workspace: Workspace) -> None:
    lead = make_lead(workspace, name="Jane Doe", status=Lead.Status.BOOKED)
    alerts.remember(lead.pk, reason="Sent the form again.", now=timezone.now())
    sweep()
    assert mail.outbox[0].subject == "Northlight Coaching: news of “Jane Doe”"

    need_human(make_lead(workspace, name="Ann"))
    alerts.remember(lead.pk, reason="Sent the form again.", now=timezone.now())
    sweep(later=alerts.SPACING)
    sweep(later=2 * alerts.SPACING)
    assert mail.outbox[1].subject == "Northlight Coaching: “Ann” needs a human"
    assert "“Jane Doe”" in mail.outbox[1].body


def test_a_reason_that_names_the_phone_is_told_without_it(workspace: Workspace) -> None:
    lead = make_lead(workspace, phone="+447700900111")
    need_human(lead, reason="The 'To' number whatsapp:+447700900111 is not valid (447700900111).")
    sweep()
    assert "The 'To' number whatsapp:… is not valid (…)." in mail.outbox[0].body


def test_a_server_that_is_away_is_asked_again_and_only_once_for_all(workspace: Workspace, settings: Settings) -> None:
    other = make_workspace(slug="elsewhere")
    make_member(other, username="olga", email="olga@example.com")
    need_human(make_lead(workspace))
    need_human(make_lead(other))
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    now = timezone.now()
    assert alerts.sweep(now=now, limit=10) == 0
    assert set(Alert.objects.values_list("due_at", flat=True)) == {now + alerts.FIRST_WAIT}
    settings.EMAIL_BACKEND = locmem
    assert sweep() == 0
    assert sweep(later=2 * alerts.FIRST_WAIT) == 2
    assert {each.to[0] for each in mail.outbox} == {"maya@example.com", "olga@example.com"}


def test_gives_up_after_a_day(workspace: Workspace, settings: Settings) -> None:
    need_human(make_lead(workspace))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    sweep(later=alerts.GIVEN_UP_AFTER + timedelta(minutes=1))
    row = Alert.objects.get()
    assert (row.due_at, row.told_at, row.reason) == (None, None, "")


@pytest.mark.parametrize(("code", "told_later"), [(550, []), (450, ["450@example.com"]), (421, ["421@example.com"])])
def test_one_refused_address_keeps_it_from_nobody_and_nobody_hears_twice(
    workspace: Workspace, settings: Settings, code: int, told_later: list[str]
) -> None:
    make_member(workspace, username="bad", email=f"{code}@example.com")
    need_human(make_lead(workspace))
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Picky"
    sweep()
    assert [each.to for each in mail.outbox] == [["maya@example.com"]]
    settings.EMAIL_BACKEND = locmem
    sweep(later=2 * alerts.SPACING)
    assert [each.to[0] for each in mail.outbox] == ["maya@example.com", *told_later]
    assert list(Alert.objects.values_list("due_at", "told_to")) == [(None, [])]


def test_a_server_that_gives_up_midway_sends_nobody_the_same_again(workspace: Workspace, settings: Settings) -> None:
    make_member(workspace, username="zoe", email="zoe@example.com")
    need_human(make_lead(workspace, name="Ann"))
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Tired"
    assert sweep() == 0
    need_human(make_lead(workspace, name="Bo"))
    settings.EMAIL_BACKEND = locmem
    assert sweep(later=2 * alerts.SPACING) == 2
    assert [(each.to[0], "Ann" in each.body, "Bo" in each.body) for each in mail.outbox] == [
        ("maya@example.com", True, False),
        ("maya@example.com", False, True),
        ("zoe@example.com", True, True),
    ]


def test_a_slow_server_is_given_time_mail_by_mail(workspace: Workspace, monkeypatch: Any) -> None:
    make_member(workspace, username="zoe", email="zoe@example.com")
    need_human(make_lead(workspace))
    clock, others = timezone.now(), list[int]()

    def send(message: Any) -> int:
        nonlocal clock
        clock += alerts.LEASE - timedelta(seconds=1)
        others.append(alerts.sweep(now=clock, limit=10) if len(others) < 2 else 0)
        return 1

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    monkeypatch.setattr(timezone, "now", lambda: clock)
    assert alerts.sweep(now=clock, limit=10) == 1
    assert others == [0, 0]


@pytest.mark.parametrize(("code", "told_at_last"), [(450, 1), (550, 0)])
def test_who_is_refused_for_now_is_told_later(
    workspace: Workspace, settings: Settings, code: int, told_at_last: int
) -> None:
    get_user_model().objects.filter(username="maya").update(email=f"{code}@example.com")
    need_human(make_lead(workspace))
    locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Picky"
    sweep()
    settings.EMAIL_BACKEND = locmem
    sweep(later=2 * alerts.FIRST_WAIT)
    assert len(mail.outbox) == told_at_last


def test_an_erased_lead_is_told_of_no_more(workspace: Workspace) -> None:
    need_human(make_lead(workspace))
    erase_leads(Lead.objects.filter(workspace=workspace), now=timezone.now())
    assert sweep() == 0
    assert mail.outbox == []


def test_what_a_worker_claimed_and_lost_is_sent_by_the_next(workspace: Workspace, monkeypatch: Any) -> None:
    need_human(make_lead(workspace))

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(alerts, "_send", die)
        with pytest.raises(RuntimeError):
            sweep()
    assert sweep() == 0
    assert sweep(later=alerts.LEASE + timedelta(seconds=1)) == 1


def test_forgets_after_a_month(workspace: Workspace) -> None:
    need_human(make_lead(workspace))
    sweep()
    assert Alert.objects.get().reason == ""
    (rows,) = alerts.find_expired(now=timezone.now() + alerts.KEPT + timedelta(days=1))
    assert rows.count() == 1
    assert alerts.find_expired(now=timezone.now())[0].count() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_the_mail_server_takes_its_time(workspace: Workspace, settings: Settings) -> None:
    make_member(workspace, username="noor", email="noor@example.com")
    assert need_human(make_lead(workspace))
    settings.EMAIL_BACKEND = f"{__name__}.Looking"

    assert sweep() == 1
    assert Looking.held == [False, False, False]


@pytest.mark.parametrize("address", ["aa@example.com\nBcc: all@example.com", "aa@", "aa@ü..example"])
def test_an_address_that_is_none_keeps_it_from_nobody(workspace: Workspace, address: str) -> None:
    make_member(workspace, username="broken", email=address)
    need_human(make_lead(workspace))

    sweep()

    assert ["maya@example.com"] in [each.to for each in mail.outbox]
    assert all("all@example.com" not in each.recipients() for each in mail.outbox)
    assert sweep(later=timedelta(days=1)) == 0
