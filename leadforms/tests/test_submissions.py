"""What a visitor sends becomes a lead, once, and nobody learns more from the answer than that it was taken."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import TestCase
from django.utils import timezone

from conftest import make_lead, make_workspace
from leadforms import known, tokens
from leadforms.models import FormVersion, HeldSubmission, LeadForm
from leadforms.publishing import publish, unpublish
from leadforms.tests.factories import CONSENT, document, make_published, question, when
from leads.models import Alert, Consent, Dispatch, Lead, LeadEvent
from workspaces.models import Workspace

PAGE = "/forms/northlight"
THANKS = "/forms/northlight/thanks"
ADA = {"name": "Ada Byron", "phone": "07123 456789", "phone_region": "GB", "email": "ada@example.com", "consent": "yes"}


def token_for(version: FormVersion, *, age_s: float = 60) -> str:
    return tokens.issue(version, now=timezone.now() - timedelta(seconds=age_s))


class SubmissionTests(TestCase):
    def setUp(self) -> None:
        self.workspace = make_workspace(slug="northlight", name="Northlight", default_region="GB")
        self.why = question(id="q_why000", label="Why now?", required=True)
        self.who = question("yes_no", id="q_who000", label="Have you had a coach?")
        self.name = question(id="q_name00", label="Who?", required=True, showIf=when(self.who, "equals", "yes"))
        self.plan = question("hidden", id="q_plan00", param="plan")
        self.version = make_published(self.workspace, document(self.why, self.who, self.name, self.plan))
        self.token = token_for(self.version)

    def send(self, path: str = PAGE, **fields: Any) -> Any:
        meta = {name: fields.pop(name) for name in list(fields) if name.isupper()}
        answers = ADA | {"q_why000": "A new job", "token": self.token} | fields
        return self.client.post(path, {k: v for k, v in answers.items() if v is not None}, **meta)

    def assert_thanked(self, response: Any) -> None:
        assert (response.status_code, response.headers.get("Location")) == (303, THANKS), response.content.decode()

    def test_a_submission_becomes_a_lead_with_its_evidence(self) -> None:
        tracking = '{"utm_source": "ad", "gclid": "x1", "landing_page": "https://acme.example/", "evil": "1"}'

        response = self.send(
            q_plan00="Gold",
            q_who000="no",
            tracking=tracking,
            REMOTE_ADDR="192.0.2.7",
            HTTP_USER_AGENT="Phone/1",
        )

        self.assert_thanked(response)
        lead = Lead.objects.get()
        assert (lead.name, lead.phone, lead.email, lead.goal) == ("Ada Byron", "+447123456789", "ada@example.com", None)
        assert (lead.source, lead.form_version_id) == ("form", self.version.pk)
        assert lead.form_responses == {"q_why000": "A new job", "q_who000": "no", "q_plan00": "Gold"}
        assert lead.metadata == {"utm_source": "ad", "gclid": "x1", "landing_page": "https://acme.example/"}
        consent = lead.consent
        assert (consent.text, consent.version, consent.ip) == (CONSENT, 1, "192.0.2.7")
        assert (consent.user_agent, consent.page_url) == ("Phone/1", "http://testserver/forms/northlight")
        assert Dispatch.objects.get().status == "pending"

    def test_a_number_that_costs_extra_is_held_for_review(self) -> None:
        for phone, countries in (("+881 612 345 678", ""), ("0909 879 0000", ""), ("+49 151 12345678", "GB,IE")):
            Workspace.objects.update(called_countries=countries)
            self.token = token_for(self.version)
            self.assert_thanked(self.send(phone=phone))

        assert Lead.objects.count() == 0
        assert set(HeldSubmission.objects.values_list("reason", flat=True)) == {"costly_number"}
        assert HeldSubmission.objects.count() == 3

    def test_where_it_was_given_is_an_address_of_the_web_whatever_the_page_claims(self) -> None:
        self.assert_thanked(
            self.send(tracking='{"landing_page": "javascript:alert(1)", "referrer": "data:text/html,"}')
        )

        assert Lead.objects.get().metadata is None
        assert Consent.objects.get().page_url == "http://testserver/forms/northlight"

    def test_an_answer_to_a_question_that_is_not_shown_is_not_kept(self) -> None:
        self.assert_thanked(self.send(q_who000="no", q_name00="Somebody"))

        assert "q_name00" not in Lead.objects.get().form_responses

    def test_a_question_that_is_shown_is_required(self) -> None:
        response = self.send(q_who000="yes")

        self.assertContains(response, '<p class="problem" id="q_name00-error">Please answer this question.</p>')
        assert not Lead.objects.exists()

    def test_problems_are_named_at_the_field_and_in_a_summary_and_what_was_typed_stays(self) -> None:
        response = self.send(phone="12", q_why000="<Because>", consent=None, q_plan00="Gold", tracking='{"gclid":"7"}')

        page = response.content.decode()
        assert response.status_code == 200
        assert "<title>Error: Northlight</title>" in page
        assert re.search(r'<li><a href="#phone"><bdi>Phone number</bdi> Please check the phone number', page)
        assert re.search(
            r'<input type="tel" id="phone" [^>]*value="12"[^>]*aria-invalid="true" aria-describedby="phone-error"', page
        )
        assert 'value="&lt;Because&gt;"' in page
        assert 'name="q_plan00" value="Gold"' in page
        assert 'name="tracking" value="{&quot;gclid&quot;:&quot;7&quot;}"' in page
        assert f'name="token" value="{self.token}"' in page
        assert response.headers["Cache-Control"] == "no-store"
        self.assert_thanked(self.send(q_why000="Because"))

    def test_sending_twice_makes_one_lead_and_the_same_thank_you(self) -> None:
        self.assert_thanked(self.send())
        self.assert_thanked(self.send())

        assert Lead.objects.count() == 1

    def test_clicking_again_uses_up_none_of_what_an_address_may_send(self) -> None:
        with self.settings(FORM_LIMIT_PER_IP=2):
            for _click in range(4):
                self.assert_thanked(self.send())
            self.assert_thanked(self.send(phone="07123 456780", token=token_for(self.version)))

        assert Lead.objects.count() == 2
        assert not HeldSubmission.objects.exists()

    def test_a_second_submission_from_the_same_page_must_be_sent_again(self) -> None:
        self.assert_thanked(self.send())

        again = self.send(phone="07123 456780")

        self.assertContains(again, "Please send it again.")
        self.assertContains(again, 'value="07123 456780"')
        assert Lead.objects.count() == 1
        fresh = re.search(r'name="token" value="([^"]+)"', again.content.decode())
        assert fresh is not None
        self.assert_thanked(self.send(phone="07123 456780", token=fresh[1]))
        assert Lead.objects.count() == 2
        assert not HeldSubmission.objects.exists()

    def test_a_forged_or_old_token_loses_no_answer(self) -> None:
        other = make_published(make_workspace(slug="other"))
        for token in ("", "x", self.token[:-1] + "~", token_for(self.version, age_s=90_000), token_for(other), "\x00é"):
            response = self.send(token=token, q_why000="Because")

            self.assertContains(response, "Please send it again.")
            self.assertContains(response, 'value="Because"')
        assert not Lead.objects.exists()

    def test_who_had_the_page_open_for_a_day_may_send_it_again_at_once(self) -> None:
        again = self.send(token=token_for(self.version, age_s=90_000)).content.decode()

        fresh = re.search(r'name="token" value="([^"]+)"', again)
        assert fresh is not None
        self.assert_thanked(self.send(token=fresh[1]))
        assert Lead.objects.count() == 1
        assert not HeldSubmission.objects.exists()

    def test_a_known_phone_is_thanked_as_anybody(self) -> None:
        make_lead(self.workspace, phone="+447123456789")

        self.assert_thanked(self.send())

        assert Lead.objects.count() == 1
        assert not Consent.objects.exists()
        assert not HeldSubmission.objects.exists()

    def test_what_a_known_phone_sends_is_kept_in_the_leads_timeline_and_members_are_told(self) -> None:
        lead = make_lead(self.workspace, phone="+447123456789")
        make_lead(make_workspace(slug="other"), phone="+447123456789")

        self.assert_thanked(self.send(email="", goal="Now I mean it", q_who000="no", HTTP_ACCEPT_LANGUAGE="de"))
        self.assert_thanked(self.send(goal="At once", token=token_for(self.version)))

        events = LeadEvent.objects.order_by("pk")
        assert {(event.lead_id, event.kind) for event in events} == {(lead.pk, "sent_again")}
        assert [event.data["text"] for event in events] == [
            "Name: Ada Byron\nGoal: Now I mean it\nWhy now?: A new job\nHave you had a coach?: No",
            "Name: Ada Byron\nEmail: ada@example.com\nGoal: At once\nWhy now?: A new job",
        ]
        assert (Alert.objects.get().lead_id, Alert.objects.get().reason) == (lead.pk, "Sent the form again.")
        assert not Dispatch.objects.exists()

    def test_nobody_fills_a_leads_timeline(self) -> None:
        lead = make_lead(self.workspace, phone="+447123456789")
        once = LeadEvent(lead=lead, kind=LeadEvent.Kind.SENT_AGAIN, at=timezone.now())
        LeadEvent.objects.bulk_create([once] * known.KEPT_AT_MOST)

        self.assert_thanked(self.send())

        assert LeadEvent.objects.count() == known.KEPT_AT_MOST

    def test_answers_are_checked_against_the_version_that_was_shown(self) -> None:
        form = LeadForm.objects.get()
        LeadForm.objects.update(draft=document(question(id="q_other0", required=True)))
        form.refresh_from_db()
        publish(form, revision=form.draft_revision, by_id=None, now=timezone.now())

        self.assert_thanked(self.send())

        assert Lead.objects.get().form_version_id == self.version.pk

    def test_a_page_that_was_open_when_the_form_closed_is_still_taken(self) -> None:
        unpublish(LeadForm.objects.get())

        self.assert_thanked(self.send())

        assert Lead.objects.count() == 1
        self.assertContains(self.send(token="x"), "This form is not open", status_code=404)

    def test_a_page_that_was_open_when_the_workspace_paused_is_kept_and_nobody_contacted(self) -> None:
        Workspace.objects.update(agent_enabled=False)

        self.assert_thanked(self.send())

        assert Dispatch.objects.get().status == "skipped"

    def test_what_looks_like_spam_is_kept_back_and_thanked(self) -> None:
        self.assert_thanked(self.send(cb_remark="Buy", goal="Buy at https://spam.example"))
        self.token = token_for(self.version, age_s=0)
        self.assert_thanked(self.send(phone="07123 456780"))

        assert not Lead.objects.exists()
        assert {held.reason for held in HeldSubmission.objects.all()} == {"honeypot", "too_fast"}

    def test_answers_that_machines_repeat_or_fill_with_links_weigh_with_the_hidden_field(self) -> None:
        for text in ("Buy at https://spam.example", "Ada Byron"):
            self.token = token_for(self.version)
            self.assert_thanked(self.send(cb_remark="x", q_why000=text))

        assert {held.reason for held in HeldSubmission.objects.all()} == {"honeypot"}
        assert not Lead.objects.exists()

    def test_a_person_whose_browser_fills_in_the_hidden_field_becomes_a_lead(self) -> None:
        self.assert_thanked(self.send(cb_remark="https://ada.example", homepage="https://ada.example"))

        assert Lead.objects.get().name == "Ada Byron"
        assert not HeldSubmission.objects.exists()

    def test_what_comes_after_the_days_cap_is_kept_back(self) -> None:
        LeadForm.objects.update(daily_cap=1)
        self.assert_thanked(self.send())
        self.token = token_for(self.version)

        self.assert_thanked(self.send(phone="07123 456780"))

        assert [lead.phone for lead in Lead.objects.all()] == ["+447123456789"]
        assert HeldSubmission.objects.get().reason == "daily_cap"

    def test_known_phones_use_up_nothing_of_the_days_cap(self) -> None:
        LeadForm.objects.update(daily_cap=1)
        make_lead(self.workspace, phone="+447123456789")
        self.assert_thanked(self.send())
        self.token = token_for(self.version)

        self.assert_thanked(self.send(phone="07123 456780"))

        assert Lead.objects.count() == 2

    def test_a_crash_while_it_is_kept_leaves_nothing_half_done(self) -> None:
        with patch("leads.intake.Consent.objects.create", side_effect=RuntimeError), pytest.raises(RuntimeError):
            self.send()
        assert not Lead.objects.exists()

        self.assert_thanked(self.send())

        assert Lead.objects.count() == 1

    def test_a_configured_page_takes_the_place_of_the_thank_you(self) -> None:
        LeadForm.objects.update(design={"redirectUrl": "https://acme.example/thanks"})

        response = self.send()

        assert (response.status_code, response.headers["Location"]) == (303, "https://acme.example/thanks")

    def test_in_a_frame_the_thank_you_links_to_it(self) -> None:
        LeadForm.objects.update(design={"redirectUrl": "https://acme.example/thanks"})

        response = self.send(f"{PAGE}?embed=1")

        assert response.headers["Location"] == f"{THANKS}?embed=1"
        thanks = self.client.get(response.headers["Location"])
        self.assertContains(thanks, '<a class="onward" href="https://acme.example/thanks" target="_top">')

    def test_no_scheme_but_that_of_the_web_is_redirected_to(self) -> None:
        LeadForm.objects.update(design={"redirectUrl": "javascript:alert(1)"})

        self.assert_thanked(self.send())

    def test_the_thank_you_is_the_workspaces_own(self) -> None:
        self.assertContains(self.client.get(THANKS), "We have your details and will be in touch.")
        LeadForm.objects.update(design={"thankYou": {"title": "Lovely", "text": "We ring you before six."}})

        page = self.client.get(THANKS)

        self.assertContains(page, "Lovely")
        self.assertContains(page, "We ring you before six.")
        self.assertContains(page, "<bdi>Northlight</bdi>", html=True)

    def test_hides_the_questions_of_other_workspaces(self) -> None:
        make_published(make_workspace(slug="other"), document(question(id="q_other0")))

        self.assert_thanked(self.send(q_other0="not mine", q_zzzzzz="nobody's", website="x"))

        assert Lead.objects.get().form_responses == {"q_why000": "A new job"}
        assert Lead.objects.get().workspace_id == self.workspace.pk
