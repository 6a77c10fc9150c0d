"""The evidence of a consent is there with its lead, and stays as it was written."""

import hashlib
import uuid

import pytest
from django.db import DatabaseError, transaction
from django.test import TestCase

from conftest import NOW, make_workspace
from leads.channels import get_channel
from leads.intake import ConsentGiven, DuplicatePhone, Submission, accept_lead
from leads.models import Consent, Dispatch, Lead
from workspaces.models import Workspace


def submission(workspace: Workspace) -> Submission:
    consent = ConsentGiven(text="Call me.", version=3, given_at=NOW, ip="192.0.2.7", page_url="https://acme.example/")
    return Submission(
        workspace_id=workspace.pk,
        channel=workspace.channel,
        name="Jane Doe",
        phone="+447123456789",
        source=Lead.Source.FORM,
        form_version_id=uuid.UUID(int=5),
        consent=consent,
        later=True,
    )


class ConsentTests(TestCase):
    def test_lead_evidence_and_promise_are_made_together(self) -> None:
        accepted = accept_lead(submission(make_workspace()), now=NOW)

        lead = Lead.objects.get()
        assert accepted.order.lead_id == lead.pk
        assert lead.form_version_id == uuid.UUID(int=5)
        assert (lead.consent.text, lead.consent.version, lead.consent.ip) == ("Call me.", 3, "192.0.2.7")
        assert lead.consent.text_sha256 == hashlib.sha256(b"Call me.").hexdigest()

    def test_who_waits_for_nothing_leaves_the_call_to_the_worker(self) -> None:
        accept_lead(submission(make_workspace()), now=NOW)

        dispatch = Dispatch.objects.get()
        assert get_channel("voice").inline
        assert (dispatch.status, dispatch.claimed_by, dispatch.due_at) == ("pending", "", NOW)

    def test_a_known_phone_adds_no_evidence(self) -> None:
        workspace = make_workspace()
        accept_lead(submission(workspace), now=NOW)

        with pytest.raises(DuplicatePhone):
            accept_lead(submission(workspace), now=NOW)

        assert Consent.objects.count() == 1

    def test_the_database_refuses_to_change_it(self) -> None:
        accept_lead(submission(make_workspace()), now=NOW)

        with pytest.raises(DatabaseError, match="kept as it was written"), transaction.atomic():
            Consent.objects.update(text="Something else")

        assert Consent.objects.get().text == "Call me."

    def test_it_goes_with_its_lead(self) -> None:
        accept_lead(submission(make_workspace()), now=NOW)

        Lead.objects.all().delete()

        assert not Consent.objects.exists()
