"""Countries to choose from beside a phone field: in the visitor's own words, with their calling codes."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from babel import Locale
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from leadforms.languages import CODES, RIGHT_TO_LEFT

# Some hundred options are most of a page's cost, and nearly all visitors of a form get the same.
KEPT_OPTIONS = 64


@dataclass(frozen=True, slots=True)
class Country:
    """A region that phone numbers are known for: two letters, its name, +44."""

    region: str
    name: str
    code: str


@lru_cache(maxsize=KEPT_OPTIONS)
def country_options(language: str, chosen: str) -> SafeString:
    """Write the <option> elements of all countries."""
    options = (
        (country.region, SafeString(" selected") if country.region == chosen else "", country.name, country.code)
        for country in countries_in(language)
    )
    return format_html_join("\n", '<option value="{}"{}>{} ({})</option>', options)


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
