"""Leads leave as CSV: those that were chosen, whole, and harmless to who opens the file."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conftest import NOW, make_lead, make_member, make_user, make_workspace
from leadforms.tests.factories import document, make_published, question
from leads.export import BATCH, COLUMNS, harmless
from leads.models import Consent, Lead
from tests.properties import given
from tests.properties import strategies as st
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LEADS = "/admin/leads/lead/"


def export(workspace: Workspace, *leads: Lead, query: str = "", role: str = "owner", everything: bool = False) -> Any:
    client = Client()
    client.force_login(make_member(workspace, role=role))
    return post(client, *leads, query=query, everything=everything)


def post(client: Client, *leads: Lead, query: str = "", everything: bool = False) -> Any:
    data = {
        "action": "export_csv",
        "_selected_action": [str(lead.pk) for lead in leads],
        "select_across": "1" if everything else "0",
    }
    return client.post(LEADS + query, data)


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    assert header == list(COLUMNS)
    return [dict(zip(header, row, strict=True)) for row in rows]


def agree(lead: Lead, **overrides: Any) -> Consent:
    fields = {
        **{"text": "Call me, Acme.", "version": 3, "text_sha256": "0" * 64, "given_at": NOW, "ip": "192.0.2.7"},
        **{"user_agent": "Firefox", "page_url": "https://coachbot.example/forms/acme"},
        **{"embedded_by": "https://acme.example"},
    }
    return Consent.objects.create(lead=lead, **(fields | overrides))


def test_holds_all_that_is_known_of_a_lead() -> None:
    workspace = make_workspace(slug="acme")
    version = make_published(workspace, document(question("yes_no", "Coached before?", id="q_before")))
    lead = make_lead(
        workspace,
        **{"name": "Jané Doe", "phone": "+447123456789", "email": "jane@example.com", "goal": "Sleep\nbetter"},
        **{"metadata": {"utm_source": "newsletter"}, "form_version_id": version.pk, "source": "form"},
        **{"form_responses": {"q_before": "yes", "q_other1": "x"}, "booking_uid": "bk_1", "booking_start": NOW},
    )
    agree(lead)

    answer = export(workspace, lead)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="leads-20')
    assert "no-store" in answer["Cache-Control"]
    assert rows_of(answer) == [
        {
            "id": str(lead.pk),
            "workspace": "acme",
            "created_at": "2026-06-07T13:03:37.162Z",
            "name": "Jané Doe",
            "phone": "+447123456789",
            "email": "jane@example.com",
            "goal": "Sleep\nbetter",
            "status": "new",
            "source": "form",
            "channel": "voice",
            "is_test": "no",
            "qualification_notes": "",
            "booking_uid": "bk_1",
            "booking_start": "2026-06-07T13:03:37.162Z",
            "metadata": '{"utm_source": "newsletter"}',
            "answers": "Coached before?: Yes\nq_other1: x",
            "consent_text": "Call me, Acme.",
            "consent_version": "3",
            "consent_given_at": "2026-06-07T13:03:37.162Z",
            "consent_ip": "192.0.2.7",
            "consent_user_agent": "Firefox",
            "consent_page_url": "https://coachbot.example/forms/acme",
            "consent_embedded_by": "https://acme.example",
        }
    ]


def test_holds_what_was_selected_newest_first() -> None:
    workspace = make_workspace()
    old, _, new = (make_lead(workspace, name=str(n), created_at=NOW + timedelta(hours=n)) for n in range(3))
    assert [row["name"] for row in rows_of(export(workspace, old, new))] == ["2", "0"]


def test_holds_all_that_is_filtered_however_many_pages_there_are() -> None:
    workspace = make_workspace()
    Lead.objects.bulk_create(
        Lead(
            **{"workspace": workspace, "channel": "voice", "name": f"Lead {n}", "phone": f"+4471{n:08d}"},
            **{"status": "new" if n % 2 else "booked", "updated_at": NOW},
            # Many at the same instant: pages must neither skip nor repeat them.
            created_at=NOW + timedelta(seconds=n // 400),
        )
        for n in range(2 * BATCH + 2 * BATCH + 10)
    )
    first = Lead.objects.filter(status="new").first()
    assert first is not None

    rows = rows_of(export(workspace, first, query="?status__exact=new", everything=True))

    assert len(rows) == len({row["id"] for row in rows}) == 2 * BATCH + 5
    assert {row["status"] for row in rows} == {"new"}


def test_hides_leads_of_other_workspaces() -> None:
    workspace, other = make_workspace(), make_workspace()
    ours, theirs = make_lead(workspace), make_lead(other)

    assert [row["id"] for row in rows_of(export(workspace, ours, theirs))] == [str(ours.pk)]
    assert [row["id"] for row in rows_of(export(workspace, ours, everything=True))] == [str(ours.pk)]


def test_agents_who_work_leads_may_export_them() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace)
    assert len(rows_of(export(workspace, lead, role="agent"))) == 1


def test_who_is_no_member_gets_nothing() -> None:
    client = Client()
    client.force_login(make_user())
    assert post(client, make_lead()).status_code == 403


def test_who_submits_a_formula_gets_it_back_as_text() -> None:
    workspace = make_workspace()
    lead = make_lead(
        workspace,
        **{"name": "=HYPERLINK(\"https://evil.example\")", "goal": "fine;=1+1", "phone": "+447123456789"},
        form_responses={"@SUM(1)": "x"},
    )  # fmt: skip
    agree(lead, user_agent="-2+3", page_url="+cmd|' /C calc'!A0")

    (row,) = rows_of(export(workspace, lead))

    assert row["name"] == '\'=HYPERLINK("https://evil.example")'
    assert row["goal"] == "fine;'=1+1"
    assert row["answers"] == "'@SUM(1): x"
    assert (row["consent_user_agent"], row["consent_page_url"]) == ("'-2+3", "'+cmd|' /C calc'!A0")
    assert row["phone"] == "+447123456789"


@given(st.text(st.sampled_from("=+-@;,|\t\n\r\"' a1＝＠")))
def test_no_cell_begins_with_a_formula_however_the_line_is_split(text: str) -> None:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(["a", harmless(text)])
    for delimiter in ",;|\t":
        # A spreadsheet takes each kind of line break.
        lines = line.getvalue().replace("\r", "\n").split("\n")
        for row in csv.reader(lines, delimiter=delimiter):
            assert not [cell for cell in row if cell.startswith(tuple("=+-@＝＠"))]


def test_asks_no_more_for_many_leads_than_for_one(django_assert_max_num_queries: Any) -> None:
    workspace = make_workspace()
    version = make_published(workspace, document(question(id="q_answer")))
    # Half of them by the API: they name no version.
    versions = [version.pk, None] * 10
    leads = [make_lead(workspace, form_responses={"q_answer": "x"}, form_version_id=pk) for pk in versions]
    for lead in leads:
        agree(lead)
    answer = export(workspace, *leads)
    with django_assert_max_num_queries(3):
        assert len(rows_of(answer)) == 20
