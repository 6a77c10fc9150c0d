"""Whatever is sent to the form is answered with a page that says what is wrong; nothing of it breaks anything."""

from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

from django.db import OperationalError
from django.test import TestCase
from django.utils import timezone
from hypothesis.extra.django import TestCase as HypothesisTestCase

from conftest import make_workspace
from leadforms import tokens
from leadforms.content import QuestionType
from leadforms.models import HeldSubmission
from leadforms.tests.factories import document, make_published, question
from leadforms.tests.test_submissions import ADA, PAGE, token_for
from leads.models import Lead
from tests.properties import HealthCheck, given, settings
from tests.properties import strategies as st

FORM = "application/x-www-form-urlencoded"


class BadSubmissionTests(TestCase):
    def setUp(self) -> None:
        workspace = make_workspace(slug="northlight", default_region="GB")
        kinds = [kind for kind in QuestionType if kind not in {QuestionType.STATEMENT, QuestionType.HIDDEN}]
        questions = [question(kind.value, id=f"q_{n:06d}", label=str(kind.label)) for n, kind in enumerate(kinds)]
        questions.append(question("hidden", id="q_hidden"))
        self.version = make_published(workspace, document(*questions))
        self.names = [each["id"] for each in questions]
        self.good = ADA | {"token": token_for(self.version)}

    def send(self, **fields: Any) -> Any:
        return self.client.post(PAGE, self.good | fields)

    def test_texts_beyond_their_limits_are_named_and_kept(self) -> None:
        response = self.send(name="n" * 121, email="e" * 250 + "@example.com", goal="g" * 2001, q_000001="l" * 5001)

        for words in ("at most 120 characters", "check the email address", "at most 2000", "at most 5000"):
            self.assertContains(response, words)
        self.assertContains(response, "l" * 5001)
        assert not Lead.objects.exists()

    def test_200_kb_of_text_are_named_and_not_all_sent_back(self) -> None:
        response = self.send(goal="x" * 200_000)

        self.assertContains(response, "Please write at most 2000 characters.")
        assert len(response.content) < 100_000

    def test_more_than_anybody_types_is_not_read(self) -> None:
        with self.assertNumQueries(1):
            response = self.send(goal="x" * 262_144)

        self.assertContains(response, "That was too much text", status_code=413)

    def test_more_fields_than_a_form_has_are_not_read(self) -> None:
        body = "&".join(f"q_{n}=1" for n in range(10_000))

        response = self.client.post(PAGE, body, content_type=FORM)

        self.assertContains(response, "That could not be read", status_code=400)
        self.assertContains(self.client.get(f"{PAGE}?{body}"), "That could not be read", status_code=400)

    def test_options_that_the_form_does_not_have_are_named(self) -> None:
        for name, kind in zip(self.names, QuestionType, strict=False):
            if kind in {QuestionType.SINGLE_CHOICE, QuestionType.MULTIPLE_CHOICE, QuestionType.DROPDOWN}:
                self.assertContains(self.send(**{name: "Mauve"}), "options")
        assert not Lead.objects.exists()

    def test_a_hidden_value_that_is_too_long_is_dropped(self) -> None:
        assert self.send(q_hidden="x" * 301).status_code == 303

        assert Lead.objects.get().form_responses == {}

    def test_what_no_database_takes_is_left_out(self) -> None:
        response = self.client.post(PAGE, _encoded(self.good | {"q_000000": "a\x00b", "name": "Ada\x00"}), FORM)

        assert response.status_code == 303
        assert (Lead.objects.get().name, Lead.objects.get().form_responses) == ("Ada", {"q_000000": "ab"})

    def test_bodies_that_are_no_forms_are_answered(self) -> None:
        for body, kind in (
            (b"%ff%fe=%00&name=%ed%a0%80", FORM),
            (b"name=x", f"{FORM}; charset=utf-7"),
            (b"name=x", f"{FORM}; charset=none-such"),
            (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
            (b"--x", "multipart/form-data"),
            (b"--\xff", "multipart/form-data; boundary=\xff"),
            (b"{}", "application/json"),
            (b"\xff\xff", "text/plain"),
            (b"", ""),
        ):
            response = self.client.generic("POST", PAGE, body, content_type=kind)
            assert response.status_code in {200, 400}, (body, kind)
            self.assertContains(response, "</html>", status_code=response.status_code)

    def test_other_methods_are_refused(self) -> None:
        assert self.client.put(PAGE).status_code == 405
        assert self.client.head(PAGE).status_code == 200

    def test_tracking_that_we_did_not_write_is_dropped(self) -> None:
        for text in ("[]", "{", "null", '{"utm_source": 5, "gclid": "' + "x" * 600 + '"}', "[" * 50_000, '"\\ud800"'):
            self.good["token"] = token_for(self.version)
            assert self.send(tracking=text).status_code == 303
        lead = Lead.objects.get()
        assert lead.metadata is None

    def test_while_the_database_is_away_a_page_says_to_send_it_again(self) -> None:
        with patch("leadforms.hosted.receive", side_effect=OperationalError("gone")):
            response = self.send()

        self.assertContains(response, "Please go back and send it again in a minute.", status_code=503)


def _encoded(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items())


class AnythingTests(HypothesisTestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_no_value_of_any_field_breaks_it(self, data: st.DataObject) -> None:
        workspace = make_workspace(slug="northlight", connected=False)
        questions = [question(kind.value, id=f"q_{n:06d}") for n, kind in enumerate(QuestionType)]
        version = make_published(workspace, document(*questions))
        token = tokens.issue(version, now=timezone.now())
        names = ["name", "phone", "phone_region", "email", "goal", "consent", "tracking", "token", "cb_remark"]
        names += [each["id"] for each in questions] + ["q_000003_region"]
        values = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
        sent = {"token": token} | data.draw(st.dictionaries(st.sampled_from(names), values))

        response = self.client.post(PAGE, _encoded(sent), FORM)

        assert response.status_code in {200, 303}
        assert Lead.objects.count() + HeldSubmission.objects.count() <= 1
