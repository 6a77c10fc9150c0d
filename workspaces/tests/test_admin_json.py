"""JSON that staff type into Django admin: what can't be stored or read back is refused at its field."""

from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.test import Client, RequestFactory

from conftest import make_member, make_user, make_workspace
from workspaces.json_field import StrictJSONField
from workspaces.models import Integration

pytestmark = pytest.mark.django_db
ACCOUNTS = "/admin/workspaces/integration/"
REFUSED = [
    ('{"a": NaN}', "NaN is no JSON number. Send null instead."),
    ('{"a": -Infinity}', "-Infinity is no JSON number. Send null instead."),
    ('{"a": 1e999}', "The number 1e999 is too large for a double."),
    ('{"a": 1, "a": 2}', "The key &quot;a&quot; appears twice."),
    ('{"a": "\\u0000"}', "Must not contain NUL characters."),
    ('{"a\\u0000": 1}', "Must not contain NUL characters."),
    ('{"a": "\\ud800"}', "A string holds half of a surrogate pair"),
    ('{"a": ' + "[" * 2000 + "]" * 2000 + "}", "Nested deeper than 200 levels."),
    ('{"a": ' + '{"a":' * 20_000 + "1" + "}" * 20_001, "Nested deeper than 200 levels."),
    ("[" * 100_000, "Nested deeper than 200 levels."),
    ('{"a": 1,}', "Expecting property name enclosed in double quotes at line 1, column 9."),
]


@pytest.mark.parametrize(("typed", "words"), REFUSED, ids=lambda text: text[:20])
def test_says_what_is_wrong_with_options(typed: str, words: str) -> None:
    workspace = make_workspace(connected=False)
    client = Client(raise_request_exception=False)
    client.force_login(make_member(workspace))
    data = {"workspace": workspace.pk, "provider": "calcom", "calcom_api_key": "k", "calcom_event_type_id": "10"}

    answer = client.post(f"{ACCOUNTS}add/", data | {"options": typed})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Integration.objects.exists()


def test_stores_options_that_can_be_stored() -> None:
    workspace = make_workspace(connected=False)
    client = Client(raise_request_exception=False)
    client.force_login(make_member(workspace))
    data = {"workspace": workspace.pk, "provider": "calcom", "calcom_api_key": "k", "calcom_event_type_id": "10"}
    deep = '{"a": [1.5, null, "é", ' + "[" * 190 + "1" + "]" * 190 + "]}"

    assert client.post(f"{ACCOUNTS}add/", data | {"options": deep}).status_code == 302

    row = Integration.objects.get()
    assert row.options["a"][:3] == [1.5, None, "é"]
    assert client.get(f"{ACCOUNTS}{row.pk}/change/").status_code == 200


def test_every_json_field_of_the_admin_is_strict() -> None:
    request: Any = RequestFactory().get("/")
    request.user = make_user(is_superuser=True)
    found = {
        f"{each.opts.label}.{name}": field
        for each in admin.site._registry.values()
        for name, field in each.get_form(request).base_fields.items()
        if isinstance(field, forms.JSONField)
    }

    assert "workspaces.Integration.options" in found
    assert {name for name, field in found.items() if not isinstance(field, StrictJSONField)} == set()
