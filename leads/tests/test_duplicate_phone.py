"""One phone, one lead in a workspace."""

import pytest
import responses

from conftest import make_lead, make_workspace
from leads.models import Lead
from webapi.tests.backend import Backend, submission, vapi_takes

pytestmark = pytest.mark.django_db


@responses.activate
@pytest.mark.parametrize("spelling", ["+447123456789", "+44 7123 456789", "00447123456789", "+44 (0) 7123-456789"])
def test_a_known_phone_in_any_spelling_is_refused_and_not_rung(spelling: str) -> None:
    backend = Backend()
    lead = make_lead(backend.workspace, phone="+447123456789", name="Jane Doe")

    answer = backend.post(submission(phone=spelling, name="Somebody Else"))

    assert answer.status_code == 409
    assert answer.json() == {
        "ok": False,
        "error": "duplicate_phone",
        "message": "A lead with this phone number already exists in the workspace.",
        "leadId": str(lead.pk),
    }
    assert len(responses.calls) == 0
    assert Lead.objects.get().name == "Jane Doe"


@responses.activate
def test_a_second_submission_is_refused_too() -> None:
    vapi_takes()
    backend = Backend()
    body = submission()

    first, second = backend.post(body), backend.post(body)

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json()["leadId"] == first.json()["leadId"]
    assert len(responses.calls) == 1


def test_a_lead_of_another_workspace_or_of_the_other_mode_takes_no_phone() -> None:
    backend = Backend(mode="test")
    body = submission()
    make_lead(make_workspace(), phone=body["phone"], is_test=True)
    make_lead(backend.workspace, phone=body["phone"], is_test=False)

    assert backend.post(body).status_code == 201


def test_validation_comes_first() -> None:
    backend = Backend()
    make_lead(backend.workspace, phone="+447123456789")

    assert backend.post(submission(phone="+447123456789", consent=False)).status_code == 400
