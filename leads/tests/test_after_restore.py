"""manage.py after_restore closes every kind of promise, says how many, and leaves alone what it is told to."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.models import Booking
from apikeys.models import ApiKey, IdempotentRequest
from conftest import NOW, make_dispatch, make_key, make_lead, make_workspace
from leadforms.models import ContactsOfDay
from leads.models import Alert, Dispatch, Erasure, Lead
from voice.models import CallSession
from whatsapp.models import AgentTurn, Message
from workspaces.promises import open_promises

pytestmark = pytest.mark.django_db


@pytest.fixture
def _promised() -> None:
    """One of each kind, each of a lead of its own."""
    now = timezone.now()
    times = {"created_at": NOW, "updated_at": NOW}
    workspace = make_workspace()
    make_dispatch(make_lead(workspace))
    Alert.objects.create(workspace=workspace, lead=make_lead(workspace), due_at=NOW, created_at=NOW)
    Erasure.objects.create(workspace=workspace, provider="vapi", reference="call", due_at=NOW, created_at=NOW)
    called = make_lead(workspace)
    dispatch = make_dispatch(called, status="done")
    CallSession.objects.create(lead=called, dispatch=dispatch, vapi_call_id="c", **times)
    writing = make_workspace(channel="whatsapp")
    AgentTurn.objects.create(workspace=writing, lead=make_lead(writing), due_at=NOW, wake_at=NOW, created_at=NOW)
    Message.objects.create(lead=make_lead(writing), role="assistant", text="Hi", status="sending", **times)
    Booking.objects.create(
        lead=make_lead(writing),
        start=NOW,
        timezone="UTC",
        attendee_name="J",
        attendee_email="j@x.com",
        due_at=NOW,
        **times,
    )
    ContactsOfDay.objects.create(workspace=workspace, day=NOW.date(), tell_at=NOW)
    make_key(workspace)
    later = now + timedelta(minutes=1)
    IdempotentRequest.objects.create(
        api_key=ApiKey.objects.get(), key="k", body_hash="", lease_until=later, created_at=now, lead_id=uuid4()
    )


def run(**options: Any) -> str:
    out = StringIO()
    call_command("after_restore", stdout=out, **options)
    return out.getvalue()


def counts() -> dict[str, int]:
    return {promise.name: promise.rows.count() for promise in open_promises(timezone.now())}


@pytest.mark.usefixtures("_promised")
def test_names_and_closes_every_kind() -> None:
    assert set(counts().values()) == {1}

    told = run(yes=True)

    assert counts() == dict.fromkeys(counts(), 0) | {"erasures": 1}
    # The leads concerned need a human now, and members are told so.
    assert Alert.objects.filter(due_at__isnull=False).count() == 5
    for name in counts():
        assert f"1  {name}" in told
    assert Lead.objects.filter(status="needs_human").count() == 5
    assert Lead.objects.filter(status="new").get().pk in Alert.objects.values_list("lead_id", flat=True)


@pytest.mark.usefixtures("_promised")
def test_a_second_run_changes_nothing() -> None:
    run(yes=True)
    before = list(Lead.objects.order_by("pk").values_list("updated_at", flat=True))
    told_of = set(Alert.objects.filter(due_at__isnull=False).values_list("lead_id", flat=True))

    run(yes=True)

    assert list(Lead.objects.order_by("pk").values_list("updated_at", flat=True)) == before
    # The alerts of the first run still go out.
    assert told_of == set(Alert.objects.filter(due_at__isnull=False).values_list("lead_id", flat=True))
    assert len(told_of) == 5


@pytest.mark.usefixtures("_promised")
def test_counts_only_where_nothing_is_to_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts()

    assert "Nothing was changed." in run(dry_run=True)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run()

    assert counts() == before


@pytest.mark.usefixtures("_promised")
def test_keeps_and_closes_what_it_is_told() -> None:
    run(yes=True, keep=["contacts"], close=["erasures"])

    assert (counts()["contacts"], counts()["erasures"], counts()["replies"]) == (1, 0, 0)


def test_knows_its_names() -> None:
    with pytest.raises(CommandError, match="Unknown: dispatches. There are alerts, contacts"):
        run(yes=True, keep=["dispatches"])


def test_refuses_while_somebody_is_at_work() -> None:
    make_dispatch(make_lead(make_workspace()), status="sending", due_at=timezone.now() + timedelta(seconds=30))

    with pytest.raises(CommandError, match="at work on this database: 1 contacts or"):
        run(yes=True)

    run(yes=True, force=True)
    assert Dispatch.objects.get().status == "skipped"


@pytest.mark.parametrize(("reason", "at_work"), [("", True), ("OpenAI is away.", False)])
def test_refuses_while_somebody_writes_a_reply(reason: str, at_work: bool) -> None:
    writing, later = make_workspace(channel="whatsapp"), timezone.now() + timedelta(seconds=30)
    held = {"state": "running", "claimed_by": "worker", "reason": reason, "due_at": later, "wake_at": later}
    AgentTurn.objects.create(workspace=writing, lead=make_lead(writing), created_at=NOW, **held)

    if at_work:
        with pytest.raises(CommandError, match="at work on this database: 1 contacts or replies"):
            run(yes=True)

    run(yes=True, force=at_work)
    assert AgentTurn.objects.get().code == "restored"


def test_a_decision_of_a_person_stands() -> None:
    dispatch = make_dispatch(make_lead(make_workspace(), status="booked"))

    run(yes=True)

    assert Lead.objects.get(pk=dispatch.lead_id).status == "booked"
    assert Dispatch.objects.get().reason == "restored from a backup"
