"""Forms that must not act twice when the page after them is reloaded."""

import secrets

from django.http import HttpRequest

_KEY = "forms_not_yet_sent"
_KEEP = 20


def new_nonce(request: HttpRequest) -> str:
    """Remember a form that is about to be shown and return what it must carry."""
    nonce = secrets.token_urlsafe(12)
    request.session[_KEY] = [*request.session.get(_KEY, []), nonce][-_KEEP:]
    return nonce


def spend_nonce(request: HttpRequest, nonce: str) -> bool:
    """Take a form's nonce. False: it was sent before, or never shown to this session."""
    waiting = request.session.get(_KEY, [])
    if nonce not in waiting:
        return False
    request.session[_KEY] = [other for other in waiting if other != nonce]
    return True
