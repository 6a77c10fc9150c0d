"""schemathesis drives the API by its own description: what it answers is what it says it answers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok

from apikeys.models import Mode
from coachbot.wsgi import application
from conftest import make_key, make_lead, make_workspace
from leadforms.tests.factories import document, make_published, question, when
from tests.door import kept_connection
from tests.properties import HealthCheck, Phase, given, settings

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# At import: each operation is a test of its own.
schema = schemathesis.openapi.from_wsgi("/api/public/openapi.json", application)
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def ask(case: Any, key: str) -> None:
    """Call, and hold the answer against the description: its status, headers, content type and body."""
    with kept_connection():
        case.call_and_validate(
            headers={"Authorization": f"Bearer {key}", "Host": "127.0.0.1"},
            # No schema can say what a possible phone number is, and an empty filter is none.
            excluded_checks=[positive_data_acceptance, negative_data_rejection],
        )


def each_operation(pattern: str = "") -> pytest.MarkDecorator:
    """Run a test for every operation whose path holds the pattern."""
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    chosen = [each for each in found if re.search(pattern, each.path)]
    return pytest.mark.parametrize("operation", chosen, ids=lambda each: f"{each.method.upper()} {each.path}")


def drive(operation: Any, act: Callable[[Any], None]) -> None:
    """Call with what the description lets a client send."""
    run: Callable[[], None] = EXAMPLES(given(operation.as_strategy())(act))  # type: ignore[no-untyped-call]
    run()


@each_operation()
def test_answers_as_it_describes_itself(operation: Any) -> None:
    def act(case: Any) -> None:
        ask(case, make_key(make_workspace(), mode=Mode.TEST))

    drive(operation, act)


@each_operation(r"leads/\{")
def test_answers_as_it_describes_itself_where_the_lead_exists(operation: Any) -> None:
    def act(case: Any) -> None:
        workspace = make_workspace()
        (name,) = case.path_parameters
        case.path_parameters[name] = str(make_lead(workspace).pk)

        ask(case, make_key(workspace))

    drive(operation, act)


@each_operation(r"/form$")
def test_answers_as_it_describes_itself_where_a_form_is_published(operation: Any) -> None:
    def act(case: Any) -> None:
        workspace = make_workspace()
        first = question("number", rules={"min": "1", "whole": True})
        make_published(workspace, document(first, question("dropdown", showIf=when(first)), question("hidden")))

        ask(case, make_key(workspace))

    drive(operation, act)


def test_describes_every_endpoint() -> None:
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    described = {f"{operation.method.upper()} {operation.path}" for operation in operations}

    assert described >= {
        "GET /api/public/leads",
        "POST /api/public/leads",
        "GET /api/public/leads/{lead_id}",
        "DELETE /api/public/leads/{lead_id}",
        "GET /api/public/me",
        "GET /api/public/form",
    }
