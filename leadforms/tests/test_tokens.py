"""The token of a shown form: ours, of this form, of today, and used once."""

import re
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from pytest_django import Settings

from conftest import NOW
from leadforms import tokens
from leadforms.models import FormVersion, LeadForm, SpentToken
from leadforms.tests.at_once import THREADS, Race
from leadforms.tokens import BadToken, Spent, Token

FORM, OTHER = LeadForm(pk=7), LeadForm(pk=70)
VERSION = FormVersion(pk=UUID("0b2f0d8c-9d0e-4a51-8d77-3b1f2a6c5e40"), form=FORM)
SAME, DIFFERENT = "a" * 64, "b" * 64


def make_token(nonce: str = "nonce") -> Token:
    return Token(VERSION.pk, nonce, NOW)


def test_says_which_version_was_shown_and_when() -> None:
    text = tokens.issue(VERSION, now=NOW)

    token = tokens.read(text, form=FORM, now=NOW + timedelta(seconds=3))

    assert (token.version_id, token.issued_at) == (VERSION.pk, NOW)
    assert token.age_s(NOW + timedelta(seconds=3.5)) == 3.5


def test_is_short_and_needs_no_escaping() -> None:
    text = tokens.issue(VERSION, now=NOW)

    assert re.fullmatch(r"[A-Za-z0-9_.:-]+", text)
    assert len(text) < 120


def test_no_two_are_alike() -> None:
    nonces = {tokens.read(tokens.issue(VERSION, now=NOW), form=FORM, now=NOW).nonce for _ in range(100)}

    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces} == {22}


def test_lives_for_a_day() -> None:
    text = tokens.issue(VERSION, now=NOW)

    last = NOW + timedelta(hours=24) - timedelta(milliseconds=1)
    assert tokens.read(text, form=FORM, now=last).issued_at == NOW
    with pytest.raises(BadToken):
        tokens.read(text, form=FORM, now=NOW + timedelta(hours=24))


def test_is_good_for_its_own_form_alone() -> None:
    text = tokens.issue(VERSION, now=NOW)

    with pytest.raises(BadToken):
        tokens.read(text, form=OTHER, now=NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "x",
        lambda text: ":",
        lambda text: text[:-1],
        lambda text: text[1:],
        lambda text: text + "A",
        lambda text: text.replace(".", "", 1),
        lambda text: text.swapcase(),
        lambda text: text.rpartition(":")[0],
        lambda text: text * 10_000,
        lambda text: text.partition(":")[0] + ":" + "é\udcff\x00",
    ],
)
def test_refuses_what_was_not_issued(spoil: object) -> None:
    text = spoil(tokens.issue(VERSION, now=NOW))  # type: ignore[operator]

    with pytest.raises(BadToken):
        tokens.read(text, form=FORM, now=NOW)


def test_refuses_what_was_signed_with_another_key(settings: Settings) -> None:
    text = tokens.issue(VERSION, now=NOW)
    settings.SECRET_KEY = "another"

    with pytest.raises(BadToken):
        tokens.read(text, form=FORM, now=NOW)


@pytest.mark.django_db
def test_tells_the_first_use_from_the_next_ones() -> None:
    assert tokens.spend(make_token(), body_sha256=SAME, now=NOW) is Spent.FIRST
    assert tokens.spend(make_token(), body_sha256=SAME, now=NOW) is Spent.SAME
    assert tokens.spend(make_token(), body_sha256=DIFFERENT, now=NOW) is Spent.OTHER
    assert tokens.spend(make_token("another"), body_sha256=SAME, now=NOW) is Spent.FIRST


@pytest.mark.django_db
def test_stores_nothing_a_token_could_be_made_from() -> None:
    tokens.spend(make_token("the-nonce"), body_sha256=SAME, now=NOW)

    assert "the-nonce" not in str(SpentToken.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_was_not_used() -> None:
    with transaction.atomic():
        tokens.spend(make_token(), body_sha256=SAME, now=NOW)
        transaction.set_rollback(True)

    assert tokens.spend(make_token(), body_sha256=DIFFERENT, now=NOW) is Spent.FIRST


@pytest.mark.django_db(transaction=True)
def test_of_any_number_at_once_one_is_the_first(tmp_path: Path) -> None:
    race = Race(tmp_path / "race.sqlite3")
    race.make_tables(SpentToken)
    token = Token(uuid4(), "raced", NOW)

    def spend(n: int) -> Spent:
        with transaction.atomic(durable=True):
            spent = tokens.spend(token, body_sha256=SAME, now=NOW)
            # Whoever is first makes the lead now; the others must wait for it.
            time.sleep(0.02)
            return spent

    assert Counter(race(spend)) == {Spent.FIRST: 1, Spent.SAME: THREADS - 1}


@pytest.mark.django_db(transaction=True)
def test_a_first_that_fails_leaves_the_token_to_the_next(tmp_path: Path) -> None:
    race = Race(tmp_path / "race.sqlite3")
    race.make_tables(SpentToken)
    failed: list[int] = []

    def spend(n: int) -> Spent | None:
        try:
            with transaction.atomic(durable=True):
                spent = tokens.spend(make_token(), body_sha256=SAME, now=NOW)
                if spent is Spent.FIRST and not failed:
                    failed.append(n)
                    time.sleep(0.05)
                    raise RuntimeError
                return spent
        except RuntimeError:
            return None

    assert Counter(race(spend)) == {None: 1, Spent.FIRST: 1, Spent.SAME: THREADS - 2}
