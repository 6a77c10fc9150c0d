"""The call session: one Vapi call, from dialling to the report after it."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Dispatch, Lead

# Somebody talked, or may have, and what was said has not come.
_UNREPORTED = Q(
    status="ended",
    outcome__in=["completed", "transferred", "failed"],
    duration_s__isnull=True,
    cost_usd__isnull=True,
    transcript__isnull=True,
)


class CallSession(models.Model):
    """One call of Vapi's. Its events arrive in any order and more than once; the state only moves forward."""

    # The `vapi_status` of a test lead's call, which no wire has seen.
    SIMULATED = "simulated"

    UNREPORTED = _UNREPORTED

    class Status(models.TextChoices):
        """What the API shows: either it goes on or it is over."""

        IN_PROGRESS = "in_progress", _("In progress")
        ENDED = "ended", _("Ended")

    class Outcome(models.TextChoices):
        """What `ended_reason` means for us; "" while the call goes on."""

        COMPLETED = "completed", _("completed")
        TRANSFERRED = "transferred", _("transferred")
        NO_ANSWER = "no_answer", _("no answer")
        VOICEMAIL = "voicemail", _("voicemail")
        INVALID_NUMBER = "invalid_number", _("invalid number")
        ACCOUNT = "account", _("account or configuration")
        TRANSIENT = "transient", _("temporary error")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="call_sessions")
    # None: the lead called.
    dispatch = models.ForeignKey(
        Dispatch, on_delete=models.CASCADE, null=True, blank=True, related_name="call_sessions"
    )
    inbound = models.BooleanField(default=False)
    vapi_call_id = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.IN_PROGRESS)
    # Vapi's own word, for the timeline: queued, ringing, in-progress, forwarding, ended.
    vapi_status = models.CharField(max_length=32, blank=True, default="queued")
    # It rang, as far as we were told: then it is never dialled again by itself.
    rang = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    summary = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is what the API answers
    transcript = models.TextField(null=True, blank=True)  # noqa: DJ001 - likewise
    has_recording = models.BooleanField(default=False)
    ended_reason = models.CharField(max_length=160, null=True, blank=True)  # noqa: DJ001 - likewise
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["updated_at"], name="call_going_on", condition=Q(status="in_progress")),
            models.Index(
                fields=["updated_at"],
                name="call_came_to_nothing",
                condition=Q(outcome__in=["account", "transient", "invalid_number", "failed"]),
            ),
            models.Index(
                fields=["updated_at"], name="call_not_answered", condition=Q(outcome__in=["no_answer", "voicemail"])
            ),
            models.Index(fields=["updated_at"], name="call_not_reported", condition=_UNREPORTED),
        ]

    def __str__(self) -> str:
        return f"{self.vapi_call_id}: {self.get_status_display()}"

    def dispatches(self) -> models.QuerySet[Dispatch]:
        """Return the dispatch that made the call, as rows to change; none for a call that came in."""
        rows = Dispatch.objects.all()
        return rows.none() if self.dispatch_id is None else rows.filter(pk=self.dispatch_id)
