"""The signed token that each shown form carries: which version was shown, when, and that it is sent once.

The hosted form stands in foreign frames, where no cookie reaches us: this is what it has instead of a session.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.core import signing

from leadforms.addresses import safe_origins
from leadforms.models import FormVersion, LeadForm, SpentToken
from workspaces.insert_once import find_or_insert

LIFE = timedelta(hours=24)
# 128 bits: nobody guesses another visitor's.
NONCE_BYTES = 16
MAX_LENGTH = 200
SITE_DIGEST_BYTES = 9


class BadToken(Exception):
    """Forged, of another form, or older than a day."""


class TooOld(BadToken):
    """Ours, and older than a day. `embedded_by` is as the token says."""

    def __init__(self, *, embedded_by: str) -> None:
        super().__init__("older than a day")
        self.embedded_by = embedded_by


class Spent(Enum):
    """What the token was used for before."""

    FIRST = "first"
    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `embedded_by` is the origin that showed our page in a frame, if it still may do so."""

    version_id: UUID
    nonce: str
    issued_at: datetime
    embedded_by: str = ""

    def age_s(self, now: datetime) -> float:
        """Return the seconds since the form was shown; less than 0 where another machine's clock is ahead."""
        return (now - self.issued_at).total_seconds()


def issue(version: FormVersion, *, now: datetime, embedded_by: str = "") -> str:
    """Make the token of a form that is about to be shown: a hundred characters that need no escaping in HTML."""
    parts = [
        signing.b64_encode(version.pk.bytes).decode(),
        secrets.token_urlsafe(NONCE_BYTES),
        signing.b62_encode(int(now.timestamp() * 1000)),
    ]
    if embedded_by:
        parts.append(_site_digest(embedded_by))
    return _signer(version.form_id).sign(".".join(parts))


def read(token: str, *, form: LeadForm, now: datetime) -> Token:
    """Return what a token says. Raises BadToken, TooOld among them."""
    try:
        version, nonce, issued, *site = _signer(form.pk).unsign(token[:MAX_LENGTH]).split(".")
        version_id = UUID(bytes=signing.b64_decode(version.encode()))
        issued_at = datetime.fromtimestamp(signing.b62_decode(issued) / 1000, tz=UTC)
    except (signing.BadSignature, ValueError, OverflowError) as error:
        raise BadToken("not a token of this form") from error
    embedded_by = next((origin for origin in safe_origins(form.embed_origins) if [_site_digest(origin)] == site), "")
    if now - issued_at >= LIFE:
        raise TooOld(embedded_by=embedded_by)
    return Token(version_id, nonce, issued_at, embedded_by)


def spend(token: Token, *, body_sha256: str, now: datetime) -> Spent:
    """Use a token up, as part of the caller's transaction: what is rolled back was not used.

    Of any number at once one is FIRST; the others wait for its transaction and then find out whether they send the
    SAME as it or something OTHER.
    """
    row, is_first = find_or_insert(
        SpentToken, digest=_digest(token), defaults={"body_sha256": body_sha256, "spent_at": now}
    )
    if is_first:
        return Spent.FIRST
    return Spent.SAME if row.body_sha256 == body_sha256 else Spent.OTHER


def is_spent(token: Token) -> bool:
    """Tell whether a token was used. False is no promise: another request may be using it now."""
    return SpentToken.objects.filter(digest=_digest(token)).exists()


def _site_digest(origin: str) -> str:
    return signing.b64_encode(hashlib.sha256(origin.encode()).digest()[:SITE_DIGEST_BYTES]).decode()


def _digest(token: Token) -> str:
    return hashlib.sha256(token.nonce.encode()).hexdigest()


def _signer(form_id: Any) -> signing.Signer:
    # The form in the salt: what was signed for another one does not verify.
    return signing.Signer(salt=f"leadforms.tokens:{form_id}")
