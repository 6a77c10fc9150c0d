"""The hosted form is light enough for a bad phone."""

import gzip
import re
from pathlib import Path

from django.conf import settings
from django.test import TestCase

from conftest import make_workspace
from leadforms.content import QuestionType
from leadforms.tests.factories import make_published, question, step

BUDGET = 30_000


class WeightTests(TestCase):
    def test_the_page_and_what_it_loads_stay_within_30_kb(self) -> None:
        steps = [step(*(question(kind.value, label=f"Question about {kind.label}?") for kind in QuestionType))]
        steps += [step(*(question(kind.value) for kind in QuestionType), title=f"Step {n}") for n in range(2)]
        make_published(make_workspace(slug="northlight"), {"steps": steps, "consent": "I agree. " * 40}, language="ar")

        response = self.client.get("/forms/northlight", headers={"Accept-Encoding": "gzip"})
        page = len(response.content)
        html = gzip.decompress(response.content).decode()
        theme = html.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
        files = [Path(settings.BASE_DIR, "static", name).read_bytes() for name in FILES]
        files.append(self.client.get(theme).content)

        assert page + sum(len(gzip.compress(content)) for content in files) < BUDGET

    def test_the_page_loads_nothing_but_those_files(self) -> None:
        make_published(make_workspace(slug="northlight"))

        page = self.client.get("/forms/northlight").content.decode()

        assert page.count("<script") == 2
        assert page.count('<script id="form-data" type="application/json">') == 1
        assert page.count('rel="stylesheet"') == 2
        assert not re.search(r'(src|href)="(https?:|//)', page)


FILES = ("css/form.css", "js/form.js", "js/form-draft.js", "js/form-logic.js")
