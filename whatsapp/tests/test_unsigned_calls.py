"""Calls in Inngest's name that Inngest didn't sign: refused, and nothing that wakes an operator."""

from typing import Any

import pytest
from django.test import Client

from whatsapp.tests.conftest import Events

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("signature", [None, "t=1&s=00", "nonsense"])
@pytest.mark.parametrize(
    ("body", "status"), [(b"{}", 401), (b"", 401), (b"{", 400), (b"[" * 5000, 400), (b'{"ctx": NaN}', 400)]
)
def test_are_refused_and_logged_as_warnings(
    engine: Events, client: Client, body: bytes, status: int, signature: str | None, logged_levels: Any
) -> None:
    headers = {"X-Inngest-Signature": signature} if signature else {}
    path = "/api/inngest?fnId=coachbot-agent-turn&stepId=step"

    answer = client.post(path, body, content_type="application/json", headers=headers)

    assert answer.status_code == status
    assert logged_levels() <= {"warning"}
