"""Countries to choose from beside a phone field: in the visitor's own words, with their calling codes."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from babel import Locale

from leadforms.languages import CODES, RIGHT_TO_LEFT


@dataclass(frozen=True, slots=True)
class Country:
    """A region that phone numbers are known for: two letters, its name, +44."""

    region: str
    name: str
    code: str


@lru_cache(maxsize=len(CODES))
def countries_in(language: str) -> tuple[Country, ...]:
    """List all countries by their names in a language."""
    names = Locale.parse(language).territories
    # Among letters that run to the left, a plus that is not told otherwise ends up behind its digits.
    plus = "\u200e+" if language in RIGHT_TO_LEFT else "+"
    found = (
        Country(region, names.get(region, region), f"{plus}{phonenumbers.country_code_for_region(region)}")
        for region in phonenumbers.SUPPORTED_REGIONS
    )
    return tuple(sorted(found, key=lambda country: _alphabetical(country.name)))


def _alphabetical(name: str) -> str:
    """Return what a name is sorted by: É and Å stand with E and A."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
