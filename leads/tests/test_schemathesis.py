"""schemathesis drives the API by its own description: what it answers is what it says it answers."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok

from apikeys.models import Mode
from coachbot.wsgi import application
from conftest import make_key, make_lead, make_workspace
from leadforms.tests.factories import document, make_published, question, when
from tests.door import kept_connection

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# At import, as schemathesis makes one test of each operation while tests are collected.
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


@schema.parametrize()
@EXAMPLES
def test_answers_as_it_describes_itself(case: Any) -> None:
    ask(case, make_key(make_workspace(), mode=Mode.TEST))


@schema.include(path_regex=r"leads/\{").parametrize()
@EXAMPLES
def test_answers_as_it_describes_itself_where_the_lead_exists(case: Any) -> None:
    workspace = make_workspace()
    (name,) = case.path_parameters
    case.path_parameters[name] = str(make_lead(workspace).pk)

    ask(case, make_key(workspace))


@schema.include(path_regex=r"/form$").parametrize()
@EXAMPLES
def test_answers_as_it_describes_itself_where_a_form_is_published(case: Any) -> None:
    workspace = make_workspace()
    first = question("number", rules={"min": "1", "whole": True})
    make_published(workspace, document(first, question("dropdown", showIf=when(first)), question("hidden")))

    ask(case, make_key(workspace))


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
