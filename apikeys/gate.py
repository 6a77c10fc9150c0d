"""The one way into the Public API: who calls, how often, then the endpoint; every refusal in the one shape."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, InternalError, OperationalError

from apikeys import limits
from apikeys.authentication import Caller, identify, recall
from webapi.calls import Answer, ApiCall, refused
from webapi.errors import ApiError, unavailable
from workspaces.connections import give_back, purge_dead

logger = logging.getLogger(__name__)

Endpoint = Callable[[ApiCall, Caller], Answer]


def enter(call: ApiCall, endpoint: Endpoint, *, remembered: bool = False) -> Answer:
    """Answer a call by an endpoint, once its key is known and within its limits.

    `remembered` spares the key's query: for endpoints whose own statement checks the key again. Then a refusal is
    answered only after the key was read anew, so that a key revoked a moment ago learns nothing but that; and a call
    that may be given a stored answer, which no statement checks, has its key read first.
    A 304 does not count against the limits.
    """
    remembered = remembered and call.header("HTTP_IDEMPOTENCY_KEY") is None
    standings: list[limits.Standing] = []
    authorization = call.header("HTTP_AUTHORIZATION")
    try:
        caller = (recall if remembered else identify)(authorization, now=call.now)
        give_back()
        refusal, standings = limits.count(caller)
        if refusal:
            raise refusal
        answer = endpoint(call, caller)
        if answer.status == 304:
            standings = limits.refund(caller, standings)
    except ApiError as error:
        answer = refused(_confirmed(error, call) if remembered else error)
    except (OperationalError, InterfaceError, InternalError) as error:
        logger.warning("database unavailable: %s", type(error).__name__)
        purge_dead()
        answer = refused(unavailable())
    answer.headers.setdefault("Cache-Control", "no-store")
    if answer.status != 401:
        answer.headers = limits.headers_of(standings) | answer.headers
    return answer


def _confirmed(error: ApiError, call: ApiCall) -> ApiError:
    """Put a 401 in an error's place when the key no longer works."""
    if error.status in {401, 503}:
        return error
    try:
        identify(call.header("HTTP_AUTHORIZATION"), now=call.now)
    except ApiError as unauthorized:
        return unauthorized
    return error
