"""The journal shows each crossing, and no secret."""

import pytest

from conftest import NOW, make_workspace
from workspaces.journal import MASK, MAX_PAYLOAD_CHARS, Crossing, masked_text, record
from workspaces.models import LogEntry


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"server": {"headers": {"X-Vapi-Secret": "abc"}}}, '{"server": {"headers": {"X-Vapi-Secret": "•••"}}}'),
        ({"monitor": {"controlUrl": "https://x/y"}}, '{"monitor": {"controlUrl": "•••"}}'),
        ({"a": [{"api_key": "k", "apiKey": "k"}]}, '{"a": [{"api_key": "•••", "apiKey": "•••"}]}'),
        ("Authorization is Bearer abc.def-123456", "Authorization is Bearer •••"),
        ("BASIC dXNlcjpwYXNzd29yZA==", "BASIC •••"),
        ("the key ck_live_0123456789abcdef0123456789abcdef here", "the key ••• here"),
        ("sk-proj-abcdefgh12345", "•••"),
        ("my card is 4111 1111 1111 1111, thanks", "my card is •••, thanks"),
        ("4111-1111-1111-1111", "•••"),
        ("call +447123456789 now", "call +447123456789 now"),
        ({"id": "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad"}, '{"id": "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad"}'),
        ('{"error": {"api_key": "plain"}}', '{"error": {"api_key": "•••"}}'),
        ('{"token": "cut off', '{"token": "cut off'),
        ("basically bearable", "basically bearable"),
        ('{"timestamp": 1795325000123}', '{"timestamp": 1795325000123}'),
        ("half \ud800 a pair", "half ? a pair"),
    ],
)
def test_masks_secrets_and_nothing_else(payload: object, shown: str) -> None:
    """Keys that name a secret, tokens in text and card-like numbers are masked; ids and phones stay."""
    assert masked_text(payload) == shown


def test_masks_what_the_caller_names_as_secret() -> None:
    """A credential that looks like nothing is masked because it is told."""
    assert masked_text("token=plainword", ("plainword",)) == f"token={MASK}"


def test_cuts_a_long_payload() -> None:
    """The journal is for reading, not for storing megabytes."""
    assert len(masked_text("x" * 100_000)) == MAX_PAYLOAD_CHARS + 1


@pytest.mark.django_db
def test_records_a_crossing_without_nul_characters() -> None:
    """PostgreSQL can't store NUL; a provider may well send one."""
    workspace = make_workspace()
    crossing = Crossing(provider="vapi", operation="POST /call", outcome=LogEntry.Outcome.OK, response="a\x00b")
    record(crossing, workspace_id=workspace.pk, now=NOW)
    assert workspace.log_entries.get().response == "ab"
