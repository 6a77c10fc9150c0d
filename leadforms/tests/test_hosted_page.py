"""The hosted form's page: what it shows, to whom, in which words, at what cost."""

import re
from datetime import timedelta

from django.test import TestCase
from django.utils import timezone

from conftest import make_workspace
from leadforms.content import QuestionType
from leadforms.tests.factories import document, make_form, make_published, question, step, when
from workspaces.models import PastSlug, Workspace


class PageTests(TestCase):
    def setUp(self) -> None:
        self.workspace = make_workspace(slug="northlight", name="Northlight Coaching", default_region="GB")

    def page(self, path: str = "/forms/northlight", **headers: str) -> str:
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, response.content
        return response.content.decode()

    def test_shows_every_type_of_question_in_four_queries_at_most(self) -> None:
        make_published(
            self.workspace, document(*(question(kind.value, label=f"A {kind.value}") for kind in QuestionType))
        )

        with self.assertNumQueries(1):
            page = self.page()

        for kind in set(QuestionType) - {QuestionType.HIDDEN}:
            assert f"A {kind.value}" in page
        assert "A hidden" not in page

    def test_asks_for_what_a_browser_can_fill_in(self) -> None:
        make_published(self.workspace)

        page = self.page()

        assert re.search(r'<input type="text" id="name" [^>]*autocomplete="name"', page)
        assert re.search(r'<input type="tel" id="phone" [^>]*autocomplete="tel"', page)
        assert re.search(r'<input type="email" id="email" [^>]*autocomplete="email"', page)
        assert '<option value="GB" selected>United Kingdom (+44)</option>' in page
        assert "checked" not in page

    def test_the_country_is_the_browsers_where_the_workspace_has_none(self) -> None:
        Workspace.objects.update(default_region="")
        make_published(self.workspace)

        assert '<option value="AT" selected>' in self.page(**{"Accept-Language": "de-AT,de;q=0.9"})

    def test_the_workspaces_language_goes_before_the_browsers(self) -> None:
        make_published(self.workspace, language="de")

        page = self.page(**{"Accept-Language": "fr"})

        assert '<html lang="de" dir="ltr"' in page
        assert "Vereinigtes Königreich (+44)" in page

    def test_the_browser_chooses_where_the_workspace_does_not(self) -> None:
        make_published(self.workspace)

        assert '<html lang="ar" dir="rtl"' in self.page(**{"Accept-Language": "sv, ar-EG;q=0.8, en;q=0.5"})
        assert '<html lang="en" dir="ltr"' in self.page(**{"Accept-Language": "sv"})

    def test_an_address_fills_in_the_contact_step_and_hidden_questions(self) -> None:
        plan = question("hidden", id="q_plan00", param="planName")
        make_published(self.workspace, document(plan))

        page = self.page("/forms/northlight?name=Ada&email=ada%40example.com&planname=Gold&consent=yes&token=x")

        assert 'name="name" value="Ada"' in page
        assert 'value="ada@example.com"' in page
        assert '<input type="hidden" name="q_plan00" value="Gold">' in page
        assert "checked" not in page

    def test_what_an_operator_wrote_is_text_and_its_addresses_are_links(self) -> None:
        content = document(question("statement", label="<b>Hi</b>\nsee https://acme.example/privacy"))
        make_published(self.workspace, content)

        page = self.page()

        assert "&lt;b&gt;Hi&lt;/b&gt;<br>see" in page
        assert '<a href="https://acme.example/privacy" rel="nofollow">' in page

    def test_without_scripts_a_conditional_question_says_when_it_is_meant(self) -> None:
        first = question("yes_no", label="Do you have a coach?")
        make_published(self.workspace, document(first, question(label="Who?", showIf=when(first, "equals", "yes"))))

        assert self.page().count("If it applies to you") == 1

    def test_the_contact_step_stands_where_the_operator_put_it(self) -> None:
        content = {"steps": [step(question(label="Why?"))], "consent": "I agree.", "contact": {"position": "first"}}
        make_published(self.workspace, content)

        page = self.page()

        assert page.index("Your name") < page.index("Why?")

    def test_an_unknown_form_is_a_page_that_says_so(self) -> None:
        for path in ("/forms/nobody", "/forms/nobody/thanks", "/forms/No%00body", "/forms/ünbekannt"):
            response = self.client.get(path)
            assert response.status_code == 404
            self.assertContains(response, "There is no form here", status_code=404)

    def test_an_unpublished_form_is_a_page_that_says_so(self) -> None:
        self.assertContains(self.client.get("/forms/northlight"), "This form is not open", status_code=404)
        make_form(self.workspace)
        self.assertContains(self.client.get("/forms/northlight"), "This form is not open", status_code=404)

    def test_a_paused_workspace_is_a_page_that_says_so(self) -> None:
        make_published(self.workspace)
        Workspace.objects.update(agent_enabled=False)

        page = self.page()

        assert "Northlight Coaching is not taking enquiries at the moment" in page
        assert "<form" not in page

    def test_an_old_address_leads_to_the_new_one_for_a_while(self) -> None:
        until = timezone.now() + timedelta(days=30)
        PastSlug.objects.create(slug="oldlight", workspace=self.workspace, until=until)
        PastSlug.objects.create(slug="older", workspace=self.workspace, until=timezone.now() - timedelta(seconds=1))

        get = self.client.get("/forms/oldlight?utm_source=ad&name=%C3%84")
        post = self.client.post("/forms/oldlight?embed=1", {"name": "Ada"})

        assert (get.status_code, get.headers["Location"]) == (302, "/forms/northlight?utm_source=ad&name=%C3%84")
        assert (post.status_code, post.headers["Location"]) == (307, "/forms/northlight?embed=1")
        assert self.client.get("/forms/oldlight/").headers["Location"] == "/forms/northlight"
        assert self.client.get("/forms/oldlight/thanks").headers["Location"] == "/forms/northlight/thanks"
        assert self.client.get("/forms/older").status_code == 404
        assert self.client.get("/forms/Northlight").headers["Location"] == "/forms/northlight"
        assert self.client.get("/forms/Northlight/?embed=1").headers["Location"] == "/forms/northlight?embed=1"

    def test_hides_the_form_of_other_workspaces(self) -> None:
        make_published(make_workspace(slug="other"), document(question(label="Secret question")))
        make_published(self.workspace)

        assert "Secret question" not in self.page()


