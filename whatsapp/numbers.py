"""Phones that WhatsApp spells otherwise than the world does: one person, several numbers."""

from leads.phone import NotAPhoneNumber, normalise, spellings

__all__ = ["as_a_form_has_it", "spellings"]


def as_a_form_has_it(phone: str) -> str:
    """Return the spelling that the world uses, so that who writes first and fills in a form later is one lead."""
    try:
        return normalise(phone)
    except NotAPhoneNumber:
        return phone
