"""Issuing, matching, revoking and rolling keys."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.core import serializers

from apikeys.models import ApiKey
from conftest import NOW, make_user, make_workspace

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("mode", ["live", "test"])
def test_issues_128_random_bits_and_stores_only_their_hash(mode: str) -> None:
    issued = ApiKey.objects.issue(workspace=make_workspace(), name="CRM", mode=mode)

    assert re.fullmatch(rf"ck_{mode}_[0-9a-f]{{32}}", issued.plaintext)
    row = ApiKey.objects.get()
    digits = issued.plaintext.removeprefix(f"ck_{mode}_")
    assert row.prefix == digits[:8]
    assert row.shown == f"ck_{mode}_{digits[:8]}…"
    assert row.token_hash == hashlib.sha256(issued.plaintext.encode()).hexdigest()
    assert digits not in serializers.serialize("json", [row])
    assert digits not in str(row) + repr(row)
    assert issued.plaintext not in json.dumps(vars(row), default=str)


def test_no_two_keys_are_alike() -> None:
    workspace = make_workspace()

    assert len({ApiKey.objects.issue(workspace=workspace, name="CRM").plaintext for _ in range(50)}) == 50


def test_matches_the_key_with_its_workspace() -> None:
    issued = ApiKey.objects.issue(workspace=make_workspace(), name="CRM")

    assert ApiKey.objects.match(issued.plaintext, at=NOW) == issued.key
    assert ApiKey.objects.match(issued.plaintext.replace("live", "test"), at=NOW) is None
    assert ApiKey.objects.match(issued.plaintext[:-1], at=NOW) is None
    assert ApiKey.objects.match("", at=NOW) is None


def test_revokes_once_and_for_ever() -> None:
    issued = ApiKey.objects.issue(workspace=make_workspace(), name="CRM")
    assert issued.key.state(NOW) == "active"

    assert issued.key.revoke(at=NOW) is True
    assert issued.key.revoke(at=NOW + timedelta(days=1)) is False

    row = ApiKey.objects.get()
    assert (row.revoked_at, row.state(NOW)) == (NOW, "revoked")
    assert ApiKey.objects.match(issued.plaintext, at=NOW) is None


def test_expires_in_that_very_moment() -> None:
    issued = ApiKey.objects.issue(workspace=make_workspace(), name="CRM", expires_at=NOW)

    assert ApiKey.objects.match(issued.plaintext, at=NOW - timedelta(microseconds=1)) == issued.key
    assert ApiKey.objects.match(issued.plaintext, at=NOW) is None
    assert issued.key.state(NOW - timedelta(microseconds=1)) == "expiring"
    assert issued.key.state(NOW) == "expired"


def test_rolls_into_a_key_like_it_and_dies_after_the_grace() -> None:
    workspace, user = make_workspace(), make_user()
    old = ApiKey.objects.issue(
        workspace=workspace, name="CRM", mode="test", limit_per_minute=5, limit_per_hour=0, created_by_id=user.pk
    )

    new = old.key.roll(at=NOW, grace=timedelta(hours=72), by_id=user.pk)

    assert (new.key.name, new.key.mode, new.key.workspace) == ("CRM", "test", workspace)
    assert (new.key.limit_per_minute, new.key.limit_per_hour, new.key.expires_at) == (5, 0, None)
    assert new.plaintext != old.plaintext
    last = NOW + timedelta(hours=72, microseconds=-1)
    assert ApiKey.objects.match(old.plaintext, at=last) == old.key
    assert ApiKey.objects.match(old.plaintext, at=NOW + timedelta(hours=72)) is None
    assert ApiKey.objects.match(new.plaintext, at=NOW + timedelta(days=365)) == new.key


def test_rolls_without_a_grace_at_once() -> None:
    old = ApiKey.objects.issue(workspace=make_workspace(), name="CRM")

    old.key.roll(at=NOW, grace=timedelta(0))

    assert ApiKey.objects.match(old.plaintext, at=NOW) is None


def test_rolling_never_lengthens_a_life() -> None:
    ends = NOW + timedelta(hours=1)
    old = ApiKey.objects.issue(workspace=make_workspace(), name="CRM", expires_at=ends)

    old.key.roll(at=NOW, grace=timedelta(hours=24))

    assert ApiKey.objects.get(pk=old.key.pk).expires_at == ends


@pytest.mark.parametrize("grace", [timedelta(seconds=-1), timedelta(hours=72, seconds=1)])
def test_refuses_another_grace(grace: timedelta) -> None:
    old = ApiKey.objects.issue(workspace=make_workspace(), name="CRM")

    with pytest.raises(ValueError, match="0 to 72 hours"):
        old.key.roll(at=NOW, grace=grace)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_refuses_to_roll_a_dead_key(end: str) -> None:
    old = ApiKey.objects.issue(workspace=make_workspace(), name="CRM")
    setattr(old.key, end, NOW)

    with pytest.raises(ValueError, match="Only a key that works"):
        old.key.roll(at=NOW, grace=timedelta(0))
    assert ApiKey.objects.count() == 1
