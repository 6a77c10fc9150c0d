"""The evidence of a consent names the page that we served and the site that we saw around it, never a claim."""

import json
import re
from typing import Any

from django.test import TestCase

from conftest import make_workspace
from leadforms.models import HeldSubmission, LeadForm
from leadforms.tests.factories import document, make_published
from leads.models import Consent, Lead

OURS = "http://testserver/forms/northlight"
ACME = "https://acme.example"
ADA = {"name": "Ada Byron", "phone": "+447123456789", "consent": "yes"}


class ConsentPageTests(TestCase):
    def setUp(self) -> None:
        self.enterContext(self.settings(FORM_MIN_SECONDS=0))
        workspace = make_workspace(slug="northlight", name="Northlight")
        make_published(workspace, document(), embed_origins=[ACME, "https://www.acme.example"])

    def show(self, query: str = "embed=1", referrer: str = f"{ACME}/contact") -> str:
        headers: Any = {"HTTP_REFERER": referrer} if referrer else {}
        page = self.client.get(f"/forms/northlight?{query}", **headers).content.decode()
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found
        return found[1]

    def send(self, token: str, **fields: Any) -> Any:
        # A browser names our own page here: the form stands on it, in a frame too.
        return self.client.post("/forms/northlight?embed=1", ADA | {"token": token} | fields, HTTP_REFERER=OURS)

    def agree(self, token: str, **fields: Any) -> Consent:
        response = self.send(token, **fields)
        assert response.status_code == 303, response.content.decode()
        return Consent.objects.get()

    def test_a_visitors_claim_stays_in_the_metadata(self) -> None:
        claim = "https://bank.example/loans"

        consent = self.agree(self.show(referrer=""), tracking=json.dumps({"landing_page": claim}))

        assert (consent.page_url, consent.embedded_by) == (OURS, "")
        assert Lead.objects.get().metadata == {"landing_page": claim}

    def test_names_the_site_that_showed_the_form(self) -> None:
        consent = self.agree(self.show(query="embed=1&cb_page=https%3A%2F%2Fbank.example%2F"))

        assert (consent.page_url, consent.embedded_by) == (OURS, ACME)

    def test_names_no_site_that_may_not_show_the_form(self) -> None:
        for referrer in ("https://bank.example/", "https://acme.example.bank.example/", "http://acme.example/", "://["):
            assert self.agree(self.show(referrer=referrer)).embedded_by == "", referrer
            Lead.objects.all().delete()

    def test_names_no_site_that_only_links_to_the_form(self) -> None:
        assert self.agree(self.show(query="utm_source=x")).embedded_by == ""

    def test_names_no_site_that_was_taken_off_the_list_before_the_form_was_sent(self) -> None:
        token = self.show()
        LeadForm.objects.update(embed_origins=["https://www.acme.example"])

        assert self.agree(token).embedded_by == ""

    def test_the_site_can_not_be_put_into_a_token(self) -> None:
        with_site, without = self.show().split("."), self.show(referrer="").split(".")
        forged = [*without[:-1], *with_site[3:]] if len(with_site) > len(without) else []

        assert forged
        assert self.send(".".join(forged)).status_code == 200
        assert not Lead.objects.exists()

    def test_the_site_is_remembered_when_answers_have_to_be_mended(self) -> None:
        again = self.send(self.show(), phone="1").content.decode()
        token = re.search(r'name="token" value="([^"]+)"', again)

        assert token
        assert self.agree(token[1]).embedded_by == ACME

    def test_what_is_held_back_keeps_it_too(self) -> None:
        self.send(self.show(), name="Win at evil.com")

        held = HeldSubmission.objects.get()
        assert (held.consent["page_url"], held.consent["embedded_by"]) == (OURS, ACME)
