"""What requests with an Idempotency-Key left under way."""

from collections.abc import Iterable
from datetime import datetime

from apikeys.models import IdempotentRequest
from workspaces.promises import OpenPromise


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List runs without an answer. Whoever repeats one gets the lead's answer, or sends the lead anew."""
    rows = IdempotentRequest.objects.filter(status=IdempotentRequest.Status.RUNNING, lease_until__gt=now)
    yield OpenPromise(
        name="requests",
        title="API requests under way",
        closing="the client may repeat them at once",
        rows=rows,
        close=lambda at: rows.update(lease_until=at),
    )