class PolicyTests(TestCase):
    def policy(self, path: str = "/forms/northlight") -> str:
        response = self.client.get(path)
        assert "X-Frame-Options" not in response.headers
        return str(response.headers["Content-Security-Policy"])

    def test_nobody_may_frame_it_unless_the_workspace_says_so(self) -> None:
        make_published(make_workspace(slug="northlight"))

        assert self.policy().endswith("form-action 'self'; frame-ancestors 'none'")
        assert "unsafe" not in self.policy()

    def test_the_sites_that_a_workspace_names_may_frame_it(self) -> None:
        origins = ["https://acme.example", "https://shop.acme.example:8443", "https://x; script-src *"]
        make_published(make_workspace(slug="northlight"), embed_origins=origins)

        assert self.policy().endswith("frame-ancestors https://acme.example https://shop.acme.example:8443")
        assert self.policy("/forms/northlight/thanks") == self.policy()

    def test_what_knows_no_form_says_so_in_any_frame(self) -> None:
        response = self.client.get("/forms/nobody?embed=1")

        assert response.headers["Content-Security-Policy"].endswith("frame-ancestors *")

    def test_the_answer_may_lead_to_the_page_after_and_wherever_that_leads(self) -> None:
        design = {"redirectUrl": "https://acme.example/thanks?a=1"}
        make_published(make_workspace(slug="northlight"), design=design)

        assert "form-action 'self' https: http:;" in self.policy()
        assert "form-action 'self';" in self.policy("/forms/northlight?embed=1")

    def test_no_cache_keeps_it_for_others(self) -> None:
        make_published(make_workspace(slug="northlight"))

        response = self.client.get("/forms/northlight", headers={"Accept-Encoding": "gzip"})

        assert response.headers["Cache-Control"] == "private, no-cache"
        assert {"Accept-Language", "Accept-Encoding"} <= set(response.headers["Vary"].split(", "))
        assert "Set-Cookie" not in response.headers
