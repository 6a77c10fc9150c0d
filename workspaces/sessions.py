"""Who is signed in: Django keeps a row for each session and deletes none that has ended."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import QuerySet


def find_expired(*, now: datetime) -> list[QuerySet[Session]]:
    """Return the rows that have served their time."""
    return [Session.objects.filter(expire_date__lte=now)]
