"""What an agent did for a lead: the tools it called, and the appointment it made."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.fields import VerbatimJSONField
from leads.models import Lead


class ToolCall(models.Model):
    """One wish of the model's, by the id it gave it: asked again, it gets the stored result."""

    id = models.BigAutoField(primary_key=True)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="tool_calls", db_index=False)
    channel = models.CharField(max_length=16)
    call_id = models.CharField(max_length=128)
    name = models.CharField(max_length=64)
    # As the model wrote it: an object, or a text where it was none.
    arguments = VerbatimJSONField(null=True, blank=True)
    result = VerbatimJSONField(null=True, blank=True)
    ok = models.BooleanField(null=True, blank=True)
    created_at = models.DateTimeField()
    # Since when whoever is at it has been: one that died is succeeded.
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["lead", "call_id"], name="tool_call_once")]

    def __str__(self) -> str:
        return self.name


class BookingQuerySet(models.QuerySet["Booking"]):
    """Many bookings. Every change of state is one conditional UPDATE whose count says who won."""

    def unsettled(self, at: datetime) -> "BookingQuerySet":
        """Keep those whose outcome is not known and which are due to be asked about, oldest first."""
        return self.filter(status__in=Booking.UNSETTLED, due_at__lte=at).order_by("due_at")

    def claim(self, pk: uuid.UUID, *, due_at: datetime, until: datetime) -> bool:
        """Take an unsettled booking for this process: `due_at` as it was read. False: someone else has it."""
        return self.filter(pk=pk, status__in=Booking.UNSETTLED, due_at=due_at).update(due_at=until) == 1


class Booking(models.Model):
    """An appointment at Cal.com: promised here before it is asked for there, so that it is made once."""

    class Status(models.TextChoices):
        """SENDING → BOOKED or FAILED; UNKNOWN where Cal.com may have it, until it was asked."""

        SENDING = "sending", _("being booked")
        UNKNOWN = "unknown", _("not known yet")
        BOOKED = "booked", _("booked")
        FAILED = "failed", _("not booked")
        # A person took the lead up again after it, so another may be made.
        REPLACED = "replaced", _("no longer counts")
        # At Cal.com, by its host or its attendee.
        CANCELED = "canceled", _("called off")

    UNSETTLED = (Status.SENDING, Status.UNKNOWN)
    ACTIVE = (Status.SENDING, Status.UNKNOWN, Status.BOOKED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="bookings")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.SENDING)
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64)
    attendee_name = models.CharField(max_length=120)
    attendee_email = models.CharField(max_length=254)
    # Cal.com's own id.
    uid = models.CharField(max_length=128, blank=True, default="")
    # The host has to confirm it first.
    awaits_host = models.BooleanField(default=False)
    reason = models.CharField(max_length=255, blank=True, default="")
    # How often Cal.com was asked and didn't have it.
    looks = models.PositiveSmallIntegerField(default=0)
    # SENDING, UNKNOWN: not asked about before then.
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["lead"], name="booking_one_active", condition=Q(status__in=["sending", "unknown", "booked"])
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="booking_unsettled", condition=Q(status__in=["sending", "unknown"])),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} UTC: {self.get_status_display()}"

    def told(self) -> dict[str, Any]:
        """Say which appointment it is, for a model's eyes."""
        return {"start": utc_text(self.start), "timezone": self.timezone, "email": self.attendee_email}


def utc_text(at: datetime) -> str:
    """Write a moment as Cal.com takes it, and as listSlots hands it out: 2026-06-08T09:00:00Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
