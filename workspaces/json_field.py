"""JSON that staff type into Django admin, read as strictly as the API's."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from webapi import strict_json


class StrictJSONField(forms.JSONField):
    """Django's field would store NaN, and crash on what is nested deep or holds a NUL."""

    def to_python(self, value: Any) -> Any:
        """Read what was typed. Raises ValidationError, whose words say where it is wrong."""
        if not isinstance(value, str) or value in self.empty_values or self.disabled:
            return super().to_python(value)
        try:
            found = strict_json.read(value)
        except strict_json.NotJson as error:
            raise forms.ValidationError(str(error), code="invalid") from None
        if any("\x00" in text for text in _texts(found)):
            raise forms.ValidationError(_("Must not contain NUL characters."), code="invalid")
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show what can't be read as it was typed."""
        try:
            if data and not self.disabled:
                strict_json.read(data)
        except strict_json.NotJson:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _texts(each)
