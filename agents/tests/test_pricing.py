"""What an answer costs."""

from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from agents.pricing import cost_usd
from coachbot import env
from providers.openai import Usage


def test_counts_by_the_list_and_an_unknown_model_as_the_dearest(settings: Settings) -> None:
    settings.OPENAI_PRICES = {"small": (Decimal(1), Decimal(2)), "big": (Decimal(10), Decimal(20))}

    assert cost_usd("small", Usage(1_000_000, 500_000)) == Decimal("2.000000")
    assert cost_usd("new", Usage(1000, 100)) == cost_usd("big", Usage(1000, 100)) == Decimal("0.012000")


def test_without_a_list_nothing_costs_anything(settings: Settings) -> None:
    settings.OPENAI_PRICES = {}
    assert cost_usd("small", Usage(1_000_000, 1)) == 0


def test_the_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PRICES", "a=1/2, b = 0.5/4 ,")
    assert env.prices("SOME_PRICES", "") == {"a": (Decimal(1), Decimal(2)), "b": (Decimal("0.5"), Decimal(4))}


@pytest.mark.parametrize("text", ["a", "a=1", "a=1/2/3", "=1/2", "a=x/2", "a=-1/2", "a=nan/2", "a=1/inf"])
def test_a_list_that_cannot_be_read_stops_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PRICES", text)
    with pytest.raises(ImproperlyConfigured, match="SOME_PRICES must be like"):
        env.prices("SOME_PRICES", "")
