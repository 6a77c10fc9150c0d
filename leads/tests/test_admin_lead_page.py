"""The lead's page in Django admin: what was answered, and the evidence of the consent."""

import re
from typing import Any

import pytest
from django.test import Client

from conftest import NOW, make_lead, make_member, make_workspace
from leadforms.tests.factories import document, make_published, question
from leads.models import Consent, Lead
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def facts_on_page(workspace: Workspace, lead: Lead) -> dict[str, str]:
    client = Client()
    client.force_login(make_member(workspace, role="agent"))
    answer: Any = client.get(f"/admin/leads/lead/{lead.pk}/change/")
    assert answer.status_code == 200
    return dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', answer.content.decode(), re.DOTALL))


def test_shows_answers_in_words_and_the_evidence_of_the_consent() -> None:
    workspace = make_workspace()
    version = make_published(workspace, document(question("yes_no", "Coached <before>?", id="q_before")))
    lead = make_lead(workspace, form_version_id=version.pk, form_responses={"q_before": "no", "q_other1": "<b>"})
    Consent.objects.create(
        lead=lead,
        **{"text": "Call me, Acme.", "version": 3, "text_sha256": "0" * 64, "given_at": NOW, "ip": "192.0.2.7"},
        **{"user_agent": "Firefox", "page_url": "https://coachbot.example/forms/acme"},
        **{"embedded_by": "https://acme.example"},
    )

    assert facts_on_page(workspace, lead) == {
        "Coached &lt;before&gt;?": "No",
        "q_other1": "&lt;b&gt;",
        "Text": "Call me, Acme.",
        "Version": "3",
        "Given at": "2026-06-07 13:03:37 UTC",
        "IP address": "192.0.2.7",
        "Browser": "Firefox",
        "Page": "https://coachbot.example/forms/acme",
        "In a frame on": "https://acme.example",
    }


def test_says_who_vouches_for_a_consent_that_we_did_not_ask_for() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace)
    client = Client()
    client.force_login(make_member(workspace))

    text = client.get(f"/admin/leads/lead/{lead.pk}/change/").content.decode()

    assert "Stated by the system that sent the lead; no text of ours was shown." in text
