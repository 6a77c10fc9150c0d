"""DELETE /api/public/leads/<id>: the lead and all that hangs on it."""

import pytest
import responses
from django.contrib.admin.models import CHANGE
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.contrib.contenttypes.models import ContentType

from conftest import NOW, make_lead, make_user, make_workspace
from leads.erasure import erase_leads
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import VAPI, Backend, submission, vapi_takes
from whatsapp.models import Message
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


@responses.activate
def test_erases_the_lead_and_frees_its_phone() -> None:
    vapi_takes("call-1")
    backend = Backend()
    body = submission()
    lead_id = backend.post(body).json()["leadId"]

    answer = backend.delete(lead_id)

    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"Content-Type", "Content-Length"} & set(answer.headers)
    assert answer["X-Request-Id"]
    for rows in (Lead.objects, Dispatch.objects, CallSession.objects, LogEntry.objects):
        assert not rows.exists()
    assert backend.show(lead_id).status_code == 404
    assert backend.delete(lead_id).status_code == 404
    responses.replace(responses.POST, VAPI, json={"id": "call-2", "status": "queued"}, status=201)
    again = backend.post(body)
    assert (again.status_code, again.json()["vapiCallId"]) == (201, "call-2")
    assert again.json()["leadId"] != lead_id


@responses.activate
def test_erases_what_the_journal_kept_of_a_refused_submission() -> None:
    responses.post(VAPI, body="no", status=400)
    vapi_takes()
    backend = Backend()
    body = submission()
    backend.post(body)
    assert LogEntry.objects.get().submission is not None
    lead_id = backend.post(body).json()["leadId"]

    backend.delete(lead_id)

    assert not LogEntry.objects.exists()


@responses.activate
def test_leaves_the_traces_of_others() -> None:
    responses.post(VAPI, body="no", status=400)
    phone = "+447123456789"
    elsewhere, backend = Backend(), Backend()
    elsewhere.post(submission(phone=phone))
    backend.post(submission(phone="+447123456780"))
    lead = make_lead(backend.workspace, phone=phone)

    backend.delete(lead.pk)

    assert LogEntry.objects.count() == 2


@responses.activate
def test_a_test_lead_takes_no_live_submission_with_it() -> None:
    """A live submission that was refused is in the journal only: it is not a test key's to erase."""
    responses.post(VAPI, body="no", status=400)
    workspace = make_workspace()
    live, test = Backend(workspace), Backend(workspace, mode="test")
    body = submission()
    assert live.post(body).status_code == 502

    test.delete(test.post(body).json()["leadId"])

    entry = LogEntry.objects.get(outcome="rejected")
    assert (entry.submission or {})["phone"] == body["phone"]


def test_erases_messages() -> None:
    backend = Backend(make_workspace(channel="whatsapp"))
    lead = make_lead(backend.workspace)
    Message.objects.create(
        lead=lead, role="user", text="Hello", status="received", created_at=lead.created_at, updated_at=lead.created_at
    )

    assert backend.delete(lead.pk).status_code == 204
    assert not Message.objects.exists()


def test_leaves_no_name_in_the_admins_log() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, name="Very Private")
    staff = make_user(is_superuser=True)
    noted = AdminLogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(Lead),
        object_id=str(lead.pk),
        object_repr="Very Private",
        action_flag=CHANGE,
        change_message="Changed Very Private",
    )

    erase_leads(Lead.objects.filter(pk=lead.pk), now=NOW)

    noted.refresh_from_db()
    assert (noted.object_repr, noted.change_message) == ("(erased)", "")
