"""What belongs to another workspace, or to the other mode, is not there."""

from typing import Any

import pytest
import responses

from conftest import make_lead, make_workspace
from leads.models import Lead
from webapi.tests.backend import Backend, submission, vapi_takes

pytestmark = pytest.mark.django_db

NOT_FOUND = {"ok": False, "error": "Lead not found."}


@pytest.fixture(params=["another workspace", "the other mode, as live", "the other mode, as test"])
def stranger(request: pytest.FixtureRequest) -> tuple[Backend, Lead]:
    """A backend, and a lead that is not its own."""
    if request.param == "another workspace":
        return Backend(), make_lead(make_workspace(), email="jane@acme.com")
    backend = Backend(make_workspace(), mode="live" if request.param.endswith("live") else "test")
    is_test = request.param.endswith("live")
    return backend, make_lead(backend.workspace, is_test=is_test, email="jane@acme.com")


def test_hides_leads_of_other_workspaces(stranger: tuple[Backend, Lead]) -> None:
    backend, lead = stranger

    answer = backend.show(lead.pk)

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert backend.show(lead.pk, If_None_Match="*").status_code == 404


def test_hides_from_the_list_leads_of_other_workspaces(stranger: tuple[Backend, Lead]) -> None:
    backend, lead = stranger
    queries: list[dict[str, Any]] = [
        {},
        {"phone": lead.phone},
        {"email": "jane@acme.com"},
        {"q": "Jane"},
        {"status": "new"},
    ]

    for query in queries:
        assert backend.get(**query).json() == {"ok": True, "leads": [], "nextCursor": None}


def test_hides_from_erasure_leads_of_other_workspaces(stranger: tuple[Backend, Lead]) -> None:
    backend, lead = stranger

    answer = backend.delete(lead.pk)

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert Lead.objects.filter(pk=lead.pk).exists()


@responses.activate
def test_hides_from_submissions_leads_of_other_workspaces(stranger: tuple[Backend, Lead]) -> None:
    vapi_takes()
    backend, lead = stranger

    answer = backend.post(submission(phone=lead.phone))

    assert answer.status_code == 201
    assert str(lead.pk) not in answer.content.decode()


def test_hides_from_me_everything_of_other_workspaces(stranger: tuple[Backend, Lead]) -> None:
    backend, _ = stranger

    assert backend.get("/api/public/me").json()["workspace"]["id"] == str(backend.workspace.pk)


@responses.activate
def test_hides_stored_answers_of_other_workspaces() -> None:
    vapi_takes()
    one, other = Backend(), Backend()
    body = submission()

    first = one.post(body, Idempotency_Key="same")
    responses.reset()
    vapi_takes("call-2")
    second = other.post(body, Idempotency_Key="same")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["leadId"] != second.json()["leadId"]


def test_sees_its_own_mode_only() -> None:
    workspace = make_workspace()
    live, test = Backend(workspace), Backend(workspace, mode="test")
    make_lead(workspace, name="real")
    make_lead(workspace, name="made up", is_test=True)

    assert [lead["name"] for lead in live.get().json()["leads"]] == ["real"]
    assert [lead["name"] for lead in test.get().json()["leads"]] == ["made up"]
