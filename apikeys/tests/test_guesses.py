"""Ten thousand guesses open nothing, and every wrong key gets one and the same answer."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from conftest import make_key, make_workspace
from tests.door import Answered, knock

pytestmark = pytest.mark.django_db

GUESSES = 10_000
REFUSAL = b'{"ok":false,"error":"API key is invalid or revoked."}'


def ask(token: str, *, method: str = "GET", path: str = "/api/public/leads/0") -> Answered:
    return knock(method, path, headers={"authorization": f"Bearer {token}"})


@pytest.mark.slow
def test_ten_thousand_guesses_learn_nothing() -> None:
    key = make_key(make_workspace())
    chance = random.Random(7)
    known = key.removeprefix("ck_live_")
    answers = set()

    for n in range(GUESSES):
        digits = f"{chance.getrandbits(128):032x}"
        # Every other guess knows the prefix, which is shown in the console.
        token = f"ck_live_{known[:8]}{digits[8:]}" if n % 2 else f"ck_live_{digits}"
        answer = ask(token)
        headers = tuple(sorted(item for item in answer.headers.items() if item[0] != "X-Request-Id"))
        answers.add((answer.status_code, headers, answer.content))

    ((status, headers, body),) = answers
    assert (status, body) == (401, REFUSAL)
    assert dict(headers)["WWW-Authenticate"] == "Bearer"
    assert ask(key).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "kind", ["unknown", "revoked", "expired", "malformed", "upper case", "other mode", "another scheme's"]
)
def test_every_wrong_key_gets_one_answer(kind: str, method: str) -> None:
    now = timezone.now()
    token = make_key(make_workspace())
    row = ApiKey.objects.filter(name="Test")
    match kind:
        case "unknown":
            row.delete()
        case "revoked":
            row.update(revoked_at=now)
        case "expired":
            row.update(expires_at=now - timedelta(milliseconds=1))
        case "malformed":
            token = token[:-1]
        case "upper case":
            token = "ck_live_" + token.removeprefix("ck_live_").upper() + "A"
        case "other mode":
            token = token.replace("live", "test")
        case _:
            token = "sk-" + token
    path = "/api/public/leads/0" if method == "GET" else "/api/public/leads"

    answer = ask(token, method=method, path=path)

    assert (answer.status_code, answer.content) == (401, REFUSAL)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
