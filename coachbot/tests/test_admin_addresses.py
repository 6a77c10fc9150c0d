"""Django admin answers whatever stands in an address: no value, look-up or id in it is a crash."""

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db import models, transaction
from django.test import Client
from django.urls import reverse

from conftest import make_user, make_workspace
from leads.tests.test_admin import JOURNAL, LEADS, make_everything
from tests.properties import HealthCheck, given, settings
from tests.properties import strategies as st

pytestmark = pytest.mark.django_db
ANY = settings(
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ADMINS: "list[ModelAdmin[Any]]" = list(admin.site._registry.values())
NASTY = [
    *("(", "[a-", "*", "\\", "%", "'", "\x00", "a\x00b", "\ud800".encode("utf-8", "surrogatepass"), "\U0010ffff"),
    *("", ",", "a,b", "None", "null", "True", "NaN", "Infinity", "1e999", "-1", "9" * 40, "0" * 5000),
    *("0001-01-01", "9999-12-31T23:59:59-23:59", "2026-02-30", "{}", "[" * 3000, "x" * 5000),
]
FEW = ["(", "\x00", "", "-1", "9" * 40, "9999-12-31T23:59:59-23:59", "NaN", "[" * 3000]
OWN_WORDS = ["q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters", "workspace"]


def names_of(model: Any) -> Iterator[str]:
    """Every column of a model, and those one relation further."""
    for field in model._meta.get_fields():
        yield field.name
        if field.is_relation and field.related_model:
            yield from (f"{field.name}__{inner.name}" for inner in field.related_model._meta.fields)


FIELDS = (models.CharField(), models.DateTimeField(), models.JSONField(), models.IntegerField())
LOOKUPS = sorted({name for field in FIELDS for name in field.get_lookups()})
COLUMNS = [(each, name) for each in ADMINS for name in ("pk", *names_of(each.model))]
nasty = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def client() -> Client:
    """A superuser's browser, with a row in most lists."""
    make_everything(make_workspace())
    client = Client(raise_request_exception=False)
    client.force_login(make_user(is_superuser=True))
    return client


def page_of(model_admin: "ModelAdmin[Any]", page: str, *args: Any) -> str:
    opts = model_admin.opts
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def ask(client: Client, path: str, query: dict[str, Any]) -> None:
    # PostgreSQL takes no further statement in a transaction in which one failed.
    with transaction.atomic():
        answer = client.get(f"{path}?{urlencode(query)}")
    assert answer.status_code < 500, (path, query)


def test_a_bad_pattern_is_no_crash(client: Client) -> None:
    answer = client.get(LEADS, {"name__regex": "("})

    assert (answer.status_code, answer["Location"]) == (302, f"{LEADS}?e=1")
    assert client.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: each.opts.label)
def test_each_list_takes_its_own_filters_alone(client: Client, model_admin: "ModelAdmin[Any]") -> None:
    path = page_of(model_admin, "changelist")
    text = next(
        (field.name for field in model_admin.opts.fields if isinstance(field, models.TextField | models.CharField)),
        "pk",
    )

    for name in (f"{text}__regex", f"{text}__icontains", "pk__in", "pk__gt", "nothing"):
        answer = client.get(path, {name: "("})
        assert (answer.status_code, answer["Location"]) == (302, f"{path}?e=1"), name
    assert client.get(path, {"q": "jane", "p": "1", "o": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        (LEADS, {"status__exact": "new"}, True),
        (LEADS, {"status__exact": "booked"}, False),
        (LEADS, {"is_test__exact": "0", "source__exact": "api"}, True),
        (JOURNAL, {"outcome__exact": "rejected"}, True),
        (JOURNAL, {"again": "open"}, False),
    ],
)
def test_filters_still_filter(client: Client, path: str, query: dict[str, str], found: bool) -> None:
    answer = client.get(path, query)

    assert answer.status_code == 200
    assert bool(answer.context["cl"].result_count) is found


@ANY
@given(column=st.sampled_from(COLUMNS), lookup=st.sampled_from(["", *LOOKUPS]), value=nasty)
def test_answers_any_lookup(client: Client, column: "tuple[ModelAdmin[Any], str]", lookup: str, value: Any) -> None:
    model_admin, name = column

    ask(client, page_of(model_admin, "changelist"), {f"{name}__{lookup}" if lookup else name: value})


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: each.opts.label)
def test_answers_any_value_of_a_lists_own_parameters(client: Client, model_admin: "ModelAdmin[Any]") -> None:
    filters: list[Any] = list(model_admin.list_filter)
    classes: list[Any] = [each for each in filters if isinstance(each, type)]
    fields = [each if isinstance(each, str) else each[0] for each in filters if each not in classes]
    own = [f"{name}__{lookup}" for name in fields for lookup in ("exact", "isnull", "isempty")]
    own += [each.parameter_name for each in classes]

    for name, value in itertools.product([*OWN_WORDS, *own], FEW):
        ask(client, page_of(model_admin, "changelist"), {name: value})


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: each.opts.label)
def test_answers_any_id(client: Client, model_admin: "ModelAdmin[Any]") -> None:
    for page, value in itertools.product(("change", "delete", "history"), NASTY):
        if value and value != "\\":
            ask(client, page_of(model_admin, page, value), {})


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: each.opts.label)
def test_answers_any_first_value_of_a_new_row(client: Client, model_admin: "ModelAdmin[Any]") -> None:
    for field, value in itertools.product(model_admin.opts.fields, FEW):
        ask(client, page_of(model_admin, "add"), {field.name: value})


@pytest.mark.parametrize("value", NASTY)
def test_answers_any_search_for_a_choice(client: Client, value: Any) -> None:
    known = {"app_label": "workspaces", "model_name": "membership", "field_name": "user", "term": "a"}

    for name in (*known, "page"):
        ask(client, reverse("admin:autocomplete"), known | {name: value})


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: each.opts.label)
def test_answers_any_choice_of_rows_to_act_on(client: Client, model_admin: "ModelAdmin[Any]") -> None:
    actions = [name if isinstance(name, str) else name.__name__ for name in model_admin.actions or ()]

    for action, value in itertools.product(["", "nonsense", "delete_selected", *actions], FEW):
        with transaction.atomic():
            posted = {"action": action, "index": value, "_selected_action": value}
            answer = client.post(page_of(model_admin, "changelist"), posted)
        assert answer.status_code < 500, (action, value)
