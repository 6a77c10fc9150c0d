"""The form's own texts in eight languages: complete, with their placeholders, and shown to whom they are for."""

import re
from typing import Any

import pytest
from django.utils import translation
from django.utils.timezone import now

from conftest import make_workspace
from leadforms import publishing
from leadforms.languages import CODES
from leadforms.models import LeadForm
from scripts import messages
from workspaces.models import Workspace

THEIRS = {
    "en": "Phone number",
    "de": "Telefonnummer",
    "fr": "Numéro de téléphone",
    "es": "Número de teléfono",
    "pt": "Número de telefone",
    "it": "Numero di telefono",
    "nl": "Telefoonnummer",
    "ar": "رقم الهاتف",
}


def make_form(**overrides: Any) -> Workspace:
    workspace = make_workspace()
    form = publishing.find_form(workspace, now=now())
    publishing.publish(form, revision=form.draft_revision, by_id=None, now=now())
    LeadForm.objects.filter(pk=form.pk).update(**overrides)
    return workspace


@pytest.mark.parametrize("language", messages.languages())
def test_says_everything_with_the_same_placeholders(language: str) -> None:
    for message in messages.read_catalog(language):
        if not message.id:
            continue
        said = [message.string] if isinstance(message.string, str) else list(message.string or ())
        asked = message.id if isinstance(message.id, str) else message.id[0]
        assert all(said), asked
        for text in said:
            assert set(re.findall(r"%\(\w+\)[sd]", text)) == set(re.findall(r"%\(\w+\)[sd]", asked)), text


@pytest.mark.parametrize("language", messages.languages())
def test_finds_a_plural_for_every_number(language: str) -> None:
    with translation.override(language):
        for number in (0, 1, 2, 3, 11, 100):
            text = translation.ngettext(
                "Please choose at least %(number)d option.", "Please choose at least %(number)d options.", number
            )
            assert str(number) in text % {"number": number}
            assert "option." not in text or language == "fr"


@pytest.mark.django_db
@pytest.mark.parametrize("language", CODES)
def test_speaks_the_language_of_the_visitors_browser(client: Any, language: str) -> None:
    workspace = make_form()

    page = client.get(f"/forms/{workspace.slug}", headers={"Accept-Language": f"{language}-XX,{language};q=0.8"})

    html = page.content.decode()
    assert THEIRS[language] in html
    assert f'lang="{language}"' in html
    assert ('dir="rtl"' in html) is (language == "ar")


@pytest.mark.django_db
def test_speaks_the_language_the_workspace_chose_whatever_the_browser_asks_for(client: Any) -> None:
    workspace = make_form(language="it")

    page = client.get(f"/forms/{workspace.slug}", headers={"Accept-Language": "de"})

    assert THEIRS["it"] in page.content.decode()


@pytest.mark.django_db
def test_names_problems_in_that_language(client: Any) -> None:
    workspace = make_form(language="fr")

    page = client.post(f"/forms/{workspace.slug}", {"name": "", "token": "x"})

    assert "Veuillez saisir votre nom." in page.content.decode()
