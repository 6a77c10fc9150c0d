"""What a visitor's browser tells about them: the languages they read, and so where they may be from."""

from collections.abc import Iterator

import phonenumbers
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from leadforms.languages import CODES


def language_of(request: HttpRequest) -> str:
    """Return the first of the form's languages that the browser asks for; English for who reads none of them."""
    spoken = (tag.partition("-")[0] for tag in _tags(request))
    return next((language for language in spoken if language in CODES), CODES[0])


def region_of(request: HttpRequest) -> str:
    """Return the country of the browser's first language that names one (en-GB), "" where none does."""
    named = (tag.rpartition("-")[2].upper() for tag in _tags(request) if "-" in tag)
    return next((region for region in named if region in phonenumbers.SUPPORTED_REGIONS), "")


def _tags(request: HttpRequest) -> Iterator[str]:
    return (tag for tag, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")))
