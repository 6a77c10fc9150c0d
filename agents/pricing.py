"""What a model's words cost."""

from decimal import Decimal

from django.conf import settings

from providers.openai import Usage

MILLION = Decimal(1_000_000)
# As precisely as a row keeps it.
COST_STEP = Decimal("0.000001")


def cost_usd(model: str, usage: Usage) -> Decimal:
    """Return the price of tokens by settings.OPENAI_PRICES; a model that isn't in there costs what the dearest does."""
    prices: dict[str, tuple[Decimal, Decimal]] = settings.OPENAI_PRICES
    each_in, each_out = prices.get(model) or max(prices.values(), key=sum, default=(Decimal(0), Decimal(0)))
    cost = (usage.input_tokens * each_in + usage.output_tokens * each_out) / MILLION
    return cost.quantize(COST_STEP)
