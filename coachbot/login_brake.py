"""The brake on guessing passwords: a short growing delay for an account at an address, and for an address.

It never locks an account. What a stranger does at one address delays nobody at another, and a browser that has signed
in to the account before is counted apart, so that the neighbors behind one address can't hold it up either.
"""

import logging
import math
import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from apikeys import limits
from webapi.client_ip import client_ip, network_of

logger = logging.getLogger(__name__)

# Tries are counted for an hour from the first. So many are free; after that each has to wait longer than the last.
_TRIES = limits.Window("login", 3600, 1_000_000_000)
FREE_TRIES = 4
FREE_TRIES_OF_ADDRESS = 20
MAX_DELAY_S = 60
COOKIE = "coachbot_browser"
COOKIE_AGE_S = 180 * 24 * 3600
_SALT = "coachbot.login_brake"
# Counts while Redis is away.
_own = limits.ProcessCounters()


class TooManyTries(Exception):
    """The next try may be made in `retry_s` seconds. Nothing was hashed or compared."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(retry_s)
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that is counted. `account` and `network` name the counters; None where none counts."""

    account: str
    network: str | None = None

    def succeeded(self) -> None:
        """Forget the failures of the account; those of the address stay."""
        for counters in (limits.shared(), _own):
            counters.refund(self.account, [_delay(1)])
            counters.forget(self.account, [_TRIES])
        self._take_back(self.network)

    def not_made(self) -> None:
        """Count the try no longer: nothing was compared."""
        self._take_back(self.account)
        self._take_back(self.network)

    def _take_back(self, who: str | None) -> None:
        if who is not None:
            for counters in (limits.shared(), _own):
                counters.refund(who, [_TRIES, _delay(1)])


def begin(request: HttpRequest, username: str) -> Attempt:
    """Count a try to sign in. Raises TooManyTries."""
    account, network = _hide(username.casefold()), network_of(client_ip(request))
    if browser := _known(request, account):
        attempt = Attempt(account=f"login:browser:{browser}")
    else:
        attempt = Attempt(account=f"login:{account}:{_hide(network)}", network=f"login:{_hide(network)}")
    if attempt.network is not None:
        _count(attempt.network, free=FREE_TRIES_OF_ADDRESS)
    try:
        _count(attempt.account, free=FREE_TRIES)
    except TooManyTries:
        attempt._take_back(attempt.network)
        raise
    return attempt


def begin_change(user_id: int) -> Attempt:
    """Count a try to change a password, for which the old one is asked. Raises TooManyTries."""
    attempt = Attempt(account=f"password:{user_id}")
    _count(attempt.account, free=FREE_TRIES)
    return attempt


def log_failure(request: HttpRequest, username: str) -> None:
    """Log a failed try, without what was typed: it may be a password in the wrong field."""
    found = get_user_model()._default_manager.filter(username=username).values_list("pk", flat=True).first()
    account = f"user {found}" if found else "unknown"
    logger.warning("a login failed", extra={"account": account, "address": client_ip(request)})


def remember_browser(request: HttpRequest, response: HttpResponseBase, username: str) -> None:
    """Have the browser show next time that this account has signed in with it before."""
    account = _hide(username.casefold())
    told = signing.dumps([account, _known(request, account) or secrets.token_hex(16)], salt=_SALT)
    secure = request.is_secure()
    response.set_cookie(COOKIE, told, max_age=COOKIE_AGE_S, secure=secure, httponly=True, samesite="Lax")


def _count(who: str, *, free: int) -> None:
    """Count a try, if the delay after the last one is over. Exactly one of many simultaneous ones passes then."""
    tries = _hit(who, _TRIES)[1]
    if tries <= free:
        return
    passes, _, left_s = _hit(who, _delay(tries - free))
    if not passes:
        for counters in (limits.shared(), _own):
            counters.refund(who, [_TRIES])
        raise TooManyTries(max(1, math.ceil(left_s)))


def _delay(tries: int) -> limits.Window:
    """Return the window in which one try passes: 2, 4, 8 … seconds."""
    return limits.Window("login-delay", min(MAX_DELAY_S, 2 ** min(tries, 6)), 1)


def _hit(who: str, window: limits.Window) -> tuple[bool, int, float]:
    """Count in the shared counters; in this process' own while those are away. Returns (allowed, count, s left)."""
    for counters in (limits.shared(), _own):
        allowed, [(count, left_s)] = counters.hit(who, [window])
        # A count of nothing: Redis is away.
        if count:
            break
    return allowed, count, left_s


def _known(request: HttpRequest, account: str) -> str | None:
    """Return the name of a browser that has signed in to the account before."""
    try:
        told, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=COOKIE_AGE_S)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(browser) if told == account else None


def _hide(name: str) -> str:
    """Write a name so that a counter's does not tell it, whatever its length."""
    return salted_hmac(_SALT, name, algorithm="sha256").hexdigest()[:32]
